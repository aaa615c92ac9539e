"""The page on adding a method, block by block; and what the author of a method is told about a mistake."""

import os
import re
import subprocess
import sys
from pathlib import Path

import anndata
import pandas as pd
import pytest

from outofsample import registry
from outofsample.errors import UserError
from outofsample.jobs.predict import MethodSpec, TransformSpec
from outofsample.jobs.train import ModelSpec
from outofsample.study.imports import files_imported
from outofsample.study.load import load_study
from tests.conftest import ROOT, run_script
from tests.workflow.conftest import Workflow

PAGE = (ROOT / "docs" / "add_a_method.md").read_text()
#: (language, title, text) of every block of the page; those with a title are files.
BLOCKS = re.findall(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', PAGE, re.DOTALL | re.MULTILINE)
COMMANDS = [line for language, _, text in BLOCKS if language == "bash" for line in text.splitlines()]


# ---- the page


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the working tree with the page's files in it; then its commands ran, and what they printed."""
    copy = Workflow(tmp_path_factory.mktemp("project"))
    for _, title, text in BLOCKS:
        if title:
            (copy.folder / title).parent.mkdir(exist_ok=True)
            (copy.folder / title).write_text(text)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    copy.printed = {}
    for command in COMMANDS:
        options = {"cwd": copy.folder, "env": environment, "capture_output": True, "text": True}
        run = subprocess.run(["timeout", "-k", "5", "400", "bash", "-c", command], **options)
        assert run.returncode == 0, f"{command}\n{run.stdout[-4000:]}\n{run.stderr[-4000:]}"
        copy.printed[command] = run.stdout + run.stderr
    return copy


def test_the_page_has_files_and_commands():
    assert {title for _, title, _ in BLOCKS if title} == {
        "my_methods/ridge_change.py",
        "my_methods/ica.py",
        "studies/mine.yaml",
        "studies/mine_network.yaml",
    }
    assert {language for language, title, _ in BLOCKS if not title} == {"bash"}
    assert sum(command.startswith("pytest --method") for command in COMMANDS) == 3


@pytest.mark.slow
@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("pytest")])
def test_the_contract_ran_on_it_and_on_nothing_else(project, command):
    counts = re.search(r"(\d+) passed", project.printed[command])
    assert 15 < int(counts[1]) < 30
    assert "failed" not in project.printed[command]


@pytest.mark.slow
def test_it_is_in_the_table_and_in_the_figure(project):
    results = project.folder / "results" / "mine"
    table = pd.read_csv(results / "tables" / "trvae_haber.csv")
    rows = table[(table["method"] == "ridge_change") & (table["score"] == "energy_distance")]
    assert set(rows["query"]) == {"Hpoly.Day3", "Hpoly.Day10", "Salmonella"}
    assert rows["mean"].notna().all() and rows["rank"].notna().all()
    assert "Ridge change" in (results / "tables" / "trvae_haber.md").read_text()
    figure = (results / "figures" / "first_look.html").read_text()
    assert "nearest to the oracle: Ridge change" in figure


@pytest.mark.slow
def test_it_ranks_as_the_page_says(project):
    scores = pd.read_csv(project.folder / "results" / "mine" / "scores" / "haber.Tuft.csv")
    rows = scores[(scores["score"] == "energy_distance") & (scores["method"] != "oracle")]
    distance = rows.pivot(index="query", columns="method", values="value")
    gain = distance["mean_shift"] - distance["ridge_change"]
    assert (gain > 0).all()
    assert gain.idxmax() == "Salmonella"


@pytest.mark.slow
def test_a_network_of_ones_own_is_in_the_table(project):
    table = pd.read_csv(project.folder / "results" / "mine_network" / "tables" / "trvae_haber.csv")
    assert table.loc[table["method"] == "ica_editing", "mean"].notna().any()


@pytest.mark.slow
def test_an_edit_of_the_file_runs_its_jobs_again_and_no_others(project):
    study = "studies/mine.yaml"
    assert project.planned(study=study) == {}
    path = project.folder / "my_methods" / "ridge_change.py"
    text = path.read_text()
    path.write_text(text + "\n# a change\n")
    planned = project.planned(study=study)
    path.write_text(text)
    assert [name for name in planned if name.startswith(("transform", "train", "simulate", "split"))] == [
        "transform_none_ridge_change"
    ]
    assert {"evaluate_task", "make_table", "render_figure"} <= set(planned)


