"""Kang's blood cells: GEO's files, a file of one's own, how real the stand-in looks."""

import gzip

import numpy as np
import pandas as pd
import pytest
from scipy.io import mmwrite
from scipy.sparse import coo_matrix, csr_matrix

from outofsample.datasets import kang
from outofsample.errors import UserError
from outofsample.files.dataset import check_contract
from tests.unit.datasets.conftest import cells_of, scores_of_controls, simulated, write_text


class TestKangStandIn:
    def test_size_conditions_types_and_donors(self, blood):
        assert blood.shape == (3000, 500)
        assert set(blood.obs["condition"]) == {"control", "stimulated"}
        assert set(blood.obs["domain"]) == set(kang.Dataset().domains) == set(kang.PAPER_TYPES) - {"T"}
        assert blood.obs["donor"].nunique() == 8
        assert blood.obs.groupby(["domain", "condition"], observed=True).size().min() >= 40

    def test_the_controls_score_as_on_the_real_data(self, blood):
        scores = scores_of_controls(blood, "NK", "control", "stimulated")
        # Real cells, 2,000 genes: .79, .90, r of changes .77, R2 of variances .72; halves of the truth .95.
        assert scores["no_change"] == pytest.approx(0.79, abs=0.05)
        assert scores["mean_shift"] == pytest.approx(0.90, abs=0.03)
        assert scores["change"] == pytest.approx(0.77, abs=0.06)
        assert scores["variances"] == pytest.approx(0.70, abs=0.08)
        assert scores["oracle"] > 0.95
        # Mapping percentiles of mixtures of cell types breaks what belongs to a type.
        assert scores["quantiles"] < scores["mean_shift"] - 0.04
        assert scores["quantile_variances"] < scores["variances"] - 0.2

    def test_counts_are_as_noisy_as_molecules_are(self, blood):
        counts = blood.layers["counts"]
        assert 1200 < np.median(np.asarray(counts.sum(axis=1))) < 1800
        assert 0.5 < 1 - counts.nnz / np.prod(counts.shape) < 0.8
        chosen = ((blood.obs["domain"] == "CD4 T") & (blood.obs["condition"] == "control")).to_numpy()
        values = counts[chosen].toarray()
        assert (values.var(0) >= 0.9 * values.mean(0)).mean() > 0.9

    def test_the_genes_of_the_paper_respond_where_they_should(self, blood):
        genes = blood.var_names

        def change(domain, gene):
            parts = [cells_of(blood, domain, name)[:, genes.get_loc(gene)] for name in ("control", "stimulated")]
            return parts[1].mean() - parts[0].mean()

        for domain in kang.Dataset().domains:
            assert change(domain, "ISG15") > 1.5
        assert change("CD14 Mono", "CXCL10") > 2 and abs(change("NK", "CXCL10")) < 0.4
        assert abs(change("NK", "NKG7")) < 0.5 and cells_of(blood, "NK", "control")[:, genes.get_loc("NKG7")].mean() > 3

    def test_doublets_megakaryocytes_and_clashing_barcodes_are_in_the_files(self, tmp_path):
        dataset = kang.Dataset(kang.Settings(cells=300, genes=200))
        dataset.simulate(tmp_path)
        table = pd.read_csv(tmp_path / kang.CELLS, sep="\t", index_col=0)
        assert list(table) == ["tsne1", "tsne2", "ind", "stim", "cluster", "cell", "multiplets"]
        assert (table["multiplets"] == "doublet").sum() > 0 and (table["cell"] == "Megakaryocytes").sum() > 0
        assert table.index.is_unique and table.index[table["stim"] == "stim"].str.endswith("-11").sum() > 0
        assert not table.index[table["stim"] == "ctrl"].str.endswith("-11").any()

    def test_the_log_has_no_warning(self, tmp_path, capsys):
        simulated(kang.Dataset(kang.Settings(cells=300, genes=200)), tmp_path)
        assert capsys.readouterr().out == ""


