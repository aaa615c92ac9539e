"""Methods that are run on some tasks alone, and those that belong together."""

import pytest

from outofsample.study.load import load_study, read_study
from tests.conftest import ROOT
from tests.unit.study.examples import LEAVE_OUT, minimal, problems


def study(**method):
    methods = {"neuron_editing": {}, "no_change": method}
    return minimal(tasks={**minimal()["tasks"], "each": LEAVE_OUT}, methods=methods)


def test_a_method_for_some_tasks_is_run_on_these_alone():
    read = load_study(study(tasks=["each.control"]))
    methods = {task: read.task_methods(task) for task in read.tasks}
    assert methods["each.control"] == ["neuron_editing", "no_change"]
    assert methods["each.sample_1"] == methods["dengue"] == ["neuron_editing"]


def test_a_method_for_a_task_that_leaves_each_domain_out_is_run_on_all_of_them():
    read = load_study(study(tasks=["each"]))
    assert read.methods["no_change"].tasks == ["each.control", "each.sample_1"]
    assert read.task_methods("dengue") == ["neuron_editing"]
    assert read.methods["no_change"].settings == {}


def test_a_study_skips_methods_in_some_tasks():
    tasks = {**minimal()["tasks"], "each": LEAVE_OUT}
    read = load_study(minimal(tasks=tasks, run={"skip": {"each": ["neuron_editing"]}}))
    assert read.task_methods("dengue") == ["neuron_editing", "no_change"]
    assert read.task_methods("each.control") == read.task_methods("each.sample_1") == ["no_change"]
    methods = {"neuron_editing": {}, "no_change": {}, "mean_shift": {}}
    both = {"each": ["no_change"], "each.control": ["neuron_editing"]}
    read = load_study(minimal(tasks=tasks, methods=methods, run={"skip": both}))
    assert read.task_methods("each.control") == ["mean_shift"]
    assert read.task_methods("each.sample_1") == ["neuron_editing", "mean_shift"]


@pytest.mark.parametrize(
    ("skip", "told"),
    [
        ({"dengeu": ["no_change"]}, "run.skip: 'dengeu' is not defined (did you mean 'dengue'?)"),
        ({"dengue": ["no_chang"]}, "run.skip.dengue: 'no_chang' is not defined (did you mean 'no_change'?)"),
    ],
)
def test_what_a_study_skips_must_be_defined(skip, told):
    assert told in problems(minimal(run={"skip": skip}))


@pytest.mark.parametrize(
    "changed",
    [
        {"run": {"skip": {"dengue": ["neuron_editing", "no_change"]}}},
        {"tasks": {"dengue": {**minimal()["tasks"]["dengue"], "methods": []}}},
    ],
)
def test_a_task_needs_a_method(changed):
    assert "run.tasks: 'dengue' is left without a method; look at run.methods" in problems(minimal(**changed))


def test_a_study_that_extends_the_demo_skips_nothing_of_it():
    demo, every = read_study(ROOT / "config.yaml"), read_study(ROOT / "studies/three_seeds.yaml")
    assert demo.run.skip
    for task, methods in demo.run.skip.items():
        assert not set(methods) & set(demo.task_methods(task)), task
        assert set(methods) <= set(every.task_methods(task)), task


def test_a_method_for_a_task_that_nobody_defines_is_named():
    assert "methods.no_change.tasks: there is no task 'dengeu' (did you mean 'dengue'?)" in problems(
        study(tasks=["dengeu"])
    )


@pytest.mark.parametrize("name", ["config", "studies/open_data", "studies/sample_data", "studies/paper"])
def test_a_bounded_twin_runs_wherever_the_published_tails_do(name):
    read = read_study(ROOT / f"{name}.yaml")
    for task in read.tasks:
        run = set(read.task_methods(task))
        for published in ("neuron_editing", "quantile_mapping"):
            assert published not in run or f"{published}_bounded" in run, f"{task}, {published}"
    on_hela = {"cytonorm_bounded", "pca_editing_bounded", "neuron_editing_residual_bounded"}
    assert "hela" not in read.selected("tasks") or on_hela <= set(read.task_methods("hela"))
    for method in on_hela & set(read.methods):
        entry, twin = read.methods[method], read.methods[method.removesuffix("_bounded")]
        settings = {key: value for key, value in entry.settings.items() if key not in ("tails", "edit_options")}
        assert entry.uses == (twin.uses or method.removesuffix("_bounded")) and settings == twin.settings
