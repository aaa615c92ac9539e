"""What the single-cell datasets share: counts to AnnData, and checks of a download."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from outofsample.errors import UserError

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from scipy.sparse import csr_matrix

TARGET_SUM = 10_000
UNIT = "log1p(counts per 10,000)"


def as_anndata(counts: "csr_matrix", obs: "pd.DataFrame", genes: Sequence[str], source: str | Path) -> "AnnData":
    """Return cells with normalised values and their raw counts; every gene is kept.

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
    ``X`` = log(1 + counts per 10,000 of the cell), ``layers["counts"]`` the counts, both float32 CSR.

    Raises
    ------
    UserError
        If the values are not counts.
    """
    import anndata
    import pandas as pd
    import scanpy
    from anndata.utils import make_index_unique
    from scipy.sparse import csr_matrix

    counts = csr_matrix(counts, dtype=np.float32)
    if not np.isfinite(counts.data).all() or (counts.data < 0).any() or (counts.data % 1 != 0).any():
        raise UserError(f"{source}: the values must be raw counts (whole numbers from 0 up), not normalised ones.")
    counts.sort_indices()
    obs = obs.assign(domain=obs["cell_type"])
    var = pd.DataFrame(index=make_index_unique(pd.Index(genes).astype(str)))
    adata = anndata.AnnData(counts.copy(), obs=obs, var=var)
    scanpy.pp.normalize_total(adata, target_sum=TARGET_SUM)
    adata.X = adata.X.log1p()
    adata.layers["counts"] = counts
    return adata


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
    except (OSError, EOFError, ValueError, KeyError, zlib.error) as error:
        raise UserError(f"{path}: the file cannot be read ({type(error).__name__}: {error}); get it again.") from error
