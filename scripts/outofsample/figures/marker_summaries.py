"""Real against predicted mean and variance of each marker: Neuron Editing 2019, Figure 6."""

import math
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from outofsample.errors import UserError
from outofsample.figures import panels, style
from outofsample.figures.data import FigureData, Panel, note
from outofsample.figures.point_labels import label_points
from outofsample.metrics.correlations import summary_r
from outofsample.metrics.summaries import summarise

IDENTITY = {"color": "#999999", "linewidth": 0.8}
#: Of a prediction that lies below or above the axes.
OUTSIDE = {-1: "v", 1: "^"}
HALO = [withStroke(linewidth=2, foreground="white")]
#: Height of the line above each of the two grids, in inches.
HEAD = 0.25
#: Share of the axes' length below which an error gets no name: it could not be seen.
VISIBLE = 0.03


KINDS = ("means", "variances")


class Summaries(NamedTuple):
    """One summary of each marker: arrays (features,).

    Attributes
    ----------
    real
        Of the held-out cells.
    before
        Of the query: what the prediction would be if nothing were changed.
    predicted
        Of each method that ran.
    """

    real: np.ndarray
    before: np.ndarray
    predicted: dict[str, np.ndarray]

    def limits(self) -> tuple[float, float]:
        """Return the limits of both axes of all panels.

        All measured markers are within; predictions widen this by at most a quarter, so that one method that runs
        away does not press all others into a corner.
        """
        measured = np.concatenate([self.real, self.before])
        low, high = measured.min(), measured.max()
        room = 0.25 * ((high - low) or 1.0)
        ends = np.concatenate([measured, *self.predicted.values()])
        low, high = max(ends.min(), low - room), min(ends.max(), high + room)
        margin = 0.06 * ((high - low) or 1.0)
        return low - margin, high + margin

    def outside(self) -> np.ndarray:
        """Return, for each method and marker (methods, features), -1 below the axes, 1 above them, else 0."""
        low, high = self.limits()
        predicted = np.array(list(self.predicted.values())).reshape(-1, len(self.real))
        return (predicted > high).astype(int) - (predicted < low)


def means_and_variances(data: FigureData, labels: int = 3) -> Figure:
    """Draw the mean (a) and the variance (b) of each marker, real across and predicted upwards, a panel per method.

    At most ``labels`` markers of a panel are named: those with the largest errors, where there is room. r is Pearson's
    correlation over markers (2020, Table 3: `summary_r`), for the seed that is shown.

    Raises
    ------
    UserError
        If the query has no held-out cells to compare with.
    """
    if "truth" not in data.cells:
        raise UserError(
            f"{data.figure['name']}: nobody measured the truth of query '{data.query.name}'; the option 'query' must "
            "name one with held-out cells."
        )
    heights = [HEAD, _grid_height(len(data.panels))] * 2
    figure = style.page(data.figure["title"], _note(data), sum(heights))
    parts = figure.subfigures(4, 1, height_ratios=heights)
    shown = [summaries_of(data, kind) for kind in KINDS]
    scale = f" of {data.unit}" if data.unit else ""
    for head, letter, kind in zip(parts[::2], "ab", KINDS, strict=True):
        head.text(0.008, 0.5, f"{letter}   {kind}{scale}", va="center", size=8, weight="bold")
    grids = [_grid(part, data, summaries) for part, summaries in zip(parts[1::2], shown, strict=True)]
    style.settle(figure)
    for axes, summaries in zip(grids, shown, strict=True):
        for ax, panel in zip(axes, data.panels, strict=True):
            if panel.X is not None:
                _write(ax, data, panel, summaries, labels)
    panels.legend(figure, _handles(data, any(summaries.outside().any() for summaries in shown)))
    return figure


def _note(data: FigureData) -> str:
    return note(
        data,
        f"A point per marker ({len(data.features)}): its value in the held-out cells across, in the prediction "
        "upwards, joined to its value before; r: Pearson's correlation of real and predicted values over markers",
        "Named: the largest errors",
    )


def summaries_of(data: FigureData, kind: str) -> Summaries:
    """Return the ``means`` or ``variances`` of the truth, the query and each prediction."""
    return Summaries(
        getattr(summarise(data.cells["truth"]), kind),
        getattr(summarise(data.cells["query"]), kind),
        {panel.method: getattr(summarise(panel.X), kind) for panel in data.ran},
    )


def _grid_height(count: int) -> float:
    """Return the height in inches of a grid of square panels: 24 methods, twice, fill one page of A4."""
    columns = panels.columns_for(count)
    return math.ceil(count / columns) * (min(style.WIDTH / columns, 2.4) - 0.03) + 0.3


