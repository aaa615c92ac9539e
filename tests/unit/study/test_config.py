"""Configuration: all problems at once, each in a sentence; the schema agrees with the models."""

import json
import subprocess
import sys
import time

import pytest
import yaml

from outofsample import registry
from outofsample.errors import UserError
from outofsample.study.config import load_study, read_study
from outofsample.study.json_schema import SCHEMA, study_schema
from tests.conftest import ROOT

STUDIES = [ROOT / "config.yaml", *sorted((ROOT / "studies").glob("*.yaml"))]


def minimal(**changes) -> dict:
    study = {
        "study": "mine",
        "datasets": {"dengue": {}},
        "tasks": {
            "dengue": {
                "dataset": "dengue",
                "queries": [{"domain": "sample1", "source": "batch1", "target": "batch2"}],
            }
        },
        "methods": {"neuron_editing": {}, "no_change": {}},
    }
    return {**study, **changes}


def problems(values: dict) -> str:
    with pytest.raises(UserError) as error:
        load_study(values, ROOT, "my.yaml")
    return str(error.value)


def test_minimal_study_is_enough():
    study = load_study(minimal())
    assert study.seeds == [0, 1, 2]
    assert study.task_methods("dengue") == ["neuron_editing", "no_change"]
    assert study.method_spec("neuron_editing")["model"] == "autoencoder"
    assert study.model_spec("autoencoder", "dengue")["settings"]["hidden"] == (500, 250)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.name)
def test_shipped_studies_are_valid(path):
    study = read_study(path)
    assert study.selected("tasks")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sedes": 3}, "sedes: unknown key (did you mean 'seeds'?)"),
        ({"seeds": "many"}, "seeds: must be a number of seeds (at least 1) or a list of seeds"),
        ({"seeds": 0}, "of seeds (0 or more) (found 0)"),
        ({"device": "gpu"}, "device: Input should be 'auto', 'cpu' or 'cuda' (found 'gpu')"),
        ({"study": "a/b"}, "study: String should match pattern"),
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
        ({"evaluation": {"resamples": 1}}, "evaluation.resamples: Input should be greater than or equal to 2"),
    ],
)
def test_each_problem_gets_a_sentence(changes, sentence):
    assert sentence in problems(minimal(**changes))


LEAVE_OUT = {
    "dataset": "dengue",
    "leave_one_out": "domain",
    "domains": ["control", "sample 1"],
    "source": "batch1",
    "targets": ["batch2"],
}


def test_leaving_each_domain_out_gives_a_task_each():
    table = {"title": "T", "tasks": ["each"], "columns": [{"score": "means_r", "label": "r"}]}
    figure = {"title": "F", "notebook": "summary", "scores": ["each"]}
    values = minimal(tasks={"each": LEAVE_OUT}, tables={"t": table}, figures={"f": figure}, run={"tasks": ["each"]})
    study = load_study(values)
    names = ["each.control", "each.sample_1"]
    assert list(study.tasks) == study.selected("tasks") == names
    assert study.tables["t"].tasks == study.figures["f"].scores == names
    query = study.tasks["each.sample_1"].as_queries()[0]
    assert vars(query) == {"name": "batch2", "domain": "sample 1", "source": "batch1", "target": "batch2"}


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
    assert vars(study.tasks["t"].as_queries()[0]) == {"name": name, **query}
    study = load_study(minimal(tasks={"each": {**LEAVE_OUT, "targets": [target]}}))
    assert study.tasks["each.control"].as_queries()[0].name == name


def test_default_names_that_would_be_the_same():
    targets = ["day 1/2", "day 1 2"]
    queries = [{"domain": "sample1", "source": "batch1", "target": target} for target in targets]
    values = minimal(tasks={"t": {"dataset": "dengue", "queries": queries}})
    assert "two queries have the same name: day_1_2, day_1_2; give each its own 'name'" in problems(values)
    values = minimal(tasks={"each": {**LEAVE_OUT, "targets": targets}})
    assert "tasks.each.targets: two queries would have the same name: day_1_2, day_1_2" in problems(values)


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


def test_extending_joins_definitions_and_inherits_no_selection(tmp_path):
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(minimal(run={"methods": ["no_change"]})))
    study = load_study({"study": "other", "extends": "base.yaml", "methods": {"pca_editing": {}}}, tmp_path)
    assert study.selected("methods") == ["neuron_editing", "no_change", "pca_editing"]


def test_extending_in_a_circle_is_an_error(tmp_path):
    (tmp_path / "a.yaml").write_text("{study: a, extends: b.yaml}")
    (tmp_path / "b.yaml").write_text("{study: b, extends: a.yaml}")
    with pytest.raises(UserError, match="extends itself"):
        load_study({"study": "c", "extends": "a.yaml"}, tmp_path)


def test_files_that_are_no_yaml_mapping(tmp_path):
    (tmp_path / "list.yaml").write_text("- a")
    (tmp_path / "broken.yaml").write_text("a: [")
    for name, sentence in (("list.yaml", "must be a mapping"), ("broken.yaml", "not valid YAML"), ("none", "no such")):
        with pytest.raises(UserError, match=sentence):
            read_study(tmp_path / name)


def test_schema_file_is_up_to_date():
    assert json.loads(SCHEMA.read_text()) == json.loads(json.dumps(study_schema())), "run `make schema`"


def test_schema_knows_the_settings_of_every_entry():
    schema = study_schema()
    for kind in registry.KINDS:
        assert set(schema["properties"][kind]["properties"]) == set(registry.available(kind))
    assert "hidden" in schema["properties"]["models"]["properties"]["autoencoder"]["properties"]


def test_checking_imports_no_heavy_package():
    script = (
        "import sys; from outofsample.study.config import read_study; read_study(sys.argv[1]);"
        "print([name for name in ('torch', 'anndata', 'scanpy', 'rpy2') if name in sys.modules])"
    )
    environment = {"PYTHONPATH": str(ROOT / "scripts")}
    run = subprocess.run(
        [sys.executable, "-c", script, str(ROOT / "config.yaml")], env=environment, capture_output=True, text=True
    )
    assert run.stdout.strip() == "[]", run.stderr
