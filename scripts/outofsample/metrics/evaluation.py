"""Scores of all predictions of one task: the only place, but for the split, that sees the truth.

The rows are those of ``scores/T.csv`` (`outofsample.files.scores`). Scores that need a truth are left out for queries
without one.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.arrays import Query, TrainingData, as_float
from outofsample.errors import UserError
from outofsample.files.missing import REASON
from outofsample.files.prediction import PredictionFile, Predictions, read_predictions
from outofsample.files.scores import FEW_CELLS, Row
from outofsample.files.task import Truth, read_task, read_truth
from outofsample.metrics import mixing
from outofsample.metrics.differential_expression import DifferentialExpressionScores
from outofsample.metrics.expected import EXPECTED, error_interval
from outofsample.metrics.extrapolation import ExtrapolationScores, limits_of
from outofsample.metrics.families import (
    DistanceScores,
    Family,
    Limits,
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
from outofsample.metrics.response import response_features

if TYPE_CHECKING:
    from outofsample.jobs.evaluate import EvaluationSpec

#: The families of scores by kind of data, in the order of the rows.
FAMILIES: dict[str, tuple[type[Family], ...]] = {
    "tabular": (
        SummaryScores,
        DistanceScores,
        SubsampleScores,
        NotebookScores,
        DifferentialExpressionScores,
        ExtrapolationScores,
    ),
    "images": (SummaryScores, DistanceScores, InceptionScores, ClassifierScores, PairScores, ThicknessScores),
}
#: The names of all scores; those of layers are of a method, whatever its query, and what is expected needs no truth.
SCORES = tuple(
    dict.fromkeys(
        [name for kind in FAMILIES.values() for family in kind for name in family.scores] + [*mixing.SCORES, EXPECTED]
    )
)
#: The settings of an evaluation that says nothing else.
DEFAULTS = Settings()


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
    file, data, pairs = read_task(train)
    task, truths = file.task, read_truth(truth, data)
    limits = None if data.image_shape is not None else limits_of(file.ends_of_all(data))
    scorers = {}
    for query in data.queries:
        answers = answers_of(query, pairs[data.is_query(query)], truths.get(query.name), truth)
        cells = populations_of(query, data, truths.get(query.name), answers, limits, train)
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
        rows += expected_rows(task, data.queries, read)
        rows += layer_rows(task, data, PredictionFile(path), settings)
    for method, reason in (not_run or {}).items():
        rows += prediction_rows(task, data.queries, scorers, Predictions(method, "", reason, {}))
    for name, scorer in scorers.items():
        rows += oracle_rows(task, name, scorer)
    order = [query.name for query in data.queries]
    return sorted(rows, key=lambda row: order.index(row.query))


def rows_without_data(spec: "EvaluationSpec") -> list[Row]:
    """Return the rows of a task whose data are missing: of each query and method that it did not run, and why."""
    methods = [*spec.methods, "oracle"]
    return [Row(spec.task, query, method, note=REASON) for query in spec.queries for method in methods]


def populations_of(
    query: Query, data: TrainingData, truth: Truth | None, answers: np.ndarray | None, limits: Limits | None, path: Path
) -> Populations:
    """Return the cells of a query of the training data that were read from ``path``; ``answers`` as `answers_of`."""
    populations = {"source": data.is_source(query), "target": data.is_target(query), "query": data.is_query(query)}
    for word, mask in populations.items():
        if not mask.any():
            raise UserError(f"{path}: query '{query.name}' has no {word} cells; check the task's conditions.")
    (S, T), X = data.source_and_target(query), as_float(data.X[populations["query"]])
    Y = None if truth is None else truth.X
    scored = Y is not None and data.image_shape is None
    response = response_features(S, T, X, Y) if scored else None
    return Populations(S, T, X, Y, response, data.image_shape, answers, limits)


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


def expected_rows(task: str, queries: tuple[Query, ...], read: Predictions):
    """Yield a row per query for which domains were held out: their mean error, and where the query's is expected."""
    for query in queries:
        found = read.held_out[query.name] if read.held_out else None
        if found is not None and not found.why_not:
            low, high = error_interval(found.errors, found)
            value = float(found.errors.mean())
            yield Row(task, query.name, read.method, read.seeds[0], EXPECTED, value, low, high, backend=read.backend)


def layer_rows(task: str, data: TrainingData, file: PredictionFile, settings: Settings):
    """Yield a row per query on the method's matched layer, where it has one: the same for all."""
    entry = mixing.score_layer(file, data, settings.resamples, settings.seed)
    for query in data.queries if entry else ():
        yield Row(task, query.name, file.method, backend=file.backend, **entry)


def oracle_rows(task: str, query: str, scorer: QueryScorer):
    """Yield the rows of the oracle, with the number of the half as the seed; without halves one row that says why."""
    if scorer.Y is None or len(scorer.Y) < 2:
        yield Row(task, query, "oracle", note="no truth" if scorer.Y is None else "fewer than two cells of truth")
        return
    for half, entries in enumerate(scorer.oracle()):
        for entry in entries:
            yield Row(task, query, "oracle", seed=half, **entry)
