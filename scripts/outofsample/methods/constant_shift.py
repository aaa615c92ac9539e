"""Constant shift (Neuron Editing 2020, Tables 1 to 3)."""

from dataclasses import dataclass

from outofsample.methods.families.latent_edit import EditSettings, LatentEdit


@dataclass(frozen=True)
class Settings(EditSettings):
    """Options, see `EditSettings`."""

    model: str = "autoencoder"
    edit: str = "mean_shift"


class Method(LatentEdit):
    """Difference of mean activations of T and S, added to each bottleneck neuron of the query."""

    Settings = Settings
