"""What most scores rest on: median, mean and variance of each feature of a population."""

from typing import NamedTuple

import numpy as np


class Summary(NamedTuple):
    """Arrays (..., features) float64; the leading axes are resamples, where there are any."""

    medians: np.ndarray
    means: np.ndarray
    variances: np.ndarray


def summarise(X: np.ndarray) -> Summary:
    """Return the `Summary`, arrays (features,), of a population ``X`` (cells, features).

    Variances divide by the number of cells, as in the papers.

    Raises
    ------
    ValueError
        If there are no cells.
    """
    if X.ndim != 2 or len(X) == 0:
        raise ValueError(f"a population needs shape (cells, features) with at least one cell, not {X.shape}")
    return Summary(
        np.median(X, axis=0).astype(np.float64),
        X.mean(axis=0, dtype=np.float64),
        X.var(axis=0, dtype=np.float64),
    )
