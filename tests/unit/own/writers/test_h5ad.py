"""h5ad comes back with the prediction in a layer, and all else as it was."""

import anndata
import numpy as np
import pandas as pd
import pytest

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
