"""The batch correctors and the layer over R, on data with a known shift between two batches."""

import functools
import os
import signal
import sys

import numpy as np
import pytest

from outofsample import registry
from outofsample.arrays import Query, TrainingData
from outofsample.batch_correction import r
from outofsample.batch_correction.checks import as_result
from outofsample.errors import NotAvailable, UserError
from outofsample.files.task import queries_text
from outofsample.jobs.predict import CorrectionSpec, MethodSpec
from outofsample.methods import cca, mnn
from tests.conftest import run_script

QUERY = Query("answer", "sample", "before", "after")
METHODS = [pytest.param(name, marks=pytest.mark.r) for name in ("combat", "limma", "cca")] + ["mnn"]
#: Large enough for Seurat to find anchors, small enough to be fast.
CELLS, FEATURES = 90, 12
#: What batch 1 measures too much, by feature. In the middle between the batches would be 1 away from either.
SHIFT = np.where(np.arange(FEATURES) % 2 == 0, 2.0, -2.0)


def population(rng: np.random.Generator, cells: int = CELLS, features: int = FEATURES) -> np.ndarray:
    """Return cells (cells, features) of three well separated types, as batch 2 measures them."""
    centres = np.random.default_rng(1).uniform(2, 8, size=(3, features))
    return centres[np.arange(cells) % 3] + rng.normal(0, 0.5, size=(cells, features))


@functools.cache
def task() -> TrainingData:
    """Return S and X in batch 1, T and R in batch 2, all of the same composition."""
    rng = np.random.default_rng(0)
    parts = [population(rng) + shift for shift in (SHIFT, 0, SHIFT, 0)]
    return TrainingData(
        X=np.concatenate(parts).astype(np.float32),
        role=np.repeat(["source", "target", "query", "reference"], CELLS),
        condition=np.repeat(["before", "after", "before", "after"], CELLS),
        domain=np.repeat(["control", "control", "sample", "sample"], CELLS),
        features=tuple(f"feature_{number}" for number in range(FEATURES)),
        queries=(QUERY,),
    )


def cells(role: str) -> np.ndarray:
    return task().X[task().role == role]


def two_batches() -> tuple[np.ndarray, np.ndarray]:
    """Return batch 1 and batch 2 (cells, features)."""
    return np.concatenate([cells("source"), cells("query")]), np.concatenate([cells("target"), cells("reference")])


def run_or_skip(work):
    """Return ``work()``, or skip where what it needs is not installed."""
    try:
        return work()
    except NotAvailable as error:
        pytest.skip(str(error))


@functools.cache
def _fitted(name: str):
    return registry.create("methods", name, {}).fit(task())


def fitted(name: str):
    return run_or_skip(lambda: _fitted(name))


def corrected(name: str, batch1: np.ndarray, batch2: np.ndarray, **settings) -> np.ndarray:
    return run_or_skip(lambda: registry.create("methods", name, settings).correct(batch1, batch2, 0))


@pytest.fixture
def session():
    """The R session; skips where there is none."""
    return run_or_skip(r.session)


@pytest.mark.parametrize("name", METHODS)
def test_source_and_query_move_into_the_frame_of_batch_2(name):
    """Left alone, ComBat and limma move both batches to the middle between them: 1 away from here."""
    for role in ("source", "query"):
        moved = fitted(name).transform(cells(role), QUERY).X
        np.testing.assert_allclose(moved.mean(axis=0), cells("target").mean(axis=0), atol=0.25)
        change = (moved - cells(role)).mean(axis=0)
        np.testing.assert_allclose(change, -SHIFT, atol=0.25)


@pytest.mark.parametrize("name", METHODS)
def test_order_of_cells_and_features_is_kept(name):
    moved = fitted(name).transform(cells("query"), QUERY).X
    for feature, values in enumerate(moved.T):
        assert np.corrcoef(values, cells("query")[:, feature])[0, 1] > 0.9
    assert moved.mean(axis=0).argsort().tolist() == cells("target").mean(axis=0).argsort().tolist()


