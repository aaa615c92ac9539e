"""The prediction of a method: ``predictions/T/METHOD.h5ad``.

Everything that tables, figures and a user's own files need of it.

- ``X``: float32, the predicted cells, with the features of ``train.h5ad``.
- ``obs["query"]``; ``obs["seed"]``: without chance the first of the study, or 0 where R computes.
- ``obs["role"]``: ``query`` for predicted X (its scored cells), ``source`` for transformed S (at most
  ``in_sample_cells`` of them),
  ``self`` for training cells seen under their own condition (first seed of methods with a matched layer).
- ``obs["cell"]``: the name in ``train.h5ad`` (whose ``obs["pair_id"]``, where known, tells the truth's cell).
- ``obs["outside"]``: share of the cell's edited units outside the source's range; NaN for methods that edit none.
- ``obsm["latent"]``, ``obsm["matched"]``, where the model has them.
- ``uns["method"]``, ``uns["model"]``; ``uns["backend"]``: what computed it, with version; ``uns["versions"]``: of
  packages besides; ``uns["outside"]``: by query and seed, the share of query cells outside the source's range per
  edited unit; for images ``uns["image_shape"]``.
- ``uns["held_out"]``, where it was asked for: what the method predicts for domains that S and T share, each left out
  of its fit in turn. A row per query and domain: ``query``, ``domain``; energy distances ``error`` (the prediction to
  the domain's cells of T), ``unchanged`` (its cells of S to these), ``moved`` (its cells of S to their prediction),
  ``distance`` (its cells of S to those of the other domains), ``query_moved`` and ``query_distance`` (the same of the
  query's cells); ``predicted`` and ``measured`` (rows, features), the change of the mean; ``why_not``: JSON,
  {query: reason} of those without rows; and ``random_parts``: JSON, the queries whose S and T share fewer than two.
- ``uns["unmoved"]``: JSON, the queries whose cells are predicted as they are, with all seeds.
- ``uns["not_run"]``: the reason, where there are no rows.

The rows with role ``query`` of one query and seed are in the order of the query's scored cells in ``train.h5ad``.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from outofsample.arrays import HeldOut, Prediction, Query, TrainingData, are_rows
from outofsample.errors import UserError
from outofsample.files.h5ad import write_h5ad
from outofsample.files.rows import Rows

# ---- writing


class PredictionWriter:
    """Collects the predictions of one method on one task, and writes them as one file."""

    def __init__(self, data: TrainingData, method: str, model: str | None = None, in_sample_cells: int = 1000):
        self.data, self.method, self.model, self.in_sample_cells = data, method, model, in_sample_cells
        self.parts: list[tuple[Query, int, np.ndarray, str, Prediction]] = []
        #: What is held out of S and T, by query, where it was asked for.
        self.held_out: Mapping[str, HeldOut] = {}

    def in_sample(self, query: Query) -> np.ndarray:
        """Return the indices of the source cells that are kept for in-sample panels: the same for every method."""
        cells = self._scored(self.data.is_source(query))
        return np.sort(np.random.default_rng(0).permutation(cells)[: self.in_sample_cells])

    def _scored(self, mask: np.ndarray) -> np.ndarray:
        """Return the cells (positions) in a mask that scores and pages rest on."""
        return np.flatnonzero(mask if self.data.scored is None else mask & self.data.scored)

    def add(self, query: Query, seed: int, cells: np.ndarray, role: str, prediction: Prediction) -> None:
        """Add the prediction for some training cells (indices); ``role`` is ``query``, ``source`` or ``self``."""
        self.parts.append((query, seed, cells, role, prediction))

    def add_all(self, predict, seed: int, one_by_one: bool = False) -> None:
        """Add, for each query, ``predict(X, query, counts)`` of its scored cells and of the source cells kept.

        ``one_by_one`` says that a cell's prediction does not depend on the cells that go with it: then no others are
        predicted.
        """
        for query in self.data.queries:
            populations = {"query": self.data.is_query(query), "source": self.data.is_source(query)}
            wanted = {"query": self._scored(populations["query"]), "source": self.in_sample(query)}
            for role, kept in wanted.items():
                cells = kept if one_by_one else np.flatnonzero(populations[role])
                prediction = predict(self.data.X[cells], query, self._counts(cells))
                if len(cells) > len(kept):
                    prediction = _rows(prediction, np.searchsorted(cells, kept))
                self.add(query, seed, kept, role, prediction)

    def add_own_conditions(self, predict, seed: int) -> None:
        """Add, with the role ``self``, training cells as the method sees them under their *own* condition.

        ``predict(X, query, counts)`` is called for at most ``in_sample_cells`` cells of all conditions. Only the first
        seed of a method with a matched layer has them: figures show how alike the conditions are in that layer
        (trVAE, Fig. 2).
        """
        has_layer = bool(self.parts) and self.parts[-1][-1].matched is not None
        if not has_layer or any(role == "self" for *_, role, _ in self.parts):
            return
        seen = self._scored(self.data.role != "reference")
        kept = np.sort(np.random.default_rng(0).permutation(seen)[: self.in_sample_cells])
        for condition in np.unique(self.data.condition[kept]):
            cells = kept[self.data.condition[kept] == condition]
            query = replace(self.data.queries[0], source=condition, target=condition, hops=())
            prediction = predict(self.data.X[cells], query, self._counts(cells))
            self.add(self.data.queries[0], seed, cells, "self", prediction)

    def _counts(self, cells: np.ndarray) -> np.ndarray | None:
        return None if self.data.counts is None else self.data.counts[cells]

    def write(self, path: str | Path, backend: str = "", versions: dict | None = None, not_run: str = "") -> None:
        """Write the file; ``not_run`` is the reason where there is nothing to write."""
        # The first part has no rows: its types hold where no other part has any.
        empty = np.zeros((0, len(self.data.features)), dtype=np.float32)
        parts = [(empty, "", 0, "", np.array([], dtype=object), np.nan)]
        for query, seed, cells, role, prediction in self.parts:
            outside = np.nan if prediction.outside_per_cell is None else prediction.outside_per_cell
            parts.append((prediction.X, query.name, seed, role, self.data.names[cells], outside))
        sizes = [len(X) for X, *_ in parts]
        X, *columns, cells, outside = zip(*parts, strict=True)
        obs = dict(zip(("query", "seed", "role"), (np.repeat(column, sizes) for column in columns), strict=True))
        obs["cell"] = np.concatenate(cells).astype(str)
        obs["outside"] = np.concatenate(
            [np.broadcast_to(share, size) for share, size in zip(outside, sizes, strict=True)]
        ).astype(np.float32)
        uns = {
            "method": self.method,
            "model": self.model or "",
            "backend": backend,
            "versions": versions or {},
            "not_run": not_run,
            "outside": self._outside(),
            "unmoved": json.dumps(self._unmoved()),
        }
        if self.held_out:
            uns["held_out"] = _held_out_as_table(self.held_out)
        if self.data.image_shape is not None:
            uns["image_shape"] = np.array(self.data.image_shape)
        X = np.concatenate(X).astype(np.float32, copy=False)
        write_h5ad(path, X, obs, list(self.data.features), self._activations(), uns)

    def _activations(self) -> dict[str, np.ndarray]:
        """Return the edited and the matched activations (rows, units) of all parts, where all have them."""
        found = {}
        for name in ("latent", "matched"):
            units = [getattr(part[-1], name) for part in self.parts]
            if units and all(unit is not None for unit in units):
                found[name] = np.concatenate(units).astype(np.float32, copy=False)
        return found

    def _outside(self) -> dict[str, np.ndarray]:
        """Share of query cells outside the source's range, per edited unit; keyed by query and seed."""
        return {
            f"{query.name}|{seed}": prediction.outside
            for query, seed, _, role, prediction in self.parts
            if role == "query" and prediction.outside is not None
        }

    def _unmoved(self) -> list[str]:
        """Return the names of the queries whose cells are predicted as they are, with all seeds."""
        parts = [(query.name, cells, predicted.X) for query, _, cells, role, predicted in self.parts if role == "query"]
        moved = {name for name, cells, X in parts if not are_rows(X, self.data.X, cells)}
        return list(dict.fromkeys(name for name, *_ in parts if name not in moved))


