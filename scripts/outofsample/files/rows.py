"""An h5ad of cells that is open for reading: what is said of its cells is read at once, their values when wanted.

Tasks and predictions of images can be large, and many jobs need some rows alone. One set of sentences tells what is
wrong with a file.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from outofsample.arrays import as_float
from outofsample.errors import UserError
from outofsample.files.h5ad import read_matrix, read_sparse
from outofsample.files.writing import check_seal

if TYPE_CHECKING:
    import h5py

#: Rows are read one by one where the stretch that they lie in is more than so many times as long.
_SCATTERED = 10
#: Rows of a stretch that are read at once.
_PIECE = 16_384


class Rows:
    """An h5ad, and what it says of its rows.

    Attributes
    ----------
    path
        The file.
    obs, var
        Frames (rows, columns) and (features, columns).
    uns
        What else the file says.
    shape
        (height, width, channels) where a row is an image.

    Raises
    ------
    UserError
        If the file is no readable h5ad, is damaged, or has not the columns of obs that are needed.
    """

    def __init__(self, path: str | Path, columns: Sequence[str] = ()):
        import h5py
        from anndata.io import read_elem

        self.path = Path(path)
        check_seal(path)
        try:
            with h5py.File(self.path) as file:
                self.obs, self.var, self.uns = (read_elem(file[part]) for part in ("obs", "var", "uns"))
                self._width = file["X"].shape[1] if isinstance(file["X"], h5py.Dataset) else -1
        except (OSError, KeyError, ValueError) as error:
            raise UserError(f"{self.path}: this is not a readable h5ad file ({error}).") from error
        if missing := [column for column in columns if column not in self.obs]:
            raise UserError(f"{self.path}: obs has no column {', '.join(map(repr, missing))}.")
        self._columns: dict[str, np.ndarray] = {}
        shape = self.uns.get("image_shape")
        self.shape = None if shape is None else tuple(int(side) for side in shape)

    @property
    def names(self) -> np.ndarray:
        """Names (rows,) of the rows."""
        return self.obs.index.to_numpy(str)

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns of the values."""
        return tuple(self.var.index.astype(str))

    def column(self, name: str) -> np.ndarray:
        """Return a column of obs (rows,) as str; "" where a value is missing, or the whole column."""
        if name not in self._columns:
            found = np.full(len(self.obs), "", dtype=object)
            if name in self.obs:
                values = self.obs[name].astype(object)
                found = values.where(values.notna(), "").astype(str).to_numpy(object)
            self._columns[name] = found
        return self._columns[name]

    def values(self, rows: np.ndarray | None = None) -> np.ndarray:
        """Return the values (rows, features) of these rows, in their order; of all where none are given."""
        import h5py

        with h5py.File(self.path) as file:
            X = file["X"]
            if rows is None:
                return read_matrix(X)
            if not isinstance(X, h5py.Dataset):
                return read_sparse(X).tocsr()[rows].toarray()
            if not len(rows):
                return X[:0]
            wanted, back = np.unique(rows, return_inverse=True)
            if wanted[-1] - wanted[0] >= _SCATTERED * len(wanted):
                return X[wanted][back]
            found = _of_stretch(X, wanted)
            return found if np.array_equal(wanted, rows) else found[back]

    def ends(self, rows: np.ndarray) -> np.ndarray:
        """Return the smallest and the largest value (2, features) in some rows, at least one.

        Rows that are stored as zeros and others are not written out, and of others a part is in memory at a time.
        """
        import h5py

        with h5py.File(self.path) as file:
            if not isinstance(file["X"], h5py.Dataset):
                found = read_sparse(file["X"]).tocsr()[rows]
                return np.concatenate([end(axis=0).toarray() for end in (found.min, found.max)])
        parts = (self.values(rows[begin : begin + _PIECE]) for begin in range(0, len(rows), _PIECE))
        ends = [(part.min(axis=0), part.max(axis=0)) for part in parts]
        low, high = zip(*ends, strict=True)
        return np.stack([np.min(low, axis=0), np.max(high, axis=0)])

    def finite_values(self, rows: np.ndarray | None = None) -> np.ndarray:
        """Return values like `values`, as float32.

        Raises
        ------
        UserError
            If one of them is not finite.
        """
        X = as_float(self.values(rows))
        check_finite(self.path, X)
        return X

    def activations(self, name: str) -> np.ndarray | None:
        """Return what obsm has under a name (rows, units), None where there is no such part."""
        import h5py
        from anndata.io import read_elem

        with h5py.File(self.path) as file:
            return read_elem(file[f"obsm/{name}"]) if f"obsm/{name}" in file else None

    def check_features(self, features: Sequence[str]) -> None:
        """Complain if the features are not these in this order.

        Raises
        ------
        UserError
            If so.
        """
        if self.features != tuple(features):
            raise UserError(f"{self.path}: the features are not those of the training file in the same order.")

    def with_images(self, shape: tuple[int, int, int] | None = None) -> Self:
        """Return itself if it has images in rows, of this shape or else of that in ``uns["image_shape"]``.

        Raises
        ------
        UserError
            If it has none, or others.
        """
        self.shape = self.shape if shape is None else shape
        if self.shape is None or len(self.shape) != 3 or self._width != math.prod(self.shape):
            wanted = 'of height, width and channels as in uns["image_shape"]' if shape is None else f"of {shape}"
            raise UserError(f"{self.path}: X must have images {wanted}, one in a row.")
        return self

    def images(self, rows: np.ndarray) -> np.ndarray:
        """Return the images (rows, height, width, channels) float32 of these rows, in their order.

        Raises
        ------
        UserError
            If a value is not finite.
        """
        return self.finite_values(rows).reshape(-1, *self.shape)


def _of_stretch(X: "h5py.Dataset", wanted: np.ndarray) -> np.ndarray:
    """Return rows (positions, ascending) of a matrix on the disk, of which what lies between them is read too."""
    found = np.empty((len(wanted), X.shape[1]), dtype=X.dtype)
    for begin in range(wanted[0], wanted[-1] + 1, _PIECE):
        places = slice(*np.searchsorted(wanted, (begin, begin + _PIECE)))
        found[places] = X[begin : min(begin + _PIECE, wanted[-1] + 1)][wanted[places] - begin]
    return found


def check_finite(path: str | Path, X: np.ndarray) -> None:
    """Complain about values (rows, features), read from ``path``, that are not finite.

    Raises
    ------
    UserError
        If there are some.
    """
    bad = ~np.isfinite(X)
    if bad.any():
        raise UserError(f"{path}: {bad.sum()} values in {bad.any(axis=1).sum()} rows are not finite numbers.")
