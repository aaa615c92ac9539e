"""The part of AnnData's file format (h5ad) that short jobs read and write, by h5py alone.

The format is that of anndata's page on its files on disk. All others use anndata, whose import, with that of pandas and
zarr, takes as long as the shortest jobs of a study take for their work.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.files.writing import sealed

if TYPE_CHECKING:
    import h5py

#: What a file holds, named by anndata; parts that we have no use for are there, but empty.
PARTS = ("layers", "obsm", "varm", "obsp", "varp", "uns")


def read_matrix(part: "h5py.Dataset | h5py.Group") -> np.ndarray:
    """Return a dense or sparse matrix as a dense array."""
    return part[:] if hasattr(part, "dtype") else read_sparse(part).toarray()


def read_sparse(part: "h5py.Group"):
    """Return a sparse matrix as it is stored, by rows or by columns."""
    import scipy.sparse

    compressed = getattr(scipy.sparse, part.attrs["encoding-type"])
    arrays = tuple(part[name][:] for name in ("data", "indices", "indptr"))
    return compressed(arrays, shape=part.attrs["shape"])


def read_words(part: "h5py.Dataset | h5py.Group") -> np.ndarray:
    """Return a column of text, categorical or plain, as an array of str objects."""
    if hasattr(part, "dtype"):
        return part.asstr()[:]
    return part["categories"].asstr()[:][part["codes"][:]]


def write_h5ad(
    path: str | Path,
    X: np.ndarray,
    obs: Mapping[str, np.ndarray],
    features: list[str],
    obsm: Mapping[str, np.ndarray],
    uns: Mapping,
) -> None:
    """Write an AnnData with numbered observations, as anndata does it, compressed by lzf.

    Parameters
    ----------
    path
        The file; it is written under a temporary name first.
    X
        Values (cells, features).
    obs
        Columns (cells,) of numbers or of str; words that repeat are written as categories.
    features
        Names of the features.
    obsm
        Arrays (cells, ...).
    uns
        Words, arrays, or mappings of these.

    Raises
    ------
    ValueError
        If the numbers of cells or of features differ.
    """
    import h5py

    if X.ndim != 2 or X.shape[1] != len(features):
        raise ValueError(f"{path}: the values have shape {X.shape}, but there are {len(features)} features.")
    for name, values in {**obs, **obsm}.items():
        if len(values) != len(X):
            raise ValueError(f"{path}: '{name}' has {len(values)} rows, but there are values of {len(X)} cells.")
    with sealed(path) as temporary, h5py.File(temporary, "w") as file:
        _mark(file, "anndata", "0.1.0")
        _write(file, "X", X)
        _write_table(file, "obs", obs, [str(row) for row in range(len(X))])
        _write_table(file, "var", {}, features)
        contents = {"obsm": obsm, "uns": uns}
        for part in PARTS:
            _write(file, part, contents.get(part, {}))


def _mark(part: "h5py.Dataset | h5py.Group", kind: str, version: str = "0.2.0") -> None:
    """Say what a part is, in the words of anndata."""
    part.attrs.update({"encoding-type": kind, "encoding-version": version})


def _write(group: "h5py.Group", name: str, content) -> None:
    """Write a word, an array or a mapping of these as a part of a group."""
    import h5py

    if isinstance(content, Mapping):
        own = group.create_group(name)
        _mark(own, "dict", "0.1.0")
        for key, value in content.items():
            _write(own, key, value)
        return
    if isinstance(content, str):
        _mark(group.create_dataset(name, data=content, dtype=h5py.string_dtype()), "string")
        return
    values = np.asarray(content)
    text = values.dtype.kind in "OU"
    dtype = h5py.string_dtype() if text else values.dtype
    values = values.astype(object) if text else values
    part = group.create_dataset(name, data=values, dtype=dtype, compression="lzf")
    _mark(part, "string-array" if text else "array")


def _write_table(group: "h5py.Group", name: str, columns: Mapping[str, np.ndarray], index: list[str]) -> None:
    """Write columns (rows,) with the names of the rows as a part of a group."""
    import h5py

    table = group.create_group(name)
    _mark(table, "dataframe")
    table.attrs["_index"] = "_index"
    table.attrs.create("column-order", list(columns), dtype=h5py.string_dtype())
    _write(table, "_index", np.array(index, dtype=object))
    for column, values in columns.items():
        _write_column(table, column, np.asarray(values))


def _write_column(table: "h5py.Group", name: str, values: np.ndarray) -> None:
    """Write a column (rows,) of a table; of words that repeat each is written once."""
    if values.dtype.kind in "OU":
        words, codes = np.unique(values.astype(str), return_inverse=True)
        if len(words) < len(values):
            own = table.create_group(name)
            _mark(own, "categorical")
            own.attrs["ordered"] = False
            _write(own, "categories", words)
            _write(own, "codes", codes.astype(np.min_scalar_type(-len(words))))
            return
    _write(table, name, values)
