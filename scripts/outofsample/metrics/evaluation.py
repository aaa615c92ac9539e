"""Scores of all predictions of one task: the only place, but for the split, that sees the truth.

``scores/T.csv`` has one row per query, method, seed and score (docs/architecture.md). Scores that need a truth are
left out for queries without one.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from outofsample.arrays import Query, TrainingData
from outofsample.errors import UserError
from outofsample.files.writing import replacing
from outofsample.metrics.families import (
    DistanceScores,
    Family,
    NotebookScores,
    Populations,
    Score,
    Settings,
    SubsampleScores,
    SummaryScores,
)
from outofsample.metrics.images import (
    ClassifierScores,
    Extract,
    ImagePopulations,
    InceptionScores,
    PairScores,
    ThicknessScores,
)
from outofsample.metrics.resampling import FEW_CELLS
from outofsample.metrics.response import response_features
from outofsample.study.split import to_training

#: The families of scores by kind of data, in the order of the rows.
FAMILIES: dict[str, tuple[type[Family], ...]] = {
    "tabular": (SummaryScores, DistanceScores, SubsampleScores, NotebookScores),
    "images": (SummaryScores, DistanceScores, InceptionScores, ClassifierScores, PairScores, ThicknessScores),
}
#: The names of all scores.
SCORES = tuple(dict.fromkeys(name for kind in FAMILIES.values() for family in kind for name in family.scores))
#: The settings of an evaluation that says nothing else.
DEFAULTS = Settings()


@dataclass(frozen=True)
class Row:
    """One row of ``scores/T.csv``. Numbers are NaN where there are none, and then empty in the file.

    ``low``, ``high`` and ``sd`` are over resampled cells; ``n_cells`` is the number of predicted cells.
    """

    task: str
    query: str
    method: str
    seed: int | str = ""
    score: str = ""
    value: float = np.nan
    low: float = np.nan
    high: float = np.nan
    sd: float = np.nan
    n_cells: int | str = ""
    note: str = ""
    backend: str = ""


class QueryScorer:
    """Scores predictions of one query, by the families of scores for its kind of data."""

    def __init__(self, cells: Populations, settings: Settings):
        self.settings, self.Y = settings, cells.Y
        kind = "tabular" if cells.image_shape is None else "images"
        self.families = [family(cells, settings) for family in FAMILIES[kind]]

    def score(self, predicted: np.ndarray) -> list[dict]:
        """Score a prediction (cells, features), whose rows are those of X; one dictionary of `Row` fields per score."""
        return _entries([family.score(predicted) for family in self.families], len(predicted))

    def oracle(self) -> Iterator[list[dict]]:
        """Score random halves of the truth against the other halves: the best that these data allow."""
        rng = np.random.default_rng(self.settings.seed)
        few = f"fewer than {FEW_CELLS} cells" if len(self.Y) < FEW_CELLS else ""
        for _ in range(self.settings.oracle_halves):
            order = rng.permutation(len(self.Y))
            half, other = self.Y[order[: len(order) // 2]], self.Y[order[len(order) // 2 :]]
            entries = _entries([family.score_halves(half, other) for family in self.families], len(half))
            yield [entry | {"note": "; ".join(filter(None, [few, entry["note"]]))} for entry in entries]


def _entries(found: list[dict[str, Score]], cells: int) -> list[dict]:
    """Return one dictionary of `Row` fields per score."""
    return [{"score": name, "n_cells": cells} | score._asdict() for scores in found for name, score in scores.items()]


@dataclass(frozen=True)
class Truth:
    """The truth of one query: its cells (cells, features), and what pairs them with those of X, "" where nothing."""

    X: np.ndarray
    pairs: np.ndarray


@dataclass(frozen=True)
class Predictions:
    """What one prediction file says; ``cells[query, seed]`` are the rows (cells, features) of the query's cells."""

    method: str
    backend: str
    not_run: str
    cells: dict[tuple[str, int], np.ndarray]


