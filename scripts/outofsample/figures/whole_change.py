"""The change as a whole: Neuron Editing 2020, Figure 5 (2019, Figure 4)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from outofsample.figures import panels, style
from outofsample.figures.data import FigureData, Panel, centre, note
from outofsample.figures.point_labels import label_points
from outofsample.metrics.correlations import pearson

#: Populations on which the principal components are computed.
FITTED = ("source", "target", "query")
ROW_HEIGHT = 2.45


def populations_and_markers(data: FigureData, labels: int = 8, middle: str = "median", cells: int = 2000) -> Figure:
    """Draw, per method, the populations on two principal components, their means, and the change of each marker.

    ``labels`` markers are named: those with the largest changes. ``cells`` points of each population are drawn.
    """
    figure = style.page(data.figure["title"], _note(data, middle, cells), ROW_HEIGHT * len(data.panels))
    axes = figure.subplots(len(data.panels), 3, squeeze=False)
    space = Components(data)
    for panel, three in zip(data.panels, axes, strict=True):
        for ax in three:
            ax.set_box_aspect(1)
        _title(three[0], f"a   {panel.label}")
        if panel.X is None:
            _empty_row(three, panel)
            continue
        _cells_panel(three[0], space, panel, cells)
        _means_panel(three[1], space, panel)
        _markers_panel(three[2], data, panel, middle)
    style.settle(figure)
    for panel, (_, means, markers) in zip(data.panels, axes, strict=True):
        if panel.X is not None:
            _arrows(means, space, panel)
            _name_markers(markers, data, panel, middle, labels)
    panels.legend(figure, _handles(data))
    return figure


def _title(ax: Axes, text: str) -> None:
    ax.set_title(panels.wrapped(text, 3), loc="left", weight="bold")


def _empty_row(axes: np.ndarray, panel: Panel) -> None:
    """Say in the first panel of a row (3,) why there is nothing."""
    axes[0].set(xticks=[], yticks=[])
    panels.not_run(axes[0], panel.not_run)
    for ax in axes[1:]:
        ax.set_axis_off()


def _note(data: FigureData, middle: str, cells: int) -> str:
    source, target, query = (data.names[name] for name in FITTED)
    return note(
        data,
        f"(a) Principal components fitted on {source}, {target} and {query} with equal weights; at most {cells:,} "
        "cells of each are drawn; enlarged: means of the populations",
        f"(b) Change of the {middle} of each marker; r: correlation with the change of the controls",
    )


class Components:
    """Two principal components, fitted on what training sees, so that the axes are the same for all methods.

    Each population has the same weight; the sign is such that the change of the controls points right and up.

    Attributes
    ----------
    scores
        Arrays (cells, 2) of each measured population.
    predicted
        Arrays (cells, 2) of each method that ran.
    shares
        Shares of the variance (2,).
    """

    def __init__(self, data: FigureData):
        self.mean, self.components, self.shares = principal_components(data)
        self.scores = {name: self.project(X) for name, X in data.cells.items()}
        self.predicted = {panel.method: self.project(panel.X) for panel in data.ran}
        fitted = [self.scores[name] for name in FITTED]
        predicted = list(self.predicted.values())
        self.limits = [panels.limits([s[:, k] for s in fitted], [s[:, k] for s in predicted]) for k in (0, 1)]

    def project(self, X: np.ndarray) -> np.ndarray:
        """Return the scores (cells, 2) of cells (cells, features)."""
        return (X - self.mean) @ self.components.T

    def means(self, panel: Panel) -> dict[str, np.ndarray]:
        """Return the means (2,) of the populations, of the truth where it is known, and of a prediction."""
        shown = self.scores | {"prediction": self.predicted[panel.method]}
        return {name: shown[name].mean(axis=0) for name in (*FITTED, "prediction", "truth") if name in shown}

    def frame(self, panel: Panel) -> np.ndarray:
        """Return the limits (2 axes, 2) that hold the means, the same span on both axes."""
        means = np.array(list(self.means(panel).values()))
        middle, half = (means.max(0) + means.min(0)) / 2, 0.7 * max(np.ptp(means, axis=0).max(), 1e-6)
        return np.stack([middle - half, middle + half], axis=1)


def principal_components(data: FigureData) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean (features,), two components (2, features) and their shares of the variance (2,).

    See `Components` for weights and signs.
    """
    size = max(len(data.cells[name]) for name in FITTED)
    parts = [(data.cells[name].astype(np.float64), size / len(data.cells[name])) for name in FITTED]
    mean = np.mean([X.mean(axis=0) for X, _ in parts], axis=0)
    covariance = sum(weight * (X - mean).T @ (X - mean) for X, weight in parts) / (size * len(parts))
    values, vectors = np.linalg.eigh(covariance)
    components = vectors[:, ::-1][:, :2].T
    change = data.cells["target"].mean(axis=0) - data.cells["source"].mean(axis=0)
    components = components * np.where(components @ change < 0, -1, 1)[:, None]
    return mean, components, values[::-1][:2] / max(values.sum(), np.finfo(float).tiny)


