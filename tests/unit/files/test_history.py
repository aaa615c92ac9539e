"""Losses over a training: a column for each name that any row has."""

import math

import pytest

from outofsample.errors import UserError
from outofsample.files.history import read_history, read_steps, write_history
from outofsample.files.missing import Note, write_note


def test_losses_are_read_as_they_were_written(tmp_path):
    rows = [{"epoch": 0, "train_mse": 0.125, "seed": 3}, {"epoch": 1, "validation_mse": 2.0, "seed": 3}]
    write_history(tmp_path / "history_3.csv", rows)
    frame = read_history(tmp_path / "history_3.csv")
    assert list(frame) == ["epoch", "train_mse", "seed", "validation_mse"] and frame["epoch"].tolist() == [0, 1]
    assert frame["train_mse"][0] == 0.125 and math.isnan(frame["train_mse"][1])


def test_no_losses_are_a_table_without_rows(tmp_path):
    write_history(tmp_path / "history_0.csv", [])
    assert list(read_history(tmp_path / "history_0.csv")) == ["seed"]


def test_other_files_are_refused(tmp_path):
    (tmp_path / "h.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"h\.csv: this is not a table of losses that train_model\.py wrote"):
        read_history(tmp_path / "h.csv")


def test_steps_are_those_of_the_shortest_seed(tmp_path):
    def losses(seed, *steps):
        return [{"epoch": number + 1, "steps": taken, "seed": seed} for number, taken in enumerate(steps)]

    for name, rows in {
        "t/trvae/history_0-1.csv": [*losses(0, 10, 20, 30), *losses(1, 10, 20)],
        "t/trvae/history_2.csv": losses(2, 10, 20, 25),
        "t/cvae/history_0.csv": losses(0, 10),
        "other/pca/history_0.csv": [],
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write_history(tmp_path / name, rows)
    missing = tmp_path / "nowhere" / "trvae" / "history_0.csv"
    missing.parent.mkdir(parents=True)
    write_note(missing, Note("celeba", "ask its authors", ()))
    assert read_steps(tmp_path.glob("*/*/*.csv")) == {("t", "trvae"): 20, ("t", "cvae"): 10}
