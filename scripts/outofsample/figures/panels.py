"""Parts of panels: clouds of points, contours, arrows, axis limits, words in place of data, legends."""

import math
import string
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerLine2D
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.transforms import ScaledTranslation
from scipy.ndimage import gaussian_filter

from outofsample.figures.populations import draw
from outofsample.figures.style import COLOURS, WIDTH

#: Line styles of the papers: what is true is solid, what was learned is dashed.
TRUE, LEARNED = "-", (0, (2.2, 1.3))
#: Distance in points by which the two arrows stand beside each other, since they often coincide.
ASIDE = 2.6
BINS = 64


class ArrowKey(Line2D):
    """Legend entry of an arrow."""


class ArrowHandler(HandlerLine2D):
    """Draws an `ArrowKey` with its head at the end, not in the middle."""

    def create_artists(self, legend, orig_handle, xdescent, ydescent, width, height, fontsize, trans):
        """Return the artists of the entry (a hook of matplotlib)."""
        artists = super().create_artists(legend, orig_handle, xdescent, ydescent, width, height, fontsize, trans)
        artists[0].set_markevery([-1])
        return artists


def columns_for(panels: int) -> int:
    """Return how many columns of panels a page takes: fewer than 4 rows up to 20 panels."""
    return panels if panels <= 4 else 4 if panels <= 12 else 5 if panels <= 20 else 6


def grid_height(panels: int) -> float:
    """Return the height in inches of a grid of panels that are a little higher than square with their titles."""
    columns = columns_for(panels)
    side = min(WIDTH / columns, 2.4)
    return math.ceil(panels / columns) * (side + 0.08) + 0.2


def grid(figure: Figure, panels: int, xlabel: str, ylabel: str) -> list[Axes]:
    """Return axes for panels to which the caller gives the same limits; the outer ones alone have numbers and labels.

    Axes that share their limits would be drawn in a time that grows with the square of their number.
    """
    columns = columns_for(panels)
    axes = figure.subplots(math.ceil(panels / columns), columns, squeeze=False).ravel()
    for position, ax in enumerate(axes):
        lowest, leftmost = position + columns >= panels, position % columns == 0
        ax.set_visible(position < panels)
        ax.tick_params(labelbottom=lowest, labelleft=leftmost)
        ax.set(xlabel=xlabel if lowest else "", ylabel=ylabel if leftmost else "")
    return list(axes[:panels])


def wrapped(label: str, columns: int) -> str:
    """Return a title in one or two lines, as long as a panel of so many columns is wide."""
    return textwrap.fill(label, int(WIDTH / columns / 0.068), max_lines=2, placeholder=" ...")


def letters() -> Iterator[str]:
    """Return the letters of panels: a, b ... z, aa, ab ..."""
    single = string.ascii_lowercase
    return chain(single, (first + second for first in single for second in single))


def limits(real: Iterable[np.ndarray], predicted: Iterable[np.ndarray] = ()) -> tuple[float, float]:
    """Return axis limits for values, arrays (cells,) per population, that a few extreme cells do not decide.

    Percentiles 0.1 to 99.9 of the measured populations; predictions widen this, but only a little, so that one method
    that runs away does not press all others into a corner. Below there is more room, since many populations pile up at
    zero, and their contours go around that.
    """
    low, high = _range(real, (0.1, 99.9))
    span = (high - low) or 1.0
    wide_low, wide_high = _range([*real, *predicted], (0.5, 99.5))
    low, high = max(min(low, wide_low), low - 0.1 * span), min(max(high, wide_high), high + 0.1 * span)
    return low - 0.1 * span, high + 0.04 * span


def _range(populations: Iterable[np.ndarray], percentiles: tuple[float, float]) -> tuple[float, float]:
    ends = np.array([np.percentile(values, percentiles) for values in populations])
    return float(ends[:, 0].min()), float(ends[:, 1].max())


