"""Two markers against each other, a panel per method: Neuron Editing 2019, Figures 3 and 5."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from outofsample.figures import panels, style
from outofsample.figures.data import FigureData, Panel, note
from outofsample.figures.marker_plane import ASIDE, DRAWN, Plane, arrows, legend_entries


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
        arrows(ax, plane, panel)
    panels.legend(figure, legend_entries(plane, ("query", "prediction")))
    return figure


def _axis_names(data: FigureData, x: str, y: str, columns: int) -> tuple[tuple[str, str], tuple[str, ...]]:
    """Return the axes' labels and what the note says of them: small panels have no room for the unit."""
    if columns <= 4:
        return (data.axis_label(x), data.axis_label(y)), ()
    return (x, y), ((f"Axes: {data.unit}",) if data.unit else ())


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
