"""The prediction file holds what tables and figures need, in the order that the evaluation relies on."""

import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

import train_model
import transform_query
from outofsample import arrays, registry
from outofsample.arrays import HeldOut, Prediction
from outofsample.errors import UserError
from outofsample.files.prediction import PredictionFile, PredictionWriter, describe_outside, read_predictions
from outofsample.files.task import queries_text
from outofsample.jobs.predict import MethodSpec, TransformSpec
from outofsample.jobs.train import ModelSpec, TrainSpec
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
    """Return a function that calls ``main`` of a script on a task, with its specification and options."""
    data, _ = planted(cells=60)
    obs = pd.DataFrame({name: getattr(data, name) for name in ("role", "condition", "domain")}, index=data.names)
    adata = anndata.AnnData(data.X, obs=obs, var=pd.DataFrame(index=list(data.features)))
    adata.uns["queries"] = queries_text(data.queries)
    adata.write_h5ad(tmp_path / "train.h5ad")

    def call(script, spec, **options):
        (tmp_path / "spec.json").write_text(spec.to_json())
        options["spec"] = tmp_path / "spec.json"
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        monkeypatch.setattr(sys, "argv", [script.__name__, "--train", str(tmp_path / "train.h5ad"), *words])
        script.main()

    return call


def test_the_backend_is_package_and_version(call, tmp_path):
    def backend(method: str, model: ModelSpec | None, fitted: Path | None = None) -> str:
        settings = {"model": model.name} if model else {}
        spec = TransformSpec(model, (MethodSpec(method, method, settings),))
        call(transform_query, spec, outputs=tmp_path / "p.h5ad", **({"fitted": fitted} if fitted else {}))
        return anndata.read_h5ad(tmp_path / "p.h5ad").uns["backend"]

    pot, fitted = f"POT {version('POT')}", tmp_path / "fitted.pt"
    assert backend("ot_map", ModelSpec("pca", "pca")) == pot
    assert backend("mean_shift", ModelSpec("identity", "identity")) == ""
    network = ModelSpec("autoencoder", "autoencoder", {"hidden": [8], "latent": 3, "epochs": 1})
    files = {"fitted": fitted, "checkpoints": tmp_path / "checkpoints", "history": tmp_path / "history.csv"}
    call(train_model, TrainSpec(network, (0,)), **files)
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


# ---- reading

HELD_OUT = HeldOut(
    np.array(["a", "b/c", "d"]),
    np.array([0.1, 0.2, 0.3]),
    np.array([1.0, 2.0, 3.0]),
    np.array([4.0, 5.0, 6.0]),
    np.arange(18.0).reshape(3, 6),
    np.arange(18.0).reshape(3, 6) + 1,
    np.array([7.0, 8.0, 9.0]),
    0.75,
    8.5,
)


def write_held_out(tmp_path, held_out, not_run=""):
    data, _ = planted()
    queries = tuple(replace(data.queries[0], name=name) for name in held_out or ["answer"])
    writer = PredictionWriter(replace(data, queries=queries), "mean_shift")
    if not not_run:
        writer.add_all(registry.create("methods", "mean_shift", {}).fit(data).transform, 0)
    writer.held_out = held_out
    writer.write(tmp_path / "held_out.h5ad", not_run=not_run)
    return replace(data, queries=queries), PredictionFile(tmp_path / "held_out.h5ad")


def test_what_is_held_out_is_read_as_it_was_written(tmp_path):
    few = {"none": HeldOut.none(6, "one control", random_parts=True), "two": HeldOut.none(6, "two controls")}
    held_out = {"a b": HELD_OUT, **few, "c": replace(HELD_OUT, query_moved=2.0)}
    data, file = write_held_out(tmp_path, held_out)
    for name, meant in held_out.items():
        for read in (file.held_out(name), read_predictions(file.path, data).held_out[name]):
            assert read.why_not == meant.why_not and read.query_moved == meant.query_moved
            assert read.query_distance == meant.query_distance and read.random_parts == meant.random_parts
            for part in ("domains", "errors", "unchanged", "moved", "predicted", "measured", "distances"):
                np.testing.assert_array_equal(getattr(read, part), getattr(meant, part))


def test_a_query_whose_cells_are_predicted_as_they_are_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "COMPARED", 7)
    data, _ = planted()
    moves = {"same": (0, 0), "one seed": (0, 1), "both": (1, 1)}
    data = replace(data, queries=tuple(replace(data.queries[0], name=name) for name in moves))
    writer = PredictionWriter(data, "mean_shift")
    for seed in (0, 1):

        def last_cell_moved(X, query, counts, seed=seed):
            moved = X.copy()
            moved[-1] += moves[query.name][seed]
            return Prediction(moved)

        writer.add_all(last_cell_moved, seed)
    writer.write(tmp_path / "p.h5ad")
    assert PredictionFile(tmp_path / "p.h5ad").unmoved == ("same",)
    PredictionWriter(data, "combat").write(tmp_path / "none.h5ad", not_run="R missing")
    assert PredictionFile(tmp_path / "none.h5ad").unmoved == ()


