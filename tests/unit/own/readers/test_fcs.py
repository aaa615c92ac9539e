"""FCS files of one's own are read with one panel."""

import numpy as np

from outofsample.files.dataset import check_contract
from tests.unit.own.small_study import FCS_FILES, GROUPS, load, values, write_fcs_files


def test_fcs_files_become_one_table(folder):
    write_fcs_files(folder)
    adata = load(folder, files=FCS_FILES)
    check_contract(adata, "mine")
    assert adata.var_names.tolist() == ["CD19", "CD4"] and adata.var["column"].tolist() == ["Nd142Di", "Nd143Di"]
    assert adata.obs.groupby(["domain", "condition"]).size().to_dict() == dict.fromkeys(GROUPS, 20)
    np.testing.assert_allclose(adata.X[:20], np.arcsinh(values(20, 4, 0)[:, 1:3] / 5), rtol=1e-6)
    assert adata.obs["row"].tolist() == [*range(20)] * 3
