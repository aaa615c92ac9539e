"""The dataset: ``datasets/D.h5ad``.

All cells of a dataset, before any task is cut from them.

- ``X``: float32 and finite; for images uint8, a flattened image in each row.
- ``obs["condition"]``, ``obs["domain"]``: of each cell; where known ``obs["cell_type"]``, and ``obs["pair_id"]``, the
  same for what was measured in several conditions.
- ``layers["counts"]``, where the data are counts.
- ``uns["image_shape"]``, for images: their height, width and channels.
- ``uns["dataset"]``: what the study calls it; ``uns["stand_in"]`` (bool): whether the data are simulated.

Names of cells and of features are unique.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.errors import UserError
from outofsample.files.writing import check_seal, sealed

if TYPE_CHECKING:
    from anndata import AnnData


def check_contract(adata: "AnnData", name: str) -> None:
    """Check that the cells of a dataset are as this format has them.

    Raises
    ------
    UserError
        If ``X`` is not a finite float32 matrix (uint8 for images), names are not unique, or condition or domain is
        missing; the message lists every problem.
    """
    values = getattr(adata.X, "data", adata.X) if not isinstance(adata.X, np.ndarray) else adata.X
    problems = []
    wanted = np.uint8 if "image_shape" in adata.uns else np.float32
    if values.dtype != wanted:
        problems.append(f"X must be {np.dtype(wanted)}, not {values.dtype}")
    elif not np.isfinite(values).all():
        problems.append("X must be finite")
    problems += [
        f"{axis} must be unique"
        for axis, names in (("var_names", adata.var_names), ("obs_names", adata.obs_names))
        if not names.is_unique
    ]
    for column in ("condition", "domain"):
        if column not in adata.obs:
            problems.append(f"obs['{column}'] is missing")
        elif adata.obs[column].isna().any():
            problems.append(f"obs['{column}'] has cells without a value")
    if problems:
        raise UserError(f"dataset '{name}' does not keep the contract of datasets: {'; '.join(problems)}.")


def write_dataset(path: str | Path, adata: "AnnData", name: str, stand_in: bool) -> None:
    """Check and write the cells of a dataset; ``name`` and ``stand_in`` are put into its ``uns``.

    Raises
    ------
    UserError
        If they do not keep the contract (`check_contract`), or the disk is full.
    """
    adata.uns["dataset"] = name
    adata.uns["stand_in"] = stand_in
    check_contract(adata, name)
    with sealed(path) as temporary:
        adata.write_h5ad(temporary)


def read_dataset(path: str | Path) -> "AnnData":
    """Read a dataset.

    Raises
    ------
    UserError
        If it is another file.
    """
    import anndata

    check_seal(path)
    try:
        adata = anndata.read_h5ad(path)
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"{path}: this is not a readable h5ad file ({error}).") from error
    if missing := [key for key in ("dataset", "stand_in") if key not in adata.uns]:
        raise UserError(f"{path}: this is no dataset; uns has no {', '.join(map(repr, missing))}.")
    return adata
