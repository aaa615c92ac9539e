"""PCA editing (Neuron Editing, Fig. 2b)."""

from dataclasses import dataclass

from outofsample.methods.families.latent_edit import EditSettings, LatentEdit


@dataclass(frozen=True)
class Settings(EditSettings):
    """Options, see `EditSettings`."""

    model: str = "pca"
    edit: str = "percentile"


class Method(LatentEdit):
    """Percentile map (Eq. 1) on principal components of S, T and X."""

    Settings = Settings
