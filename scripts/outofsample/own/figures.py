"""Figures of the report of what a method changed in a user's own cells; the numbers are those of `changes`."""

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from outofsample.figures import panels, style
from outofsample.own.changes import Change, principal_components
from outofsample.own.extrapolation import FLAGGED_ABOVE

if TYPE_CHECKING:
    import pandas as pd

#: Features in the figure of shifts, panels of densities, cells drawn per population, images drawn.
SHIFTS, DENSITIES, CELLS, IMAGES = 20, 8, 2000, 8
ROW = 0.19
#: Light lines of the controls, full ones of the query before and after, the truth in black.
LINES = {"source": "-", "target": "-", "query": "-", "prediction": "-", "truth": panels.LEARNED}
#: Upper ends of the classes of the share of a cell's units that lie outside.
CLASSES = (0.0, 0.02, 0.05, FLAGGED_ABOVE, 0.2, 0.5, 1.0)


def with_unit(text: str, unit: str) -> str:
    """Return an axis label with the scale of the values, where they have one."""
    return f"{text}, {unit}" if unit else f"{text}, as in the file"


def middle_of(table: "pd.DataFrame") -> str:
    """Return ``median``, or ``mean`` where most of the most moved features have medians of zero, as counts have."""
    top = table.head(SHIFTS)
    still = (top["median_before"] == 0) & (top["control_shift"] == 0)
    return "mean" if still.mean() > 0.5 else "median"


def shifts(change: Change, table: "pd.DataFrame") -> Figure:
    """Draw the change of the most moved features: the method's, that of the controls and the true one if known."""
    top, middle = table.head(SHIFTS)[::-1], middle_of(table)
    prefix = "mean_" if middle == "mean" else ""
    wide = f"control_{prefix}shift", f"true_{prefix}shift"
    title = f"{change.query.name}: features that moved most"
    figure = style.page(title, "", ROW * len(top) + 0.6)
    ax = figure.subplots()
    rows = np.arange(len(top))
    ax.axvline(0, color="#999999", linewidth=0.8, zorder=0)
    ax.hlines(rows, 0, top[f"{prefix}shift"], color=style.COLOURS["prediction"], linewidth=1.4, zorder=2)
    ax.plot(top[f"{prefix}shift"], rows, "o", ms=4.5, color=style.COLOURS["prediction"], zorder=3)
    ax.plot(top[wide[0]], rows, "D", ms=4.5, mfc="none", mec=style.COLOURS["query"], zorder=4)
    handles = [
        panels.points_handle("prediction", "this method: after - before"),
        Line2D([], [], linestyle="", marker="D", ms=4.5, mfc="none", mec=style.COLOURS["query"], label="controls"),
    ]
    if wide[1] in top:
        ax.plot(top[wide[1]], rows, "o", ms=6.5, mfc="none", mec="black", zorder=4)
        handles.append(Line2D([], [], linestyle="", marker="o", ms=6.5, mfc="none", mec="black", label="true change"))
    ax.set_yticks(rows, top["feature"])
    ax.set_xlabel(with_unit(f"change of the {middle}", change.unit))
    ax.set_ylim(-0.6, len(top) - 0.4)
    panels.legend(figure, handles)
    return figure


def densities(change: Change, table: "pd.DataFrame") -> Figure:
    """Draw the densities of the most moved features before and after, and those of the controls."""
    top = table["feature"].head(DENSITIES).tolist()
    columns = min(4, len(top))
    rows = math.ceil(len(top) / columns)
    figure = style.page(f"{change.query.name}: densities", "", 1.45 * rows + 0.2)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for position, (ax, feature) in enumerate(zip(axes, top, strict=False)):
        column = change.features.index(feature)
        values = {name: X[:, column] for name, X in change.cells.items()}
        real = [values[name] for name in values if name != "prediction"]
        limits = panels.limits(real, [values["prediction"]])
        for name, X in values.items():
            panels.density(ax, X, limits, name, LINES[name])
        ax.set(xlim=limits, ylim=(0, None), yticks=[])
        ax.set_title(panels.wrapped(feature, columns))
        ax.set_xlabel(change.unit or "value in the file")
        ax.set_ylabel("share of cells" if position % columns == 0 else "")
        ax.xaxis.set_major_locator(MaxNLocator(4))
    for ax in axes[len(top) :]:
        ax.set_visible(False)
    panels.legend(figure, [panels.line_handle(name, change.names[name], LINES[name]) for name in change.cells])
    return figure


