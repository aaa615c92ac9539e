"""No representation: the edits then work in data space, and give the control methods."""

import numpy as np

from outofsample.arrays import TrainingData
from outofsample.models.families.base import Representation
from outofsample.training.run import Run


class Model(Representation):
    """The data as they are."""

    trains = False
    stochastic = False
    uses_counts = False

    def fit(self, data: TrainingData, seed: int = 0, run: Run = Run()) -> "Model":
        self.image_shape = data.image_shape
        return self

    @property
    def latent_shape(self) -> tuple[int, int, int] | None:
        return self.image_shape

    def state(self) -> dict:
        return {"image_shape": self.image_shape}

    def load_state(self, state: dict) -> "Model":
        shape = state["image_shape"]
        self.image_shape = None if shape is None else tuple(shape)
        return self

    def encode(self, X: np.ndarray, condition: str | None = None) -> np.ndarray:
        return X.astype(np.float32, copy=False)

    def decode(self, Z: np.ndarray, condition: str | None = None) -> np.ndarray:
        return Z.astype(np.float32, copy=False)
