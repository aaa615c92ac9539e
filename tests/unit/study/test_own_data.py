"""A dry run tells of files that are not there, and of conditions and domains that no file has."""

import pytest

from outofsample.errors import UserError
from outofsample.study.load import load_study
from outofsample.study.own_data import check_own
from outofsample.study.plan import Plan
from tests.conftest import ROOT

FILES = [
    {"path": "c1.fcs", "condition": "batch1", "domain": "control"},
    {"path": "c2.fcs", "condition": "batch2", "domain": "control"},
    {"path": "q.fcs", "condition": "batch1"},
]
QUERY = {"name": "q", "domain": "q", "source": "batch1", "target": "batch2"}


def check(folder, files=None, made=("c1.fcs", "c2.fcs", "q.fcs"), query=None, dataset=None, **task):
    """Check a study of which some files are made."""
    for name in made:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    values = {
        "study": "mine",
        "data_dir": str(folder),
        "datasets": {"mine": {"uses": "own", "files": files or FILES, **(dataset or {})}},
        "tasks": {"t": {"dataset": "mine", "queries": [{**QUERY, **(query or {})}], **task}},
        "methods": {"no_change": {}},
    }
    check_own(Plan(load_study(values, ROOT)))


def problem(folder, **changes):
    with pytest.raises(UserError) as caught:
        check(folder, **changes)
    head, *lines = str(caught.value).splitlines()
    assert head == f"The study 'mine' has {len(lines)} problem(s) with its files:"
    return "\n".join(lines)


def test_a_study_that_is_right(tmp_path):
    check(tmp_path, source_domains=["control"], held_out=[["q", "batch2"]], conditions=["batch1", "batch2"])


def test_missing_files_and_misspelt_conditions_are_told_together(tmp_path):
    told = problem(tmp_path, made=["c1.fcs"], query={"source": "batch11"})
    assert told.count("this file does not exist; check 'data_dir', 'folder' and 'files'") == 2
    assert f"datasets.mine: {tmp_path}/./q.fcs" in told
    assert "tasks.t: the dataset has no condition 'batch11' (did you mean 'batch1'?), which 'queries' names" in told


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"query": {"target": "batch3"}}, "no condition 'batch3' (did you mean 'batch"),
        ({"query": {"domain": "Q"}}, "no domain 'Q'"),
        ({"source_domains": ["contrl"]}, "no domain 'contrl' (did you mean 'control'?), which 'source_domains' names"),
        ({"held_out": [["q", "bacth2"]]}, "no condition 'bacth2' (did you mean 'batch2'?), which 'held_out' names"),
        ({"reference": [["x", "batch2"]]}, "no domain 'x', which 'reference' names; it has control, q"),
        ({"conditions": ["batch1", "batch9"]}, "no condition 'batch9'"),
        ({"query": {"domain": "q", "source": "batch2"}}, "query 'q': no file is of the domain 'q' in the condition"),
    ],
)
def test_every_name_of_a_task_is_looked_up(tmp_path, changes, words):
    assert words in problem(tmp_path, **changes)


def test_labels_in_columns_are_not_known_yet(tmp_path):
    files = [{"path": "a.csv", "condition": "batch1"}, {"path": "b.csv", "condition": "batch2"}]
    options = {"files": files, "made": ["a.csv", "b.csv"], "dataset": {"domain_column": "person"}}
    check(tmp_path, query={"domain": "anybody"}, **options)
    assert "no condition 'batch5'" in problem(tmp_path, query={"source": "batch5"}, **options)


@pytest.mark.parametrize(
    ("labels", "task", "words"),
    [
        ({}, {}, None),
        ({"other_b1.fcs": ("other", "b1")}, {}, "query 'b1': no chain of shared controls leads from b2 to b1"),
        (
            {},
            {"controls": ["contrl"]},
            "has no domain 'contrl' (did you mean 'control'?), which 'controls' names; it has control, p",
        ),
        ({}, {"queries": [{"domain": "p", "source": "b3", "target": "b1"}]}, "has no condition 'b3'"),
    ],
)
def test_what_a_task_asks_for_and_the_files_do_not_have_is_told_before_any_job(tmp_path, labels, task, words):
    files = {"control_b1.fcs": ("control", "b1"), "control_b2.fcs": ("control", "b2"), "p.fcs": ("p", "b2")}
    if labels:
        files = {**files, **labels}
        del files["control_b1.fcs"]
    entries = [{"path": path, "domain": domain, "condition": condition} for path, (domain, condition) in files.items()]
    asked = {"controls": ["control"], "queries": [{"domain": "p", "source": "b2", "target": "b1"}], **task}
    study = {
        "study": "mine",
        "datasets": {"cells": {"uses": "own", "files": entries}},
        "tasks": {"t": {"dataset": "cells", **asked}},
        "methods": {"no_change": {}},
    }
    for path in files:
        (tmp_path / path).touch()
    plan = Plan(load_study(study), tmp_path)
    if words is None:
        check_own(plan)
        return
    with pytest.raises(UserError) as caught:
        check_own(plan)
    assert words in str(caught.value)
