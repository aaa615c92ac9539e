"""Reading studies: the shipped ones, what they extend, files that are none; without heavy imports."""

import subprocess
import sys

import pytest
import yaml

from outofsample.errors import UserError
from outofsample.study.load import load_study, read_study
from tests.conftest import ROOT
from tests.unit.study.examples import minimal

STUDIES = [ROOT / "config.yaml", *sorted((ROOT / "studies").glob("*.yaml"))]


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.name)
def test_shipped_studies_are_valid(path):
    study = read_study(path)
    assert study.selected("tasks")


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


def test_checking_imports_no_heavy_package():
    script = (
        "import sys; from outofsample.study.load import read_study; read_study(sys.argv[1]);"
        "print([name for name in ('torch', 'anndata', 'scanpy', 'rpy2') if name in sys.modules])"
    )
    environment = {"PYTHONPATH": str(ROOT / "scripts")}
    run = subprocess.run(
        [sys.executable, "-c", script, str(ROOT / "config.yaml")], env=environment, capture_output=True, text=True
    )
    assert run.stdout.strip() == "[]", run.stderr


def test_planning_imports_nothing_that_draws_or_reads_cells():
    script = (
        "import sys, outofsample.study.presentation;"
        "print([name for name in ('matplotlib', 'scipy', 'sklearn', 'pandas', 'h5py') if name in sys.modules])"
    )
    environment = {"PYTHONPATH": str(ROOT / "scripts")}
    run = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stderr
