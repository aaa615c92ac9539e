"""What a study was made with, and the times of its jobs."""

import math

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
