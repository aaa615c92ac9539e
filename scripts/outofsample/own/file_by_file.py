"""Predictions of a cohort: one file after the other, read, predicted and written in pieces.

The methods were fitted to a drawn part of the cells. Each file is there when all of it is, and what is known of it is
noted beside the output of the job: a job that was interrupted goes on with the next file.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample import registry
from outofsample.arrays import Query, dense
from outofsample.errors import UserError
from outofsample.files.cohort import Cohort, read_cohort
from outofsample.files.fitted_methods import read_methods
from outofsample.files.handed_back import FileNumbers
from outofsample.files.task import TrainingRows
from outofsample.files.writing import replacing
from outofsample.jobs.own import PredictFilesSpec
from outofsample.jobs.predict import MethodSpec
from outofsample.methods.families.base import Method
from outofsample.methods.families.chain import Chain, predict_in_blocks, restored
from outofsample.models.families.base import as_arrays
from outofsample.own.extrapolation import Extrapolated, in_units
from outofsample.own.leftovers import list_of
from outofsample.own.readers import fcs as fcs_reader
from outofsample.own.readers import h5ad as h5ad_reader
from outofsample.own.readers import parquet as parquet_reader
from outofsample.own.readers import table as table_reader
from outofsample.own.readers.support.pieces import PIECE, Piece
from outofsample.own.scales import to_file_scale, to_model_scale
from outofsample.own.summaries import Numbers
from outofsample.own.write_back import output_paths
from outofsample.own.writers import fcs, h5ad, parquet, table

if TYPE_CHECKING:
    from outofsample.datasets.own import Settings

#: What reads a format in pieces: (path, entry, columns, settings, cells at a time).
PIECES: dict[str, Callable[..., Iterator[Piece]]] = {
    "fcs": fcs_reader.pieces,
    "h5ad": h5ad_reader.pieces,
    "table": table_reader.pieces,
    "parquet": parquet_reader.pieces,
}
#: What writes a format in pieces: (original, path, columns, settings, about).
STREAMS: dict[str, Callable[..., AbstractContextManager]] = {
    "fcs": fcs.stream,
    "h5ad": h5ad.stream,
    "table": table.stream,
    "parquet": parquet.stream,
}


#: With more features fewer cells are read at a time: pieces are a multiple of the blocks that are predicted at once.
MANY_FEATURES, SMALL_PIECE = 1000, PIECE // 4


@dataclass(frozen=True)
class Source:
    """The range (features,) of the values of S of a query: outside of it, nothing was seen to change."""

    low: np.ndarray
    high: np.ndarray

    def outside(self, X: np.ndarray) -> np.ndarray:
        """Return the mask (cells, features) of values outside of it."""
        return (self.low > X) | (self.high < X)


class FittedTask:
    """What predicting a file of a task needs of it: its fitted methods, features and queries.

    Attributes
    ----------
    methods
        By name; each predicts cells that were not part of its fit. Those that did not run are not among them.
    model
        The model that they stand on, or "".
    seed
        The seed that they were fitted with.
    features
        Name and columns in the files of the features that the task keeps.
    columns
        The same of all features that a cell's scale rests on.
    sources
        By query: the range of S.

    Raises
    ------
    UserError
        If a file is another file, or not of data of one's own.
    """

    def __init__(self, spec: PredictFilesSpec, fitted: Path, train: Path):
        rows, cohort = TrainingRows(train), read_cohort(train)
        if cohort is None:
            raise UserError(f"{train}: these are not data of your own (uns has no 'cohort'; dataset 'own' writes it).")
        self.cohort: Cohort = cohort
        self.queries = rows.queries
        self.features = [*rows.var[["column", "columns"]].itertuples(name=None)]
        self.columns = [tuple(feature) for feature in cohort.features] or self.features
        places = {name: place for place, (name, *_) in enumerate(self.columns)}
        self.kept = np.array([places[name] for name, *_ in self.features])
        self.seed, states = read_methods(fitted)
        self.model = spec.model.name if spec.model else ""
        found = {method.name: _method(spec, method, states) for method in spec.methods}
        self.methods = {name: method for name, method in found.items() if method is not None}
        self.sources = {query: Source(*rows.ends_of_source(query)) for query in rows.queries}

    @property
    def piece(self) -> int:
        """How many cells of a file are read at a time.

        Predictions do not depend on it, but for cells that agree in all values: where zeros are kept by a draw, these
        are told apart by their order in the block that is predicted at once.
        """
        return PIECE if len(self.columns) <= MANY_FEATURES else SMALL_PIECE

    def columns_in(self, file: str) -> list[str]:
        """Return what the features that a cell's scale rests on are called in a file."""
        return [json.loads(others).get(file, column) for _, column, others in self.columns]

    def predicted_in(self, file: str) -> list[str]:
        """Return what the features that the task keeps are called in a file."""
        columns = self.columns_in(file)
        return [columns[place] for place in self.kept]


