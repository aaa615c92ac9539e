"""All tasks and all methods of a study on one page, a map and ranks beside it: a figure that neither paper has."""

import string
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from outofsample.errors import UserError, did_you_mean
from outofsample.figures import style
from outofsample.figures.study_summary import StudySummary
from outofsample.files.scores import FEW_CELLS
from outofsample.metrics.directions import direction_of
from outofsample.report.ranks import RULE
from outofsample.texts import DASH, as_label, marks

#: Brown, white, green (ColorBrewer BrBG): told apart with any colour vision; blue and red have other meanings here.
#: The darkest ends are left out, so that numbers can be read on all of it.
SCALE = LinearSegmentedColormap.from_list("removed", colormaps["BrBG"](np.linspace(0.1, 0.9, 65)))
GREY = "#666666"
#: What can stand in the cells.
NUMBERS = ("share", "score", "rank")
#: Inches: a row, a letter of a task's name and what is beside it, a line of the foot, a cell's largest width, the
#: least and largest width of the ranks, the names of methods.
ROW, LETTER, BESIDE, LINE, CELL, RANKS, LABELS = 0.18, 0.042, 0.55, 0.125, 0.46, (1.3, 2.4), 1.5


def every_task(summary: StudySummary, numbers: str = "share") -> Figure:
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


def _codes(summary: StudySummary) -> dict[str, str]:
    """Return a letter for each reason why a method has no number."""
    reasons = dict.fromkeys(summary.why[key] for key in sorted(summary.why))
    letters = [*string.ascii_uppercase, *map(str, range(len(reasons)))]
    return dict(zip(reasons, letters, strict=False))


def _note(summary: StudySummary, numbers: str) -> str:
    stand_in = any(map(summary.is_stand_in, summary.score_of))
    names = {score: as_label(score) for score in summary.score_of.values()}
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


def _foot(summary: StudySummary, codes: dict[str, str]) -> list[str]:
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


def _map(ax: Axes, summary: StudySummary, numbers: str, codes: dict[str, str]) -> None:
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


def _task_names(summary: StudySummary) -> list[str]:
    return [f"{summary.task_label(task)}{' †' * summary.is_stand_in(task)}" for task in summary.score_of]


def _name_axes(ax: Axes, summary: StudySummary) -> None:
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


def _ranks_panel(ax: Axes, summary: StudySummary) -> None:
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