@pytest.mark.parametrize("name", METHODS)
def test_same_seed_same_bits(name):
    again = run_or_skip(lambda: registry.create("methods", name, {}).fit(task()))
    for role in ("source", "query"):
        np.testing.assert_array_equal(
            again.transform(cells(role), QUERY).X, fitted(name).transform(cells(role), QUERY).X
        )


@pytest.mark.parametrize("name", METHODS)
def test_versions_are_recorded(name):
    method = fitted(name)
    package, version = method.backend.split()
    assert method.versions[package] == version
    if package != "scranpy":
        assert set(method.versions) >= {"R", "rpy2"}


@pytest.mark.parametrize("name", METHODS)
def test_constant_features_move_by_the_difference(name):
    batch1, batch2 = two_batches()
    batch1[:, 0], batch2[:, 0] = 1.0, 3.0
    batch1[:, 1] = 1.0
    moved = corrected(name, batch1, batch2)
    np.testing.assert_allclose(moved[:, 0], 3, atol=1e-5)
    np.testing.assert_allclose(moved[:, 1].mean(), batch2[:, 1].mean(), atol=0.25)
    np.testing.assert_allclose(moved[:, 2:].mean(axis=0), batch2[:, 2:].mean(axis=0), atol=0.25)


@pytest.mark.parametrize("name", METHODS)
def test_one_cell_and_nan_are_refused(name):
    batch1, batch2 = two_batches()
    method = registry.create("methods", name, {})
    with pytest.raises(UserError, match=rf"{name}: batch 1 has 1 cell\(s\)"):
        method.correct(batch1[:1], batch2, 0)
    with pytest.raises(UserError, match=rf"{name}: batch 2 has 1 cell\(s\)"):
        method.correct(batch1, batch2[:1], 0)
    batch1[3, 2] = np.nan
    with pytest.raises(UserError, match=rf"{name}: batch 1 has values that are NaN"):
        method.correct(batch1, batch2, 0)


def test_a_result_with_nan_names_the_method():
    batch = np.ones((4, 3))
    with pytest.raises(UserError, match="some_method: the correction is NaN or infinite for 1 of 4 cells, in 2 of 3"):
        as_result("some_method", np.where(np.arange(12).reshape(4, 3) < 2, np.nan, batch), batch)


@pytest.mark.r
def test_limma_moves_by_the_difference_of_means():
    batch1, batch2 = (batch.astype(np.float64) for batch in two_batches())
    expected = batch1 + batch2.mean(axis=0) - batch1.mean(axis=0)
    np.testing.assert_allclose(corrected("limma", batch1, batch2), expected, atol=1e-5)


def combat_by_its_formula(batch1: np.ndarray, batch2: np.ndarray) -> np.ndarray:
    """Return Johnson et al. (2007), Section 3.2, for one batch against a reference, feature by feature."""
    mean, sd = batch2.mean(axis=0), batch2.std(axis=0)
    z = (batch1 - mean) / sd
    gamma, delta = z.mean(axis=0), z.var(axis=0, ddof=1)
    tau2, spread = gamma.var(ddof=1), delta.var(ddof=1)
    shape = (2 * spread + delta.mean() ** 2) / spread
    scale = (delta.mean() * spread + delta.mean() ** 3) / spread
    result = np.empty_like(batch1)
    for feature, values in enumerate(z.T):
        n, g, d = len(values), gamma[feature], delta[feature]
        for _ in range(100):
            g = (tau2 * n * gamma[feature] + d * gamma.mean()) / (tau2 * n + d)
            d = (scale + ((values - g) ** 2).sum() / 2) / (n / 2 + shape - 1)
        result[:, feature] = (values - g) / np.sqrt(d) * sd[feature] + mean[feature]
    return result


@pytest.mark.r
def test_combat_is_the_formula_of_its_paper():
    batch1, batch2 = two_batches()
    batch1 = batch1 * np.linspace(0.7, 1.5, FEATURES)
    expected = combat_by_its_formula(batch1.astype(np.float64), batch2.astype(np.float64))
    np.testing.assert_allclose(corrected("combat", batch1, batch2), expected, atol=2e-3)


