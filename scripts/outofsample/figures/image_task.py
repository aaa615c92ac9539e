"""A task of images, for grids: who is who, and who is the same after the change."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from outofsample.arrays import Query
from outofsample.files.rows import Rows
from outofsample.files.task import TrainingRows, TruthRows


class ImageTask:
    """Training part and truth of a task: who is who, and who is the same after the change."""

    def __init__(self, train: str | Path, truth: str | Path):
        self.train = TrainingRows(train).with_images()
        self.truth = TruthRows(truth).with_images()
        self.queries = self.train.queries
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

    def partners(self, rows: np.ndarray, file: Rows, among: np.ndarray) -> np.ndarray:
        """Return, for rows of the training part, those ``among`` a file's with the same ``pair_id``; -1: none."""
        known = {pair: row for row, pair in zip(among, file.column("pair_id")[among], strict=True) if pair}
        return np.array([known.get(pair, -1) for pair in self.train.column("pair_id")[rows]], dtype=int)
