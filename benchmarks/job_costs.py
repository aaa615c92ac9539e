"""What the jobs of a finished study cost, rule by rule, and how much of it is the start of Python with its imports.

Times and memory come from the study's benchmark files. Those do not tell imports apart, so one job of each kind (a
model's training, a figure ...), the shortest, runs once more in a copy of the study made of links, and its processes
clock their own imports. Run it on the machine that ran the study, with nothing else on it. Prints Markdown. From the
root of the repository:

    python benchmarks/job_costs.py
    python benchmarks/job_costs.py --study studies/open_data.yaml --every-job     with a row for each single job
    python benchmarks/job_costs.py --recorded-only                                the files alone, no job runs
"""

import argparse
import csv
import inspect
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from outofsample.errors import UserError, run_script  # noqa: E402
from outofsample.study.load import read_study  # noqa: E402

#: The share of all core-seconds that the start of jobs may take.
ALLOWED = 0.3
#: Snakemake samples a job each half second, and each 30 seconds once it has run for 15.
SAMPLED_OFTEN, OFTEN, SELDOM = 15.0, 0.5, 30.0
#: Rules that do not run again: they may reach for the internet.
NOT_AGAIN = {"fetch_file"}


@dataclass(frozen=True)
class Job:
    """A job of the study as Snakemake recorded it.

    Attributes
    ----------
    name
        Path of its benchmark file without the suffix, such as ``train_model/dengue/trvae_0-1-2``.
    wall, cpu
        Seconds. CPU seconds are sampled, so those since the last sample are missing.
    memory
        Largest sampled resident set size of all its processes, in MiB.
    """

    name: str
    wall: float
    cpu: float
    memory: float

    @property
    def rule(self) -> str:
        """The folder of its benchmark file: all simulations, all transformations are one."""
        return self.name.split("/")[0]

    @property
    def most_cpu(self) -> float:
        """CPU seconds that it took at most: since the last sample it may have computed, on one core."""
        return max(self.cpu, min(self.wall, self.cpu + (OFTEN if self.wall < SAMPLED_OFTEN else SELDOM)))

    @property
    def kind(self) -> str:
        """What imports alike: one model's or method's jobs of all tasks; any other job is a kind of its own."""
        *_, last = self.name.split("/")
        if self.name.count("/") < 2:
            return self.name
        return f"{self.rule} {re.sub('_[0-9-]+$', '', last) if self.rule == 'train_model' else last}"


def read_jobs(folder: Path) -> list[Job]:
    """Return the jobs that left a benchmark file in ``folder``.

    Raises
    ------
    UserError
        If there is none.
    """
    jobs = []
    for path in sorted(folder.rglob("*.tsv")):
        with open(path) as file:
            row = next(csv.DictReader(file, delimiter="\t"))
        # Snakemake writes words where a job was too short to be sampled.
        numbers = (0.0 if row[name] in ("-", "NA") else float(row[name]) for name in ("s", "cpu_time", "max_rss"))
        jobs.append(Job(str(path.relative_to(folder).with_suffix("")), *numbers))
    if not jobs:
        raise UserError(f"{folder} has no benchmark files; run the study first.")
    return jobs


@dataclass(frozen=True)
class Command:
    """What Snakemake would run for a job: the shell command and the files that it writes."""

    shell: str
    outputs: tuple[str, ...]


def planned_commands(study_file: Path, study: str) -> dict[str, Command]:
    """Return the commands of all jobs of a study, by `Job.name`, as a dry run prints them.

    Raises
    ------
    UserError
        If Snakemake finds something wrong with the study.
    """
    options = ("--dry-run", "--printshellcmds", "--forceall", "--nolock", "--configfile", str(study_file))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-m", "snakemake", *options]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"Snakemake cannot plan {study_file}: {(done.stdout + done.stderr)[-1000:]}")
    found = {}
    for block in done.stdout.split("\n\n"):
        lines = dict(re.findall(r"^ *(output|benchmark|Shell command): (.+)$", block, re.MULTILINE))
        if "benchmark" in lines and "Shell command" in lines:
            name = Path(lines["benchmark"]).relative_to(f"results/{study}/benchmarks").with_suffix("")
            found[str(name)] = Command(lines["Shell command"], tuple(lines["output"].split(", ")))
    return found


