"""Cells under two drugs together: the stand-in, and the authors' files."""

import bz2
import gzip
import re

import numpy as np
import pytest

from outofsample.datasets import drug_combination
from outofsample.datasets.support import drug_combination_simulator
from outofsample.edits.support.base import create_edit
from outofsample.errors import UserError
from outofsample.files import fcs, writing
from outofsample.files.dataset import check_contract
from outofsample.metrics.distances import energy_distance
from tests.unit.datasets.r_files import Matrix, write_rdata

SMALL = {"basal_cells": 60, "das_cells": 61, "bez_cells": 62, "bez_das_cells": 63}


def simulated(folder, **settings):
    """Write the stand-in into ``folder`` and return (dataset, paths)."""
    dataset = drug_combination.Dataset(drug_combination.Settings(**settings))
    dataset.simulate(folder)
    return dataset, {file.name: folder / file.name for file in dataset.simulated_files()}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Return the stand-in at the demo's size: treatment -> table (cells, proteins)."""
    dataset, paths = simulated(tmp_path_factory.mktemp("drugs"))
    adata = dataset.load(paths)
    return {name: adata[adata.obs["treatment"] == name].to_df() for name in drug_combination.PAPERS}


class TestStandIn:
    def test_the_rule_finds_the_41_proteins(self, tmp_path):
        dataset, paths = simulated(tmp_path, **SMALL)
        adata = dataset.load(paths)
        check_contract(adata, "drug_combination")
        assert tuple(adata.var_names) == drug_combination_simulator.PROTEINS and adata.n_vars == 41
        assert {"p4EBP1", "pSTAT5"} <= set(adata.var_names)
        assert "cell_type" not in adata.obs and "pair_id" not in adata.obs

    def test_domain_is_what_cells_have_and_condition_what_is_added(self, tmp_path):
        dataset, paths = simulated(tmp_path, **SMALL)
        sizes = dataset.load(paths).obs.groupby(["treatment", "domain", "condition"], observed=True).size()
        assert sizes.to_dict() == {
            ("Basal", "none", "basal"): 60,
            ("Das", "none", "Das"): 61,
            ("Bez", "Bez", "basal"): 62,
            ("Bez+Das", "Bez", "Das"): 63,
        }

    def test_every_treatment_is_another_pair(self):
        assert len(set(drug_combination.TREATMENTS.values())) == len(drug_combination.TREATMENTS)

    @pytest.mark.parametrize("alone", drug_combination.PAPERS)
    def test_a_treatment_has_the_same_bytes_whatever_else_is_drawn(self, alone, tmp_path):
        _, together = simulated(tmp_path / "together", **SMALL)
        _, single = simulated(tmp_path / "single", **SMALL, treatments=[alone])
        (name,) = single
        assert writing.sha256(single[name]) == writing.sha256(together[name])

    def test_seeds_draw_other_cells(self, tmp_path):
        one, other = (simulated(tmp_path / str(seed), **SMALL, seed=seed)[1]["Das.fcs"] for seed in (0, 1))
        assert not np.array_equal(fcs.read_fcs(one).values, fcs.read_fcs(other).values)

    def test_a_treatment_that_it_does_not_have_is_refused(self, tmp_path):
        with pytest.raises(UserError, match=r"treatments Basal, Das, Bez, Bez\+Das alone; take Tof out"):
            simulated(tmp_path, **SMALL, treatments=["Basal", "Tof"])


