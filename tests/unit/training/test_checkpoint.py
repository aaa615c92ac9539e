"""Interrupted trainings go on to the same bits."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from outofsample.training.run import Run
from tests.conftest import ROOT
from tests.unit.training.conftest import fit, weights


@pytest.mark.parametrize("epochs_before", [1, 4])
def test_resumed_training_gives_the_same_bits(tmp_path, epochs_before):
    undisturbed = fit(epochs=6)
    run = Run(checkpoint=tmp_path / "checkpoint.pt", fingerprint="same", checkpoint_seconds=0)
    fit(epochs=epochs_before, run=run)
    resumed = fit(epochs=6, run=run)
    np.testing.assert_array_equal(weights(resumed), weights(undisturbed))
    assert resumed.history == undisturbed.history


def test_stale_checkpoint_is_refused_with_a_line(tmp_path, capsys):
    path = tmp_path / "checkpoint.pt"
    fit(seed=1, run=Run(checkpoint=path, fingerprint="old"))
    fresh = fit(seed=0, run=Run(checkpoint=path, fingerprint="new"))
    assert "data, settings or code have changed" in capsys.readouterr().err
    np.testing.assert_array_equal(weights(fresh), weights(fit(seed=0)))


def test_damaged_checkpoint_is_refused_with_a_line(tmp_path, capsys):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(b"half a file")
    fit(run=Run(checkpoint=path))
    assert "cannot be read" in capsys.readouterr().err


SCRIPT = """
    import sys
    from outofsample import registry
    from outofsample.training.run import Run
    from tests.conftest import planted
    data, _ = planted(cells=400)
    run = Run(checkpoint=sys.argv[1], fingerprint="x", checkpoint_seconds=0.02)
    settings = {"hidden": (64, 32), "latent": 8, "epochs": 30, "batch_size": 20, "patience": 50}
    model = registry.create("models", "autoencoder", settings).fit(data, 0, run)
    import torch
    torch.save(model.as_tensors(), sys.argv[2])
"""


def start_training(folder: Path, result: str) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'scripts'}{os.pathsep}{ROOT}", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(folder / "checkpoint.pt"), str(folder / result)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def wait_for(path: Path, process: subprocess.Popen) -> None:
    while not path.exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM])
def test_killed_training_resumes_to_the_same_bits(tmp_path, kill):
    killed, undisturbed = tmp_path / "killed", tmp_path / "undisturbed"
    for folder in (killed, undisturbed):
        folder.mkdir()
    process = start_training(killed, "model.pt")
    wait_for(killed / "checkpoint.pt", process)
    time.sleep(0.1)
    process.send_signal(kill)
    _, messages = process.communicate(timeout=60)
    assert process.returncode == (-signal.SIGKILL if kill == signal.SIGKILL else 143), messages
    assert not (killed / "model.pt").exists()
    resumed = start_training(killed, "model.pt")
    assert "Resumed from" in resumed.communicate(timeout=120)[1]
    start_training(undisturbed, "model.pt").communicate(timeout=120)
    one, other = (torch.load(folder / "model.pt", weights_only=True)["network"] for folder in (killed, undisturbed))
    assert all(torch.equal(one[name], other[name]) for name in other)
