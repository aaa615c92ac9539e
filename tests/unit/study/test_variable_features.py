"""Highly variable features from sums are those that scanpy chooses with all cells in memory."""

import anndata
import numpy as np
import pytest
import scanpy
from scipy.sparse import csr_matrix

from outofsample.files.cohort import Cohort
from outofsample.files.dataset import write_dataset
from outofsample.jobs.split import SplitSpec
from outofsample.study.split import split_dataset, split_file
from outofsample.study.variable_features import moments, most_variable
from tests.conftest import QUERY


def logged(cells=300, genes=150, seed=0) -> csr_matrix:
    rng = np.random.default_rng(seed)
    rates = rng.gamma(0.4, 2, genes) * rng.gamma(rng.uniform(0.3, 3, genes), 1, (cells, genes))
    rates[:, :3] = 0
    return csr_matrix(np.log1p(rng.poisson(rates) * rng.uniform(0.5, 2, (cells, 1))).astype(np.float32))


@pytest.mark.parametrize("wanted", [1, 40, 149])
@pytest.mark.parametrize("dense", [False, True])
def test_the_choice_is_scanpys(wanted, dense):
    X = logged()
    X = X.toarray() if dense else X
    if wanted == 149:
        with pytest.warns(UserWarning, match="n_top_genes"):
            expected = scanpy.pp.highly_variable_genes(anndata.AnnData(X), n_top_genes=wanted, inplace=False)
    else:
        expected = scanpy.pp.highly_variable_genes(anndata.AnnData(X), n_top_genes=wanted, inplace=False)
    mean, variance = moments(X[begin : begin + 70] for begin in range(0, 300, 70))
    found = most_variable(mean, variance, wanted)
    assert np.array_equal(found, expected["highly_variable"].to_numpy()) and 0 < found.sum() <= wanted


@pytest.mark.parametrize("selection", ["strict", "paper"])
def test_a_drawn_dataset_is_split_as_one_that_is_in_memory(tmp_path, selection):
    X = logged()
    adata = anndata.AnnData(X, layers={"counts": X.copy()})
    adata.obs_names, adata.var_names = (
        np.char.add(word, names)
        for word, names in (("c", adata.obs_names.to_numpy(str)), ("g", adata.var_names.to_numpy(str)))
    )
    groups = [("control", "before"), ("control", "after"), ("sample", "before"), ("sample", "after")]
    adata.obs["domain"], adata.obs["condition"] = zip(*(groups[row % 4] for row in range(300)), strict=True)
    adata.uns["cohort"] = Cohort(75, {"a": 900}, [["control", "before", 900]], []).to_json()
    write_dataset(tmp_path / "d.h5ad", adata, "mine", False)
    split = SplitSpec(
        "t",
        (QUERY,),
        (("sample", "after"),),
        cells_per_group=60,
        variable_features=30,
        feature_selection=selection,
        keep_features=("g1",),
    )
    for found, expected in zip(split_file(tmp_path / "d.h5ad", split), split_dataset(adata, split), strict=True):
        assert found.var_names.tolist() == expected.var_names.tolist() and "g1" in found.var_names
        assert found.obs_names.tolist() == expected.obs_names.tolist() and found.uns == expected.uns
        np.testing.assert_array_equal(found.X.toarray(), expected.X.toarray())
        np.testing.assert_array_equal(found.layers["counts"].toarray(), expected.layers["counts"].toarray())