@pytest.mark.r
@pytest.mark.parametrize("settings", [{"mean_only": True}, {"parametric": False}])
def test_combat_with_other_options(settings):
    batch1, batch2 = two_batches()
    moved = corrected("combat", batch1[::3], batch2[::3], **settings)
    np.testing.assert_allclose(moved.mean(axis=0), batch2[::3].mean(axis=0), atol=0.3)
    assert not np.array_equal(moved, corrected("combat", batch1[::3], batch2[::3]))


@pytest.mark.r
def test_combat_with_one_feature_moves_by_the_difference_of_means():
    batch1, batch2 = (batch[:, :1] for batch in two_batches())
    np.testing.assert_allclose(corrected("combat", batch1, batch2).mean(), batch2.mean(), atol=1e-4)


@pytest.mark.r
def test_cca_corrects_few_cells_of_35_features():
    rng = np.random.default_rng(2)
    batch1, batch2 = population(rng, 50, 35) + 1, population(rng, 60, 35)
    moved = corrected("cca", batch1, batch2)
    np.testing.assert_allclose((moved - batch1).mean(), -1, atol=0.2)


@pytest.mark.r
def test_cca_corrects_a_large_batch_in_parts():
    batch1, batch2 = two_batches()
    moved = corrected("cca", batch1, batch2, max_cells=100)
    np.testing.assert_allclose(moved.mean(axis=0), batch2.mean(axis=0), atol=0.3)
    for before, after in zip(batch1.T, moved.T, strict=True):
        assert np.corrcoef(before, after)[0, 1] > 0.9


@pytest.mark.r
def test_cca_needs_features_that_vary(session):
    batch1, batch2 = two_batches()
    batch1[:, 2:] = 0
    with pytest.raises(UserError, match="cca: needs 3 features that vary in both batches"):
        cca.Method().correct(batch1, batch2, 0)


def test_mnn_of_scranpy_in_many_features():
    rng = np.random.default_rng(3)
    batch1, batch2 = population(rng, 120, 300) + 1, population(rng, 150, 300)
    moved = corrected("mnn", batch1, batch2, implementation="scranpy")
    np.testing.assert_allclose((moved - batch1).mean(), -1, atol=0.1)
    with pytest.raises(ValueError, match="must be auto, batchelor or scranpy"):
        mnn.Settings(implementation="mnnpy")


@pytest.mark.r
class TestTheLayerOverR:
    def test_arrays_come_back_as_they_went(self, session):
        array = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
        array[0, 0] = np.float32(1e-40)
        np.testing.assert_array_equal(r.call("function(x) x", x=array), array)
        np.testing.assert_array_equal(r.call("function(x) x", x=array[::2].T), array[::2].T)
        np.testing.assert_array_equal(r.call("function(x) dim(x)", x=array), [3, 4])
        np.testing.assert_array_equal(r.call("function(x) x[1, ]", x=array), array[:, 0])
        np.testing.assert_array_equal(r.call("function(x, y) c(x, is.null(y))", x=np.array([0.1]), y=None), [0.1, 1])

    def test_an_error_carries_the_message_of_r(self, session):
        with pytest.raises(UserError, match="R stopped: no such thing: µ 7"):
            r.call("function(x) stop('no such thing: µ ', x)", x=7)
        assert r.call("function() 1") == 1

    def test_an_error_of_a_package_carries_its_message(self, session):
        batch1, batch2 = two_batches()
        with pytest.raises(UserError, match=r"R stopped: .*missing value where TRUE/FALSE needed"):
            corrected("combat", batch1[:2], batch2[:2])

    def test_output_messages_and_warnings_go_to_stderr(self, session, capsys):
        r.call("function() { cat('printed\\n'); message('told'); warning('careful'); 1 }")
        shown = capsys.readouterr()
        assert shown.out == ""
        assert all(word in shown.err for word in ("printed", "told", "careful"))

    def test_the_seed_is_set(self, session):
        draw = functools.partial(r.call, "function() runif(3)")
        np.testing.assert_array_equal(draw(seed=5), draw(seed=5))
        assert (draw(seed=5) != draw(seed=6)).all()
        assert np.isfinite(draw(seed=2**40)).all()

    def test_ctrl_c_stays_with_python(self, session):
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    def test_a_missing_package_says_how_to_get_it(self, session):
        with pytest.raises(NotAvailable, match="R package 'noSuchPackage' missing: install it") as raised:
            r.call("function() 1", ("noSuchPackage",))
        assert raised.value.reason == "R package 'noSuchPackage' missing"
        assert not r.has("noSuchPackage")
        assert r.versions("base").keys() == {"R", "rpy2", "base"}


