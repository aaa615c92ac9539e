"""Files of images, for grids: a task of images can be large, so only the rows that are shown or measured are read."""

import math
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from outofsample.arrays import Query
from outofsample.errors import UserError


class ImageFile:
    """An h5ad of images, of a ``shape`` that it names itself where none is given; rows are read when they are wanted.

    Raises
    ------
    UserError
        If the file is no readable h5ad, or has not the columns that are needed.
    """

    def __init__(self, path: str | Path, columns: Sequence[str], shape: tuple[int, int, int] | None = None):
        import h5py
        from anndata.io import read_elem

        self.path = Path(path)
        try:
            with h5py.File(self.path) as file:
                self.obs, self.uns = read_elem(file["obs"]), read_elem(file["uns"])
                values = file["X"].shape[1] if isinstance(file["X"], h5py.Dataset) else -1
        except (OSError, KeyError) as error:
            raise UserError(f"{self.path}: this is not a readable h5ad file ({error}).") from error
        if missing := [column for column in columns if column not in self.obs]:
            raise UserError(f"{self.path}: obs has no column {', '.join(map(repr, missing))}.")
        self.shape = tuple(int(side) for side in (self.uns.get("image_shape", ()) if shape is None else shape))
        if len(self.shape) != 3 or values != math.prod(self.shape):
            wanted = 'of height, width and channels as in uns["image_shape"]' if shape is None else f"of {self.shape}"
            raise UserError(f"{self.path}: X must have images {wanted}, one in a row.")
        self.names = self.obs.index.to_numpy(str)

    def column(self, name: str) -> np.ndarray:
        """Return a column of obs (rows,) as strings; "" where there is no such column."""
        return self.obs[name].to_numpy(str) if name in self.obs else np.full(len(self.obs), "")

    def images(self, rows: np.ndarray) -> np.ndarray:
        """Return the images (rows, height, width, channels) float32 of these rows, in their order."""
        import h5py

        wanted, back = np.unique(rows, return_inverse=True)
        with h5py.File(self.path) as file:
            X = np.asarray(file["X"][wanted] if len(wanted) else file["X"][:0], dtype=np.float32)
        if not np.isfinite(X).all():
            raise UserError(f"{self.path}: there are values in X that are not finite numbers.")
        return X[back].reshape(-1, *self.shape)


class ImageTask:
    """Training part and truth of a task: who is who, and who is the same after the change."""

    def __init__(self, train: str | Path, truth: str | Path):
        import json

        self.train = ImageFile(train, ("role", "condition", "domain"))
        self.truth = ImageFile(truth, ("query",))
        self.queries = tuple(Query(**query) for query in json.loads(self.train.uns["queries"]))
        names = ("role", "condition", "domain")
        self._role, self._condition, self._domain = (self.train.column(name) for name in names)

    def source(self, query: Query) -> np.ndarray:
        """Return the training part's rows of S."""
        return np.flatnonzero((self._role == "source") & (self._condition == query.source))

    def target(self, query: Query) -> np.ndarray:
        """Return the training part's rows of T."""
        return np.flatnonzero((self._role == "target") & (self._condition == query.target))

    def query(self, query: Query) -> np.ndarray:
        """Return the training part's rows of X."""
        mask = (self._role == "query") & (self._domain == query.domain) & (self._condition == query.source)
        return np.flatnonzero(mask)

    def after(self, queries: Sequence[Query]) -> np.ndarray:
        """Return the truth's rows of these queries."""
        return np.flatnonzero(np.isin(self.truth.column("query"), [query.name for query in queries]))

    def domains(self, rows: np.ndarray) -> str:
        """Return the domains of rows of the training part, for a title."""
        domains = sorted(set(self._domain[rows]))
        return " + ".join(domains) if len(domains) < 4 else f"{len(domains)} domains"

    def partners(self, rows: np.ndarray, file: ImageFile, among: np.ndarray) -> np.ndarray:
        """Return, for rows of the training part, those ``among`` a file's with the same ``pair_id``; -1: none."""
        known = {pair: row for row, pair in zip(among, file.column("pair_id")[among], strict=True) if pair}
        return np.array([known.get(pair, -1) for pair in self.train.column("pair_id")[rows]], dtype=int)


class PredictedImages(ImageFile):
    """A prediction file of images (docs/architecture.md)."""

    def __init__(self, path: str | Path, shape: tuple[int, int, int]):
        super().__init__(path, ("query", "seed", "role", "cell"), shape)
        if "method" not in self.uns:
            raise UserError(f'{self.path}: uns["method"] is missing; it must name the method.')
        self.method, self.not_run = str(self.uns["method"]), str(self.uns.get("not_run", ""))
        self.seeds = tuple(sorted({int(seed) for seed in self.obs["seed"]}))
        if not self.seeds and not self.not_run:
            raise UserError(f'{self.path}: there are no predictions, and no uns["not_run"].')

    @cached_property
    def _rows(self) -> dict[tuple[str, str, str], int]:
        """Row of each (query, role, cell), of the first seed."""
        first = np.flatnonzero(self.obs["seed"].to_numpy(int) == self.seeds[0])
        keys = zip(*(self.column(name)[first] for name in ("query", "role", "cell")), strict=True)
        return dict(zip(keys, first, strict=True))

    def has(self, cells: np.ndarray, queries: Sequence[Query], role: str) -> np.ndarray:
        """Return the mask of cells, by name, that it predicts for one of the queries in a role."""
        return np.array(
            [any((query.name, role, cell) in self._rows for query in queries) for cell in cells], dtype=bool
        )

    def of(self, cells: np.ndarray, queries: Sequence[Query], role: str) -> np.ndarray:
        """Return the predicted images (cells, height, width, channels) of cells, by name.

        Raises
        ------
        UserError
            If one is not predicted.
        """
        absent = ~self.has(cells, queries, role)
        if absent.any():
            raise UserError(
                f"{self.path}: there is no prediction with the role '{role}' for {absent.sum()} of {len(cells)} images "
                f"of {', '.join(query.name for query in queries)}, the first is '{cells[absent][0]}'."
            )
        keys = [next((q.name, role, cell) for q in queries if (q.name, role, cell) in self._rows) for cell in cells]
        return self.images(np.array([self._rows[key] for key in keys], dtype=int))
