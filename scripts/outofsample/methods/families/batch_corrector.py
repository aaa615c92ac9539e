"""Methods that align whole batches: ComBat, limma, MNN, CCA."""

from typing import ClassVar

import numpy as np

from outofsample.arrays import Prediction, Query, TrainingData
from outofsample.batch_correction.checks import as_result
from outofsample.batch_correction.scale_and_shift import Correction, scale_and_shift
from outofsample.errors import UserError
from outofsample.methods.families.base import Method


class BatchCorrector(Method):
    """Aligns batch 1 (S and X) with batch 2 (T, and R where given): ComBat, limma, MNN, CCA.

    Fitting and correcting are one step (but for `ScaleAndShift`). The prediction is X *in batch 2's frame*: batch 2
    stays as it is. The corrections do not know which cells are controls, so they also remove biology.

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
                batch1, batch2 = batches(data, step, number, corrected)
                corrected = self.correct(batch1, batch2, seed).astype(np.float32)[len(batch1) - len(corrected) :]
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


def batches(data: TrainingData, step: Query, number: int, corrected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return batch 1 and batch 2 (cells, features) of a hop of a query.

    ``corrected`` (cells, features) are the cells of S and X as they are by now; they stand last in batch 1. S of the
    first hop, whose number is 0, is among them already.
    """
    controls = data.X[data.is_source(step)] if number else corrected[:0]
    return np.concatenate([controls, corrected]), data.X[data.is_target(step) | data.is_reference(step)]


class ScaleAndShift(BatchCorrector):
    """A batch corrector that scales and shifts each feature of batch 1, x -> a x + b: ComBat, limma.

    What it did to the cells of its fit it can do to any cells of the batch. The numbers are read off R's result, with
    which they are compared (`scale_and_shift`).
    """

    transductive = False

    def moved(self, batch1: np.ndarray, batch2: np.ndarray, seed: int) -> np.ndarray:
        """Return batch 1 (cells, features) float64 in the frame of batch 2 (cells, features)."""
        raise NotImplementedError

    def correct(self, batch1: np.ndarray, batch2: np.ndarray, seed: int) -> np.ndarray:
        """Return batch 1 (cells, features) float32 in the frame of batch 2 (cells, features).

        Raises
        ------
        UserError
            If a batch has fewer than 2 cells or R stops; `NotAvailable` where R or its package is missing.
        """
        return as_result(self.name, self.moved(batch1, batch2, seed), batch1)

    @property
    def name(self) -> str:
        """What messages call it."""
        return type(self).__module__.rpartition(".")[2]

    def learn(self, data: TrainingData, seed: int) -> None:
        self.hops: dict[str, list[Correction]] = {}
        for query in data.queries:
            corrected = np.concatenate([data.X[data.is_source(query)], data.X[data.is_query(query)]])
            hops = self.hops.setdefault(query.name, [])
            for number, step in enumerate(query.steps):
                batch1, batch2 = batches(data, step, number, corrected)
                hops.append(scale_and_shift(self.name, batch1, self.moved(batch1, batch2, seed)))
                corrected = as_result(self.name, hops[-1].apply(corrected), corrected)

    def predict(self, X: np.ndarray, query: Query, counts: np.ndarray | None = None) -> Prediction:
        if query.name not in self.hops:
            raise UserError(f"The method was not fitted for the query '{query.name}'.")
        for hop in self.hops[query.name]:
            X = as_result(self.name, hop.apply(X), X)
        return Prediction(X)

    def state(self) -> dict:
        return {"hops": {name: [[part.tolist() for part in hop] for hop in hops] for name, hops in self.hops.items()}}

    def load_state(self, state: dict) -> None:
        self.hops = {
            name: [Correction(*(np.array(part, dtype=np.float64) for part in hop)) for hop in hops]
            for name, hops in state["hops"].items()
        }