def evaluate(
    train: Path,
    truth: Path,
    predictions: list[Path],
    settings: Settings = DEFAULTS,
    not_run: dict[str, str] | None = None,
    extractors: Mapping[str, Extract] | None = None,
) -> list[Row]:
    """Score prediction files of one task; rows in the order of queries, files and seeds, the oracle last.

    ``not_run`` gives the reasons of methods that cannot run on these data, and so have no file. ``extractors`` are
    what describes images (`outofsample.metrics.images`): without one, its scores are left out.

    Raises
    ------
    UserError
        If a file is unreadable or does not fit the task; the message names it.
    """
    task, data, pairs = read_train(train)
    truths = read_truth(truth, data)
    scorers = {}
    for query in data.queries:
        answers = answers_of(query, pairs[data.is_query(query)], truths.get(query.name), truth)
        cells = populations_of(query, data, truths.get(query.name), answers, train)
        if data.image_shape is not None:
            cells = ImagePopulations(**vars(cells), extractors=extractors or {})
        scorers[query.name] = QueryScorer(cells, settings)
    rows: list[Row] = []
    for path in predictions:
        read = read_predictions(path, data)
        if read.method in {row.method for row in rows} | {"oracle"}:
            raise UserError(
                f"{path}: there is already a method '{read.method}' in this evaluation; rename one of them."
            )
        rows += prediction_rows(task, data.queries, scorers, read)
    for method, reason in (not_run or {}).items():
        rows += prediction_rows(task, data.queries, scorers, Predictions(method, "", reason, {}))
    for name, scorer in scorers.items():
        rows += oracle_rows(task, name, scorer)
    order = [query.name for query in data.queries]
    return sorted(rows, key=lambda row: order.index(row.query))


def populations_of(
    query: Query, data: TrainingData, truth: Truth | None, answers: np.ndarray | None, path: Path
) -> Populations:
    """Return the cells of a query of the training data that were read from ``path``; ``answers`` as `answers_of`."""
    populations = {"source": data.is_source(query), "target": data.is_target(query), "query": data.is_query(query)}
    for word, mask in populations.items():
        if not mask.any():
            raise UserError(f"{path}: query '{query.name}' has no {word} cells; check the task's conditions.")
    S, T, X = (as_float(data.X[mask]) for mask in populations.values())
    Y = None if truth is None else truth.X
    scored = Y is not None and data.image_shape is None
    response = response_features(S, T, X, Y) if scored else None
    return Populations(S, T, X, Y, response, data.image_shape, answers)


def answers_of(query: Query, pairs: np.ndarray, truth: Truth | None, path: Path) -> np.ndarray | None:
    """Return the row (cells of X,) of the truth that each cell of X became, -1 where nobody knows; None without one.

    ``pairs`` (cells of X,) are what pairs them with the truth that was read from ``path``.
    """
    if truth is None:
        return None
    named = np.flatnonzero(truth.pairs != "")
    rows = dict(zip(truth.pairs[named], named, strict=True))
    if len(rows) < len(named):
        raise UserError(f"{path}: query '{query.name}': a name in obs[\"pair_id\"] must stand for one cell alone.")
    return np.array([rows.get(pair, -1) for pair in pairs], dtype=int)


def prediction_rows(task: str, queries: tuple[Query, ...], scorers: dict[str, QueryScorer], read: Predictions):
    """Yield the rows of one method: one per query, seed and score, or one per query if it did not run."""
    for query in queries:
        shared = {"task": task, "query": query.name, "method": read.method, "backend": read.backend}
        if read.not_run:
            yield Row(**shared, note=read.not_run)
        for (name, seed), cells in read.cells.items():
            if name == query.name:
                for entry in scorers[name].score(cells):
                    yield Row(**shared, seed=seed, **entry)


def oracle_rows(task: str, query: str, scorer: QueryScorer):
    """Yield the rows of the oracle, with the number of the half as the seed; without halves one row that says why."""
    if scorer.Y is None or len(scorer.Y) < 2:
        yield Row(task, query, "oracle", note="no truth" if scorer.Y is None else "fewer than two cells of truth")
        return
    for half, entries in enumerate(scorer.oracle()):
        for entry in entries:
            yield Row(task, query, "oracle", seed=half, **entry)


def as_float(X: np.ndarray) -> np.ndarray:
    """Return cells as a float32 array; images are stored as uint8, whose differences would wrap around."""
    return np.asarray(X, dtype=np.float32)


def read_train(path: Path) -> tuple[str, TrainingData, np.ndarray]:
    """Return the task's name, the training data, and what pairs each cell with its truth (cells,)."""
    import anndata

    try:
        adata = anndata.read_h5ad(path)
        task, data = str(adata.uns["task"]), to_training(adata)
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"{path}: this is no training file of a task ({error}).") from error
    _check_finite(path, data.X)
    return task, data, _pairs(adata.obs)


