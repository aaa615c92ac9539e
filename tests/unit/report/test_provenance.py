"""What a study was made with, and the times of its jobs."""

import math

from outofsample.files.history import write_history
from outofsample.report import provenance


def test_times_and_memory_of_rules(small):
    table, train = provenance.times(small.folder / "benchmarks")
    assert (train["rule"], train["jobs"], train["sum"], train["median"], train["max"]) == ("train_model", 2, 30, 15, 20)
    assert (train["memory_median"], train["memory_max"]) == (150, 200)
    assert table["rule"] == "make_table" and math.isnan(table["memory_max"])
    assert provenance.times(small.folder / "nothing") == []


def test_packages_that_compute_predictions_are_named():
    assert {"cytonormpy", "pot", "scranpy", "scvi-tools", "torch"} <= set(provenance.PACKAGES)


def test_the_commit_is_that_of_the_project_alone(tmp_path):
    assert provenance.commit(tmp_path) == ""


def test_the_precision_of_each_model_is_that_of_its_histories(tmp_path):
    trained = {"kang/trvae": "float32", "hela/trvae": "bfloat16", "kang/gan": "bfloat16"}
    for name, precision in trained.items():
        (tmp_path / name).mkdir(parents=True)
        write_history(tmp_path / name / "history_0.csv", [{"epoch": 1, "precision": precision, "seed": 0}] * 2)
    (tmp_path / "kang" / "pca").mkdir()
    write_history(tmp_path / "kang" / "pca" / "history_0.csv", [])
    assert provenance.precisions(tmp_path) == [("bfloat16", ["gan", "trvae"]), ("float32", ["trvae"])]
    assert provenance.precisions(tmp_path / "nothing") == []
