"""The question in one picture: a change seen in one population, foreseen in another, and what was really measured."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from outofsample.figures import panels, style
from outofsample.figures.data import FigureData, Panel, centre, note
from outofsample.figures.marker_plane import Plane, arrows

DRAWN = "At most {:,} cells of a population are drawn; black lines hold 50 % and 90 % of what was measured"


def seen_and_foreseen(
    data: FigureData, x: str, y: str, seen: str = "", asked: str = "", middle: str = "median", cells: int = 1500
) -> Figure:
    """Draw S and T in one panel, X, its prediction and the truth in the other, by two features.

    Parameters
    ----------
    data
        One query; the first method is shown, and without any what was measured.
    x, y
        Features of the axes.
    seen, asked
        Titles of the two panels; default: the names of S and X.
    middle
        What the arrows join: the ``median`` or the ``mean`` of a population.
    cells
        Points drawn of each population.

    Raises
    ------
    UserError
        If a feature is unknown.
    """
    plane = Plane(data, x, y, middle)
    panel = (
        data.panels[0] if data.panels else Panel("", "none", None, not_run="the study has no method for this figure")
    )
    figure = style.page(data.figure["title"], note(data, f"Method: {panel.label}", DRAWN.format(cells)), 3.0)
    left, right = panels.grid(figure, 2, data.axis_label(x), data.axis_label(y))
    for ax, title in ((left, seen or data.short("source")), (right, asked or data.short("query"))):
        plane.prepare(ax)
        ax.set_title(title, weight="bold")
    panels.cloud(left, {name: plane.cells[name] for name in ("source", "target")}, cells)
    _answer(right, plane, panel, cells)
    style.settle(figure)
    panels.arrow(left, *(centre(plane.cells[name], middle) for name in ("source", "target")), panels.TRUE)
    arrows(right, plane, panel)
    panels.legend(figure, _legend(plane))
    return figure


def _answer(ax: Axes, plane: Plane, panel: Panel, cells: int) -> None:
    """Draw the query and its prediction as points, the truth as lines."""
    if panel.X is None:
        panels.not_run(ax, panel.not_run)
        return
    panels.cloud(ax, {"query": plane.cells["query"], "prediction": plane.predicted(panel)}, cells)
    if "truth" in plane.cells:
        panels.contour(ax, plane.cells["truth"], "truth")
    panels.note_outside(ax, plane.predicted(panel))


def _legend(plane: Plane) -> list:
    """Return the legend's entries: points by population, the truth's lines, the arrows."""
    names = plane.data.names
    handles = [panels.points_handle(name, names[name]) for name in ("source", "target", "query", "prediction")]
    if "truth" in plane.cells:
        handles.append(panels.line_handle("truth", names["truth"]))
    handles.append(panels.arrow_handle(panels.TRUE, plane.true_label()))
    return [*handles, panels.arrow_handle(panels.LEARNED, f"learned change ({plane.middle}s)")]
