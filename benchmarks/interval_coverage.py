"""How often the truth lies in the intervals that a prediction comes with, over the queries of the leave-one-out study.

    snakemake --cores all --configfile studies/leave_one_out.yaml --config data_dir=data --until split_task
    python benchmarks/interval_coverage.py

reads the parts of the tasks in ``results/leave_one_out`` and writes ``interval_coverage.csv`` (nominal and measured)
and ``interval_coverage_queries.csv`` (a row per query, method and kind of folds) to ``results/benchmarks``. Folds are
the domains that S and T share; three of these alone; and, where a single population is shared, random parts of it, for
which the reports give no number: the table says what they would have said. Queries are *alike* that are no farther
from S, before the change, than each fold is from the others (`HeldOut.is_beyond` is False). Forms of the intervals
were chosen on the first half of the queries (as in ``leave_one_out.py``); the other half took no part. What was
measured is kept task by task in ``results/benchmarks/interval_coverage``, so that a run that was interrupted goes on.
"""

import argparse
import contextlib
import csv
import io
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import mean, median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import numpy as np  # noqa: E402
from leave_one_out import HALVES, is_chosen_on, write_rows  # noqa: E402

from outofsample import registry  # noqa: E402
from outofsample.arrays import HeldOut, Query, TrainingData, as_float  # noqa: E402
from outofsample.errors import UserError, run_script  # noqa: E402
from outofsample.files.task import Truth, read_training, read_truth  # noqa: E402
from outofsample.methods.families import held_out, out_of_fold  # noqa: E402
from outofsample.metrics.distances import draw_cells, energy_distance  # noqa: E402
from outofsample.metrics.expected import LEVEL, change_intervals, error_interval  # noqa: E402
from outofsample.study.load import read_study  # noqa: E402

STUDY = "leave_one_out"
METHODS = ("stacked_map", "mean_shift", "no_change")
#: Cells of prediction and truth whose distance is the error, as in the evaluation.
SCORED = 2000
#: What is held out.
DOMAINS, THREE, PARTS = "domains", "three domains", "random parts"
COLUMNS = (
    "half",
    "interval",
    "folds",
    "method",
    "queries",
    "nominal",
    "measured",
    "below",
    "above",
    "alike",
    "measured_alike",
    "width",
    "marked",
    "marked_wrong_sign",
)


def populations(data: TrainingData, query: Query) -> Iterator[tuple[str, TrainingData]]:
    """Yield what is held out, and the training cells: all, and with three of the shared domains alone."""
    shared = out_of_fold.shared_domains(data, query)
    if len(shared) < held_out.LEAST_DOMAINS:
        yield PARTS, data
        return
    yield DOMAINS, data
    if len(shared) > held_out.LEAST_DOMAINS:
        kept = np.random.default_rng(0).choice(shared, held_out.LEAST_DOMAINS, replace=False)
        yield THREE, data.take(np.isin(data.domain, kept) | data.is_query(query))


def what_is_held_out(method, data: TrainingData, query: Query, folds: str) -> HeldOut:
    """Return what a fitted method predicts for domains, or for random parts where there are too few domains."""
    if folds != PARTS:
        return held_out.hold_out_domains(method, data)[query.name]
    rng = np.random.default_rng(0)
    masks = out_of_fold.folds(data, query, 4, rng)
    parts = list(out_of_fold.scored_folds(data, query, masks, rng))
    return held_out.with_query(method, data, query, held_out.predict_folds(method, data, query, parts))


def query_rows(task: str, data: TrainingData, query: Query, truth: Truth, study) -> Iterator[dict]:
    """Yield a row per method and kind of folds."""
    for folds, cells in populations(replace(data, queries=(query,)), query):
        for name in METHODS:
            spec = study.method_spec(name)
            method = registry.create("methods", spec["uses"], spec["settings"])
            with contextlib.redirect_stdout(io.StringIO()):
                method.fit(cells)
                found = what_is_held_out(method, cells, query, folds)
            if found.why_not:
                raise UserError(f"{task}, {query.name}, {name}: nothing is held out, since {found.why_not}.")
            X, Y = as_float(cells.X[cells.is_query(query)]), as_float(truth.X)
            predicted = method.transform(X, query).X
            said = {"task": task, "query": query.name, "folds": folds, "method": name, "held_out": len(found.domains)}
            said |= {"query_distance": found.query_distance, "largest_distance": float(found.distances.max())}
            yield said | _measured(X, predicted, Y, as_float(cells.X[cells.is_source(query)]), found)


