"""Corrections that multiply each feature by a number and add another: read off the cells that were corrected.

R returns corrected cells, and not the numbers that it moved them by. Two cells per feature tell these: the one with the
smallest and the one with the largest value. All cells are then checked against them.
"""

from typing import NamedTuple

import numpy as np

from outofsample.errors import UserError

#: Cells that are checked at once, and how far they may be off, relative to the size of the values.
_CELLS, _TOLERANCE = 16_384, 1e-6


class Correction(NamedTuple):
    """The correction of one batch into the frame of another: scale and shift (features,) float64 of each feature."""

    scale: np.ndarray
    shift: np.ndarray

    def apply(self, X: np.ndarray) -> np.ndarray:
        """Return cells (cells, features) of the batch as the correction moves them, float64."""
        return X * self.scale + self.shift


def scale_and_shift(method: str, before: np.ndarray, after: np.ndarray) -> Correction:
    """Return the correction that turns cells (cells, features) into what they became, in float64.

    A feature that is constant has no scale; it is shifted.

    Raises
    ------
    UserError
        If a value became something else than a multiple of itself and a constant.
    """
    low, high = before.argmin(axis=0), before.argmax(axis=0)
    columns = np.arange(before.shape[1])
    x0, x1 = (before[rows, columns].astype(np.float64) for rows in (low, high))
    y0, y1 = (after[rows, columns].astype(np.float64) for rows in (low, high))
    width = x1 - x0
    scale = np.divide(y1 - y0, width, out=np.ones_like(width), where=width > 0)
    found = Correction(scale, y0 - scale * x0)
    for begin in range(0, len(before), _CELLS):
        rows = slice(begin, begin + _CELLS)
        off = np.abs(found.apply(before[rows]) - after[rows])
        bad = ~(off <= _TOLERANCE * np.maximum(np.abs(after[rows]), width + 1))
        if bad.any():
            raise UserError(
                f"{method}: the correction is no scale and shift of each feature ({bad.sum():,} values are others), so "
                "it cannot be applied to other cells; report this with the versions in the log."
            )
    return found
