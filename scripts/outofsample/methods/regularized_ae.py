"""Regularised autoencoder (Neuron Editing, Tables 1 to 3)."""

from dataclasses import dataclass

import numpy as np

from outofsample.arrays import Prediction, Query
from outofsample.methods.base import Method as Base
from outofsample.methods.base import chunks


@dataclass(frozen=True)
class Settings:
    """Options of the regularised autoencoder.

    Attributes
    ----------
    model
        Name of the autoencoder.
    """

    model: str = "regularized_ae"


class Method(Base):
    """The reconstruction of the query: S and T were matched in training, and the decoder learned to undo it."""

    Settings = Settings
    data = frozenset({"tabular"})
    directed = False

    def predict(self, X: np.ndarray, query: Query, counts: np.ndarray | None = None) -> Prediction:
        latent = np.concatenate([self.fitted.encode(part, query.source) for part in chunks(X)])
        output = np.concatenate([self.fitted.decode(part, query.source) for part in chunks(latent)])
        return Prediction(output.astype(np.float32, copy=False), latent=latent)
