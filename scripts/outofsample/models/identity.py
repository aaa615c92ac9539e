"""No representation: the edits then work in data space, and give the control methods."""

import numpy as np

from outofsample.arrays import TrainingData
from outofsample.models.base import Representation, Run


class Model(Representation):
    """The data as they are."""

    trains = False
    stochastic = False

    def fit(self, data: TrainingData, seed: int = 0, run: Run = Run()) -> "Model":
        return self

    def state(self) -> dict:
        return {}

    def load_state(self, state: dict) -> "Model":
        return self

    def encode(self, X: np.ndarray, condition: str | None = None) -> np.ndarray:
        return X.astype(np.float32, copy=False)

    def decode(self, Z: np.ndarray, condition: str | None = None) -> np.ndarray:
        return Z.astype(np.float32, copy=False)