#: The barcode AAAC clashes, TTTT has no row, GGGG is a doublet, CCCC is not of the eight types, GTGT has no type.
GEO_CELLS = """tsne1	tsne2	ind	stim	cluster	cell	multiplets
AAAC-1	0.1	2	107	ctrl	3	NK cells	singlet
GGGG-1	0.1	2	107	ctrl	3	NK cells	doublet
CATG-1	0.1	2	1015	ctrl	5	CD14+ Monocytes	singlet
AAAC-11	0.1	2	1488	stim	3	NK cells	singlet
CCCC-1	0.1	2	101	stim	3	Megakaryocytes	singlet
GTGT-1	0.1	2	101	stim	3	NA	singlet
"""
GEO_BARCODES = {"ctrl": ["AAAC-1", "GGGG-1", "CATG-1"], "stim": ["CCCC-1", "TTTT-1", "AAAC-1", "GTGT-1"]}
GEO_COUNTS = {
    "ctrl": [[1, 5, 2], [0, 6, 0], [3, 7, 0]],
    "stim": [[8, 9, 4, 1], [8, 9, 0, 1], [8, 9, 6, 1]],
}


@pytest.fixture
def geo(tmp_path):
    """Write files in GEO's format, and return their paths by name."""
    write_text(tmp_path / kang.GENES, "ENSG1\tISG15\nENSG2\tNKG7\nENSG3\tISG15\n")
    write_text(tmp_path / kang.CELLS, GEO_CELLS)
    for stim, (_, matrix, barcodes) in kang.LANES.items():
        write_text(tmp_path / barcodes, "".join(f"{name}\n" for name in GEO_BARCODES[stim]))
        with gzip.open(tmp_path / matrix, "wb") as file:
            mmwrite(file, coo_matrix(GEO_COUNTS[stim]), field="integer")
    return {file.name: tmp_path / file.name for file in kang.Dataset().raw_files()}


