"""What the figures of two markers and of the whole change have in common: what they say, their layout, their files."""

from dataclasses import replace

import numpy as np
import pytest

from outofsample.figures import beside_reference, biaxial, style, whole_change
from outofsample.figures.data import Panel
from tests.conftest import assert_same_figure
from tests.unit.figures.batches import QUERIES
from tests.unit.figures.drawn import texts

FIGURES = {
    "ne2019_fig3": lambda data: biaxial.every_method(data, "IFNg", "CCR6"),
    "ne2020_fig4": lambda data: beside_reference.corrected_beside_reference(data, "IFNg", "CCR6"),
    "ne2020_fig5": whole_change.populations_and_markers,
}


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("asked", QUERIES)
def test_every_figure_says_what_it_shows(name, asked, load_batches):
    data = load_batches({"query": asked})
    shown = texts(FIGURES[name](data))
    assert "Simulated stand-in data, demo size" in shown
    assert f"sample from b1 to {data.query.target}" in shown
    assert "Seed 3, the first of 2" in shown
    assert "not run: R is missing" in shown and "Neuron editing" in shown
    assert ("held out" in shown) == (asked == "to_026")


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_is_said_of_stand_ins_where_the_data_are_real(name, load_batches):
    shown = texts(FIGURES[name](load_batches(stand_in=False, demo_size=False))).lower()
    assert "stand-in" not in shown and "demo" not in shown


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("count", [1, 12])
def test_the_layout_follows_the_number_of_methods(name, count, load_batches):
    data = load_batches()
    figure = FIGURES[name](replace(data, panels=(data.panels * 4)[:count]))
    assert figure.get_size_inches()[0] == style.WIDTH
    inside = figure.bbox.padded(1)
    boxes = [ax.get_tightbbox() for ax in figure.axes if ax.get_visible()]
    assert all(inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 for box in boxes)
    legend = figure.legends[0].get_window_extent()
    assert inside.x0 <= legend.x0 and legend.x1 <= inside.x1 and inside.y0 <= legend.y0
    assert not any(box.overlaps(legend) for box in boxes)


def test_extreme_predictions_do_not_decide_the_axes(load_batches):
    data = load_batches()
    wild = Panel("gan", "GAN", data.panels[0].X * 1000)
    figure = biaxial.every_method(replace(data, panels=[data.panels[1], wild]), "IFNg", "CCR6")
    low, high = figure.axes[0].get_xlim()
    assert high - low < 2 * np.ptp(data.cells["source"][:, 0])
    assert "% of cells outside" in texts(figure)


def test_degenerate_populations_are_drawn(load_batches):
    data = load_batches()
    flat = {name: np.ones_like(X[:1]) for name, X in data.cells.items()}
    one = replace(data, cells=flat, panels=[Panel("m", "M", flat["query"], (0,))])
    for draw in FIGURES.values():
        figure = draw(one)
        figure.draw_without_rendering()
        limits = np.array([(ax.get_xlim(), ax.get_ylim()) for ax in figure.axes if ax.axison])
        assert len(limits) and np.isfinite(limits).all() and (limits[..., 0] < limits[..., 1]).all()
        assert any(ax.get_title(side).endswith("M") for ax in figure.axes for side in ("left", "center"))


def test_files_are_the_same_each_time(load_batches, tmp_path):
    for folder in ("one", "two"):
        figure = biaxial.every_method(load_batches(), "IFNg", "CCR6")
        style.save(figure, tmp_path / folder / "f.pdf", tmp_path / folder / "f.png")
    assert_same_figure(tmp_path / "one", tmp_path / "two")
    # Embedded as TrueType, so that text stays text.
    assert b"/FontFile2" in (tmp_path / "one" / "f.pdf").read_bytes()
