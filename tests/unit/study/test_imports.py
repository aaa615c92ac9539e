"""The list of files that a job imports: complete, and no longer than that."""

import json
import subprocess
import sys

import pytest

from outofsample import registry
from outofsample.errors import UserError
from outofsample.study.imports import PACKAGE, files_imported, files_imported_by_notebook
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


# ---- notebooks


def write_notebook(path, *cells):
    """Write a notebook of these code cells, with a text that looks like code."""
    text = {"cell_type": "markdown", "metadata": {}, "source": "import outofsample.registry"}
    code = [{"cell_type": "code", "metadata": {}, "source": cell} for cell in cells]
    path.write_text(json.dumps({"cells": [text, *code], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def imported(notebook) -> set[str]:
    return {str(path.relative_to(ROOT / "scripts")) for path in files_imported_by_notebook(notebook)}


def test_a_notebook_needs_what_its_cells_import_and_what_that_imports(tmp_path):
    cells = ["x = 1\nfrom outofsample.figures import style", ["import math\n", "import outofsample.texts as words\n"]]
    found = imported(write_notebook(tmp_path / "f.ipynb", *cells))
    assert {"outofsample/figures/style.py", "outofsample/files/writing.py", "outofsample/texts.py"} <= found
    assert "outofsample/registry.py" not in found and "outofsample/figures/panels.py" not in found


@pytest.mark.parametrize(
    "cell",
    [
        "%matplotlib inline\nimport outofsample.texts",
        "!ls *.h5ad\nfiles = !ls\nimport outofsample.texts\nlen?\n?len",
        "%%time\nimport outofsample.texts",
        "if True:\n    %timeit 1\n    import outofsample.texts",
        "import outofsample.texts\nx = (7\n     % 4)",
    ],
)
def test_what_ipython_alone_understands_is_left_out(cell, tmp_path):
    notebook = write_notebook(tmp_path / "f.ipynb", cell, "%%bash\nfor f in *; do import $f; done", "")
    assert imported(notebook) == {"outofsample/__init__.py", "outofsample/texts.py"}


def test_what_is_no_notebook_of_python_is_an_error_of_the_user(tmp_path):
    with pytest.raises(UserError, match=r"f.ipynb, code cell 2: this is not Python \(.*, line 2\)"):
        files_imported_by_notebook(write_notebook(tmp_path / "f.ipynb", "1", "x = 1\ny = = 2"))
    for text in ("no json", "[]", '{"worksheets": []}'):
        (tmp_path / "g.ipynb").write_text(text)
        with pytest.raises(UserError, match=r"g.ipynb: this is not a notebook"):
            files_imported_by_notebook(tmp_path / "g.ipynb")


def test_a_file_beside_which_a_user_works_counts(tmp_path, monkeypatch):
    (tmp_path / "my_colours.py").write_text("import outofsample.texts\n")
    monkeypatch.chdir(tmp_path)
    found = files_imported_by_notebook(write_notebook(tmp_path / "f.ipynb", "from my_colours import RED"))
    assert {tmp_path / "my_colours.py", PACKAGE / "texts.py"} <= set(found)


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_each_notebook_needs_its_own_figure_and_no_other(path):
    figures = {"biaxial", "beside_reference", "whole_change", "marker_summaries", "image_grid", "matched_layer"}
    figures |= {"perturbation", "summary_map", "training_curves", "question"}
    found = imported(path)
    assert len(found & {f"outofsample/figures/{name}.py" for name in figures}) == 1
    assert not [name for name in found if name.startswith(("outofsample/models/", "outofsample/methods/"))]


def test_what_is_imported_for_types_alone_does_not_count(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from typing import TYPE_CHECKING\n\nfrom outofsample import texts\n\n"
        "if TYPE_CHECKING:\n    from outofsample.models import trvae\nelse:\n    from outofsample.models import gan\n"
    )
    found = {file.name for file in files_imported([path])}
    assert {"texts.py", "gan.py"} <= found and "trvae.py" not in found
