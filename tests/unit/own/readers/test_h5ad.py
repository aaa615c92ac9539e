"""h5ad: counts in ``.raw``, labels of any type."""

import os
import signal

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest

from tests.unit.own.small_study import COLUMNS, GROUPS, dataset, error, load, written


def write(folder, raw=True, labels=None):
    """Write scaled values with counts of more genes in ``.raw``; return the counts of the genes of X."""
    counts = np.random.default_rng(0).poisson(20, (60, 6)).astype(np.float32)
    obs = pd.DataFrame([pair for pair in (labels or GROUPS) for _ in range(20)], columns=["person", "day"])
    full = anndata.AnnData(counts, obs.set_index(obs.index.astype(str)), pd.DataFrame(index=list("ABCDEF")))
    adata = full[:, ["B", "A", "D"]].copy()
    if raw:
        adata.raw = full
    adata.X = (adata.X - 20) / 5
    adata.write_h5ad(folder / "a.h5ad")
    return counts[:, [1, 0, 3]]


SETTINGS = {"files": ["a.h5ad"], "scale": "log1p_counts", **COLUMNS}


def test_counts_in_raw_are_proposed_read_and_written_back(folder, tmp_path):
    counts = write(folder)
    assert "which X does not hold, and .raw does; set layer: raw" in error(folder, **SETTINGS)
    adata = load(folder, layer="raw", **SETTINGS)
    assert adata.var_names.tolist() == ["B", "A", "D"]
    np.testing.assert_array_equal(adata.layers["counts"].toarray(), counts)
    (path,) = written(dataset(folder, layer="raw", **SETTINGS), folder, tmp_path, change=0.0)
    np.testing.assert_allclose(anndata.read_h5ad(path).layers["prediction"], counts[40:], rtol=1e-4)


def test_without_raw_the_layers_are_listed(folder):
    write(folder, raw=False)
    assert "there is no layer 'raw'; it has: none" in error(folder, layer="raw", **SETTINGS)


@pytest.mark.parametrize("labels", [[(1, 0), (1, 1), (2, 0)], [("a", False), ("a", True), ("b", False)]])
def test_labels_of_any_type_are_text(folder, labels):
    write(folder, labels=labels)
    adata = load(folder, layer="raw", **SETTINGS)
    assert set(adata.obs["condition"]) == {str(day) for _, day in labels}


@pytest.mark.parametrize(("value", "word"), [(1 + 1j, "complex"), (b"1.5", "bytes")])
def test_values_that_are_no_plain_numbers_are_a_sentence(folder, value, word):
    write(folder, raw=False)
    with h5py.File(folder / "a.h5ad", "a") as file:
        about = dict(file["X"].attrs)
        del file["X"]
        file["X"] = np.full((60, 3), value)
        file["X"].attrs.update(about)
    assert f"a.h5ad: its values are stored as {word}" in error(folder, files=["a.h5ad"], **COLUMNS)


def test_a_file_that_crashes_its_reader_is_a_sentence(folder, monkeypatch):
    write(folder)
    monkeypatch.setattr("anndata.io.read_elem", lambda part: os.kill(os.getpid(), signal.SIGSEGV))
    message = error(folder, layer="raw", **SETTINGS)
    assert "a.h5ad: this file is damaged so that reading it crashes (SIGSEGV)" in message


def test_a_damaged_file_is_a_sentence(folder):
    write(folder)
    content = bytearray((folder / "a.h5ad").read_bytes())
    content[100:4000] = bytes(3900)
    (folder / "a.h5ad").write_bytes(content)
    assert "a.h5ad: " in error(folder, layer="raw", **SETTINGS)
