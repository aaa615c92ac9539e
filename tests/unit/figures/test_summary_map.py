"""The figure of all tasks and methods: what it says, its cells, the layout."""

from itertools import pairwise

import numpy as np
import pytest

from outofsample.errors import UserError
from outofsample.figures import style, summary_map
from outofsample.report.ranks import RULE
from tests.conftest import assert_same_figure
from tests.unit.figures.drawn import texts
from tests.unit.figures.study_scores import TWO, rows


def test_an_oracle_of_few_cells_is_said(summarise_scores):
    few = rows("a", {"no_change": 5, "trvae": 3}, oracle_note="fewer than 50 cells")
    shown = texts(summary_map.every_task(summarise_scores(few)))
    assert "Oracle of fewer than 50 cells" in shown
    assert "Oracle of fewer" not in texts(summary_map.every_task(summarise_scores(*TWO)))


def test_without_scores_there_is_no_figure(summarise_scores):
    with pytest.raises(UserError, match="no scores were given"):
        summarise_scores()
    with pytest.raises(UserError, match="one of share, score, rank, not 'ranks'"):
        summary_map.every_task(summarise_scores(*TWO), numbers="ranks")


def test_the_figure_says_what_it_shows(summarise_scores):
    summary = summarise_scores(*TWO)
    shown = texts(summary_map.every_task(summary))
    assert "Simulated stand-in data where marked †, demo size" in shown
    assert "Task sim †" in shown and "Task a †" not in shown
    assert "A: R is missing" in shown and "Open points" in shown and "1.0 (1)" in shown
    assert " | 50 | " in shown and " | −50 | " in shown
    assert "Median" not in shown and "No change" in shown
    assert f"Rows by mean rank: {RULE}" in shown


def test_numbers_can_be_scores_or_ranks(summarise_scores):
    summary = summarise_scores(rows("a", {"no_change": 5, "trvae": 1.234, "gan": 5e6}))
    cells = {
        numbers: [text.get_text() for text in summary_map.every_task(summary, numbers).axes[0].texts]
        for numbers in summary_map.NUMBERS
    }
    assert cells == {"share": ["94", "0", "≪ 0"], "score": ["1.23", "5", "5e+06"], "rank": ["1", "2", "3"]}


def test_cells_without_a_number_are_hatched(summarise_scores):
    cells = summary_map.every_task(summarise_scores(*TWO)).axes[0]
    assert sum(bool(patch.get_hatch()) for patch in cells.patches) == 1 and len(cells.patches) == 8


@pytest.mark.parametrize(("methods", "tasks"), [(26, 10), (3, 1), (26, 18)])
def test_the_layout_follows_the_size_of_the_study(summarise_scores, methods, tasks):
    rng = np.random.default_rng(0)
    names = ["no_change", *(f"method_with_a_name_{k}" for k in range(methods - 1))]
    tables = [rows(f"t{k}", dict(zip(names, [5, *rng.uniform(1, 9, methods - 1)], strict=True))) for k in range(tasks)]
    figure = summary_map.every_task(summarise_scores(*tables))
    style.settle(figure)
    assert figure.get_size_inches()[0] == style.WIDTH and figure.get_size_inches()[1] < 9
    inside, legend = figure.bbox.padded(1), figure.legends[0].get_window_extent()
    boxes = [ax.get_tightbbox() for ax in figure.axes]
    assert all(inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 for box in boxes)
    assert not any(box.overlaps(legend) for box in boxes)
    cells = figure.axes[0]
    for labels in (cells.get_yticklabels(), cells.texts[:tasks]):
        extents = [label.get_window_extent() for label in labels]
        assert not any(a.overlaps(b) for a, b in pairwise(extents))


def test_files_are_the_same_each_time(summarise_scores, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        style.save(summary_map.every_task(summarise_scores(*TWO)), tmp_path / name / "f.pdf", tmp_path / name / "f.png")
    assert_same_figure(tmp_path / "one", tmp_path / "two")
