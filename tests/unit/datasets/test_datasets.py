"""Datasets: one contract for all, and what is particular to each."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from outofsample import registry
from outofsample.datasets import cytonorm, dengue
from outofsample.errors import UserError
from outofsample.files import fcs, writing
from outofsample.files.dataset import check_contract

DATA = Path(__file__).parents[4] / "shared" / "data"
SCRIPTS = Path(__file__).parents[3] / "scripts"
#: Sizes that keep the stand-ins small; a dataset that is not named here runs with its own defaults.
SMALL = {
    "cytonorm": {"cells_per_file": 200},
    "dengue": {f"{name}_cells": 300 for name in ("control1", "control2", "sample1", "sample2")},
    "drug_combination": {f"{name}_cells": 300 for name in ("basal", "das", "bez", "bez_das")},
    "kang": {"cells": 300, "genes": 200},
    "haber": {"cells": 300, "genes": 200},
    "own": {
        "folder": "cytonorm_controls",
        "files": [
            {"path": f"Gates_{batch}_Unstim_Control_1.fcs", "condition": batch, "domain": "one"}
            for batch in ("PTLG021", "PTLG028")
        ],
    },
    "morpho_mnist": {"digits_per_class": 2},
    "faces": {"images": 20},
}


def paths_of(dataset, folder):
    """Return the dataset's files: the real ones where they are, else the stand-in's, else skip."""
    real = DATA / dataset.settings.folder
    if dataset.can_simulate and dataset.use_simulated(DATA):
        dataset.simulate(folder)
        return {file.name: folder / file.name for file in dataset.simulated_files()}
    if not all((real / file.name).is_file() for file in dataset.raw_files()):
        pytest.skip(f"the real files are not at {real}, and there is no stand-in")
    return {file.name: real / file.name for file in dataset.raw_files()}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Return a function: name of a dataset -> (dataset, AnnData), each loaded once."""
    cache = {}

    def load(name):
        if name not in cache:
            dataset = registry.create("datasets", name, SMALL.get(name, {}))
            cache[name] = dataset, dataset.load(paths_of(dataset, tmp_path_factory.mktemp(name)))
        return cache[name]

    return load


@pytest.mark.parametrize("name", registry.available("datasets"))
def test_every_dataset_keeps_the_contract(name, loaded, tmp_path):
    import anndata

    dataset, adata = loaded(name)
    check_contract(adata, name)
    assert adata.n_obs > 1 and adata.n_vars > 1
    assert adata.obs["condition"].nunique() > 1
    assert len({file.name for file in dataset.raw_files()}) == len(dataset.raw_files())
    assert isinstance(dataset.settings.folder, str)
    adata.write_h5ad(tmp_path / "d.h5ad")
    # Sparse or dense.
    assert not (anndata.read_h5ad(tmp_path / "d.h5ad").X != adata.X).sum()


@pytest.mark.parametrize("name", registry.available("datasets"))
def test_every_stand_in_has_the_same_bytes_for_the_same_seed(name, tmp_path):
    dataset = registry.create("datasets", name, SMALL.get(name, {}))
    if not dataset.can_simulate:
        pytest.skip(f"{name} has no stand-in")
    for folder in ("one", "two"):
        dataset.simulate(tmp_path / folder)
    for file in dataset.simulated_files():
        assert writing.sha256(tmp_path / "one" / file.name) == writing.sha256(tmp_path / "two" / file.name)


@pytest.mark.filterwarnings("ignore:Observation names are not unique")
def test_the_contract_lists_every_problem():
    import anndata
    import pandas as pd

    obs = pd.DataFrame({"condition": ["a", None]}, index=["c", "c"])
    broken = anndata.AnnData(np.ones((2, 2)), obs=obs)
    with pytest.raises(UserError) as caught:
        check_contract(broken, "mine")
    for words in ("'mine'", "not float64", "obs_names must be unique", "'condition'] has cells", "'domain'] is miss"):
        assert words in str(caught.value)


