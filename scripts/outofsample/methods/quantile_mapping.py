"""Control: the percentile map in data space, without a network."""

from dataclasses import dataclass

from outofsample.methods.families.latent_edit import EditSettings, LatentEdit


@dataclass(frozen=True)
class Settings(EditSettings):
    """Options, see `EditSettings`."""

    model: str = "identity"
    edit: str = "percentile"


class Method(LatentEdit):
    """Percentile map (Eq. 1) of each feature; neither paper has this control."""

    Settings = Settings
