"""HeLa cells under single drugs."""

import re

import numpy as np
import pytest

from outofsample.datasets import hela
from outofsample.errors import UserError
from outofsample.files import writing
from outofsample.files.dataset import check_contract
from tests.unit.datasets.r_files import HELA_COLUMNS, Matrix, hela_matrix, write_rdata

MATRIX, REWRITTEN = hela.FILES["rdata"][0], hela.FILES["h5ad"][0]


def read(path, **settings):
    return hela.Dataset(hela.Settings(**settings)).load({path.name: path})


class TestRdata:
    def test_the_form_of_the_authors_file(self, tmp_path):
        values = hela_matrix()
        path = write_rdata(tmp_path / MATRIX, heladatamatrix=Matrix(values, HELA_COLUMNS))
        adata = read(path)
        check_contract(adata, "hela")
        assert tuple(adata.var_names) == hela.MARKERS
        assert adata.obs["condition"].tolist() == list(hela.DRUGS) * 4
        assert adata.obs["domain"].tolist() == ["cluster1", "cluster2"] * 10
        assert adata.obs_names[1] == "cluster2_TRAIL_1"
        columns = [HELA_COLUMNS.index(name) for name in hela.MARKERS]
        np.testing.assert_allclose(adata.X, np.arcsinh(values[:, columns] / 5), rtol=1e-5)

    @pytest.mark.parametrize(
        ("lost", "sentence"),
        [("pErk", "the column 'pErk' is missing; the matrix has Time,"), ("groups", "the column 'groups' is missing")],
    )
    def test_a_column_that_is_missing_is_named(self, tmp_path, lost, sentence):
        columns = [{lost: "other"}.get(name, name) for name in HELA_COLUMNS]
        path = write_rdata(tmp_path / MATRIX, m=Matrix(hela_matrix(), columns))
        with pytest.raises(UserError, match=re.escape(sentence)):
            read(path)

    def test_the_file_has_an_address(self):
        (raw,) = hela.Dataset().raw_files()
        assert raw.name == MATRIX and raw.url.endswith(f"/drugnem/data/{MATRIX}") and len(raw.sha256) == 64

    def test_the_real_file_has_the_values_of_the_rewritten_one(self, shared_data, adata):
        path = shared_data / hela.Settings().folder / MATRIX
        if not path.is_file():
            pytest.skip(f"the real file is not at {path}")
        found = read(path)
        assert writing.sha256(path) == hela.FILES["rdata"][1]
        assert found.to_df().equals(adata.to_df()) and found.obs.equals(adata.obs)


@pytest.fixture(scope="module")
def hela_path(shared_data):
    path = shared_data / hela.Settings().folder / REWRITTEN
    if not path.is_file():
        pytest.skip(f"the real file is not at {path}")
    return path


@pytest.fixture(scope="module")
def adata(hela_path):
    return read(hela_path, format="h5ad")


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
        (raw,) = hela.Dataset(hela.Settings(format="h5ad")).raw_files()
        assert writing.sha256(hela_path) == raw.sha256 and raw.name == hela_path.name and raw.url is None

    def test_another_file_ends_with_one_sentence(self, tmp_path):
        import anndata
        import pandas as pd

        path = tmp_path / REWRITTEN
        with pytest.raises(UserError, match="this is no AnnData file that can be read"):
            read(path, format="h5ad")
        path.write_bytes(b"no AnnData")
        with pytest.raises(UserError, match="this is no AnnData file that can be read"):
            read(path, format="h5ad")
        obs = pd.DataFrame({"treatment": ["BASAL", "SB"]}, index=["0", "1"])
        anndata.AnnData(np.ones((2, 2), dtype=np.float32), obs=obs).write_h5ad(path)
        with pytest.raises(UserError, match=r"obs\['ccast_group'\] is missing; obs has treatment"):
            read(path, format="h5ad")

    def test_settings_are_checked(self):
        with pytest.raises(ValueError, match="cofactor"):
            hela.Settings(cofactor=-1)
        with pytest.raises(ValueError, match="format must be one of rdata, h5ad"):
            hela.Settings(format="csv")
