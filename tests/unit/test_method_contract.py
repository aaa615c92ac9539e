"""One contract for all methods: ``pytest --method mine`` runs it on one of them, by name or by path."""

import dataclasses
import functools
import subprocess
import sys

import numpy as np
import pytest

from outofsample import registry
from outofsample.arrays import Query, TrainingData
from outofsample.errors import NotAvailable, UserError
from tests.conftest import QUERY, ROOT, planted

#: Sizes that make networks fast here; a model without an entry runs with its defaults.
SMALL = {"autoencoder": {"hidden": (32, 16), "latent": 8, "epochs": 150, "batch_size": 40}}


def pytest_generate_tests(metafunc):
    if "name" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--method")
        metafunc.parametrize("name", chosen or registry.available("methods"))


def create(name: str):
    """Return a method on its model, in test size."""
    entry = registry.find("methods", name)
    settings = entry.Settings()
    model = entry.model_name(settings)
    fitted = None if model is None else registry.create("models", model, SMALL.get(model, {}))
    return entry(settings, fitted)


def fit(name: str, data: TrainingData, seed: int = 0):
    """Fit a method, or skip where what it needs is not installed."""
    try:
        return create(name).fit(data, seed)
    except NotAvailable as error:
        pytest.skip(str(error))


@functools.cache
def fit_once(name: str):
    """Fit a method to `planted()`, once for all tests that only look at the result."""
    return create(name).fit(planted()[0], 0)


def fitted(name: str):
    """Return the method fitted to `planted()`, or skip where what it needs is not installed."""
    try:
        return fit_once(name)
    except NotAvailable as error:
        pytest.skip(str(error))


def query_cells(data: TrainingData) -> np.ndarray:
    return data.X[data.is_query(data.queries[0])]


def applied(prediction: np.ndarray, data: TrainingData) -> np.ndarray:
    """Return the change of means (features,) that a method applied to the query."""
    return prediction.mean(axis=0) - query_cells(data).mean(axis=0)


def test_shape_type_and_finiteness(name):
    data, _ = planted()
    prediction = fitted(name).transform(query_cells(data), QUERY)
    assert prediction.X.shape == query_cells(data).shape
    assert prediction.X.dtype == np.float32
    assert np.isfinite(prediction.X).all()
    for units in (prediction.latent, prediction.matched):
        assert units is None or (len(units) == len(prediction.X) and np.isfinite(units).all())


def test_order_of_cells_and_features_is_kept(name):
    """Features are told apart by their level; cells by correlation, which another order would bring near zero."""
    data, _ = planted(features=4)
    data.X[:, 1] += 6
    data.X[:, 3] -= 6
    X = query_cells(data)
    predicted = fit(name, data).transform(X, QUERY).X
    means = predicted.mean(axis=0)
    assert means.argmax() == 1 and means.argmin() == 3
    centred = [values - values.mean(axis=0) for values in (X, predicted)]
    # The first feature shifts, the third does not: both keep the order of their cells in every method.
    for feature in (0, 2):
        assert np.corrcoef(centred[0][:, feature], centred[1][:, feature])[0, 1] > 0.3


def test_same_seed_same_bits(name):
    data, _ = planted()
    again = fit(name, data, seed=0).transform(query_cells(data), QUERY).X
    np.testing.assert_array_equal(again, fitted(name).transform(query_cells(data), QUERY).X)


def test_direction(name):
    """With a planted shift the prediction moves towards the target, in the features that change."""
    data, _ = planted(shift=3.0)
    method = fit(name, data)
    change = applied(method.transform(query_cells(data), QUERY).X, data)
    if not method.directed:
        pytest.skip("declares that its prediction is not meant to move towards the target")
    assert (change[::2] > 0.5).all()


