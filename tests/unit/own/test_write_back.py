"""Predictions are written in their places, and nothing else is."""

import errno
import io
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from outofsample.arrays import Query
from outofsample.errors import UserError
from outofsample.files.prediction import PredictionWriter
from outofsample.files.task import read_training
from outofsample.jobs.own import WriteBackSpec
from outofsample.own.write_back import write_back
from tests.conftest import run_script
from tests.unit.own.small_study import (
    COLUMNS,
    FCS_FILES,
    KINDS,
    QUERY,
    dataset,
    inputs_of,
    paths,
    predict,
    state_of,
    table,
    write_fcs_files,
    written,
)


def test_several_queries_and_files_come_back_each_in_its_place(folder, tmp_path):
    frame = table()
    second = frame[frame["person"] == "patient"].assign(person="patient2")
    frame.to_csv(folder / "a.csv", index=False)
    second.to_csv(folder / "b.csv", index=False)
    queries = (QUERY, Query("second", "patient2", "before", "after"))
    data = dataset(folder, files=["a.csv", "b.csv"], name_column="id", **COLUMNS)
    adata = data.load(paths(data, folder))
    assert adata.obs_names.is_unique and adata.obs_names[0].startswith("a.csv:")
    found = written(data, folder, tmp_path, queries=queries)
    assert found == [tmp_path / "out" / "after" / "a.csv", tmp_path / "out" / "second" / "b.csv"]


def test_the_seed_that_is_written(folder, tmp_path):
    table().to_csv(folder / "a.csv", index=False)
    data = dataset(folder, files=["a.csv"], **COLUMNS)
    (first,) = written(data, folder, tmp_path, seeds=(3, 5))
    low = pd.read_csv(first)["CD4"]
    (second,) = written(data, folder, tmp_path, seeds=(3, 5), seed=5)
    np.testing.assert_allclose(pd.read_csv(second)["CD4"], low + 2, rtol=1e-5)
    with pytest.raises(UserError, match="seed 7 was not run; run were 3, 5"):
        written(data, folder, tmp_path, seeds=(3, 5), seed=7)


@pytest.mark.parametrize("kind", KINDS)
def test_the_folder_of_the_inputs_is_only_read(folder, tmp_path, kind):
    settings = inputs_of(folder, kind)
    before = state_of(folder)
    modes = []
    watched = str(folder)

    def watch(event, arguments):
        if event == "open" and watched and str(arguments[0]).startswith(watched):
            modes.append(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC))

    # Such a hook stays for good: it is told to look no more.
    sys.addaudithook(watch)
    found = written(dataset(folder, **settings), folder, tmp_path)
    watched = ""
    assert found and all(path.is_relative_to(tmp_path / "out") for path in found)
    assert state_of(folder) == before and not any(modes)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", ["absolute", "parent", "link", "one_path"])
def test_a_path_that_leaves_the_results_is_refused_before_anything_is_written(folder, tmp_path, kind, wrong):
    """What reading refuses already is refused again, by a train.h5ad that was made otherwise."""
    settings = inputs_of(folder, kind)
    data = dataset(folder, **settings)
    adata = data.load(paths(data, folder))
    originals, name = paths(data, folder), adata.obs["file"].iloc[-1]
    original = folder / ("pictures" if kind == "images" else "") / name
    files = adata.obs["file"].astype(str).to_numpy(dtype=object)
    query = ((adata.obs["domain"] == "patient") & (adata.obs["condition"] == "before")).to_numpy()
    out = tmp_path / "out"
    sentence = f"the prediction of '.*' \\(query 'after'\\) would be written outside {out};"
    if wrong == "absolute":
        files[query] = str(original)
    elif wrong == "parent":
        files[query] = f"../../{original.relative_to(tmp_path)}"
    elif wrong == "link":
        (out / "after").parent.mkdir()
        (out / "after").symlink_to(original.parent)
    else:
        rows = np.flatnonzero(query)
        files[rows[0]], files[rows[1:]] = "extrapolated.csv/x.png", "extrapolated.csv/x.jpg"
        sentence = "would be written to one path; rename one of the two"
    adata.obs["file"] = files
    originals |= dict.fromkeys(files, original)
    prediction = predict(data, adata, tmp_path)
    before = state_of(folder)
    with pytest.raises(UserError, match=sentence) as caught:
        write_back(*prediction, data, originals, out)
    assert "\n" not in str(caught.value)
    assert state_of(folder) == before
    assert not out.exists() or list(out.rglob("*")) == ([out / "after"] if wrong == "link" else [])


def test_a_full_disk_leaves_no_half_file(folder, tmp_path, monkeypatch):
    write_fcs_files(folder)
    opened = Path.open

    class Full(io.FileIO):
        def write(self, data):
            super().write(bytes(data)[:100])
            raise OSError(errno.ENOSPC, "No space left on device")

    def limited(self, mode="r", *rest, **options):
        return Full(self, "w") if mode == "wb" else opened(self, mode, *rest, **options)

    data = dataset(folder, files=FCS_FILES)
    files = predict(data, data.load(paths(data, folder)), tmp_path)
    monkeypatch.setattr(Path, "open", limited)
    with pytest.raises(UserError, match=r"patient_before\.fcs: there is no space left on the device; free some"):
        write_back(*files, data, paths(data, folder), tmp_path / "out")
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_data_that_are_not_own_and_methods_that_did_not_run(folder, tmp_path, capsys):
    write_fcs_files(folder)
    data = dataset(folder, files=FCS_FILES)
    adata = data.load(paths(data, folder))
    prediction, train = predict(data, adata, tmp_path)
    PredictionWriter(read_training(train), "mine_method").write(prediction, not_run="R missing")
    assert write_back(prediction, train, data, paths(data, folder), tmp_path / "none") == []
    assert "did not run (R missing)" in capsys.readouterr().out and (tmp_path / "none").is_dir()
    with pytest.raises(UserError, match="is not among those given"):
        write_back(*predict(data, adata, tmp_path), data, {"other.fcs": folder}, tmp_path / "out")
    del adata.obs["file"]
    with pytest.raises(UserError, match="not data of your own"):
        write_back(*predict(data, adata, tmp_path), data, {}, tmp_path / "out")


def test_the_command_line_writes_and_says_where(folder, tmp_path):
    write_fcs_files(folder)
    data = dataset(folder, files=FCS_FILES)
    prediction, train = predict(data, data.load(paths(data, folder)), tmp_path)
    options = ["--prediction", prediction, "--train", train, "--folder", tmp_path / "out", "--files"]
    # A cohort has left these.
    replaced = (tmp_path / "out_files.csv", tmp_path / "out_extrapolated", tmp_path / "nothing")
    replaced[0].touch()
    (replaced[1] / "after").mkdir(parents=True)
    spec = WriteBackSpec({"files": FCS_FILES}, replaced=tuple(map(str, replaced)))
    files = paths(data, folder).values()
    run = run_script("write_back.py", spec, *options, *files)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == str(tmp_path / "out" / "after" / "patient_before.fcs")
    assert not any(path.exists() for path in replaced)
    run = run_script("write_back.py", spec, *options, *files, folder / "patient_before.fcs")
    assert run.returncode == 1 and run.stderr.startswith("error: --files: 3 files are needed")
