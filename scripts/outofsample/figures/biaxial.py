"""Two markers against each other: Neuron Editing 2019, Figures 3 and 5, and 2020, Figure 4."""

import string
from collections.abc import Iterator
from itertools import dropwhile

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from outofsample.errors import UserError
from outofsample.figures import panels, style
from outofsample.figures.data import FigureData, Panel, centre, note

DRAWN = "At most {:,} cells of a population are drawn; lines hold 50 % and 90 % (one line: 90 %) of one"
ASIDE = "Arrows stand side by side where they would coincide; a ring: no change"


class Plane:
    """Two features of all populations and predictions, with limits that all panels share."""

    def __init__(self, data: FigureData, x: str, y: str, middle: str):
        self.data, self.x, self.y, self.middle = data, x, y, middle
        self.columns = [data.column(x), data.column(y)]
        self.cells = {name: X[:, self.columns] for name, X in data.cells.items()}
        predicted = [self.predicted(panel) for panel in data.ran]
        self.limits = [
            panels.limits([X[:, axis] for X in self.cells.values()], [X[:, axis] for X in predicted]) for axis in (0, 1)
        ]

    def predicted(self, panel: Panel) -> np.ndarray:
        """Return a prediction (cells, 2)."""
        return panel.X[:, self.columns]

    def prepare(self, ax: Axes) -> None:
        """Set the limits."""
        ax.set(xlim=self.limits[0], ylim=self.limits[1])

    def true_change(self) -> tuple[np.ndarray, np.ndarray]:
        """Return start and end (2,) of the true change; without a truth, the query moved as the controls were."""
        start = centre(self.cells["query"], self.middle)
        if "truth" in self.cells:
            return start, centre(self.cells["truth"], self.middle)
        return start, start + centre(self.cells["target"], self.middle) - centre(self.cells["source"], self.middle)

    def true_label(self) -> str:
        """Return what the solid arrow shows."""
        if "truth" in self.cells:
            return f"true change ({self.middle}s)"
        return f"change of the controls ({self.middle}s), no truth"

    def learned_change(self, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
        """Return start and end (2,) of the change that a method makes."""
        return centre(self.cells["query"], self.middle), centre(self.predicted(panel), self.middle)


def every_method(
    data: FigureData, x: str, y: str, middle: str = "median", cells: int = 2000, before: str = "raw"
) -> Figure:
    """Draw one panel per method, after a panel of what was measured (2019, Figures 3 and 5).

    ``x`` and ``y`` are features; arrows join the ``middle`` (median or mean) before and after. At most ``cells``
    points of a population are drawn. ``before`` is the title of the first panel.
    """
    plane = Plane(data, x, y, middle)
    shown = [None, *data.panels]
    names, sentences = _axis_names(data, x, y, panels.columns_for(len(shown)))
    text = note(data, *sentences, DRAWN.format(cells), ASIDE)
    figure = style.page(data.figure["title"], text, panels.grid_height(len(shown)))
    axes = panels.grid(figure, len(shown), *names)
    for ax, panel in zip(axes, shown, strict=True):
        plane.prepare(ax)
        if panel is None:
            ax.set_title(panels.wrapped(before, panels.columns_for(len(shown))), weight="bold")
            _measured_panel(ax, plane, cells)
        else:
            ax.set_title(panels.wrapped(panel.label, panels.columns_for(len(shown))))
            _method_panel(ax, plane, panel, cells)
    style.settle(figure)
    for ax, panel in zip(axes, shown, strict=True):
        _arrows(ax, plane, panel)
    panels.legend(figure, _handles(plane, ("query", "prediction")))
    return figure


def _axis_names(data: FigureData, x: str, y: str, columns: int) -> tuple[tuple[str, str], tuple[str, ...]]:
    """Return the axes' labels and what the note says of them: small panels have no room for the unit."""
    if columns <= 4:
        return (data.axis_label(x), data.axis_label(y)), ()
    return (x, y), ((f"Axes: {data.unit}",) if data.unit else ())


def _arrows(ax: Axes, plane: Plane, panel: Panel | None) -> None:
    """Draw the true change, and beside it the one that a method learned (``panel``, None in the raw panel)."""
    if panel is None:
        panels.arrow(ax, *plane.true_change(), panels.TRUE)
    elif panel.X is not None:
        panels.arrow(ax, *plane.true_change(), panels.TRUE, panels.ASIDE)
        panels.arrow(ax, *plane.learned_change(panel), panels.LEARNED, -panels.ASIDE)


def _measured_panel(ax: Axes, plane: Plane, cells: int) -> None:
    """Draw the query as points, controls and truth as lines."""
    panels.cloud(ax, {"query": plane.cells["query"]}, cells)
    for name in ("source", "target"):
        panels.contour(ax, plane.cells[name], name, style="--")
    if "truth" in plane.cells:
        panels.contour(ax, plane.cells["truth"], "truth")


def _method_panel(ax: Axes, plane: Plane, panel: Panel, cells: int) -> None:
    """Draw a prediction as points, query and truth as lines."""
    if panel.X is None:
        panels.not_run(ax, panel.not_run)
        return
    panels.cloud(ax, {"prediction": plane.predicted(panel)}, cells)
    panels.contour(ax, plane.cells["query"], "query", shares=(0.9,))
    if "truth" in plane.cells:
        panels.contour(ax, plane.cells["truth"], "truth")
    panels.note_outside(ax, plane.predicted(panel))


def _handles(plane: Plane, points: tuple[str, ...]) -> list:
    """Return the legend: populations drawn as points, those drawn as lines, arrows."""
    names, there = plane.data.names, plane.cells
    handles = [panels.points_handle(name, names[name]) for name in points if name in there or name == "prediction"]
    handles += [panels.line_handle(name, names[name], "--") for name in ("source", "target")]
    if "truth" in there:
        handles.append(panels.line_handle("truth", names["truth"]))
    handles.append(panels.arrow_handle(panels.TRUE, plane.true_label()))
    return [*handles, panels.arrow_handle(panels.LEARNED, f"learned change ({plane.middle}s)")]


def corrected_beside_reference(
    data: FigureData,
    x: str,
    y: str,
    middle: str = "median",
    cells: int = 2000,
    before: str = "raw",
    after: str = "corrected",
    first_letter: str = "a",
) -> Figure:
    """Draw the raw query beside the reference, then each correction beside it (2020, Figure 4).

    ``x`` and ``y`` are features. Curves on the margins are densities of all cells. ``before`` and ``after`` say in the
    titles what the query is and what a method makes of it; the letters of the panels start at ``first_letter``.
    """
    letters = letters_from(first_letter, data.figure["name"])
    plane = Plane(data, x, y, middle)
    shown = [None, *data.panels]
    columns = len(shown) if len(shown) < 3 else 3
    rows = -(-len(shown) // columns)
    sentences = DRAWN.format(cells), "Curves on the margins are densities of all cells", ASIDE
    figure = style.page(data.figure["title"], note(data, *sentences), rows * style.WIDTH / columns)
    axes = _axes_with_margins(figure, len(shown), columns)
    for (ax, above, beside), panel, letter in zip(axes, shown, letters, strict=False):
        plane.prepare(ax)
        ax.set(xlabel=data.axis_label(x), ylabel=data.axis_label(y))
        title = f"{letter}   {before}" if panel is None else f"{letter}   {after}: {panel.label}"
        above.set_title(panels.wrapped(title, columns), loc="left", weight="bold")
        _with_margins(ax, above, beside, plane, panel, cells)
    style.settle(figure)
    for (ax, *_), panel in zip(axes, shown, strict=True):
        _arrows(ax, plane, panel)
    panels.legend(figure, _handles(plane, ("query", "prediction", "reference")))
    return figure


def letters_from(first: str, figure: str) -> Iterator[str]:
    """Return the letters of panels from ``first`` on: a figure can go on where another one ends.

    Raises
    ------
    UserError
        If ``first`` is not one lower-case letter.
    """
    if first not in tuple(string.ascii_lowercase):
        raise UserError(f"{figure}: the option 'first_letter' is one letter from a to z, not '{first}'.")
    return dropwhile(lambda letter: letter != first, panels.letters())


def _axes_with_margins(figure: Figure, count: int, columns: int) -> list[tuple[Axes, Axes, Axes]]:
    """Return, for each of ``count`` panels, its axes and those for densities above and beside it."""
    rows = -(-count // columns)
    places = figure.add_gridspec(
        2 * rows, 2 * columns, height_ratios=[1, 4.5] * rows, width_ratios=[4.5, 1] * columns, hspace=0, wspace=0
    )
    axes = []
    for position in range(count):
        row, column = 2 * (position // columns), 2 * (position % columns)
        ax = figure.add_subplot(places[row + 1, column])
        above = figure.add_subplot(places[row, column], sharex=ax)
        beside = figure.add_subplot(places[row + 1, column + 1], sharey=ax)
        above.set_axis_off()
        beside.set_axis_off()
        axes.append((ax, above, beside))
    return axes


def _with_margins(ax: Axes, above: Axes, beside: Axes, plane: Plane, panel: Panel | None, cells: int) -> None:
    """Draw the query or its correction beside the reference, and the densities of both features.

    Where the task has no reference, the truth takes its place in the query's panel too.
    """
    if panel is not None and panel.X is None:
        panels.not_run(ax, panel.not_run)
        return
    shown = {"query": plane.cells["query"]} if panel is None else {"prediction": plane.predicted(panel)}
    shown |= {name: plane.cells[name] for name in ("reference",) if name in plane.cells}
    panels.cloud(ax, shown, cells, size=4)
    controls = ("source", "target") if panel is None else ()
    real = ("truth",) if panel is not None or "reference" not in plane.cells else ()
    lines = {name: plane.cells[name] for name in (*controls, *real) if name in plane.cells}
    for name, points in lines.items():
        panels.contour(ax, points, name, style="--" if name in controls else "-")
    for name, points in (shown | lines).items():
        look = "--" if name in controls else "-"
        panels.density(above, points[:, 0], plane.limits[0], name, look)
        panels.density(beside, points[:, 1], plane.limits[1], name, look, upright=True)
    panels.note_outside(ax, shown.get("prediction", shown.get("query")))