def test_saved_method_predicts_the_same_in_a_new_process(name, tmp_path):
    data, _ = planted()
    method = fitted(name)
    expected = method.transform(query_cells(data), QUERY).X
    method.save(tmp_path / "method.pt")
    np.save(tmp_path / "query.npy", query_cells(data))
    script = f"""
import sys
import numpy as np
sys.path[:0] = [{str(ROOT / "scripts")!r}, {str(ROOT)!r}]
from tests.unit.test_method_contract import QUERY, create
method = create({name!r}).load("method.pt")
np.save("prediction.npy", method.transform(np.load("query.npy"), QUERY).X)
"""
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "prediction.npy"), expected)


def test_a_file_that_is_not_ours_is_refused(name, tmp_path):
    (tmp_path / "other.pt").write_bytes(b"not a method")
    with pytest.raises(UserError, match=r"other\.pt: this is not a fitted method"):
        create(name).load(tmp_path / "other.pt")


def test_permuting_the_query_permutes_the_prediction(name):
    data, _ = planted()
    method = fitted(name)
    if method.transductive:
        pytest.skip("transductive: it transforms only the cells that it was fitted on, in their order")
    X = query_cells(data)
    order = np.random.default_rng(0).permutation(len(X))
    straight, permuted = method.transform(X, QUERY).X, method.transform(X[order], QUERY).X
    np.testing.assert_allclose(permuted, straight[order], rtol=1e-4, atol=1e-4)


def test_query_of_another_change_is_refused(name):
    data, _ = planted()
    with pytest.raises(UserError, match="not fitted for before -> elsewhere"):
        fitted(name).transform(query_cells(data), Query("other", "sample", "before", "elsewhere"))


def test_other_features_are_refused(name):
    data, _ = planted()
    with pytest.raises(UserError, match="fitted on 6 features"):
        fitted(name).transform(query_cells(data)[:, :4], QUERY)


def test_not_fitted_is_refused(name):
    with pytest.raises(UserError, match="not fitted yet"):
        create(name).transform(np.zeros((3, 6), dtype=np.float32), QUERY)


def test_empty_target_is_refused(name):
    data, _ = planted()
    without = dataclasses.replace(
        data,
        **{key: getattr(data, key)[data.role != "target"] for key in ("X", "role", "condition", "domain", "names")},
    )
    with pytest.raises(UserError, match="target population is empty"):
        fit(name, without)


@pytest.mark.parametrize("case", ["one feature", "one cell", "constant features", "identical conditions"])
def test_edge_cases_give_a_result_or_a_clear_error(name, case):
    data, _ = edge_case(case)
    try:
        prediction = fit(name, data).transform(query_cells(data), QUERY).X
    except UserError as error:
        # Anything but our own error type fails the test: it would reach the user as a traceback.
        print(f"{name}, {case}: {error}")
        return
    assert prediction.shape == query_cells(data).shape
    assert np.isfinite(prediction).all()


def edge_case(case: str) -> tuple[TrainingData, np.ndarray]:
    if case == "one feature":
        return planted(features=1)
    data, truth = planted(shift=0.0 if case == "identical conditions" else 2.0)
    if case == "one cell":
        keep = np.unique(data.role, return_index=True)[1]
        fields = ("X", "role", "condition", "domain", "names")
        return dataclasses.replace(data, **{key: getattr(data, key)[keep] for key in fields}), truth
    if case == "constant features":
        data.X[:, :3] = 1.5
    return data, truth


#: Largest error of the recovered change of means, as a share of the planted shift of 2.
RECOVERY = {
    "neuron_editing": 0.35,
    "constant_shift": 0.35,
    "pca_editing": 0.25,
    "quantile_mapping": 0.25,
    "latent_edit": 0.25,
    "mean_shift": 0.15,
    "median_shift": 0.2,
}


def test_recovers_a_constant_shift(name):
    if name not in RECOVERY:
        pytest.skip("not meant to recover a constant shift from this task")
    data, truth = planted(cells=400)
    change = applied(fit(name, data).transform(query_cells(data), QUERY).X, data)
    expected = applied(truth, data)
    assert np.abs(change - expected).max() < 2 * RECOVERY[name]
