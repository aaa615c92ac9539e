"""Principal components of S, T and X: the space of 'PCA editing' (Neuron Editing, Fig. 2b)."""

from dataclasses import dataclass

import numpy as np

from outofsample.arrays import TrainingData
from outofsample.models.families.base import Representation
from outofsample.training.run import Run


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters of PCA.

    Attributes
    ----------
    components
        Number of components kept, at most; 50 as the autoencoder's bottleneck.
    images
        The components are found on at most so many images, drawn by the seed: they are needed as float32 all at once.
    """

    components: int = 50
    images: int = 10_000

    def __post_init__(self):
        for name in ("components", "images"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")


class Model(Representation):
    """Principal component analysis by singular value decomposition; signs fixed so that results repeat."""

    Settings = Settings
    trains = False
    stochastic = False
    uses_counts = False

    def fit(self, data: TrainingData, seed: int = 0, run: Run = Run()) -> "Model":
        from sklearn.decomposition import PCA

        cells = np.flatnonzero(np.isin(data.role, ("source", "target", "query")))
        if data.image_shape is not None and len(cells) > self.settings.images:
            cells = np.sort(np.random.default_rng(seed).permutation(cells)[: self.settings.images])
        X = np.asarray(data.X[cells], dtype=np.float32)
        components = min(self.settings.components, *X.shape)
        solver = "full" if min(X.shape) <= 500 else "randomized"
        pca = PCA(components, svd_solver=solver, random_state=seed).fit(X)
        self.mean, self.axes = pca.mean_.astype(np.float32), pca.components_.astype(np.float32)
        return self

    def state(self) -> dict:
        return {"mean": self.mean, "axes": self.axes}

    def load_state(self, state: dict) -> "Model":
        self.mean, self.axes = np.asarray(state["mean"]), np.asarray(state["axes"])
        return self

    def encode(self, X: np.ndarray, condition: str | None = None) -> np.ndarray:
        return (X.astype(np.float32, copy=False) - self.mean) @ self.axes.T

    def decode(self, Z: np.ndarray, condition: str | None = None) -> np.ndarray:
        return (Z @ self.axes + self.mean).astype(np.float32, copy=False)
