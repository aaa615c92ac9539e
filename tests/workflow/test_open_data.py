"""Real data through the pipeline, from files that are at hand, without any network."""

import anndata
import pandas as pd
import pytest
import yaml


@pytest.fixture(scope="module")
def cytonorm(workflow, shared_data):
    target = "results/sample_data/predictions/cytonorm/quantile_mapping.h5ad"
    run = workflow.snakemake(target, "--config", f"data_dir={shared_data}", study="studies/sample_data.yaml")
    assert run.returncode == 0, run.stdout[-4000:]
    return workflow.folder / "results" / "sample_data"


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


#: HeLa cells and both Kang files, few cells and small networks.
SMALL = {
    "study": "open_small",
    "extends": "studies/sample_data.yaml",
    "seeds": 1,
    "tasks": {
        "hela": {
            "dataset": "hela",
            "source_domains": ["cluster1"],
            "queries": [{"name": "GSK", "domain": "cluster2", "source": "BASAL", "target": "GSK"}],
        },
        **{
            f"{dataset}.NK": {
                "dataset": dataset,
                "queries": [{"name": "stimulated", "domain": "NK", "source": "control", "target": "stimulated"}],
                "variable_features": 300,
                "keep_features": ["ISG15"],
                "cells_per_group": 60,
            }
            for dataset in ("kang_pooled", "kang_sample")
        },
    },
    "models": {
        "autoencoder": {"hidden": [64, 32], "latent": 16, "epochs": 15},
        "trvae": {"hidden": [64, 32], "latent": 10, "epochs": 10},
    },
    "evaluation": {"resamples": 20, "oracle_halves": 5, "max_cells": 200},
    "run": {
        "tasks": ["hela", "kang_pooled.NK", "kang_sample.NK"],
        "methods": ["neuron_editing_residual", "trvae", "limma", "no_change", "mean_shift", "quantile_mapping"],
        "tables": [],
        "figures": [],
    },
}


@pytest.fixture(scope="module")
def small(workflow, shared_data):
    study = workflow.folder / "studies" / "open_small.yaml"
    study.write_text(yaml.safe_dump(SMALL))
    run = workflow.snakemake("--config", f"data_dir={shared_data}", study="studies/open_small.yaml")
    assert run.returncode == 0, run.stdout[-4000:]
    return workflow.folder / "results" / "open_small"


@pytest.mark.parametrize("task", SMALL["run"]["tasks"])
def test_real_data_have_scores_for_every_method(small, task):
    scores = pd.read_csv(small / "scores" / f"{task}.csv")
    numbers = scores[scores["score"] == "energy_distance"].groupby("method")["value"].mean()
    assert set(SMALL["run"]["methods"]) - set(numbers.index) <= {"limma"}
    assert numbers.notna().all()
    assert numbers["oracle"] < numbers["no_change"]


def test_interferon_genes_follow_the_other_cells(small):
    """ISG15 rises from about 1 to more than 4 in natural killer cells; the mean change of the others says so."""
    scores = pd.read_csv(small / "scores" / "kang_pooled.NK.csv").groupby(["method", "score"])["value"].mean()
    assert scores["mean_shift", "change_of_means_r"] > 0.5
    assert scores["mean_shift", "means_r2"] > scores["no_change", "means_r2"]
