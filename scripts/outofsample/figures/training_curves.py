"""Losses over a training: each named term of each model, so that a failed training can be seen."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from outofsample.figures import panels, style
from outofsample.files.history import read_history
from outofsample.texts import as_label, marks

#: Okabe and Ito's colours, in the order in which a model's terms get them.
TERM_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999")


class PlainTicks(style.LogTicks):
    """Labels of a logarithmic axis as plain numbers, at the ticks that matplotlib labels: losses span few decades."""

    def __call__(self, x, pos=None):
        """Return the label of a tick."""
        return f"{x:g}" if super().__call__(x, pos) else ""


def read_histories(paths: list[str]) -> dict[str, pd.DataFrame]:
    """Return the history of each model, with all its batches of seeds joined; the folder of a file names the model."""
    tables: dict[str, list[pd.DataFrame]] = {}
    for path in paths:
        tables.setdefault(Path(path).parent.name, []).append(read_history(path))
    return {model: pd.concat(parts, ignore_index=True) for model, parts in tables.items()}


def terms_of(history: pd.DataFrame) -> dict[str, str]:
    """Return the columns of losses with the names that the legend gives them.

    Gradients are no losses, and the validation's terms are drawn beside the training's of the same name.
    """
    skipped = ("epoch", "steps", "seed", "change", "precision")
    names = [name for name in history.columns if name not in skipped and not name.endswith("_gradient")]
    return {name: as_label(name.removeprefix("train_")) for name in names if not name.startswith("validation_")}


def training_curves(figure: dict, histories: dict[str, pd.DataFrame]) -> Figure:
    """Draw a panel per model: its loss terms over epochs, the mean over seeds as a line and their range as a band."""
    columns = min(3, panels.columns_for(len(histories)))  # the names of the terms stand beside each panel
    rows = -(-len(histories) // columns)
    about = marks(figure["stand_in"], figure["demo_size"]).capitalize()
    text = (
        f"{about}. " * bool(about) + f"Task {figure['task']}. Lines: mean over seeds, bands: "
        "their range; dashed: on the held-out tenth, where there is one. Terms that become negative are not drawn."
    )
    page = style.page(figure["title"], text, 1.6 * rows + 0.8)
    axes = page.subplots(rows, columns, squeeze=False).ravel()
    for ax, (model, history) in zip(axes, histories.items(), strict=False):
        _panel(ax, history)
        ax.set_title(figure["labels"].get(model, as_label(model)))
    for ax in axes[len(histories) :]:
        ax.set_axis_off()
    for row in range(rows):
        axes[row * columns].set_ylabel("loss term (log scale)")
    return page


def _panel(ax: Axes, history: pd.DataFrame) -> None:
    """Draw the terms of one model, and their names beside them."""
    handles = []
    for colour, (name, label) in zip(TERM_COLOURS, terms_of(history).items(), strict=False):
        _line(ax, history, name, colour, "-")
        validation = f"validation_{name.partition('_')[2]}"
        if name.startswith("train_") and validation in history:
            _line(ax, history, validation, colour, "--")
        handles.append(Line2D([], [], color=colour, label=label))
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter(PlainTicks())
    ax.yaxis.set_minor_formatter(PlainTicks())
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.set_xlabel("epoch")
    small = {"fontsize": 6, "handlelength": 1.0, "labelspacing": 0.3, "handletextpad": 0.4, "borderaxespad": 0.0}
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.03, 1.0), **small)


def _line(ax: Axes, history: pd.DataFrame, name: str, colour: str, dash: str) -> None:
    """Draw one term: seeds that stopped early end where they end."""
    per_epoch = history.groupby("epoch")[name]
    mean, low, high = per_epoch.mean(), per_epoch.min(), per_epoch.max()
    if not np.isfinite(mean).all() or (low <= 0).any():
        return
    ax.plot(mean.index, mean, dash, color=colour, linewidth=0.9)
    ax.fill_between(mean.index, low, high, color=colour, alpha=0.15, linewidth=0)
