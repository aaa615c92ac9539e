"""Predicting in blocks of one size, so that a cell's prediction does not depend on the cells that go with it.

Products of matrices of other sizes are computed by other kernels, whose sums can differ in the last bit. Cells of a
cohort are predicted twice, those that were drawn together and then all of them file by file, and must come out alike.
Cells that agree in all values are the exception: where zeros are kept by a draw (`two_part`, `keep_zeros`), they are
told apart by their order in the block.
"""

from collections.abc import Callable

import numpy as np

from outofsample.arrays import Prediction, Query
from outofsample.methods.families.base import CHUNK

#: Cells of a block.
BLOCK = CHUNK
Predict = Callable[[np.ndarray, Query, np.ndarray | None], Prediction]


def in_blocks(predict: Predict) -> Predict:
    """Return a function that predicts as ``predict`` does, which gets `BLOCK` cells at a time.

    The last block is filled up with its first cell. Methods with chance draw by the cells of the block.
    """

    def predict_all(X: np.ndarray, query: Query, counts: np.ndarray | None = None) -> Prediction:
        parts = []
        for start in range(0, len(X), BLOCK):
            rows = slice(start, start + BLOCK)
            parts.append(_block(predict, X[rows], query, None if counts is None else counts[rows]))
        return parts[0] if len(parts) == 1 else _joined(parts)

    return predict_all


def _block(predict: Predict, X: np.ndarray, query: Query, counts: np.ndarray | None) -> Prediction:
    """Return the prediction of at most `BLOCK` cells, at least one."""
    cells = len(X)
    if cells == BLOCK:
        return predict(X, query, counts)
    filled = np.concatenate([np.arange(cells), np.zeros(BLOCK - cells, dtype=int)])
    found = predict(X[filled], query, None if counts is None else counts[filled])
    outside = found.outside
    if outside is not None:
        # A share over cells, among which those that fill up do not count.
        first = predict(X[:1], query, None if counts is None else counts[:1]).outside
        outside = np.clip((outside * BLOCK - (BLOCK - cells) * first) / cells, 0, 1)
    return Prediction(
        found.X[:cells],
        *(_rows(found, name, cells) for name in ("latent", "matched")),
        outside,
        _rows(found, "outside_per_cell", cells),
    )


def _rows(prediction: Prediction, name: str, cells: int) -> np.ndarray | None:
    values = getattr(prediction, name)
    return None if values is None else values[:cells]


def _joined(parts: list[Prediction]) -> Prediction:
    """Return the predictions of blocks as one."""
    sizes = [len(part.X) for part in parts]

    def together(name: str) -> np.ndarray | None:
        values = [getattr(part, name) for part in parts]
        return None if values[0] is None else np.concatenate(values)

    outside = None
    if parts[0].outside is not None:
        outside = np.average([part.outside for part in parts], axis=0, weights=sizes)
    return Prediction(together("X"), together("latent"), together("matched"), outside, together("outside_per_cell"))