class TestEffects:
    """What the stand-in promises; the bounds hold for the seeds 0 to 9 alike."""

    def test_das_lowers_p4ebp1_and_leaves_pstat5(self, demo):
        median = {name: table.median() for name, table in demo.items()}
        change = median["Das"] - median["Basal"]
        assert -1.5 < change["p4EBP1"] < -1.0
        assert change["p4EBP1"] == change.min()
        assert abs(change["pSTAT5"]) < 0.1
        assert abs(median["Bez+Das"]["pSTAT5"] - median["Bez"]["pSTAT5"]) < 0.1

    def test_das_leaves_what_tells_cells_apart(self, demo):
        identity = [name for name in demo["Basal"] if name.startswith("CD")]
        for before, after in (("Basal", "Das"), ("Bez", "Bez+Das")):
            assert (demo[after][identity].mean() - demo[before][identity].mean()).abs().max() < 0.15

    def test_bez_has_effects_of_its_own(self, demo):
        change = demo["Bez"].mean() - demo["Basal"].mean()
        assert change["pAkt"] < -0.6 and change["p4EBP1"] < -0.5 and change["pS6"] < -0.1
        assert change["pErk"] > 0.3
        assert abs(change["pSTAT5"]) < 0.1

    def test_together_the_drugs_do_more_or_less_than_their_sum(self, demo):
        mean = {name: table.mean() for name, table in demo.items()}
        interaction = (mean["Bez+Das"] - mean["Bez"]) - (mean["Das"] - mean["Basal"])
        assert interaction["p4EBP1"] > 0.1
        assert interaction["pS6"] < -0.15
        assert interaction["cPARP"] > 0.3

    def test_das_hits_cell_types_differently(self, demo):
        def change(marker_of_type):
            of_type = [demo[name][demo[name][marker_of_type] > 2]["p4EBP1"].median() for name in ("Basal", "Das")]
            return of_type[1] - of_type[0]

        assert change("CD3") - change("CD179b") > 0.5

    def test_das_hits_cells_by_their_state(self, demo):
        pre_b = {name: table[(table["CD179b"] > 2) & (table["CD10"] > 3)] for name, table in demo.items()}
        spread = {name: table["cPARP"].std() for name, table in pre_b.items()}
        assert spread["Bez+Das"] > 1.5 * spread["Basal"]

    def test_counts_have_zeros_and_noise(self, demo):
        zeros = (demo["Basal"] == 0).mean()
        assert zeros["CD3"] > 0.3 and zeros["p4EBP1"] < 0.01

    def test_edits_in_data_space_are_better_than_nothing_and_not_exact(self, demo):
        source, target, query, truth = (demo[name].to_numpy() for name in ("Basal", "Das", "Bez", "Bez+Das"))
        halves = truth[::2], truth[1::2]
        oracle = energy_distance(*halves)
        assert abs(oracle) < 0.02
        unchanged = energy_distance(query, halves[1])
        for name in ("mean_shift", "percentile"):
            edited = create_edit(name).fit(source, target).transform(query)
            distance = energy_distance(edited, halves[1])
            assert 0.05 < distance < 0.5 * unchanged

    def test_means_tell_no_change_from_the_oracle(self, demo):
        truth = demo["Bez+Das"]
        oracle = np.corrcoef(truth[::2].mean(), truth[1::2].mean())[0, 1]
        no_change = np.corrcoef(demo["Bez"].mean(), truth[1::2].mean())[0, 1]
        assert oracle > 0.995 and 0.9 < no_change < 0.98


COLUMNS = ["Time", "DNA1", "CD45", "p4EBP1", "pSTAT5", "treatment", "groups"]


def authors_matrix(cells=70):
    """Return values (cells, `COLUMNS`) as the authors' package lays them out: codes 1 to 7, then a cluster."""
    rng = np.random.default_rng(0)
    intensities = rng.gamma(1.0, 60.0, (cells, 5))
    return np.column_stack([intensities, np.arange(cells) % 7 + 1, np.arange(cells) % 2 + 1])


def load_rdata(path, **settings):
    dataset = drug_combination.Dataset(drug_combination.Settings(**settings))
    assert [file.name for file in dataset.raw_files()] == [drug_combination.RDATA]
    return dataset.load({drug_combination.RDATA: path})


