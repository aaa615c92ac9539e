"""Methods whose model maps cells of one condition straight to another: the generative adversarial networks."""

from dataclasses import dataclass

import numpy as np

from outofsample.arrays import Prediction, Query
from outofsample.methods.families.base import Method


@dataclass(frozen=True)
class TranslatorSettings:
    """Options of a translator.

    Attributes
    ----------
    model
        Name of the generative model.
    """

    model: str = "gan"


class TranslatorMethod(Method):
    """What the generator, trained on S and T alone, makes of the query."""

    Settings = TranslatorSettings

    def predict(self, X: np.ndarray, query: Query, counts: np.ndarray | None = None) -> Prediction:
        parts = [self.fitted.translate(part, query.source, query.target) for part in self.chunks(X)]
        return Prediction(np.concatenate(parts).astype(np.float32, copy=False))
