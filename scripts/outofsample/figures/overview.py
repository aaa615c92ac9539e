"""All tasks and all methods of a study on one page: a figure that neither paper has."""

import string
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from outofsample.errors import UserError, did_you_mean
from outofsample.figures import style
from outofsample.files.scores import FEW_CELLS, read_scores
from outofsample.metrics.directions import direction_of, distance_to_best
from outofsample.report.ranks import RULE, Ranks, rank_methods
from outofsample.report.tables import NOT_IN_STUDY
from outofsample.texts import DASH, marks

#: Brown, white, green (ColorBrewer BrBG): told apart with any colour vision; blue and red have other meanings here.
#: The darkest ends are left out, so that numbers can be read on all of it.
SCALE = LinearSegmentedColormap.from_list("removed", colormaps["BrBG"](np.linspace(0.1, 0.9, 65)))
GREY = "#666666"
#: What can stand in the cells.
NUMBERS = ("share", "score", "rank")
#: Inches: a row, a letter of a task's name and what is beside it, a line of the foot, a cell's largest width, the
#: least and largest width of the ranks, the names of methods.
ROW, LETTER, BESIDE, LINE, CELL, RANKS, LABELS = 0.18, 0.042, 0.55, 0.125, 0.46, (1.3, 2.4), 1.5


@dataclass(frozen=True)
class Summary:
    """Scores of a study, made comparable over its tasks.

    Attributes
    ----------
    figure
        The notebook's parameter: title, labels, controls, scores_of ...
    score_of
        The score of each task, in the order of the columns.
    shares
        Frame (methods, tasks): (d(no_change) - d) / (d(no_change) - d(oracle)), where d is the distance of a score to
        its best value, the mean over the task's queries that have this scale. It is 0 for no change, 1 for the oracle,
        negative for what is worse than no change. The methods are in the order of their mean ranks.
    values
        Frame (methods, tasks): the score itself, the mean over seeds and the same queries.
    ranks, mean_ranks
        Frame (methods, tasks) and series (methods,) of `outofsample.report.ranks`: also of queries without
        that scale, and of tasks that for want of it have no column in ``shares``.
    why
        The reason where a method has no number, by (method, task).
    left_out
        The reason why a task, or one of its queries, has no share, by its name.
    few_cells
        Names of the tasks or queries whose oracle has few cells.
    """

    figure: dict
    score_of: dict[str, str]
    shares: pd.DataFrame
    values: pd.DataFrame
    ranks: pd.DataFrame
    mean_ranks: pd.Series
    why: dict[tuple[str, str], str]
    left_out: dict[str, str]
    few_cells: list[str]

    @property
    def methods(self) -> list[str]:
        """Names of the methods, the best mean rank first."""
        return list(self.shares.index)

    def is_control(self, method: str) -> bool:
        """Whether a method is one of the controls."""
        return method in self.figure.get("controls", [])

    def method_label(self, method: str) -> str:
        """Return how figures call a method."""
        return self.figure["labels"].get(method, method.replace("_", " "))

    def task_label(self, task: str) -> str:
        """Return how figures call a task."""
        return self.figure.get("scores_of", {}).get(task, {}).get("label", task.replace("_", " "))

    def is_stand_in(self, task: str) -> bool:
        """Whether a task's data are a simulated stand-in."""
        return bool(self.figure.get("scores_of", {}).get(task, {}).get("stand_in", False))


