"""One contract for all datasets."""

from pathlib import Path

import numpy as np
import pytest

from outofsample import registry
from outofsample.datasets import dengue
from outofsample.errors import UserError
from outofsample.files import writing
from outofsample.files.dataset import check_contract
from outofsample.jobs.dataset import DatasetSpec
from tests.conftest import run_script
from tests.unit.datasets.conftest import SMALL

SCRIPTS = Path(__file__).parents[3] / "scripts"


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


def test_the_scripts_simulate_and_preprocess(tmp_path):
    import anndata

    paths = [tmp_path / "raw" / name for name in dengue.FILES]
    spec = DatasetSpec("mine", "dengue", SMALL["dengue"], simulated=True)
    done = run_script("simulate_dataset.py", spec, "--output", *paths)
    assert done.returncode == 0, done.stderr
    done = run_script("preprocess_dataset.py", spec, "--output", tmp_path / "d.h5ad", "--files", *paths)
    assert done.returncode == 0, done.stderr
    adata = anndata.read_h5ad(tmp_path / "d.h5ad")
    assert adata.shape == (1500, 35) and adata.uns["stand_in"] and adata.uns["dataset"] == "mine"


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (DatasetSpec("d", "dengeu"), "did you mean 'dengue'?"),
        (DatasetSpec("d", "dengue", {"sede": 1}), "the settings of dataset 'd' are wrong"),
        ("{", "standard input: this is not the JSON of a DatasetSpec"),
        (DatasetSpec("d", "dengue"), "'d' needs 4 files, in this order: Control1.fcs, Control2.fcs, Sample1.fcs"),
    ],
)
def test_preprocess_ends_with_one_sentence(tmp_path, spec, sentence):
    output = tmp_path / "d.h5ad"
    done = run_script("preprocess_dataset.py", spec, "--files", "x.fcs", "--output", output)
    assert done.returncode == 1 and not output.exists()
    assert sentence in done.stderr and "Traceback" not in done.stderr
