"""The local edit of Neuron Editing's later published code."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from outofsample.edits.support import base
from outofsample.edits.support.percentiles import percentiles


@dataclass
class Edit(base.Edit):
    """The local edit of Neuron Editing's later published code: each unit moves as at the nearest source cells.

    The range of each unit in S is cut into bins of equal share; at a source cell, the shift of a unit is the
    difference between the midpoints of its bin in T and in S. A query cell moves by the mean shift of its nearest
    source cells. The result is bounded: no shift is larger than one seen between S and T.

    Attributes
    ----------
    neighbours
        Nearest source cells, at most as many as there are.
    bins
        Percentile bins of each unit.
    """

    neighbours: int = 50
    bins: int = 100

    fitted: ClassVar[tuple[str, ...]] = ("cells", "shifts")

    def __post_init__(self):
        if self.neighbours < 1 or not 1 <= self.bins <= 100 or 100 % self.bins:
            raise ValueError("neighbours must be at least 1, and bins a divisor of 100")

    def learn(self, source: np.ndarray, target: np.ndarray) -> None:
        step = 100 // self.bins
        knots, values = (percentiles(activations)[:, ::step] for activations in (source, target))
        middle = [0.5 * (table[:, :-1] + table[:, 1:]) for table in (knots, values)]
        difference = middle[1] - middle[0]
        columns = np.ascontiguousarray(source.T, dtype=np.float64)
        # Equal percentiles share a bin: the mean of their shifts, found at the middle of the first and the last.
        first, last = (
            np.stack([np.searchsorted(k[1:-1], c, side) for k, c in zip(knots, columns, strict=True)])
            for side in ("left", "right")
        )
        sums = np.concatenate([np.zeros((len(knots), 1)), np.cumsum(difference, axis=1)], axis=1)
        total = np.take_along_axis(sums, last + 1, axis=1) - np.take_along_axis(sums, first, axis=1)
        self.shifts = (total / (last + 1 - first)).T
        self.cells = np.asarray(source, dtype=np.float64)

    def apply(self, query: np.ndarray) -> np.ndarray:
        from scipy.spatial import KDTree

        count = min(self.neighbours, len(self.cells))
        _, nearest = KDTree(self.cells).query(query, k=[*range(1, count + 1)])
        return query + self.shifts[nearest].mean(axis=1)
