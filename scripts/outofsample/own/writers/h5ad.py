"""h5ad: the user's AnnData with the prediction in a layer."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.arrays import dense, stacked
from outofsample.files.h5ad_check import read_anndata
from outofsample.files.writing import replacing
from outofsample.own.predicted import Predicted
from outofsample.own.readers.h5ad import matrix_of, names_in, on_disk, opened, rows_of
from outofsample.own.readers.support.boundary import reading

if TYPE_CHECKING:
    import h5py

    from outofsample.datasets.own import Settings

#: Name of the layer with the prediction.
LAYER = "prediction"
#: What anndata subsets in memory, beside the matrices, which are large.
SMALL = ("obs", "var", "obsm", "varm", "obsp", "varp", "uns")
_COMPRESSED = {"compression": "lzf"}


def write(original: Path, path: Path, predicted: Predicted, settings: "Settings") -> None:
    """Write the query's cells of an h5ad with the prediction in ``layers["prediction"]``; all else is as it was.

    The layer is on the scale of the values that were read; features that were not predicted are as they were read.
    """
    # It looks at what the file holds before any value is read.
    with reading(original):
        adata = read_anndata(original)[predicted.rows].copy()
    with reading(original), opened(original) as file:
        layer = dense(stacked(list(rows_of(matrix_of(file, settings, original), predicted.rows))))
    layer[:, adata.var_names.get_indexer(predicted.columns)] = predicted.values
    adata.layers[LAYER] = layer
    adata.uns["outofsample"] = predicted.about
    with replacing(path) as temporary:
        adata.write_h5ad(temporary, **_COMPRESSED)


@contextmanager
def stream(
    original: Path, path: Path, columns: Sequence[str], settings: "Settings", about: dict[str, str]
) -> Iterator[Callable[[np.ndarray, np.ndarray], None]]:
    """Yield what takes rows of an h5ad, ascending, with their predicted values; the file is there when all went well.

    What is in it is what `write` writes, and all matrices go through memory in pieces. The layer is sparse where the
    values that were read are.
    """
    import h5py
    import pandas as pd

    with opened(original) as file, replacing(path) as temporary:
        matrix, places = matrix_of(file, settings, original), pd.Index(names_in(file, "var")).get_indexer(columns)
        taken: list[np.ndarray] = []
        with h5py.File(temporary, "w") as target:
            target.create_group("layers")

            def add(rows: np.ndarray, predicted: np.ndarray) -> None:
                found = stacked(list(rows_of(matrix, rows)))
                _append(target, f"layers/{LAYER}", _with_columns(found, places, predicted))
                taken.append(rows)

            yield add
            rows = np.concatenate(taken)
            for name in _matrices(file):
                for part in rows_of(on_disk(file[name]), rows):
                    _append(target, name, part)
            _copy_rest(file, target, rows, about)


def _matrices(file: "h5py.File") -> list[str]:
    """Return where the matrices with a row per cell are, but for a prediction that was there before."""
    layers = [f"layers/{name}" for name in file.get("layers", {}) if name != LAYER]
    return [name for name in ("X", "raw/X") if name in file] + layers


def _with_columns(values, places: np.ndarray, predicted: np.ndarray):
    """Return values (cells, genes), dense or sparse, with other ones in some columns."""
    import scipy.sparse

    if not scipy.sparse.issparse(values):
        changed = values.astype(np.float32)
        changed[:, places] = predicted
        return changed
    kept = np.ones(values.shape[1], dtype=np.float32)
    kept[places] = 0
    others = scipy.sparse.csr_matrix(values, dtype=np.float32) @ scipy.sparse.diags(kept, dtype=np.float32)
    others.eliminate_zeros()
    new = scipy.sparse.csr_matrix(predicted)
    # The predicted columns, in their places among all.
    new = scipy.sparse.csr_matrix((new.data, places[new.indices], new.indptr), shape=values.shape)
    found = scipy.sparse.csr_matrix(others + new, dtype=np.float32)
    found.sort_indices()
    return found


def _append(target: "h5py.File", name: str, values) -> None:
    """Write rows of a matrix (cells, genes), dense or sparse, behind those that are there."""
    import scipy.sparse
    from anndata.io import sparse_dataset, write_elem

    if scipy.sparse.issparse(values):
        if name in target:
            sparse_dataset(target[name]).append(scipy.sparse.csr_matrix(values))
        else:
            write_elem(
                target, name, scipy.sparse.csr_matrix(values), dataset_kwargs={"indptr_dtype": np.int64, **_COMPRESSED}
            )
        return
    if name not in target:
        shape = (None, values.shape[1])
        write_elem(target, name, values, dataset_kwargs={"maxshape": shape, "chunks": True, **_COMPRESSED})
        return
    part = target[name]
    begin = len(part)
    part.resize(begin + len(values), axis=0)
    part[begin:] = values


def _copy_rest(file: "h5py.File", target: "h5py.File", rows: np.ndarray, about: dict[str, str]) -> None:
    """Write all but the matrices, for some rows, as anndata subsets them."""
    import anndata
    from anndata.io import read_elem, write_elem

    content = {name: read_elem(file[name]) for name in SMALL if name in file}
    adata = anndata.AnnData(**content)[rows].copy()
    adata.uns["outofsample"] = about
    for name in SMALL:
        part = getattr(adata, name)
        write_elem(target, name, part if name in ("obs", "var") else dict(part), dataset_kwargs=_COMPRESSED)
    for name in file.get("raw", {}):
        if name != "X":
            file.copy(file[f"raw/{name}"], target["raw"], name)
    for name, kind in (("raw", "raw"), ("layers", "dict"), ("/", "anndata")):
        if name in target:
            target[name].attrs.update({"encoding-type": kind, "encoding-version": "0.1.0"})
