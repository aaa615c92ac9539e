"""Blocks of images: each row shows the same ones, drawn with the seed, alike from each kind."""

from matplotlib.patches import Rectangle

from outofsample.figures import image_grid
from tests.unit.figures.drawn import texts
from tests.unit.figures.glasses import CLEAR, DARK, EYES, load


def test_a_column_is_the_same_image_in_each_row(glasses_files):
    (block,) = load(glasses_files, images=5).blocks
    rows = {name: shown[:, 0, 0, 0].astype(int) for name, shown in block.rows.items()}
    assert block.paired and len(set(rows["query"])) == 5
    assert (rows["truth"] == rows["query"]).all() and (rows["no_change"] == rows["query"]).all()
    # The first of two seeds.
    assert (rows["neuron_editing"] == rows["query"] + 3).all()


def test_the_choice_is_drawn_with_the_seed_and_does_not_depend_on_methods(glasses_files):
    first, again = (load(glasses_files).blocks[0].rows["query"] for _ in range(2))
    alone = load(glasses_files, methods=("no_change",)).blocks[0].rows["query"]
    other = load(glasses_files, seed=1).blocks[0].rows["query"]
    assert (first == again).all() and (first == alone).all() and (first != other).any()


def test_kinds_that_are_seen_after_the_change_share_the_images_alike(glasses_files):
    (block,) = load(glasses_files, spread="glasses").blocks
    assert block.columns == ("clear",) * 3 + ("dark",) * 3
    assert (block.rows["truth"][:3, 1] == CLEAR).all() and (block.rows["truth"][3:, 1] == DARK).all()


def test_images_from_dark_to_bright(glasses_files):
    (block,) = load(glasses_files, spread="brightness", images=4, **EYES).blocks
    # A quarter of the women has dark glasses.
    assert block.rows["truth"][:, 1, 0, 0].tolist() == [DARK, CLEAR, CLEAR, CLEAR]


def test_in_sample_images_have_real_examples_in_place_of_the_truth(glasses_files):
    men, women = load(glasses_files, in_sample=True, names={"source": "men"}, **EYES).blocks
    assert men.title == "in-sample, none to glasses: men" and women.title == "out-of-sample, none to glasses: female"
    assert not men.paired and women.paired
    assert sorted(set(men.rows["truth"][:, 1, 0, 0])) == [DARK, CLEAR]
    assert (men.rows["no_change"] == men.rows["query"]).all()
    figure = image_grid.grid(load(glasses_files, in_sample=True))
    frames = [
        patch for ax in figure.axes for patch in ax.findobj(Rectangle) if patch.get_linestyle() not in ("-", "solid")
    ]
    assert len(frames) == 1 and "Dashed frame" in texts(figure)
