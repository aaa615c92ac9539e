"""Means and variances of all markers: numbers, what is named, the layout, what runs away."""

from dataclasses import replace

import matplotlib.text
import numpy as np
import pytest

from outofsample.errors import UserError
from outofsample.figures import marker_summaries, style
from outofsample.figures.data import Panel
from outofsample.metrics.correlations import summary_r
from tests.conftest import assert_same_figure
from tests.unit.figures.drawn import clouds, texts
from tests.unit.figures.drugs import CHANGE, FEATURES


def test_means_and_variances_are_those_of_the_cells(load_drugs):
    data = load_drugs()
    means = marker_summaries.summaries_of(data, "means")
    variances = marker_summaries.summaries_of(data, "variances")
    assert np.allclose(means.real, data.cells["truth"].mean(axis=0), atol=1e-5)
    assert np.allclose(means.predicted["mean_shift"], means.before + CHANGE, atol=1e-5)
    assert np.allclose(variances.predicted["gan"], variances.before / 100, atol=1e-4)
    assert set(means.predicted) == {"mean_shift", "gan", "no_change"}


def test_each_panel_draws_real_against_predicted_with_its_r(load_drugs):
    data = load_drugs()
    figure = marker_summaries.means_and_variances(data)
    for half, kind in ((figure.axes[:4], "means"), (figure.axes[4:], "variances")):
        expected = marker_summaries.summaries_of(data, kind)
        assert len({ax.get_xlim() + ax.get_ylim() for ax in half}) == 1
        assert half[0].get_xlim() == half[0].get_ylim()
        for ax, panel in zip(half[:3], data.panels, strict=False):
            predicted = expected.predicted[panel.method]
            drawn = np.concatenate(clouds(ax, "prediction"))
            assert np.allclose(drawn, np.stack([expected.real, predicted], axis=1))
            assert np.allclose(clouds(ax, "query")[0][:, 1], expected.before)
            assert f"r = {summary_r(predicted, expected.real):.3f}" in [text.get_text() for text in ax.texts]


def test_the_figure_says_what_it_shows(load_drugs):
    shown = texts(marker_summaries.means_and_variances(load_drugs()))
    assert "Simulated stand-in data, demo size" in shown and "Bez from basal to Das" in shown
    assert "Seed 5, the first of 2" in shown and "A point per marker (6)" in shown
    assert "a   means of arcsinh(x/5)" in shown and "b   variances of arcsinh(x/5)" in shown
    assert shown.count("not run: there are no counts") == 2
    assert "Bez: before" in shown and "identity: as Bez+Das (held out)" in shown


def test_the_largest_errors_are_named_and_no_others(load_drugs):
    data = load_drugs(("mean_shift", "no_change"))
    figure = marker_summaries.means_and_variances(data, labels=2)

    def named(ax):
        return {text.get_text() for text in ax.texts} & set(FEATURES)

    right, unchanged = figure.axes[:2]
    assert named(unchanged) == {"p4EBP1", "pS6"}
    assert "p4EBP1" not in named(right)
    assert not any(named(ax) for ax in marker_summaries.means_and_variances(data, labels=0).axes)


def test_names_and_r_cover_neither_each_other_nor_points(load_drugs):
    data = load_drugs()
    rng = np.random.default_rng(3)
    wrong = Panel("gan", "GAN", data.cells["query"] + rng.normal(0, 1, len(FEATURES)), (0,))
    figure = marker_summaries.means_and_variances(replace(data, panels=[wrong] * 5), labels=6)
    figure.draw_without_rendering()
    for ax in [ax for ax in figure.axes if ax.get_visible()]:
        boxes = [matplotlib.text.Text.get_window_extent(text) for text in ax.texts]
        assert len(boxes) > 1
        assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])
        points = ax.transData.transform(np.concatenate(clouds(ax, "prediction")))
        assert not any(box.count_contains(points) for box in boxes)


def test_a_method_that_runs_away_gets_triangles_at_the_edge(load_drugs):
    data = load_drugs(("mean_shift", "no_change"))
    tame = marker_summaries.means_and_variances(data)
    wild = replace(data, panels=[*data.panels, Panel("gan", "GAN", data.cells["query"] * 100 - 200, (0,))])
    figure = marker_summaries.means_and_variances(wild)
    low, high = figure.axes[0].get_ylim()
    assert high - low < 2 * np.ptp(tame.axes[0].get_ylim())
    drawn = np.concatenate(clouds(figure.axes[2], "prediction"))
    assert len(drawn) == len(FEATURES) and drawn[:, 1].min() == low and drawn[:, 1].max() == high
    assert "predicted outside the axes" in texts(figure) and "outside" not in texts(tame)


@pytest.mark.parametrize("count", [1, 5, 24])
def test_the_layout_follows_the_number_of_methods(count, load_drugs):
    data = load_drugs()
    figure = marker_summaries.means_and_variances(replace(data, panels=(data.panels * 6)[:count]), labels=0)
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


def test_without_held_out_cells_there_is_nothing_to_compare(load_drugs):
    data = load_drugs()
    cells = {name: X for name, X in data.cells.items() if name != "truth"}
    with pytest.raises(UserError, match="ne2019_fig6: nobody measured the truth of query 'bez_das'"):
        marker_summaries.means_and_variances(replace(data, cells=cells))


def test_markers_that_do_not_vary_are_drawn(load_drugs):
    data = load_drugs()
    flat = {name: np.ones_like(X) for name, X in data.cells.items()}
    figure = marker_summaries.means_and_variances(
        replace(data, cells=flat, panels=[Panel("m", "M", flat["query"], (0,))])
    )
    figure.draw_without_rendering()
    assert texts(figure).count("r undefined") == 2
    nothing_ran = replace(data, panels=[panel for panel in data.panels if panel.X is None])
    assert "not run" in texts(marker_summaries.means_and_variances(nothing_ran))


def test_files_are_the_same_each_time(load_drugs, tmp_path):
    for folder in ("one", "two"):
        style.save(
            marker_summaries.means_and_variances(load_drugs(("gan",))),
            tmp_path / folder / "f.pdf",
            tmp_path / folder / "f.png",
        )
    assert_same_figure(tmp_path / "one", tmp_path / "two")
