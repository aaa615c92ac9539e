"""What is looked at in an h5ad of unknown origin before any value is read.

HDF5 can have values elsewhere: in other files by external storage, external links and virtual datasets. Who reads such
a file copies what these hold into his own results, so they are refused by name. So are shapes that the file has nothing
for, and sparse matrices whose indices lead out of the matrix, on which compiled code crashes.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.errors import UserError
from outofsample.files.limits import ARRAY_RATIO, check_unpacked

if TYPE_CHECKING:
    import h5py
    from anndata import AnnData

#: Indices that are looked at together.
_PIECE = 1 << 20


def check_h5ad(path: Path) -> None:
    """Check that a file holds all its values itself, that they are no more than it can hold, and sparse matrices.

    Raises
    ------
    UserError
        If a part lies in another file, shapes promise more than the file can hold, or indices lead out of a matrix.
    Exception
        What h5py raises for damaged files.
    """
    import h5py

    with h5py.File(path, "r") as file:
        for matrix in check_parts(path, file):
            _check_sparse(path, *matrix)


def check_parts(path: Path, file: "h5py.File") -> list[tuple]:
    """Check what `check_h5ad` can without reading values; return the sparse matrices, whose indices are to be read.

    Raises
    ------
    UserError
        If a part lies in another file, or shapes promise more than the file can hold.
    Exception
        What h5py raises for damaged files.
    """
    import h5py

    claimed = 0
    sparse = []
    for name, part in _parts(path, file):
        if isinstance(part, h5py.Dataset):
            _check_within(path, name, part)
            claimed += _size(part)
        elif form := _form(part):
            sparse.append((name, part, *form))
    check_unpacked(path, claimed, path.stat().st_size, ARRAY_RATIO, "write it again with the shapes that it has")
    return sparse


def read_anndata(path: Path) -> "AnnData":
    """Return what anndata reads of an h5ad, after `check_h5ad`.

    Raises
    ------
    UserError
        As `check_h5ad` does.
    Exception
        What anndata raises for damaged files.
    """
    import anndata

    check_h5ad(path)
    return anndata.read_h5ad(path)


def _parts(path: Path, group: "h5py.Group") -> Iterator[tuple[str, "h5py.Group | h5py.Dataset"]]:
    """Yield the groups and datasets of a file, each once, with their names; no link is followed out of the file."""
    import h5py

    seen, waiting = set(), [("", group)]
    while waiting:
        place, part = waiting.pop()
        for key in part:
            name = f"{place}/{key}"
            link = part.get(key, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise _elsewhere(path, name, f"an external link to '{link.filename}'")
            # What a soft link names is met by its own name, and how to get there by the links that lead to it.
            if not isinstance(link, h5py.HardLink):
                continue
            inner = part[key]
            status = h5py.h5o.get_info(inner.id)
            if status.addr in seen:
                continue
            seen.add(status.addr)
            if isinstance(inner, h5py.Group):
                waiting.append((name, inner))
            if isinstance(inner, h5py.Group | h5py.Dataset):
                yield name, inner


def _check_within(path: Path, name: str, part: "h5py.Dataset") -> None:
    """Raise `UserError` where the values of a dataset lie in another file."""
    if part.external:
        raise _elsewhere(path, name, f"a dataset with external storage in '{part.external[0][0]}'")
    if part.is_virtual:
        raise _elsewhere(path, name, f"a virtual dataset over '{part.virtual_sources()[0].file_name}'")


def _elsewhere(path: Path, name: str, what: str) -> UserError:
    return UserError(
        f"{path}: '{name}' is {what}, and values outside of the file are not read; write the file again with all "
        "values in it (adata.write_h5ad)."
    )


def _size(part: "h5py.Dataset") -> int:
    """Return the bytes of a dataset, or of one of its chunks where that is larger: each is unpacked as a whole."""
    if part.shape is None:
        return 0
    # Python's own whole numbers: numpy's would overflow.
    return part.dtype.itemsize * max(math.prod(map(int, sides)) for sides in (part.shape, part.chunks or (0,)))


def _form(part: "h5py.Group") -> tuple[str, tuple[int, ...]] | None:
    """Return whether a group is a matrix by rows (``csr``) or columns (``csc``), and its shape; None if it is none."""
    if part.attrs.get("encoding-type") in ("csr_matrix", "csc_matrix"):
        return part.attrs["encoding-type"][:3], tuple(map(int, part.attrs["shape"]))
    # As anndata wrote it before version 0.7.
    if "h5sparse_format" in part.attrs:
        return part.attrs["h5sparse_format"], tuple(map(int, part.attrs["h5sparse_shape"]))
    return None


def _check_sparse(path: Path, name: str, part: "h5py.Group", form: str, shape: tuple[int, ...]) -> None:
    """Raise `UserError` where a compressed sparse matrix is none."""
    what = f"{path}: the sparse matrix '{name}' is damaged"
    if missing := [key for key in ("data", "indices", "indptr") if key not in part]:
        raise UserError(f"{what} (it has no {missing[0]}); write the file again.")
    rows, columns = shape if form == "csr" else shape[::-1]
    stored = part["indices"].shape[0]
    # Looked at in pieces, each with the last number of the one before.
    previous = 0
    for place, piece in _pieces(part["indptr"]):
        steps = np.diff(piece, prepend=previous)
        if (place == 0 and piece[0] != 0) or (steps < 0).any():
            raise UserError(f"{what} (its indptr does not begin at 0 and rise); write the file again.")
        previous = piece[-1]
    if part["indptr"].shape[0] != rows + 1 or previous != stored or part["data"].shape[0] != stored:
        raise UserError(
            f"{what} (shape, data, indices and indptr do not go together: {rows:,} rows, {part['data'].shape[0]:,}, "
            f"{stored:,} and {part['indptr'].shape[0]:,} values); write the file again."
        )
    for _, piece in _pieces(part["indices"]):
        if piece.min() < 0 or piece.max() >= columns:
            wrong = piece.min() if piece.min() < 0 else piece.max()
            raise UserError(f"{what} (an index is {wrong:,}, and there are {columns:,} places); write the file again.")


def _pieces(part: "h5py.Dataset") -> Iterator[tuple[int, np.ndarray]]:
    """Yield the whole numbers of a dataset (values,) in pieces, with the place of each piece."""
    for place in range(0, part.shape[0], _PIECE):
        yield place, part[place : place + _PIECE].astype(np.int64)