def summarise_study(
    figure: dict, paths: list[str], score: str = "energy_distance", score_by_task: dict[str, str] | None = None
) -> Summary:
    """Read the scores of all tasks and make them comparable; ``score_by_task`` names other scores for some tasks.

    Raises
    ------
    UserError
        If there are no scores, a task or score is unknown, it is not known which values of a score are good ones, or no
        task can be shown.
    """
    if not paths:
        raise UserError(f"{figure['name']}: no scores were given; name tasks under `scores:` of the figure.")
    table = read_scores([Path(path) for path in paths])
    tasks = list(table["task"].unique())
    score_of = dict.fromkeys(tasks, score) | (score_by_task or {})
    for task, wanted in score_of.items():
        if task not in tasks:
            raise UserError(
                f"{figure['name']}: score_by_task: no scores of a task '{task}'{did_you_mean(task, tasks)}."
            )
        known = sorted(set(table.loc[table["task"] == task, "score"]) - {""})
        if wanted not in known:
            raise UserError(
                f"{figure['name']}: task '{task}' has no score '{wanted}'{did_you_mean(wanted, known)}; it has "
                f"{', '.join(known)}."
            )
    columns, left_out, few_cells = {}, {}, []
    for task in tasks:
        of_task = table[table["task"] == task]
        for query, rows in of_task.groupby("query", sort=False):
            name = task if of_task["query"].nunique() == 1 else f"{task}: {query}"
            found = _query_scores(rows, score_of[task])
            if found.reason:
                left_out[name] = found.reason
                continue
            columns.setdefault(task, {})[query] = found
            if rows.loc[rows["method"] == "oracle", "note"].str.contains("fewer than").any():
                few_cells.append(name)
    if not columns:
        raise UserError(f"{figure['name']}: no task can be shown: {'; '.join(map(': '.join, left_out.items()))}.")
    ranks = rank_methods(table, score_of)
    score_of = {task: score_of[task] for task in columns}
    return Summary(figure, score_of, *_joined(table, columns, ranks), left_out, few_cells)


@dataclass(frozen=True)
class QueryScores:
    """Scores of one query by method: values and shares, or the ``reason`` why there is no scale."""

    values: pd.Series
    shares: pd.Series
    reason: str = ""


def _query_scores(rows: pd.DataFrame, score: str) -> QueryScores:
    """Put the scores of one query on the scale from no change (0) to the oracle (1)."""
    rows = rows[rows["score"] == score]
    means = rows.groupby("method", sort=False)["value"].mean()
    halves = rows.loc[rows["method"] == "oracle", "value"].dropna()
    values = means.drop("oracle", errors="ignore")
    none = pd.Series(dtype=float)
    if halves.empty:
        return QueryScores(values, none, "no truth was measured")
    if not np.isfinite(values.get("no_change", np.nan)):
        return QueryScores(values, none, "the method no_change, which is the zero of the scale, was not scored")
    distances, of_halves = distance_to_best(score, values), distance_to_best(score, halves)
    unchanged, oracle = distances["no_change"], of_halves.mean()
    nearest, farthest = np.percentile(of_halves, [2.5, 97.5])
    if unchanged < nearest:
        return QueryScores(values, none, "no change is nearer to the truth than the oracle is")
    # A few far halves can put the mean beyond nearly all of them; the scale must not turn around there either.
    if unchanged <= max(farthest, oracle):
        return QueryScores(values, none, "no change is as near to the truth as the oracle is")
    return QueryScores(values, (unchanged - distances) / (unchanged - oracle))


def _joined(table: pd.DataFrame, columns: dict[str, dict[str, QueryScores]], ranks: Ranks):
    """Join queries and tasks; return shares, values, ranks, mean ranks and reasons (`Summary`), methods as ranked."""
    # Those without any number come last.
    methods = [method for method in dict.fromkeys([*ranks.mean.index, *table["method"]]) if method != "oracle"]
    shares, values = (
        pd.DataFrame({task: _mean_of_queries(queries, part, methods) for task, queries in columns.items()})
        for part in ("shares", "values")
    )
    why = {
        (method, task): _reason(table[(table["method"] == method) & (table["task"] == task)])
        for method in methods
        for task in columns
        if np.isnan(shares.loc[method, task])
    }
    return shares, values, ranks.of_tasks.reindex(methods), ranks.mean.reindex(methods), why