def _method(spec: PredictFilesSpec, asked: MethodSpec, states: dict[str, dict | None]) -> Method | Chain | None:
    """Return a fitted method; None where it did not run.

    Raises
    ------
    UserError
        If it is not among the fitted ones.
    """
    if asked.name not in states:
        raise UserError(f"{asked.name}: it is not among the fitted methods of the task; run the study anew.")
    if states[asked.name] is None:
        return None
    entry = registry.find("methods", asked.uses)

    def create() -> Method:
        model = spec.model and registry.create("models", spec.model.uses, spec.model.settings)
        return entry(entry.Settings(**asked.settings), model)

    return restored(create, as_arrays(states[asked.name]))


@dataclass
class _Open:
    """What is written of one query in one file by one method."""

    add: Callable[[object, np.ndarray], None]
    path: Path
    numbers: Numbers
    rows: list[np.ndarray] = field(default_factory=list)
    shares: list[np.ndarray] = field(default_factory=list)


def predict_file(
    task: FittedTask, entry: dict, original: Path, settings: "Settings", folder: Path, cells: int | None = None
) -> dict[str, list[FileNumbers]]:
    """Predict a file with each method, write it as ``folder``/METHOD/QUERY/FILE, and return what is told of it.

    Beside it ``folder``/METHOD_extrapolated/QUERY/FILE.csv lists the cells that were extrapolated, by their row. The
    predictions are the same bits however many cells are read at a time, where these are whole blocks.

    Parameters
    ----------
    task
        The fitted methods.
    entry, original
        The file's entry in ``files``, and where it is.
    settings
        Those of the dataset.
    folder
        The folder of the task.
    cells
        How many cells are in memory at a time; default: `FittedTask.piece`.

    Raises
    ------
    UserError
        If the file cannot be read, a value is not finite, or the disk is full; then nothing of it is written.
    """
    kind, file = settings.format, entry["path"]
    open_ones: dict[tuple[str, Query], _Open] = {}
    with ExitStack() as stack:

        def opened(name: str, query: Query) -> _Open:
            if (name, query) not in open_ones:
                path = output_paths(folder / name, [(query.name, file)], kind)[query.name, file]
                about = {"query": query.name, "method": name, "seed": str(task.seed)}
                stream = STREAMS[kind](original, path, task.predicted_in(file), settings, about)
                numbers = Numbers.of_file(task.cohort.cells[file])
                open_ones[name, query] = _Open(stack.enter_context(stream), path, numbers)
            return open_ones[name, query]

        for piece in PIECES[kind](original, entry, task.columns_in(file), settings, cells or task.piece):
            _predict_piece(task, piece, settings, opened)
    found: dict[str, list[FileNumbers]] = {name: [] for name in task.methods}
    for (name, query), one in open_ones.items():
        _write_extrapolated(list_of(folder, name, query.name, file), one)
        found[name].append(one.numbers.summary(query.name, file, str(one.path), one.path.stat().st_size))
    return found


def _predict_piece(task: FittedTask, piece: Piece, settings: "Settings", opened: Callable[[str, Query], _Open]) -> None:
    """Predict the cells of a piece that are of some query, with each method, and write them."""
    for query in task.queries:
        cells = np.flatnonzero((piece.domain == query.domain) & (piece.condition == query.source))
        if not len(cells):
            continue
        values = piece.values if len(cells) == len(piece.domain) else piece.values[cells]
        scaled, counts, sizes = to_model_scale(values, settings)
        X = np.ascontiguousarray(dense(scaled[:, task.kept]))
        counts = None if counts is None else dense(counts[:, task.kept])
        stored = piece.stored if len(cells) == len(piece.domain) else piece.stored.take(cells)
        outside = task.sources[query].outside(X)
        for name, method in task.methods.items():
            prediction = predict_in_blocks(method)(X, query, counts)
            share = prediction.outside_per_cell
            far = None if share is None else in_units(share, task.model)
            far = far or Extrapolated(outside.mean(axis=1, dtype=np.float32), "features")
            one, rows = opened(name, query), piece.begin + cells
            one.add(stored, to_file_scale(prediction.X, settings, sizes))
            one.numbers.add(rows, X, prediction.X, far.flagged, outside)
            one.rows.append(rows[far.flagged])
            one.shares.append(far.share[far.flagged])


def _write_extrapolated(path: Path, one: _Open) -> None:
    """Write the rows of the cells that were extrapolated, and the share of each that lies outside."""
    import pandas as pd

    table = pd.DataFrame({"row": np.concatenate(one.rows), "share_outside": np.concatenate(one.shares)})
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.4g", lineterminator="\n")
