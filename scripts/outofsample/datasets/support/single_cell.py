"""What the single-cell datasets share: counts to AnnData, and checks of a download."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from outofsample.errors import UserError
from outofsample.files.limits import DAMAGED, check_text

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from scipy.sparse import csr_matrix

TARGET_SUM = 10_000
UNIT = "log1p(counts per 10,000)"


def check_normalise(normalise: float | str) -> float | str:
    """Return the setting ``normalise``: "median", or a number of counts above 0.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if normalise == "median":
        return normalise
    try:
        number = float(normalise)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ValueError(f"normalise must be 'median' or a number of counts above 0, not {normalise!r}")
    return number


def unit_of(normalise: float | str) -> str:
    """Return the scale of values that `normalise_counts` made, for axes."""
    return "log1p(counts per median cell)" if normalise == "median" else f"log1p(counts per {normalise:,.10g})"


def normalise_counts(adata: "AnnData", normalise: float | str) -> None:
    """Scale the counts of each cell to the same sum and take log1p; ``X`` alone is changed.

    Parameters
    ----------
    adata
        Cells with ``layers["counts"]``.
    normalise
        The sum: a number, or "median", the median sum of the cells that have counts, as scanpy's older
        ``normalize_per_cell`` and so trVAE's authors. All cells of the dataset are counted, those too that a task
        holds out, since no task is known yet here. What is learned so is one scale factor, the same for every cell and
        gene.
    """
    import scanpy

    adata.X = adata.layers["counts"].copy()
    scanpy.pp.normalize_total(adata, target_sum=None if normalise == "median" else normalise)
    adata.X = adata.X.log1p()


def as_anndata(counts: "csr_matrix", obs: "pd.DataFrame", genes: Sequence[str], source: str | Path) -> "AnnData":
    """Return cells with their raw counts, for `normalise_counts`; every gene is kept.

    Parameters
    ----------
    counts
        Sparse matrix (cells, genes) of raw counts.
    obs
        Table (cells,) with ``condition`` and ``cell_type``; ``domain`` is set to the cell type.
    genes
        Names of the columns; those that repeat get the endings -1, -2, ...
    source
        Name of the file, for messages.

    Returns
    -------
    ``layers["counts"]``: the counts, float32 CSR; no ``X`` yet.

    Raises
    ------
    UserError
        If the values are not counts.
    """
    import anndata
    import pandas as pd
    from anndata.utils import make_index_unique
    from scipy.sparse import csr_matrix

    counts = csr_matrix(counts, dtype=np.float32)
    if not np.isfinite(counts.data).all() or (counts.data < 0).any() or (counts.data % 1 != 0).any():
        raise UserError(f"{source}: the values must be raw counts (whole numbers from 0 up), not normalised ones.")
    counts.sort_indices()
    obs = obs.assign(domain=obs["cell_type"])
    var = pd.DataFrame(index=make_index_unique(pd.Index(genes).astype(str)))
    return anndata.AnnData(obs=obs, var=var, layers={"counts": counts})


def warn_of_differences(what: str, found: Mapping[str, int], expected: Mapping[str, int], remark: str = "") -> bool:
    """Print one line with all numbers that are not as expected; return whether there are any."""
    wrong = [
        f"{name} {found.get(name, 0):,} (expected {expected.get(name, 0):,})"
        for name in [*expected, *(name for name in found if name not in expected)]
        if found.get(name, 0) != expected.get(name, 0)
    ]
    if wrong:
        print(f"warning: {what}: {', '.join(wrong)}{'; ' if remark else ''}{remark}.", flush=True)
    return bool(wrong)


def read(path: Path, reader: Callable[[Path], Any]) -> Any:
    """Return what ``reader`` makes of a file.

    Raises
    ------
    UserError
        If the file is damaged or not of that format.
    """
    try:
        return reader(path)
    except (*DAMAGED, ValueError, KeyError, MemoryError) as error:
        raise UserError(f"{path}: the file cannot be read ({type(error).__name__}: {error}); get it again.") from error


def read_text(path: Path, reader: Callable[[Path], Any]) -> Any:
    """Like `read`, for a table, packed or not: its lines and to how much it unpacks are looked at before.

    Raises
    ------
    UserError
        As `read` does, and as `outofsample.files.limits.check_text`.
    """
    read(path, check_text)
    return read(path, reader)
