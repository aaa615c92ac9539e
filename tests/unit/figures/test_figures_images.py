"""Grids of images: which are shown, that each row shows the same ones, and what is said where data are missing."""

import anndata
import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle

from outofsample.arrays import Prediction, Query
from outofsample.errors import UserError
from outofsample.figures import images, style
from outofsample.files.prediction import PredictedImages, PredictionWriter
from outofsample.files.rows import Rows
from outofsample.files.task import to_training
from outofsample.images.image_data import to_anndata
from outofsample.jobs.split import SplitSpec
from outofsample.study.split import split_dataset
from tests.unit.figures.test_figures import texts

SHAPE = (4, 6, 3)
METHODS = ("neuron_editing", "pca_editing", "no_change", "scvi")
DARK, CLEAR = 40, 160


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write a task of glasses: women known before and after, men not; each image has a grey value of its own."""
    folder = tmp_path_factory.mktemp("glasses")
    rng = np.random.default_rng(0)
    groups = [("female", "none"), ("female", "glasses"), ("male", "none"), ("male", "glasses")]
    obs = pd.DataFrame(np.repeat(groups, 20, axis=0), columns=["domain", "condition"])
    number = np.tile(np.arange(20), 4)
    women = (obs["domain"] == "female").to_numpy()
    worn = (obs["condition"] == "glasses").to_numpy()
    obs["pair_id"] = np.where(women, [f"w{k}" for k in number], "")
    obs["glasses"] = np.where(worn, np.where(number % 4 == 0, "dark", "clear"), "none")
    X = np.repeat(180 + number[:, None], np.prod(SHAPE), axis=1).reshape(-1, *SHAPE)
    X[:, 1:3] += rng.integers(0, 5, X[:, 1:3].shape)
    X[worn, 1:3] = np.where(obs["glasses"][worn] == "dark", DARK, CLEAR)[:, None, None, None]
    X[worn & women, 0, 0, 0] = number[worn & women]
    X[~worn & women, 0, 0, 0] = number[~worn & women]
    adata = to_anndata(X.astype(np.uint8), obs.set_index(obs.index.astype(str)))
    adata.uns |= {"dataset": "faces", "stand_in": True}
    query = Query("women", "female", "none", "glasses")
    split = SplitSpec("glasses", (query,), (("female", "glasses"),), source_domains=("male",))
    train, truth = split_dataset(adata, split)
    train.write_h5ad(folder / "train.h5ad")
    truth.write_h5ad(folder / "truth.h5ad")
    data = to_training(train)
    for method in METHODS:
        writer = PredictionWriter(data, method, in_sample_cells=12)
        if method == "scvi":
            writer.write(folder / f"{method}.h5ad", not_run="needs counts")
            continue
        for seed in (3, 4) if method == "neuron_editing" else (0,):
            writer.add_all(lambda X, *_, by=seed: Prediction(X.astype(np.float32) + by), seed)
        writer.write(folder / f"{method}.h5ad")
    return folder


def load(folder, methods=METHODS, truth="truth.h5ad", **options):
    """Return what a grid shows."""
    figure = {"name": "f", "title": "A title", "task": "glasses", "stand_in": True, "demo_size": True}
    figure |= {"labels": {"neuron_editing": "Neuron editing", "scvi": "scVI"}, "controls": ["no_change"]}
    figure["options"] = options
    return images.load_images(figure, folder / "train.h5ad", folder / truth, [folder / f"{m}.h5ad" for m in methods])


EYES = {"region": [0.25, 0.75, 0, 1], "region_name": "the eyes"}


def test_a_column_is_the_same_image_in_each_row(folder):
    (block,) = load(folder, images=5).blocks
    rows = {name: shown[:, 0, 0, 0].astype(int) for name, shown in block.rows.items()}
    assert block.paired and len(set(rows["query"])) == 5
    assert (rows["truth"] == rows["query"]).all() and (rows["no_change"] == rows["query"]).all()
    # The first of two seeds.
    assert (rows["neuron_editing"] == rows["query"] + 3).all()


def test_the_choice_is_drawn_with_the_seed_and_does_not_depend_on_methods(folder):
    first, again = (load(folder).blocks[0].rows["query"] for _ in range(2))
    alone = load(folder, methods=("no_change",)).blocks[0].rows["query"]
    other = load(folder, seed=1).blocks[0].rows["query"]
    assert (first == again).all() and (first == alone).all() and (first != other).any()


def test_kinds_that_are_seen_after_the_change_share_the_images_alike(folder):
    (block,) = load(folder, spread="glasses").blocks
    assert block.columns == ("clear",) * 3 + ("dark",) * 3
    assert (block.rows["truth"][:3, 1] == CLEAR).all() and (block.rows["truth"][3:, 1] == DARK).all()


def test_images_from_dark_to_bright(folder):
    (block,) = load(folder, spread="brightness", images=4, **EYES).blocks
    # A quarter of the women has dark glasses.
    assert block.rows["truth"][:, 1, 0, 0].tolist() == [DARK, CLEAR, CLEAR, CLEAR]


def test_in_sample_images_have_real_examples_in_place_of_the_truth(folder):
    men, women = load(folder, in_sample=True, names={"source": "men"}, **EYES).blocks
    assert men.title == "in-sample, none to glasses: men" and women.title == "out-of-sample, none to glasses: female"
    assert not men.paired and women.paired
    assert sorted(set(men.rows["truth"][:, 1, 0, 0])) == [DARK, CLEAR]
    assert (men.rows["no_change"] == men.rows["query"]).all()
    figure = images.grid(load(folder, in_sample=True))
    frames = [
        patch for ax in figure.axes for patch in ax.findobj(Rectangle) if patch.get_linestyle() not in ("-", "solid")
    ]
    assert len(frames) == 1 and "Dashed frame" in texts(figure)


def test_choose_takes_alike_from_each_group():
    groups = np.array([0, 1, 0, 0, 1, 0, 2])
    chosen = images.choose(groups, 5, 0)
    assert groups[chosen].tolist() == [0, 0, 1, 1, 2] and len(set(chosen)) == 5
    assert len(images.choose(groups, 50, 0)) == 7
    assert images.quantile_groups(np.array([5.0, 1, 3, 9]), 2).tolist() == [1, 0, 0, 1]


def test_brightness_and_what_counts_as_dark(folder):
    found = load(folder, **EYES).brightness
    assert found.values["truth"].mean() == pytest.approx((DARK + 3 * CLEAR) / 4)
    assert DARK < found.cut < CLEAR + 20
    assert found.share_dark("truth") == 0.25 and found.share_dark("no_change") == 0
    assert len(found.values["neuron_editing"]) == 20
    assert np.allclose(found.values["neuron_editing"], found.values["query"] + 3)


def test_bimodality_tells_one_peak_from_two():
    rng = np.random.default_rng(0)
    values = {
        "one": rng.normal(size=5000),
        "flat": rng.uniform(size=5000),
        "two": np.repeat([0.0, 1.0], 50),
        "alike": np.ones(9),
    }
    found = images.Brightness(values, 0.5, "")
    assert found.bimodality("one") == pytest.approx(1 / 3, abs=0.02)
    assert found.bimodality("flat") == pytest.approx(5 / 9, abs=0.02)
    assert found.bimodality("two") == pytest.approx(1, abs=0.05)
    assert np.isnan(found.bimodality("alike"))
    # A constant shift leaves the shape as it is.
    shifted = images.Brightness({"two": values["two"] + 7}, 0.5, "")
    assert shifted.bimodality("two") == pytest.approx(found.bimodality("two"))


def test_the_figure_says_what_it_shows(folder):
    data = load(folder, in_sample=True, spread="glasses", **EYES)
    shown = texts(images.grid(data))
    for text in ("Simulated stand-in data, demo size", "Seed 3, the first of 2", "Not run: scVI (needs counts)"):
        assert text in shown
    for text in ("original", "truth", "Neuron editing", "pca editing", "25% dark", "brightness of the eyes"):
        assert text in shown
    assert "scVI: not run: needs counts" in images.describe(data)


def test_methods_apart_stand_in_a_second_grid_beside_the_first_method(folder):
    figure = images.grid(load(folder), apart=["pca_editing"], titles=["all", "neurons or components"])
    first, second = figure.axes
    labels = [[text.get_text() for text in ax.texts] for ax in (first, second)]
    assert "a   all" in labels[0] and "pca editing" not in labels[0] and "no change" in labels[0]
    assert "b   neurons or components" in labels[1] and "no change" not in labels[1]
    assert {"original", "truth", "Neuron editing", "pca editing"} <= set(labels[1])
    assert len(first.images) == 6 * 4 and len(second.images) == 6 * 4


@pytest.mark.parametrize("copies", [1, 8])
@pytest.mark.parametrize("region", [{}, EYES])
def test_images_can_be_read_and_lie_on_the_page(folder, copies, region):
    from dataclasses import replace

    data = load(folder, in_sample=True, **region)
    names = [f"{method}{k}" for k in range(copies) for method in ("neuron_editing", "no_change")]
    blocks = [
        replace(
            block, rows={n: block.rows[n] for n in ("query", "truth")} | dict.fromkeys(names, block.rows["no_change"])
        )
        for block in data.blocks
    ]
    found = data.brightness
    if found is not None:
        values = found.values | dict.fromkeys(names, found.values["no_change"])
        found = images.Brightness(values, found.cut, found.label)
    many = replace(data, blocks=blocks, labels={n: n for n in names}, brightness=found)
    figure = images.grid(many)
    width, height = figure.get_size_inches()
    assert width == style.WIDTH and height < 11.7
    left, right, lower, upper = figure.axes[0].images[0].get_extent()
    assert right - left == pytest.approx(lower - upper) and right - left >= images.SMALLEST["digits"]
    inside = figure.bbox.padded(1)
    for ax in figure.axes:
        box = ax.get_tightbbox()
        assert inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 and box.y1 <= inside.y1


def test_pixels_become_squares_and_grey_images_lose_their_channel():
    grey = images.enlarged(np.arange(4, dtype=np.uint8).reshape(2, 2, 1))
    assert grey.shape == (300, 300) and (grey[:150, 150:] == 1).all() and (grey[150:, :150] == 2).all()
    assert images.enlarged(np.zeros((32, 32, 3), np.uint8)).shape == (320, 320, 3)


def test_queries_with_the_same_conditions_share_a_block():
    known = (Query("0_thin", "0", "n", "thin"), Query("0_thick", "0", "n", "thick"), Query("2_thin", "2", "n", "thin"))
    groups = images._transformations(known, None, "f")
    assert [[query.name for query in group] for group in groups] == [["0_thin", "2_thin"], ["0_thick"]]
    with pytest.raises(UserError, match="did you mean '0_thick'"):
        images._transformations(known, ["0_thik"], "f")


def test_without_a_truth_the_row_says_so(folder, tmp_path):
    truth = anndata.read_h5ad(folder / "truth.h5ad")
    truth[:0].copy().write_h5ad(folder / "none.h5ad")
    data = load(folder, truth="none.h5ad", in_sample=True, **EYES)
    assert "truth" not in data.blocks[1].rows and "truth" in data.blocks[0].rows
    assert "not measured" in texts(images.grid(load(folder, truth="none.h5ad", in_sample=True)))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"images": 0}, "at least 1"),
        ({"spread": "glases"}, "did you mean 'glasses'"),
        ({"spread": "brightness"}, "needs the option 'region'"),
        ({"region": [0.5, 0.2, 0, 1]}, "between 0 and 1"),
        ({"queries": ["womn"]}, "did you mean 'women'"),
    ],
)
def test_impossible_options_are_errors_of_the_user(folder, options, message):
    with pytest.raises(UserError, match=message):
        load(folder, **options)


def test_too_many_images_and_unknown_methods_are_errors_of_the_user(folder):
    with pytest.raises(UserError, match="at most 9 images fit into a block"):
        images.grid(load(folder, images=20, in_sample=True))
    with pytest.raises(UserError, match="did you mean 'pca_editing'"):
        images.grid(load(folder), apart=["pca_editin"])
    with pytest.raises(UserError, match="no method ran"):
        images.grid(load(folder, methods=("scvi",)))


def test_files_that_do_not_fit_are_named(folder, tmp_path):
    small = anndata.read_h5ad(folder / "no_change.h5ad")
    small[:, :5].copy().write_h5ad(tmp_path / "small.h5ad")
    with pytest.raises(UserError, match=r"small.h5ad: X must have images of \(4, 6, 3\)"):
        PredictedImages(tmp_path / "small.h5ad", SHAPE)
    small[small.obs["role"] == "source"].copy().write_h5ad(tmp_path / "part.h5ad")
    part = PredictedImages(tmp_path / "part.h5ad", SHAPE)
    with pytest.raises(UserError, match=r"part.h5ad: there is no prediction with the role 'query' for 1 of 1 images"):
        part.of(np.array(["0"]), [Query("women", "female", "none", "glasses")], "query")
    small.X[0, 0] = np.nan
    small.write_h5ad(tmp_path / "nan.h5ad")
    with pytest.raises(UserError, match="not finite"):
        PredictedImages(tmp_path / "nan.h5ad", SHAPE).images(np.array([0]))
    with pytest.raises(UserError, match="not a readable h5ad"):
        Rows(tmp_path / "absent.h5ad")
