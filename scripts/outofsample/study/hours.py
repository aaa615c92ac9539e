"""Hours of training and of everything else that each table of a study takes, from the benchmark files of a run.

Also where the run is not complete: one seed of each model tells what the others will take. A benchmark file holds the
time of the attempt that succeeded, so what earlier attempts took is not in it.
"""

import csv
from dataclasses import dataclass, field
from pathlib import Path

from outofsample.errors import UserError
from outofsample.study.plan import Plan

#: Folders of benchmark files whose files or subfolders are named by task.
PER_TASK = ("split_task", "transform_query", "correct_batches", "evaluate_task")


@dataclass
class Cost:
    """What some jobs take: seconds, the largest memory in MB, and how many of the planned trainings were measured."""

    training: float = 0.0
    other: float = 0.0
    memory: float = 0.0
    measured: int = 0
    planned: int = 0
    unknown: set[str] = field(default_factory=set)


def read_benchmark(path: Path) -> tuple[float, float]:
    """Return seconds and the largest memory in MB (0 where the job was too short to see it) of a benchmark file."""
    with open(path) as file:
        row = next(csv.DictReader(file, delimiter="\t"))
    return float(row["s"]), float(row["max_rss"]) if row["max_rss"] not in ("-", "NA") else 0.0


def trained_models(plan: Plan, task: str) -> dict[str, int]:
    """Return the models that are trained for a task, with how many seeds; none for methods that its data rule out."""
    runs = set(plan.runs(task))
    return {
        model: sum(map(len, plan.seed_batches(task, model).values()))
        for model, methods in plan.by_model.items()
        if plan.trains(model) and runs.intersection(methods)
    }


def seconds_per_seed(plan: Plan, folder: Path) -> dict[tuple[str, str], tuple[float, float, int]]:
    """Return {(task, model): (seconds per seed, memory in MB, seeds measured)} of all trainings of a run."""
    # The label of many seeds names the first and the last one alone.
    sizes = {
        (task, model, label): len(seeds)
        for task in plan.tasks
        for model in trained_models(plan, task)
        for label, seeds in plan.seed_batches(task, model).items()
    }
    found: dict[tuple[str, str], list[tuple[float, float, int]]] = {}
    for path in sorted((folder / "train_model").glob("*/*.tsv")):
        model, _, seeds = path.stem.rpartition("_")
        size = sizes.get((path.parent.name, model, seeds), len(seeds.split("-")))
        found.setdefault((path.parent.name, model), []).append((*read_benchmark(path), size))
    return {
        key: (
            sum(row[0] for row in rows) / sum(row[2] for row in rows),
            max(row[1] for row in rows),
            sum(row[2] for row in rows),
        )
        for key, rows in found.items()
    }


def cost_of_task(plan: Plan, task: str, folder: Path, trainings: dict) -> Cost:
    """Return what one task takes; models that were measured in other tasks alone count with the mean of those."""
    cost = Cost()
    for model, seeds in trained_models(plan, task).items():
        cost.planned += seeds
        elsewhere = [value for (_, name), value in trainings.items() if name == model]
        if (task, model) in trainings:
            seconds, memory, measured = trainings[task, model]
            cost.measured += min(measured, seeds)
        elif elsewhere:
            seconds, memory = sum(value[0] for value in elsewhere) / len(elsewhere), 0.0
        else:
            cost.unknown.add(model)
            continue
        cost.training += seconds * seeds
        cost.memory = max(cost.memory, memory)
    files = [folder / "preprocess_dataset" / f"{plan.study.tasks[task].dataset}.tsv"]
    for rule in PER_TASK:
        files += [folder / rule / f"{task}.tsv", *(folder / rule / task).glob("*.tsv")]
    for seconds, memory in map(read_benchmark, filter(Path.exists, files)):
        cost.other += seconds
        cost.memory = max(cost.memory, memory)
    return cost


def table_of_hours(plan: Plan) -> list[str]:
    """Return the hours of each table of a study that has run, wholly or in part, as lines of Markdown.

    Raises
    ------
    UserError
        If nothing has run.
    """
    study, folder = plan.study, Path(plan.paths.benchmarks)
    if not folder.is_dir():
        raise UserError(f"{folder} is missing; run at least one seed of the study first.")
    trainings = seconds_per_seed(plan, folder)
    costs = {task: cost_of_task(plan, task, folder, trainings) for task in plan.tasks}
    kind = "GPU hours" if plan.gpus else "CPU hours"
    lines = [
        f"| table | trainings measured / planned | training, {kind} | other, CPU hours | largest job, GB | unknown |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    named = {name: study.tables[name].tasks for name in study.selected("tables")}
    for name, tasks in {**named, "all tasks": list(costs)}.items():
        parts = [costs[task] for task in tasks]
        unknown = sorted(set().union(*(part.unknown for part in parts)))
        lines.append(
            f"| {name} | {sum(part.measured for part in parts)} / {sum(part.planned for part in parts)} "
            f"| {sum(part.training for part in parts) / 3600:.2f} | {sum(part.other for part in parts) / 3600:.2f} "
            f"| {max((part.memory for part in parts), default=0) / 1000:.1f} | {', '.join(unknown)} |"
        )
    return lines