def clock_imports(folder: str) -> None:
    """Note in ``folder``, when this process ends, its CPU seconds before its first line and in import statements.

    Its source becomes the ``sitecustomize`` of the jobs' processes: it must import only what Python has loaded then.
    """
    import _frozen_importlib
    import atexit
    import os
    import time

    plain, clock = _frozen_importlib._find_and_load, time.process_time
    spent, inside = clock(), False

    def timed(name, import_):
        # What a module imports in turn is part of its own time.
        nonlocal spent, inside
        if inside:
            return plain(name, import_)
        inside, start = True, clock()
        try:
            return plain(name, import_)
        finally:
            inside = False
            spent += clock() - start

    def note():
        with open(os.path.join(folder, str(os.getpid())), "w") as file:
            file.write(str(spent))

    # Only modules that are not loaded yet come by here, so the clock costs the job nothing.
    _frozen_importlib._find_and_load = timed
    atexit.register(note)


def link_study(study: str, copy: Path) -> None:
    """Make ``copy`` a copy of the repository and the study's results out of links; logs are left out."""
    for entry in ROOT.iterdir():
        if entry.name not in ("results", ".snakemake"):
            (copy / entry.name).symlink_to(entry)
    results = ROOT / "results" / study
    for path in results.rglob("*"):
        if path.is_file() and path.relative_to(results).parts[0] != "logs":
            link = copy / path.relative_to(ROOT)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)