def _held_out_as_table(held_out: Mapping[str, HeldOut]) -> dict:
    """Return ``uns["held_out"]``: a row per query and domain, and the reasons of queries without rows."""
    parts = list(held_out.values())
    sizes = [len(part.domains) for part in parts]
    return {
        "query": np.repeat(np.array(list(held_out), dtype=object), sizes),
        "domain": np.concatenate([part.domains for part in parts]).astype(object),
        "error": np.concatenate([part.errors for part in parts]),
        "unchanged": np.concatenate([part.unchanged for part in parts]),
        "moved": np.concatenate([part.moved for part in parts]),
        "distance": np.concatenate([part.distances for part in parts]),
        "query_moved": np.repeat([part.query_moved for part in parts], sizes),
        "query_distance": np.repeat([part.query_distance for part in parts], sizes),
        "predicted": np.concatenate([part.predicted for part in parts]),
        "measured": np.concatenate([part.measured for part in parts]),
        "why_not": json.dumps({name: part.why_not for name, part in held_out.items() if part.why_not}),
        "random_parts": json.dumps([name for name, part in held_out.items() if part.random_parts]),
    }


def describe_outside(writer: PredictionWriter) -> list[str]:
    """Return a line per query and seed: how much of the query was extrapolated, on average and in the worst unit."""
    lines = []
    for query, seed, _, role, prediction in writer.parts:
        if role == "query" and prediction.outside is not None:
            share = prediction.outside
            lines.append(
                f"{writer.method}, {query.name}, seed {seed}: {share.mean():.2%} of the query's values lie outside the "
                f"source's range (at most {share.max():.2%}, in unit {int(share.argmax())})"
            )
    return lines


