"""Quantile mapping in data space, in each cluster of cells on its own; as CytoNorm does, without its splines."""

from dataclasses import dataclass

from outofsample.methods.families.latent_edit import EditSettings, LatentEdit


@dataclass(frozen=True)
class Settings(EditSettings):
    """Options, see `EditSettings`."""

    model: str = "identity"
    edit: str = "cluster_percentile"


class Method(LatentEdit):
    """Percentile map (Eq. 1) of each feature, learned in each cluster of S and T."""

    Settings = Settings
