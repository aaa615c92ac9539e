"""The prediction file holds what tables and figures need, in the order that the evaluation relies on."""

import anndata
import numpy as np

from outofsample import registry
from outofsample.predictions import PredictionWriter, describe_outside
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