class TestRdata:
    def test_the_authors_codes_become_treatments(self, tmp_path):
        values = authors_matrix()
        path = write_rdata(tmp_path / "m.rdata", UPN7datamatrix=Matrix(values, COLUMNS))
        adata = load_rdata(path, treatments=list(drug_combination.TREATMENTS))
        check_contract(adata, "drug_combination")
        assert list(adata.var_names) == ["CD45", "p4EBP1", "pSTAT5"]
        for code, (name, pair) in enumerate(drug_combination.TREATMENTS.items(), start=1):
            part = adata[adata.obs["treatment"] == name]
            assert set(zip(part.obs["domain"], part.obs["condition"], strict=True)) == {pair}
            np.testing.assert_allclose(part.X, np.arcsinh(values[values[:, 5] == code, 2:5] / 5), rtol=1e-5)

    def test_the_papers_treatments_are_the_default(self, tmp_path):
        path = write_rdata(tmp_path / "m.rdata", UPN7datamatrix=Matrix(authors_matrix(), COLUMNS))
        adata = load_rdata(path)
        assert tuple(adata.obs["treatment"].unique()) == drug_combination.PAPERS and adata.n_obs == 40

    def test_a_data_frame_with_names_and_another_object_beside_it(self, tmp_path):
        import pandas as pd

        names = [("basal", "DAS", "Bez", "bez+das")[row % 4] for row in range(40)]
        table = pd.DataFrame({"CD45": np.linspace(0, 99, 40), "pS6": 30.0, "batch": "a", "drug": pd.Categorical(names)})
        path = write_rdata(tmp_path / "m.rdata", cells=table, other=Matrix(np.ones((2, 2)), ["a", "b"]))
        adata = load_rdata(path, treatment_column="drug")
        assert list(adata.var_names) == ["CD45", "pS6"]
        assert adata.obs["treatment"].value_counts().to_dict() == dict.fromkeys(drug_combination.PAPERS, 10)

    def test_order_of_codes_and_markers_can_be_given(self, tmp_path):
        values = authors_matrix()
        path = write_rdata(tmp_path / "m.rdata", m=Matrix(values, COLUMNS))
        order = [*drug_combination.TREATMENTS][::-1]
        adata = load_rdata(path, treatment_order=order, include=["pSTAT5", "CD45"], treatments=["Basal", "Das"])
        assert list(adata.var_names) == ["pSTAT5", "CD45"]
        np.testing.assert_allclose(adata.X[:10], np.arcsinh(values[values[:, 5] == 7][:, [4, 2]] / 5), rtol=1e-5)

    def test_transformed_values_are_taken_as_they_are_and_a_wrong_word_is_noticed(self, tmp_path):
        values = authors_matrix()
        values[:, :5] = np.arcsinh(values[:, :5] / 5)
        path = write_rdata(tmp_path / "m.rdata", m=Matrix(values, COLUMNS))
        with pytest.raises(UserError, match="seem to be transformed already; set 'transformed: true'"):
            load_rdata(path)
        adata = load_rdata(path, transformed=True)
        np.testing.assert_allclose(adata.X[:10], values[values[:, 5] == 1, 2:5], rtol=1e-6)
        raw = write_rdata(tmp_path / "raw.rdata", m=Matrix(authors_matrix(), COLUMNS))
        with pytest.raises(UserError, match="seem to be intensities, not transformed; set 'transformed: false'"):
            load_rdata(raw, transformed=True)

    @pytest.mark.parametrize(
        ("columns", "settings", "sentence"),
        [
            (COLUMNS, {"treatment_column": "treatmnt"}, "'treatmnt' (did you mean 'treatment'?)"),
            (
                COLUMNS,
                {"treatment_column": "drug"},
                "The file holds m: Time, DNA1, CD45, p4EBP1, pSTAT5, treatment, gr",
            ),
            (COLUMNS, {"treatment_order": ["Basal", "Das"]}, "holds 3, 4, 5, 6, 7; it must hold the codes 1 to 2 (in"),
            (COLUMNS, {"include": ["CD54"]}, "include: there is no channel 'CD54'"),
            (["a", "a", *COLUMNS[2:]], {}, "the column 'a' of m occurs twice"),
            (["Time", "DNA1", "DNA2", "Viability", "empty", *COLUMNS[5:]], {}, "no marker is left"),
        ],
    )
    def test_other_layouts_end_with_one_sentence(self, tmp_path, columns, settings, sentence):
        path = write_rdata(tmp_path / "m.rdata", m=Matrix(authors_matrix(), columns))
        with pytest.raises(UserError, match=re.escape(sentence)) as caught:
            load_rdata(path, **settings)
        assert "m.rdata" in str(caught.value)

    def test_a_matrix_without_names_a_missing_treatment_and_nan(self, tmp_path):
        bare = write_rdata(tmp_path / "bare.rdata", m=authors_matrix())
        with pytest.raises(UserError, match=r"0 have it\. The file holds no matrix with column names"):
            load_rdata(bare)
        values = authors_matrix()
        few = write_rdata(tmp_path / "few.rdata", m=Matrix(values[values[:, 5] != 3], COLUMNS))
        with pytest.raises(UserError, match=r"'Bez\+Das' has fewer than 2 cells; the file has Basal \(10 cells\), Bez"):
            load_rdata(few)
        values[5, 3] = np.nan
        path = write_rdata(tmp_path / "nan.rdata", m=Matrix(values, COLUMNS))
        with pytest.raises(UserError, match="1 values of the markers are NaN"):
            load_rdata(path)

    def test_two_matrices_that_both_fit_are_refused(self, tmp_path):
        one = Matrix(authors_matrix(), COLUMNS)
        path = write_rdata(tmp_path / "m.rdata", one=one, two=one)
        with pytest.raises(UserError, match=r"must have the column 'treatment' that says.*; 2 have it"):
            load_rdata(path)

    def test_the_form_of_the_authors_public_matrix_is_read(self, tmp_path):
        """``treatment`` comes twice, the first time transformed; some columns are no markers; spellings differ."""
        columns = ["Time", "BC1", "157", "CD45", "4EBP1", "pStat5", "myeloid_FITC", "File Number", "beadDist"]
        columns += ["barcode", "treatment", "tSNE1", "treatment", "groups"]
        rng, codes = np.random.default_rng(0), np.arange(70) % 7 + 1
        values = np.column_stack(
            [rng.gamma(1.0, 60.0, (70, 10)), np.sinh(codes), rng.normal(size=70), codes, codes % 2]
        )
        adata = load_rdata(write_rdata(tmp_path / "m.rdata", UPN7datamatrix=Matrix(values, columns)))
        check_contract(adata, "drug_combination")
        assert list(adata.var_names) == ["CD45", "p4EBP1", "pSTAT5"]
        assert adata.obs["treatment"].value_counts().to_dict() == dict.fromkeys(drug_combination.PAPERS, 10)
        np.testing.assert_allclose(adata.X[:10], np.arcsinh(values[codes == 1, 3:6] / 5), rtol=1e-5)
        path = write_rdata(tmp_path / "m.rdata", m=Matrix(values, columns))
        assert list(load_rdata(path, include=["4EBP1", "CD45"]).var_names) == ["p4EBP1", "CD45"]

    def test_a_repeated_column_without_treatments_is_refused(self, tmp_path):
        values = np.column_stack([authors_matrix()[:, :5], np.full((70, 2), 0.5)])
        path = write_rdata(tmp_path / "m.rdata", m=Matrix(values, [*COLUMNS[:5], "treatment", "treatment"]))
        with pytest.raises(UserError, match=r"column 'treatment' holds 0\.5; it must hold the codes"):
            load_rdata(path)

    @pytest.mark.parametrize("content", [b"", b"no R at all", b"RDX3\nX\n" + bytes(40), b"\x1f\x8b\x08damaged"])
    def test_a_damaged_file_ends_with_one_sentence(self, tmp_path, content):
        path = tmp_path / "m.rdata"
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"m\.rdata: this is no R data file that can be read"):
            load_rdata(path)
        path.unlink()
        with pytest.raises(UserError, match=r"m\.rdata: this file does not exist"):
            load_rdata(path)

    def test_a_file_that_unpacks_to_too_much_is_refused(self, tmp_path):
        path = tmp_path / "m.rdata"
        path.write_bytes(gzip.compress(b"RDX3\n" + bytes(40 << 20)))
        with pytest.raises(UserError, match=r"m\.rdata: this file of .* would unpack to .*; write the matrix again"):
            load_rdata(path)
        path.write_bytes(bz2.compress(path.read_bytes()))
        with pytest.raises(UserError, match=r"m\.rdata: what this file unpacks to is packed once more"):
            load_rdata(path)


