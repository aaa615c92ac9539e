"""Control: the mean shift in data space."""

from dataclasses import dataclass

from outofsample.methods.families.latent_edit import EditSettings, LatentEdit


@dataclass(frozen=True)
class Settings(EditSettings):
    """Options, see `EditSettings`."""

    model: str = "identity"
    edit: str = "mean_shift"


class Method(LatentEdit):
    """Difference of means of T and S, added to each feature."""

    Settings = Settings
    quick_to_hold_out = True