def run_again(name: str, command: Command, study: str, copy: Path) -> tuple[float, float]:
    """Run a job in ``copy``; return the CPU seconds of its start and of all of it.

    Raises
    ------
    UserError
        If it fails, or its processes were not clocked.
    """
    for output in command.outputs:
        # It is a link to the study's own file.
        (copy / output).unlink(missing_ok=True)
    log = copy / "results" / study / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        source = f"{inspect.getsource(clock_imports)}\n\nclock_imports({folder!r})\n"
        hook, notes = Path(folder) / "sitecustomize.py", Path(folder)
        hook.write_text(source)
        one = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")}
        path = os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()])
        environment = {**os.environ, **one, "PATH": path, "PYTHONPATH": folder}
        process = subprocess.Popen(["bash", "-c", command.shell], cwd=copy, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            last = (log.read_text().strip().splitlines() or ["no message"])[-1] if log.is_file() else "no log"
            raise UserError(f"{name}: the job failed when it ran again: {last}")
        starts = [float(note.read_text()) for note in notes.iterdir() if note.name.isdecimal()]
    if not starts:
        raise UserError(f"{name}: no process of the job told its start; was another Python than {sys.executable} used?")
    return sum(starts), usage.ru_utime + usage.ru_stime


@dataclass
class Starts:
    """What was measured of the start of jobs.

    Attributes
    ----------
    seconds
        CPU seconds of the start of a job, by kind.
    again, then
        CPU seconds of the jobs that ran again, in all: now, and as the benchmark files have it.
    missing
        Kinds that were not measured.
    """

    seconds: dict[str, float]
    again: float = 0.0
    then: float = 0.0
    missing: tuple[str, ...] = ()


def measure_starts(jobs: list[Job], commands: dict[str, Command], study: str) -> Starts:
    """Run the shortest job of each kind once more."""
    kinds = defaultdict(list)
    for job in jobs:
        kinds[job.kind].append(job)
    starts, missing = Starts({}), []
    with tempfile.TemporaryDirectory() as folder:
        link_study(study, Path(folder))
        for kind, same in kinds.items():
            there = [job for job in same if job.name in commands and job.rule not in NOT_AGAIN]
            if not there:
                missing.append(kind)
                continue
            job = min(there, key=lambda job: job.wall)
            starts.seconds[kind], again = run_again(job.name, commands[job.name], study, Path(folder))
            starts.again += again
            starts.then += job.cpu
            print(f"{job.name}: start {starts.seconds[kind]:.2f} of {again:.2f} CPU s", file=sys.stderr, flush=True)
    starts.missing = tuple(missing)
    return starts


def rule_table(jobs: list[Job], starts: Starts | None) -> list[str]:
    """Return the lines of a Markdown table with a row per rule and one for all."""
    head = ["rule", "jobs", "wall s", "CPU s", "peak memory, MiB", "in the job"]
    head += ["start-up, CPU s", "share at least", "at most"] if starts else []
    lines = [f"| {' | '.join(head)} |", f"| --- | {'--: | ' * 4}--- |{' --: |' * (len(head) - 6)}"]
    rules = {job.rule: [other for other in jobs if other.rule == job.rule] for job in jobs}
    for rule, same in [*rules.items(), ("all", jobs)]:
        wall, cpu = sum(job.wall for job in same), sum(job.cpu for job in same)
        largest = max(same, key=lambda job: job.memory)
        cells = [rule if rule == "all" else f"`{rule}`", f"{len(same):,}", f"{wall:,.0f}", f"{cpu:,.0f}"]
        cells += [f"{largest.memory:,.0f}", f"`{largest.name.partition('/')[2] or largest.name}`"]
        if starts:
            start, (low, high) = start_seconds(same, starts), shares(same, starts)
            cells += [f"{start:,.0f}", f"{low:.0%}", f"{high:.0%}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def start_seconds(jobs: list[Job], starts: Starts) -> float:
    """Return the CPU seconds of the start of these jobs."""
    return sum(starts.seconds.get(job.kind, 0.0) for job in jobs)


def shares(jobs: list[Job], starts: Starts) -> tuple[float, float]:
    """Return the share of their start in the CPU seconds of these jobs, at least and at most (1 for all of it)."""
    start, least = start_seconds(jobs, starts), sum(job.cpu for job in jobs)
    # The start is measured, the seconds are sampled: of very short jobs less is recorded than their start takes.
    high = min(1.0, start / least) if least else 1.0
    return min(high, start / sum(job.most_cpu for job in jobs)), high


def verdict(jobs: list[Job], starts: Starts) -> list[str]:
    """Return sentences on the share of start-up: between what bounds it lies, and what was counted."""
    start, wall, (low, high) = start_seconds(jobs, starts), sum(job.wall for job in jobs), shares(jobs, starts)
    kept = "is kept" if high < ALLOWED else "is not kept" if low >= ALLOWED else "may be kept or not"
    sentences = [
        f"- Start-up takes {start:,.0f} CPU seconds: {low:.0%} to {high:.0%} of the CPU seconds of the jobs, "
        f"{start / wall:.0%} of the wall seconds that they held a core. The requirement, below {ALLOWED:.0%} of the "
        f"CPU seconds, {kept}.",
        f"- Snakemake samples CPU time and memory each {OFTEN:g} s, once a job has run for {SAMPLED_OFTEN:g} s each "
        f"{SELDOM:g} s. 'At most' is of the CPU seconds recorded; 'at least' adds those that a job may have computed "
        "on its one core since the last sample. A peak of memory between two samples is not seen either.",
        "- Start-up is CPU time before the first line of a script (and of a notebook's kernel) and in import "
        "statements, wherever they stand. Not in it: R and its packages, what packages do at their first call, "
        "reading data, the shell, and Snakemake itself.",
        f"- Measured in {len(starts.seconds)} jobs that ran again, the shortest of each kind, and multiplied. These "
        f"took {starts.again:,.0f} CPU seconds now; their benchmark files say {starts.then:,.0f}.",
    ]
    if starts.missing:
        sentences.append(f"- Not measured, and counted as if they started at once: {', '.join(starts.missing)}.")
    return sentences


def job_table(jobs: list[Job]) -> list[str]:
    """Return the lines of a Markdown table with a row per job, the largest memory first."""
    lines = ["| job | wall s | CPU s | peak memory, MiB |", "| --- | --: | --: | --: |"]
    for job in sorted(jobs, key=lambda job: -job.memory):
        lines.append(f"| `{job.name}` | {job.wall:,.1f} | {job.cpu:,.1f} | {job.memory:,.0f} |")
    return lines


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, default=ROOT / "config.yaml")
    parser.add_argument("--rules", nargs="+", help="these alone, by the folders of the benchmark files")
    parser.add_argument("--every-job", action="store_true", help="print a row for each job too")
    parser.add_argument("--recorded-only", action="store_true", help="do not measure the start of jobs")
    arguments = parser.parse_args()
    study = read_study(arguments.study).study
    recorded = read_jobs(ROOT / "results" / study / "benchmarks")
    jobs = [job for job in recorded if arguments.rules is None or job.rule in arguments.rules]
    if not jobs:
        known = ", ".join(sorted({job.rule for job in recorded}))
        raise UserError(f"--rules: no job of these was recorded; recorded: {known}.")
    starts = None
    if not arguments.recorded_only:
        starts = measure_starts(jobs, planned_commands(arguments.study.resolve(), study), study)
    print("\n".join([*rule_table(jobs, starts), "", *(verdict(jobs, starts) if starts else ())]))
    if arguments.every_job:
        print("\n".join(["", *job_table(jobs)]))


if __name__ == "__main__":
    run_script(main)
