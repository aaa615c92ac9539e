"""How the cost of training, prediction and evaluation grows with cells, features and seeds, and planning with tasks.

The three scripts of the pipeline run on one synthetic task after another, each in a process of its own, on one thread
of a CPU; one of the sizes grows, the others stay at the base. More tasks only mean more jobs of the same cost, so for
tasks it is Snakemake's planning that is measured, with the number of jobs. Writes ``cost_growth.csv`` (a row per
process) and ``cost_growth.png``, and prints a table for a Markdown page. From the root of the repository:

    python benchmarks/cost_growth.py
    python benchmarks/cost_growth.py --draw-only             the figure and the table again, from the CSV
"""

import argparse
import csv
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from planning_time import dry_run, jobs_per_rule, many_tasks  # noqa: E402

from outofsample.errors import UserError, run_script  # noqa: E402
from outofsample.files.writing import replacing  # noqa: E402

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

#: The models that are measured, and the method that predicts with each.
METHODS = {"autoencoder": "neuron_editing", "trvae": "trvae", "cyclegan": "cyclegan"}
SIZES = ("cells", "features", "seeds", "tasks")
FIELDS = ("grows", "round", "model", "step", *SIZES, "epochs", "wall_s", "cpu_s", "peak_memory_mib", "jobs")
#: Okabe and Ito's colours, told apart with any colour vision, and markers for print in grey.
LOOKS = {
    "autoencoder": ("#0072B2", "o"),
    "trvae": ("#D55E00", "^"),
    "cyclegan": ("#009E73", "s"),
    "planning": ("#000000", "D"),
}
LABELS = {
    "cells": "cells of the data set",
    "features": "features",
    "seeds": "seeds in one job",
    "tasks": "tasks of the study",
    "wall_s": "wall time (s)",
    "peak_memory_mib": "peak memory (MiB)",
}


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, nargs="*", default=[2_000, 6_000, 20_000, 60_000, 200_000])
    parser.add_argument("--features", type=int, nargs="*", default=[35, 100, 350, 1_000, 4_000])
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3, 4, 5, 6])
    parser.add_argument("--tasks", type=int, nargs="*", default=[1, 10, 40, 80, 160])
    parser.add_argument("--base-cells", type=int, default=10_000, help="where features or seeds grow")
    parser.add_argument("--base-features", type=int, default=200, help="where cells or seeds grow")
    parser.add_argument("--models", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--epochs", type=int, default=5, help="of each training")
    parser.add_argument("--rounds", type=int, default=1, help="processes per point; the figure shows medians")
    parser.add_argument("--output", type=Path, default=ROOT / "results/benchmarks", help="folder for CSV and PNG")
    parser.add_argument("--draw-only", action="store_true", help="measure nothing")
    return parser.parse_args()


# ---- one process each


def make_task(folder: str, cells: int, features: int) -> None:
    """Write ``train.h5ad`` and ``truth.h5ad`` of a task with one query, as `split_task.py` does.

    Two domains x two conditions have a quarter of the cells each: S, T and X are trained on, Y is the truth. The
    values are skewed and not negative, (cells, features) float32; what they are does not change the cost.
    """
    import anndata
    import numpy as np
    import pandas as pd

    from outofsample.arrays import Query
    from outofsample.files.task import write_task
    from outofsample.jobs.split import SplitSpec
    from outofsample.study.split import split_dataset

    rng = np.random.default_rng(0)
    X = rng.standard_gamma(2.0, size=(cells, features), dtype=np.float32)
    after, new = np.arange(cells) % 2 == 1, np.arange(cells) % 4 >= 2
    X[after] *= rng.uniform(0.5, 2.0, size=features).astype(np.float32)
    labels = {"condition": np.where(after, "after", "before"), "domain": np.where(new, "new", "known")}
    obs = pd.DataFrame(labels, index=np.arange(cells).astype(str))
    adata = anndata.AnnData(X, obs=obs, uns={"dataset": "synthetic", "stand_in": True})
    split = SplitSpec("growth", (Query("new", "new", "before", "after"),), held_out=(("new", "after"),))
    write_task(Path(folder) / "train.h5ad", Path(folder) / "truth.h5ad", split_dataset(adata, split))


def plan(tasks: int) -> None:
    """Plan the demo's methods on so many tasks, 3 seeds; print wall and CPU seconds, memory in MiB and jobs as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "planning.yaml"
        study.write_text(json.dumps(many_tasks(tasks, seeds=3)))
        wall, cpu, _ = dry_run(study)
        memory = mebibytes(resource.getrusage(resource.RUSAGE_CHILDREN))
        jobs = jobs_per_rule(study)["total"]
    print(json.dumps({"seeds": 3, "wall_s": wall, "cpu_s": cpu, "peak_memory_mib": memory, "jobs": jobs}))


def mebibytes(usage: resource.struct_rusage) -> float:
    """Return the largest resident set size of a usage in MiB: Linux gives KiB, macOS bytes."""
    return usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def run(*command: object) -> tuple[dict[str, float], str]:
    """Run Python with these arguments, on one thread and without a GPU; return what it took and what it printed.

    Raises
    ------
    UserError
        If it fails.
    """
    # This process must stay small: on Linux a child's peak memory starts from that of the process that started it.
    one = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "NUMBA")}
    path = os.pathsep.join(str(ROOT / folder) for folder in ("benchmarks", "scripts"))
    environment = {**os.environ, **one, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": path}
    with tempfile.TemporaryFile("w+") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *map(str, command)], env=environment, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall, process.returncode = time.perf_counter() - start, os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read()
    if process.returncode:
        raise UserError(f"{command[0]} failed: {(printed.strip().splitlines() or ['no message'])[-1]}")
    return {"wall_s": wall, "cpu_s": usage.ru_utime + usage.ru_stime, "peak_memory_mib": mebibytes(usage)}, printed


def steps(folder: Path, model: str, seeds: int, epochs: int) -> dict[str, list[object]]:
    """Return the commands of a model's training, prediction and evaluation on the task in ``folder``, by step."""
    train, truth, prediction = (folder / f"{name}.h5ad" for name in ("train", "truth", "prediction"))
    fitted = folder / "fitted.pt"
    spec = json.dumps({"name": model, "uses": model, "settings": {"epochs": epochs}})
    methods = json.dumps([{"name": METHODS[model], "uses": METHODS[model], "settings": {}, "runs": True}])
    options = {
        "train_model": {
            "--train": [train],
            "--model": [spec],
            "--device": ["cpu"],
            "--seeds": range(seeds),
            "--checkpoints": [folder / "checkpoints"],
            "--fitted": [fitted],
            "--history": [folder / "history.csv"],
        },
        "transform_query": {
            "--train": [train],
            "--fitted": [fitted],
            "--model": [spec],
            "--methods": [methods],
            "--outputs": [prediction],
        },
        "evaluate_task": {
            "--train": [train],
            "--truth": [truth],
            "--predictions": [prediction],
            "--output": [folder / "scores.csv"],
        },
    }
    return {
        name: [f"scripts/{name}.py", *(word for option, values in given.items() for word in (option, *values))]
        for name, given in options.items()
    }


# ---- all of them


def measured(arguments: argparse.Namespace) -> Iterator[dict]:
    """Yield a row (`FIELDS`) per process."""
    base = {"cells": arguments.base_cells, "features": arguments.base_features, "seeds": 1}
    for turn in range(1, arguments.rounds + 1):
        for grows in ("cells", "features", "seeds"):
            for size in getattr(arguments, grows):
                for row in measured_at({**base, grows: size}, arguments.models, arguments.epochs):
                    yield {"grows": grows, "round": turn, **row}
        for tasks in arguments.tasks:
            _, printed = run("-c", f"import cost_growth; cost_growth.plan({tasks})")
            yield {"grows": "tasks", "round": turn, "step": "plan", "tasks": tasks, **json.loads(printed)}


def measured_at(sizes: dict[str, int], models: list[str], epochs: int) -> Iterator[dict]:
    """Yield a row per model and step at one combination of cells, features and seeds."""
    with tempfile.TemporaryDirectory() as name:
        made = f"import cost_growth; cost_growth.make_task({name!r}, {sizes['cells']}, {sizes['features']})"
        run("-c", made)
        for model in models:
            for step, command in steps(Path(name), model, sizes["seeds"], epochs).items():
                yield {"model": model, "step": step, **sizes, "epochs": epochs, **run(*command)[0]}


def measure(arguments: argparse.Namespace, path: Path) -> None:
    """Write the CSV; after each process, so that a run that is stopped leaves what it has."""
    rows = []
    for row in measured(arguments):
        rows.append(row)
        with replacing(path) as temporary, open(temporary, "w", newline="") as file:
            writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        what = f"{row[row['grows']]} {row['grows']}: {row.get('model', '')} {row['step']}"
        print(f"{what}: {row['wall_s']:.1f} s, {row['peak_memory_mib']:.0f} MiB", file=sys.stderr, flush=True)


# ---- what came out


def curves(rows: list[dict], grows: str, quantity: str) -> dict[str, dict[int, float]]:
    """Return {model: {size: value}} of what grows; the curve of tasks has no model and is called ``planning``.

    Of the steps of a model at one size, it is the sum of times or the largest memory; the median over rounds.
    """
    join = max if quantity == "peak_memory_mib" else sum
    of_round: dict[tuple[str, int, str], list[float]] = {}
    for row in rows:
        if row["grows"] == grows:
            key = (row["model"] or "planning", int(row[grows]), row["round"])
            of_round.setdefault(key, []).append(float(row[quantity]))
    rounds: dict[str, dict[int, list[float]]] = {}
    for (model, size, _), values in of_round.items():
        rounds.setdefault(model, {}).setdefault(size, []).append(join(values))
    return {name: {size: median(found[size]) for size in sorted(found)} for name, found in rounds.items()}


def growth(curve: dict[int, float]) -> str:
    """Return the exponent between the two largest sizes: 1 where twice the size costs twice as much."""
    if len(curve) < 2:
        return "-"
    (small, before), (large, after) = list(curve.items())[-2:]
    return f"{math.log(after / before) / math.log(large / small):.2f}"


def table(rows: list[dict]) -> list[str]:
    """Return the lines of a Markdown table: a row per curve, from the smallest to the largest size."""
    lines = [
        "| grows | from, to | model | wall s | exponent | peak memory, MiB | exponent |",
        "| --- | --- | --- | --: | --: | --: | --: |",
    ]
    for grows in SIZES:
        wall, memory = (curves(rows, grows, quantity) for quantity in ("wall_s", "peak_memory_mib"))
        for name, times in wall.items():
            sizes, held = list(times), memory[name]
            cells = [grows, f"{sizes[0]:,} to {sizes[-1]:,}", name if name == "planning" else f"`{name}`"]
            cells += [f"{times[sizes[0]]:.1f} to {times[sizes[-1]]:.1f}", growth(times)]
            cells += [f"{held[sizes[0]]:,.0f} to {held[sizes[-1]]:,.0f}", growth(held)]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def draw(rows: list[dict], path: Path) -> None:
    """Write the figure: a column for each size that grows, wall time above, peak memory below, all axes logarithmic."""
    from outofsample.figures import panels, style

    shown = [grows for grows in SIZES if any(row["grows"] == grows for row in rows)]
    page = style.page("How cost grows", note(rows), 3.8)
    axes = page.subplots(2, len(shown), sharex="col", squeeze=False)
    handles = {}
    for column, grows in enumerate(shown):
        for ax, quantity in zip(axes[:, column], ("wall_s", "peak_memory_mib"), strict=True):
            handles |= draw_curves(ax, curves(rows, grows, quantity))
            if column == 0:
                ax.set_ylabel(LABELS[quantity])
        axes[1, column].set_xlabel(LABELS[grows])
        if grows == "tasks":
            write_jobs(axes[0, column], rows)
    panels.legend(page, list(handles.values()))
    with replacing(path) as temporary:
        page.savefig(temporary, dpi=style.PNG_DPI)


def note(rows: list[dict]) -> str:
    """Return what stands below the title: what was measured, and at which sizes."""
    sentences = []
    if trainings := [row for row in rows if row["grows"] != "tasks"]:
        epochs = ", ".join(sorted({str(row["epochs"]) for row in trainings}))
        fixed = [
            f"{', '.join(values)} {name}"
            for name in ("cells", "features")
            if (values := sorted({f"{int(row[name]):,}" for row in trainings if row["grows"] != name}))
        ]
        sentences.append(
            f"Training (epochs: {epochs}), prediction and evaluation on synthetic data, a process of one thread each: "
            f"sum of their times, largest of their memories. Where it does not grow: {', '.join(fixed)}, 1 seed."
        )
    if any(row["grows"] == "tasks" for row in rows):
        sentences.append("Tasks: planning by Snakemake, with the number of jobs.")
    return " ".join([*sentences, "Grey: in proportion to the size."])


def draw_curves(ax: "Axes", of_model: dict[str, dict[int, float]]) -> dict[str, "Line2D"]:
    """Draw the curves of one panel, and what would be proportional to the size; return the entries of the legend."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    entries = {}
    for name, curve in of_model.items():
        colour, marker = LOOKS[name]
        entries[name], *_ = ax.plot(
            curve.keys(), curve.values(), color=colour, marker=marker, markersize=3.5, linewidth=1.0, label=name
        )
    top = max(of_model.values(), key=lambda curve: max(curve.values()))
    first, last = min(top), max(top)
    ax.set(xscale="log", yscale="log")
    low, high = ax.get_ylim()
    ax.plot([first, last], [top[last] * first / last, top[last]], color="#999999", linestyle=":", linewidth=1.0)
    # The measured decides what is seen.
    ax.set_ylim(low, high)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
        axis.set_minor_formatter(NullFormatter())
    if high / low < 20:
        # Less than two powers of ten: a single number would say little.
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    if last / first < 40:
        ax.set_xticks(list(top), labels=[f"{size:,}" for size in top])
    return entries


def write_jobs(ax: "Axes", rows: list[dict]) -> None:
    """Write the number of jobs beside each point of the planning time."""
    jobs = {int(row["tasks"]): int(row["jobs"]) for row in rows if row["grows"] == "tasks"}
    for tasks, seconds in curves(rows, "tasks", "wall_s")["planning"].items():
        ax.annotate(
            f"{jobs[tasks]:,} jobs", (tasks, seconds), (-4, 4), textcoords="offset points", ha="right", fontsize=6
        )
    # Room for the first of them.
    ax.set_xlim(left=ax.get_xlim()[0] / 8)
    ax.set_xticks([power for power in (1, 10, 100, 1000) if power <= max(jobs)])


def main() -> None:
    """Run the command line."""
    arguments = parse_arguments()
    path = arguments.output / "cost_growth.csv"
    if not arguments.draw_only:
        measure(arguments, path)
    if not path.is_file():
        raise UserError(f"{path} does not exist; measure first, without --draw-only.")
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    draw(rows, arguments.output / "cost_growth.png")
    print("\n".join(table(rows)))


if __name__ == "__main__":
    run_script(main)