def test_where_r_is_missing_the_message_says_so(monkeypatch):
    monkeypatch.setattr(r, "r_home", lambda: None)
    monkeypatch.setattr(r, "session", r.session.__wrapped__)
    with pytest.raises(NotAvailable, match="R missing: install it") as raised:
        registry.create("methods", "limma", {}).fit(task())
    assert raised.value.reason == "R missing"
    assert not r.has("batchelor")


@pytest.mark.parametrize(("variable", "value"), [("PATH", "/nowhere"), ("R_HOME", "/nowhere")])
def test_r_that_is_not_where_it_should_be_is_missing(monkeypatch, variable, value):
    monkeypatch.delenv("R_HOME", raising=False)
    monkeypatch.setenv(variable, value)
    assert r.r_home() is None


def test_where_rpy2_is_missing_the_message_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "rpy2", None)
    with pytest.raises(NotAvailable, match="R missing: the Python package rpy2 is not installed"):
        r.r_home()


@pytest.fixture(scope="module")
def train_file(tmp_path_factory):
    """The training part of the task as a file."""
    import anndata
    import pandas as pd

    data = task()
    obs = pd.DataFrame({"role": data.role, "condition": data.condition, "domain": data.domain}, index=data.names)
    uns = {"task": "planted", "dataset": "planted", "stand_in": True, "queries": queries_text([QUERY])}
    path = tmp_path_factory.mktemp("task") / "train.h5ad"
    anndata.AnnData(data.X, obs=obs, var=pd.DataFrame(index=list(data.features)), uns=uns).write_h5ad(path)
    return path


def run_script_without_r(train_file, name: str):
    """Run scripts/correct_batches.py where there is no R; return what it printed and the prediction file."""
    import anndata

    output = train_file.with_name(f"{name}.h5ad")
    environment = {key: value for key, value in os.environ.items() if key != "R_HOME"} | {"PATH": "/nowhere"}
    spec = CorrectionSpec(MethodSpec(name, name), in_sample_cells=40)
    done = run_script("correct_batches.py", spec, "--train", train_file, "--output", output, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr, anndata.read_h5ad(output)


def test_script_without_r_writes_an_empty_prediction_with_the_reason(train_file):
    printed, prediction = run_script_without_r(train_file, "combat")
    assert prediction.n_obs == 0
    assert tuple(prediction.var_names) == task().features
    assert prediction.uns["not_run"] == "R missing"
    assert "R missing: install it (apt-get install r-base-core)" in printed
    assert "Traceback" not in printed


def test_mnn_needs_no_r(train_file):
    _, prediction = run_script_without_r(train_file, "mnn")
    assert prediction.uns["not_run"] == ""
    assert prediction.uns["backend"].startswith("scranpy ")
    assert prediction.uns["versions"]["scranpy"]
    roles = prediction.obs["role"].astype(str)
    assert roles.value_counts().to_dict() == {"query": CELLS, "source": 40}
    query = prediction[roles == "query"]
    assert query.obs["cell"].tolist() == task().names[task().role == "query"].tolist()
    expected = (
        registry.create("methods", "mnn", {"implementation": "scranpy"}).fit(task()).transform(cells("query"), QUERY)
    )
    np.testing.assert_array_equal(query.X, expected.X)
