"""trVAE: a conditional variational autoencoder whose first decoder layer is matched across conditions."""

from dataclasses import dataclass

from outofsample.models.families.conditional import ConditionalModel, ConditionalSettings


@dataclass(frozen=True)
class Settings(ConditionalSettings):
    """Hyper-parameters, see `ConditionalSettings`; weights of the appendix's Table 3, but for ``beta`` (there 100)."""

    eta: float = 100.0
    alpha: float = 1e-5
    beta: float | None = None
    matched: str = "decoder"


class Model(ConditionalModel):
    """Eq. 9 for any number of conditions: MMD over all pairs of them, on the first decoder layer."""

    Settings = Settings
