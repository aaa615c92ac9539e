"""What is wrong with a study: all problems at once, each in a sentence that names the key."""

import time

import pytest

from tests.unit.study.examples import LEAVE_OUT, minimal, problems


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sedes": 3}, "sedes: unknown key (did you mean 'seeds'?)"),
        ({"seeds": "many"}, "seeds: must be a number of seeds (at least 1) or a list of seeds"),
        ({"seeds": 0}, "of seeds (0 or more) (found 0)"),
        ({"device": "gpu"}, "device: Input should be 'auto', 'cpu' or 'cuda' (found 'gpu')"),
        ({"study": "a/b"}, "study: the name"),
        ({"methods": {"neuron_edit": {}}}, "there is no 'neuron_edit' (did you mean 'neuron_editing'?)"),
        ({"methods": {"neuron_editing": {"outputs": "decode"}}}, "unknown key 'outputs' (did you mean 'output'?)"),
        ({"methods": {"neuron_editing": {"output": "resid"}}}, "output must be 'decode' or 'residual', not 'resid'"),
        ({"methods": {"neuron_editing": {"edit_options": {"tails": "p"}}}}, "tails must be 'paper', 'shift' or"),
        ({"methods": {"x": {"uses": "latent_edit", "model": "autoencodr"}}}, "no model 'autoencodr' (did you mean"),
        ({"models": {"autoencoder": {"epochs": "ten"}}}, "models.autoencoder.epochs: Input should be a valid integer"),
        ({"models": {"autoencoder": {"epochs": 0}}}, "epochs must be at least 1, not 0"),
        ({"models": {"autoencoder": {"widths": [1]}}}, "unknown key 'widths'; known here: learning_rate"),
        ({"datasets": {}}, "tasks.dengue.dataset: nobody defines the dataset 'dengue'"),
        ({"datasets": {"dengue": {"cofacter": 5}}}, "unknown key 'cofacter' (did you mean 'cofactor'?)"),
        ({"run": {"tasks": ["dengu"]}}, "run.tasks: 'dengu' is not defined (did you mean 'dengue'?)"),
        ({"run": {"taks": ["dengue"]}}, "run.taks: unknown key (did you mean 'tasks'?)"),
        (
            {"methods": {"gan_extrapolated": {"uses": "no_change"}, "gan": {}}},
            "methods.gan_extrapolated: rename it; a folder of this name holds the extrapolated cells of the method",
        ),
        ({"evaluation": {"resamples": 1}}, "evaluation.resamples: Input should be greater than or equal to 2"),
    ],
)
def test_each_problem_gets_a_sentence(changes, sentence):
    assert sentence in problems(minimal(**changes))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"methods": {"neuron_edit": {}}}, "methods.neuron_edit: "),
        ({"datasets": {"kang": {"cells": "ten"}}}, "datasets.kang.cells: "),
        ({"datasets": {"haber": {"cels": 3}}}, "datasets.haber: unknown key 'cels'"),
        ({"datasets": {"haber": {"uses": "habr"}}, "run": {"tasks": ["haber.Tuft"]}}, "datasets.haber: "),
        ({"tasks": {"haber": {**LEAVE_OUT, "dataset": "habr", "domains": []}}}, "tasks.haber.dataset: "),
    ],
)
def test_one_slip_on_top_of_the_demo_is_one_problem(changes, problem):
    message = problems({"study": "other", "extends": "config.yaml", **changes})
    assert message.startswith(f"my.yaml has 1 problem(s):\n  - {problem}"), message


def test_missing_keys_are_named():
    assert "tasks: this key is missing" in problems({"study": "mine", "datasets": {}, "methods": {}})


def test_unknown_key_of_a_task_is_named():
    values = minimal()
    values["tasks"]["dengue"]["heldout"] = []
    assert "tasks.dengue.heldout: unknown key (did you mean 'held_out'?)" in problems(values)


def test_unknown_model_settings_of_a_task_are_named():
    values = minimal()
    values["tasks"]["dengue"]["models"] = {"autoencoder": {"latnt": 3}}
    assert "tasks.dengue.models.autoencoder: unknown key 'latnt' (did you mean 'latent'?)" in problems(values)


def test_table_of_a_task_that_is_not_run():
    table = {"title": "T", "tasks": ["dengu"], "columns": [{"score": "means_r", "label": "r"}]}
    assert "task 'dengu' is not run by this study (did you mean 'dengue'?)" in problems(minimal(tables={"t": table}))


def test_all_problems_come_in_one_message_and_soon():
    start = time.monotonic()
    message = problems(minimal(methods={"neuron_edit": {}, "pca_edit": {}}, datasets={}))
    assert message.startswith("my.yaml has 3 problem(s):")
    assert len(message.splitlines()) == 4
    assert time.monotonic() - start < 15
