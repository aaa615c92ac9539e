"""What jobs are told survives the way through JSON, and what is not a specification is refused by a sentence."""

import dataclasses
import importlib
import io
import json
import pkgutil
import sys

import pytest

import outofsample.jobs
from outofsample.errors import UserError
from outofsample.jobs.base import Spec, as_plain
from outofsample.jobs.split import SplitSpec
from outofsample.study.load import load_study, read_study
from outofsample.study.plan import Plan
from outofsample.study.presentation import Presentation
from tests.conftest import ROOT
from tests.unit.own.small_cohort import QUERY, write_cohort

KINDS = [
    value
    for module in pkgutil.iter_modules(outofsample.jobs.__path__)
    for value in vars(importlib.import_module(f"outofsample.jobs.{module.name}")).values()
    if isinstance(value, type) and issubclass(value, Spec) and value.__module__.endswith(f".{module.name}")
]
OWN = {
    "study": "mine",
    "datasets": {
        "mine": {
            "uses": "own",
            "scale": "none",
            "files": [
                {"path": "a;b $(c).fcs", "condition": "before", "domain": "kéy"},
                {"path": "two\nlines.fcs", "condition": "after", "domain": "x"},
            ],
        }
    },
    "tasks": {"t": {"dataset": "mine", "queries": [{"domain": "x", "source": "before", "target": "after"}]}},
    "methods": {"mean_shift": {}, "no_change": {"control": True}},
}


def specs_of(plan: Plan) -> list[Spec]:
    """Return the specification of every job of a study."""
    shown, study = Presentation(plan), plan.study
    made = [plan.dataset_spec(name) for name in plan.datasets]
    made += [plan.fetch_spec(name, file) for name in plan.datasets for file in plan.originals(name)]
    for task in plan.tasks:
        made += [plan.split_spec(task), plan.evaluation_spec(task)]
        made += [plan.transform_spec(task, group) for group in plan.by_model]
        made += [shown.changes_spec(task, method) for method in plan.methods]
        made += [shown.write_back_spec(task, method) for method in plan.methods]
        trained = [group for group in plan.by_model if plan.trains(group)]
        made += [plan.train_spec(task, m, batch) for m in trained for batch in plan.seed_batches(task, m)]
    for task in plan.cohorts.tasks:
        jobs = plan.cohorts.jobs(task)
        made += [plan.cohorts.files_spec(task, group, job) for group in plan.cohorts.groups(task) for job in jobs]
        made += [plan.cohorts.join_spec(task, method) for method in plan.methods]
    made += [plan.correction_spec(task, method) for task in plan.tasks for method in plan.correctors]
    made += [shown.table_spec(name) for name in study.selected("tables")]
    made += [shown.figure_spec(name) for name in study.selected("figures")]
    made += [shown.tuning_spec("config.yaml")] if study.tuning else []
    return [*made, shown.claims_spec(), shown.page_spec()]


@pytest.fixture(scope="module")
def specs(tmp_path_factory) -> list[Spec]:
    """The specifications of all jobs of the demo, of a tuning study, of a user's own files and of a cohort."""
    folder = tmp_path_factory.mktemp("data") / "mine"
    folder.mkdir()
    entry = {"uses": "own", "folder": "mine", "fit_cells": 100, **write_cohort(folder, "fcs")}
    query = {"domain": QUERY.domain, "source": QUERY.source, "target": QUERY.target}
    cohort = {
        **OWN,
        "data_dir": str(folder.parent),
        "datasets": {"mine": entry},
        "tasks": {"t": {"dataset": "mine", "queries": [query]}},
    }
    studies = [read_study(ROOT / name) for name in ("config.yaml", "studies/tuning.yaml")]
    return [spec for study in [*studies, load_study(OWN), load_study(cohort)] for spec in specs_of(Plan(study))]


def parts_of(value) -> set[type]:
    """Return the kinds of specification within one."""
    if dataclasses.is_dataclass(value):
        return {type(value)}.union(*(parts_of(getattr(value, field.name)) for field in dataclasses.fields(value)))
    if isinstance(value, dict):
        return set().union(*map(parts_of, value.values()))
    return set().union(*map(parts_of, value)) if isinstance(value, list | tuple) else set()


def test_every_kind_comes_back_from_json_as_it_was(specs):
    for spec in specs:
        assert type(spec).from_json(spec.to_json()) == spec
    assert {*KINDS} - {Spec} <= set().union(*map(parts_of, specs))


def test_specifications_are_frozen_and_one_line(specs):
    assert all(kind.__dataclass_params__.frozen for kind in KINDS)
    assert not any("\n" in spec.to_json() for spec in specs)


SPLIT = {"name": "t", "queries": [{"name": "q", "domain": "d", "source": "a", "target": "b"}]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "not the JSON of a SplitSpec"),
        ("{}", "missing required field `name`"),
        (json.dumps({**SPLIT, "name": 1}), "Expected `str`, got `int` - at `$.name`"),
        (json.dumps({**SPLIT, "helt_out": []}), "has no key 'helt_out' (did you mean 'held_out'?)"),
    ],
)
def test_what_is_no_specification_is_refused(text, said):
    with pytest.raises(UserError) as raised:
        SplitSpec.from_json(text, "mine.json")
    assert said in str(raised.value) and str(raised.value).startswith("mine.json: ")


def test_a_specification_is_read_from_a_file_or_from_standard_input(tmp_path, monkeypatch):
    spec = SplitSpec.from_json(json.dumps(SPLIT))
    (tmp_path / "spec.json").write_text(spec.to_json())
    assert SplitSpec.read(str(tmp_path / "spec.json")) == spec
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(spec.to_json().encode())))
    assert SplitSpec.read("-") == spec
    with pytest.raises(UserError, match=r"missing\.json: this specification cannot be read"):
        SplitSpec.read("missing.json")


def test_plain_settings_have_lists_for_tuples():
    assert as_plain({"widths": (1, 2.5), "name": None}) == {"widths": [1, 2.5], "name": None}
