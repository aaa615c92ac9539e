"""Scores of all predictions of one task: the only place, but for the split, that sees the truth.

``scores/T.csv`` has one row per query, method, seed and score (docs/architecture.md). Scores that need a truth are
left out for queries without one.
"""

import csv
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from outofsample.arrays import Query, TrainingData
from outofsample.errors import UserError
from outofsample.files import replacing
from outofsample.metrics.correlations import change_r, spike_in_r, summary_r
from outofsample.metrics.distances import draw_cells, energy_distance, rmse, sorted_features, wasserstein
from outofsample.metrics.resampling import draw_counts, interval, summarise_resamples
from outofsample.metrics.spread import sd_ratio, variance_ratio
from outofsample.metrics.summaries import Summary, summarise
from outofsample.tasks import to_training

#: All scores, in the order of the rows.
SCORES = (
    "spike_in_r",
    "change_r",
    "change_of_means_r",
    "rmse_medians",
    "means_r",
    "variances_r",
    "energy_distance",
    "wasserstein",
    "variance_ratio",
    "sd_ratio",
)
#: Below this number of truth cells, the oracle's halves say little.
FEW_CELLS = 50


@dataclass(frozen=True)
class Settings:
    """Sizes of an evaluation: resamples of cells, halves for the oracle, cells for the energy distance, seed."""

    resamples: int = 200
    oracle_halves: int = 20
    max_cells: int = 2000
    seed: int = 0


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


def summary_scores(S: Summary, T: Summary, X: Summary, predicted: Summary, Y: Summary | None) -> dict[str, np.ndarray]:
    """Return the scores that rest on medians, means and variances of the populations.

    The arrays of the summaries are (..., features), those of the scores (...): so the same lines score the cells as
    they are and all their resamples.
    """
    scores = {"spike_in_r": spike_in_r(S.medians, T.medians, X.medians, predicted.medians)}
    if Y is None:
        return scores
    return scores | {
        "change_r": change_r(X.medians, predicted.medians, Y.medians),
        "change_of_means_r": change_r(X.means, predicted.means, Y.means),
        "rmse_medians": rmse(predicted.medians, Y.medians),
        "means_r": summary_r(predicted.means, Y.means),
        "variances_r": summary_r(predicted.variances, Y.variances),
        "variance_ratio": variance_ratio(predicted.variances, Y.variances),
        "sd_ratio": sd_ratio(predicted.variances, Y.variances),
    }


