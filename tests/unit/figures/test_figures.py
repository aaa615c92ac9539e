"""Figures: what notebooks load and draw, the notebooks themselves, and their rendering to files."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import anndata
import jinja2
import nbformat
import numpy as np
import pandas as pd
import pytest

from outofsample.arrays import Prediction, Query
from outofsample.errors import UserError
from outofsample.figures import biaxial, panels, style, whole_change
from outofsample.figures.data import Panel, centre, describe, load_data
from outofsample.files.prediction import PredictionWriter
from outofsample.files.task import to_training
from outofsample.jobs.split import SplitSpec
from outofsample.study.split import split_dataset
from tests.conftest import assert_same_figure

ROOT = Path(__file__).parents[3]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FEATURES = ("IFNg", "CCR6", "CD3", "CD4")
QUERIES = ("to_026", "to_028")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Write a small task with two queries, two seeds and a method that did not run; the second query has no truth."""
    folder = tmp_path_factory.mktemp("task")
    rng = np.random.default_rng(0)
    groups = [(domain, batch) for domain in ("control", "sample") for batch in ("b1", "b2", "b3")][:-1]
    obs = pd.DataFrame(np.repeat(groups, 60, axis=0), columns=["domain", "condition"])
    X = rng.gamma(2, 1, size=(len(obs), len(FEATURES))) + (obs["condition"] == "b2").to_numpy()[:, None]
    adata = anndata.AnnData(X.astype(np.float32), obs.set_index(obs.index.astype(str)), pd.DataFrame(index=FEATURES))
    adata.uns |= {"dataset": "d", "stand_in": True}
    # No cells of (sample, b3) exist: that query's condition is known from the control alone.
    split = SplitSpec("t", tuple(query(name) for name in QUERIES), (("sample", "b2"), ("sample", "b3")))
    train, truth = split_dataset(adata, split)
    train.write_h5ad(folder / "train.h5ad")
    truth.write_h5ad(folder / "truth.h5ad")
    data = to_training(train)
    for method in ("neuron_editing", "no_change"):
        writer = PredictionWriter(data, method, in_sample_cells=5)
        for seed in (3, 4) if method == "neuron_editing" else (0,):
            writer.add_all(lambda X, query, counts, by=seed: Prediction(X + np.float32(by)), seed)
        writer.write(folder / f"{method}.h5ad")
    PredictionWriter(data, "mnn").write(folder / "mnn.h5ad", not_run="R is missing")
    return folder


def query(name):
    """Return the query of this name, as a split takes it."""
    return Query(name, "sample", "b1", {"to_026": "b2", "to_028": "b3"}[name])


def parameters(**options):
    """Return a figure's parameters as `figure_json` of the rules makes them."""
    labels = {"neuron_editing": "Neuron editing", "mnn": "MNN"}
    flags = {"stand_in": True, "demo_size": True}
    return {"name": "f", "title": "A title", "task": "t", **flags, "labels": labels, "options": options}


@pytest.fixture
def load(files):
    """Return a function: options, methods -> FigureData."""

    def of(options=None, methods=("neuron_editing", "no_change", "mnn"), **changed):
        figure = parameters(**(options or {})) | changed
        return load_data(
            figure, files / "train.h5ad", files / "truth.h5ad", [files / f"{method}.h5ad" for method in methods]
        )

    return of


FIGURES = {
    "ne2019_fig3": lambda data: biaxial.every_method(data, "IFNg", "CCR6"),
    "ne2020_fig4": lambda data: biaxial.corrected_beside_reference(data, "IFNg", "CCR6"),
    "ne2020_fig5": whole_change.populations_and_markers,
}


def texts(figure):
    """Return all that can be read in a figure, with line breaks as spaces."""
    import matplotlib.text

    return " | ".join(text.get_text().replace("\n", " ") for text in figure.findobj(matplotlib.text.Text))


def test_the_first_query_and_seed_are_the_default(load):
    data = load()
    assert data.query.name == "to_026" and data.panels[0].seeds == (3, 4)
    assert np.allclose(data.panels[0].X, data.cells["query"] + 3)
    assert set(data.cells) == {"source", "target", "query", "truth"}
    assert data.panels[2].X is None and "MNN: not run: R is missing" in describe(data)


def test_another_query_can_be_asked_for(load):
    data = load({"query": "to_028"})
    assert data.query.target == "b3" and "truth" not in data.cells
    assert data.names["target"] == "control (b3)"
    with pytest.raises(UserError, match="did you mean 'to_028'"):
        load({"query": "to_029x"})


def test_names_and_units_come_from_the_study(load):
    data = load({"names": {"query": "Sample1"}, "unit": "arcsinh(x/5)", "x": "IFNg"})
    assert data.names["query"] == "Sample1" and data.names["source"] == "control (b1)"
    assert data.axis_label("IFNg") == "IFNg, arcsinh(x/5)" and data.options == {"x": "IFNg"}
    assert load(unit="log(x + 1)").axis_label("CD3") == "CD3, log(x + 1)"


