"""The list of files that a job imports: complete, and no longer than that."""

import subprocess
import sys

import pytest

from outofsample import registry
from outofsample.study.imports import PACKAGE, files_imported
from tests.conftest import ROOT

SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))


def names(*roots) -> set[str]:
    return {str(path.relative_to(ROOT / "scripts")) for path in files_imported(roots)}


def test_training_does_not_depend_on_edits_or_methods():
    found = names(ROOT / "scripts" / "train_model.py", registry.path_of("models", "autoencoder"))
    assert {"outofsample/training/loop.py", "outofsample/networks/dense.py", "outofsample/files/task.py"} <= found
    assert not any(name.startswith(("outofsample/edits/", "outofsample/methods/")) for name in found)


def test_transforming_depends_on_its_own_method_alone():
    found = names(ROOT / "scripts" / "transform_query.py", registry.path_of("methods", "pca_editing"))
    assert {
        "outofsample/edits/support/base.py",
        "outofsample/methods/pca_editing.py",
        "outofsample/methods/families/latent_edit.py",
    } <= found
    assert "outofsample/methods/neuron_editing.py" not in found
    # Which edit it is, its settings say: see `Method.parts`.
    assert "outofsample/edits/percentile.py" not in found


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_what_a_script_loads_at_its_start_is_listed(script):
    """Python's own list of loaded modules is the judge."""
    code = (
        "import sys, runpy, pathlib; sys.argv = ['script', '--help']\n"
        f"sys.path.insert(0, {str(ROOT / 'scripts')!r})\n"
        f"try: runpy.run_path({str(script)!r}, run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print('LOADED', *[m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'outofsample'])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = {str(path) for path in output.splitlines()[-1].split()[1:]}
    assert loaded <= {str(path) for path in files_imported([script])}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_do_nothing_on_import(script):
    code = f"import sys; sys.path.insert(0, {str(script.parent)!r}); import {script.stem}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == run.stderr == ""


def test_lower_layers_do_not_know_anndata():
    """Edits, models, networks and metrics run where only numpy, scipy and torch (scikit-learn for PCA) are."""
    layers = []
    for folder in ("edits", "training", "models", "networks", "metrics"):
        layers += sorted((PACKAGE / folder).glob("*.py"))
    # scvi-tools and scanpy's ranking of genes take AnnData.
    exempt = {PACKAGE / "models" / "scvi.py", PACKAGE / "metrics" / "response.py"}
    for path in set(files_imported(layers)) - exempt:
        assert "import anndata" not in path.read_text(), path