def populations(change: Change) -> Figure:
    """Draw principal components of the populations, and how many cells were extrapolated."""
    pairs = [("source", "target"), ("query", "prediction")]
    pairs += [("truth", "prediction")] if "truth" in change.cells else []
    shown = pairs if len(change.features) > 1 else []
    figure = style.page(f"{change.query.name}: all features at once", "", 2.2 if len(shown) < 3 else 1.95)
    *left, last = np.atleast_1d(figure.subplots(1, len(shown) + 1))
    if shown:
        scores, shares = principal_components(change)
        limits = [panels.limits([X[:, k] for X in scores.values()]) for k in (0, 1)]
        for ax, pair in zip(left, shown, strict=True):
            ax.set(xlim=limits[0], ylim=limits[1])
            panels.cloud(ax, {name: scores[name] for name in pair}, CELLS, size=3, alpha=0.5)
            ax.set_title(" and ".join(pair))
            ax.set(
                xlabel=f"PC1 ({shares[0]:.0%} of variance)", ylabel=f"PC2 ({shares[1]:.0%})" if ax is left[0] else ""
            )
            panels.note_outside(ax, scores[pair[1]])
    _extrapolation(last, change)
    panels.legend(figure, [panels.points_handle(name, change.names[name]) for name in change.cells])
    return figure


def _extrapolation(ax: Axes, change: Change) -> None:
    """Draw the share of the query's cells by how much of each lies outside the source's range."""
    share = change.extrapolated.share
    counts = [np.sum(share <= 0)]
    names = ["none"]
    for low, high in pairwise(CLASSES):
        counts.append(np.sum((share > low) & (share <= high)))
        names.append(f"{100 * low:g} - {100 * high:g} %")
    flagged = np.array([0.0, *CLASSES[:-1]]) >= FLAGGED_ABOVE
    percent = 100 * np.array(counts) / len(share)
    rows = np.arange(len(names))[::-1]
    look = {"color": np.where(flagged, style.COLOURS["prediction"], style.COLOURS["query"]), "height": 0.75}
    ax.barh(rows, percent, **look)
    for row, value in zip(rows, percent, strict=True):
        ax.text(value + 2, row, f"{value:.3g} %", va="center", size=6.5)
    ax.axhline(flagged.sum() - 0.5, color="#999999", linewidth=0.8, linestyle=panels.LEARNED)
    ax.text(138, flagged.sum() - 0.7, "flagged", color=style.COLOURS["prediction"], ha="right", va="top")
    ax.set_yticks(rows, names)
    ax.set(xlim=(0, 140), xticks=[0, 50, 100], xlabel="% of the query's cells")
    ax.set_title(f"{change.extrapolated.of} outside\nthe source's range", linespacing=1.1)


def images(change: Change) -> Figure:
    """Draw some images of the query before and after, the mean image of each population, and the mean change."""
    before, after = change.cells["query"], change.cells["prediction"]
    drawn = np.sort(np.random.default_rng(0).permutation(len(before))[:IMAGES])
    means = {name: X.mean(axis=0) for name, X in change.cells.items()}
    columns = max(len(drawn), len(means) + 2)
    side = style.WIDTH / columns
    figure = style.page(f"{change.query.name}: images", "", 3 * (side + 0.18))
    axes = figure.subplots(3, columns, squeeze=False)
    for ax in axes.ravel():
        ax.set(xticks=[], yticks=[])
        ax.set_axis_off()
    for row, (title, X) in enumerate((("before", before), ("after", after))):
        for ax, image in zip(axes[row], X[drawn], strict=False):
            _show(ax, image, change)
        axes[row, 0].set_title(title, loc="left")
    for ax, (name, image) in zip(axes[2], means.items(), strict=False):
        _show(ax, image, change)
        ax.set_title(f"mean {name}", size=6.5)
    moved = (means["prediction"] - means["query"]).reshape(change.image_shape).mean(axis=2)
    bound = max(np.abs(moved).max(), 1)
    shown = axes[2, len(means)].imshow(moved, cmap="RdBu_r", vmin=-bound, vmax=bound)
    axes[2, len(means)].set_title("mean change", size=6.5)
    bar = axes[2, len(means)].inset_axes((1.06, 0, 0.08, 1))
    # The other rows have images in that column.
    bar.set_in_layout(False)
    figure.colorbar(shown, cax=bar, label="grey levels")
    return figure


def _show(ax: Axes, image: np.ndarray, change: Change) -> None:
    """Show one image, values (height x width x channels,) from 0 to 255."""
    pixels = np.rint(image).clip(0, 255).astype(np.uint8).reshape(change.image_shape)
    ax.imshow(pixels[..., 0] if pixels.shape[2] == 1 else pixels, cmap="gray", vmin=0, vmax=255)
