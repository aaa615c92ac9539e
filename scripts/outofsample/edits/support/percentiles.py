"""Percentiles of activations, which several edits are learned from."""

import numpy as np

PERCENTILES = np.arange(101)
#: Units whose activations are sorted at once: of many units no second array of all activations is in memory.
UNITS = 256


def percentiles(activations: np.ndarray) -> np.ndarray:
    """Return percentiles 0, 1, ..., 100 with linear interpolation: array (units, 101) float64."""
    units = activations.shape[1]
    return np.concatenate([_of_some(activations[:, begin : begin + UNITS]) for begin in range(0, max(units, 1), UNITS)])


def _of_some(activations: np.ndarray) -> np.ndarray:
    columns = np.sort(activations.T, axis=1)
    position = PERCENTILES / 100 * (columns.shape[1] - 1)
    below = np.floor(position).astype(int)
    above = np.minimum(below + 1, columns.shape[1] - 1)
    low, high = columns[:, below].astype(np.float64), columns[:, above].astype(np.float64)
    return low + (position - below) * (high - low)