def _mean_of_queries(queries: dict[str, QueryScores], part: str, methods: list[str]) -> pd.Series:
    """Return the mean (methods,) over queries; a method without a number for one of them has none."""
    return pd.DataFrame({name: getattr(found, part).reindex(methods) for name, found in queries.items()}).mean(
        axis=1, skipna=False
    )


def _reason(rows: pd.DataFrame) -> str:
    """Return why a method has no number for a task."""
    if rows.empty:
        return NOT_IN_STUDY
    notes = [note.removeprefix("not run: ") for note in rows["note"].unique() if note]
    return notes[0] if notes else "no number for one of the queries"


def describe(summary: Summary) -> str:
    """Return a line per task: its score, the ends of the scale and the method nearest to the truth."""
    lines = []
    for task, score in summary.score_of.items():
        best = summary.shares[task].idxmax()
        lines.append(
            f"{summary.task_label(task)}: {score} of no change {summary.values.loc['no_change', task]:.3g}; nearest to "
            f"the oracle: {summary.method_label(best)}, {summary.values.loc[best, task]:.3g} "
            f"(removes {summary.shares.loc[best, task]:.0%} of what the oracle would)"
        )
    lines += [f"no share: {name} ({reason})" for name, reason in summary.left_out.items()]
    return "\n".join(lines)


def every_task(summary: Summary, numbers: str = "share") -> Figure:
    """Draw a map of methods (rows, the best mean rank first) and tasks (columns), and the ranks beside it.

    ``numbers`` says what stands in the cells: ``share`` (in per cent), ``score`` (as measured) or ``rank``; colours
    always show the share.

    Raises
    ------
    UserError
        If ``numbers`` is none of these.
    """
    if numbers not in NUMBERS:
        raise UserError(
            f"{summary.figure['name']}: numbers: one of {', '.join(NUMBERS)}, not '{numbers}'"
            f"{did_you_mean(numbers, NUMBERS)}."
        )
    codes = _codes(summary)
    foot = _foot(summary, codes)
    rows = len(summary.methods)
    height = ROW * rows + BESIDE + LETTER * max(map(len, _task_names(summary)))
    figure = style.page(summary.figure["title"], _note(summary, numbers), height + LINE * len(foot) + 0.1)
    widths = _widths(len(summary.score_of))
    grid = figure.add_gridspec(
        2, len(widths), width_ratios=widths, height_ratios=[height, LINE * len(foot) + 0.1], wspace=0.02
    )
    cells, ranks, below = (figure.add_subplot(place) for place in (grid[0, 0], grid[0, 1], grid[1, :]))
    for ax in (cells, ranks):
        ax.set_ylim(rows - 0.5, -0.5)
    _map(cells, summary, numbers, codes)
    _ranks_panel(ranks, summary)
    below.set_axis_off()
    below.text(0, 1, "\n".join(foot), va="top", transform=below.transAxes, linespacing=1.25, size=6.5, color="#333333")
    _legend(figure, bool(codes))
    return figure


def _widths(tasks: int) -> list[float]:
    """Return the widths of map and ranks in inches, and of what stays empty where there are few tasks."""
    room = style.WIDTH - LABELS
    cells = min(tasks * CELL, room - RANKS[0])
    ranks = min(room - cells, RANKS[1])
    left = room - cells - ranks
    return [cells, ranks, left] if left > 0.05 else [cells, ranks]


def _codes(summary: Summary) -> dict[str, str]:
    """Return a letter for each reason why a method has no number."""
    reasons = dict.fromkeys(summary.why[key] for key in sorted(summary.why))
    letters = [*string.ascii_uppercase, *map(str, range(len(reasons)))]
    return dict(zip(reasons, letters, strict=False))


