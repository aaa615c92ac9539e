"""What the single-cell datasets share."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix, isspmatrix_csr

from outofsample.datasets import haber, kang
from outofsample.datasets.support import kang_simulator, single_cell
from outofsample.datasets.support import single_cell_simulator as simulator
from outofsample.errors import UserError
from outofsample.files import writing
from outofsample.files.dataset import check_contract
from tests.unit.datasets.conftest import simulated


@pytest.mark.parametrize("name", ["blood", "gut"])
def test_values_are_log1p_of_counts_per_10000_and_every_gene_is_kept(name, request, tmp_path):
    import anndata

    adata = request.getfixturevalue(name)
    check_contract(adata, name)
    counts = adata.layers["counts"]
    assert isspmatrix_csr(adata.X) and isspmatrix_csr(counts) and counts.dtype == np.float32
    dense = counts.toarray()
    assert np.array_equal(dense, np.rint(dense)) and dense.min() == 0
    expected = np.log1p(dense / dense.sum(axis=1, keepdims=True) * 10_000)
    assert np.allclose(adata.X.toarray(), expected, atol=1e-4)
    assert adata.obs["domain"].tolist() == adata.obs["cell_type"].tolist()
    adata.write_h5ad(tmp_path / "d.h5ad")
    assert (anndata.read_h5ad(tmp_path / "d.h5ad").X != adata.X).nnz == 0


@pytest.mark.parametrize("module", [kang, haber])
def test_the_interface(module):
    dataset = module.Dataset()
    assert dataset.kinds == {"tabular", "counts"} and dataset.unit == "log1p(counts per 10,000)"
    assert [file.name for file in dataset.raw_files()] == [file.name for file in dataset.simulated_files()]
    assert all(file.url.startswith("https://ftp.ncbi.nlm.nih.gov/geo/") for file in dataset.raw_files())
    assert all(file.url.endswith(f"/suppl/{file.name}") for file in dataset.raw_files())


@pytest.mark.parametrize("module", [kang, haber])
def test_the_same_seed_has_the_same_bytes_and_another_seed_other_cells(module, tmp_path):
    digests = []
    for folder, seed in (("one", 0), ("two", 0), ("other", 1)):
        dataset = module.Dataset(module.Settings(cells=200, genes=200, seed=seed))
        dataset.simulate(tmp_path / folder)
        digests.append([writing.sha256(tmp_path / folder / file.name) for file in dataset.simulated_files()])
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("module", [kang, haber])
@pytest.mark.parametrize("wrong", [{"cells": 10}, {"genes": 50}, {"seed": -1}])
def test_sizes_of_the_stand_in_are_checked(module, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        module.Settings(**wrong)


def test_normalised_values_are_refused():
    obs = pd.DataFrame({"condition": ["a", "b"], "cell_type": ["T", "T"]}, index=["1", "2"])
    with pytest.raises(UserError, match=r"mine\.h5ad: the values must be raw counts"):
        single_cell.as_anndata(csr_matrix([[0, 1.5], [2, 0]]), obs, ["a", "b"], "mine.h5ad")


@pytest.mark.parametrize("name", ["blood", "gut"])
def test_cells_can_be_normalised_to_the_median_or_to_a_number(name, request):
    adata = request.getfixturevalue(name).copy()
    sizes = adata.layers["counts"].toarray().sum(axis=1)
    for normalise, wanted in (("median", np.median(sizes)), (1234.0, 1234.0)):
        single_cell.normalise_counts(adata, normalise)
        np.testing.assert_allclose(np.expm1(adata.X.toarray()).sum(axis=1), wanted, rtol=1e-4)


def test_the_median_is_that_of_the_cells_that_are_kept(tmp_path):
    settings = kang.Settings(cells=300, genes=200, cell_types=("B",), normalise="median")
    adata = simulated(kang.Dataset(settings), tmp_path)
    assert set(adata.obs["cell_type"]) == {"B"}
    sizes = adata.layers["counts"].toarray().sum(axis=1)
    np.testing.assert_allclose(np.expm1(adata.X.toarray()).sum(axis=1), np.median(sizes), rtol=1e-4)


@pytest.mark.parametrize("module", [kang, haber])
def test_normalise_is_a_number_or_the_median(module):
    # YAML reads 1e4 as a word.
    for normalise, unit in (("1e4", "log1p(counts per 10,000)"), ("median", "log1p(counts per median cell)")):
        assert module.Dataset(module.Settings(normalise=normalise)).unit == unit
    for wrong in ("mean", 0, float("nan")):
        with pytest.raises(ValueError, match="normalise must be 'median' or a number of counts above 0"):
            module.Settings(normalise=wrong)


def test_genes_of_the_same_name_stay_apart():
    obs = pd.DataFrame({"condition": ["a", "b"], "cell_type": ["T", "T"]}, index=["1", "2"])
    adata = single_cell.as_anndata(csr_matrix([[0, 1, 0], [2, 0, 0]]), obs, ["HLA", "HLA", "MX1"], "x")
    assert adata.var_names.tolist() == ["HLA", "HLA-1", "MX1"]


def test_cells_are_shared_out_without_a_rest():
    assert simulator.share_out(10, {"a": 1, "b": 1, "c": 1}) == {"a": 4, "b": 3, "c": 3}
    assert sum(simulator.share_out(3001, kang_simulator._SHARES).values()) == 3001
