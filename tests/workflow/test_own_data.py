"""Data of one's own: what runs again after the user has changed a file, and what the page waits for."""

import os
import re

import pytest

STUDY = """
study: mine
data_dir: mine
seeds: 1
datasets:
  cells: {uses: own, folder: cells, files: [cells.csv], condition_column: day, domain_column: person}
tasks:
  task: {dataset: cells, queries: [{domain: patient, source: before, target: after}]}
methods: {mean_shift: {}}
"""
ROWS = ["control,before,1,2", "control,after,3,4", "patient,before,5,6"]
DATASET = "results/mine/datasets/cells.h5ad"


@pytest.fixture(scope="module")
def table(workflow):
    """The user's table, which was read once."""
    (workflow.folder / "mine.yaml").write_text(STUDY)
    path = workflow.folder / "mine" / "cells" / "cells.csv"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(["person,day,CD4,CD19", *ROWS * 20]) + "\n")
    run = workflow.snakemake(DATASET, study="mine.yaml")
    assert run.returncode == 0, run.stdout[-4000:]
    assert workflow.planned(DATASET, study="mine.yaml") == {}
    return path


def test_a_file_that_its_user_changes_is_read_again(workflow, table):
    table.write_text(table.read_text().replace("3,4", "7,8"))
    assert workflow.planned(DATASET, study="mine.yaml") == {"fetch_file": 1, "preprocess_dataset": 1, "total": 2}
    assert workflow.snakemake(DATASET, study="mine.yaml").returncode == 0
    assert "7,8" in (workflow.folder / "results" / "mine" / "raw" / "cells" / "cells.csv").read_text()
    assert workflow.planned(DATASET, study="mine.yaml") == {}


def test_an_older_file_in_its_place_is_read_too(workflow, table):
    table.write_text(table.read_text().replace("5,6", "6,5"))
    os.utime(table, (1e9, 1e9))
    assert "fetch_file" in workflow.planned(DATASET, study="mine.yaml")


def test_the_page_waits_for_all_whose_times_it_shows(workflow, table):
    output = workflow.snakemake("-n", "--forceall", study="mine.yaml").stdout
    (inputs,) = re.findall(r"rule make_page:\n    input: (.*)\n", output)
    assert {"results/mine/own/task/mean_shift", "results/mine/own/task/mean_shift_changes.html"} <= set(
        inputs.split(", ")
    )
