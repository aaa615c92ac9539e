"""Neuron Editing (Amodio et al., Section 2)."""

from dataclasses import dataclass

from outofsample.methods.families.latent_edit import EditSettings, LatentEdit


@dataclass(frozen=True)
class Settings(EditSettings):
    """Options, see `EditSettings`."""

    model: str = "autoencoder"
    edit: str = "percentile"


class Method(LatentEdit):
    """Percentile map (Eq. 1) of each bottleneck neuron of an autoencoder trained on S, T and X."""

    Settings = Settings
