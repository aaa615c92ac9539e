"""Two markers against each other, for all populations and predictions alike: limits, arrows and the legend."""

import numpy as np
from matplotlib.axes import Axes

from outofsample.figures import panels
from outofsample.figures.data import FigureData, Panel, centre

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


def arrows(ax: Axes, plane: Plane, panel: Panel | None) -> None:
    """Draw the true change, and beside it the one that a method learned (``panel``, None in the raw panel)."""
    if panel is None:
        panels.arrow(ax, *plane.true_change(), panels.TRUE)
    elif panel.X is not None:
        panels.arrow(ax, *plane.true_change(), panels.TRUE, panels.ASIDE)
        panels.arrow(ax, *plane.learned_change(panel), panels.LEARNED, -panels.ASIDE)


def legend_entries(plane: Plane, points: tuple[str, ...]) -> list:
    """Return the legend: populations drawn as points, those drawn as lines, arrows."""
    names, there = plane.data.names, plane.cells
    handles = [panels.points_handle(name, names[name]) for name in points if name in there or name == "prediction"]
    handles += [panels.line_handle(name, names[name], "--") for name in ("source", "target")]
    if "truth" in there:
        handles.append(panels.line_handle("truth", names["truth"]))
    handles.append(panels.arrow_handle(panels.TRUE, plane.true_label()))
    return [*handles, panels.arrow_handle(panels.LEARNED, f"learned change ({plane.middle}s)")]
