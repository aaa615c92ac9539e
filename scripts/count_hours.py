"""Hours of training and of everything else that each table of a study takes, from the benchmark files of a run.

Also where the run is not complete: one seed of each model tells what the others will take. From the root:

    python scripts/count_hours.py --study studies/open_data.yaml

Hours of training are GPU hours where the study has `device: cuda`. A benchmark file holds the time of the attempt
that succeeded, so what earlier attempts took is not in it.
"""

import argparse
import csv
from dataclasses import dataclass, field
from pathlib import Path

from outofsample import registry
from outofsample.errors import UserError, run_script
from outofsample.methods.families.base import why_not
from outofsample.study.config import Study
from outofsample.study.load import read_study

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


def kinds_of_data(study: Study, task: str) -> frozenset[str]:
    """Return what kinds of data a task has, as the Snakefile finds them."""
    name = study.tasks[task].dataset
    uses, settings = study.datasets[name].uses or name, study.datasets[name].settings
    complete = registry.find("datasets", uses).complete(settings, Path(study.data_dir))
    return registry.create("datasets", uses, complete).kinds


def trained_models(study: Study, task: str) -> dict[str, list[int]]:
    """Return the models that are trained for a task, with their seeds; none for methods that its data rule out."""
    found, kinds = {}, kinds_of_data(study, task)
    for method in study.task_methods(task):
        if why_not(study.method_class(method), kinds) is not None:
            continue
        model = study.method_spec(method)["model"]
        uses = study.models[model].uses or model if model in study.models else model
        if model and registry.find("models", uses).trains:
            found[model] = study.task_seeds(task) if registry.find("models", uses).stochastic else [0]
    return found


def seconds_per_seed(folder: Path) -> dict[tuple[str, str], tuple[float, float, int]]:
    """Return {(task, model): (seconds per seed, memory in MB, seeds measured)} of all trainings of a run."""
    found: dict[tuple[str, str], list[tuple[float, float, int]]] = {}
    for path in sorted((folder / "train_model").glob("*/*.tsv")):
        model, _, seeds = path.stem.rpartition("_")
        found.setdefault((path.parent.name, model), []).append((*read_benchmark(path), len(seeds.split("-"))))
    return {
        key: (
            sum(row[0] for row in rows) / sum(row[2] for row in rows),
            max(row[1] for row in rows),
            sum(row[2] for row in rows),
        )
        for key, rows in found.items()
    }


def cost_of_task(study: Study, task: str, folder: Path, trainings: dict) -> Cost:
    """Return what one task takes; models that were measured in other tasks alone count with the mean of those."""
    cost = Cost()
    for model, seeds in trained_models(study, task).items():
        cost.planned += len(seeds)
        elsewhere = [value for (_, name), value in trainings.items() if name == model]
        if (task, model) in trainings:
            seconds, memory, measured = trainings[task, model]
            cost.measured += min(measured, len(seeds))
        elif elsewhere:
            seconds, memory = sum(value[0] for value in elsewhere) / len(elsewhere), 0.0
        else:
            cost.unknown.add(model)
            continue
        cost.training += seconds * len(seeds)
        cost.memory = max(cost.memory, memory)
    files = [folder / "preprocess_dataset" / f"{study.tasks[task].dataset}.tsv"]
    for rule in PER_TASK:
        files += [folder / rule / f"{task}.tsv", *(folder / rule / task).glob("*.tsv")]
    for seconds, memory in map(read_benchmark, filter(Path.exists, files)):
        cost.other += seconds
        cost.memory = max(cost.memory, memory)
    return cost


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, default=Path("config.yaml"))
    arguments = parser.parse_args()
    study = read_study(arguments.study)
    folder = Path("results") / study.study / "benchmarks"
    if not folder.is_dir():
        raise UserError(f"{folder} is missing; run at least one seed of the study first.")
    trainings = seconds_per_seed(folder)
    costs = {task: cost_of_task(study, task, folder, trainings) for task in study.selected("tasks")}
    kind = "GPU hours" if study.device == "cuda" else "CPU hours"
    print(f"| table | trainings measured / planned | training, {kind} | other, CPU hours | largest job, GB | unknown |")
    print("| --- | ---: | ---: | ---: | ---: | --- |")
    named = {name: study.tables[name].tasks for name in study.selected("tables")}
    for name, tasks in {**named, "all tasks": list(costs)}.items():
        parts = [costs[task] for task in tasks]
        unknown = sorted(set().union(*(part.unknown for part in parts)))
        print(
            f"| {name} | {sum(part.measured for part in parts)} / {sum(part.planned for part in parts)} "
            f"| {sum(part.training for part in parts) / 3600:.2f} | {sum(part.other for part in parts) / 3600:.2f} "
            f"| {max((part.memory for part in parts), default=0) / 1000:.1f} | {', '.join(unknown)} |"
        )


if __name__ == "__main__":
    run_script(main)