def test_unknown_features_and_centres_are_errors_of_the_user(load):
    with pytest.raises(UserError, match="no feature 'IFNgg'"):
        biaxial.every_method(load(), "IFNgg", "CCR6")
    with pytest.raises(UserError, match="'median' or 'mean', not 'mode'"):
        centre(np.ones((2, 2)), "mode")


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("asked", QUERIES)
def test_every_figure_says_what_it_shows(name, asked, load):
    data = load({"query": asked})
    shown = texts(FIGURES[name](data))
    assert "Simulated stand-in data, demo size" in shown
    assert f"sample from b1 to {data.query.target}" in shown
    assert "Seed 3, the first of 2" in shown
    assert "not run: R is missing" in shown and "Neuron editing" in shown
    assert ("held out" in shown) == (asked == "to_026")


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_is_said_of_stand_ins_where_the_data_are_real(name, load):
    shown = texts(FIGURES[name](load(stand_in=False, demo_size=False))).lower()
    assert "stand-in" not in shown and "demo" not in shown


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("count", [1, 12])
def test_the_layout_follows_the_number_of_methods(name, count, load):
    data = load()
    figure = FIGURES[name](replace(data, panels=(data.panels * 4)[:count]))
    assert figure.get_size_inches()[0] == style.WIDTH
    inside = figure.bbox.padded(1)
    boxes = [ax.get_tightbbox() for ax in figure.axes if ax.get_visible()]
    assert all(inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 for box in boxes)
    legend = figure.legends[0].get_window_extent()
    assert inside.x0 <= legend.x0 and legend.x1 <= inside.x1 and inside.y0 <= legend.y0
    assert not any(box.overlaps(legend) for box in boxes)


def test_extreme_predictions_do_not_decide_the_axes(load):
    data = load()
    wild = Panel("gan", "GAN", data.panels[0].X * 1000)
    figure = biaxial.every_method(replace(data, panels=[data.panels[1], wild]), "IFNg", "CCR6")
    low, high = figure.axes[0].get_xlim()
    assert high - low < 2 * np.ptp(data.cells["source"][:, 0])
    assert "% of cells outside" in texts(figure)


def test_degenerate_populations_are_drawn(load):
    data = load()
    flat = {name: np.ones_like(X[:1]) for name, X in data.cells.items()}
    one = replace(data, cells=flat, panels=[Panel("m", "M", flat["query"], (0,))])
    for draw in FIGURES.values():
        figure = draw(one)
        figure.draw_without_rendering()
        limits = np.array([(ax.get_xlim(), ax.get_ylim()) for ax in figure.axes if ax.axison])
        assert len(limits) and np.isfinite(limits).all() and (limits[..., 0] < limits[..., 1]).all()
        assert any(ax.get_title(side).endswith("M") for ax in figure.axes for side in ("left", "center"))


def test_limits_hold_what_was_measured():
    measured = np.linspace(0, 10, 1001)
    low, high = panels.limits([measured], [np.full(5, 1e6)])
    assert low < 0 and 10 < high < 12.5


def test_an_arrow_stays_within_the_axes(load):
    figure = style.page("t", "n", 2.0)
    ax = figure.subplots()
    ax.set(xlim=(0, 1), ylim=(0, 1))
    style.settle(figure)
    start = np.array([0.5, 0.5])
    panels.arrow(ax, start, np.array([50.0, 0.5]), panels.LEARNED)
    assert ax.texts[0].xy[0] < 1
    panels.arrow(ax, start, start, panels.LEARNED)
    assert ax.lines[-1].get_marker() == "o"


def test_labels_cover_neither_each_other_nor_points():
    figure = style.page("t", "n", 3.0)
    ax = figure.subplots()
    points = np.random.default_rng(0).uniform(size=(25, 2))
    ax.scatter(*points.T)
    style.settle(figure)
    panels.label_points(ax, points, [f"marker{k}" for k in range(25)], points)
    boxes = [text.get_window_extent() for text in ax.texts]
    assert len(boxes) > 10
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])
    assert not any(box.count_contains(ax.transData.transform(points)) for box in boxes)


def test_components_are_orthonormal_and_point_along_the_change(load):
    data = load()
    mean, components, shares = whole_change.principal_components(data)
    assert np.allclose(components @ components.T, np.eye(2))
    change = data.cells["target"].mean(axis=0) - data.cells["source"].mean(axis=0)
    assert (components @ change >= 0).all() and 1 > shares[0] > shares[1] > 0
    assert np.allclose(
        mean, np.mean([data.cells[name].mean(axis=0) for name in whole_change.FITTED], axis=0), atol=1e-5
    )


def test_files_are_the_same_each_time(load, tmp_path):
    for folder in ("one", "two"):
        figure = biaxial.every_method(load(), "IFNg", "CCR6")
        style.save(figure, tmp_path / folder / "f.pdf", tmp_path / folder / "f.png")
    assert_same_figure(tmp_path / "one", tmp_path / "two")
    # Embedded as TrueType, so that text stays text.
    assert b"/FontFile2" in (tmp_path / "one" / "f.pdf").read_bytes()


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
        "figure": json.dumps(parameters(**options)),
        "predictions": files / "neuron_editing.h5ad",
        **{kind: output / f"f.{kind}" for kind in ("pdf", "png", "html")},
    }
    command = [sys.executable, ROOT / "scripts" / "render_figure.py"]
    for name, value in arguments.items():
        command += [f"--{name}", value]
    command += ["--cells", files / "train.h5ad", files / "truth.h5ad"]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=ROOT)


