"""Two markers of a sample and its corrections beside a reference: Neuron Editing 2020, Figure 4."""

import string
from collections.abc import Iterator
from itertools import dropwhile

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from outofsample.errors import UserError
from outofsample.figures import panels, style
from outofsample.figures.data import FigureData, Panel, note
from outofsample.figures.marker_plane import ASIDE, DRAWN, Plane, arrows, legend_entries


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
        arrows(ax, plane, panel)
    panels.legend(figure, legend_entries(plane, ("query", "prediction", "reference")))
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
