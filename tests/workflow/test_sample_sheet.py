"""A folder of FCS files becomes a study by one command; a chain of controls joins its batches; a changed sheet."""

import subprocess
import sys

import numpy as np
import pytest

from outofsample.files import fcs
from tests.unit.own.small_study import CHANNELS, LABELS

#: What each batch adds to CD19 and CD4, in units of arcsinh(x / 5).
SHIFTS = {"b1": (0.0, 0.0), "b2": (0.5, -0.3), "b3": (0.9, 0.4)}
#: So different that one control taken for the other would be seen.
MEANS = {"ctrlA": 2.8, "ctrlB": 3.4, "p": 3.0, "q": 3.1}
FILES = ("ctrlA_b1", "ctrlA_b2", "ctrlB_b2", "ctrlB_b3", "p_b3", "q_b2")
STUDY, SHEET = "studies/chained.yaml", "studies/chained.tsv"
METHODS = "\nmethods:\n  quantile_mapping: {edit_options: {tails: shift}}\n"


@pytest.fixture(scope="module")
def chained(workflow):
    """The working tree after new_study and a whole run."""
    folder = workflow.folder / "data" / "chained"
    folder.mkdir(parents=True)
    for seed, name in enumerate(FILES):
        domain, batch = name.split("_")
        true = np.random.default_rng(seed).normal(MEANS[domain], 0.3, (300, 2))
        cells = np.sinh(true + SHIFTS[batch]) * 5
        whole = np.column_stack([np.arange(300), cells, np.ones(300)]).astype(np.float32)
        fcs.write_fcs(folder / f"{name}.fcs", whole, CHANNELS, LABELS)
    command = ["scripts/new_study.py", "data/chained", "--pattern", "{domain}_{condition}.fcs", "--reference", "b1"]
    run = subprocess.run([sys.executable, *command], cwd=workflow.folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0 and "a chain of controls: b3 -> b2 (by ctrlB) -> b1 (by ctrlA)" in run.stdout, run
    # As it is written it passes; the networks of the template would take minutes.
    assert workflow.planned(study=STUDY)["train_model"] == 2
    study = workflow.folder / STUDY
    study.write_text(study.read_text().partition("\nmodels:")[0] + METHODS)
    run = workflow.snakemake(study=STUDY)
    assert run.returncode == 0, run.stdout[-6000:]
    return workflow


def medians(path):
    return np.median(np.arcsinh(fcs.read_fcs(path).values[:, 1:3] / 5), axis=0)


def test_files_come_back_as_the_reference_batch_would_have_measured_them(chained):
    own = chained.folder / "results" / "chained" / "own" / "batch" / "quantile_mapping"
    for query, file in (("p", "p_b3.fcs"), ("q", "q_b2.fcs")):
        np.testing.assert_allclose(medians(own / query / file), MEANS[query], atol=0.15)
    page = (own.parent / "quantile_mapping_changes.html").read_text()
    assert "Path of the change: b3 -&gt; b2 (control ctrlB) -&gt; b1 (control ctrlA)" in page
    assert "Path of the change: b2 -&gt; b1 (control ctrlA)" in page


def test_a_sheet_that_says_the_same_runs_nothing(chained):
    sheet = chained.folder / SHEET
    text = sheet.read_text()
    sheet.write_text("# a comment\n" + text)
    assert chained.planned(study=STUDY) == {}
    sheet.write_text(text)


def test_a_sheet_that_says_something_else_of_a_file_runs_all_that_rests_on_it(chained):
    sheet = chained.folder / SHEET
    text = sheet.read_text()
    head, *rows = text.splitlines()
    sheet.write_text("\n".join([f"{head}\tdonor", *(f"{row}\td{number}" for number, row in enumerate(rows))]) + "\n")
    planned = chained.planned(study=STUDY)
    assert planned["preprocess_dataset"] == planned["split_task"] == 1 and planned["write_back"] == 1
    # The files are the same, so none is copied again.
    assert "fetch_file" not in planned
    sheet.write_text(text)


def test_a_new_file_is_fetched(chained):
    sheet, folder = chained.folder / SHEET, chained.folder / "data" / "chained"
    text = sheet.read_text()
    (folder / "q2_b2.fcs").write_bytes((folder / "q_b2.fcs").read_bytes())
    sheet.write_text(text + "q2_b2.fcs\tb2\tq\n")
    planned = chained.planned(study=STUDY)
    assert planned["fetch_file"] == planned["preprocess_dataset"] == 1
    sheet.write_text(text)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("ctrlB_b3.fcs\tb3\tctrlB", "ctrlB_b3.fcs\tb3\tctrlC", "b3 has no control"),
        ("ctrlB_b3.fcs\t", "ctrlB_b4.fcs\t", "line 5, column 'path': there is no file 'ctrlB_b4.fcs'"),
    ],
)
def test_what_is_wrong_ends_before_any_job(chained, old, new, words):
    sheet = chained.folder / SHEET
    text = sheet.read_text()
    sheet.write_text(text.replace(old, new))
    run = chained.snakemake("-n", study=STUDY)
    sheet.write_text(text)
    assert run.returncode != 0 and words in " ".join(run.stdout.split())
