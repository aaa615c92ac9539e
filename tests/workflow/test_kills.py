"""Jobs and Snakemake are killed at ten moments of a cohort's study: it ends in the same bits as if nothing had been."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import yaml

from outofsample.files import fcs
from tests.unit.own.small_study import CHANNELS, LABELS

#: In each round a job is killed, and then Snakemake with all its jobs; the seed of the moments.
ROUNDS, SEED = 5, 0
#: A job is killed when it has used so many seconds of a processor, at most: all but copying take longer. Other jobs are
#: let pass before, at most so many. On a busy machine all takes longer, and these are the same.
SECONDS, PASSED = 1.5, 1
#: The query is in so many files. Each file has so many cells, and so many of a population are fitted.
PATIENTS, CELLS, FIT_CELLS = 5, 40_000, 200
TABLE = "results/kills/own/task/neuron_editing_files.csv"
PREDICTING = "scripts/predict_files.py"


class Study:
    """A study of a cohort in a copy of the working tree."""

    def __init__(self, folder: Path):
        self.folder, self.results, self.log = folder, folder / "results" / "kills", folder / "kills.log"
        #: The notes of the job that predicts file by file, on each file that is done, until all are.
        self.notes = self.results / "cohort" / "task" / "autoencoder" / f".1-{PATIENTS}"
        files = [{"path": f"control_{name}.fcs", "condition": name, "domain": "control"} for name in "ab"]
        files += [{"path": f"patient {n}.fcs", "condition": "a", "domain": "patients"} for n in range(PATIENTS)]
        study = {
            "study": "kills",
            "data_dir": "kills",
            "seeds": 2,
            "datasets": {"cells": {"uses": "own", "folder": "cells", "files": files, "fit_cells": FIT_CELLS}},
            "tasks": {"task": {"dataset": "cells", "queries": [{"domain": "patients", "source": "a", "target": "b"}]}},
            "models": {"autoencoder": {"hidden": [16], "latent": 4, "epochs": 60}},
            "methods": {"neuron_editing": {}},
        }
        (folder / "kills.yaml").write_text(yaml.safe_dump(study))
        (folder / "kills" / "cells").mkdir(parents=True)
        for seed, file in enumerate(files):
            values = np.random.default_rng(seed).gamma(2, 20 + 5 * (file["condition"] == "b"), (CELLS, 4))
            fcs.write_fcs(folder / "kills" / "cells" / file["path"], values, CHANNELS, LABELS)

    def start(self) -> subprocess.Popen:
        """Start Snakemake, which runs a job that was killed once more."""
        command = [sys.executable, "-m", "snakemake", TABLE, "--configfile", "kills.yaml", "--cores", "2"]
        command += ["--rerun-incomplete", "--nolock", "--retries", "1"]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        with self.log.open("a") as log:
            options = {"stdout": log, "stderr": log, "start_new_session": True}
            return subprocess.Popen(command, cwd=self.folder, env=environment, **options)

    def finish(self, process: subprocess.Popen) -> None:
        assert process.wait(600) == 0, self.log.read_text()[-3000:]

    def noted(self) -> int:
        """Return how many files are noted to be predicted, while the job that predicts them has others to do."""
        return len(list(self.notes.glob("[!.]*.json")))

    def times(self) -> dict[str, int]:
        """Return when each file that comes back was written."""
        files = (self.results / "own" / "task" / "neuron_editing").glob("*/[!.]*.fcs")
        return {path.name: path.stat().st_mtime_ns for path in files}

    def content(self) -> dict[str, bytes]:
        """Return all results by path, but for logs, times of jobs, and checkpoints."""
        parts = ("raw", "datasets", "tasks", "models", "methods", "predictions", "cohort", "own")
        files = [path for part in parts for path in sorted((self.results / part).rglob("*")) if path.is_file()]
        return {path.relative_to(self.results).as_posix(): path.read_bytes() for path in files}

    def kill_job(self, process: subprocess.Popen, job: int) -> bool:
        """Kill a job; return whether it was not over yet: then Snakemake runs it once more."""
        before = self.log.read_text().count("Trying to restart job")
        with suppress(ProcessLookupError):
            os.kill(job, signal.SIGKILL)
        patience = time.monotonic() + 20
        while time.monotonic() < patience and process.poll() is None:
            if self.log.read_text().count("Trying to restart job") > before:
                return True
            time.sleep(0.02)
        return False


def jobs_of(process: subprocess.Popen) -> dict[int, str]:
    """Return the processes of a session that run a script of the pipeline, and which one."""
    found = {}
    for place in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError, IndexError):
            if os.getsid(int(place)) == process.pid:
                script = Path(f"/proc/{place}/cmdline").read_bytes().split(b"\0")[1].decode()
                found |= {int(place): script} if script.startswith("scripts/") else {}
    return found


def seconds_of(process: int) -> float:
    """Return the seconds of a processor that a process has used; 0 where it is over."""
    with suppress(OSError, IndexError):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def wait_for_jobs(process: subprocess.Popen, is_time: Callable[[dict[int, str]], bool]) -> dict[int, str]:
    """Wait for the time to kill a job, which is told from the jobs that run; return these, none if it never came."""
    while process.poll() is None:
        if (jobs := jobs_of(process)) and is_time(jobs):
            return jobs
        time.sleep(0.01)
    return {}


def drawn_moment(moments: random.Random) -> Callable[[dict[int, str]], bool]:
    """Return what says of the jobs that run whether a moment has come that is drawn."""
    seconds, passed, seen = moments.uniform(0, SECONDS), moments.randint(0, PASSED), set()

    def is_time(jobs: dict[int, str]) -> bool:
        reached = {job for job in jobs if seconds_of(job) >= seconds}
        seen.update(reached)
        return bool(reached) and len(seen) > passed

    return is_time


def kill_round(study: Study, moments: random.Random, predicting: bool) -> list[tuple[str, list[str]]]:
    """Start Snakemake, kill one of its jobs, then it with its jobs; return what was killed, and the scripts that ran.

    ``predicting``: both when some files of the cohort are predicted, and others are not.
    """
    process, killed = study.start(), []
    for what in ("a job", "Snakemake and its jobs"):
        is_time = (lambda jobs: study.noted() > 0) if predicting else drawn_moment(moments)
        jobs = wait_for_jobs(process, is_time)
        if jobs and what == "a job":
            job = max(jobs, key=seconds_of)
            if study.kill_job(process, job):
                killed.append((what, [jobs[job]]))
        elif jobs:
            os.killpg(process.pid, signal.SIGKILL)
            if process.wait(60) == -signal.SIGKILL:
                killed.append((what, list(jobs.values())))
    if process.poll() == 0:
        # It was over before all was killed: from the beginning.
        shutil.rmtree(study.results)
    return killed


# Ten kills and two whole runs: some 60 seconds of a processor.
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="processes are found in /proc")
def test_killed_at_ten_moments_of_a_cohort_and_the_same_bits(workflow):
    study = Study(workflow.folder)
    study.finish(study.start())
    undisturbed = study.content()
    shutil.rmtree(study.results)
    moments, killed = random.Random(SEED), []
    while len(killed) < 2 * (ROUNDS - 1):
        killed += kill_round(study, moments, predicting=False)
    while len(killed) < 2 * ROUNDS or not study.noted():
        killed += kill_round(study, moments, predicting=True)
    noted, before = study.noted(), study.times()
    study.finish(study.start())
    numbers, content = Counter(what for what, _ in killed), study.content()
    print(len(killed), "kills:", killed)
    assert len(killed) >= 10 and len(numbers) == 2 and min(numbers.values()) >= ROUNDS - 1
    assert ("a job", [PREDICTING]) in killed and killed[-1] == ("Snakemake and its jobs", [PREDICTING])
    # Files that were done when the job was killed are not predicted again.
    after = study.times()
    assert 1 <= noted <= sum(after[name] == moment for name, moment in before.items())
    # Also nothing that a killed writer had begun.
    assert content.keys() == undisturbed.keys() and len(content) > 25
    assert sum(path.startswith("own/") for path in content) == 2 * PATIENTS + 1
    assert [path for path in undisturbed if undisturbed[path] != content[path]] == []