def read_truth(path: Path, data: TrainingData) -> dict[str, Truth]:
    """Return the truth of each query that has one."""
    X, obs, _ = _read(path, data.features, columns=("query",))
    _check_finite(path, X)
    named, pairs = obs["query"].astype(str).to_numpy(), _pairs(obs)
    masks = {query.name: named == query.name for query in data.queries}
    return {name: Truth(X[mask], pairs[mask]) for name, mask in masks.items() if mask.any()}


def _pairs(obs) -> np.ndarray:
    """Return the column ``pair_id`` (cells,) of a table of cells, "" where there is none."""
    if "pair_id" not in obs:
        return np.full(len(obs), "", dtype=object)
    return obs["pair_id"].astype(object).where(obs["pair_id"].notna(), "").astype(str).to_numpy()


def read_predictions(path: Path, data: TrainingData) -> Predictions:
    """Read a prediction file and check it against the task.

    Raises
    ------
    UserError
        If features or their order differ from training, if a query has no prediction, if the predicted cells are not
        the query's cells in their order, or if a value is not finite.
    """
    X, obs, uns = _read(path, data.features, columns=("query", "seed", "role", "cell"))
    if "method" not in uns:
        raise UserError(f'{path}: uns["method"] is missing; it must name the method.')
    method, backend, not_run = (str(uns.get(key, "")) for key in ("method", "backend", "not_run"))
    if not_run:
        return Predictions(method, backend, not_run, {})
    _check_finite(path, X)
    obs = obs.astype({"query": str, "role": str, "cell": str, "seed": int})
    predicted = obs["role"].to_numpy() == "query"
    unknown = set(obs["query"][predicted]) - {query.name for query in data.queries}
    if unknown:
        raise UserError(f"{path}: the task has no query {', '.join(map(repr, sorted(unknown)))}.")
    cells = {}
    for query in data.queries:
        of_query = predicted & (obs["query"].to_numpy() == query.name)
        if not of_query.any():
            raise UserError(f"{path}: there is no prediction for query '{query.name}', and no uns[\"not_run\"].")
        for seed in np.unique(obs["seed"][of_query]):
            rows = of_query & (obs["seed"].to_numpy() == seed)
            _check_cells(path, query.name, seed, obs["cell"][rows].to_numpy(), data.names[data.is_query(query)])
            cells[query.name, int(seed)] = X[rows]
    return Predictions(method, backend, not_run, cells)


def _read(path: Path, features: tuple[str, ...], columns: tuple[str, ...]):
    """Return X (cells, features), obs and uns of an h5ad; layers and obsm, which scores do not need, stay unread."""
    import h5py
    import scipy.sparse
    from anndata.io import read_elem

    try:
        with h5py.File(path) as file:
            X, obs, var, uns = (read_elem(file[part]) for part in ("X", "obs", "var", "uns"))
    except (OSError, KeyError) as error:
        raise UserError(f"{path}: this is not a readable h5ad file ({error}).") from error
    missing = [column for column in columns if column not in obs]
    if missing:
        raise UserError(f"{path}: obs has no column {', '.join(map(repr, missing))}.")
    if tuple(var.index.astype(str)) != tuple(features):
        raise UserError(f"{path}: the features are not those of the training file in the same order.")
    return as_float(X.toarray() if scipy.sparse.issparse(X) else X), obs, uns


def _check_finite(path: Path, X: np.ndarray) -> None:
    bad = ~np.isfinite(X)
    if bad.any():
        raise UserError(f"{path}: {bad.sum()} values in {bad.any(axis=1).sum()} rows are not finite numbers.")


def _check_cells(path: Path, query: str, seed: int, found: np.ndarray, wanted: np.ndarray) -> None:
    """Complain if the predicted cells are not those of the query, or stand in another order."""
    if len(found) == len(wanted) and (found == wanted).all():
        return
    problem = f'{len(found)} cells are predicted where the query has {len(wanted)}, or obs["cell"] names others'
    if sorted(found) == sorted(wanted):
        problem = "the rows are not in the order of the query's cells in the training file"
    raise UserError(f"{path}: query '{query}', seed {seed}: {problem}.")


def write_scores(rows: list[Row], path: Path) -> None:
    """Write rows as CSV; NaN becomes an empty field."""
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({key: _text(value) for key, value in asdict(row).items()})


def _text(value) -> str:
    """Return a field of the CSV; nine digits are more than float32 data can tell apart."""
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.9g}"
    return str(value)
