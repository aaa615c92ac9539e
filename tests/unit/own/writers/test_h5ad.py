"""h5ad comes back with the prediction in a layer, and all else as it was."""

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_matrix, csr_matrix

from outofsample.arrays import Query
from outofsample.own.write_back import write_back
from tests.unit.own.small_study import COLUMNS, dataset, paths, predict, write_h5ad, written


@pytest.mark.parametrize("sparse", [False, True])
def test_h5ad_comes_back_with_the_prediction_in_a_layer(folder, tmp_path, sparse):
    original = write_h5ad(folder, sparse=sparse)
    (path,) = written(dataset(folder, files=["cells.h5ad"], **COLUMNS), folder, tmp_path)
    back = anndata.read_h5ad(path)
    wanted = original[((original.obs["day"] == "before") & (original.obs["person"] == "patient")).to_numpy()]
    assert back.obs_names.equals(wanted.obs_names)
    assert back.obs.astype(str).equals(wanted.obs.astype(str)) and back.var.equals(original.var)
    assert (back.X != wanted.X).sum() == 0 and back.uns["kept"] == 1
    dense = wanted.X.toarray() if sparse else wanted.X
    np.testing.assert_allclose(back.layers["prediction"], dense + 1, rtol=1e-6)
    assert back.uns["outofsample"] == {"query": "after", "method": "mine_method", "seed": "0"}


@pytest.mark.parametrize(
    "stored",
    [
        lambda X: csr_matrix(X.astype(np.int64)),
        lambda X: csc_matrix(X.astype(np.int16)),
        lambda X: X.astype(np.uint8),
        lambda X: csr_matrix(X > 20),
    ],
)
def test_values_and_columns_of_odd_types_come_back_as_they_were(folder, tmp_path, stored):
    adata = write_h5ad(folder, counts=True, sparse=False)
    adata.X = stored(np.minimum(adata.X, 250))
    half = [True, None] * 30
    adata.obs = adata.obs.assign(
        day=adata.obs["day"].cat.add_categories("never"),
        kind=pd.Categorical([None, "x"] * 30),
        text=pd.array(["a", None] * 30, dtype="string"),
        flag=pd.array(half, dtype="boolean"),
        whole=pd.array(half, dtype="Int64"),
        number=[np.nan, 1.5] * 30,
    )
    adata.write_h5ad(folder / "cells.h5ad")
    (path,) = written(dataset(folder, files=["cells.h5ad"], **COLUMNS), folder, tmp_path)
    back = anndata.read_h5ad(path)
    wanted = anndata.read_h5ad(folder / "cells.h5ad")[back.obs_names].copy()
    assert back.n_obs == 20 and type(back.X) is type(wanted.X) and back.X.dtype == adata.X.dtype
    pd.testing.assert_frame_equal(back.obs, wanted.obs)
    dense = [X.toarray() if hasattr(X, "toarray") else X for X in (wanted.X, back.X)]
    np.testing.assert_array_equal(*dense)
    np.testing.assert_allclose(back.layers["prediction"], dense[0] + np.float32(1), rtol=1e-6)


def test_the_kang_cells_and_a_csv_of_them_come_back_alike(tmp_path, shared_data):
    kang = shared_data / "kang2018_pbmc"
    if not kang.is_dir():
        pytest.skip(f"the cells of Kang et al. are not at {kang}")
    name = "kang_trvae_layout_counts.h5ad"
    genes = ["ISG15", "CXCL10", "CD74", "FTL", "B2M"]
    columns = {"condition_column": "condition", "domain_column": "cell_type"}
    query = Query("NK", "NK", "control", "stimulated")
    data = dataset(kang, files=[name], scale="log1p_counts", **columns)
    adata = data.load(paths(data, kang))
    files = predict(data, adata, tmp_path, 0.5, (query,), genes)
    (path,) = write_back(*files, data, paths(data, kang), tmp_path / "out")
    original, back = anndata.read_h5ad(kang / name), anndata.read_h5ad(path)
    cells = (original.obs["cell_type"] == "NK") & (original.obs["condition"] == "control")
    assert back.obs_names.equals(original.obs_names[cells]) and back.var_names.equals(original.var_names)
    assert (original.X[cells.to_numpy()] != back.X).nnz == 0
    changed = np.flatnonzero((back.layers["prediction"] != back.X.toarray()).any(axis=0))
    assert set(back.var_names[changed]) == set(genes)

    folder = tmp_path / "csv"
    folder.mkdir()
    small = original[:, genes]
    text = pd.DataFrame(small.X.toarray(), columns=genes, index=original.obs_names)
    text.join(original.obs[["condition", "cell_type"]]).to_csv(folder / "kang.csv")
    data = dataset(folder, files=["kang.csv"], **columns)
    (tmp_path / "two").mkdir()
    (path,) = written(data, folder, tmp_path / "two", 0.5, queries=(query,))
    table = pd.read_csv(path, index_col=0)
    np.testing.assert_allclose(table[genes], small.X.toarray()[cells] + 0.5)
    assert table.index.tolist() == back.obs_names.tolist()