def _cells_panel(ax: Axes, space: Components, panel: Panel, cells: int) -> None:
    """Draw the cells of the four populations, and the frame of the next panel."""
    ax.set(xlim=space.limits[0], ylim=space.limits[1])
    ax.set(**{f"{axis}label": f"PC{k + 1} ({100 * space.shares[k]:.0f} % of variance)" for k, axis in enumerate("xy")})
    shown = {name: space.scores[name] for name in FITTED} | {"prediction": space.predicted[panel.method]}
    panels.cloud(ax, shown, cells, size=2.5, alpha=0.45)
    (left, right), (bottom, top) = space.frame(panel)
    ax.add_patch(Rectangle((left, bottom), right - left, top - bottom, fill=False, linewidth=1.0, zorder=4))
    panels.note_outside(ax, shown["prediction"])


def _means_panel(ax: Axes, space: Components, panel: Panel) -> None:
    """Draw the means of the populations, enlarged."""
    _title(ax, "a   means, enlarged")
    xlim, ylim = space.frame(panel)
    ax.set(xlim=xlim, ylim=ylim, xlabel="PC1, means", ylabel="PC2, means")
    for name, mean in space.means(panel).items():
        look = {"mfc": "none", "mec": "black"} if name == "truth" else {"color": style.COLOURS[name]}
        ax.plot(*mean, "o", ms=5, zorder=3, **look)


def _arrows(ax: Axes, space: Components, panel: Panel) -> None:
    """Draw an arrow between the means of the controls, and one between those of query and prediction."""
    means = space.means(panel)
    panels.arrow(ax, means["source"], means["target"], panels.TRUE)
    panels.arrow(ax, means["query"], means["prediction"], panels.LEARNED)


def marker_changes(data: FigureData, panel: Panel, middle: str) -> dict[str, np.ndarray]:
    """Return the changes (features,) of the controls, of the method, and the true one where it is known."""
    middles = {name: centre(X, middle) for name, X in data.cells.items()}
    changes = {
        "controls": middles["target"] - middles["source"],
        "prediction": centre(panel.X, middle) - middles["query"],
    }
    return changes | ({"truth": middles["truth"] - middles["query"]} if "truth" in middles else {})


def _markers_panel(ax: Axes, data: FigureData, panel: Panel, middle: str) -> None:
    """Draw the change of each marker: controls across, the method's (filled) and the true one (open) upwards."""
    changes = marker_changes(data, panel, middle)
    across = changes["controls"]
    ends = np.concatenate(list(changes.values()))
    margin = 0.1 * (np.ptp(ends) or 1.0)
    extent = ends.min() - margin, ends.max() + margin
    ax.set(xlim=extent, ylim=extent)
    ax.plot(extent, extent, color="#999999", linewidth=0.8, zorder=0)
    title = f"b   r = {_number(pearson(across, changes['prediction']))}"
    if "truth" in changes:
        ax.vlines(across, changes["prediction"], changes["truth"], color="#BBBBBB", linewidth=0.6, zorder=1)
        ax.scatter(across, changes["truth"], s=13, facecolors="none", edgecolors="black", linewidths=0.7, zorder=2)
        title += f", truth {_number(pearson(across, changes['truth']))}"
    ax.scatter(across, changes["prediction"], s=13, color=style.COLOURS["prediction"], linewidths=0, zorder=3)
    _title(ax, title)
    ax.set(xlabel=f"change of the controls ({middle}s)", ylabel=f"change of {data.short('query')} ({middle}s)")


def _number(r: float) -> str:
    return "undefined" if np.isnan(r) else f"{r:.3f}"


def _name_markers(ax: Axes, data: FigureData, panel: Panel, middle: str, labels: int) -> None:
    """Name the markers that change most, in the controls or by the method."""
    changes = marker_changes(data, panel, middle)
    points = np.stack([changes["controls"], changes["prediction"]], axis=1)
    largest = np.argsort(-np.abs(points).max(axis=1), kind="stable")[:labels]
    avoid = [np.stack([changes["controls"], changes[name]], axis=1) for name in changes if name != "controls"]
    label_points(ax, points[largest], [data.features[k] for k in largest], np.concatenate(avoid))


def _handles(data: FigureData) -> list:
    handles = [panels.points_handle(name, data.names[name]) for name in FITTED]
    handles.append(panels.points_handle("prediction", data.names["prediction"]))
    if "truth" in data.cells:
        ring = {"linestyle": "", "marker": "o", "ms": 4, "mfc": "none", "mec": "black"}
        handles.append(Line2D([], [], **ring, label=data.names["truth"]))
    handles.append(Line2D([], [], color="#999999", linewidth=0.8, label="identity (b)"))
    handles.append(panels.arrow_handle(panels.TRUE, "change of the controls"))
    return [*handles, panels.arrow_handle(panels.LEARNED, f"change applied to {data.short('query')}")]