class TestKangFromGeo:
    def test_barcodes_and_table_are_joined_also_where_they_clash(self, geo):
        adata = kang.Dataset().load(geo)
        assert adata.obs_names.tolist() == ["control_AAAC-1", "control_CATG-1", "stimulated_AAAC-1"]
        assert adata.obs["cell_type"].tolist() == ["NK", "CD14 Mono", "NK"]
        assert adata.obs["donor"].tolist() == ["107", "1015", "1488"]
        assert adata.obs["condition"].tolist() == ["control", "control", "stimulated"]
        assert adata.var_names.tolist() == ["ISG15", "NKG7", "ISG15-1"]
        assert adata.layers["counts"].toarray().tolist() == [[1, 0, 3], [2, 0, 0], [4, 0, 6]]
        assert adata.X[0, 0] == pytest.approx(np.log1p(2500))

    def test_other_types_can_be_asked_for(self, geo):
        settings = kang.Settings(cell_types=["NK", "Mk"], min_genes=2)
        assert kang.Dataset(settings).domains == ("NK", "Mk")
        adata = kang.Dataset(settings).load(geo)
        assert adata.obs["cell_type"].tolist() == ["NK", "Mk", "NK"]
        assert kang.Dataset(kang.Settings(cell_types=["Mk"], min_genes=3)).load(geo).n_obs == 1

    def test_a_header_with_a_name_for_the_barcodes_is_read_too(self, geo):
        write_text(geo[kang.CELLS], f"barcode\t{GEO_CELLS}")
        assert kang.Dataset().load(geo).n_obs == 3

    def test_numbers_that_are_not_the_published_ones_are_said(self, geo, capsys):
        kang.Dataset().load(geo)
        lines = capsys.readouterr().out.splitlines()
        assert [line for line in lines if "not GSE96583's" in line and "NK 2 (expected 1,716)" in line]
        assert [line for line in lines if "not the paper's" in line and "genes 3 (expected 14,053)" in line]
        assert all(line.startswith("warning: kang: ") for line in lines)

    def test_cells_without_counts_are_said(self, geo, capsys):
        write_text(geo[kang.CELLS], f"{GEO_CELLS}ACGT-1\t0\t0\t101\tstim\t1\tB cells\tsinglet\n")
        assert kang.Dataset().load(geo).n_obs == 3
        assert "1 of the 4 cells 'stim'" in capsys.readouterr().out

    def test_a_matrix_of_another_size_is_refused(self, geo):
        write_text(geo["GSM2560249_barcodes.tsv.gz"], "CCCC-1\n")
        with pytest.raises(UserError, match=r"GSM2560249_2\.2\.mtx\.gz: a matrix of 3 genes x 1 cells is expected"):
            kang.Dataset().load(geo)

    @pytest.mark.parametrize("name", [kang.CELLS, kang.GENES, "GSM2560248_2.1.mtx.gz", "GSM2560248_barcodes.tsv.gz"])
    def test_a_damaged_file_is_named(self, geo, name):
        geo[name].write_bytes(geo[name].read_bytes()[:-20])
        with pytest.raises(UserError, match=f"{name}: the file cannot be read"):
            kang.Dataset().load(geo)
        write_text(geo[name], "\n" * (20 << 20))
        with pytest.raises(UserError, match=rf"{name}: this file of .* would unpack to .*, and at most 50 times"):
            kang.Dataset().load(geo)

    @pytest.mark.parametrize(
        ("before", "after", "sentence"),
        [
            ("multiplets", "doublets", r"the column\(s\) multiplets are missing"),
            ("CATG-1", "AAAC-2", "'AAAC' occurs twice in the condition 'ctrl'"),
            ("stim\t3", "both\t3", "none of its barcodes is a singlet of the condition 'stim'"),
        ],
    )
    def test_a_table_of_another_form_is_refused(self, geo, before, after, sentence):
        assert before in GEO_CELLS
        write_text(geo[kang.CELLS], GEO_CELLS.replace(before, after))
        with pytest.raises(UserError, match=sentence):
            kang.Dataset().load(geo)

    def test_an_unknown_type_is_refused(self, geo):
        with pytest.raises(UserError, match="no cell type 'CD14 Mon' \\(did you mean 'CD14 Mono'\\?\\)"):
            kang.Dataset(kang.Settings(cell_types=["CD14 Mon"])).load(geo)
        with pytest.raises(UserError, match="no cell is left"):
            kang.Dataset(kang.Settings(cell_types=["T"])).load(geo)


