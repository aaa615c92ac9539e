"""Highly variable features of cells that are not all in memory: Seurat's choice, as scanpy makes it, from sums alone.

Satija et al. 2015 (Nature Biotechnology 33, 495-502): with mean m and variance v of a feature's normalised counts, the
logarithm of its dispersion v / m is compared with that of the features in the same of 20 bins of log(1 + m).
"""

from collections.abc import Iterable

import numpy as np

#: Bins of the logarithm of the mean.
BINS = 20


def moments(pieces: Iterable) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance (features,) float64 of expm1 of values, which are log1p of normalised counts.

    ``pieces`` are arrays or sparse matrices (cells, features) of some of the cells each.
    """
    cells, total, squares = 0, np.zeros(()), np.zeros(())
    for piece in pieces:
        counts = np.expm1(piece.astype(np.float64))
        cells += counts.shape[0]
        total = total + np.asarray(counts.sum(axis=0)).ravel()
        square = counts.multiply(counts) if hasattr(counts, "multiply") else counts**2
        squares = squares + np.asarray(square.sum(axis=0)).ravel()
    mean = total / cells
    return mean, (squares - cells * mean**2) / max(cells - 1, 1)


def most_variable(mean: np.ndarray, variance: np.ndarray, wanted: int) -> np.ndarray:
    """Return the mask (features,) of so many features, by their means and variances; more where some are equal."""
    import pandas as pd

    mean = np.where(mean == 0, 1e-12, mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        dispersion = np.log(np.where(variance > 0, variance / mean, np.nan))
    table = pd.DataFrame({"dispersion": dispersion, "bin": pd.cut(np.log1p(mean), bins=BINS)})
    within = table.groupby("bin", observed=True)["dispersion"]
    centre, spread = within.transform("mean"), within.transform("std")
    # A feature alone in its bin has no spread: it counts as one standard deviation above.
    alone = spread.isna()
    spread, centre = spread.where(~alone, centre), centre.where(~alone, 0)
    normalised = ((table["dispersion"] - centre) / spread).to_numpy()
    known = np.sort(normalised[~np.isnan(normalised)])[::-1]
    return np.nan_to_num(normalised, nan=-np.inf) >= known[min(wanted, len(known)) - 1]
