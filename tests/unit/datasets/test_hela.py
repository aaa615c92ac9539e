"""HeLa cells under single drugs."""

import numpy as np
import pytest

from outofsample.datasets import hela
from outofsample.errors import UserError
from outofsample.files import writing
from outofsample.files.dataset import check_contract


@pytest.fixture(scope="module")
def hela_path(shared_data):
    path = shared_data / hela.Settings().folder / hela.FILE
    if not path.is_file():
        pytest.skip(f"the real file is not at {path}")
    return path


@pytest.fixture(scope="module")
def adata(hela_path):
    return hela.Dataset().load({hela.FILE: hela_path})


class TestHela:
    def test_clusters_and_drugs(self, adata):
        check_contract(adata, "hela")
        assert adata.shape == (1542, 24)
        sizes = adata.obs.groupby(["domain", "condition"], observed=True).size().unstack()
        assert sizes.loc["cluster1"].to_dict() == {"BASAL": 100, "TRAIL": 513, "GSK": 115, "GDC": 73, "SB": 81}
        assert sizes.loc["cluster2"].to_dict() == {"BASAL": 91, "TRAIL": 47, "GSK": 80, "GDC": 104, "SB": 338}

    def test_values_are_those_of_the_provenance(self, adata):
        mean = adata.to_df().groupby(adata.obs["condition"], observed=True).mean()
        assert mean.loc["BASAL", "pErk"] == pytest.approx(1.15, abs=0.01)
        assert mean.loc["GSK", "pErk"] == pytest.approx(0.04, abs=0.01)
        assert mean.loc["GDC", "pS6"] == pytest.approx(2.01, abs=0.01)

    def test_gsk_and_gdc_change_both_clusters_alike_and_the_others_do_not(self, adata):
        mean = adata.to_df().groupby([adata.obs["domain"], adata.obs["condition"]], observed=True).mean()

        def agreement(drug):
            changes = [mean.loc[(f"cluster{n}", drug)] - mean.loc[(f"cluster{n}", "BASAL")] for n in (1, 2)]
            return np.corrcoef(changes)[0, 1]

        assert agreement("GSK") > 0.7 and agreement("GDC") > 0.7
        assert abs(agreement("SB")) < 0.3 and abs(agreement("TRAIL")) < 0.3

    def test_the_digest_is_that_of_the_file(self, hela_path):
        (raw,) = hela.Dataset().raw_files()
        assert writing.sha256(hela_path) == raw.sha256 and raw.name == hela_path.name and raw.url is None

    def test_another_file_ends_with_one_sentence(self, tmp_path):
        import anndata
        import pandas as pd

        path = tmp_path / hela.FILE
        with pytest.raises(UserError, match="this is no AnnData file that can be read"):
            hela.Dataset().load({hela.FILE: path})
        path.write_bytes(b"no AnnData")
        with pytest.raises(UserError, match="this is no AnnData file that can be read"):
            hela.Dataset().load({hela.FILE: path})
        obs = pd.DataFrame({"treatment": ["BASAL", "SB"]}, index=["0", "1"])
        anndata.AnnData(np.ones((2, 2), dtype=np.float32), obs=obs).write_h5ad(path)
        with pytest.raises(UserError, match=r"obs\['ccast_group'\] is missing; obs has treatment"):
            hela.Dataset().load({hela.FILE: path})

    def test_settings_are_checked(self):
        with pytest.raises(ValueError, match="cofactor"):
            hela.Settings(cofactor=-1)
