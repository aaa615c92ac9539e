"""How long `snakemake --dry-run --quiet` plans, against the number of jobs: the demo's methods on more and more tasks.

Every task is a copy of the demo's, every seed is a job of its own, so the plan has the shape of a large study's.
Prints a table for a Markdown page. From the root of the repository:

    python benchmarks/planning_time.py
    python benchmarks/planning_time.py --study studies/open_data.yaml     that study alone, with its jobs per rule
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def many_tasks(tasks: int, seeds: int) -> dict:
    """Return a study that runs every method of the demo on so many copies of its task."""
    task = {
        "dataset": "dengue",
        "source_domains": ["control"],
        "queries": [{"name": "sample1", "domain": "sample1", "source": "batch1", "target": "batch2"}],
    }
    names = [f"task{number}" for number in range(tasks)]
    column = {"score": "energy_distance", "label": "energy distance", "better": "low"}
    return {
        "study": "planning",
        "extends": "config.yaml",
        "seeds": seeds,
        "seeds_per_job": 1,
        "tasks": dict.fromkeys(names, task),
        "tables": {"all_tasks": {"title": "All tasks", "tasks": names, "columns": [column]}},
        "run": {"tasks": names, "tables": ["all_tasks"], "figures": []},
    }


def dry_run(study: Path, *quiet: str) -> tuple[float, float, str]:
    """Dry-run a study; return wall seconds, CPU seconds and what Snakemake says.

    Raises
    ------
    RuntimeError
        If Snakemake finds something wrong with the study.
    """
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--dry-run",
        "--nolock",
        "--configfile",
        str(study),
        "--quiet",
        *quiet,
    ]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    output = done.stdout + done.stderr
    if done.returncode:
        raise RuntimeError(output[-2000:])
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, output


def jobs_per_rule(study: Path) -> dict[str, int]:
    """Return the number of jobs per rule, and their ``total``."""
    _, _, output = dry_run(study, "rules")
    return {name: int(count) for name, count in re.findall(r"^(\w\S*) +(\d+)$", output, re.MULTILINE)}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, nargs="+", default=[1, 10, 40, 80, 160])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--study", type=Path, help="plan this study instead, and show its jobs per rule")
    arguments = parser.parse_args()
    if arguments.study is not None:
        print("| rule | jobs |\n| --- | ---: |")
        print("\n".join(f"| {name} | {count} |" for name, count in jobs_per_rule(arguments.study.resolve()).items()))
        wall, cpu, _ = dry_run(arguments.study.resolve())
        print(f"\nPlanned in {wall:.1f} s ({cpu:.1f} s of CPU).")
        return
    print("| tasks | jobs | seconds | CPU seconds |\n| ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for tasks in arguments.tasks:
            study = Path(folder) / "planning.yaml"
            study.write_text(json.dumps(many_tasks(tasks, arguments.seeds)))
            wall, cpu, _ = dry_run(study)
            print(f"| {tasks} | {jobs_per_rule(study)['total']} | {wall:.1f} | {cpu:.1f} |", flush=True)


if __name__ == "__main__":
    main()
