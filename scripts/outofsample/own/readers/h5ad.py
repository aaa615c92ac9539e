"""AnnData of a user's own, as h5ad: X or a layer, labels in ``obs``."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.arrays import stacked
from outofsample.datasets.support.guesses import holds_whole, looks_like_counts
from outofsample.errors import UserError, did_you_mean
from outofsample.files.h5ad_check import check_h5ad, check_parts
from outofsample.own.readers.support.boundary import read_after_trial, reading
from outofsample.own.readers.support.drawing import Draw
from outofsample.own.readers.support.joining import check_finite, check_names
from outofsample.own.readers.support.parts import Part, called, check_renamed, choose_features, labels_of
from outofsample.own.readers.support.pieces import PIECE, Piece

if TYPE_CHECKING:
    import h5py
    import pandas as pd

    from outofsample.datasets.own import Settings

#: Rows of a matrix that are copied at once: of 20,000 genes 16,384 rows are 130 MB where one value in 20 is not zero.
ROWS = PIECE // 4


def read(settings: "Settings", paths: dict[str, Path], draw: Draw) -> Iterator[Part]:
    """Yield the drawn cells of each file, with the genes that the settings name, or all.

    Raises
    ------
    UserError
        If a file cannot be read, or a column, a layer or a gene is missing, names repeat, or there are no cells.
    """
    known = set()
    for entry in settings.files:
        path = paths[entry["path"]]
        part, genes = read_after_trial(path, partial(_read_one, entry, settings, path, draw))
        yield part
        known.update(genes)
    check_renamed(settings.rename, known)


def _read_one(entry: dict, settings: "Settings", path: Path, draw: Draw) -> tuple[Part, list[str]]:
    """Return the drawn cells of one file, and the names of all its genes."""
    import pandas as pd

    check_h5ad(path)
    with opened(path) as file:
        genes = pd.Index(names_in(file, "var"))
        if not genes.is_unique:
            raise UserError(f"{path}: names in var repeat; call adata.var_names_make_unique() and write it again.")
        obs, cells = _labels(file, entry, settings, path), pd.Index(names_in(file, "obs"))
        if settings.name_column is None:
            obs.index = cells
        check_names(obs.index, path)
        columns = called(genes, settings, path)
        names = choose_features(list(columns), list(columns), settings, path)
        taken = [columns[name] for name in names]
        matrix = matrix_of(file, settings, path)
        _check_counts(file, matrix, settings, path)
        some, found = _with_genes(matrix, genes.get_indexer(taken)), []
        labels = (obs[name].to_numpy(object) for name in ("domain", "condition"))
        rows = draw.choose(entry["path"], *labels, _bytes_per_cell(some[:ROWS]))
        for begin in range(0, len(obs), ROWS):
            values = some[begin : begin + ROWS]
            check_finite(values, taken, path, begin)
            wanted = rows[slice(*np.searchsorted(rows, (begin, begin + ROWS)))] - begin
            found.append(values if len(wanted) == values.shape[0] else values[wanted])
        obs = obs.iloc[rows].assign(row=rows)
        return Part(entry["path"], stacked(found), tuple(names), tuple(taken), obs), list(genes)


def _bytes_per_cell(values) -> float:
    """Return what a cell takes in memory, by some of them."""
    parts = (values.data, values.indices) if hasattr(values, "indices") else (values,)
    return sum(part.nbytes for part in parts) / max(values.shape[0], 1)


def rows_of(matrix, rows: np.ndarray) -> Iterator:
    """Yield some rows, ascending, of a matrix on the disk, piece by piece; what lies beyond them is not read."""
    for begin in range(rows[0], rows[-1] + 1, ROWS) if len(rows) else ():
        wanted = rows[slice(*np.searchsorted(rows, (begin, begin + ROWS)))] - begin
        if len(wanted):
            values = matrix[begin : begin + wanted[-1] + 1]
            yield values if len(wanted) == values.shape[0] else values[wanted]


def count(path: Path) -> int:
    """Return how many cells an h5ad has, without reading them.

    Raises
    ------
    UserError
        If it cannot be read.
    """
    with reading(path), opened(path) as file:
        return len(file["obs"][file["obs"].attrs["_index"]])


def pieces(
    path: Path, entry: dict, columns: Sequence[str], settings: "Settings", cells: int = PIECE
) -> Iterator[Piece]:
    """Yield the cells of an h5ad, so many at a time, with the values of some of its genes, sparse where they are.

    ``stored`` are the rows of the cells.

    Raises
    ------
    UserError
        If the file cannot be read, or a value is not finite.
    """
    import pandas as pd

    with reading(path), opened(path) as file:
        # Indices of sparse matrices were looked at when the dataset was made; since then the file can be another.
        check_parts(path, file)
        places = pd.Index(names_in(file, "var")).get_indexer(columns)
        obs, matrix = _labels(file, entry, settings, path), _with_genes(matrix_of(file, settings, path), places)
        domain, condition = (obs[name].to_numpy(object) for name in ("domain", "condition"))
        for begin in range(0, len(obs), cells):
            rows = slice(begin, begin + cells)
            values = matrix[rows]
            check_finite(values, columns, path, begin)
            yield Piece(begin, values, domain[rows], condition[rows], np.arange(begin, begin + values.shape[0]))


@contextmanager
def opened(path: Path) -> Iterator["h5py.File"]:
    """Yield an h5ad that is open for reading, and close it.

    Raises
    ------
    UserError
        If it is no h5ad.
    """
    import h5py

    try:
        file = h5py.File(path)
    except OSError as error:
        raise UserError(f"{path}: this file cannot be read ({error}); copy or download it again.") from error
    with file:
        if missing := [part for part in ("obs", "var") if part not in file]:
            raise UserError(f"{path}: this file cannot be read: it has no '{missing[0]}', which every h5ad has.")
        yield file


def names_in(file: "h5py.File", part: str) -> list[str]:
    """Return the names of the cells (``obs``), of the genes (``var``) or of those of ``.raw`` (``raw/var``)."""
    from anndata.io import read_elem

    group = file[part]
    return [str(name) for name in read_elem(group[group.attrs["_index"]])]


def _labels(file: "h5py.File", entry: dict, settings: "Settings", path: Path) -> "pd.DataFrame":
    """Return condition and domain (cells,) of a file."""
    from anndata.io import read_elem

    return labels_of(read_elem(file["obs"]), entry, settings, path, "obs")


class _SomeGenes:
    """A matrix on the disk of which some genes are wanted: rows are read, then their columns taken."""

    def __init__(self, matrix, genes: np.ndarray):
        self.matrix, self.genes, self.shape = matrix, genes, (matrix.shape[0], len(genes))

    def __getitem__(self, rows):
        return self.matrix[rows][:, self.genes]


def _with_genes(matrix, places: np.ndarray):
    """Return a matrix on the disk with some of its genes; itself where these are all, in their order."""
    everything = len(places) == matrix.shape[1] and (np.diff(places) == 1).all()
    return matrix if everything else _SomeGenes(matrix, places)


def matrix_of(file: "h5py.File", settings: "Settings", path: Path):
    """Return the values (cells, genes) that the settings name, on the disk: slices of rows are read when wanted.

    X, a layer, or ``.raw`` with the genes of X.

    Raises
    ------
    UserError
        If there are none, or ``.raw`` has not all genes of X.
    """
    import pandas as pd

    layer, layers = settings.layer, file.get("layers", {})
    if layer is None:
        if "X" not in file:
            raise UserError(f"{path}: X is empty; name the layer to read in 'layer'.")
        return on_disk(file["X"])
    if layer in layers:
        return on_disk(layers[layer])
    if layer == "raw" and "raw" in file:
        genes = pd.Index(names_in(file, "raw/var")).get_indexer(wanted := names_in(file, "var"))
        if (genes < 0).any():
            raise UserError(f"{path}: .raw has no gene '{np.array(wanted)[genes < 0][0]}', which X has.")
        return _SomeGenes(on_disk(file["raw/X"]), genes)
    known = [*layers, *(["raw"] if "raw" in file else [])]
    raise UserError(
        f"{path}: there is no layer '{layer}'{did_you_mean(layer, known)}; it has: {', '.join(known) or 'none'}."
    )


def on_disk(part: "h5py.Dataset | h5py.Group"):
    """Return a matrix of an h5ad of which slices of rows can be read; one that is stored by columns is read at once."""
    from anndata.io import read_elem, sparse_dataset

    if hasattr(part, "dtype"):
        return part
    if part.attrs["encoding-type"] == "csc_matrix":
        return read_elem(part).tocsr()
    return sparse_dataset(part)


def _check_counts(file: "h5py.File", matrix, settings: "Settings", path: Path) -> None:
    """Raise `UserError` where counts are wanted that X has not, and ``.raw`` or a layer has."""
    if settings.scale != "log1p_counts" or settings.layer is not None or looks_like_counts(matrix):
        return
    others = {**dict(file.get("layers", {})), **({"raw": file["raw/X"]} if "raw" in file else {})}
    for name, part in others.items():
        values = on_disk(part)
        if looks_like_counts(values) or (name == "raw" and holds_whole(values) and not holds_whole(matrix)):
            place = ".raw" if name == "raw" else f"layer '{name}'"
            raise UserError(
                f"{path}: scale: log1p_counts needs counts, which X does not hold, and {place} does; set layer: {name}."
            )
