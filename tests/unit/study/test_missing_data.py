"""Which data cannot be had: known before any job starts, and after a run."""

import copy

import pytest

from outofsample.errors import UserError
from outofsample.files import missing
from outofsample.study.load import load_study
from outofsample.study.missing_data import check_data, tasks_without_data
from outofsample.study.plan import Plan
from outofsample.study.presentation import Presentation
from tests.unit.study.test_plan import SMALL, TASK, plan_of


def without_data(folder):
    """Return the plan of a study with a dataset that lacks a file without address, and one that does not."""
    celeba = {"dataset": "celeba", "queries": [{"domain": "female", "source": "black", "target": "blond"}]}
    changes = {"datasets": {"dengue": {}, "celeba": {}}, "tasks": {"t": TASK, "faces": celeba}}
    return Plan(load_study({**copy.deepcopy(SMALL), "study": "without", **changes}), folder)


def test_data_without_an_address_are_left_out_with_a_reason(tmp_path):
    plan = without_data(tmp_path)
    assert plan.missing == {"celeba"} and plan.is_missing("faces") and not plan.is_missing("t")
    assert plan.runs("faces") == [] and plan.predictions("faces") == [] and plan.runs("t")
    assert set(plan.evaluation_spec("faces").not_run.values()) == {missing.REASON}
    assert plan.fitted_files("faces", "small") == plan.history_files("faces", "small") == []
    assert plan.classifier_files("faces") == [] and plan.fetched == ["celeba"]
    spec = plan.evaluation_spec("faces")
    assert (spec.task, spec.methods) == ("faces", tuple(SMALL["methods"])) and len(spec.queries) == 1
    for raw in plan.originals("celeba").values():
        (tmp_path / "celeba").mkdir(exist_ok=True)
        (tmp_path / "celeba" / raw.name).touch()
    assert without_data(tmp_path).missing == frozenset()


def test_tasks_without_data_are_counted_after_a_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dataset = tmp_path / "results" / "without" / "datasets" / "celeba.h5ad"
    missing.write_note(dataset, missing.Note("celeba", "", ()))
    plan = without_data("data")
    assert tasks_without_data(plan) == ["faces"]
    said = Presentation(plan).last_line()
    assert said.startswith("1 of 2 tasks could not run, since their data could not be had: faces.")
    dataset.write_bytes(b"cells")
    assert tasks_without_data(plan) == [] and Presentation(plan).last_line() == ""


def test_results_are_not_undone_since_their_data_are_gone(tmp_path, monkeypatch):
    """On a compute node that sees the results alone, all is planned as before; a run is not started."""
    monkeypatch.chdir(tmp_path)
    raw = tmp_path / "results" / "without" / "raw" / "celeba"
    for name in without_data("data").originals("celeba"):
        missing.write_note(raw / name, missing.Note("celeba", "", ()))
    assert without_data("data").missing == {"celeba"}
    check_data(without_data("data"))
    for path in raw.iterdir():
        path.write_bytes(b"faces")
    plan = without_data("data")
    assert plan.missing == frozenset() and plan.runs("faces")
    with pytest.raises(
        UserError, match=r"data/celeba/img_align_celeba\.zip: this file is gone, and results/without has"
    ):
        check_data(plan)


def test_what_is_put_into_the_data_folder_is_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = without_data("data")
    name = "list_attr_celeba.txt"
    missing.count_failure(plan.paths.raw("celeba", name))
    assert plan.fetch_spec("celeba", name).state == ""
    (tmp_path / "data" / "celeba").mkdir(parents=True)
    (tmp_path / "data" / "celeba" / name).touch()
    assert plan.fetch_spec("celeba", name).state.endswith(" 1 failures")


def test_a_download_that_failed_is_tried_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = plan_of(study="again", datasets={"hela": {}}, tasks={"t": {**TASK, "dataset": "hela"}})
    (name,) = plan.originals("hela")
    before = plan.fetch_spec("hela", name)
    assert (before.state, before.dataset, before.required) == ("", "hela", False)
    missing.count_failure(plan.paths.raw("hela", name))
    assert plan.fetch_spec("hela", name).state == "1 failures"