@pytest.mark.parametrize("wrong", [{"cell_types": []}, {"labels": "mine"}, {"min_genes": -1}])
def test_settings_of_kang_are_checked(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        kang.Settings(**wrong)


def own_file(path, **columns):
    """Write an AnnData file of counts with two cells."""
    import anndata

    obs = pd.DataFrame({"condition": ["control", "stimulated"], "cell_type": ["NK", "NK"]}, index=["a", "b"])
    obs = obs.assign(**columns).dropna(axis=1)
    anndata.AnnData(csr_matrix(np.eye(2, dtype=np.float32)), obs=obs).write_h5ad(path)
    return kang.Dataset(kang.Settings(file=path.name)), {path.name: path}


class TestKangFromAnAnnDataFile:
    def test_there_is_no_stand_in_for_a_file_that_is_named(self, tmp_path):
        dataset = kang.Dataset(kang.Settings(file="mine.h5ad"))
        assert not dataset.can_simulate and not dataset.use_simulated(tmp_path)
        assert [file.name for file in dataset.raw_files()] == ["mine.h5ad"]
        assert "T" in dataset.domains

    def test_files_of_another_form_are_refused(self, tmp_path):
        dataset, paths = own_file(tmp_path / "mine.h5ad", cell_type=None)
        with pytest.raises(UserError, match=r"mine\.h5ad: obs has no column 'cell_type'; it has condition"):
            dataset.load(paths)
        dataset, paths = own_file(tmp_path / "mine.h5ad", condition=["control", "IFN"])
        with pytest.raises(UserError, match=r"obs\['condition'\] has 'IFN'; known: "):
            dataset.load(paths)
        (tmp_path / "mine.h5ad").write_bytes(b"no HDF5")
        with pytest.raises(UserError, match=r"mine\.h5ad: the file cannot be read"):
            dataset.load(paths)

    def test_the_second_address_has_other_names_for_the_same(self, tmp_path):
        import anndata

        dataset = kang.Dataset(kang.Settings(file=kang.MIRROR))
        (raw,) = dataset.raw_files()
        assert raw.sha256 and raw.url.endswith(kang.MIRROR) and not dataset.use_simulated(tmp_path)
        assert dataset.domains == kang.Dataset().domains
        obs = pd.DataFrame(
            {"label": ["ctrl", "stim", "stim"], "cell_type": ["NK cells", "NK cells", "Megakaryocytes"]},
            index=["a", "b", "c"],
        ).assign(replicate=["patient_101", "patient_107", "patient_107"])
        path = tmp_path / kang.MIRROR
        anndata.AnnData(csr_matrix(np.eye(3, dtype=np.float32)), obs=obs).write_h5ad(path)
        adata = dataset.load({kang.MIRROR: path})
        check_contract(adata, "kang")
        assert adata.obs[["condition", "domain", "donor"]].to_numpy().tolist() == [
            ["control", "NK", "patient_101"],
            ["stimulated", "NK", "patient_107"],
        ]

    @pytest.mark.parametrize(
        ("name", "labels", "shape", "natural_killers"),
        [
            ("kang_trvae_layout_counts.h5ad", "all", (2723, 14053), (56, 51)),
            ("kang_trvae_layout_counts.h5ad", "published", (2723, 14053), (56, 51)),
            ("kang_pooled_counts.h5ad", "all", (4485, 9015), (115, 125)),
            ("kang_pooled_counts.h5ad", "published", (2723, 9015), (56, 51)),
        ],
    )
    def test_the_real_cells(self, shared_data, name, labels, shape, natural_killers, capsys):
        folder = shared_data / "kang2018_pbmc"
        if not folder.is_dir():
            pytest.skip(f"the real files are not at {folder}")
        dataset = kang.Dataset(kang.Settings(file=name, labels=labels))
        adata = dataset.load({name: folder / name})
        check_contract(adata, "kang")
        assert adata.shape == shape and set(adata.obs["domain"]) == set(kang.PAPER_TYPES)
        sizes = adata.obs.groupby(["domain", "condition"], observed=True).size()
        assert tuple(sizes["NK"]) == natural_killers
        assert "control 1,276 (expected 6,359)" in capsys.readouterr().out or shape[0] != 2723
        if name == "kang_pooled_counts.h5ad" and labels == "all":
            column = adata.var_names.get_loc("ISG15")
            means = [cells_of(adata, "NK", condition)[:, column].mean() for condition in ("control", "stimulated")]
            assert means == pytest.approx([0.82, 4.43], abs=0.005)

    def test_the_cells_of_the_paper_s_layout_per_type(self, shared_data):
        path = shared_data / "kang2018_pbmc" / "kang_trvae_layout_counts.h5ad"
        if not path.is_file():
            pytest.skip(f"the real file is not at {path}")
        adata = kang.Dataset(kang.Settings(file=path.name)).load({path.name: path})
        sizes = adata.obs.groupby(["domain", "condition"], observed=True).size().unstack()
        listed = {"CD14 Mono": [477, 435], "CD4 T": [363, 505], "B": [103, 141], "CD16 Mono": [112, 113]}
        listed |= {"CD8 T": [63, 85], "T": [61, 69], "NK": [56, 51], "DC": [41, 48]}
        assert {name: row.tolist() for name, row in sizes.iterrows()} == listed
