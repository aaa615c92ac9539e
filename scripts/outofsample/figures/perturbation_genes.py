"""Panels a, b and c of trVAE's Figures 5 and 6: the measured cells, and each gene as predicted and as measured."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from outofsample.figures import embedding, panels, style
from outofsample.figures.data import Panel
from outofsample.figures.embedding import NEIGHBOURS, legend_below, look_of_conditions, look_of_kinds, scatter
from outofsample.figures.perturbation_data import Perturbation, changes_of_genes
from outofsample.metrics.correlations import change_r, r2
from outofsample.metrics.spread import sd_ratio
from outofsample.metrics.summaries import Summary, summarise
from outofsample.texts import number


def cells_and_genes(
    figure: Figure, place, parts: Perturbation, show: Sequence[str], chosen: list[Panel], named: int
) -> list:
    """Draw a, b and c; return (axes, points (genes, 2), genes to name) of each scatter, to be named when laid out."""
    genes = [letter for letter in "bc" if letter in show]
    rows, left = (2 if "a" in show else len(genes)), int("a" in show)
    columns = left + (len(chosen) if genes else 0)
    grid = place.subgridspec(rows, columns)
    if "a" in show:
        _embedding(figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[1, 0]), parts)
    scatters = []
    for column, panel in enumerate(chosen if genes else []):
        for row, letter in enumerate(genes):
            ax = figure.add_subplot(grid[row, left + column])
            ax.set_title(f"{letter}   {panel.label}", loc="left", weight="bold", pad=13)
            if panel.X is None or "truth" not in parts.data.cells:
                panels.say(ax, f"not run: {panel.not_run}" if panel.X is None else "no truth was measured", 30)
            else:
                scatters.append(_genes_panel(ax, parts, panel, letter, named))
    return scatters


def _embedding(above: Axes, below: Axes, parts: Perturbation) -> None:
    """Draw a: measured cells by condition and by type."""
    measured = parts.measured
    above.set_title("a   conditions", loc="left", weight="bold")
    below.set_title("a   cell types", loc="left", weight="bold")
    if len(measured.X) <= NEIGHBOURS:
        panels.say(above, "too few cells")
        below.set_axis_off()
        return
    points = embedding.embed(measured.X)
    by_condition = look_of_conditions(parts.data, measured.condition)
    by_kind = look_of_kinds(parts.data, measured.kind)
    scatter(above, points, measured.condition, by_condition, size=4)
    scatter(below, points, measured.kind, by_kind, size=4)
    legend_below(above, by_condition)
    legend_below(below, by_kind)


def _genes_panel(
    ax: Axes, parts: Perturbation, panel: Panel, letter: str, named: int
) -> tuple[Axes, np.ndarray, np.ndarray]:
    """Draw the mean (b) or variance (c) of each gene, predicted across and real upwards."""
    data = parts.data
    before, real, predicted = (summarise(X) for X in (data.cells["query"], data.cells["truth"], panel.X))
    what = "means" if letter == "b" else "variances"
    points = np.stack([getattr(predicted, what), getattr(real, what)], axis=1)
    changed = np.argsort(-changes_of_genes(data), kind="stable")[:named]
    end = 1.08 * max(points[:, 1].max(), min(np.percentile(points[:, 0], 99.9), 1.5 * points[:, 1].max()))
    start = min(0.0, 1.08 * points[:, 1].min()) - 0.02 * end
    ax.set(xlim=(start, end), ylim=(start, end), xlabel=f"predicted, {what}", ylabel=f"held out, {what}")
    ax.set_box_aspect(1)
    ax.plot((start, end), (start, end), color="#999999", linewidth=0.7, zorder=0)
    ax.scatter(*points.T, s=4, color="#555555", alpha=0.5, linewidths=0, rasterized=True, zorder=1)
    ax.scatter(*points[changed].T, s=9, color=style.COLOURS["prediction"], linewidths=0, zorder=3)
    text = _words_on_genes(parts, panel, what, before, real, predicted)
    ax.text(0, 1.02, text, ha="left", va="bottom", transform=ax.transAxes, size=5.8)
    outside = int((points[:, 0] > end).sum())
    if outside:
        text = f"{outside} gene{'s' * (outside > 1)} outside"
        halo = [withStroke(linewidth=2, foreground="white")]
        ax.text(0.98, 0.02, text, ha="right", transform=ax.transAxes, path_effects=halo, size=6)
    return ax, points, changed[points[changed, 0] <= end]


def _words_on_genes(
    parts: Perturbation, panel: Panel, what: str, before: Summary, real: Summary, predicted: Summary
) -> str:
    """Return the numbers above b or c; that of the top 100 genes stands in the scores alone."""
    words = [f"R² {number(float(r2(getattr(predicted, what), getattr(real, what))))}"]
    top = parts.of_seed(panel, f"{what}_r2_top100")
    if not np.isnan(top):
        words.append(f"top 100: {number(top)}")
    if what == "means":
        words.append(f"r of changes {number(float(change_r(before.means, predicted.means, real.means)))}")
    else:
        words.append(f"SD ratio {number(float(sd_ratio(predicted.variances, real.variances)), 2)}")
    return ", ".join(words)
