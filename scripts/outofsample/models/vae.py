"""The variational autoencoder of scGen (trVAE, appendix, Table 4)."""

from dataclasses import dataclass

import numpy as np

from outofsample.arrays import TrainingData
from outofsample.models.families.conditional import ConditionalModel, ConditionalSettings


@dataclass(frozen=True)
class Settings(ConditionalSettings):
    """Hyper-parameters, see `ConditionalSettings`; latent 100, the KL term a sum weighted as in scGen's code."""

    batch_size: int = 32
    latent: int = 100
    alpha: float = 5e-5
    kl: str = "sum"

    def __post_init__(self):
        super().__post_init__()
        if self.skips:
            raise ValueError("skips must be false: an edit of latent values could not reach what passes them by")


class Model(ConditionalModel):
    """A variational autoencoder that knows no conditions: a space for shifts and other edits."""

    Settings = Settings
    knows_conditions = False

    def groups(self, data: TrainingData) -> list[np.ndarray]:
        return [np.isin(data.role, self.roles)]