def note_outside(ax: Axes, points: np.ndarray) -> None:
    """Say how many of the points (cells, 2) lie outside the axes, if it is more than a half per cent."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    x, y = points.T
    share = 1 - ((x >= left) & (x <= right) & (y >= bottom) & (y <= top)).mean()
    if share > 0.005:
        text = f"{100 * share:.0f} % of cells\noutside" if share >= 0.01 else "< 1 % of cells\noutside"
        halo = [withStroke(linewidth=2, foreground="white")]
        ax.text(0.97, 0.97, text, ha="right", va="top", transform=ax.transAxes, path_effects=halo, zorder=6)


def cloud(ax: Axes, populations: dict[str, np.ndarray], cells: int, size: float = 3.0, alpha: float = 0.4) -> None:
    """Scatter at most ``cells`` points (cells, 2) of each population, in its colour.

    They are drawn in random order, so that no population hides another, and as one image in a PDF, so that
    thousands of points do not make a large file.
    """
    drawn = {name: draw(points, cells) for name, points in populations.items()}
    points = np.concatenate(list(drawn.values()))
    colours = np.repeat([COLOURS[name] for name in drawn], [len(part) for part in drawn.values()])
    order = np.random.default_rng(0).permutation(len(points))
    style = {"s": size, "alpha": alpha, "linewidths": 0, "rasterized": True, "zorder": 1}
    ax.scatter(points[order, 0], points[order, 1], c=list(colours[order]), **style)


def contour(ax: Axes, points: np.ndarray, name: str, shares: Sequence[float] = (0.5, 0.9), style="-") -> None:
    """Draw the lines that hold these shares of a population, points (cells, 2), at its densest places.

    The limits of the axes must be set before: they decide how smooth the lines are.
    """
    if len(points) < 20:
        return
    ranges = [_padded(ax.get_xlim()), _padded(ax.get_ylim())]
    counts, x, y = np.histogram2d(*points.T, bins=BINS, range=ranges)
    density = gaussian_filter(counts, BINS / 36, mode="constant")
    ordered = np.sort(density.ravel())[::-1]
    held = np.cumsum(ordered) / ordered.sum()
    levels = np.unique([ordered[np.searchsorted(held, share)] for share in shares])
    middles = [(edges[1:] + edges[:-1]) / 2 for edges in (x, y)]
    lines = {"colors": COLOURS[name], "linewidths": 0.6 if name == "truth" else 0.9, "linestyles": style, "zorder": 3}
    ax.contour(*middles, density.T, levels=levels, **lines)


def _padded(limits: tuple[float, float]) -> tuple[float, float]:
    """Return limits with a margin, so that what is smoothed has its end outside the axes."""
    margin = 0.15 * (limits[1] - limits[0])
    return limits[0] - margin, limits[1] + margin


def density(ax: Axes, values: np.ndarray, limits: tuple[float, float], name: str, style, upright: bool = False) -> None:
    """Draw the smoothed density of values (cells,) within limits, along x or (``upright``) along y."""
    counts, edges = np.histogram(values, bins=BINS, range=_padded(limits))
    height = gaussian_filter(counts / len(values), BINS / 46, mode="constant")
    middles = (edges[1:] + edges[:-1]) / 2
    across = (height, middles) if upright else (middles, height)
    ax.plot(*across, linestyle=style, color=COLOURS[name], linewidth=1.0)


def arrow(ax: Axes, start: np.ndarray, end: np.ndarray, style, aside: float = 0.0) -> None:
    """Draw an arrow between two points (2,), moved ``aside`` points to its left; a ring where it would be too short.

    An arrow that would leave the axes ends before their edge.
    """
    end = _within(ax, start, end)
    ends = ax.transData.transform([start, end])
    along = (ends[1] - ends[0]) * 72 / ax.figure.dpi
    length = np.hypot(*along)
    halo = [withStroke(linewidth=3.2, foreground="white")]
    if length < 4:
        # Stands for "no change": an arrow head alone would point somewhere.
        ring = {"ms": 6, "mew": 1.4, "mfc": "none", "mec": "black", "zorder": 5, "path_effects": halo}
        ax.plot(*start, "o", **ring)
        return
    move = aside * np.array([-along[1], along[0]]) / length / 72
    shift = ScaledTranslation(*move, ax.figure.dpi_scale_trans)
    look = {"linewidth": 1.4, "color": "black", "zorder": 5, "path_effects": halo, "solid_capstyle": "butt"}
    head = ax.transData.inverted().transform(ends[1] - (ends[1] - ends[0]) * min(4 / length, 0.5))
    ax.plot(*zip(start, head, strict=True), linestyle=style, transform=ax.transData + shift, **look)
    ax.annotate(
        "",
        end,
        head,
        xycoords=ax.transData + shift,
        textcoords=ax.transData + shift,
        arrowprops={"arrowstyle": "-|>", "color": "black", "lw": 0.8, "mutation_scale": 8, "shrinkA": 0, "shrinkB": 0},
        zorder=5,
    )


def _within(ax: Axes, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return ``end``, or where it is outside a point (2,) on the way to it from ``start``, which is within."""
    share = 1.0
    for place, move, bounds in zip(start, end - start, (ax.get_xlim(), ax.get_ylim()), strict=True):
        room = bounds[int(move > 0)] - place
        if abs(move) > abs(room):
            share = min(share, 0.85 * abs(room / move))
    return start + share * (end - start)


def not_run(ax: Axes, reason: str) -> None:
    """Say in an empty panel why there is nothing."""
    text = textwrap.fill(f"not run: {reason}", 22, max_lines=7, break_on_hyphens=False)
    ax.text(0.5, 0.5, text, ha="center", va="center", transform=ax.transAxes, color="#555555")


def say(ax: Axes, sentence: str, width: int = 60) -> None:
    """Say in a panel why there is nothing."""
    ax.set_axis_off()
    text = textwrap.fill(sentence, width)
    ax.text(0.5, 0.5, text, ha="center", va="center", transform=ax.transAxes, color="#555555")


def points_handle(name: str, label: str, marker: str = "o") -> Line2D:
    """Return the legend entry of a cloud."""
    return Line2D([], [], linestyle="", marker=marker, ms=4, color=COLOURS[name], label=label)


def line_handle(name: str, label: str, style="-") -> Line2D:
    """Return the legend entry of contours."""
    return Line2D([], [], linewidth=1.0, color=COLOURS[name], linestyle=style, label=label)


def arrow_handle(style, label: str) -> ArrowKey:
    """Return the legend entry of an arrow."""
    return ArrowKey([], [], linewidth=1.4, color="black", linestyle=style, marker=">", ms=4, label=label)


def legend(figure: Figure, handles: list) -> None:
    """Put the legend below the panels, where no data are: in 3 columns, which long names leave room for."""
    figure.legend(
        handles=handles,
        handler_map={ArrowKey: ArrowHandler()},
        loc="lower center",
        ncols=3,
        borderaxespad=0.3,
        columnspacing=1.6,
        handlelength=2.4,
        handletextpad=0.8,
    )
