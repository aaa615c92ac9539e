"""A cohort from its files to its files: fitted to a drawn part, predicted file by file, told how far it is."""

import json

import pandas as pd
import pytest

from outofsample.files import fcs
from tests.unit.own.small_cohort import POPULATIONS, QUERY, write_cohort

FILES = "results/cohort/own/t/mean_shift_files.csv"
PAGE = "results/cohort/own/t/mean_shift_changes.html"


@pytest.fixture(scope="module")
def cohort(workflow):
    """The output of a run of a cohort, in a copy of the working tree."""
    folder = workflow.folder / "cohort" / "mine"
    folder.mkdir(parents=True)
    study = {
        "study": "cohort",
        "data_dir": "cohort",
        "seeds": 1,
        "datasets": {"mine": {"uses": "own", "folder": "mine", "fit_cells": 100, **write_cohort(folder, "fcs")}},
        "tasks": {
            "t": {
                "dataset": "mine",
                "queries": [{"name": "q", "domain": QUERY.domain, "source": QUERY.source, "target": QUERY.target}],
            }
        },
        "methods": {"mean_shift": {}},
    }
    (workflow.folder / "cohort.yaml").write_text(json.dumps(study))
    run = workflow.snakemake(FILES, PAGE, study="cohort.yaml")
    assert run.returncode == 0, run.stdout[-6000:]
    return run.stdout


def test_all_cells_come_back_in_their_files(workflow, cohort):
    for name, domain, _, cells in POPULATIONS:
        path = workflow.folder / "results" / "cohort" / "own" / "t" / "mean_shift" / "q" / f"{name}.fcs"
        assert path.exists() == (domain == QUERY.domain)
        assert domain != QUERY.domain or len(fcs.read_fcs(path).values) == cells
    table = pd.read_csv(workflow.folder / FILES)
    assert table.groupby("file")["cells"].first().to_dict() == {"patient1.fcs": 40, "patient2.fcs": 380}


def test_the_terminal_says_how_far_the_study_is(workflow, cohort):
    assert "cohort: 2 files are to be written, with 420 cells in all" in cohort
    assert "cohort: file 2 of 2 is written" in cohort
    lines = (workflow.folder / "results" / "cohort" / "progress.txt").read_text().splitlines()
    assert [line.partition("cohort: ")[2] for line in lines] == [
        "2 files are to be written, with 420 cells in all",
        "file 1 of 2 is written",
        "file 2 of 2 is written",
    ]


def test_the_page_says_what_it_rests_on(workflow, cohort):
    page = (workflow.folder / PAGE).read_text()
    assert "rest on at most 100 cells of each population" in page
    assert "2 files with 420 cells were written" in page and "patient2.fcs" in page


def test_what_r_can_apply_to_further_cells_is_kept_and_predicts_the_files(workflow, cohort):
    study = json.loads((workflow.folder / "cohort.yaml").read_text())
    study |= {"study": "corrected", "methods": {"limma": {}, "mnn": {}}}
    (workflow.folder / "corrected.yaml").write_text(json.dumps(study))
    planned = workflow.planned("results/corrected/own/t/limma_files.csv", study="corrected.yaml")
    assert {"correct_batches_of_cohort_kept", "predict_files", "join_files"} <= set(planned)
    planned = workflow.planned("results/corrected/predictions/t/mnn.h5ad", study="corrected.yaml")
    assert planned["correct_batches_of_cohort"] == 1 and "predict_files" not in planned


def test_nothing_runs_again_until_a_file_changes(workflow, cohort):
    assert workflow.planned(FILES, PAGE, study="cohort.yaml") == {}
    path = workflow.folder / "cohort" / "mine" / "patient1.fcs"
    path.write_bytes(path.read_bytes())
    planned = workflow.planned(FILES, PAGE, study="cohort.yaml")
    assert {"fetch_file", "preprocess_dataset", "predict_files", "join_files"} <= set(planned)
