"""The dataset's file: what is written is read, and what breaks the contract is refused."""

import anndata
import numpy as np
import pandas as pd
import pytest

from outofsample.errors import UserError
from outofsample.files.dataset import read_dataset, write_dataset


def cells() -> anndata.AnnData:
    obs = pd.DataFrame({"condition": ["a", "b"], "domain": ["x", "x"]}, index=["c0", "c1"])
    return anndata.AnnData(np.float32([[1, 2, 3], [4, 5, 6]]), obs=obs)


def test_a_dataset_is_read_as_it_was_written(tmp_path):
    write_dataset(tmp_path / "d.h5ad", cells(), "mine", stand_in=True)
    found = read_dataset(tmp_path / "d.h5ad")
    np.testing.assert_array_equal(found.X, cells().X)
    assert found.uns["dataset"] == "mine" and found.uns["stand_in"] and list(found.obs["condition"]) == ["a", "b"]


def test_every_breach_of_the_contract_is_told_and_nothing_is_written(tmp_path):
    broken = cells()
    broken.X = broken.X.astype(np.float64)
    broken.obs_names = ["c", "c"]
    broken.obs.loc[:, "condition"] = [None, "b"]
    del broken.obs["domain"]
    with pytest.raises(UserError) as caught:
        write_dataset(tmp_path / "d.h5ad", broken, "mine", stand_in=False)
    said = "X must be float32, not float64; obs_names must be unique; obs['condition'] has cells without a value"
    assert said in str(caught.value) and "obs['domain'] is missing" in str(caught.value)
    with pytest.raises(UserError, match="X must be finite"):
        write_dataset(tmp_path / "d.h5ad", anndata.AnnData(cells().X * np.float32(np.nan), cells().obs), "mine", False)
    assert not list(tmp_path.iterdir())


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "d.h5ad"
    path.write_text("text")
    with pytest.raises(UserError, match=r"d\.h5ad: this is not a readable h5ad file"):
        read_dataset(path)
    cells().write_h5ad(path)
    with pytest.raises(UserError, match=r"d\.h5ad: this is no dataset; uns has no 'dataset', 'stand_in'"):
        read_dataset(path)
