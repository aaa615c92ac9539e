"""Dengue: the stand-in's cells in two batches."""

import numpy as np
import pytest

from outofsample.datasets import dengue
from outofsample.datasets.support import dengue_simulator
from outofsample.errors import UserError
from outofsample.files import fcs
from tests.unit.datasets.conftest import SMALL, change


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Return the dengue stand-in at the demo's size."""
    dataset = dengue.Dataset()
    folder = tmp_path_factory.mktemp("dengue_demo")
    dataset.simulate(folder)
    return dataset.load({name: folder / name for name in dengue.FILES})


class TestDengue:
    def test_the_rule_finds_the_35_proteins(self, demo):
        assert tuple(demo.var_names) == dengue_simulator.PROTEINS and demo.n_vars == 35
        assert "cell_type" not in demo.obs

    def test_pairs_are_the_same_cells(self, demo):
        pairs = demo.obs[demo.obs["pair_id"] != ""]
        assert set(pairs["domain"]) == {"sample1"}
        before, after = (demo[pairs.index[pairs["condition"] == batch]] for batch in ("batch1", "batch2"))
        assert before.obs["pair_id"].tolist() == after.obs["pair_id"].tolist()
        cd3 = [np.ravel(part[:, "CD3"].X) for part in (before, after)]
        assert np.corrcoef(cd3)[0, 1] > 0.9
        assert not np.array_equal(*cd3)

    def test_the_batch_effect_resembles_that_of_real_controls(self, demo):
        controls = change(demo, "control", "batch1", "batch2")
        truth = change(demo, "sample1", "batch1", "batch2")
        assert 0.85 <= np.corrcoef(controls, truth)[0, 1] <= 0.96
        assert (controls > 0.1).sum() >= 5 and (controls < -0.1).sum() >= 5 and (np.abs(controls) < 0.05).sum() >= 5

    def test_ifng_is_low_in_batch_1_and_ccr6_high_in_sample1_wherever_measured(self, demo):
        median = demo.to_df().groupby([demo.obs["domain"], demo.obs["condition"]]).median()
        for domain in ("control", "sample1"):
            assert median.loc[(domain, "batch2"), "IFNg"] - median.loc[(domain, "batch1"), "IFNg"] > 0.5
        others = median.drop(index="sample1")["CCR6"]
        for batch in ("batch1", "batch2"):
            assert median.loc[("sample1", batch), "CCR6"] - others.max() > 0.5

    def test_seeds_draw_other_cells(self, tmp_path):
        small = SMALL["dengue"]
        for seed in (0, 1):
            dengue.Dataset(dengue.Settings(**small, seed=seed)).simulate(tmp_path / str(seed))
        one, other = (fcs.read_fcs(tmp_path / str(seed) / "Control1.fcs").values for seed in (0, 1))
        assert not np.array_equal(one, other)

    def test_real_files_have_no_truth_and_no_pairs(self, tmp_path):
        dataset = dengue.Dataset(dengue.Settings(**SMALL["dengue"], exclude=["CD45"]))
        assert dataset.use_simulated(tmp_path)
        dataset.simulate(tmp_path / "dengue")
        assert not dataset.use_simulated(tmp_path)
        adata = dataset.load({file.name: tmp_path / "dengue" / file.name for file in dataset.raw_files()})
        assert adata.n_obs == 1200 and adata.n_vars == 34
        assert "pair_id" not in adata.obs

    def test_a_truth_of_other_length_is_refused(self, tmp_path):
        dataset = dengue.Dataset(dengue.Settings(**SMALL["dengue"]))
        dataset.simulate(tmp_path)
        truth = fcs.read_fcs(tmp_path / dengue.TRUTH)
        fcs.write_fcs(tmp_path / dengue.TRUTH, truth.values[:-1], truth.channels, truth.labels)
        with pytest.raises(UserError, match=r"Sample1_in_batch2\.fcs: its cells must be those of Sample1"):
            dataset.load({name: tmp_path / name for name in dengue.FILES})

    @pytest.mark.parametrize("wrong", [{"cofactor": -5}, {"sample1_cells": 1}, {"seed": -1}])
    def test_settings_are_checked(self, wrong):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            dengue.Settings(**wrong)