def _grid(part: SubFigure, data: FigureData, summaries: Summaries) -> list[Axes]:
    """Draw a panel per method into a part of the figure."""
    count = len(data.panels)
    columns = panels.columns_for(count)
    axes = panels.grid(part, count, "real", "predicted")
    extent = summaries.limits()
    ticks = MaxNLocator(3 if columns > 4 else 5, steps=[1, 2, 5, 10]).tick_values(*extent)
    for ax, panel in zip(axes, data.panels, strict=True):
        ax.set_box_aspect(1)
        ax.set(xticks=ticks, yticks=ticks)
        ax.set(xlim=extent, ylim=extent)
        ax.set_title(panels.wrapped(panel.label, columns))
        if panel.X is None:
            panels.not_run(ax, panel.not_run)
            # These panels are narrower than those that the text is meant for.
            ax.texts[-1].set_size(6)
        else:
            _points(ax, summaries, panel)
    return axes


def _points(ax: Axes, summaries: Summaries, panel: Panel) -> None:
    """Draw each marker before (small) and as predicted; a triangle at the edge where that is outside."""
    extent = np.array(ax.get_ylim())
    real, before, predicted = summaries.real, summaries.before, summaries.predicted[panel.method]
    ax.plot(extent, extent, zorder=0, **IDENTITY)
    ax.vlines(real, before, predicted, color="#BBBBBB", linewidth=0.6, zorder=1)
    ax.scatter(real, before, s=3, color=style.COLOURS["query"], linewidths=0, zorder=2)
    side = summaries.outside()[list(summaries.predicted).index(panel.method)]
    look = {"color": style.COLOURS["prediction"], "linewidths": 0, "zorder": 3}
    ax.scatter(real[side == 0], predicted[side == 0], s=9, **look)
    for where, marker in OUTSIDE.items():
        edge = np.full((side == where).sum(), extent[(where + 1) // 2])
        ax.scatter(real[side == where], edge, s=14, marker=marker, clip_on=False, **look)


def _write(ax: Axes, data: FigureData, panel: Panel, summaries: Summaries, labels: int) -> None:
    """Write r into the emptier corner, and the names of the markers with the largest errors; the layout is final."""
    real, predicted = summaries.real, summaries.predicted[panel.method]
    points = np.stack([real, predicted.clip(*ax.get_ylim())], axis=1)
    drawn = np.concatenate([points, np.stack([real, summaries.before], axis=1)])
    taken = _write_r(ax, summary_r(predicted, real), drawn)
    error = np.abs(predicted - real)
    wrong = [k for k in np.argsort(-error, kind="stable")[:labels] if error[k] > VISIBLE * np.ptp(ax.get_ylim())]
    label_points(ax, points[wrong], [data.features[k] for k in wrong], np.concatenate([drawn, taken]))
    for text in ax.texts:
        text.set_path_effects(HALO)


def _write_r(ax: Axes, r: float, drawn: np.ndarray) -> np.ndarray:
    """Write r off the identity line, where fewer of the points ``drawn`` (n, 2) are; returns what it covers (m, 2)."""
    text = "r undefined" if np.isnan(r) else f"r = {r:.3f}"
    corners = {(0.04, 0.97): ("left", "top"), (0.97, 0.04): ("right", "bottom")}
    written = [
        ax.text(*place, text, ha=ha, va=va, transform=ax.transAxes, path_effects=HALO, zorder=6)
        for place, (ha, va) in corners.items()
    ]
    pixels = ax.transData.transform(drawn)
    boxes = [label.get_window_extent().padded(3) for label in written]
    fuller = int(boxes[0].count_contains(pixels) <= boxes[1].count_contains(pixels))
    written[fuller].remove()
    box = boxes[1 - fuller]
    places = np.stack(np.meshgrid(np.linspace(box.x0, box.x1, 12), np.linspace(box.y0, box.y1, 4)), axis=-1)
    return ax.transData.inverted().transform(places.reshape(-1, 2))


def _handles(data: FigureData, outside: bool) -> list:
    point = {"linestyle": "", "marker": "o", "ms": 2.2, "color": style.COLOURS["query"]}
    handles = [
        Line2D([], [], label=f"{data.names['query']}: before", **point),
        panels.points_handle("prediction", data.names["prediction"]),
        Line2D([], [], label=f"identity: as {data.names['truth']}", **IDENTITY),
    ]
    if outside:
        handles.append(panels.points_handle("prediction", "predicted outside the axes", OUTSIDE[1]))
    return handles
