"""Cells are drawn by seed, balanced over files, and files that come later change no file's order."""

import tracemalloc

import numpy as np
import pandas as pd

from outofsample.files import fcs
from outofsample.files.shares import LEAST
from outofsample.own.readers.support.drawing import Draw, places_of
from outofsample.own.readers.support.parts import Part
from tests.unit.own.small_study import CHANNELS, COLUMNS, FCS_FILES, LABELS, load, table, values, write_fcs_files


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


def write_many_domains(folder, cells=150, files=40):
    """Write a control in two conditions and many patients, each its own domain; return the entries."""
    entries = [("control", "before"), ("control", "after"), *((f"p{number}", "before") for number in range(files))]
    for seed, (domain, condition) in enumerate(entries):
        fcs.write_fcs(folder / f"{domain}_{condition}.fcs", values(cells, 4, seed), CHANNELS, LABELS)
    return [{"path": f"{d}_{c}.fcs", "condition": c, "domain": d} for d, c in entries]


def test_of_many_domains_with_few_cells_each_no_more_are_in_memory_than_fits_need(folder, monkeypatch, capsys):
    files, held = write_many_domains(folder), []
    add = Draw.add

    def counted(draw, part):
        add(draw, part)
        held.append(sum(len(one.obs) for one in draw._parts.values()))

    monkeypatch.setattr(Draw, "add", counted)
    adata = load(folder, files=files, fit_cells=160)
    sizes = adata.obs.groupby(["domain", "condition"], observed=True).size()
    # No population has more cells than are fitted; the controls keep all of theirs, and 40 others 800 in all.
    patients = sizes.drop(index="control")
    assert set(sizes["control"]) == {150} and set(patients) == {LEAST} and len(patients) == 40
    assert "drawn: 50 cells of each of 40 populations, 2,300 in all" in capsys.readouterr().out
    # Twice what is kept, in place of 6,300 cells.
    assert max(held) <= 2 * 2300 and held[-1] < 42 * 150
    everything = load(folder, files=files, fit_cells=None)
    np.testing.assert_array_equal(adata.X, everything[adata.obs_names].X)
    for number in range(40):
        rows = adata.obs.loc[adata.obs["domain"] == f"p{number}", "row"]
        assert rows.tolist() == np.flatnonzero(places_of(f"p{number}_before.fcs", 150) < 50).tolist()


def test_memory_stays_where_the_number_of_files_grows(folder):
    peaks = {}
    for count in (15, 45):
        files = write_many_domains(folder, cells=600, files=count)
        tracemalloc.start()
        load(folder, files=files, fit_cells=600)
        peaks[count] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    # Three times as many files; where nothing is drawn the peak is three times as high.
    assert peaks[45] < 1.5 * peaks[15], peaks


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
