"""The models of a study: defaults, and names that can be folders and keys."""

from datetime import date

import pytest

from outofsample.arrays import Query
from outofsample.study.load import load_study
from tests.unit.study.examples import LEAVE_OUT, minimal, problems


def test_minimal_study_is_enough():
    study = load_study(minimal())
    assert study.seeds == [0, 1, 2]
    assert study.task_methods("dengue") == ["neuron_editing", "no_change"]
    assert study.method_spec("neuron_editing")["model"] == "autoencoder"
    assert study.model_spec("autoencoder", "dengue")["settings"]["hidden"] == (500, 250)


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("day 1/2", "day_1_2"),
        ("../up", "up"),
        (".hidden", "hidden"),
        ("batch2", "batch2"),
        ("Hpoly.Day10",) * 2,
        ("-", "query"),
    ],
)
def test_a_target_that_cannot_be_a_folder_gives_a_name_that_can(target, name):
    query = {"domain": "sample1", "source": "batch1", "target": target}
    study = load_study(minimal(tasks={"t": {"dataset": "dengue", "queries": [query]}}))
    assert study.tasks["t"].as_queries() == (Query(name, **query),)
    study = load_study(minimal(tasks={"each": {**LEAVE_OUT, "targets": [target]}}))
    assert study.tasks["each.control"].as_queries()[0].name == name


def test_default_names_that_would_be_the_same():
    targets = ["day 1/2", "day 1 2"]
    queries = [{"domain": "sample1", "source": "batch1", "target": target} for target in targets]
    values = minimal(tasks={"t": {"dataset": "dengue", "queries": queries}})
    assert "two queries have the same name: day_1_2, day_1_2; give each its own 'name'" in problems(values)
    values = minimal(tasks={"each": {**LEAVE_OUT, "targets": targets}})
    assert "tasks.each.targets: two queries would have the same name: day_1_2, day_1_2" in problems(values)


@pytest.mark.parametrize("domains", [["a b", "a_b"], ["a" * 150 + "1", "a" * 150 + "2"]])
def test_domains_whose_tasks_would_have_one_name(domains):
    """One of the two tasks would be lost without a word."""
    said = problems(minimal(tasks={"each": {**LEAVE_OUT, "domains": domains}}))
    assert "tasks.each.domains: two tasks would have the same name" in said and "rename a domain" in said


@pytest.mark.parametrize(("given", "label"), [(0, "0"), (12, "12"), (date(2024, 3, 1), "2024-03-01"), ("01", "01")])
def test_labels_are_text_as_it_was_written(given, label):
    query = {"domain": given, "source": given, "target": "after"}
    task = load_study(minimal(tasks={"t": {"dataset": "dengue", "queries": [query]}})).tasks["t"]
    assert (task.queries[0].domain, task.queries[0].source) == (label, label)


@pytest.mark.parametrize(
    ("given", "words"), [(False, "no, false or off"), (True, "yes, true or on"), (1.1, "a number")]
)
def test_labels_that_yaml_made_something_else_of_are_to_be_quoted(given, words):
    query = {"domain": "a", "source": given, "target": "after"}
    found = problems(minimal(tasks={"t": {"dataset": "dengue", "queries": [query]}}))
    assert "tasks.t.queries.0.source: YAML takes" in found and words in found and "put the label in quotes" in found


def test_a_study_with_a_space_in_its_name():
    found = problems(minimal(study="my study"))
    assert "study: the name 'my study' makes files and keys: it must begin with a letter or a digit" in found


def test_the_home_folder_is_expanded(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    assert load_study(minimal(data_dir="~/data")).data_dir == "/home/somebody/data"


def test_controls_stand_in_place_of_source_domains_and_lead_one_way():
    query = {"domain": "sample1", "source": "batch1", "target": "batch2"}
    back = {"domain": "sample1", "source": "batch2", "target": "batch1"}
    task = {"dataset": "dengue", "queries": [query], "controls": ["control"]}
    told = problems(minimal(tasks={"t": {**task, "source_domains": ["control"]}}))
    assert "either 'controls' or 'source_domains', not both" in told
    told = problems(minimal(tasks={"t": {**task, "queries": [query, back]}}))
    assert "'batch1' is the source of one query and the target of another" in told
