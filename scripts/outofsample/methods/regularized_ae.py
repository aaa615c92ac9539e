"""Regularised autoencoder (Neuron Editing, Tables 1 to 3)."""

from dataclasses import dataclass

import numpy as np

from outofsample.arrays import Prediction, Query
from outofsample.methods.families.base import Method as Base


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
    directed = False

    def predict(self, X: np.ndarray, query: Query, counts: np.ndarray | None = None) -> Prediction:
        latents = [self.fitted.encode(part, query.source) for part in self.chunks(X)]
        output = np.concatenate([self.fitted.decode(latent, query.source) for latent in latents])
        # Feature maps are larger than the images that they stand for: they are not kept.
        latent = np.concatenate(latents) if self.fitted.latent_shape is None else None
        return Prediction(output.astype(np.float32, copy=False), latent=latent)