def change(adata, domain, before, after):
    """Return the change of medians (markers,) of ``domain`` from one condition to the other."""
    medians = [
        np.median(adata.X[((adata.obs["domain"] == domain) & (adata.obs["condition"] == condition)).to_numpy()], 0)
        for condition in (before, after)
    ]
    return medians[1] - medians[0]


class TestCytonorm:
    def test_markers_conditions_and_domains(self, loaded):
        _, adata = loaded("cytonorm")
        assert tuple(adata.var_names) == cytonorm.MARKERS
        sizes = adata.obs.groupby(["condition", "domain"], observed=True).size()
        assert sizes.index.get_level_values("condition").unique().tolist() == ["PTLG021", "PTLG026", "PTLG028"]
        assert sizes.tolist() == [200] * 6

    def test_the_change_of_volunteer_1_tells_that_of_volunteer_2(self):
        dataset = cytonorm.Dataset()
        adata = dataset.load(paths_of(dataset, None))
        assert adata.n_obs == 6000
        changes = [change(adata, f"volunteer{n}", "PTLG021", "PTLG028") for n in (1, 2)]
        assert np.corrcoef(changes)[0, 1] > 0.9

    def test_raw_files_have_digest_and_address(self):
        raw = {file.name: file for file in cytonorm.Dataset().raw_files()}
        assert len(raw) == 6
        one = raw["Gates_PTLG026_Unstim_Control_2.fcs"]
        assert one.url == (
            "https://raw.githubusercontent.com/saeyslab/CytoNorm/73114c215fec52ca2b861b93ccfd6ba86b361453"
            "/inst/extdata/Gates_PTLG026_Unstim_Control_2.fcs"
        )
        folder = DATA / "cytonorm_controls"
        if not folder.is_dir():
            pytest.skip(f"the real files are not at {folder}")
        for name, file in raw.items():
            assert writing.sha256(folder / name) == file.sha256

    @pytest.mark.parametrize("wrong", [{"cofactor": 0}, {"cells_per_file": 1}, {"seed": -1}])
    def test_settings_are_checked(self, wrong):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            cytonorm.Settings(**wrong)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Return the dengue stand-in at the demo's size."""
    dataset = dengue.Dataset()
    folder = tmp_path_factory.mktemp("dengue_demo")
    dataset.simulate(folder)
    return dataset.load({name: folder / name for name in dengue.FILES})


class TestDengue:
    def test_the_rule_finds_the_35_proteins(self, demo):
        assert tuple(demo.var_names) == dengue.PROTEINS and demo.n_vars == 35
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


def run_script(name, *args):
    command = [sys.executable, SCRIPTS / name, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_scripts_simulate_and_preprocess(tmp_path):
    import anndata

    paths = [tmp_path / "raw" / name for name in dengue.FILES]
    settings = json.dumps(SMALL["dengue"])
    done = run_script("simulate_dataset.py", "--dataset", "dengue", "--settings", settings, "--output", *paths)
    assert done.returncode == 0, done.stderr
    common = ["--dataset", "dengue", "--name", "mine", "--output", tmp_path / "d.h5ad", "--files"]
    done = run_script("preprocess_dataset.py", *common, *paths, "--simulated")
    assert done.returncode == 0, done.stderr
    adata = anndata.read_h5ad(tmp_path / "d.h5ad")
    assert adata.shape == (1500, 35) and adata.uns["stand_in"] and adata.uns["dataset"] == "mine"


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["--dataset", "dengeu"], "did you mean 'dengue'?"),
        (["--dataset", "dengue", "--settings", '{"sede": 1}'], "the settings of dataset 'dengue' are wrong"),
        (["--dataset", "dengue", "--settings", "{"], "the settings of dataset 'dengue' are wrong"),
        (["--dataset", "dengue"], "needs more files in --files: Control1.fcs, Control2.fcs, Sample1.fcs, Sample2.fcs"),
    ],
)
def test_preprocess_ends_with_one_sentence(tmp_path, args, sentence):
    output = tmp_path / "d.h5ad"
    done = run_script("preprocess_dataset.py", *args, "--name", "d", "--files", "x.fcs", "--output", output)
    assert done.returncode == 1 and not output.exists()
    assert sentence in done.stderr and "Traceback" not in done.stderr
