"""The real CytoNorm controls through the pipeline, from files that are at hand, without any network."""

import anndata
import pytest


@pytest.fixture(scope="module")
def cytonorm(workflow, shared_data):
    target = "results/open_data/predictions/cytonorm/quantile_mapping.h5ad"
    run = workflow.snakemake(target, "--config", f"data_dir={shared_data}", study="studies/open_data.yaml")
    assert run.returncode == 0, run.stdout[-4000:]
    return workflow.folder / "results" / "open_data"


def test_roles_and_truth(cytonorm):
    train = anndata.read_h5ad(cytonorm / "tasks" / "cytonorm" / "train.h5ad")
    truth = anndata.read_h5ad(cytonorm / "tasks" / "cytonorm" / "truth.h5ad")
    assert train.obs["role"].value_counts().to_dict() == {"target": 2000, "source": 1000, "query": 1000}
    assert set(train.obs["domain"][train.obs["role"] == "query"]) == {"volunteer2"}
    assert truth.obs["query"].value_counts().to_dict() == {"021_to_026": 1000, "021_to_028": 1000}
    assert train.n_vars == 37 and not train.uns["stand_in"]


def test_prediction_has_both_queries(cytonorm):
    prediction = anndata.read_h5ad(cytonorm / "predictions" / "cytonorm" / "quantile_mapping.h5ad")
    cells = prediction.obs[prediction.obs["role"] == "query"]["query"].value_counts()
    assert cells.to_dict() == {"021_to_026": 1000, "021_to_028": 1000}
