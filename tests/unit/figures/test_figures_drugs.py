"""Figures of the drug combination: two markers, panels from another letter on, means and variances of all markers."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import anndata
import matplotlib.text
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba

from outofsample.arrays import Prediction, Query
from outofsample.errors import UserError
from outofsample.figures import biaxial, style, summaries
from outofsample.figures.data import Panel, load_data
from outofsample.files.prediction import PredictionWriter
from outofsample.files.task import to_training
from outofsample.jobs.split import SplitSpec
from outofsample.metrics.correlations import summary_r
from outofsample.study.split import split_dataset
from tests.conftest import assert_same_figure

ROOT = Path(__file__).parents[3]
FEATURES = ("p4EBP1", "pSTAT5", "pS6", "pErk", "CD19", "CD20")
NAMES = {
    "source": "basal",
    "target": "Das",
    "query": "Bez",
    "prediction": "Bez, predicted with Das",
    "truth": "Bez+Das (held out)",
}
CHANGE = np.float32([-1.5, 0, -0.5, 0, 0, 0])
QUERY = Query("bez_das", "Bez", "basal", "Das")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Write a task like the drug combination's: Das lowers two markers, under Bez as without; one method is right."""
    folder = tmp_path_factory.mktemp("drugs")
    rng = np.random.default_rng(0)
    groups = [(domain, condition) for domain in ("none", "Bez") for condition in ("basal", "Das")]
    obs = pd.DataFrame(np.repeat(groups, 150, axis=0), columns=["domain", "condition"])
    X = rng.normal([4, 2, 3, 1, 2, 2.5], [0.9, 0.8, 0.7, 0.3, 0.5, 1.2], size=(len(obs), len(FEATURES)))
    X += (obs["condition"] == "Das").to_numpy()[:, None] * CHANGE
    adata = anndata.AnnData(X.astype(np.float32), obs.set_index(obs.index.astype(str)), pd.DataFrame(index=FEATURES))
    adata.uns |= {"dataset": "drug_combination", "stand_in": True}
    train, truth = split_dataset(adata, SplitSpec("drug_combination", (QUERY,), (("Bez", "Das"),)))
    train.write_h5ad(folder / "train.h5ad")
    truth.write_h5ad(folder / "truth.h5ad")
    data = to_training(train)
    predictions = {
        "mean_shift": lambda X, query, counts: Prediction(X + CHANGE),
        "gan": lambda X, query, counts: Prediction(X.mean(axis=0) + np.float32(0.1) * (X - X.mean(axis=0))),
        "no_change": lambda X, query, counts: Prediction(X),
    }
    for method, predict in predictions.items():
        writer = PredictionWriter(data, method, in_sample_cells=5)
        for seed in (5, 6) if method == "gan" else (0,):
            writer.add_all(predict, seed)
        writer.write(folder / f"{method}.h5ad")
    PredictionWriter(data, "scvi").write(folder / "scvi.h5ad", not_run="there are no counts")
    return folder


def parameters(name="f", **options):
    """Return a figure's parameters as `figure_json` of the rules makes them."""
    labels = {"mean_shift": "Mean shift", "gan": "GAN", "no_change": "No change", "scvi": "scVI"}
    options = {"names": NAMES} | options
    flags = {"stand_in": True, "demo_size": True, "unit": "arcsinh(x/5)"}
    return {"name": name, "title": "A title", "task": "drug combination", **flags, "labels": labels, "options": options}


@pytest.fixture
def load(files):
    """Return a function: methods -> FigureData."""

    def of(methods=("mean_shift", "gan", "no_change", "scvi")):
        paths = [files / f"{method}.h5ad" for method in methods]
        return load_data(parameters("ne2019_fig6"), files / "train.h5ad", files / "truth.h5ad", paths)

    return of


def texts(figure):
    """Return all that can be read in a figure, with line breaks as spaces."""
    return " | ".join(text.get_text().replace("\n", " ") for text in figure.findobj(matplotlib.text.Text))


def clouds(ax, name):
    """Return the points (n, 2) of each cloud in the colour of a population."""
    colour = to_rgba(style.COLOURS[name])[:3]
    found = [part for part in ax.collections if isinstance(part, PathCollection)]
    return [np.asarray(part.get_offsets()) for part in found if np.allclose(part.get_facecolor()[:, :3], colour)]


def test_two_markers_with_the_names_of_the_drugs(load):
    data = load()
    figure = biaxial.every_method(data, "p4EBP1", "pSTAT5", before="measured")
    shown = texts(figure)
    assert "| measured |" in shown and "| raw |" not in shown
    assert all(name in shown for name in NAMES.values()) and "Bez from basal to Das" in shown
    assert "not run: there are no counts" in shown and "true change" in shown
    start, end = biaxial.Plane(data, "p4EBP1", "pSTAT5", "mean").true_change()
    assert np.allclose(end - start, CHANGE[:2], atol=0.3)