def test_a_file_without_it_says_why_nothing_is_held_out(tmp_path):
    _, file = write_held_out(tmp_path, {})
    assert file.held_out("answer").why_not == "it was not asked for" and len(file.held_out("answer").domains) == 0
    _, file = write_held_out(tmp_path, {}, not_run="R missing")
    assert file.held_out("answer").why_not == "R missing"
    _, file = write_held_out(tmp_path, {"answer": HeldOut.none(6, "one control")})
    assert file.held_out("answer").why_not == "one control"


def test_transforming_holds_out_domains_where_it_is_asked_to(call, tmp_path):
    """A shift of means is asked in any case: it costs little."""
    share_one, not_asked = "source and target", "it was not asked for"
    for name, asked, told in (
        ("quantile_mapping", True, share_one),
        ("quantile_mapping", False, not_asked),
        ("mean_shift", False, share_one),
    ):
        methods = (MethodSpec(name, name, {}),)
        spec = TransformSpec(ModelSpec("identity", "identity"), methods, held_out=asked)
        call(transform_query, spec, outputs=tmp_path / "p.h5ad")
        assert PredictionFile(tmp_path / "p.h5ad").held_out("answer").why_not.startswith(told)


def test_a_prediction_is_read_as_it_was_written(tmp_path):
    data, method, adata = write(tmp_path, backend="numpy 1")
    path, query = tmp_path / "prediction.h5ad", data.queries[0]
    meant = method.transform(data.X[data.role == "query"], query)
    found = read_predictions(path, data, outside=True)
    assert (found.method, found.model, found.backend, found.not_run) == ("pca_editing", "pca", "numpy 1", "")
    assert list(found.cells) == list(found.outside) == [("answer", 0), ("answer", 1)] and found.seeds == (0, 1)
    np.testing.assert_array_equal(found.cells["answer", 1], meant.X)
    np.testing.assert_array_equal(found.outside["answer", 1], meant.outside_per_cell.astype(np.float32))
    assert read_predictions(path, data).outside == {}
    file = PredictionFile(path)
    part = file.part("answer", 1)
    np.testing.assert_array_equal(part.X, meant.X)
    np.testing.assert_array_equal(part.outside, meant.outside_per_cell.astype(np.float32))
    assert part.cells.tolist() == data.names[data.role == "query"].tolist()
    np.testing.assert_array_equal(file.activations("latent"), adata.obsm["latent"])
    with pytest.raises(UserError, match=r"prediction\.h5ad: there is no prediction for query 'answer' with seed 2"):
        file.part("answer", 2)


def test_a_method_that_did_not_run_is_read(tmp_path):
    data, _ = planted()
    PredictionWriter(data, "combat").write(tmp_path / "none.h5ad", not_run="R missing")
    found = read_predictions(tmp_path / "none.h5ad", data)
    assert (found.method, found.not_run, found.cells) == ("combat", "R missing", {})


def change(adata, what):
    """Return a prediction that does not fit, and what is said of it."""
    first = adata.obs["role"] == "query"
    if what == "features":
        return adata[:, ::-1].copy(), "the features are not those"
    if what == "method":
        del adata.uns["method"]
        return adata, r'uns\["method"\] is missing'
    if what == "column":
        del adata.obs["outside"]
        return adata, "obs has no column 'outside'"
    if what == "nothing":
        return adata[:0].copy(), r'there are no predictions, and no uns\["not_run"\]'
    if what == "query":
        adata.obs["query"] = adata.obs["query"].astype(str).where(first, "other").replace("answer", "asked")
        return adata, "the task has no query 'asked'"
    if what == "no query":
        return adata[~first].copy(), "there is no prediction for query 'answer'"
    if what == "order":
        return adata[::-1].copy(), "the rows are not in the order"
    if what == "cells":
        return adata[1:].copy(), "seed 0: 119 cells are predicted where the query has 120"
    adata.X[0, 0] = np.nan
    return adata, "1 values in 1 rows are not finite"


@pytest.mark.parametrize(
    "what", ["features", "method", "column", "nothing", "query", "no query", "order", "cells", "not finite"]
)
def test_predictions_that_do_not_fit_are_refused(tmp_path, what):
    data, _, adata = write(tmp_path)
    adata, sentence = change(adata, what)
    adata.write_h5ad(tmp_path / "bad.h5ad")
    with pytest.raises(UserError, match=rf"bad\.h5ad: .*{sentence}"):
        read_predictions(tmp_path / "bad.h5ad", data, outside=True)
