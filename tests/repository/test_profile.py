"""The profile for SLURM, without a SLURM: what it leaves to its user, and what is said before anything is submitted."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from snakemake_executor_plugin_slurm.submit_string import get_submit_command
from snakemake_executor_plugin_slurm.utils import set_gres_string

from tests.conftest import ROOT
from tests.workflow.conftest import Workflow

PROFILE = "profiles/slurm"
FILLED_IN = ("--default-resources", "slurm_account=mine", "slurm_partition=cpus", "gpu_partition=gpus")
#: What a job's shell and Snakemake need; nothing of SLURM.
TOOLS = ("bash", "sh", "env", "which", "uname", "dirname", "cat", "git")


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """A copy of the working tree in which nothing has run."""
    return Workflow(tmp_path_factory.mktemp("profile")).folder


@pytest.fixture
def programs(tmp_path) -> Path:
    """A folder that stands for the PATH of a machine without SLURM."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in TOOLS:
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    return folder


def snakemake(folder: Path, *arguments: str, path: Path | None = None, **variables: str) -> subprocess.CompletedProcess:
    """Run Snakemake with the profile."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables
    if path is not None:
        environment["PATH"] = str(path)
    command = [sys.executable, "-m", "snakemake", "--profile", PROFILE, "--configfile", "studies/smoke.yaml"]
    return subprocess.run(
        [*command, *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
    )


def resources(output: str, rule: str) -> dict[str, str]:
    """Return the resources of the first job of a rule in a dry run."""
    line = re.search(rf"rule {rule}:\n(?: .*\n)*? +resources: (.*)\n", output).group(1)
    return dict(entry.split("=", 1) for entry in line.split(", "))


def test_account_and_partitions_are_all_that_is_left_to_fill_in():
    text = (ROOT / PROFILE / "config.yaml").read_text()
    values = yaml.safe_load(text)
    assert set(values["default-resources"]) == {"slurm_account", "slurm_partition", "gpu_partition"}
    assert set(re.findall(r'"(<[^>]*>)"', text)) == set(values["default-resources"].values())


def test_a_dry_run_plans_everything_and_says_what_a_real_one_needs(copy):
    run = snakemake(copy, "-n")
    assert run.returncode == 0, run.stdout
    assert re.search(r"^train_model +\d+$", run.stdout, re.MULTILINE)
    warnings = [line for line in run.stdout.splitlines() if line.startswith("Before a real run")]
    assert len(warnings) == 2
    assert "slurm_account: fill in what stands for '<account>'; 'sacctmgr show" in warnings[0]
    assert "slurm_partition: fill in what stands for '<partition>'; 'sinfo --summarize'" in warnings[1]


def test_gpus_need_their_partition_and_trainings_alone_go_there(copy):
    unfilled = snakemake(copy, "-n", "--quiet", "rules", "--config", "device=cuda")
    assert "gpu_partition: fill in what stands for '<gpu partition>'" in unfilled.stdout
    output = snakemake(copy, "-n", "--config", "device=cuda", *FILLED_IN).stdout
    assert "Before a real run" not in output
    training, evaluation = resources(output, "train_model"), resources(output, "evaluate_task")
    assert (training["slurm_partition"], training["gpu"]) == ("gpus", "1")
    assert (evaluation["slurm_partition"], evaluation["gpu"]) == ("cpus", "0")


class Asked(dict):
    """The resources of a job, as Snakemake gives them to the plugin."""

    __getattr__ = dict.__getitem__


def sbatch(resources: Mapping[str, str]) -> str:
    """Return the command by which the plugin submits a job with some resources of a dry run."""
    job = SimpleNamespace(resources=Asked({k: int(v) if v.isdigit() else v for k, v in resources.items()}), threads=1)
    params = dict.fromkeys(("run_uuid", "slurm_logfile", "comment_str", "account", "partition", "workdir"), "x")
    return get_submit_command(job, params, settings=None) + set_gres_string(job)


def test_no_tasks_are_asked_for_per_gpu(copy):
    """Beside --gpus some clusters refuse it: 'SLURM_TRES_PER_TASK is mutually exclusive'."""
    training = resources(snakemake(copy, "-n", "--config", "device=cuda", *FILLED_IN).stdout, "train_model")
    assert training["tasks_per_gpu"] == "0"
    command = sbatch(training)
    assert "--gpus=1" in command and "--ntasks" not in command
    assert "--ntasks-per-gpu=2" in sbatch(training | {"tasks_per_gpu": "2"})


def test_what_the_profile_offers_is_taken(copy):
    """The lines at its end with the # taken away: GPUs by --gres alone, and a quality of service."""
    profile = copy / PROFILE / "config.yaml"
    text, offered = profile.read_text(), r"^# (?=slurm-qos:|set-resources:|  )"
    head, mark, tail = text.partition("# ---- Only where the cluster wants it")
    values = yaml.safe_load(re.sub(offered, "", tail.partition("\n")[2], flags=re.MULTILINE))
    assert mark and values.keys() == {"slurm-qos", "set-resources"}
    try:
        profile.write_text(head + mark + re.sub(offered, "", tail, flags=re.MULTILINE))
        output = snakemake(copy, "-n", "--config", "device=cuda", *FILLED_IN).stdout
    finally:
        profile.write_text(text)
    training = resources(output, "train_model")
    assert (training["slurm_partition"], training["gpu"], training["gres"]) == ("gpus", "0", "gpu:1")
    command = sbatch(training)
    assert "--gres=gpu:1" in command and "--qos=gpu" in command
    assert "--gpus" not in command and "--ntasks" not in command
    assert "gres" not in resources(output, "evaluate_task")


def test_gres_can_be_asked_for_on_the_command_line(copy):
    options = ("--set-resources", "train_model:gpu=0", "train_model:gres=gpu:1")
    training = resources(snakemake(copy, "-n", *FILLED_IN, "--config", "device=cuda", *options).stdout, "train_model")
    assert (training["slurm_partition"], training["gpu"], training["gres"]) == ("gpus", "0", "gpu:1")


def test_a_study_without_cuda_trains_where_the_other_jobs_run(copy):
    output = snakemake(copy, "-n", *FILLED_IN).stdout
    training = resources(output, "train_model")
    assert (training["slurm_partition"], training["gpu"], training["slurm_account"]) == ("cpus", "0", "mine")


def test_nothing_is_submitted_while_a_setting_is_missing(copy):
    run = snakemake(copy)
    assert run.returncode == 1
    assert "profiles/slurm/config.yaml is not filled in" in run.stdout
    assert "default-resources, slurm_account: fill in" in run.stdout and "gpu_partition" not in run.stdout
    assert "submitted" not in run.stdout and not (copy / "results" / "smoke").exists()


def test_a_machine_without_slurm_is_named_as_the_problem(copy, programs):
    run = snakemake(copy, *FILLED_IN, path=programs)
    assert run.returncode == 1
    assert "There is no 'sbatch' here" in run.stdout and not (copy / "results" / "smoke").exists()


def test_an_account_of_somebody_else_is_refused_at_once(copy, programs):
    """Left to the plugin, Snakemake waits for ever on such a job."""
    for name, text in {"sbatch": "exit 1", "sacctmgr": "echo theirs"}.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    run = snakemake(copy, *FILLED_IN, path=programs)
    assert run.returncode == 1
    assert "The given account mine appears to be invalid" in run.stdout and "theirs" in run.stdout