class QueryScorer:
    """Scores predictions of one query; what all methods share is computed once.

    ``S``, ``T``, ``X`` and ``Y`` are arrays (cells, features); ``Y`` is None where there is no truth.
    """

    def __init__(self, S: np.ndarray, T: np.ndarray, X: np.ndarray, Y: np.ndarray | None, settings: Settings):
        self.settings, self.Y = settings, Y
        self.S, self.T, self.X = summarise(S), summarise(T), summarise(X)
        rng = np.random.default_rng(settings.seed)
        self.counts = draw_counts(len(X), settings.resamples, rng)
        self.resampled = [summarise_resamples(S, draw_counts(len(S), settings.resamples, rng))]
        self.resampled.append(summarise_resamples(T, draw_counts(len(T), settings.resamples, rng)))
        self.resampled.append(summarise_resamples(X, self.counts))
        self.truth = self.resampled_truth = None
        if Y is not None:
            self.truth = summarise(Y)
            self.resampled_truth = summarise_resamples(Y, draw_counts(len(Y), settings.resamples, rng))
            self.truth_cells = Y[draw_cells(len(Y), settings.max_cells, settings.seed)]
            self.sorted_truth = sorted_features(Y)

    def score(self, predicted: np.ndarray) -> list[dict]:
        """Score a prediction (cells, features), whose rows are those of X; one dictionary of `Row` fields per score."""
        summary = summarise(predicted)
        values = summary_scores(self.S, self.T, self.X, summary, self.truth)
        resampled = summarise_resamples(predicted, self.counts)
        spread = summary_scores(*self.resampled, resampled, self.resampled_truth)
        if self.Y is not None:
            cells = predicted[draw_cells(len(predicted), self.settings.max_cells, self.settings.seed)]
            values["energy_distance"] = energy_distance(cells, self.truth_cells)
            values["wasserstein"] = wasserstein(sorted_features(predicted), self.sorted_truth)
        return self._entries(summary, values, spread, len(predicted))

    def oracle(self) -> Iterator[list[dict]]:
        """Score random halves of the truth against the other halves: the best that these data allow."""
        rng = np.random.default_rng(self.settings.seed)
        few = f"fewer than {FEW_CELLS} cells" if len(self.Y) < FEW_CELLS else ""
        for _ in range(self.settings.oracle_halves):
            order = rng.permutation(len(self.Y))
            half, other = self.Y[order[: len(order) // 2]], self.Y[order[len(order) // 2 :]]
            summary = summarise(half)
            values = summary_scores(self.S, self.T, self.X, summary, summarise(other))
            # The order is random already: the first cells are as good as any.
            values["energy_distance"] = energy_distance(*(part[: self.settings.max_cells] for part in (half, other)))
            values["wasserstein"] = wasserstein(sorted_features(half), sorted_features(other))
            entries = self._entries(summary, values, {}, len(half))
            yield [entry | {"note": "; ".join(filter(None, [few, entry["note"]]))} for entry in entries]

    def _entries(self, summary: Summary, values: dict, spread: dict, cells: int) -> list[dict]:
        entries = []
        for score in SCORES:
            if score not in values:
                continue
            entry = {"score": score, "value": float(values[score]), "n_cells": cells, "note": ""}
            if np.isnan(entry["value"]):
                entry["note"] = self._why_undefined(score, summary, cells)
            elif score in spread:
                entry |= dict(zip(("low", "high", "sd"), interval(spread[score]), strict=True))
            entries.append(entry)
        return entries

    def _why_undefined(self, score: str, summary: Summary, cells: int) -> str:
        unchanged = np.array_equal(summary.medians, self.X.medians) and np.array_equal(summary.means, self.X.means)
        if score in ("spike_in_r", "change_r", "change_of_means_r") and unchanged:
            return "undefined: no change applied"
        if score == "energy_distance":
            return "undefined: fewer than two cells"
        return "undefined: the truth does not vary" if score.endswith("ratio") else "undefined: constant over features"


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
    settings: Settings = Settings(),
    not_run: dict[str, str] | None = None,
) -> list[Row]:
    """Score prediction files of one task; rows in the order of queries, files and seeds, the oracle last.

    ``not_run`` gives the reasons of methods that cannot run on these data, and so have no file.

    Raises
    ------
    UserError
        If a file is unreadable or does not fit the task; the message names it.
    """
    task, data = read_train(train)
    truths = read_truth(truth, data)
    scorers = {query.name: scorer_of(query, data, truths.get(query.name), settings, train) for query in data.queries}
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


def scorer_of(query: Query, data: TrainingData, Y: np.ndarray | None, settings: Settings, path: Path) -> QueryScorer:
    """Return the scorer of a query of the training data that were read from ``path``."""
    populations = {"source": data.is_source(query), "target": data.is_target(query), "query": data.is_query(query)}
    for word, mask in populations.items():
        if not mask.any():
            raise UserError(f"{path}: query '{query.name}' has no {word} cells; check the task's conditions.")
    return QueryScorer(*(as_float(data.X[mask]) for mask in populations.values()), Y, settings)


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


def read_train(path: Path) -> tuple[str, TrainingData]:
    """Return the task's name and the training data."""
    import anndata

    try:
        adata = anndata.read_h5ad(path)
        task, data = str(adata.uns["task"]), to_training(adata)
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"{path}: this is no training file of a task ({error}).") from error
    _check_finite(path, data.X)
    return task, data


def read_truth(path: Path, data: TrainingData) -> dict[str, np.ndarray]:
    """Return the truth (cells, features) of each query that has one."""
    X, obs, _ = _read(path, data.features, columns=("query",))
    _check_finite(path, X)
    named = obs["query"].astype(str).to_numpy()
    return {query.name: X[named == query.name] for query in data.queries if (named == query.name).any()}


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
    with replacing(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({key: _text(value) for key, value in asdict(row).items()})


def _text(value) -> str:
    """Return a field of the CSV; nine digits are more than float32 data can tell apart."""
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.9g}"
    return str(value)
