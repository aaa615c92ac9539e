"""scGen (trVAE, Section 4): latent arithmetic in a variational autoencoder."""

from dataclasses import dataclass

from outofsample.methods.families.latent_edit import EditSettings, LatentEdit


@dataclass(frozen=True)
class Settings(EditSettings):
    """Options, see `EditSettings`."""

    model: str = "vae"
    edit: str = "mean_shift"
    balance: str = "domains"


class Method(LatentEdit):
    """Difference of latent means of T and S, each domain counting alike, added to the query's latent values."""

    Settings = Settings
