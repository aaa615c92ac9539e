"""The dataset: ``datasets/D.h5ad``.

All cells of a dataset, before any task is cut from them.

- ``X``: float32 and finite; for images uint8, a flattened image in each row.
- ``obs["condition"]``, ``obs["domain"]``: of each cell; where known ``obs["cell_type"]``, and ``obs["pair_id"]``, the
  same for what was measured in several conditions.
- ``layers["counts"]``, where the data are counts.
- ``uns["image_shape"]``, for images: their height, width and channels.
- ``uns["cohort"]``, for data of one's own: the files that the cells are from (`outofsample.files.cohort`).
- ``uns["dataset"]``: what the study calls it; ``uns["stand_in"]`` (bool): whether the data are simulated.

Names of cells and of features are unique.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.arrays import stacked
from outofsample.errors import UserError
from outofsample.files.rows import Rows
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


class DatasetRows(Rows):
    """A dataset of which rows are read when they are wanted: those of cohorts need not fit into memory."""

    def pieces(self, rows: np.ndarray, layer: str | None = None, cells: int = 16_384) -> Iterator:
        """Yield the values of some rows (mask), or of a layer of them: sparse matrices where they are, else arrays.

        At most so many cells are read at a time.
        """
        import h5py
        from anndata.io import sparse_dataset

        with h5py.File(self.path) as file:
            part = file["X" if layer is None else f"layers/{layer}"]
            matrix = part if isinstance(part, h5py.Dataset) else sparse_dataset(part)
            for begin in range(0, len(rows), cells):
                wanted = rows[begin : begin + cells]
                if wanted.any():
                    yield matrix[begin : begin + cells][wanted]

    @property
    def layers(self) -> list[str]:
        """The names of the layers."""
        import h5py

        with h5py.File(self.path) as file:
            return list(file.get("layers", {}))

    def with_features(self, kept: np.ndarray) -> "AnnData":
        """Return all cells with some of the features (mask)."""
        import anndata

        every = np.ones(len(self.obs), dtype=bool)
        layers = {name: _stacked(self.pieces(every, name), kept) for name in self.layers}
        X = _stacked(self.pieces(every), kept)
        return anndata.AnnData(X, obs=self.obs, var=self.var[kept], uns=self.uns, layers=layers)


def _stacked(pieces: Iterator, kept: np.ndarray):
    """Return pieces of a matrix (cells, features), of which some features are kept (mask), as one."""
    return stacked([piece[:, kept] for piece in pieces])
