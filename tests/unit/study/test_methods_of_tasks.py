"""Methods that are run on some tasks alone."""

from outofsample.study.load import load_study
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


def test_a_method_for_a_task_that_nobody_defines_is_named():
    assert "methods.no_change.tasks: there is no task 'dengeu' (did you mean 'dengue'?)" in problems(
        study(tasks=["dengeu"])
    )
