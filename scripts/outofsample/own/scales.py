"""The scale of values of one's own: what the files have, what models see, and the way back."""

from typing import TYPE_CHECKING, Any

import numpy as np

from outofsample.arrays import dense
from outofsample.datasets.support.guesses import LARGEST_LOG, is_whole, looks_like_counts, seen_of
from outofsample.datasets.support.single_cell import TARGET_SUM
from outofsample.errors import UserError
from outofsample.files.fcs import transform

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from outofsample.datasets.own import Settings

SCALES = ("arcsinh", "log1p_counts", "none")
#: Cells that are scaled at once.
_ROWS = 16_384


def warn_of_scale(values, scale: str) -> None:
    """Print one line where the values do not look like what the scale expects."""
    entries = seen_of(values)
    if not entries.size:
        return
    small = entries.max() <= LARGEST_LOG
    if scale == "none" and looks_like_counts(values):
        print("warning: the values look like raw counts, and scale is 'none'; set scale: log1p_counts.", flush=True)
    elif scale == "log1p_counts" and not is_whole(entries):
        what = "logarithms already; set scale: none" if small else "no counts (they are not whole numbers)"
        print(f"warning: scale is 'log1p_counts', and the values look like {what}.", flush=True)
    elif scale == "arcsinh" and small and not is_whole(entries):
        print(
            f"warning: scale is 'arcsinh', and no value is above {entries.max():.3g}: they look transformed already; "
            "set scale: none.",
            flush=True,
        )


def to_model_scale(values, settings: "Settings") -> tuple["np.ndarray | csr_matrix", "csr_matrix | None", Any]:
    """Return values (cells, features) as models see them, the counts where they are counts, and the sizes of cells.

    Each cell's result rests on its own values alone. Sizes (cells,) are the sums of the counts of each cell.

    Raises
    ------
    UserError
        If counts are wanted, and one is negative.
    """
    if settings.scale == "arcsinh":
        return transform(dense(values), settings.cofactor), None, None
    if settings.scale == "none":
        return values, None, None
    counts = as_counts(values)
    sizes = np.asarray(counts.sum(axis=1)).ravel()
    return log_of(counts, sizes), counts, sizes


def as_counts(values) -> "csr_matrix":
    """Return values (cells, features) as a sparse matrix float32.

    Raises
    ------
    UserError
        If one is negative.
    """
    from scipy.sparse import csr_matrix

    counts = csr_matrix(values, dtype=np.float32)
    if not counts.has_canonical_format:
        counts = counts.copy()
        counts.sum_duplicates()
    if (counts.data < 0).any():
        raise UserError(
            "scale: log1p_counts needs counts, and some values are negative; set scale: none, or name the layer that "
            "holds counts in 'layer' ('raw' for .raw of an h5ad)."
        )
    return counts


def log_of(counts: "csr_matrix", sizes: np.ndarray) -> "csr_matrix":
    """Return log(1 + counts per 10,000 of the cell); cells without any count stay zero.

    ``sizes`` (cells,) are the sums of the counts of each cell.
    """
    from scipy.sparse import csr_matrix

    factors = (TARGET_SUM / np.where(sizes > 0, sizes, 1)).astype(np.float32)
    data = counts.data.copy()
    for begin in range(0, counts.shape[0], _ROWS):
        ends = counts.indptr[begin : begin + _ROWS + 1]
        data[ends[0] : ends[-1]] *= np.repeat(factors[begin : begin + _ROWS], np.diff(ends))
    np.log1p(data, out=data)
    # Where the values stand is said once for both.
    return csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape)


def to_file_scale(values: np.ndarray, settings: "Settings", sizes: np.ndarray | None = None) -> np.ndarray:
    """Return predictions (cells, features) on the scale that the files have, float32; the inverse of ``scale``.

    ``sizes`` (cells,) are the counts of each cell, for ``log1p_counts``: a prediction then keeps the size of its cell,
    and values below zero, which no count has, are cut off.
    """
    values, largest = np.array(values, dtype=np.float64), np.finfo(np.float32).max
    if settings.scale == "arcsinh":
        np.sinh(values, out=values)
        values *= settings.cofactor
    elif settings.scale == "log1p_counts":
        np.expm1(np.maximum(values, 0, out=values), out=values)
        values *= sizes[:, None] / TARGET_SUM
    return np.clip(values, -largest, largest, out=values).astype(np.float32)
