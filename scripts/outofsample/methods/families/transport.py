"""Methods whose model moves a cell in a space of fewer dimensions, from where it is to where it would be."""

from dataclasses import dataclass

import numpy as np

from outofsample.arrays import Prediction, Query, TrainingData
from outofsample.methods.families.base import Method, residual, residual_floor


@dataclass(frozen=True)
class TransportSettings:
    """Options of a learned transport.

    Attributes
    ----------
    model
        Name of the model that moves latent values.
    output
        ``residual``: the cell plus the difference between its decoded moved and its decoded latent values, so that it
        keeps what the space does not explain; ``decode``: the decoded moved values.
    """

    model: str = "flow_matching"
    output: str = "residual"

    def __post_init__(self):
        if self.output not in ("residual", "decode"):
            raise ValueError(f"output must be 'residual' or 'decode', not '{self.output}'")


class Transport(Method):
    """Encode the cell, move it by the map that was learned from S to T, and take over how far it moves."""

    Settings = TransportSettings

    def learn(self, data: TrainingData, seed: int) -> None:
        self.floor = residual_floor(data)

    def predict(self, X: np.ndarray, query: Query, counts: np.ndarray | None = None) -> Prediction:
        moved = [self._move(part, query) for part in self.chunks(X)]
        return Prediction(*(np.concatenate(parts) for parts in zip(*moved, strict=True)))

    def _move(self, X: np.ndarray, query: Query) -> tuple[np.ndarray, np.ndarray]:
        """Return cells (cells, features) after the change, and their latent values (cells, units) there."""
        latent = self.fitted.encode(X)
        moved = self.fitted.translate(latent, query.source, query.target, query.domain)
        output = self.fitted.decode(moved)
        if self.settings.output == "residual":
            output = residual(X, output, self.fitted.decode(latent), self.floor)
        return output.astype(np.float32, copy=False), moved.astype(np.float32, copy=False)

    def state(self) -> dict:
        return {"floor": self.floor}

    def load_state(self, state: dict) -> None:
        self.floor = state["floor"]