def test_a_figure_is_rendered_to_three_files(files, tmp_path):
    run = render(files, tmp_path, ROOT / "notebooks" / "ne2020_fig5.ipynb", labels=3)
    assert run.returncode == 0, run.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.html", "f.pdf", "f.png"]
    assert (tmp_path / "f.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")
    html = (tmp_path / "f.html").read_text()
    assert "data:image/png;base64" in html and "In the paper" in html and "<summary>code</summary>" in html
    assert str(tmp_path / "f.pdf") in html and ".part" not in html
    assert 'src="http' not in html and "cdnjs" not in html
    assert "Executing" not in run.stderr


def test_a_failing_notebook_shows_its_error_and_leaves_nothing(files, tmp_path):
    run = render(files, tmp_path, ROOT / "notebooks" / "ne2020_fig4.ipynb", x="IFNgg", y="CCR6")
    assert run.returncode != 0
    assert "no feature 'IFNgg' (did you mean 'IFNg'?)" in run.stderr and "corrected_beside_reference" in run.stderr
    assert "\x1b" not in run.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_notebook_that_writes_no_figure_is_an_error(files, tmp_path):
    notebook = nbformat.read(NOTEBOOKS[0], as_version=4)
    notebook.cells = notebook.cells[:1]
    nbformat.write(notebook, tmp_path / "empty.ipynb")
    (tmp_path / "out").mkdir()
    run = render(files, tmp_path / "out", tmp_path / "empty.ipynb")
    assert run.returncode == 1 and "did not write f.pdf" in run.stderr
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("kind", ["figure", "table"])
@pytest.mark.parametrize("simulated", [True, False])
def test_captions_of_the_report_name_stand_ins(kind, simulated):
    entry = {"title": "A title", "task": "t", "tasks": ["t", "u"]}
    spec = {"stand_in": {"t": False, "u": simulated}, "other": True} if kind == "table" else {"stand_in": simulated}
    snakemake = SimpleNamespace(
        wildcards=SimpleNamespace(figure="f", table="f"),
        config={"figures": {"f": entry}, "tables": {"f": entry}, "demo_size": simulated},
        params=SimpleNamespace(figure=json.dumps(spec | {"demo_size": simulated}), spec=json.dumps(spec)),
    )
    text = jinja2.Template((ROOT / "report" / f"{kind}.rst").read_text()).render(snakemake=snakemake)
    assert "A title" in text
    assert ("Simulated stand-in" in text) == simulated and ("Demo size" in text) == simulated


def test_names_are_no_formulas(load):
    """Half a formula in the name of a channel ended the drawing."""
    data = load()
    names = dict.fromkeys(data.names, "$x_{$ and $\\frac{$")
    features = tuple(f"$x_{{$ {name}" for name in data.features)
    figure = whole_change.populations_and_markers(replace(data, names=names, features=features))
    figure.draw_without_rendering()
    assert "$x_{$ and $\\frac{$" in texts(figure) and "$x_{$ CD" in texts(figure)


@pytest.mark.parametrize(
    ("value", "text"), [(1e-3, "10⁻³"), (1.0, "10⁰"), (100.0, "10²"), (2e-4, "2×10⁻⁴"), (3e5, "3×10⁵")]
)
def test_logarithmic_axes_are_labelled_without_formulas(value, text):
    ticks = style.LogTicks(labelOnlyBase=False)
    ticks.create_dummy_axis()
    ticks.axis.set_view_interval(value / 2, value * 2)
    ticks.set_locs([value])
    assert ticks(value) == text


def test_training_curves_show_every_term_of_every_model(tmp_path):
    from outofsample.figures import training

    rows = [
        {"epoch": epoch, "train_loss": 1 / epoch, "train_kl": epoch, "validation_loss": 2 / epoch, "train_gradient": 1}
        for epoch in (1, 2)
    ]
    for model in ("trvae", "gan"):
        (tmp_path / model).mkdir()
        for seed in (0, 1):
            pd.DataFrame(rows).assign(seed=seed).to_csv(tmp_path / model / f"history_{seed}.csv", index=False)
    histories = training.read_histories([str(path) for path in sorted(tmp_path.rglob("*.csv"))])
    assert {model: len(history) for model, history in histories.items()} == {"gan": 4, "trvae": 4}
    drawn = training.training_curves(parameters(), histories)
    assert "loss" in texts(drawn) and "kl" in texts(drawn) and "gradient" not in texts(drawn)
    assert "Simulated stand-in data" in texts(drawn)
    # Two terms, one of them on held-out cells too.
    assert [len(ax.lines) for ax in drawn.axes[:2]] == [3, 3]
