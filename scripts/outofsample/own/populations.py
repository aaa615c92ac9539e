"""Cells that a user has in memory as what methods see: source, target and query of a fit, and the pieces of a query."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from outofsample.arrays import Query, TrainingData
from outofsample.errors import InputError, did_you_mean
from outofsample.methods.families.base import chunks
from outofsample.own.in_memory import (
    Table,
    as_labels,
    as_table,
    checked,
    column_order,
    labels_in,
)

if TYPE_CHECKING:
    from outofsample.own.in_memory import Cells

#: Domains of cells that nobody gave any: S and T are one population, X is another.
WITHOUT_DOMAINS = {"S": "given", "T": "given", "X": "query"}


class Piece(NamedTuple):
    """Cells to predict at once: their places, values and counts (cells, features), and the query they belong to."""

    places: slice | np.ndarray
    X: np.ndarray
    counts: np.ndarray | None
    query: Query


def queries(domains: Sequence[str]) -> tuple[Query, ...]:
    """Return a query for each population of X, called as it is."""
    return tuple(Query(domain, domain, "source", "target") for domain in domains)


def training_data(
    populations: dict[str, "Cells"], domains: str | Sequence | None, counts: str | Sequence | None
) -> tuple[TrainingData, "FittedOn"]:
    """Return S, T and X as what a method is fitted to, and what to remember of them.

    Parameters
    ----------
    populations
        Cells (cells, features) by ``S``, ``T`` and ``X``.
    domains, counts
        As `outofsample.estimator.Extrapolator.fit` takes them.

    Raises
    ------
    InputError
        If a population is empty, the features differ, or a value is not a finite number; if labels or counts are not
        there, or not of as many cells.
    """
    _check_entries("domains", domains)
    _check_entries("counts", counts)
    column = domains if isinstance(domains, str) else None
    if column is not None:
        labels = [labels_in(cells, column, word) for word, cells in populations.items()]
    tables = {word: as_table(cells, word, column) for word, cells in populations.items()}
    named = next((table for table in tables.values() if table.names is not None), tables["S"])
    if column is None:
        given = WITHOUT_DOMAINS if domains is None else dict(zip(populations, domains, strict=True))
        labels = [as_labels(given[word], table.shape[0], f"domains of {word}") for word, table in tables.items()]
    parts = [_all_rows(table, word, named) for word, table in tables.items()]
    counted = None if counts is None else _counts_of_fit(populations, counts, tables, named)
    sizes = [len(part) for part in parts]
    data = TrainingData(
        X=np.concatenate(parts),
        role=np.repeat(["source", "target", "query"], sizes),
        condition=np.repeat(["source", "target", "source"], sizes),
        domain=np.concatenate(labels),
        features=named.names or tuple(map(str, range(named.shape[1]))),
        queries=queries(np.unique(labels[2]).tolist()),
        counts=counted,
    )
    layer = counts if isinstance(counts, str) else None
    asked = tuple(query.domain for query in data.queries)
    return data, FittedOn(named.shape[1], named.names, asked, column, layer)


def _check_entries(word: str, given: str | Sequence | None) -> None:
    if given is not None and not isinstance(given, str) and len(given) != len(WITHOUT_DOMAINS):
        raise InputError(f"{word}: there are {len(given)} entries; give those of S, of T and of X, or one name.")


def _all_rows(table: Table, word: str, named: Table) -> np.ndarray:
    """Return all cells (cells, features) float32 of a table, with the columns in the order of ``named``."""
    values = table.rows(slice(None), column_order(table, named.names, named.shape[1], word))
    return checked(values, word, named.names, 0)


def _counts_of_fit(populations: dict[str, "Cells"], counts: Any, tables: dict[str, Table], named: Table) -> np.ndarray:
    """Return the counts (cells, features) of S, T and X."""
    parts = []
    for place, (word, table) in enumerate(tables.items()):
        given = counts if isinstance(counts, str) else counts[place]
        parts.append(_all_rows(counts_of(populations[word], given, table, word), f"counts of {word}", named))
    return np.concatenate(parts)


def counts_of(cells: "Cells", given: Any, table: Table, word: str) -> Table:
    """Return the counts of a table's cells: a layer of an AnnData by its name, or as they were given.

    Raises
    ------
    InputError
        If there is no such layer, or they are of another number of cells.
    """
    if isinstance(given, str):
        layers = getattr(cells, "layers", None)
        if layers is None or given not in layers:
            known = "" if layers is None else did_you_mean(given, layers)
            raise InputError(f"{word}: there is no layer '{given}' of counts{known}; give the counts themselves.")
        counted = Table(layers[given], table.names)
    else:
        counted = as_table(given, f"counts of {word}")
    if counted.shape[0] != table.shape[0]:
        raise InputError(f"{word}: there are {table.shape[0]:,} cells, and counts of {counted.shape[0]:,}.")
    return counted


@dataclass(frozen=True)
class FittedOn:
    """What an estimator remembers of the cells of its fit.

    Attributes
    ----------
    features, names
        Number of features, and their names where they have any.
    domains
        The populations of X, in order.
    column, layer
        Where labels and counts were taken from; None where they were given, or there are none.
    """

    features: int
    names: tuple[str, ...] | None
    domains: tuple[str, ...]
    column: str | None = None
    layer: str | None = None

    def table(self, X: "Cells") -> Table:
        """Return cells as a table, without the column of labels.

        Raises
        ------
        InputError
            As `as_table` does.
        """
        return as_table(X, "X", self.column_in(X))

    def column_in(self, X: "Cells") -> str | None:
        """Return the column of labels, where these cells have it."""
        return self.column if self.column in getattr(getattr(X, "obs", X), "columns", ()) else None

    def order(self, table: Table, word: str = "X") -> list[int] | None:
        """Return the columns of a table in the order of the fit; None where they are in it.

        Raises
        ------
        InputError
            If the features are others.
        """
        return column_order(table, self.names, self.features, word)

    def pieces(
        self, X: "Cells", domains: Any, counts: Any, whole: bool = False, at_once: int | None = None
    ) -> Iterator[Piece]:
        """Yield the cells to predict at once, with the columns in the order of the fit.

        Parameters
        ----------
        X
            Cells (cells, features).
        domains, counts
            As `outofsample.estimator.Extrapolator.transform` takes them.
        whole
            Whether all cells of a query are one piece.
        at_once
            Cells that are read at once; None: as many as go through a network at once.

        Raises
        ------
        InputError
            If the features are others, a value is not finite, or labels or counts do not go with the cells.
        """
        table, asked = self.table(X), queries(self.domains)
        order, labels = self.order(table), self._labels(X, table, domains)
        counts = self.layer if counts is None and hasattr(X, "layers") else counts
        counted = None if counts is None else counts_of(X, counts, table, "X")
        counted_order = None if counted is None else self.order(counted, "counts of X")
        cells = range(table.shape[0])
        for part in [cells] if whole else chunks(cells, *([at_once] if at_once else [])):
            rows = slice(part.start, part.stop)
            values = checked(table.rows(rows, order), "X", self.names, part.start)
            numbers = None
            if counted is not None:
                numbers = checked(counted.rows(rows, counted_order), "counts of X", self.names, part.start)
            if labels is None:
                yield Piece(rows, values, numbers, asked[0])
                continue
            for query in asked:
                own = np.flatnonzero(labels[rows] == query.domain)
                if len(own):
                    yield Piece(part.start + own, values[own], None if numbers is None else numbers[own], query)

    def _labels(self, X: "Cells", table: Table, domains: Any) -> np.ndarray | None:
        """Return the population (cells,) of each cell; None where X of the fit had one alone, whose cells all are."""
        if len(self.domains) == 1:
            return None
        known = ", ".join(self.domains)
        if domains is None and self.column is None:
            raise InputError(f"X: the fit had the populations {known}; give the label of each cell in 'domains'.")
        if domains is None or (isinstance(domains, str) and domains not in self.domains):
            labels = labels_in(X, self.column if domains is None else domains, "X")
        else:
            labels = as_labels(domains, table.shape[0], "domains of X")
        if len(others := np.setdiff1d(labels, self.domains)):
            raise InputError(f"X: '{others[0]}' was no population of the fit, which had {known}.")
        return labels
