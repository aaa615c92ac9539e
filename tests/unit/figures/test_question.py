"""The question in one picture."""

from dataclasses import replace

import numpy as np
import pytest

from outofsample.errors import UserError
from outofsample.figures import question
from outofsample.figures.data import Panel
from tests.unit.figures.drawn import texts


def test_says_what_was_seen_and_asked_and_by_which_method(load_batches):
    data = load_batches({"query": "to_026"})
    shown = texts(question.seen_and_foreseen(data, "IFNg", "CCR6", seen="Seen", asked="Asked"))
    assert {"Seen", "Asked"} <= set(shown.split(" | "))
    assert f"Method: {data.panels[0].label}" in shown and "Simulated stand-in data" in shown


def test_four_clouds_and_no_more_cells_than_asked(load_batches):
    figure = question.seen_and_foreseen(load_batches({"query": "to_026"}), "IFNg", "CCR6", cells=10)
    left, right = (ax.collections[0].get_offsets() for ax in figure.axes)
    assert len(left) == len(right) == 20


def test_without_a_truth_no_lines_are_promised(load_batches):
    data = load_batches({"query": "to_026"})
    assert "held out" in texts(question.seen_and_foreseen(data, "IFNg", "CCR6"))
    without = replace(data, cells={name: X for name, X in data.cells.items() if name != "truth"})
    assert "held out" not in texts(question.seen_and_foreseen(without, "IFNg", "CCR6"))


def test_a_method_that_did_not_run_says_why(load_batches):
    data = load_batches()
    absent = replace(data, panels=[Panel("gan", "GAN", None, not_run="no counts")])
    assert "no counts" in texts(question.seen_and_foreseen(absent, "IFNg", "CCR6"))


def test_without_a_method_the_question_remains(load_batches):
    shown = texts(question.seen_and_foreseen(replace(load_batches(), panels=[]), "IFNg", "CCR6"))
    assert "no method" in shown


def test_an_unknown_feature_is_named(load_batches):
    with pytest.raises(UserError, match="no feature 'IFNx'"):
        question.seen_and_foreseen(load_batches(), "IFNx", "CCR6")


def test_the_arrow_of_the_left_panel_joins_the_medians(load_batches):
    data = load_batches()
    figure = question.seen_and_foreseen(data, "IFNg", "CCR6")
    columns = [data.column("IFNg"), data.column("CCR6")]
    (line,) = figure.axes[0].lines
    assert np.allclose(np.array(line.get_data())[:, 0], np.median(data.cells["source"][:, columns], axis=0), atol=1e-5)
