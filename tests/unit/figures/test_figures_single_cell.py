"""Figures 2, 5 and 6 of trVAE: embedding, mixing of conditions, panels, and what they say where data are missing."""

from itertools import pairwise

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from outofsample.arrays import Prediction, Query
from outofsample.errors import UserError
from outofsample.figures import single_cell, style
from outofsample.figures.data import load_data
from outofsample.files.prediction import PredictionWriter
from outofsample.files.task import to_training
from outofsample.jobs.split import SplitSpec
from outofsample.metrics.correlations import r2
from outofsample.metrics.directions import DIRECTIONS
from outofsample.study.split import split_dataset
from tests.conftest import assert_same_figure
from tests.unit.figures.test_figures import texts

GENES = ("ISG15", "CD3D", "LYZ", "MS4A1", "NKG7", "IFI6")
METHODS = ("trvae", "cvae", "no_change", "mean_shift", "scvi")
CONTROLS = ["no_change", "mean_shift"]
LETTERS = "abcdef"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write a task: NK cells held out in one of two targets, the other query without a truth; X is sparse."""
    folder = tmp_path_factory.mktemp("kang")
    rng = np.random.default_rng(0)
    pairs = [(t, c) for t in ("NK", "T", "B") for c in ("control", "day3", "day10") if (t, c) != ("NK", "day3")]
    obs = pd.DataFrame(np.repeat(pairs, 30, axis=0), columns=["domain", "condition"])
    X = rng.poisson(1.0, (len(obs), len(GENES))).astype(np.float32)
    X[:, 0] += 3 * (obs["condition"] == "day10")
    X[:, 1] += 4 * (obs["domain"] == "T")
    X = scipy.sparse.csr_matrix(X)
    adata = anndata.AnnData(X, obs.set_index(obs.index.astype(str)), pd.DataFrame(index=GENES))
    adata.uns |= {"dataset": "kang", "stand_in": False}
    queries = tuple(Query(target, "NK", "control", target) for target in ("day10", "day3"))
    train, truth = split_dataset(adata, SplitSpec("kang", queries, (("NK", "day10"), ("NK", "day3"))))
    train.write_h5ad(folder / "train.h5ad")
    truth.write_h5ad(folder / "truth.h5ad")
    for method in METHODS:
        write_predictions(to_training(train), method, folder / f"{method}.h5ad")
    return folder


def write_predictions(data, method, path):
    """Write made-up predictions; the matched layer of the CVAE keeps conditions apart, that of trVAE does not."""
    writer = PredictionWriter(data, method, in_sample_cells=60)
    if method == "scvi":
        writer.write(path, not_run="needs counts")
        return
    shift = np.array([3, 0, 0, 0, 0, 0], dtype=np.float32)
    change = {"no_change": 0, "mean_shift": 1}.get(method, 0.5) * shift
    layer = data.X[:, 1:4] if method in ("trvae", "cvae") else None
    for seed in (3, 4) if method in ("trvae", "cvae") else (0,):
        for query in data.queries:
            rows = np.flatnonzero(data.is_query(query))
            part = None if layer is None else layer[rows]
            writer.add(query, seed, rows, "query", Prediction(data.X[rows] + change, matched=part))
    if layer is not None:
        cells = np.sort(np.random.default_rng(0).permutation(len(data.X))[:120])
        apart = 50 * (method == "cvae") * (data.condition[cells] == "day10")
        writer.add(data.queries[0], 3, cells, "self", Prediction(data.X[cells], matched=layer[cells] + apart[:, None]))
    writer.write(path)


@pytest.fixture
def quick(monkeypatch):
    """Let the first two features stand for UMAP."""
    monkeypatch.setattr(single_cell, "embed", lambda X, *_, **__: np.asarray(X, dtype=float)[:, :2])


def load(folder, methods=METHODS, **options):
    """Return the data of a figure."""
    figure = {"name": "f", "title": "A title", "task": "kang", "stand_in": False, "demo_size": True}
    figure |= {"labels": {"trvae": "trVAE", "cvae": "CVAE", "no_change": "No change"}, "controls": CONTROLS}
    figure |= {"scores_of": {"t_cells": {"label": "T cells", "stand_in": False}}, "options": options}
    return load_data(
        figure, folder / "train.h5ad", folder / "truth.h5ad", [str(folder / f"{method}.h5ad") for method in methods]
    )


def score_rows(task="kang", query="day10", names=single_cell.SCORES, value=0.5):
    """Return rows of scores: one per seed of the methods that ran, halves of the oracle, and the one that did not."""
    runs = [(m, s) for m in METHODS if m != "scvi" for s in ((3, 4) if m in ("trvae", "cvae") else (0,))]
    runs += [("oracle", half) for half in range(5)]
    rows = [
        {
            "task": task,
            "query": query,
            "method": m,
            "seed": s,
            "score": name,
            "value": value + 0.1 * (s == 4),
            "sd": 0.02,
        }
        for m, s in runs
        for name in names
    ]
    rows.append({"task": task, "query": query, "method": "scvi", "note": "needs counts"})
    return pd.DataFrame(
        rows,
        columns=[
            "task",
            "query",
            "method",
            "seed",
            "score",
            "value",
            "low",
            "high",
            "sd",
            "n_cells",
            "note",
            "backend",
        ],
    )


def scores_of(folder, *tables):
    """Write tables of scores, and read them as the notebook does."""
    paths = []
    for number, table in enumerate(tables):
        paths.append(str(folder / f"scores_{number}.csv"))
        table.to_csv(paths[-1], index=False)
    return single_cell.load_scores(paths)


def draw(folder, scores=None, methods=METHODS, query=None, **options):
    """Return the drawn Figure 5 or 6."""
    data = load(folder, methods, **({"query": query} if query else {}))
    measured = single_cell.read_measured(folder / "train.h5ad", folder / "truth.h5ad")
    return single_cell.perturbation(
        data, measured, single_cell.load_scores([]) if scores is None else scores, **options
    )


def axes_of(figure, letter):
    """Return the first axes whose title begins with a letter of a panel."""
    return next(ax for ax in figure.axes if ax.get_title(loc="left").startswith(letter))


# ---- embedding and mixing


def test_umap_is_the_same_each_time_and_parts_what_is_apart():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 60)) + 30 * np.repeat([0, 1], 40)[:, None]
    first, second = single_cell.embed(X), single_cell.embed(X)
    assert first.shape == (80, 2) and np.array_equal(first, second)
    centres = first[:40].mean(axis=0), first[40:].mean(axis=0)
    assert np.linalg.norm(centres[0] - centres[1]) > 2 * first[:40].std()
    # A layer that has collapsed still has an embedding.
    assert np.isfinite(single_cell.embed(np.zeros((40, 5)), components=None)).all()


def test_mixing_is_one_for_shuffled_labels_and_zero_for_what_lies_apart():
    rng = np.random.default_rng(0)
    X, labels = rng.normal(size=(800, 3)), np.repeat(["a", "b"], 400)
    assert single_cell.mixing(X, labels) == pytest.approx(1, abs=0.05)
    assert single_cell.mixing(X + 100 * (labels == "a")[:, None], labels) == 0
    assert np.isnan(single_cell.mixing(X, np.repeat("a", 800)))


def test_mixing_within_strata_does_not_blame_a_stratum_with_one_label():
    rng = np.random.default_rng(1)
    strata = np.repeat(["x", "y"], 400)
    labels = np.where(strata == "x", "a", rng.choice(["a", "b"], 800))
    X = rng.normal(size=(800, 3)) + 100 * (strata == "x")[:, None]
    assert single_cell.mixing(X, labels, strata) == pytest.approx(1, abs=0.06)
    assert single_cell.mixing(X, labels) < 0.85


# ---- Figure 2


def test_the_matched_layer_says_how_conditions_mix(folder, quick):
    methods = ("trvae", "cvae", "no_change", "scvi")
    data = load(folder, methods)
    layers = single_cell.read_layers(data, folder / "train.h5ad", [folder / f"{name}.h5ad" for name in methods])
    trvae, cvae, unmatched, absent = layers
    assert len(trvae.units) == 120 and list(trvae.domain) == list(cvae.domain)
    assert set(trvae.condition) == {"control", "day3", "day10"}
    shown = texts(single_cell.matched_layers(data, layers))
    mixed = [single_cell.mixing(layer.units, layer.condition, layer.domain) for layer in (trvae, cvae)]
    assert mixed[0] > mixed[1] + 0.3
    assert f"conditions mixed: {mixed[0]:.2f}" in shown and f"conditions mixed: {mixed[1]:.2f}" in shown
    assert "NK (query)" in shown and "no layer after its bottleneck" in unmatched.why
    assert "not run: needs counts" in shown and absent.units is None


def test_a_file_without_own_conditions_says_so(folder, tmp_path, quick):
    part = anndata.read_h5ad(folder / "trvae.h5ad")
    part[part.obs["role"] != "self"].copy().write_h5ad(tmp_path / "trvae.h5ad")
    data = load(folder, ("trvae",))
    layers = single_cell.read_layers(data, folder / "train.h5ad", [str(tmp_path / "trvae.h5ad")])
    assert "too few training cells" in layers[0].why
    assert "too few training cells" in texts(single_cell.matched_layers(data, layers))


def test_cells_that_training_does_not_have_are_an_error(folder, tmp_path):
    part = anndata.read_h5ad(folder / "trvae.h5ad")
    part.obs["cell"] = part.obs["cell"].astype(str).where(part.obs["role"] != "self", "nobody")
    part.write_h5ad(tmp_path / "trvae.h5ad")
    with pytest.raises(UserError, match="no cell 'nobody'"):
        single_cell.read_layers(load(folder, ("trvae",)), folder / "train.h5ad", [str(tmp_path / "trvae.h5ad")])


# ---- Figures 5 and 6


def test_measured_cells_are_of_both_files_and_dense(folder):
    measured = single_cell.read_measured(folder / "train.h5ad", folder / "truth.h5ad", cells=100)
    assert isinstance(measured.X, np.ndarray) and measured.X.shape == (100, len(GENES))
    assert 0 < measured.held_out.sum() < 100 and measured.task == "kang"
    assert set(measured.condition[measured.held_out]) == {"day10"} and set(measured.kind[measured.held_out]) == {"NK"}
    with pytest.raises(UserError, match="not a readable h5ad file"):
        single_cell.read_measured(folder / "none.h5ad", folder / "truth.h5ad")


def test_all_panels_are_drawn(folder, tmp_path, quick):
    one_type = [
        score_rows(f"kang.{kind}", q, ("means_r2_subsamples",)) for kind in ("T", "B_2") for q in ("day10", "day3")
    ]
    scores = scores_of(tmp_path, score_rows(), *one_type)
    figure = draw(folder, scores, show=LETTERS, focus=["trvae", "mean_shift"], gene="ISG15")
    shown = texts(figure)
    assert all(axes_of(figure, letter) for letter in LETTERS)
    assert "ISG15 in single cells" in shown and "oracle" in shown and "not run: needs counts" in shown
    rows = [label.get_text() for label in axes_of(figure, "d").get_yticklabels()]
    assert rows == ["control (query)", "day10 (held out)", "trVAE", "CVAE", "scvi", "No change", "mean shift"]
    # Two queries; names of types without the family's.
    assert [label.get_text() for label in axes_of(figure, "f").get_yticklabels()] == ["T", "B 2"]
    assert axes_of(figure, "day3")
    # Two seeds have .5 and .6.
    assert shown.count("0.550") == 2 * len(single_cell.SCORES)


def test_numbers_above_the_genes_are_those_of_the_shown_seed(folder, tmp_path, quick):
    top = score_rows(names=("means_r2_top100",), value=0.123)
    shown = texts(draw(folder, scores_of(tmp_path, score_rows(), top), show="bc", focus=["trvae"]))
    data = load(folder)
    means = data.panels[0].X.mean(axis=0), data.cells["truth"].mean(axis=0)
    assert f"R² {r2(*means):.3f}, top 100: 0.123, r of changes" in shown and "SD ratio" in shown


def test_the_gene_that_changes_most_is_named_and_the_default(folder, quick):
    figure = draw(folder, show="bd", named=1)
    assert "ISG15" in [text.get_text() for text in axes_of(figure, "b").texts]
    assert "ISG15 in single cells" in texts(figure)


def test_missing_data_are_said_in_a_sentence(folder, quick):
    shown = texts(draw(folder, show=LETTERS))
    assert "No scores of this task were given" in shown and "Not shown: no scores of tasks that hold out" in shown
    shown = texts(draw(folder, query="day3", show="abcd"))
    assert "no truth was measured" in shown
    shown = texts(draw(folder, focus=["scvi"], show="b"))
    assert "not run: needs counts" in shown


def test_a_task_of_a_family_is_among_the_cell_types(folder, tmp_path, quick):
    data = load(folder)
    measured = single_cell.read_measured(folder / "train.h5ad", folder / "truth.h5ad")
    family = [score_rows(f"kang.{kind}") for kind in ("NK", "T")]
    parts = {
        task: single_cell.Perturbation.of(
            data, single_cell.Measured(*list(vars(measured).values())[:-1], task), scores_of(tmp_path, *family)
        )
        for task in ("kang.NK", "kang")
    }
    assert all(set(part.by_type["task"]) == {"kang.NK", "kang.T"} for part in parts.values())
    assert set(parts["kang.NK"].scores["task"]) == {"kang.NK"} and parts["kang"].scores.empty


def test_wild_predictions_do_not_decide_the_axes(folder, tmp_path, quick):
    part = anndata.read_h5ad(folder / "cvae.h5ad")
    part.X = part.X * 1000
    part.write_h5ad(tmp_path / "cvae.h5ad")
    for name in ("train", "truth"):
        (tmp_path / f"{name}.h5ad").symlink_to(folder / f"{name}.h5ad")
    figure = draw(tmp_path, methods=("cvae",), show="bd")
    assert axes_of(figure, "b").get_xlim()[1] < 20 and axes_of(figure, "d").get_xlim()[1] < 20
    assert "genes outside" in texts(figure)


def test_the_page_holds_all_methods(folder, tmp_path, quick):
    data = load(folder)
    many = [single_cell.Panel(f"m{k}", f"A method with a name {k}", data.panels[0].X, (3,)) for k in range(24)]
    data.panels[:] = many
    measured = single_cell.read_measured(folder / "train.h5ad", folder / "truth.h5ad")
    scores = score_rows()
    scores = pd.concat([scores[scores["method"] == "trvae"].assign(method=panel.method) for panel in many])
    figure = single_cell.perturbation(data, measured, scores_of(tmp_path, scores), show="abcde")
    inside, legend = figure.bbox.padded(1), figure.legends[0].get_window_extent()
    assert figure.get_size_inches()[0] == style.WIDTH and figure.get_size_inches()[1] < 11.7
    boxes = [ax.get_tightbbox() for ax in figure.axes]
    assert all(inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 for box in boxes)
    assert not any(box.overlaps(legend) for box in boxes)
    names = [label.get_window_extent() for label in axes_of(figure, "d").get_yticklabels()]
    assert not any(a.overlaps(b) for a, b in pairwise(names))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"focus": ["trva"]}, "no method 'trva' .did you mean 'trvae'"),
        ({"focus": ["trvae"] * 4}, "at most three"),
        ({"gene": "ISG51"}, "no feature 'ISG51'"),
        ({"show": "abx"}, "letters are a to f"),
        ({"show": "e", "score_names": ["means_r3"]}, "no score 'means_r3'"),
        ({"show": "f", "type_score": "r3"}, "no score 'r3'"),
    ],
)
def test_what_is_unknown_is_an_error_of_the_user(folder, tmp_path, quick, options, message):
    with pytest.raises(UserError, match=message):
        draw(folder, scores_of(tmp_path, score_rows(), score_rows("kang.T")), **options)


@pytest.mark.parametrize("score", DIRECTIONS)
def test_the_best_method_is_that_of_the_scores_direction(score):
    best, values = {
        "low": ("small", {"small": 0.1, "large": 3.0}),
        "high": ("large", {"small": 0.1, "large": 0.9}),
        "one": ("near", {"small": 0.1, "near": 1.2, "large": 3.0}),
    }[DIRECTIONS[score]]
    assert single_cell._best(score, values | {"none": np.nan}) == best
    assert single_cell._best(score, {"none": np.nan}) is None


def test_the_axes_of_scores_follow_their_direction():
    assert single_cell._score_limits("ssim", np.array([0.2, -7.0, np.nan])) == (-1, 1)
    assert single_cell._score_limits("thickness_ratio", np.array([9.0])) == (0, 3)
    assert single_cell._score_limits("kid", np.array([40.0, 40.0])) == (0, pytest.approx(42))


def test_files_are_the_same_each_time(folder, tmp_path, quick):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        figure = draw(folder, scores_of(tmp_path, score_rows()), show="abcde", focus=["trvae"])
        style.save(figure, tmp_path / name / "f.pdf", tmp_path / name / "f.png")
    assert_same_figure(tmp_path / "one", tmp_path / "two")
