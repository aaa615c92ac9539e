"""What a job reads it verifies: every file between jobs, cut off or with one other bit, is a sentence."""

import numpy as np
import pandas as pd
import pytest

from outofsample.errors import UserError
from outofsample.files.classifier import read_classifier, write_classifier
from outofsample.files.dataset import read_dataset, write_dataset
from outofsample.files.fitted import read_states, write_states
from outofsample.files.fitted_methods import read_methods, write_methods
from outofsample.files.handed_back import HandedBack, read_handed_back, write_handed_back
from outofsample.files.history import read_history, write_history
from outofsample.files.missing import Note, read_note, write_note
from outofsample.files.prediction import PredictionFile, PredictionWriter, read_predictions
from outofsample.files.scores import Row, read_scores, write_scores
from outofsample.files.table import TEXT, read_tidy, write_tidy
from outofsample.files.task import TrainingRows, TruthRows, read_task, read_training, write_task
from outofsample.files.writing import sealed
from outofsample.methods.no_change import Method
from outofsample.study.split import split_dataset
from tests.unit.study.test_split import SPLIT, dataset


def write_all(folder):
    """Write a file of each kind; return, by path, what reads it."""
    adata = dataset()
    write_dataset(folder / "dataset.h5ad", adata, "made", True)
    train, truth = folder / "train.h5ad", folder / "truth.h5ad"
    write_task(train, truth, split_dataset(adata, SPLIT))
    training = read_training(train)
    writer, method = PredictionWriter(training, "no_change"), Method().attach(training)
    writer.add_all(method.transform, 0)
    writer.write(folder / "prediction.h5ad")
    write_states(folder / "states.pt", {0: {"a": np.float64(1).item()}})
    write_classifier(folder / "classifier.pt", {"image_shape": [1, 3, 1], "labels": {}, "network": {}})
    write_history(folder / "history.csv", [{"epoch": n, "loss": 1.0, "seed": 0} for n in range(50)])
    write_scores([Row("t", "q", "m", seed, "r", 0.5) for seed in range(50)], folder / "scores.csv")
    write_tidy(folder / "table.csv", pd.DataFrame([dict.fromkeys(TEXT, "x")] * 50))
    write_methods(folder / "methods.pt", 0, {"a": {"b": 1.0}})
    write_handed_back(folder / "1-1.json", HandedBack(["a"] * 50, {}))
    return {
        "methods.pt": [read_methods],
        "1-1.json": [read_handed_back],
        "dataset.h5ad": [read_dataset],
        "train.h5ad": [read_training, read_task, TrainingRows],
        "truth.h5ad": [TruthRows],
        "prediction.h5ad": [PredictionFile, lambda path: read_predictions(path, training)],
        "states.pt": [read_states],
        "classifier.pt": [read_classifier],
        "history.csv": [read_history],
        "scores.csv": [lambda path: read_scores([path])],
        "table.csv": [read_tidy],
    }


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sealed")
    return folder, write_all(folder)


def test_every_file_has_a_seal_and_is_read(files):
    folder, readers = files
    assert {path.name for path in folder.glob(".*")} == {f".{name}.sha256" for name in readers}
    for name, reads in readers.items():
        for read in reads:
            read(folder / name)


@pytest.mark.parametrize("harm", ["half", "half, to the end of a line", "one bit", "more"])
def test_a_file_that_was_changed_is_refused(files, harm, tmp_path):
    folder, readers = files
    for name, reads in readers.items():
        whole, path = (folder / name).read_bytes(), folder / name
        middle = len(whole) // 2
        harmed = {
            "half": whole[:middle],
            "half, to the end of a line": whole[: whole.find(b"\n", middle) + 1],
            "one bit": whole[:middle] + bytes([whole[middle] ^ 4]) + whole[middle + 1 :],
            "more": whole + whole[-20:],
        }
        if harmed[harm] == whole:
            # The one file of a single line has no end of a line in its middle.
            assert name == "1-1.json"
            continue
        path.write_bytes(harmed[harm])
        for read in reads:
            with pytest.raises(UserError, match=rf"{name}: this file is not as it was written .*; delete it and run"):
                read(path)
        path.write_bytes(whole)


def test_a_file_without_a_seal_is_read_as_it_is(files, tmp_path):
    folder, _ = files
    path = tmp_path / "scores.csv"
    path.write_bytes((folder / "scores.csv").read_bytes())
    assert len(read_scores([path])) == 50


def test_what_takes_the_place_of_a_file_has_its_own_seal(tmp_path):
    path = tmp_path / "history.csv"
    write_history(path, [{"epoch": 1, "seed": 0}])
    write_history(path, [{"epoch": 2, "seed": 0}])
    assert read_history(path)["epoch"].tolist() == [2]
    write_note(path, Note("a", "", ()))
    assert read_note(path).dataset == "a"
    with pytest.raises(UserError, match="this is not a table of losses"):
        read_history(path)


@pytest.mark.parametrize("moment", ["before the file takes its place", "after it"])
def test_a_kill_leaves_a_file_that_is_read(tmp_path, monkeypatch, moment):
    import os

    path = tmp_path / "history.csv"
    write_history(path, [{"epoch": 1, "seed": 0}])
    replace = os.replace

    def killed(one, two):
        if str(two) == str(path):
            if moment == "after it":
                replace(one, two)
            raise KeyboardInterrupt
        replace(one, two)

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_history(path, [{"epoch": 2, "seed": 0}])
    assert read_history(path)["epoch"].tolist() == [1 if moment.startswith("before") else 2]


def test_a_writer_that_fails_leaves_the_old_file_and_its_seal(tmp_path):
    path = tmp_path / "a.csv"
    write_history(path, [{"epoch": 1, "seed": 0}])
    with pytest.raises(UnicodeEncodeError), sealed(path) as temporary:
        temporary.write_text("half, then \udcff", encoding="utf-8")
    assert read_history(path)["epoch"].tolist() == [1]
    assert sorted(p.name for p in tmp_path.iterdir()) == [".a.csv.sha256", "a.csv"]
