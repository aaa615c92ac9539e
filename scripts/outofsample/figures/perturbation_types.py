"""Panel f of trVAE's Figures 5 and 6: the scores of every cell type, each held out in a task of its own."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from outofsample.errors import UserError, did_you_mean
from outofsample.figures import panels, style
from outofsample.figures.data import Panel
from outofsample.figures.perturbation_data import GREY, Perturbation
from outofsample.report.tables import summarise_runs
from outofsample.texts import as_label

#: Looks of the methods in focus, and of no change.
_TYPE_LOOKS = (
    {"marker": "o", "color": style.COLOURS["prediction"]},
    {"marker": "D", "color": GREY, "ms": 2.6},
    {"marker": "s", "color": "#0072B2", "ms": 2.6},
)
_UNCHANGED = {"marker": "|", "color": "#333333", "ms": 5, "mew": 1.0}


def types_block(
    figure: Figure,
    place,
    parts: Perturbation,
    chosen: list[Panel],
    score: str,
    labels: dict[str, str],
    query_labels: dict[str, str],
) -> None:
    """Draw f: a panel per query, the cell types across, a point per method."""
    table = parts.by_type
    if table.empty:
        ax = figure.add_subplot(place)
        text = "f   Not shown: no scores of tasks that hold out other cell types were given to the figure."
        panels.say(ax, text, 120)
        return
    queries = list(table["query"].unique())
    tasks = list(table["task"].unique())
    grid = place.subgridspec(1, len(queries), wspace=0.02)
    axes = [figure.add_subplot(grid[0, column]) for column in range(len(queries))]
    methods = [(panel.method, panel.label, look) for panel, look in zip(chosen, _TYPE_LOOKS, strict=False)]
    if "no_change" in set(table["method"]) and "no_change" not in [method for method, *_ in methods]:
        methods.append(("no_change", parts.data.figure["labels"].get("no_change", "no change"), _UNCHANGED))
    values = table[(table["score"] == score) & table["method"].isin([method for method, *_ in methods])]["value"]
    if values.dropna().empty:
        known = sorted(set(table["score"]) - {""})
        raise UserError(
            f"{parts.data.figure['name']}: type_score: no score '{score}'{did_you_mean(score, known)} of "
            f"{', '.join(method for method, *_ in methods)}; the scores have {', '.join(known)}."
        )
    low = np.floor(10 * (values.min() - 0.02)) / 10
    for position, (ax, query) in enumerate(zip(axes, queries, strict=True)):
        _types_panel(ax, table[table["query"] == query], tasks, methods, score)
        name = query_labels.get(query, as_label(query))
        ax.set_title(f"f   {name}" if position == 0 else name, loc="left", weight="bold")
        ax.set(xlim=(low, 1.0 + 0.02 * (1.0 - low)), xlabel=labels.get(score, as_label(score)))
        ax.set_yticks(range(len(tasks)), _type_names(parts, tasks))
        ax.tick_params(labelleft=position == 0, left=False)
    looks = {"fontsize": 6, "handletextpad": 0.3, "labelspacing": 0.3, "borderpad": 0.1}
    axes[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), **looks)


def _types_panel(ax: Axes, table: pd.DataFrame, tasks: list[str], methods: list, score: str) -> None:
    """Draw the scores of one query: a row per task, a point per method, one a little below the other."""
    ax.set_ylim(len(tasks) - 0.5, -0.5)
    for row in range(0, len(tasks), 2):
        ax.axhspan(row - 0.5, row + 0.5, color="#F3F3F3", linewidth=0, zorder=-2)
    for position, (method, label, look) in enumerate(methods):
        rows = table[(table["method"] == method) & (table["score"] == score)]
        runs = [summarise_runs(rows[rows["task"] == task], method) for task in tasks]
        means, sds = (np.array([run[key] for run in runs], dtype=float) for key in ("mean", "sd"))
        places = np.arange(len(tasks)) + 0.22 * (position - (len(methods) - 1) / 2)
        shared = {"ms": 3.2, "mew": 0, "linestyle": "", "label": label} | look
        ax.errorbar(means, places, xerr=np.nan_to_num(sds), elinewidth=0.7, **shared)


def _type_names(parts: Perturbation, tasks: list[str]) -> list[str]:
    """Return what tasks are called below f: what follows the dot of ``haber.Tuft``, else their labels."""
    if all("." in task for task in tasks):
        return [as_label(task.partition(".")[2]) for task in tasks]
    return [parts.data.figure.get("scores_of", {}).get(task, {}).get("label", task) for task in tasks]
