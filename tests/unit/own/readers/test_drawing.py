"""Cells are drawn by seed, balanced over files, and files that come later change no file's order."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from outofsample.own.readers.support.drawing import Draw, places_of, shares
from outofsample.own.readers.support.parts import Part
from tests.unit.own.small_study import COLUMNS, FCS_FILES, load, table, write_fcs_files


@pytest.mark.parametrize(
    ("sizes", "most", "expected"),
    [
        ([5, 5], 20, [5, 5]),
        ([5, 5], None, [5, 5]),
        ([100, 100], 50, [25, 25]),
        ([10, 100, 100], 90, [10, 40, 40]),
        ([100, 3, 100], 10, [4, 3, 3]),
        ([10, 10, 10], 2, [1, 1, 0]),
    ],
)
def test_files_share_alike_and_small_ones_give_all(sizes, most, expected):
    assert shares(sizes, most) == expected


def test_a_further_file_never_makes_another_give_more():
    rng = np.random.default_rng(0)
    for _ in range(200):
        sizes = rng.integers(1, 60, 8).tolist()
        found = [shares(sizes[:count], 70) for count in range(1, 9)]
        for before, after in pairwise(found):
            assert all(one >= other for one, other in zip(before, after, strict=False))
        assert sum(found[-1]) == min(70, sum(sizes))


def kept(sizes: dict[str, int], most: int | None) -> dict[str, list[int]]:
    """Return the rows that are kept of files of one population, by file."""
    draw = Draw(most)
    for file, cells in sizes.items():
        labels = np.full(cells, "a", dtype=object)
        rows = draw.choose(file, labels, labels)
        obs = pd.DataFrame({"domain": "a", "condition": "a", "row": rows})
        draw.add(Part(file, rows[:, None], ("x",), ("x",), obs))
    for part in draw.parts():
        assert part.values[:, 0].tolist() == part.obs["row"].tolist()
    assert draw.cells == sizes and draw.populations == {("a", "a"): sum(sizes.values())}
    assert draw.drawn == (most is not None and sum(sizes.values()) > most)
    return {part.file: part.obs["row"].tolist() for part in draw.parts()}


def test_the_drawn_rows_are_the_first_of_a_seeded_order_in_the_order_of_the_file():
    found = kept({"a.fcs": 500, "b.fcs": 300, "c.fcs": 10}, 110)
    assert {file: len(rows) for file, rows in found.items()} == {"a.fcs": 50, "b.fcs": 50, "c.fcs": 10}
    for file, cells in (("a.fcs", 500), ("b.fcs", 300)):
        assert found[file] == np.flatnonzero(places_of(file, cells) < 50).tolist()
    assert set(kept({"b.fcs": 300, "d.fcs": 900}, 110)["b.fcs"]) >= set(found["b.fcs"])


def test_many_files_are_thinned_while_they_are_read():
    sizes = {f"{number}.fcs": 200 for number in range(40)}
    found = kept(sizes, 100)
    assert sorted(map(len, found.values())) == [2] * 20 + [3] * 20


def test_nothing_is_drawn_below_the_limit(folder):
    write_fcs_files(folder)
    adata, drawn = (load(folder, files=FCS_FILES, fit_cells=cells) for cells in (20, 19))
    everything = load(folder, files=FCS_FILES, fit_cells=None)
    assert adata.n_obs == everything.n_obs == 60 and drawn.n_obs == 57
    np.testing.assert_array_equal(adata.X, everything.X)
    pd.testing.assert_frame_equal(adata.obs, everything.obs)
    np.testing.assert_array_equal(drawn.X, adata[drawn.obs_names].X)


def test_each_population_is_drawn_from_the_files_that_have_it(folder, capsys):
    frame = table()
    frame.iloc[:30].to_csv(folder / "a.csv", index=False)
    frame.iloc[30:].to_csv(folder / "b.csv", index=False)
    adata = load(folder, files=["a.csv", "b.csv"], fit_cells=6, **COLUMNS)
    assert set(adata.obs.groupby(["domain", "condition"]).size()) == {6}
    assert "drawn: 6 cells of each of 3 populations, 18 in all" in capsys.readouterr().out
    for number, file in ((0, "a.csv"), (30, "b.csv")):
        mine = adata[adata.obs["file"] == file]
        wanted = frame.iloc[number + mine.obs["row"].to_numpy()]
        np.testing.assert_allclose(mine.X, wanted[["CD4", "CD19"]], rtol=1e-6)
        assert mine.obs["domain"].tolist() == wanted["person"].tolist()
