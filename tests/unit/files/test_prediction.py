"""The prediction file holds what tables and figures need, in the order that the evaluation relies on."""

import json
import sys
from importlib.metadata import version

import anndata
import numpy as np
import pandas as pd
import pytest

import train_model
import transform_query
from outofsample import registry
from outofsample.files.prediction import PredictionWriter, describe_outside
from tests.conftest import planted


def write(tmp_path, **keywords):
    data, _ = planted()
    method = registry.create("methods", "pca_editing", {}).fit(data)
    writer = PredictionWriter(data, "pca_editing", "pca", in_sample_cells=30)
    for seed in (0, 1):
        writer.add_all(method.transform, seed)
    writer.write(tmp_path / "prediction.h5ad", **keywords)
    return data, method, anndata.read_h5ad(tmp_path / "prediction.h5ad")


def test_rows_are_the_predictions_in_the_order_of_the_query(tmp_path):
    data, method, adata = write(tmp_path)
    for seed in (0, 1):
        rows = adata[(adata.obs["role"] == "query") & (adata.obs["seed"] == seed)]
        assert list(rows.obs["cell"]) == list(data.names[data.role == "query"])
        np.testing.assert_array_equal(rows.X, method.transform(data.X[data.role == "query"], data.queries[0]).X)
    assert (adata.obs["query"] == "answer").all()
    assert adata.X.dtype == np.float32 and list(adata.var_names) == list(data.features)


def test_some_transformed_source_cells_are_kept(tmp_path):
    data, method, adata = write(tmp_path)
    rows = adata[(adata.obs["role"] == "source") & (adata.obs["seed"] == 0)]
    assert rows.n_obs == 30
    cells = [list(data.names).index(name) for name in rows.obs["cell"]]
    assert (data.role[cells] == "source").all()
    np.testing.assert_allclose(rows.X, method.transform(data.X[cells], data.queries[0]).X, rtol=1e-5, atol=1e-5)


def test_what_is_told_about_a_method(tmp_path):
    _, _, adata = write(tmp_path, backend="numpy 1", versions={"R": "4.2"})
    assert adata.obsm["latent"].shape == (adata.n_obs, 6)
    assert adata.uns["method"] == "pca_editing" and adata.uns["model"] == "pca"
    assert adata.uns["backend"] == "numpy 1" and adata.uns["versions"]["R"] == "4.2"
    assert 0 < adata.uns["outside"]["answer|0"].mean() < 1


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Return a function that calls ``main`` of a script on a task, with options."""
    data, _ = planted(cells=60)
    obs = pd.DataFrame({name: getattr(data, name) for name in ("role", "condition", "domain")}, index=data.names)
    adata = anndata.AnnData(data.X, obs=obs, var=pd.DataFrame(index=list(data.features)))
    adata.uns["queries"] = json.dumps([vars(query) for query in data.queries])
    adata.write_h5ad(tmp_path / "train.h5ad")

    def call(script, **options):
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        monkeypatch.setattr(sys, "argv", [script.__name__, "--train", str(tmp_path / "train.h5ad"), *words])
        script.main()

    return call


def test_the_backend_is_package_and_version(call, tmp_path):
    def backend(method: str, model: dict | None, fitted: str | None = None) -> str:
        settings = {"model": model["name"]} if model else {}
        methods = [{"name": method, "uses": method, "settings": settings, "runs": True}]
        files = {"outputs": tmp_path / "p.h5ad"} | ({"fitted": fitted} if fitted else {})
        call(transform_query, model=json.dumps(model), methods=json.dumps(methods), **files)
        return anndata.read_h5ad(tmp_path / "p.h5ad").uns["backend"]

    pot, fitted = f"POT {version('POT')}", tmp_path / "fitted.pt"
    assert backend("ot_map", {"name": "pca", "uses": "pca", "settings": {}}) == pot
    assert backend("mean_shift", {"name": "identity", "uses": "identity", "settings": {}}) == ""
    network = {"name": "autoencoder", "uses": "autoencoder", "settings": {"hidden": [8], "latent": 3, "epochs": 1}}
    files = {"fitted": fitted, "checkpoints": tmp_path / "checkpoints", "history": tmp_path / "history.csv"}
    call(train_model, model=json.dumps(network), seeds=0, **files)
    assert backend("ot_map", network, fitted) == f"{pot}, torch {version('torch')}"


def test_extrapolated_cells_are_reported():
    data, _ = planted()
    method = registry.create("methods", "quantile_mapping", {}).fit(data)
    writer = PredictionWriter(data, "quantile_mapping")
    writer.add_all(method.transform, 0)
    source, query = data.X[data.role == "source"], data.X[data.role == "query"]
    share = ((query < source.min(axis=0)) | (query > source.max(axis=0))).mean()
    (line,) = describe_outside(writer)
    assert line.startswith(f"quantile_mapping, answer, seed 0: {share:.2%} of the query's values lie outside")


def test_a_method_that_did_not_run_leaves_its_reason(tmp_path):
    data, _ = planted()
    PredictionWriter(data, "combat").write(tmp_path / "none.h5ad", not_run="R missing")
    adata = anndata.read_h5ad(tmp_path / "none.h5ad")
    assert adata.n_obs == 0 and list(adata.var_names) == list(data.features)
    assert adata.uns["not_run"] == "R missing"
