"""Control: the median shift in data space."""

from dataclasses import dataclass

from outofsample.methods.families.latent_edit import EditSettings, LatentEdit


@dataclass(frozen=True)
class Settings(EditSettings):
    """Options, see `EditSettings`."""

    model: str = "identity"
    edit: str = "median_shift"


class Method(LatentEdit):
    """Difference of medians of T and S, added to each feature: scores exactly 1 in Table 2 by construction."""

    Settings = Settings