def _rows(prediction: Prediction, rows: np.ndarray) -> Prediction:
    """Return some rows of a prediction; ``outside`` stays that of all."""
    pick = {name: getattr(prediction, name) for name in ("latent", "matched", "outside_per_cell")}
    picked = {name: None if a is None else a[rows] for name, a in pick.items()}
    return replace(prediction, X=prediction.X[rows], **picked)


# ---- reading


@dataclass(frozen=True)
class Part:
    """What is predicted of the cells of one query with one seed.

    Attributes
    ----------
    X
        Array (cells, features) float32.
    cells
        Names (cells,) in the training part.
    outside
        Array (cells,) float32: share of edited units outside the source's range; NaN where none is edited.
    """

    X: np.ndarray
    cells: np.ndarray
    outside: np.ndarray


class PredictionFile(Rows):
    """A prediction file, of which rows are read when they are wanted.

    Attributes
    ----------
    method, model, backend
        What predicted; "" where the file does not say.
    not_run
        The reason where there is no prediction, else "".
    seeds
        In the order of the file.
    unmoved
        The queries whose cells are predicted as they are.

    Raises
    ------
    UserError
        If it is another file, or lacks a column (those of ``more`` besides what every reader needs).
    """

    def __init__(self, path: str | Path, more: Sequence[str] = ()):
        super().__init__(path, ("query", "seed", "role", "cell", *more))
        if "method" not in self.uns:
            raise UserError(f'{self.path}: uns["method"] is missing; it must name the method.')
        words = (str(self.uns.get(key, "")) for key in ("method", "model", "backend", "not_run"))
        self.method, self.model, self.backend, self.not_run = words
        self.seeds = tuple(self.obs["seed"].astype(int).unique().tolist())
        self.unmoved = tuple(json.loads(str(self.uns.get("unmoved", "[]"))))
        if not self.seeds and not self.not_run:
            raise UserError(f'{self.path}: there are no predictions, and no uns["not_run"].')

    def rows_of(self, query: str, seed: int) -> np.ndarray:
        """Return the rows of a query's cells, predicted with a seed."""
        mask = (self.column("role") == "query") & (self.column("query") == query)
        return np.flatnonzero(mask & (self.obs["seed"].to_numpy(int) == seed))

    def held_out(self, query: str) -> HeldOut:
        """Return what the method predicts for domains that S and T of a query share; why not, where there are none."""
        table = self.uns.get("held_out")
        if table is None:
            return HeldOut.none(len(self.features), self.not_run or "it was not asked for")
        if why := json.loads(str(table["why_not"])).get(query):
            return HeldOut.none(len(self.features), why, query in json.loads(str(table.get("random_parts", "[]"))))
        rows = np.flatnonzero(np.asarray(table["query"]).astype(str) == query)
        names = ("error", "unchanged", "moved", "predicted", "measured", "distance")
        columns = [np.asarray(table[name])[rows] for name in names]
        of_query = (float(np.asarray(table[name])[rows[0]]) for name in ("query_moved", "query_distance"))
        return HeldOut(np.asarray(table["domain"])[rows].astype(str), *columns, *of_query)

    def own_condition_rows(self) -> np.ndarray:
        """Return the rows of training cells seen under their own condition (role ``self``), of one seed."""
        own, seeds = self.column("role") == "self", self.obs["seed"].to_numpy(int)
        return np.flatnonzero(own & (seeds == seeds[own].min(initial=seeds.max(initial=0))))

    def part(self, query: str, seed: int) -> Part:
        """Return what is predicted of the cells of a query, by its name, with a seed.

        Raises
        ------
        UserError
            If nothing is.
        """
        rows = self.rows_of(query, seed)
        if not len(rows):
            raise UserError(f"{self.path}: there is no prediction for query '{query}' with seed {seed}.")
        outside = self.obs["outside"].to_numpy(np.float32)[rows]
        return Part(self.values(rows), self.column("cell")[rows], outside)


