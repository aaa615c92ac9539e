"""What a notebook gets: the populations of one query, and what each method predicts for it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from outofsample.arrays import Query, TrainingData, as_float
from outofsample.errors import UserError, did_you_mean
from outofsample.figures.populations import population_names
from outofsample.files.prediction import read_predictions
from outofsample.files.task import read_task, read_truth
from outofsample.metrics.summaries import summarise
from outofsample.texts import as_label, marks

#: Options of all figures; the others are arguments of the function that draws.
SHARED_OPTIONS = ("query", "unit", "names")


@dataclass(frozen=True)
class Panel:
    """What one method predicts for the query.

    Attributes
    ----------
    method, label
        Its name, and how figures call it.
    X
        Array (cells, features) of the first seed, rows as in the query; None where the method did not run.
    seeds
        All seeds of the file; the first is shown.
    not_run
        The reason, where the method did not run.
    """

    method: str
    label: str
    X: np.ndarray | None
    seeds: tuple[int, ...] = ()
    not_run: str = ""


@dataclass(frozen=True)
class FigureData:
    """All that a figure of one query shows.

    Attributes
    ----------
    figure
        The notebook's parameter: name, title, task, stand_in, demo_size, labels, options.
    features
        Names of the columns of all arrays.
    query
        Which prediction was asked for.
    cells
        ``source``, ``target``, ``query``, ``truth``, ``reference``: arrays (cells, features); without an entry where
        there is no such population. On a chain of controls ``target`` is what `TrainingData.source_and_target` makes.
    names
        What each of them is called in the figure.
    panels
        One per method, in the order of the files.
    unit
        Scale of the values, for axis labels.
    """

    figure: dict[str, Any]
    features: tuple[str, ...]
    query: Query
    cells: dict[str, np.ndarray]
    names: dict[str, str]
    panels: list[Panel]
    unit: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def ran(self) -> list[Panel]:
        """The methods that have a prediction."""
        return [panel for panel in self.panels if panel.X is not None]

    def column(self, feature: str) -> int:
        """Return the column of a feature, or raise `UserError` with the nearest name."""
        if feature not in self.features:
            raise UserError(f"{self.figure['name']}: no feature '{feature}'{did_you_mean(feature, self.features)}.")
        return self.features.index(feature)

    def short(self, population: str) -> str:
        """Return the name of a population without what stands in brackets."""
        return self.names[population].split(" (")[0]

    def axis_label(self, feature: str) -> str:
        """Return the feature with its scale, as ``IFNg, arcsinh(x/5)``."""
        return f"{feature}, {self.unit}" if self.unit else feature


def load_data(figure: dict, train: str | Path, truth: str | Path, predictions: list[str]) -> FigureData:
    """Read what a figure shows; options ``query`` (default: the first), ``unit`` and ``names`` are used here.

    Raises
    ------
    UserError
        If a file is unreadable or does not fit the task, or the query is unknown.
    """
    options = dict(figure.get("options", {}))
    shared = {name: options.pop(name, None) for name in SHARED_OPTIONS}
    _, data, _ = read_task(train)
    query = _find_query(data, shared["query"], figure["name"])
    truths = read_truth(truth, data)
    source, target = data.source_and_target(query)
    cells = {
        "source": source,
        "target": target,
        "query": data.X[data.is_query(query)],
        "truth": truths[query.name].X if query.name in truths else data.X[:0],
        "reference": data.X[data.is_reference(query)],
    }
    return FigureData(
        figure=figure,
        features=tuple(data.features),
        query=query,
        cells={name: as_float(X) for name, X in cells.items() if len(X)},
        names=population_names(data, query) | (shared["names"] or {}),
        panels=[_read_panel(Path(path), data, query, figure.get("labels", {})) for path in predictions],
        unit=shared["unit"] or figure.get("unit", ""),
        options=options,
    )


def describe(data: FigureData) -> str:
    """Return what the notebook shows, one line per population and per method."""
    lines = [f"{data.names[name]} ({name}): {len(X):,} cells x {X.shape[1]} features" for name, X in data.cells.items()]
    for panel in data.panels:
        seeds = ", ".join(map(str, panel.seeds))
        shown = f"seed {panel.seeds[0]} shown, of {seeds}" if len(panel.seeds) > 1 else "one prediction"
        lines.append(f"{panel.label}: {shown if panel.X is not None else f'not run: {panel.not_run}'}")
    return "\n".join(lines)


def _find_query(data: TrainingData, name: str | None, figure: str) -> Query:
    known = {query.name: query for query in data.queries}
    if name is None:
        return data.queries[0]
    if name not in known:
        raise UserError(f"{figure}: no query '{name}'{did_you_mean(name, known)}; known: {', '.join(known)}.")
    return known[name]


def _read_panel(path: Path, data: TrainingData, query: Query, labels: dict[str, str]) -> Panel:
    read = read_predictions(path, data)
    label = labels.get(read.method, as_label(read.method))
    if read.not_run:
        return Panel(read.method, label, None, not_run=read.not_run)
    seeds = sorted(seed for name, seed in read.cells if name == query.name)
    return Panel(read.method, label, read.cells[query.name, seeds[0]], tuple(seeds))


def centre(X: np.ndarray, how: str) -> np.ndarray:
    """Return the ``median`` or ``mean`` (features,) of a population (cells, features)."""
    if how not in ("median", "mean"):
        raise UserError(f"a centre is 'median' or 'mean', not '{how}'.")
    return getattr(summarise(X), f"{how}s")


def note(data: FigureData, *sentences: str) -> str:
    """Return what stands below a figure's title: where the data come from, which query and seed, and ``sentences``."""
    seeds = max((panel.seeds for panel in data.panels), key=len, default=())
    parts = [
        marks(data.figure["stand_in"], data.figure["demo_size"]).capitalize(),
        f"Task {data.figure['task']}: {data.query.domain} from {data.query.source} to {data.query.target}",
        f"Seed {seeds[0]}, the first of {len(seeds)}, where chance plays a part" if len(seeds) > 1 else "",
        *sentences,
    ]
    return ". ".join(part for part in parts if part) + "."