def test_the_first_panel_is_raw_unless_the_study_says_otherwise(load):
    assert "| raw |" in texts(biaxial.every_method(load(), "p4EBP1", "pSTAT5"))


@pytest.mark.parametrize(("copies", "unit_on_axes"), [(1, True), (6, False)])
def test_the_unit_stands_once_where_panels_are_small(copies, unit_on_axes, load):
    data = load(("mean_shift", "gan", "no_change"))
    figure = biaxial.every_method(replace(data, panels=data.panels * copies), "p4EBP1", "pSTAT5")
    labels = {ax.get_xlabel() for ax in figure.axes} - {""}
    assert labels == ({"p4EBP1, arcsinh(x/5)"} if unit_on_axes else {"p4EBP1"})
    assert ("Axes: arcsinh(x/5)." in texts(figure)) != unit_on_axes


def test_panels_start_at_another_letter(load):
    data = load(("mean_shift",))
    drawn = biaxial.corrected_beside_reference(
        data, "p4EBP1", "pSTAT5", before="measured", after="predicted", first_letter="c"
    )
    assert "| c   measured |" in texts(drawn) and "| d   predicted: Mean shift |" in texts(drawn)
    assert "| a   raw |" in texts(biaxial.corrected_beside_reference(data, "p4EBP1", "pSTAT5"))


@pytest.mark.parametrize("letter", ["", "cd", "3", "C", 3])
def test_what_is_no_letter_is_an_error_of_the_user(letter, load):
    with pytest.raises(UserError, match="ne2019_fig6: the option 'first_letter' is one letter from a to z"):
        biaxial.corrected_beside_reference(load(), "p4EBP1", "pSTAT5", first_letter=letter)


def test_without_a_reference_the_truth_stands_beside_the_query(load):
    data = load(("mean_shift",))
    with_reference = replace(data, cells=data.cells | {"reference": data.cells["target"]})

    def density_colours(shown):
        above = biaxial.corrected_beside_reference(shown, "p4EBP1", "pSTAT5").axes[1]
        return [line.get_color() for line in above.lines]

    assert style.COLOURS["truth"] in density_colours(data)
    assert style.COLOURS["truth"] not in density_colours(with_reference)


def test_means_and_variances_are_those_of_the_cells(load):
    data = load()
    means = summaries.summaries_of(data, "means")
    variances = summaries.summaries_of(data, "variances")
    assert np.allclose(means.real, data.cells["truth"].mean(axis=0), atol=1e-5)
    assert np.allclose(means.predicted["mean_shift"], means.before + CHANGE, atol=1e-5)
    assert np.allclose(variances.predicted["gan"], variances.before / 100, atol=1e-4)
    assert set(means.predicted) == {"mean_shift", "gan", "no_change"}


def test_each_panel_draws_real_against_predicted_with_its_r(load):
    data = load()
    figure = summaries.means_and_variances(data)
    for half, kind in ((figure.axes[:4], "means"), (figure.axes[4:], "variances")):
        expected = summaries.summaries_of(data, kind)
        assert len({ax.get_xlim() + ax.get_ylim() for ax in half}) == 1
        assert half[0].get_xlim() == half[0].get_ylim()
        for ax, panel in zip(half[:3], data.panels, strict=False):
            predicted = expected.predicted[panel.method]
            drawn = np.concatenate(clouds(ax, "prediction"))
            assert np.allclose(drawn, np.stack([expected.real, predicted], axis=1))
            assert np.allclose(clouds(ax, "query")[0][:, 1], expected.before)
            assert f"r = {summary_r(predicted, expected.real):.3f}" in [text.get_text() for text in ax.texts]


def test_the_figure_says_what_it_shows(load):
    shown = texts(summaries.means_and_variances(load()))
    assert "Simulated stand-in data, demo size" in shown and "Bez from basal to Das" in shown
    assert "Seed 5, the first of 2" in shown and "A point per marker (6)" in shown
    assert "a   means of arcsinh(x/5)" in shown and "b   variances of arcsinh(x/5)" in shown
    assert shown.count("not run: there are no counts") == 2
    assert "Bez: before" in shown and "identity: as Bez+Das (held out)" in shown


def test_the_largest_errors_are_named_and_no_others(load):
    data = load(("mean_shift", "no_change"))
    figure = summaries.means_and_variances(data, labels=2)

    def named(ax):
        return {text.get_text() for text in ax.texts} & set(FEATURES)

    right, unchanged = figure.axes[:2]
    assert named(unchanged) == {"p4EBP1", "pS6"}
    assert "p4EBP1" not in named(right)
    assert not any(named(ax) for ax in summaries.means_and_variances(data, labels=0).axes)


