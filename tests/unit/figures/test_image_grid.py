"""Grids of images: what they say, how large images are, and what is said where data are missing."""

import anndata
import numpy as np
import pytest

from outofsample.errors import UserError
from outofsample.figures import image_blocks, image_brightness, image_grid, style
from tests.unit.figures.drawn import texts
from tests.unit.figures.glasses import EYES, load


def test_the_figure_says_what_it_shows(glasses_files):
    data = load(glasses_files, in_sample=True, spread="glasses", **EYES)
    shown = texts(image_grid.grid(data))
    for text in ("Simulated stand-in data, demo size", "Seed 3, the first of 2", "Not run: scVI (needs counts)"):
        assert text in shown
    for text in ("original", "truth", "Neuron editing", "pca editing", "25% dark", "brightness of the eyes"):
        assert text in shown
    assert "scVI: not run: needs counts" in image_blocks.describe(data)


def test_methods_apart_stand_in_a_second_grid_beside_the_first_method(glasses_files):
    figure = image_grid.grid(load(glasses_files), apart=["pca_editing"], titles=["all", "neurons or components"])
    first, second = figure.axes
    labels = [[text.get_text() for text in ax.texts] for ax in (first, second)]
    assert "a   all" in labels[0] and "pca editing" not in labels[0] and "no change" in labels[0]
    assert "b   neurons or components" in labels[1] and "no change" not in labels[1]
    assert {"original", "truth", "Neuron editing", "pca editing"} <= set(labels[1])
    assert len(first.images) == 6 * 4 and len(second.images) == 6 * 4


@pytest.mark.parametrize("copies", [1, 8])
@pytest.mark.parametrize("region", [{}, EYES])
def test_images_can_be_read_and_lie_on_the_page(glasses_files, copies, region):
    from dataclasses import replace

    data = load(glasses_files, in_sample=True, **region)
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
        found = image_brightness.Brightness(values, found.cut, found.label)
    many = replace(data, blocks=blocks, labels={n: n for n in names}, brightness=found)
    figure = image_grid.grid(many)
    width, height = figure.get_size_inches()
    assert width == style.WIDTH and height < 11.7
    left, right, lower, upper = figure.axes[0].images[0].get_extent()
    assert right - left == pytest.approx(lower - upper) and right - left >= image_grid.SMALLEST["digits"]
    inside = figure.bbox.padded(1)
    for ax in figure.axes:
        box = ax.get_tightbbox()
        assert inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 and box.y1 <= inside.y1


def test_pixels_become_squares_and_grey_images_lose_their_channel():
    grey = image_grid.enlarged(np.arange(4, dtype=np.uint8).reshape(2, 2, 1))
    assert grey.shape == (300, 300) and (grey[:150, 150:] == 1).all() and (grey[150:, :150] == 2).all()
    assert image_grid.enlarged(np.zeros((32, 32, 3), np.uint8)).shape == (320, 320, 3)


def test_without_a_truth_the_row_says_so(glasses_files, tmp_path):
    truth = anndata.read_h5ad(glasses_files / "truth.h5ad")
    truth[:0].copy().write_h5ad(glasses_files / "none.h5ad")
    data = load(glasses_files, truth="none.h5ad", in_sample=True, **EYES)
    assert "truth" not in data.blocks[1].rows and "truth" in data.blocks[0].rows
    assert "not measured" in texts(image_grid.grid(load(glasses_files, truth="none.h5ad", in_sample=True)))


def test_too_many_images_and_unknown_methods_are_errors_of_the_user(glasses_files):
    with pytest.raises(UserError, match="at most 9 images fit into a block"):
        image_grid.grid(load(glasses_files, images=20, in_sample=True))
    with pytest.raises(UserError, match="did you mean 'pca_editing'"):
        image_grid.grid(load(glasses_files), apart=["pca_editin"])
    with pytest.raises(UserError, match="no method ran"):
        image_grid.grid(load(glasses_files, methods=("scvi",)))


@pytest.mark.parametrize(
    ("who", "shown"),
    [
        ("women", "out-of-sample, none to glasses: women"),
        ("digits 0, 2, 4, 5, 8 and 9, that nobody has seen thick", "out-of-sample, none to glasses"),
    ],
)
def test_a_long_head_is_cut_where_the_columns_say_the_rest(glasses_files, who, shown):
    from dataclasses import replace

    data = load(glasses_files)
    (block,) = data.blocks
    figure = image_grid.grid(replace(data, blocks=[replace(block, title=f"out-of-sample, none to glasses: {who}")]))
    heads = [text for text in texts(figure).split(" | ") if text.startswith("out-of-sample")]
    assert heads == [shown]