class TestFormats:
    def test_fcs_files_are_read_as_real_data(self, tmp_path):
        dataset, _ = simulated(tmp_path / "drug_combination", **SMALL, format="fcs")
        assert not dataset.use_simulated(tmp_path)
        assert [file.name for file in dataset.raw_files()] == ["Basal.fcs", "Das.fcs", "Bez.fcs", "Bez_Das.fcs"]

    def test_files_of_the_other_format_are_not_passed_over(self, tmp_path):
        assert drug_combination.Dataset().use_simulated(tmp_path)
        simulated(tmp_path / "drug_combination", **SMALL)
        with pytest.raises(
            UserError, match=r"Basal\.fcs is there, but the dataset's 'format' is 'rdata'; set it to 'f"
        ):
            drug_combination.Dataset().use_simulated(tmp_path)
        folder = tmp_path / "other" / "drug_combination"
        folder.mkdir(parents=True)
        write_rdata(folder / drug_combination.RDATA, m=Matrix(authors_matrix(), COLUMNS))
        assert not drug_combination.Dataset().use_simulated(tmp_path / "other")
        with pytest.raises(UserError, match="set it to 'rdata'"):
            drug_combination.Dataset(drug_combination.Settings(format="fcs")).use_simulated(tmp_path / "other")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"format": "csv"},
            {"treatments": ["Basal", "Imatinib"]},
            {"treatments": []},
            {"treatment_order": ["Basal", "Basal"]},
            {"bez_das_cells": 1},
            {"seed": -1},
            {"cofactor": 0},
        ],
    )
    def test_settings_are_checked(self, wrong):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            drug_combination.Settings(**wrong)
