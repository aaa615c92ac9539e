"""The notebooks themselves, and their rendering to files."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jinja2
import nbformat
import pytest

from outofsample.figures import render as rendering
from outofsample.jobs.figure import FigureSpec
from tests.unit.figures import batches, drugs

ROOT = Path(__file__).parents[3]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
RENDERED = {
    "ne2019_fig5": ("ne2019_fig5", {"x": "p4EBP1", "y": "pSTAT5", "before": "measured"}),
    "ne2019_fig6": ("ne2019_fig6", {"labels": 2}),
    "ne2020_fig4_drugs": (
        "ne2020_fig4",
        {"x": "p4EBP1", "y": "pSTAT5", "before": "measured", "after": "predicted", "first_letter": "c"},
    ),
}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_have_parameters_no_outputs_and_train_nothing(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    first = notebook.cells[0]
    assert first.metadata["tags"] == ["parameters"]
    given = {}
    exec(first.source, given)
    assert {"figure", "train", "truth", "predictions", "pdf", "png"} <= set(given)
    assert given["figure"]["name"] == path.stem and isinstance(given["predictions"], list)
    assert notebook.metadata["kernelspec"]["name"] == "python3"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    source = "\n".join(cell.source for cell in code)
    forbidden = ("torch", "outofsample.models", "outofsample.methods", "outofsample.training.loop", "scanpy")
    assert not [word for word in forbidden if word in source]
    assert any(cell.cell_type == "markdown" and "In the paper" in cell.source for cell in notebook.cells)


def test_drawing_imports_no_network():
    code = (
        "import sys; from outofsample.figures import biaxial, data, style, whole_change; "
        "print([m for m in ('torch', 'scanpy', 'matplotlib.pyplot', 'rpy2') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT / "scripts")
    assert run.stdout.strip() == "[]", run.stderr


def render(files, output, notebook, **options):
    """Call the script as the rule does; returns the finished process."""
    arguments = {
        "notebook": notebook,
        "spec": "-",
        "predictions": files / "neuron_editing.h5ad",
        **{kind: output / f"f.{kind}" for kind in ("pdf", "png", "html")},
    }
    command = [sys.executable, ROOT / "scripts" / "render_figure.py"]
    for name, value in arguments.items():
        command += [f"--{name}", value]
    command += ["--cells", files / "train.h5ad", files / "truth.h5ad"]
    spec = json.dumps(batches.parameters(**options))
    return subprocess.run(list(map(str, command)), input=spec, capture_output=True, text=True, cwd=ROOT)


def test_a_figure_is_rendered_to_three_files(batch_files, tmp_path):
    run = render(batch_files, tmp_path, ROOT / "notebooks" / "ne2020_fig5.ipynb", labels=3)
    assert run.returncode == 0, run.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.html", "f.pdf", "f.png"]
    assert (tmp_path / "f.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")
    html = (tmp_path / "f.html").read_text()
    assert "data:image/png;base64" in html and "In the paper" in html and "<summary>code</summary>" in html
    assert str(tmp_path / "f.pdf") in html and ".part" not in html
    assert 'src="http' not in html and "cdnjs" not in html
    assert "Executing" not in run.stderr


def test_a_notebook_gets_plain_values_and_the_cells_of_both_tasks(tmp_path, monkeypatch):
    got = {}

    def execute(notebook: Path, output: Path, parameters: dict) -> None:
        got.update(parameters)
        for kind in ("pdf", "png"):
            Path(parameters[kind]).touch()

    monkeypatch.setattr(rendering, "execute", execute)
    monkeypatch.setattr(rendering, "to_html", lambda executed, html, title, real_names: html.touch())
    spec = FigureSpec("f", "F", controls=("no_change", "mean_shift"), options={"focus": ["trvae"]})
    outputs = [tmp_path / f"f.{kind}" for kind in ("pdf", "png", "html")]
    shown = rendering.Shown([Path(name) for name in "abcd"], [], [], [])
    rendering.render(spec, tmp_path / "f.ipynb", shown, *outputs)
    # A tuple would reach the notebook as the text "('no_change', 'mean_shift')".
    assert got["figure"]["controls"] == ["no_change", "mean_shift"]
    assert [got[name] for name in ("train", "truth", "measured_train", "measured_truth")] == list("abcd")
    rendering.render(spec, tmp_path / "f.ipynb", rendering.Shown([], [], [], []), *outputs)
    assert got["train"] == got["truth"] == ""


def test_a_failing_notebook_shows_its_error_and_leaves_nothing(batch_files, tmp_path):
    run = render(batch_files, tmp_path, ROOT / "notebooks" / "ne2020_fig4.ipynb", x="IFNgg", y="CCR6")
    assert run.returncode != 0
    assert "no feature 'IFNgg' (did you mean 'IFNg'?)" in run.stderr and "corrected_beside_reference" in run.stderr
    assert "\x1b" not in run.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_notebook_that_writes_no_figure_is_an_error(batch_files, tmp_path):
    notebook = nbformat.read(NOTEBOOKS[0], as_version=4)
    notebook.cells = notebook.cells[:1]
    nbformat.write(notebook, tmp_path / "empty.ipynb")
    (tmp_path / "out").mkdir()
    run = render(batch_files, tmp_path / "out", tmp_path / "empty.ipynb")
    assert run.returncode == 1 and "did not write f.pdf" in run.stderr
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("kind", ["figure", "table"])
@pytest.mark.parametrize("simulated", [True, False])
def test_captions_of_the_report_name_stand_ins(kind, simulated):
    entry = {"title": "A title", "task": "t", "tasks": ["t", "u"]}
    snakemake = SimpleNamespace(
        wildcards=SimpleNamespace(figure="f", table="f"),
        config={"figures": {"f": entry}, "tables": {"f": entry}, "demo_size": simulated},
        params=SimpleNamespace(stand_in=simulated),
    )
    text = jinja2.Template((ROOT / "report" / f"{kind}.rst").read_text()).render(snakemake=snakemake)
    assert "A title" in text
    assert ("Simulated stand-in" in text) == simulated and ("Demo size" in text) == simulated


@pytest.mark.parametrize("name", RENDERED)
def test_notebooks_are_rendered_with_the_options_of_the_study(name, drug_files, tmp_path):
    notebook, options = RENDERED[name]
    command = [sys.executable, ROOT / "scripts" / "render_figure.py"]
    command += ["--notebook", ROOT / "notebooks" / f"{notebook}.ipynb"]
    command += ["--spec", "-"]
    command += ["--cells", drug_files / "train.h5ad", drug_files / "truth.h5ad"]
    command += ["--predictions", drug_files / "mean_shift.h5ad", drug_files / "scvi.h5ad"]
    for kind in ("pdf", "png", "html"):
        command += [f"--{kind}", tmp_path / f"f.{kind}"]
    spec = json.dumps(drugs.parameters(name, **options))
    run = subprocess.run(list(map(str, command)), input=spec, capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "f.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")
    assert "In the paper" in (tmp_path / "f.html").read_text()
