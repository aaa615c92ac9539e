"""Rows of an h5ad that are read when they are wanted."""

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from outofsample.errors import UserError
from outofsample.files.rows import Rows

X = np.arange(400 * 6, dtype=np.uint8).reshape(400, 6)


def write(path, X=X, **uns):
    obs = pd.DataFrame({"label": [None, *"ab" * 200][: X.shape[0]]}, index=[f"c{row}" for row in range(X.shape[0])])
    var = pd.DataFrame(index=[f"f{column}" for column in range(X.shape[1])])
    adata = anndata.AnnData(X, obs=obs, var=var, uns=uns, obsm={"latent": np.ones((X.shape[0], 2))})
    adata.write_h5ad(path)
    return path


@pytest.mark.parametrize("kind", [np.asarray, csr_matrix])
@pytest.mark.parametrize("rows", [[], [7], [399, 0], [5, 3, 3, 4], list(range(10, 200))])
def test_rows_come_in_the_order_asked_for(tmp_path, kind, rows):
    file = Rows(write(tmp_path / "a.h5ad", kind(X)))
    rows = np.array(rows, dtype=int)
    found = file.values(rows)
    assert found.dtype == X.dtype
    np.testing.assert_array_equal(found, X[rows])
    np.testing.assert_array_equal(file.values(), X)
    assert file.finite_values(rows).dtype == np.float32


@pytest.mark.parametrize("kind", [np.asarray, csr_matrix])
@pytest.mark.parametrize("rows", [[7], [399, 0], [5, 3, 3, 4], list(range(10, 200, 2))])
def test_pieces_of_a_file_give_the_same_rows_and_ends(tmp_path, kind, rows, monkeypatch):
    monkeypatch.setattr("outofsample.files.rows._PIECE", 7)
    values = np.where(np.arange(X.size).reshape(X.shape) % 5 < 3, 0, X.astype(np.float32) - 40)
    file, rows = Rows(write(tmp_path / "a.h5ad", kind(values))), np.array(rows)
    np.testing.assert_array_equal(file.values(rows), values[rows])
    found = file.ends(rows)
    np.testing.assert_array_equal(found, [values[rows].min(axis=0), values[rows].max(axis=0)])
    assert found.dtype == np.float32


def test_what_is_said_of_rows(tmp_path):
    file = Rows(write(tmp_path / "a.h5ad"), ("label",))
    assert file.column("label")[:3].tolist() == ["", "a", "b"] and set(file.column("none")) == {""}
    assert file.names[1] == "c1" and file.features == tuple(f"f{column}" for column in range(6))
    assert file.activations("latent").shape == (400, 2) and file.activations("matched") is None


def test_images(tmp_path):
    file = Rows(write(tmp_path / "a.h5ad", image_shape=[1, 2, 3])).with_images()
    np.testing.assert_array_equal(file.images(np.array([2, 1])), X[[2, 1]].reshape(2, 1, 2, 3))
    assert file.with_images((3, 2, 1)).shape == (3, 2, 1)
    with pytest.raises(UserError, match=r"a\.h5ad: X must have images of \(2, 2, 3\), one in a row"):
        file.with_images((2, 2, 3))
    with pytest.raises(UserError, match=r'b\.h5ad: X must have images .* as in uns\["image_shape"\]'):
        Rows(write(tmp_path / "b.h5ad")).with_images()


def test_files_that_do_not_fit_are_refused(tmp_path):
    path = tmp_path / "a.h5ad"
    path.write_text("text")
    with pytest.raises(UserError, match=r"a\.h5ad: this is not a readable h5ad file"):
        Rows(path)
    bad = X.astype(np.float32)
    bad[3, :2] = np.nan
    file = Rows(write(path, bad))
    with pytest.raises(UserError, match=r"a\.h5ad: obs has no column 'one', 'two'"):
        Rows(path, ("one", "label", "two"))
    with pytest.raises(UserError, match=r"a\.h5ad: 2 values in 1 rows are not finite"):
        file.finite_values()
    with pytest.raises(UserError, match=r"a\.h5ad: the features are not those"):
        file.check_features(["f1", "f0"])
