"""The batch effect in the files of one's own data: the median of each file and feature, before and after.

What a cytometrist checks first: do the files of one population agree, how far apart do the batches lie, and did a
method bring the query's files to where those of the target are?
"""

import math
from typing import TYPE_CHECKING

import numpy as np

from outofsample.arrays import Query, TrainingData
from outofsample.figures import panels, style
from outofsample.files.task import TrainingRows
from outofsample.own.changes import Change

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Features that are shown, and the width that the files of a population take beside each other.
FEATURES, SPREAD = 8, 0.6
#: With more files than these, lines from each before to after would hide the points.
JOINED = 60
NOTE = (
    "Each point is the median of one file, of its cells that this page rests on; black: the median of these. Lines "
    "join a file before and after. Undoing a batch effect moves the query's files as far as the target lies from the "
    "source, and keeps how they differ from each other."
)


def files_of(rows: TrainingRows, query: Query) -> dict[str, np.ndarray]:
    """Return the file of each source, target and query cell of a `Change`: arrays (cells,) of str, by population.

    On a chain of controls the target are the cells of S, moved, so each of them has the file that it was measured in.
    """
    role, condition, domain, file = (rows.column(name)[rows.scored] for name in ("role", "condition", "domain", "file"))
    data = TrainingData(np.empty((len(role), 0)), role, condition, domain, (), rows.queries)
    source = data.is_source(query)
    target = data.is_target(query) if len(query.steps) == 1 else source
    return {"source": file[source], "target": file[target], "query": file[data.is_query(query)]}


def medians(change: Change, files: dict[str, np.ndarray]) -> dict[str, tuple[list[str], np.ndarray]]:
    """Return the files of each population and the medians (files, features) of their cells; names are sorted.

    The prediction has those of the query, whose cells it has; a truth has none, since it is never written back.
    """
    found = {}
    for name, of_cell in (*files.items(), ("prediction", files["query"])):
        names = sorted(set(of_cell))
        values = [np.median(change.cells[name][of_cell == file], axis=0) for file in names]
        found[name] = (names, np.array(values, dtype=np.float64))
    return found


def has_several(files: dict[str, np.ndarray]) -> bool:
    """Whether a population consists of several files: else there is nothing to compare within it."""
    return any(len(set(of_cell)) > 1 for of_cell in files.values())


def per_file(change: Change, table: "pd.DataFrame", files: dict[str, np.ndarray]) -> "Figure":
    """Draw the medians of all files for the features that moved most.

    Parameters
    ----------
    table
        Of `outofsample.own.changes.feature_table`: its first rows are shown.
    files
        As `files_of` returns it.
    """
    top = table["feature"].head(FEATURES).tolist()
    columns = min(4, len(top))
    rows = math.ceil(len(top) / columns)
    found = medians(change, files)
    figure = style.page(f"{change.query.name}: median of each file", NOTE, 1.6 * rows + 0.1)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for position, (ax, feature) in enumerate(zip(axes, top, strict=False)):
        column = change.features.index(feature)
        _feature(ax, {name: values[:, column] for name, (_, values) in found.items()})
        ax.set_title(panels.wrapped(feature, columns))
        unit = change.unit or "value in the file"
        ax.set_ylabel(f"median, {unit}" if position % columns == 0 else "")
    for ax in axes[len(top) :]:
        ax.set_visible(False)
    handles = [
        panels.points_handle(name, f"{change.names[name]}: {len(names)} file{'s' if len(names) > 1 else ''}")
        for name, (names, _) in found.items()
    ]
    panels.legend(figure, handles)
    return figure


def _feature(ax: "Axes", values: dict[str, np.ndarray]) -> None:
    """Draw the medians (files,) of one feature, a group of points per population with the median of these."""
    places = {name: place + _beside(len(each)) for place, (name, each) in enumerate(values.items())}
    if len(values["query"]) <= JOINED:
        both = [places["query"], places["prediction"]], [values["query"], values["prediction"]]
        ax.plot(*both, color="#BBBBBB", linewidth=0.6, zorder=1)
    for place, (name, each) in enumerate(values.items()):
        ax.plot(places[name], each, "o", ms=3.2, color=style.COLOURS[name], zorder=3)
        middle = np.median(each)
        ax.plot([place - SPREAD / 2, place + SPREAD / 2], [middle, middle], color="black", linewidth=1, zorder=2)
    ax.set_xticks(range(len(values)), [{"prediction": "predicted"}.get(name, name) for name in values], rotation=30)
    ax.set_xlim(-0.6, len(values) - 0.4)


def _beside(files: int) -> np.ndarray:
    """Return where (files,) the points of so many files stand around their population's place."""
    return np.linspace(-SPREAD / 2, SPREAD / 2, files) if files > 1 else np.zeros(1)