@pytest.mark.slow
def test_a_method_that_the_task_leaves_out_does_not_run(project, tmp_path):
    """Methods on one model share a job; where a task has only some of them, the others must not stop it."""
    (tmp_path / "broken.py").write_text(METHOD.replace("return Prediction(X)", "raise RuntimeError"))
    uses = {"broken": str(tmp_path / "broken.py"), "no_change": "no_change"}
    methods = tuple(MethodSpec(name, file, runs=name != "broken") for name, file in uses.items())
    outputs = [tmp_path / f"{name}.h5ad" for name in uses]
    train = project.folder / "results" / "mine" / "tasks" / "haber.Tuft" / "train.h5ad"
    spec = TransformSpec(ModelSpec("identity", "identity"), methods)
    run = run_script("transform_query.py", spec, "--train", train, "--outputs", *outputs, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    left_out, ran = (anndata.read_h5ad(path) for path in outputs)
    assert left_out.n_obs == 0 and left_out.uns["not_run"] == "not part of this task"
    assert ran.n_obs > 0 and ran.uns["not_run"] == ""


@pytest.mark.slow
def test_a_method_of_the_package_needs_its_name_alone(project):
    study = project.folder / "studies" / "in_package.yaml"
    text = (project.folder / "studies" / "mine.yaml").read_text()
    study.write_text(text.replace("{uses: my_methods/ridge_change.py, label", "{label"))
    planned = project.planned(study="studies/in_package.yaml")
    assert planned["transform_none_ridge_change"] == 1 and "transform_identity" not in planned


# ---- mistakes, each with its sentence

METHOD = """
from dataclasses import dataclass
from outofsample.arrays import Prediction
from outofsample.methods.families import base

class Method(base.Method):
    def predict(self, X, query, counts=None):
        return Prediction(X)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working directory, from which own files are named; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    (tmp_path / "own").mkdir()
    yield tmp_path / "own"
    for name in set(sys.modules) - before:
        if name.split(".")[0] == "own" or name.startswith("outofsample_user_"):
            del sys.modules[name]


def refused(name: str, kind: str = "methods") -> str:
    """Return the sentence that a name or file is refused with."""
    with pytest.raises(UserError) as caught:
        registry.find(kind, name)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", ["own/mine.py", "own.mine"])
def test_both_ways_of_naming_a_file(folder, name):
    (folder / "mine.py").write_text(METHOD)
    found = registry.find("methods", name)
    assert found.__name__ == "Method" and registry.path_of("methods", name).resolve() == folder / "mine.py"
    assert registry.find("methods", name) is found


@pytest.mark.parametrize("name", ["own/mine.py", "own.mine"])
def test_it_may_import_its_own_modules_whose_edits_count(folder, name):
    (folder / "helpers.py").write_text("from own.constants import SHIFT\n")
    (folder / "constants.py").write_text("SHIFT = 1\n")
    (folder / "mine.py").write_text("from own import helpers\n" + METHOD)
    registry.find("methods", name)
    listed = files_imported([registry.path_of("methods", name)])
    assert {folder / "helpers.py", folder / "constants.py"} <= set(listed)
    assert registry.PACKAGE / "methods" / "families" / "base.py" in listed


def test_relative_imports_of_a_module_count(folder):
    (folder / "__init__.py").touch()
    (folder / "helpers.py").touch()
    (folder / "mine.py").write_text("from . import helpers\nfrom .helpers import __name__ as name\n" + METHOD)
    registry.find("methods", "own.mine")
    assert {folder / "helpers.py", folder / "__init__.py"} <= set(files_imported([folder / "mine.py"]))


def test_wrong_paths(folder):
    (folder / "mine.py").write_text(METHOD)
    assert "the file 'own/mne.py' does not exist (did you mean 'own/mine.py'?)" in refused("own/mne.py")
    assert "the file 'own/mine' does not exist (did you mean 'own/mine.py'?)" in refused("own/mine")
    assert "nor does its folder in" in refused("elsewhere/mine.py")
    assert "'own/' is a folder" in refused("own/")
    assert "there is no module 'own.mne'" in refused("own.mne")
    assert "there is no 'neuron_editin' (did you mean 'neuron_editing'?)" in refused("neuron_editin")
    assert "uses: my_folder/mine.py" in refused("mine")


def test_files_that_cannot_be_imported(folder):
    path = folder / "mine.py"
    for text, place, reason in (
        ("import nowhere_to_be_found\n", 1, "No module named 'nowhere_to_be_found'. Modules are looked for in"),
        ("x = 1\ny = 1 / 0\n", 2, "ZeroDivisionError: division by zero"),
        ("x = 1\n\ndef f(:\n", 3, "SyntaxError: invalid syntax"),
    ):
        path.write_text(text)
        message = refused("own/mine.py")
        assert f"{path}, line {place}: this file cannot be imported: " in message and reason in message
        assert message.count("mine.py, line") == 1


def test_a_module_whose_package_cannot_be_imported(folder):
    (folder / "__init__.py").write_text("import nowhere_to_be_found\n")
    (folder / "mine.py").write_text(METHOD)
    assert f"{folder / '__init__.py'}, line 1: this file cannot be imported" in refused("own.mine")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("class Ridge: pass\n", "must define a class 'Method'; it defines Ridge."),
        ("from outofsample.methods.families.base import Method\n", "must define a class 'Method'."),
        ("class Method: pass\n", "must derive from outofsample.methods.families.base.Method"),
        (METHOD.replace("predict", "transfrm"), "the class 'Method' must define predict"),
        (METHOD + "    class Settings: pass\n", "decorator @dataclass(frozen=True)"),
        (METHOD + "    @dataclass\n    class Settings: pass\n", "must be frozen"),
        (METHOD + "    @dataclass(frozen=True)\n    class Settings:\n        k: int\n", "'k' has no default value"),
        (
            METHOD + "    @dataclass(frozen=True)\n    class Settings:\n        k: object = Prediction\n",
            "the default of 'k' is a type; settings are numbers, text",
        ),
        (
            METHOD
            + "    @dataclass(frozen=True)\n    class Settings:\n        k: int = 0\n"
            + "        def __post_init__(self):\n            raise ValueError('k must be above 0')\n",
            "the defaults are refused by its own check (ValueError: k must be above 0)",
        ),
    ],
)
def test_classes_that_lack_something(folder, text, sentence):
    (folder / "mine.py").write_text(text)
    message = refused("own/mine.py")
    assert message.startswith("own/mine.py: ") and sentence in message


def test_models_need_their_functions(folder):
    (folder / "net.py").write_text(
        "from outofsample.models.families import base\n"
        "class Model(base.Model):\n"
        "    def fit(self, data, seed=0, run=None): ...\n"
    )
    assert "the class 'Model' must define state and load_state" in refused("own/net.py", "models")


def study(**parts) -> dict:
    """Return a study of one simulated dataset with own entries."""
    tasks = {"t": {"dataset": "dengue", "queries": [{"domain": "sample1", "source": "batch1", "target": "batch2"}]}}
    return {"study": "own", "datasets": {"dengue": {}}, "tasks": tasks, **parts}


def problems(**parts) -> str:
    with pytest.raises(UserError) as caught:
        load_study(study(**parts))
    return str(caught.value)


def test_a_study_names_its_own_files(folder):
    fields = "    @dataclass(frozen=True)\n    class Settings:\n        size: int = 3\n        model: str = 'net'\n"
    (folder / "mine.py").write_text(METHOD + fields)
    (folder / "net.py").write_text(
        "from outofsample.models import pca\nclass Model(pca.Model):\n    '''Components of my own.'''\n"
    )
    models = {"net": {"uses": "own/net.py", "components": 7}}
    loaded = load_study(study(models=models, methods={"mine": {"uses": "own/mine.py", "size": 5}}))
    assert loaded.method_spec("mine") == {
        "name": "mine",
        "uses": "own/mine.py",
        "settings": {"size": 5, "model": "net"},
        "model": "net",
    }
    assert loaded.model_spec("net", "t")["settings"]["components"] == 7


def test_a_study_tells_all_mistakes_at_once(folder):
    fields = "    @dataclass(frozen=True)\n    class Settings:\n        size: int = 3\n"
    (folder / "mine.py").write_text(METHOD + fields)
    (folder / "typed.py").write_text(METHOD + fields.replace("int = 3", "'Prediction' = None"))
    (folder / "on_file.py").write_text(METHOD + fields + "        model: str = 'own/net.py'\n")
    message = problems(
        methods={
            "a": {"uses": "own/mine.py", "sise": 5},
            "b": {"uses": "own/mine.py", "size": "many"},
            "c": {"uses": "own/typed.py"},
            "d": {"uses": "own/on_file.py"},
            "e": {"uses": "own/nowhere.py"},
        }
    )
    assert "methods.a: unknown key 'sise' (did you mean 'size'?); known here: size" in message
    assert "methods.b.size: " in message and "found 'many'" in message
    assert "methods.c: " in message and "each field needs a type that a configuration can hold" in message
    assert "methods.d: give the model 'own/net.py' a name: 'net: {uses: own/net.py}' under 'models:'" in message
    assert "methods.e: methods: the file 'own/nowhere.py' does not exist" in message
