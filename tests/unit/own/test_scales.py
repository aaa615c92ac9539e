"""The scale of one's own values, there and back, and warnings where it looks wrong."""

import anndata
import numpy as np
import pytest
import scipy.sparse

from outofsample.own.scales import as_counts, log_of, to_file_scale
from tests.unit.own.small_study import (
    COLUMNS,
    FCS_FILES,
    dataset,
    load,
    paths,
    table,
    write_fcs_files,
    write_h5ad,
    written,
)


def test_counts_are_normalised_and_come_back_as_counts(folder, tmp_path):
    original = write_h5ad(folder, counts=True)
    data = dataset(folder, files=["cells.h5ad"], scale="log1p_counts", **COLUMNS)
    assert data.kinds == {"tabular", "counts"}
    adata = data.load(paths(data, folder))
    counts = original.X.toarray()
    # A cell without any count keeps its zeros.
    sizes = np.maximum(counts.sum(1, keepdims=True), 1)
    np.testing.assert_allclose(adata.X.toarray(), np.log1p(1e4 * counts / sizes), rtol=1e-5)
    assert (adata.layers["counts"] != original.X).sum() == 0
    (path,) = written(data, folder, tmp_path, change=0.0)
    back = anndata.read_h5ad(path)
    np.testing.assert_allclose(back.layers["prediction"], back.X.toarray(), rtol=1e-4)
    assert (to_file_scale(np.full((1, 2), -1.0), data.settings, np.ones(1)) == 0).all()


def test_logarithms_are_those_of_the_product_with_each_cells_factor(monkeypatch):
    monkeypatch.setattr("outofsample.own.scales._ROWS", 7)
    counts = scipy.sparse.random(50, 30, 0.3, "csr", random_state=0, data_rvs=lambda n: np.arange(1.0, n + 1))
    counts = counts.astype(np.float32)
    counts[4] = 0
    sizes = np.asarray(counts.sum(axis=1)).ravel()
    factors = (1e4 / np.where(sizes > 0, sizes, 1)).astype(np.float32)
    found = log_of(counts, sizes)
    np.testing.assert_array_equal(found.toarray(), np.log1p(factors[:, None] * counts.toarray()))
    assert found.dtype == np.float32 and np.shares_memory(found.indices, counts.indices)


def test_an_entry_that_a_file_has_twice_is_one_count():
    twice = scipy.sparse.csr_matrix((np.array([1.0, 2.0, 4.0]), np.array([3, 3, 0]), np.array([0, 3])), shape=(1, 5))
    counts = as_counts(twice)
    assert counts.nnz == 2 and counts.toarray().tolist() == [[4, 0, 0, 3, 0]]
    assert twice.nnz == 3 and twice.indices.tolist() == [3, 3, 0]


@pytest.mark.parametrize(
    ("name", "files", "settings", "warned"),
    [
        ("counts", True, {}, "look like raw counts, and scale is 'none'; set scale: log1p_counts"),
        ("logs", False, {"scale": "log1p_counts"}, "look like logarithms already; set scale: none"),
        ("transformed", False, {"scale": "arcsinh"}, "they look transformed already; set scale: none"),
    ],
)
def test_the_wrong_scale_is_warned_of(folder, capsys, name, files, settings, warned):
    frame = table()
    markers = ["CD4", "CD19"]
    frame[markers] = np.round(frame[markers]) if files else np.log1p(frame[markers])
    frame.to_csv(folder / "a.csv", index=False)
    load(folder, files=["a.csv"], **settings, **COLUMNS)
    assert warned in capsys.readouterr().out


def test_the_right_scale_is_not_warned_of(folder, capsys):
    write_fcs_files(folder)
    load(folder, files=FCS_FILES)
    write_h5ad(folder, counts=True)
    load(folder, files=["cells.h5ad"], scale="log1p_counts", **COLUMNS)
    assert "warning" not in capsys.readouterr().out
