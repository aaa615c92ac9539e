"""Methods that align whole batches: ComBat, limma, MNN, CCA."""

from typing import ClassVar

import numpy as np

from outofsample.arrays import Prediction, Query, TrainingData
from outofsample.errors import UserError
from outofsample.methods.families.base import Method


class BatchCorrector(Method):
    """Aligns batch 1 (S and X) with batch 2 (T, and R where given): ComBat, limma, MNN, CCA.

    Fitting and correcting are one step. The prediction is X *in batch 2's frame*: batch 2 stays as it is. The
    corrections do not know which cells are controls, so they also remove biology.

    Along a chain each hop is such a correction, with the controls of its own two batches.
    """

    data = frozenset({"tabular"})
    transductive = True
    takes_chains = True
    stochastic = False
    job = "r"
    #: The versions of all that took part in the correction.
    versions: ClassVar[dict[str, str]] = {}

    def correct(self, batch1: np.ndarray, batch2: np.ndarray, seed: int) -> np.ndarray:
        """Return batch 1 (cells, features) float32 corrected into the frame of batch 2 (cells, features)."""
        raise NotImplementedError

    def learn(self, data: TrainingData, seed: int) -> None:
        self.corrected = {}
        for query in data.queries:
            source, cells = data.X[data.is_source(query)], data.X[data.is_query(query)]
            corrected = np.concatenate([source, cells])
            for number, step in enumerate(query.steps):
                # S of the first hop is among the cells already.
                controls = data.X[data.is_source(step)] if number else corrected[:0]
                batch1 = np.concatenate([controls, corrected])
                batch2 = data.X[data.is_target(step) | data.is_reference(step)]
                corrected = self.correct(batch1, batch2, seed).astype(np.float32)[len(controls) :]
            pairs = ((source, corrected[: len(source)]), (cells, corrected[len(source) :]))
            self.corrected[query.name] = [[before, after] for before, after in pairs]

    def predict(self, X: np.ndarray, query: Query, counts: np.ndarray | None = None) -> Prediction:
        for before, after in self.corrected.get(query.name, ()):
            if before.shape == X.shape and np.array_equal(before, X):
                return Prediction(after)
        raise UserError("A batch corrector transforms only the cells that it was fitted on, in the same order.")

    def state(self) -> dict:
        return {"corrected": self.corrected}

    def load_state(self, state: dict) -> None:
        self.corrected = state["corrected"]
