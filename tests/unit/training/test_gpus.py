"""GPUs shared out among jobs: never two on one, none left over, none lost when a job dies."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from itertools import pairwise
from pathlib import Path

import pytest

from outofsample.training import gpus
from tests.conftest import ROOT

HOLD = """
    import json, os, sys, time
    from pathlib import Path
    from outofsample.training.gpus import lease
    with lease(sys.argv[1].split(","), Path(sys.argv[2]), poll_seconds=0.01) as name:
        start = time.monotonic()
        Path(sys.argv[3]).touch()
        time.sleep(float(sys.argv[4]))
        print(json.dumps([name, start, time.monotonic()]), flush=True)
"""


def hold(names: str, folder: Path, mark: Path, seconds: float) -> subprocess.Popen:
    """Start a process that holds one of the GPUs with these names (separated by commas) for some seconds."""
    command = [sys.executable, "-c", textwrap.dedent(HOLD), names, str(folder), str(mark), str(seconds)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "scripts")}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def fake_gpus(monkeypatch, tmp_path):
    """A machine with three GPUs, by what `nvidia-smi` prints."""
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nfor i in 0 1 2; do echo "GPU $i: NVIDIA H200 (UUID: GPU-$i)"; done\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(gpus.tempfile, "tempdir", None)
    monkeypatch.delenv(gpus.VISIBLE, raising=False)
    return tmp_path


def test_many_jobs_share_gpus_and_none_has_one_twice(tmp_path):
    jobs = [hold("0,1,2", tmp_path, tmp_path / f"{number}.mark", 0.1) for number in range(12)]
    leases = [json.loads(job.communicate(timeout=120)[0]) for job in jobs]
    assert {name for name, _, _ in leases} == {"0", "1", "2"}
    for name in ("0", "1", "2"):
        times = sorted((start, end) for held, start, end in leases if held == name)
        assert all(end <= start for (_, end), (start, _) in pairwise(times))


def test_gpu_of_a_job_that_is_killed_is_free_again(tmp_path):
    job = hold("0", tmp_path, tmp_path / "mark", 600)
    while not (tmp_path / "mark").exists():
        assert job.poll() is None, job.stderr.read()
        time.sleep(0.01)
    job.send_signal(signal.SIGKILL)
    job.communicate(timeout=30)
    assert job.returncode == -signal.SIGKILL
    with gpus.lease(["0"], tmp_path, poll_seconds=0.01) as name:
        assert name == "0"


def test_a_job_that_has_to_wait_says_so(tmp_path):
    with gpus.lease(["0"], tmp_path):
        job = hold("0", tmp_path, tmp_path / "mark", 0)
        assert "Waiting for one of 1 GPU(s)" in job.stderr.readline()
        assert not (tmp_path / "mark").exists()
    assert json.loads(job.communicate(timeout=60)[0])[0] == "0"


def test_a_job_sees_the_gpu_that_it_leased_and_the_next_one_another(fake_gpus):
    with gpus.one_gpu("auto") as first:
        assert os.environ[gpus.VISIBLE] == first == "0"
        del os.environ[gpus.VISIBLE]
        with gpus.one_gpu("cuda") as second:
            assert os.environ[gpus.VISIBLE] == second == "1"
        os.environ[gpus.VISIBLE] = first
    assert gpus.VISIBLE not in os.environ


def test_several_gpus_that_the_user_names_are_shared_out(fake_gpus, monkeypatch):
    monkeypatch.setenv(gpus.VISIBLE, "GPU-b,MIG-GPU-c/1/0")
    with gpus.one_gpu("auto") as first:
        monkeypatch.setenv(gpus.VISIBLE, "GPU-b,MIG-GPU-c/1/0")
        with gpus.one_gpu("auto") as second:
            assert (first, second) == ("GPU-b", "MIG-GPU-c/1/0")
    assert os.environ[gpus.VISIBLE] == "GPU-b,MIG-GPU-c/1/0"


@pytest.mark.parametrize("choice", ["2", ""])
def test_one_gpu_that_slurm_or_the_user_chose_stands(fake_gpus, monkeypatch, choice):
    monkeypatch.setenv(gpus.VISIBLE, choice)
    with gpus.one_gpu("auto") as name:
        assert name is None and os.environ[gpus.VISIBLE] == choice


def test_nothing_is_leased_for_the_cpu_or_without_gpus(fake_gpus, monkeypatch):
    assert gpus.gpus_to_share("auto") == ["0", "1", "2"]
    with gpus.one_gpu("cpu") as name:
        assert name is None and gpus.VISIBLE not in os.environ
    (fake_gpus / "bin" / "nvidia-smi").write_text("#!/bin/sh\necho 'No devices were found'\nexit 6\n")
    with gpus.one_gpu("auto") as name:
        assert name is None and gpus.VISIBLE not in os.environ
    monkeypatch.setenv("PATH", str(fake_gpus))
    assert gpus.installed_gpus() == []
