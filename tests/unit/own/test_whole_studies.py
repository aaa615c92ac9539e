"""Whole studies of one's own: the templates, the split into tasks, several batches to one reference."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from outofsample import registry
from outofsample.arrays import Query
from outofsample.errors import UserError
from outofsample.files import fcs
from outofsample.files.prediction import PredictionWriter
from outofsample.files.task import read_training
from outofsample.jobs.split import SplitSpec
from outofsample.own.write_back import write_back
from outofsample.study.load import load_study, read_study
from outofsample.study.split import split_dataset
from tests.conftest import ROOT
from tests.unit.own.small_study import (
    CHANNELS,
    COLUMNS,
    FCS_FILES,
    LABELS,
    dataset,
    load,
    paths,
    values,
    write_fcs_files,
)


@pytest.mark.parametrize("name", ["my_fcs", "my_h5ad", "my_table"])
def test_the_templates_are_valid_studies(name):
    study = read_study(ROOT / "studies" / f"{name}.yaml")
    (task,) = study.selected("tasks")
    assert study.datasets[study.tasks[task].dataset].uses == "own"
    assert "neuron_editing" in study.task_methods(task)


def test_an_empty_query_is_told_by_the_split(folder):
    write_fcs_files(folder)
    adata = load(folder, files=FCS_FILES)
    adata.uns |= {"dataset": "mine", "stand_in": False}
    with pytest.raises(UserError, match=r"no domain 'patent' .did you mean 'patient'"):
        split_dataset(adata, SplitSpec("task", (Query("q", "patent", "before", "after"),), ()))
    told = "the query population has no cells; 'patient' has none in 'after', but in before"
    with pytest.raises(UserError, match=told):
        split_dataset(adata, SplitSpec("task", (Query("q", "patient", "after", "before"),), ()))


#: What each batch adds to CD19 and to CD4, in units of arcsinh(x / 5); batch 2 is the reference.
BATCH_SHIFTS = {"batch1": (0.8, -0.6), "batch2": (0.0, 0.0), "batch3": (-0.7, 0.9), "batch4": (0.4, 0.5)}


def study_of_the_docs():
    """Return the example of several batches in docs/own_data.md, checked."""
    text = (ROOT / "docs" / "own_data.md").read_text().split("## Several batches")[1]
    return load_study(yaml.safe_load(text.split("```yaml")[1].split("```")[0]), ROOT)


def write_batches(folder, files, cells=400):
    """Write the example's FCS files, two in each folder; return, by path, what batch 2 would have measured."""
    unchanged = {}
    for entry in files:
        name = Path(entry["path"])
        for path in [name] if name.suffix else [name / "a.fcs", name / "b.fcs"]:
            rng = np.random.default_rng(len(unchanged))
            # Controls and patients are other mixtures of the same two kinds of cells.
            kind = rng.random(cells) < (0.5 if entry["domain"] == "control" else 0.25)
            true = rng.normal(np.where(kind[:, None], (1.5, 3.5), (3.0, 2.5)), 0.4)
            measured = np.sinh(true + BATCH_SHIFTS[entry["condition"]]) * 5
            (folder / path).parent.mkdir(exist_ok=True)
            whole = np.column_stack([np.arange(cells), measured, rng.random(cells)])
            fcs.write_fcs(folder / path, whole.astype(np.float32), CHANNELS, LABELS)
            unchanged[path.as_posix()] = true
    return unchanged


@pytest.mark.parametrize("method", ["mean_shift", "quantile_mapping", "neuron_editing"])
def test_several_batches_come_back_each_with_its_own_shift_undone(tmp_path, method):
    study = study_of_the_docs()
    settings = study.datasets["mine"].settings
    folder = tmp_path / "data" / settings["folder"]
    folder.mkdir(parents=True)
    unchanged = write_batches(folder, settings["files"])
    data = dataset(folder, **{key: value for key, value in settings.items() if key != "folder"})
    adata = data.load(paths(data, folder))
    adata.uns |= {"dataset": "mine", "stand_in": False}
    task = study.tasks["batches"]
    train, truth = split_dataset(adata, SplitSpec("batches", task.as_queries(), (), controls=("control",)))
    assert truth.n_obs == 0
    train.write_h5ad(tmp_path / "train.h5ad")
    training = read_training(tmp_path / "train.h5ad")
    network = {"hidden": (32,), "latent": 8, "epochs": 60} if method == "neuron_editing" else {}
    editor = registry.create("methods", method, {})
    if network:
        editor = type(editor)(editor.settings, registry.create("models", "autoencoder", network))
    writer = PredictionWriter(training, method)
    writer.add_all(editor.fit(training).transform, 0)
    writer.write(tmp_path / "prediction.h5ad")
    found = write_back(
        tmp_path / "prediction.h5ad", tmp_path / "train.h5ad", data, paths(data, folder), tmp_path / "out"
    )
    assert len(found) == 6
    for path in found:
        _, file = path.relative_to(tmp_path / "out").as_posix().split("/", 1)
        truth, before, after = (
            np.median(values, axis=0)
            for values in (
                unchanged[file],
                *(np.arcsinh(fcs.read_fcs(p).values[:, 1:3] / 5) for p in (folder / file, path)),
            )
        )
        assert np.abs(before - truth).max() > 0.35
        assert np.abs(after - truth).max() < 0.2, file


def test_queries_from_several_batches_share_a_truth(folder):
    frames = [
        pd.DataFrame(values(30, 2, seed), columns=["CD4", "CD19"]).assign(day=day, person=person)
        for seed, (person, day) in enumerate([(p, d) for p in ("control", "patient") for d in ("one", "two", "three")])
    ]
    pd.concat(frames).to_csv(folder / "a.csv", index=False)
    adata = load(folder, files=["a.csv"], **COLUMNS)
    adata.uns |= {"dataset": "mine", "stand_in": False}
    queries = (Query("from_one", "patient", "one", "two"), Query("from_three", "patient", "three", "two"))
    _, truth = split_dataset(adata, SplitSpec("task", queries, ()))
    measured = adata[((adata.obs["domain"] == "patient") & (adata.obs["condition"] == "two")).to_numpy()].X
    for query in queries:
        assert np.array_equal(truth[(truth.obs["query"] == query.name).to_numpy()].X, measured)
    assert truth.obs_names.is_unique
