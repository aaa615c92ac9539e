"""Tasks that leave each domain out become a task per domain, wherever they are named."""

import pytest

from outofsample.arrays import Query
from outofsample.study.load import load_study
from tests.unit.study.examples import LEAVE_OUT, minimal, problems


def test_leaving_each_domain_out_gives_a_task_each():
    table = {"title": "T", "tasks": ["each"], "columns": [{"score": "means_r", "label": "r"}]}
    figure = {"title": "F", "notebook": "summary", "scores": ["each"]}
    values = minimal(tasks={"each": LEAVE_OUT}, tables={"t": table}, figures={"f": figure}, run={"tasks": ["each"]})
    study = load_study(values)
    names = ["each.control", "each.sample_1"]
    assert list(study.tasks) == study.selected("tasks") == names
    assert study.tables["t"].tasks == study.figures["f"].scores == names
    query = study.tasks["each.sample_1"].as_queries()[0]
    assert query == Query("batch2", "sample 1", "batch1", "batch2")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"source": None}, "tasks.each: 'leave_one_out' needs 'source' and 'targets'"),
        ({"queries": [{"domain": "a", "source": "b", "target": "c"}]}, "tasks.each: give either 'queries' or"),
        ({"leave_one_out": None}, "tasks.each: give 'queries', or 'leave_one_out: domain'"),
        ({"domains": []}, "tasks.each.domains: list them; the dataset 'dengue' does not know its domains"),
    ],
)
def test_wrong_leave_one_out_is_named(changes, sentence):
    assert sentence in problems(minimal(tasks={"each": {**LEAVE_OUT, **changes}}))