class PredictedImages(PredictionFile):
    """A prediction file of images of a ``shape``; ``seeds`` are sorted.

    Raises
    ------
    UserError
        If it is another file.
    """

    def __init__(self, path: str | Path, shape: tuple[int, int, int]):
        super().__init__(path)
        self.with_images(shape)
        self.seeds = tuple(sorted(self.seeds))

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


@dataclass(frozen=True)
class Predictions:
    """What one prediction file says of the queries of a task.

    Attributes
    ----------
    method, backend, not_run, model, seeds
        As in `PredictionFile`.
    cells
        By query and seed, sorted: arrays (cells, features) float32, rows as the query's cells.
    outside
        By query and seed: the share (cells,) of edited units outside the source's range, where it was asked for.
    held_out
        By query, as `PredictionFile.held_out`.
    """

    method: str
    backend: str
    not_run: str
    cells: dict[tuple[str, int], np.ndarray]
    model: str = ""
    seeds: tuple[int, ...] = ()
    outside: dict[tuple[str, int], np.ndarray] = field(default_factory=dict)
    held_out: dict[str, HeldOut] = field(default_factory=dict)


def read_predictions(path: str | Path, data: TrainingData, outside: bool = False) -> Predictions:
    """Read a prediction file and check it against the training data of the task.

    Raises
    ------
    UserError
        If features or their order differ from training, if a query has no prediction, if the predicted cells are not
        the query's cells in their order, if a value is not finite, or the column ``outside`` is asked for and absent.
    """
    file = PredictionFile(path, ("outside",) if outside else ())
    file.check_features(data.features)
    held_out = {query.name: file.held_out(query.name) for query in data.queries}
    said = {"model": file.model, "seeds": file.seeds, "held_out": held_out}
    if file.not_run:
        return Predictions(file.method, file.backend, file.not_run, {}, **said)
    X, named, cells, shares = file.finite_values(), file.column("query"), {}, {}
    unknown = set(named[file.column("role") == "query"]) - {query.name for query in data.queries}
    if unknown:
        raise UserError(f"{path}: the task has no query {', '.join(map(repr, sorted(unknown)))}.")
    for query in data.queries:
        rows = {seed: file.rows_of(query.name, seed) for seed in sorted(file.seeds)}
        if not any(map(len, rows.values())):
            raise UserError(f"{path}: there is no prediction for query '{query.name}', and no uns[\"not_run\"].")
        for seed, of_seed in rows.items():
            if not len(of_seed):
                continue
            _check_cells(path, query.name, seed, file.column("cell")[of_seed], data.names[data.is_query(query)])
            cells[query.name, seed] = X[of_seed]
            if outside:
                shares[query.name, seed] = file.obs["outside"].to_numpy(np.float32)[of_seed]
    return Predictions(file.method, file.backend, file.not_run, cells, outside=shares, **said)


def _check_cells(path: str | Path, query: str, seed: int, found: np.ndarray, wanted: np.ndarray) -> None:
    """Complain if the predicted cells are not those of the query, or stand in another order."""
    if len(found) == len(wanted) and (found == wanted).all():
        return
    problem = f'{len(found)} cells are predicted where the query has {len(wanted)}, or obs["cell"] names others'
    if sorted(found) == sorted(wanted):
        problem = "the rows are not in the order of the query's cells in the training file"
    raise UserError(f"{path}: query '{query}', seed {seed}: {problem}.")