def _note(summary: Summary, numbers: str) -> str:
    stand_in = any(map(summary.is_stand_in, summary.score_of))
    names = {score: score.replace("_", " ") for score in summary.score_of.values()}
    common = max(names, key=list(summary.score_of.values()).count)
    others = [f"{summary.task_label(t)}: {names[s]}" for t, s in summary.score_of.items() if s != common]
    words = {
        "share": "Colours and numbers",
        "score": "Numbers: the score itself. Colours",
        "rank": "Numbers: ranks. Colours",
    }
    ratios = [names[score] for score in names if direction_of(score) == "one"]
    parts = [
        marks(stand_in, summary.figure["demo_size"], "where marked †").capitalize(),
        f"Score: {names[common]} to the truth, mean over seeds" + f" ({'; '.join(others)})" * bool(others),
        f"{words[numbers]}: how much of it a method removes, (no change - method) / (no change - oracle), in per cent: "
        "0 is no change, 100 the oracle (halves of the truth against each other, the best that the data allow), below "
        "0 is worse than no change; a task with several queries has their mean",
        f"Of {', '.join(ratios)} the distance to 1 counts" if ratios else "",
        "A query in which no change is as near to the truth as the oracle is, or nearer, has no such scale: it is "
        "named below, and counts in the ranks alone",
        f"Rows by mean rank: {RULE}; bold: the best rank in a task",
    ]
    return ". ".join(part for part in parts if part) + "."


def _foot(summary: Summary, codes: dict[str, str]) -> list[str]:
    """Return the lines below the map: reasons, and tasks and queries without a share."""
    texts = [f"{code}: {textwrap.shorten(reason, 200, placeholder=' ...')}" for reason, code in codes.items()]
    missing = [f"{name} ({reason})" for name, reason in summary.left_out.items()]
    sentences = ["No number: " + "; ".join(texts) + "."] if texts else []
    if summary.few_cells:
        sentences.append(
            f"Oracle of fewer than {FEW_CELLS} cells, so a scale with much noise: {', '.join(summary.few_cells)}."
        )
    sentences += ["No share: " + "; ".join(missing) + "."] if missing else []
    if summary.ranks.count(axis=1).between(1, summary.ranks.shape[1] - 1).any():
        sentences.append("Open points: mean rank over fewer tasks (number in brackets), so not strictly comparable.")
    return [line for sentence in sentences for line in textwrap.wrap(sentence, 118)]


def _map(ax: Axes, summary: Summary, numbers: str, codes: dict[str, str]) -> None:
    """Draw a cell per method and task: coloured by the share, hatched where there is no number."""
    size = 6 if len(summary.score_of) <= 10 else 5
    for row, method in enumerate(summary.methods):
        for column, task in enumerate(summary.score_of):
            share, rank = summary.shares.loc[method, task], summary.ranks.loc[method, task]
            is_best = rank == summary.ranks[task].min()
            place = {"xy": (column - 0.5, row - 0.5), "width": 1, "height": 1}
            if np.isnan(share):
                look = {"facecolor": "#FAFAFA", "edgecolor": "#CCCCCC", "hatch": "//////", "linewidth": 0}
                ax.add_patch(Rectangle(**place, **look))
                text, colour, weight = codes[summary.why[method, task]], "#333333", "normal"
            else:
                fill = SCALE((1 + np.clip(share, -1, 1)) / 2)
                ax.add_patch(Rectangle(**place, facecolor=fill, edgecolor="white", linewidth=0.6))
                text = _cell_text(numbers, share, summary.values.loc[method, task], rank)
                colour = "white" if _luminance(fill) < 0.45 else "black"
                weight = "bold" if is_best else "normal"
            ax.text(column, row, text, ha="center", va="center", size=size, color=colour, weight=weight)
    ax.set_xlim(-0.5, len(summary.score_of) - 0.5)
    _name_axes(ax, summary)


def _task_names(summary: Summary) -> list[str]:
    return [f"{summary.task_label(task)}{' †' * summary.is_stand_in(task)}" for task in summary.score_of]