def test_names_and_r_cover_neither_each_other_nor_points(load):
    data = load()
    rng = np.random.default_rng(3)
    wrong = Panel("gan", "GAN", data.cells["query"] + rng.normal(0, 1, len(FEATURES)), (0,))
    figure = summaries.means_and_variances(replace(data, panels=[wrong] * 5), labels=6)
    figure.draw_without_rendering()
    for ax in [ax for ax in figure.axes if ax.get_visible()]:
        boxes = [matplotlib.text.Text.get_window_extent(text) for text in ax.texts]
        assert len(boxes) > 1
        assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])
        points = ax.transData.transform(np.concatenate(clouds(ax, "prediction")))
        assert not any(box.count_contains(points) for box in boxes)


def test_a_method_that_runs_away_gets_triangles_at_the_edge(load):
    data = load(("mean_shift", "no_change"))
    tame = summaries.means_and_variances(data)
    wild = replace(data, panels=[*data.panels, Panel("gan", "GAN", data.cells["query"] * 100 - 200, (0,))])
    figure = summaries.means_and_variances(wild)
    low, high = figure.axes[0].get_ylim()
    assert high - low < 2 * np.ptp(tame.axes[0].get_ylim())
    drawn = np.concatenate(clouds(figure.axes[2], "prediction"))
    assert len(drawn) == len(FEATURES) and drawn[:, 1].min() == low and drawn[:, 1].max() == high
    assert "predicted outside the axes" in texts(figure) and "outside" not in texts(tame)


@pytest.mark.parametrize("count", [1, 5, 24])
def test_the_layout_follows_the_number_of_methods(count, load):
    data = load()
    figure = summaries.means_and_variances(replace(data, panels=(data.panels * 6)[:count]), labels=0)
    width, height = figure.get_size_inches()
    assert width == style.WIDTH and height < 11.69
    inside = figure.bbox.padded(1)
    visible = [ax for ax in figure.axes if ax.get_visible()]
    boxes = [ax.get_tightbbox() for ax in visible]
    assert len(boxes) == 2 * count
    assert all(inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 for box in boxes)
    legend = figure.legends[0].get_window_extent()
    assert not any(box.overlaps(legend) for box in boxes)
    heads = [text.get_window_extent() for part in figure.subfigs for text in part.texts]
    assert len(heads) == 2 and not any(box.overlaps(head) for box in boxes for head in heads)
    frames = [ax.get_window_extent() for ax in visible]
    assert all(np.isclose(frame.width, frame.height) and frame.width > 70 for frame in frames)


def test_without_held_out_cells_there_is_nothing_to_compare(load):
    data = load()
    cells = {name: X for name, X in data.cells.items() if name != "truth"}
    with pytest.raises(UserError, match="ne2019_fig6: nobody measured the truth of query 'bez_das'"):
        summaries.means_and_variances(replace(data, cells=cells))


def test_markers_that_do_not_vary_are_drawn(load):
    data = load()
    flat = {name: np.ones_like(X) for name, X in data.cells.items()}
    figure = summaries.means_and_variances(replace(data, cells=flat, panels=[Panel("m", "M", flat["query"], (0,))]))
    figure.draw_without_rendering()
    assert texts(figure).count("r undefined") == 2
    nothing_ran = replace(data, panels=[panel for panel in data.panels if panel.X is None])
    assert "not run" in texts(summaries.means_and_variances(nothing_ran))


def test_files_are_the_same_each_time(load, tmp_path):
    for folder in ("one", "two"):
        style.save(
            summaries.means_and_variances(load(("gan",))), tmp_path / folder / "f.pdf", tmp_path / folder / "f.png"
        )
    assert_same_figure(tmp_path / "one", tmp_path / "two")


RENDERED = {
    "ne2019_fig5": ("ne2019_fig5", {"x": "p4EBP1", "y": "pSTAT5", "before": "measured"}),
    "ne2019_fig6": ("ne2019_fig6", {"labels": 2}),
    "ne2020_fig4_drugs": (
        "ne2020_fig4",
        {"x": "p4EBP1", "y": "pSTAT5", "before": "measured", "after": "predicted", "first_letter": "c"},
    ),
}


@pytest.mark.parametrize("name", RENDERED)
def test_notebooks_are_rendered_with_the_options_of_the_study(name, files, tmp_path):
    notebook, options = RENDERED[name]
    command = [sys.executable, ROOT / "scripts" / "render_figure.py"]
    command += ["--notebook", ROOT / "notebooks" / f"{notebook}.ipynb"]
    command += ["--figure", json.dumps(parameters(name, **options))]
    command += ["--cells", files / "train.h5ad", files / "truth.h5ad"]
    command += ["--predictions", files / "mean_shift.h5ad", files / "scvi.h5ad"]
    for kind in ("pdf", "png", "html"):
        command += [f"--{kind}", tmp_path / f"f.{kind}"]
    run = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "f.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")
    assert "In the paper" in (tmp_path / "f.html").read_text()