def _measured(X: np.ndarray, predicted: np.ndarray, Y: np.ndarray, S: np.ndarray, found: HeldOut) -> dict:
    """Return the intervals and what they are meant to hold; S, X and Y are (cells, features), as is the prediction."""
    drawn = draw_cells(len(X), SCORED, 0)
    Y_drawn = Y[draw_cells(len(Y), SCORED, 0)]
    scale = np.concatenate([S, X]).std(axis=0, dtype=np.float64)
    means = X.mean(axis=0, dtype=np.float64), predicted.mean(axis=0, dtype=np.float64), Y.mean(axis=0, dtype=np.float64)
    change, true = means[1] - means[0], means[2] - means[0]
    low, high = change_intervals(change, found, np.where(scale > 0, scale, 1))
    marked = (low > 0) | (high < 0)
    error, nothing = error_interval(found.errors, found), error_interval(found.unchanged, found)
    return {
        "error": energy_distance(predicted[drawn], Y_drawn),
        "error_low": error.low,
        "error_high": error.high,
        "no_change": energy_distance(X[drawn], Y_drawn),
        "no_change_low": nothing.low,
        "no_change_high": nothing.high,
        "features": len(true),
        "features_inside": float(((low <= true) & (true <= high)).mean()),
        "features_below": float((true < low).mean()),
        "features_above": float((true > high).mean()),
        "features_width": float(np.median((high - low) / np.where(scale > 0, scale, 1))),
        "marked": int(marked.sum()),
        "marked_wrong_sign": int((marked & (np.sign(true) != np.sign(change))).sum()),
    }


def task_rows(task: str, folder: Path, measured: Path, study) -> list[dict]:
    """Return the rows of all queries of a task; those that an earlier run has measured are read."""
    if measured.exists():
        with open(measured, newline="") as file:
            return [{key: _as_number(text) for key, text in row.items()} for row in csv.DictReader(file)]
    if not (folder / "truth.h5ad").exists():
        raise UserError(f"{folder}: the task is not there; the head of this script says how it is made.")
    data = read_training(folder / "train.h5ad")
    truths = read_truth(folder / "truth.h5ad", data)
    rows = [row for query in data.queries for row in query_rows(task, data, query, truths[query.name], study)]
    rounded = [{key: round(v, 5) if isinstance(v, float) else v for key, v in row.items()} for row in rows]
    write_rows(measured, rounded[0], rounded)
    return rounded


def _as_number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def summary(rows: list[dict]) -> list[dict]:
    """Return the table: the share of queries, or of features of a query on average, whose truth lies inside."""
    table = []
    for half, chosen in HALVES.items():
        for kind in ("error", "no_change", "features"):
            for folds in (DOMAINS, THREE, PARTS):
                for name in METHODS:
                    of = [row for row in rows if (row["folds"], row["method"]) == (folds, name)]
                    of = [row for row in of if is_chosen_on(row["task"]) == chosen]
                    # What is expected of doing nothing beside itself is its own error.
                    if of and not (kind == "no_change" and name == "no_change"):
                        said = {"half": half, "interval": kind, "folds": folds, "method": name}
                        table.append(said | _share(of, kind))
    return table


def _share(rows: list[dict], kind: str) -> dict:
    """Return what came out over all queries, and over those that are alike."""
    alike = [row for row in rows if row["query_distance"] <= row["largest_distance"]]
    inside, below, above = (mean(found) for found in zip(*(_inside(row, kind) for row in rows), strict=True))
    found = {"queries": len(rows), "nominal": LEVEL, "measured": inside, "below": below, "above": above}
    found |= {"alike": len(alike), "measured_alike": mean(_inside(row, kind)[0] for row in alike) if alike else ""}
    if kind == "features":
        marked, wrong = (sum(row[part] for row in rows) for part in ("marked", "marked_wrong_sign"))
        found |= {"width": median(row["features_width"] for row in rows), "marked": marked / len(rows)}
        found |= {"marked_wrong_sign": wrong / marked if marked else ""}
    else:
        found |= {"width": median(row[f"{kind}_high"] - row[f"{kind}_low"] for row in rows)}
        found |= {"marked": "", "marked_wrong_sign": ""}
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in found.items()}


def _inside(row: dict, kind: str) -> tuple[float, float, float]:
    """Return the shares inside, below and above of a query's truths; distances below zero, which are noise, are 0."""
    if kind == "features":
        return tuple(row[f"features_{part}"] for part in ("inside", "below", "above"))
    below, above = max(row[kind], 0) < row[f"{kind}_low"], row[kind] > row[f"{kind}_high"]
    return float(not (below or above)), float(below), float(above)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=Path, default=ROOT / f"results/{STUDY}/tasks", help="folder of tasks")
    parser.add_argument("--output", type=Path, default=ROOT / "results/benchmarks", help="folder to write to")
    parser.add_argument("--only", nargs="*", help="measure these tasks, and make no table")
    args = parser.parse_args()
    study, rows = read_study(ROOT / "studies" / f"{STUDY}.yaml"), []
    asked = args.only or study.selected("tasks")
    for task in asked:
        rows += task_rows(task, args.tasks / task, args.output / "interval_coverage" / f"{task}.csv", study)
        print(task, flush=True)
    if args.only:
        return
    table = summary(rows)
    write_rows(args.output / "interval_coverage.csv", COLUMNS, table)
    write_rows(args.output / "interval_coverage_queries.csv", rows[0], rows)
    for row in table:
        print(*(row[column] for column in COLUMNS), sep="\t")


if __name__ == "__main__":
    run_script(main)