def _name_axes(ax: Axes, summary: Summary) -> None:
    """Name methods at the left, controls in grey italics, and tasks above."""
    names = _task_names(summary)
    ax.xaxis.tick_top()
    ax.set_xticks(range(len(names)), names, rotation=40, ha="left", rotation_mode="anchor")
    ax.set_yticks(range(len(summary.methods)), [summary.method_label(method) for method in summary.methods])
    ax.tick_params(length=0)
    ax.spines[["left", "bottom"]].set_visible(False)
    for tick, method in zip(ax.get_yticklabels(), summary.methods, strict=True):
        if summary.is_control(method):
            tick.set(style="italic", color=GREY)


def _cell_text(numbers: str, share: float, value: float, rank: float) -> str:
    """Return what stands in a cell; below -100 per cent only the sign counts, and more would not fit."""
    if numbers == "rank":
        return DASH if np.isnan(rank) else f"{rank:.1f}".removesuffix(".0")
    if numbers == "score":
        return f"{value:.3g}"
    per_cent = round(100 * share) + 0
    return f"{per_cent}".replace("-", "−") if per_cent > -100 else "≪ 0"


def _luminance(colour: Sequence[float]) -> float:
    return float(np.dot(colour[:3], (0.299, 0.587, 0.114)))


def _ranks_panel(ax: Axes, summary: Summary) -> None:
    """Draw the rank of each method in each task (small) and their mean (large, with its number)."""
    last = np.nanmax(summary.ranks.to_numpy())
    ax.set_xlim(0.3, last + 0.7 + 0.36 * last)
    ax.set_xticks([1, *range(5, int(last) + 1, 5)])
    ax.set_xlabel("rank (1 is best)")
    ax.tick_params(labelleft=False, left=False)
    ax.spines["left"].set_visible(False)
    for row, method in enumerate(summary.methods):
        if row % 2 == 0:
            ax.axhspan(row - 0.5, row + 0.5, color="#F3F3F3", linewidth=0, zorder=-2)
        ranks = summary.ranks.loc[method].dropna()
        if ranks.empty:
            continue
        control = summary.is_control(method)
        colour = GREY if control else style.COLOURS["prediction"]
        mean, whole = summary.mean_ranks[method], len(ranks) == summary.ranks.shape[1]
        ax.plot(ranks, np.full(len(ranks), row), "o", ms=2.4, mew=0, color="#999999", alpha=0.7, zorder=1)
        ax.plot(
            mean,
            row,
            "D" if control else "o",
            ms=4.0 if control else 4.6,
            mec=colour,
            mew=1.0,
            mfc=colour if whole else "white",
            zorder=2,
        )
        text = f"{mean:.1f}" + ("" if whole else f" ({len(ranks)})")
        place = {"ha": "right", "va": "center", "transform": ax.get_yaxis_transform(), "size": 6}
        ax.text(0.99, row, text, color=colour, **place)


def _legend(figure: Figure, hatched: bool) -> None:
    """Draw the scale of colours and the legend below the panels."""
    width, height = figure.get_size_inches()
    bar = figure.add_axes((0.35 / width, 0.38 / height, 2.3 / width, 0.09 / height))
    keys = figure.colorbar(ScalarMappable(Normalize(-1, 1), SCALE), cax=bar, orientation="horizontal")
    keys.set_ticks([-1, -0.5, 0, 0.5, 1], labels=["≤ −100", "−50", "0", "50", "100"])
    keys.set_label("removed, % of (no change - oracle)", labelpad=1)
    keys.outline.set_linewidth(0.4)
    red = style.COLOURS["prediction"]
    handles = [
        Line2D([], [], linestyle="", marker="o", ms=4.6, color=red, label="mean rank of a method"),
        Line2D([], [], linestyle="", marker="D", ms=4.0, color=GREY, label="mean rank of a control"),
        Line2D([], [], linestyle="", marker="o", ms=2.4, color="#999999", label="rank in one task"),
    ]
    if hatched:
        handles.append(Patch(facecolor="#FAFAFA", edgecolor="#BBBBBB", hatch="//////", linewidth=0, label="no number"))
    figure.legend(handles=handles, loc="lower right", ncols=2, borderaxespad=0.6, columnspacing=1.4, handletextpad=0.5)
