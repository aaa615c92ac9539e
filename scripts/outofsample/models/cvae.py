"""The conditional variational autoencoder that trVAE is compared with (appendix, Table 5)."""

from dataclasses import dataclass

from outofsample.models.families.conditional import ConditionalModel, ConditionalSettings


@dataclass(frozen=True)
class Settings(ConditionalSettings):
    """Hyper-parameters, see `ConditionalSettings`; weights of Table 5."""

    alpha: float = 1e-3


class Model(ConditionalModel):
    """Eq. 8: nothing relates the conditions."""

    Settings = Settings
