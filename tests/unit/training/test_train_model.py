"""The training job's command line: checkpoints that no longer fit, and a GPU that is too small."""

import sys
from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest
import torch

import train_model
from outofsample.arrays import Query
from outofsample.errors import UserError
from outofsample.files.task import queries_text
from outofsample.jobs.base import as_plain
from outofsample.jobs.train import ModelSpec, TrainSpec
from tests.conftest import planted

SETTINGS = {"hidden": [12, 8], "latent": 4, "epochs": 4, "batch_size": 20, "patience": None}
WIDTHS = {"widths": [4], "discriminator_widths": [4], "epochs": 1}
GREEDY = """
from outofsample.models import autoencoder
import torch

class Model(autoencoder.Model):
    def fit(self, data, seed=0, run=None):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 80.00 GiB.\\nmore lines")
"""


class Job:
    """A task in a folder, and calls of `train_model.py` on it."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.monkeypatch = folder, monkeypatch
        self.write_task()

    def write_task(self, shift: float = 2.0, changes: int = 1) -> None:
        """Write the training part; with two changes half of T is in another condition."""
        data, _ = planted(cells=60, shift=shift)
        if changes == 2:
            data.condition[np.flatnonzero(data.role == "target")[::2]] = "later"
            data = replace(data, queries=(*data.queries, Query("second", "sample", "before", "later")))
        obs = pd.DataFrame(
            {"role": data.role, "condition": data.condition, "domain": data.domain},
            index=[f"cell{number}" for number in range(len(data.X))],
        )
        adata = anndata.AnnData(data.X, obs=obs, var=pd.DataFrame(index=list(data.features)))
        adata.uns["queries"] = queries_text(data.queries)
        adata.write_h5ad(self.folder / "train.h5ad")

    def run(self, name="autoencoder", fitted="fitted.pt", uses=None, **settings) -> dict[str, np.ndarray]:
        """Run the script and return the weights of seed 0, where one network serves all changes."""
        defaults = WIDTHS if name == "gan" else SETTINGS
        model = ModelSpec(name, uses or name, as_plain(defaults | settings))
        spec = self.folder / "spec.json"
        spec.write_text(TrainSpec(model, (0,), "cpu").to_json())
        arguments = {
            "--spec": spec,
            "--train": self.folder / "train.h5ad",
            "--checkpoints": self.folder / "checkpoints",
            "--fitted": self.folder / fitted,
            "--history": self.folder / "history.csv",
        }
        flat = [str(part) for pair in arguments.items() for part in pair]
        self.monkeypatch.setattr(sys, "argv", ["train_model.py", *flat])
        train_model.main()
        return torch.load(self.folder / fitted, weights_only=True)[0].get("network", {})

    def leave_a_checkpoint(self, name="autoencoder") -> None:
        """Run a job that dies after the training, when it writes its results."""
        (self.folder / "no_folder").touch()
        with pytest.raises(OSError, match="no_folder"):
            self.run(name, fitted="no_folder/fitted.pt")
        assert (self.folder / "checkpoints" / "seed_0.pt").exists()


@pytest.fixture
def job(tmp_path, monkeypatch) -> Job:
    return Job(tmp_path, monkeypatch)


def same(one: dict, other: dict) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_next_attempt_goes_on_from_the_checkpoint_and_removes_it(job, capsys):
    undisturbed = job.run()
    job.leave_a_checkpoint()
    assert same(job.run(), undisturbed)
    assert "Resumed from" in capsys.readouterr().err
    assert not list((job.folder / "checkpoints").iterdir())


def test_checkpoints_of_all_changes_are_removed_and_those_of_other_seeds_stay(job):
    job.write_task(changes=2)
    folder = job.folder / "checkpoints"
    folder.mkdir()
    others = [folder / name for name in ("seed_1.pt", "seed_1_change_1.pt", "seed_01.pt")]
    for path in others:
        path.touch()
    job.leave_a_checkpoint("gan")
    assert (folder / "seed_0_change_1.pt").exists()
    job.run("gan")
    assert sorted(folder.iterdir()) == sorted(others)


@pytest.mark.parametrize("change", ["settings", "data", "code"])
def test_checkpoint_of_other_settings_data_or_code_is_refused(job, capsys, monkeypatch, change):
    job.leave_a_checkpoint()
    settings = {}
    if change == "settings":
        settings = {"latent": 5}
    elif change == "data":
        job.write_task(shift=3.0)
    else:
        source = job.folder / "edited.py"
        source.write_text("# another version of some module\n")
        monkeypatch.setattr("outofsample.study.imports.files_imported", lambda roots: [source])
    job.run(**settings)
    messages = capsys.readouterr().err
    assert "data, settings or code have changed since" in messages and "Resumed" not in messages


def test_gpu_that_is_too_small_names_the_batch_size(job):
    model = job.folder / "greedy.py"
    model.write_text(GREEDY)
    with pytest.raises(UserError) as caught:
        job.run(name="greedy", uses=str(model))
    sentence = str(caught.value)
    assert "models.greedy: the GPU has too little memory for batch_size 20 with 6 features" in sentence
    assert "models.greedy.batch_size" in sentence and "80.00 GiB" in sentence and "more lines" not in sentence
