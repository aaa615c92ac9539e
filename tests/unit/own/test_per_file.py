"""The batch effect per file: whose median is whose, before and after, and when it is shown."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from outofsample.figures import style
from outofsample.files.task import TrainingRows
from outofsample.own import changes
from outofsample.own.per_file import JOINED, files_of, has_several, medians, per_file
from tests.unit.own.test_changes import ADDED, QUERY, SETTINGS, change, report, run, write_table

#: Two files of each population, whose cells alternate.
FILES = {name: np.array(["b.fcs", "a.fcs"] * 300, dtype=object) for name in ("source", "target", "query")}


@pytest.fixture
def two_batches():
    """A change of cells in two files each, of which b lies two higher in every feature."""
    plain = change(has_truth=False)
    shift = np.where(FILES["query"] == "b.fcs", 2, 0)[:, None].astype(np.float32)
    return change(has_truth=False, **{name: X + shift for name, X in plain.cells.items()})


def test_each_file_has_its_own_median_in_the_order_of_the_names(two_batches):
    found = medians(two_batches, FILES)
    assert list(found) == ["source", "target", "query", "prediction"]
    names, before = found["query"]
    assert names == ["a.fcs", "b.fcs"] and before.shape == (2, 3)
    np.testing.assert_allclose(before[1] - before[0], 2, atol=0.3)
    np.testing.assert_allclose(found["prediction"][1] - before, np.tile(ADDED, (2, 1)), atol=1e-5)
    in_a = FILES["query"] == "a.fcs"
    np.testing.assert_allclose(before[0], np.median(two_batches.cells["query"][in_a], axis=0))


def test_the_picture_has_every_file_of_every_population(two_batches):
    table = changes.feature_table(two_batches)
    figure = per_file(two_batches, table, FILES)
    shown = [ax for ax in figure.axes if ax.get_visible()]
    assert [ax.get_title() for ax in shown] == ["CD4", "CD3", "CD19"]
    points = {to_hex(line.get_color()).upper(): line.get_ydata() for line in shown[0].lines if line.get_marker() == "o"}
    for name, (_, values) in medians(two_batches, FILES).items():
        np.testing.assert_allclose(points[style.COLOURS[name].upper()], values[:, 1])
    # A line from each file before to the same one after.
    joined = [line for line in shown[0].lines if to_hex(line.get_color()) == "#bbbbbb"]
    found = medians(two_batches, FILES)
    np.testing.assert_allclose(joined[0].get_ydata(), [found[name][1][0, 1] for name in ("query", "prediction")])
    assert len(joined) == 2


def test_many_files_are_not_joined_by_lines(two_batches):
    of_cell = np.array([f"{number % (JOINED + 1)}.fcs" for number in range(600)], dtype=object)
    figure = per_file(two_batches, changes.feature_table(two_batches), FILES | {"query": of_cell})
    assert not [line for line in figure.axes[0].lines if to_hex(line.get_color()) == "#bbbbbb"]


def test_files_are_those_of_the_training_part(tmp_path):
    write_table(tmp_path / "mine")
    _, found = run(tmp_path)
    files = files_of(TrainingRows(found["train"]), QUERY)
    assert {name: set(of_cell) for name, of_cell in files.items()} == {
        name: {"cells.csv"} for name in ("source", "target", "query")
    }
    sizes = {name: len(of_cell) for name, of_cell in files.items()}
    found_cells = changes.read_changes(found["prediction"], found["train"], found["truth"])[0][0].cells
    assert sizes == {name: len(found_cells[name]) for name in sizes}
    assert not has_several(files) and has_several(FILES)


def test_the_page_shows_it_where_a_population_has_several_files(tmp_path):
    write_table(tmp_path / "mine")
    whole = pd.read_csv(tmp_path / "mine" / "cells.csv")
    for number, name in enumerate(("one.csv", "two.csv")):
        whole[number::2].to_csv(tmp_path / "mine" / name, index=False)
    _, found = run(tmp_path, settings=SETTINGS | {"files": ["one.csv", "two.csv"]})
    page, _, _ = report(tmp_path, found)
    # Two queries, with four pictures each; of one file there are three.
    assert len(page.images) == 8
