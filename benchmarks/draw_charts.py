"""The charts of docs/benchmarks.md, from the tables in docs/measured.

From the root of the repository:

    python benchmarks/draw_charts.py
"""

import csv
import sys
from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import Patch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import matplotlib  # noqa: E402

from outofsample.figures.style import STYLE, WIDTH  # noqa: E402
from outofsample.files.writing import replacing  # noqa: E402

DOCS = ROOT / "docs"
#: What is ours, and what a user would take instead; told apart by readers with any colour vision.
OURS, PEERS, LIGHT = "#2166AC", "#B2182B", "#92C5DE"


def rows(path: str) -> list[dict[str, str]]:
    """Return the rows of a table below docs."""
    with open(DOCS / path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(folder: str, plots: dict[str, Callable[[], Figure]]) -> None:
    """Write plots by name into a folder of docs/images."""
    matplotlib.rcParams.update(STYLE)
    (DOCS / "images" / folder).mkdir(parents=True, exist_ok=True)
    for name, draw in plots.items():
        with replacing(DOCS / "images" / folder / f"{name}.png") as temporary:
            draw().savefig(temporary, dpi=150, format="png")


def bars(labels: list[str], values: list[float], colours: list[str], xlabel: str) -> Figure:
    """Return horizontal bars with their values, the first on top."""
    figure = Figure(figsize=(WIDTH, 0.5 + 0.19 * len(labels)), layout="constrained")
    ax = figure.subplots()
    drawn = ax.barh(range(len(labels)), values, color=colours, height=0.7)
    ax.bar_label(drawn, [f"{value:.3g}" for value in values], padding=2)
    ax.set(yticks=range(len(labels)), yticklabels=labels, xlabel=xlabel, xlim=(0, 1.08 * max(values)))
    ax.invert_yaxis()
    return figure


def legend(figure: Figure, entries: dict[str, str]) -> None:
    """Name the colours, where the short bars leave room."""
    handles = [Patch(color=colour, label=label) for label, colour in entries.items()]
    figure.axes[0].legend(handles=handles, loc="lower right")


def epoch_time() -> Figure:
    """Seconds that each model takes for 13,500 cells, the peers' beside."""
    table = sorted(rows("measured/epoch_time.csv"), key=lambda row: -float(row["wall s per 13500 cells"]))
    peers = ["'" in row["model"] for row in table]
    labels = [row["model"].replace("_", " ") for row in table]
    values = [float(row["wall s per 13500 cells"]) for row in table]
    figure = bars(labels, values, [PEERS if peer else OURS for peer in peers], "seconds per 13,500 cells, one core")
    legend(figure, {"this package": OURS, "other packages": PEERS})
    return figure


def edit_speed() -> Figure:
    """Seconds for the percentile edit of five million cells, and of two alternatives."""
    table = [row for row in rows("measured/edit_speed.csv") if row["cells"] == "5000000"]
    values = [float(row["median s"]) for row in table]
    colours = [OURS if row["method"].startswith("PercentileEdit") else PEERS for row in table]
    figure = bars(
        [row["method"] for row in table], values, colours, "seconds for 5,000,000 cells x 50 values, two cores"
    )
    legend(figure, {"this package": OURS, "other packages": PEERS})
    return figure


def demo_jobs() -> Figure:
    """CPU seconds of each rule of the demo, with the part that starting the jobs takes."""
    table = sorted(
        (row for row in rows("measured/demo_jobs.csv") if row["rule"] != "all"), key=lambda row: -float(row["CPU s"])
    )
    labels = [f"{row['rule'].replace('_', ' ')} ({row['jobs']})" for row in table]
    values = [float(row["CPU s"]) for row in table]
    figure = bars(labels, values, [LIGHT] * len(table), "CPU seconds; in brackets: jobs")
    starts = [min(float(row["start-up, CPU s"]), value) for row, value in zip(table, values, strict=True)]
    figure.axes[0].barh(range(len(table)), starts, color=OURS, height=0.7)
    legend(figure, {"starting Python and its imports": OURS, "work": LIGHT})
    return figure


CHARTS = {"epoch_time": epoch_time, "edit_speed": edit_speed, "demo_jobs": demo_jobs}


if __name__ == "__main__":
    write("", CHARTS)
