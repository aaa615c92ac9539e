"""Panels d and e of trVAE's Figures 5 and 6, a row per method: how one gene is distributed, and the scores."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from outofsample.figures import panels, style
from outofsample.figures.perturbation_data import GREY, Perturbation
from outofsample.figures.perturbation_scores import score_column
from outofsample.texts import as_label


def methods_block(
    figure: Figure, place, parts: Perturbation, show: Sequence[str], gene: str, score_names, labels: dict[str, str]
) -> None:
    """Draw d and e side by side: the same row is the same method."""
    scored = list(score_names) if "e" in show and len(parts.scores) else []
    widths = ([1.7] if "d" in show else []) + [1.0] * max(len(scored), int("e" in show))
    axes = [figure.add_subplot(spot) for spot in place.subgridspec(1, len(widths), width_ratios=widths, wspace=0.02)]
    _rows(axes[0], parts)
    for ax in axes:
        ax.sharey(axes[0])
        ax.tick_params(labelleft=ax is axes[0], left=False)
        _bands(ax, parts)
    if "d" in show:
        axes[0].set_title("d", loc="left", weight="bold")
        _violins(axes[0], parts, gene)
    for position, (ax, score) in enumerate(zip(axes[int("d" in show) :], scored, strict=False)):
        ax.set_title("e" if position == 0 else "", loc="left", weight="bold")
        score_column(ax, parts, score, labels.get(score, as_label(score)))
    if "e" in show and not scored:
        axes[-1].set_title("e", loc="left", weight="bold")
        axes[-1].set(xticks=[])
        text = "No scores of this task\nwere given to the figure."
        axes[-1].text(0.5, 0.5, text, ha="center", va="center", transform=axes[-1].transAxes, color="#555555")


def _rows(ax: Axes, parts: Perturbation) -> None:
    """Name the rows: query and truth, methods, controls."""
    first = [f"{parts.data.query.source} (query)", f"{parts.data.query.target} (held out)"]
    ordered = parts.ordered
    ax.set_ylim(len(ordered) + 1.5, -0.5)
    ax.set_yticks(range(len(ordered) + 2), first + [panel.label for panel in ordered])
    for tick, panel in zip(ax.get_yticklabels()[2:], ordered, strict=True):
        if panel.method in parts.controls:
            tick.set(color=GREY, style="italic")


def _bands(ax: Axes, parts: Perturbation) -> None:
    """Shade every other row, and part the measured rows and the controls from the rest."""
    ordered = parts.ordered
    for row in range(0, len(ordered) + 2, 2):
        ax.axhspan(row - 0.5, row + 0.5, color="#F3F3F3", linewidth=0, zorder=-2)
    edges = [1.5]
    if 0 < sum(panel.method in parts.controls for panel in ordered) < len(ordered):
        edges.append(1.5 + sum(panel.method not in parts.controls for panel in ordered))
    for edge in edges:
        ax.axhline(edge, color="#BBBBBB", linewidth=0.5, zorder=-1)


def _violins(ax: Axes, parts: Perturbation, gene: str) -> None:
    """Draw the distribution of a gene: before, held out, and as each method predicts it."""
    data = parts.data
    column = data.column(gene)
    ax.set_xlabel(data.axis_label(gene))
    shown = [(0, data.cells["query"], style.COLOURS["query"])]
    if "truth" in data.cells:
        shown.append((1, data.cells["truth"], "#444444"))
        ax.axvline(data.cells["truth"][:, column].mean(), color="black", linewidth=0.7, zorder=0)
    real = np.concatenate([X[:, column] for _, X, _ in shown])
    low, high = panels.limits([X[:, column] for _, X, _ in shown], [panel.X[:, column] for panel in data.ran])
    ax.set_xlim(max(low, min(real.min(), 0) - 0.04 * (high - low)), high)
    rows = [(row, panel.X, parts.colour(panel)) for row, panel in enumerate(parts.ordered, 2) if panel.X is not None]
    for row, X, colour in [*shown, *rows]:
        values = X[:, column].astype(np.float64)
        if np.ptp(values) > 0:
            body = ax.violinplot(values, [row], orientation="horizontal", widths=0.9, showextrema=False)["bodies"][0]
            body.set(facecolor=colour, edgecolor=colour, alpha=0.45, linewidth=0.4)
        ax.plot(values.mean(), row, "o", ms=2.6, color=colour, mec="white", mew=0.3, zorder=4)
    for row, panel in enumerate(parts.ordered, 2):
        if panel.X is None:
            reason = textwrap.shorten(f"not run: {panel.not_run}", 40, placeholder=" ...")
            ax.text(0.03, row, reason, va="center", transform=ax.get_yaxis_transform(), color=GREY, size=6)


def handles_of_methods(parts: Perturbation, show: Sequence[str]) -> list:
    """Return the legend of d and e."""
    handles = []
    if "d" in show:
        handles.append(Patch(color=style.COLOURS["query"], alpha=0.6, linewidth=0, label=parts.data.names["query"]))
        handles.append(Patch(color="#444444", alpha=0.6, linewidth=0, label=parts.data.names["truth"]))
    handles.append(Patch(color=style.COLOURS["prediction"], alpha=0.6, linewidth=0, label="predicted"))
    if parts.controls & {panel.method for panel in parts.data.panels}:
        handles.append(Patch(color=GREY, alpha=0.6, linewidth=0, label="predicted by a control method"))
    if "e" in show and len(parts.scores):
        handles.append(Line2D([], [], color="black", linestyle="--", linewidth=0.8, label="oracle"))
        handles.append(Line2D([], [], color=GREY, linestyle=":", linewidth=0.8, label="no change"))
    return handles
