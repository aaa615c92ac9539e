"""The conditional variational autoencoder with MMD on its bottleneck (trVAE, appendix, Table 6)."""

from dataclasses import dataclass

from outofsample.models.families.conditional import ConditionalModel, ConditionalSettings


@dataclass(frozen=True)
class Settings(ConditionalSettings):
    """Hyper-parameters, see `ConditionalSettings`; weights of Table 6, but for ``beta`` (there 1)."""

    alpha: float = 1e-3
    beta: float | None = None
    matched: str = "bottleneck"


class Model(ConditionalModel):
    """Eq. 6, as the variational fair autoencoder: MMD on the latent samples."""

    Settings = Settings
