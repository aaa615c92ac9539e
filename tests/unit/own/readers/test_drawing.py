"""Cells are drawn by seed, balanced over files, and files that come later change no file's order."""

import tracemalloc

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from outofsample.arrays import dense
from outofsample.files import fcs, shares
from outofsample.files.cohort import Cohort
from outofsample.files.shares import LEAST, kept_cells
from outofsample.own.readers import h5ad
from outofsample.own.readers.support.drawing import Draw, places_of
from outofsample.own.readers.support.parts import Part
from tests.unit.own.small_study import CHANNELS, COLUMNS, FCS_FILES, LABELS, load, table, values, write_fcs_files


def kept(sizes: dict[str, int], most: int | None) -> dict[str, list[int]]:
    """Return the rows that are kept of files of one population, by file."""
    draw = Draw(most, dict.fromkeys(sizes, ("a", "a")))
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


def test_files_of_which_no_cell_is_drawn_are_there_without_any():
    found = kept({f"{number}.fcs": 100 for number in range(120)}, 100)
    assert list(map(len, found.values())) == [1] * 100 + [0] * 20


@pytest.mark.parametrize("kind", ["fcs", "h5ad", "csv"])
def test_more_files_of_a_population_than_cells_that_are_drawn(folder, kind, monkeypatch):
    monkeypatch.setattr(shares, "LEAST", 2)
    files = []
    for number in range(10):
        domain, condition = ("control", "after") if number < 2 else ("control", "before")
        entry = {"path": f"{number}.{kind}", "condition": condition, "domain": domain}
        X = values(2, 4, number)
        if kind == "fcs":
            fcs.write_fcs(folder / entry["path"], X, CHANNELS, LABELS)
        elif kind == "h5ad":
            names = pd.DataFrame(index=list("ABCD"))
            anndata.AnnData(csr_matrix(X), var=names).write_h5ad(folder / entry["path"])
        else:
            pd.DataFrame(X, columns=list("ABCD")).to_csv(folder / entry["path"], index=False)
        files.append(entry)
    adata, everything = (load(folder, files=files, fit_cells=cells) for cells in (4, None))
    # A cell of each of four files, none of as many, and all of the other population.
    assert adata.n_obs == 8 and adata.obs["file"].nunique() == 6
    found = everything[adata.obs_names].copy()
    np.testing.assert_array_equal(dense(adata.X), dense(found.X))
    pd.testing.assert_frame_equal(adata.obs, found.obs)
    assert Cohort.from_json(adata.uns["cohort"]).cells == {entry["path"]: 2 for entry in files}


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


@pytest.mark.parametrize(("fit_cells", "cells"), [(100, 650), (60, 4 * 60 + 6 * 50)])
@pytest.mark.parametrize("columns", [("person",), ("person", "day")])
def test_the_order_of_files_whose_columns_say_what_cells_are_does_not_matter(folder, fit_cells, cells, columns):
    # Eight domains in one condition have more cells than such may have; then two of them are in another condition too.
    entries = []
    for condition, domains in (("ctrl", range(8)), ("stim", range(2))):
        frame = pd.DataFrame(values(65 * len(domains)), columns=["CD4", "CD19"])
        frame["person"], frame["day"] = np.repeat([f"d{number}" for number in domains], 65), condition
        frame[["CD4", "CD19", *columns]].to_csv(folder / f"{condition}.csv", index=False)
        said = {} if "day" in columns else {"condition": condition}
        entries.append({"path": f"{condition}.csv", **said})
    labels = {"domain_column": "person"} | ({"condition_column": "day"} if "day" in columns else {})
    loaded = [load(folder, files=files, fit_cells=fit_cells, **labels) for files in (entries, entries[::-1])]
    for adata in loaded:
        cohort = Cohort.from_json(adata.uns["cohort"])
        kept = kept_cells({tuple(pair): size for *pair, size in cohort.populations}, fit_cells)
        assert adata.obs.groupby(["domain", "condition"]).size().to_dict() == kept
        assert adata.n_obs == sum(kept.values()) == cells
    one, other = loaded
    assert set(one.obs_names) == set(other.obs_names)
    np.testing.assert_array_equal(one.X, other[one.obs_names].X)


POPULATION = st.tuples(st.sampled_from("abcdefghij"), st.sampled_from("xy"))
#: The cells of a file: numbers by population. Where it has one, its entry may say so.
CELLS = st.dictionaries(POPULATION, st.integers(40, 130), min_size=1, max_size=10)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELLS, st.booleans()), min_size=1, max_size=6), st.integers(LEAST + 1, 100))
def test_as_many_cells_are_there_as_are_said_to_be_kept(stream, most):
    files = {
        str(number): next(iter(sizes)) if len(sizes) == 1 and declared else None
        for number, (sizes, declared) in enumerate(stream)
    }
    draw, whole = Draw(most, files), {}
    for file, (sizes, _) in zip(files, stream, strict=True):
        labels = [pair for pair, size in sizes.items() for _ in range(size)]
        obs = pd.DataFrame(labels, columns=["domain", "condition"])
        rows = draw.choose(file, obs["domain"].to_numpy(object), obs["condition"].to_numpy(object))
        draw.add(Part(file, rows[:, None], ("x",), ("x",), obs.iloc[rows].assign(row=rows)))
        whole = {pair: whole.get(pair, 0) + sizes.get(pair, 0) for pair in {**whole, **sizes}}
    there = pd.concat([part.obs for part in draw.parts()])
    assert draw.populations == whole and draw.kept == kept_cells(draw.populations, most)
    assert there.groupby(["domain", "condition"]).size().to_dict() == draw.kept
    assert len(there) == sum(draw.kept.values())


def test_of_one_file_with_many_domains_no_more_is_taken_than_fits_need():
    domain = np.repeat([f"p{number}" for number in range(40)], 150).astype(object)
    draw = Draw(160, {"all.h5ad": None})
    assert len(draw.choose("all.h5ad", domain, np.full(len(domain), "before", dtype=object))) == 40 * LEAST


def test_fewer_are_drawn_where_cells_take_many_bytes_and_none_where_all_are_kept(monkeypatch):
    monkeypatch.setattr(shares, "HELD_BYTES", 1_000_000)
    labels = np.repeat(["before", "after"], 500).astype(object)
    domain = np.full(1000, "a", dtype=object)
    for most, taken, left in ((400, 1000, 400), (400, 2000, 250), (1000, 2000, 500), (400, 10**6, LEAST)):
        draw = Draw(most, {"all.h5ad": None})
        rows = draw.choose("all.h5ad", domain, labels, taken)
        assert len(rows) == 2 * left and draw.kept == {("a", "before"): left, ("a", "after"): left}
        assert draw.most == (most if left == min(most, 500) else left)


def test_a_cell_of_an_h5ad_takes_what_its_values_take():
    assert h5ad._bytes_per_cell(np.ones((3, 5), np.float32)) == 20
    assert h5ad._bytes_per_cell(csr_matrix(np.eye(4, dtype=np.float32))) == 8
