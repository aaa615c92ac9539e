"""Jobs and Snakemake itself are killed at random moments: the next runs end in the same bits as if nothing had been."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import yaml

from outofsample.files import fcs
from tests.unit.own.small_study import CHANNELS, LABELS

#: How often something is killed, and the seed of the moments.
KILLS, SEED = 10, 0
TARGETS = [f"results/NAME/own/task/{method}" for method in ("mean_shift", "neuron_editing")] + [
    "results/NAME/scores/task.csv"
]


def study(name):
    files = [{"path": f"control_{condition}.fcs", "condition": condition, "domain": "control"} for condition in "ab"]
    files += [{"path": f"patient {number}.fcs", "condition": "a", "domain": "patients"} for number in range(3)]
    return {
        "study": name,
        "data_dir": "kills",
        "seeds": 2,
        "datasets": {"cells": {"uses": "own", "folder": "cells", "files": files}},
        "tasks": {"task": {"dataset": "cells", "queries": [{"domain": "patients", "source": "a", "target": "b"}]}},
        "models": {"autoencoder": {"hidden": [16], "latent": 4, "epochs": 6}},
        "methods": {"mean_shift": {}, "neuron_editing": {}},
    }


def make_study(workflow, name):
    """Write the study of this name and its files; return the command that runs it."""
    settings = study(name)
    folder = workflow.folder / "kills" / "cells"
    folder.mkdir(parents=True, exist_ok=True)
    for seed, file in enumerate(settings["datasets"]["cells"]["files"]):
        if not (folder / file["path"]).exists():
            values = np.random.default_rng(seed).gamma(2, 20 + 5 * (file["condition"] == "b"), (60, 4))
            fcs.write_fcs(folder / file["path"], values, CHANNELS, LABELS)
    (workflow.folder / f"{name}.yaml").write_text(yaml.safe_dump(settings))
    targets = [target.replace("NAME", name) for target in TARGETS]
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--rerun-incomplete", "--nolock", *targets]
    return [*command, "--configfile", f"{name}.yaml"]


def start(workflow, command):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    log = (workflow.folder / "kills.log").open("a")
    with log:
        return subprocess.Popen(
            command, cwd=workflow.folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )


def jobs_of(process):
    """Return the processes of a session that run a script of the pipeline."""
    found = []
    for place in os.listdir("/proc"):
        try:
            if place.isdigit() and os.getsid(int(place)) == process.pid:
                with open(f"/proc/{place}/cmdline", "rb") as file:
                    found += [int(place)] if file.read().split(b"\0")[1].startswith(b"scripts/") else []
        except (OSError, IndexError):
            continue
    return found


def results_of(workflow, name):
    """Return the content of all results by path, but for logs, times of jobs and checkpoints."""
    root = workflow.folder / "results" / name
    parts = ("raw", "datasets", "tasks", "models", "predictions", "scores", "own")
    files = [path for part in parts for path in sorted((root / part).rglob("*")) if path.is_file()]
    # What a killed writer leaves under a hidden name of its own is read by nobody.
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files if ".part" not in path.suffixes}


# Ten runs that are killed, and two whole ones: some three minutes of two free cores.
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="processes are found in /proc")
def test_killed_at_ten_moments_and_the_same_bits(workflow):
    undisturbed = start(workflow, make_study(workflow, "undisturbed"))
    begun = time.monotonic()
    assert undisturbed.wait(600) == 0, (workflow.folder / "kills.log").read_text()[-3000:]
    took = time.monotonic() - begun
    moments, killed = random.Random(SEED), {"a job": 0, "Snakemake and its jobs": 0}
    command = make_study(workflow, "killed")
    while (number := sum(killed.values())) < KILLS:
        process = start(workflow, command)
        # What is done stays done, so later runs are shorter.
        begun, wait = time.monotonic(), took * moments.uniform(0.1, 0.9 - 0.05 * number)
        while time.monotonic() - begun < wait and process.poll() is None:
            time.sleep(0.02)
        if process.poll() is not None:
            # It was done before its moment came: from the beginning.
            shutil.rmtree(workflow.folder / "results" / "killed")
            continue
        jobs = jobs_of(process)
        if number % 2 and jobs:
            os.kill(moments.choice(jobs), signal.SIGKILL)
            assert process.wait(600) != 0
            killed["a job"] += 1
        else:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(60)
            killed["Snakemake and its jobs"] += 1
    assert min(killed.values()) >= 1, killed
    last = start(workflow, command)
    assert last.wait(600) == 0, (workflow.folder / "kills.log").read_text()[-3000:]
    one, other = (results_of(workflow, name) for name in ("undisturbed", "killed"))
    assert one.keys() == other.keys() and len(one) > 20
    assert [path for path in one if one[path] != other[path]] == []
