"""Learned maps of optimal transport: the known map between two normal distributions, and what is particular to each."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from outofsample import registry
from outofsample.arrays import Query, TrainingData
from outofsample.training.run import Run
from tests.conftest import QUERY, planted

FLOW = {"space": "identity", "widths": [64, 64], "max_steps": 400, "learning_rate": 3e-3, "batch_size": 128}
CONVEX = {"space": "identity", "widths": [32, 32], "max_steps": 150, "learning_rate": 3e-3, "batch_size": 128}
SMALL = {"flow_matching": FLOW, "cellot": CONVEX}


def task(parts: list[tuple[np.ndarray, str, str, str]]) -> TrainingData:
    """Return training data of (cells, role, condition, domain)."""
    X = np.concatenate([cells for cells, *_ in parts]).astype(np.float32)
    columns = (np.repeat([part[place] for part in parts], [len(part[0]) for part in parts]) for place in (1, 2, 3))
    return TrainingData(X, *columns, tuple(f"f{number}" for number in range(X.shape[1])), (QUERY,))


def two_normals(units: int = 3, cells: int = 1000) -> tuple[TrainingData, np.ndarray]:
    """Return S and T of normal distributions, X like S, and the optimal map of X.

    x -> m + A^(-1/2) (A^(1/2) B A^(1/2))^(1/2) A^(-1/2) x for N(0, A) and N(m, B).
    """
    rng = np.random.default_rng(1)

    def covariance():
        axes = np.linalg.qr(rng.normal(size=(units, units)))[0]
        return axes * rng.uniform(0.3, 3, units) @ axes.T

    before, after, mean = covariance(), covariance(), rng.normal(size=units)
    root = np.real(sqrtm(before))
    inverse = np.linalg.inv(root)
    matrix = inverse @ np.real(sqrtm(root @ after @ root)) @ inverse
    source, query = (rng.multivariate_normal(np.zeros(units), before, cells) for _ in range(2))
    target = rng.multivariate_normal(mean, after, cells)
    parts = [(source, "source", "before", "control"), (target, "target", "after", "control")]
    return task([*parts, (query, "query", "before", "sample")]), query @ matrix.T + mean


def fitted(name: str, data: TrainingData, seed: int = 0, run: Run = Run(), **settings):
    return registry.create("models", name, {**SMALL[name], **settings}).fit(data, seed, run)


def predict(name: str, data: TrainingData, model=None, **options) -> np.ndarray:
    entry = registry.find("methods", name)
    method = entry(entry.Settings(**options), model or fitted(name, data)).attach(data)
    return method.transform(data.X[data.is_query(QUERY)], QUERY).X


def unexplained(predicted: np.ndarray, answer: np.ndarray) -> float:
    """Return the squared error per cell as a share of the target's variance."""
    return float(((predicted - answer) ** 2).sum(axis=1).mean() / answer.var(axis=0).sum())


@pytest.mark.parametrize(("name", "most"), [("flow_matching", 0.03), ("cellot", 0.06)])
def test_the_optimal_map_between_normal_distributions_is_found(name, most):
    data, answer = two_normals()
    X = data.X[data.is_query(QUERY)]
    shift = data.X[data.is_target(QUERY)].mean(axis=0) - data.X[data.is_source(QUERY)].mean(axis=0)
    # The change is more than a shift.
    assert unexplained(X + shift, answer) > 0.1
    predicted = predict(name, data)
    assert unexplained(predicted, answer) < most
    # No spread is lost.
    np.testing.assert_allclose(predicted.std(axis=0), answer.std(axis=0), rtol=0.25)


@pytest.mark.parametrize("name", sorted(SMALL))
def test_residual_keeps_what_the_space_does_not_explain(name):
    data, _ = planted()
    X = data.X[data.is_query(QUERY)]
    model = fitted(name, data, space="pca", space_options={"components": 1}, max_steps=20)
    residual, decoded = (predict(name, data, model, output=word) for word in ("residual", "decode"))
    assert np.linalg.matrix_rank(residual - X, tol=1e-2) == 1
    assert np.linalg.matrix_rank(decoded - decoded.mean(axis=0), tol=1e-2) == 1


@pytest.mark.parametrize("name", sorted(SMALL))
def test_an_autoencoder_can_be_the_space(name):
    data, _ = planted(cells=200)
    options = {"hidden": [32], "latent": 6, "epochs": 150, "batch_size": 50, "learning_rate": 3e-3, "patience": None}
    model = fitted(name, data, space="autoencoder", space_options=options, max_steps=100)
    assert model.encode(data.X).shape == (600, 6)
    assert {row["change"] for row in model.history} == {"space", "before -> after"}
    change = predict(name, data, model).mean(axis=0) - data.X[data.is_query(QUERY)].mean(axis=0)
    assert change[::2].mean() > 1.2
    assert np.abs(change[1::2]).mean() < 0.5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"space": "umap"}, "space must be 'pca', 'autoencoder' or 'identity', not 'umap'"),
        ({"space_options": {"component": 3}}, "space_options of 'pca'"),
        ({"space_options": {"components": 0}}, "components must be at least 1, not 0"),
    ],
)
@pytest.mark.parametrize("name", sorted(SMALL))
def test_wrong_spaces_are_refused(name, settings, message):
    with pytest.raises(ValueError, match=message):
        registry.find("models", name).Settings(**settings)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("flow_matching", {"noise": -1.0}, "noise must be at least 0"),
        ("flow_matching", {"within": "types"}, "within must be 'domains' or 'all', not 'types'"),
        ("flow_matching", {"context": "domain"}, "context must be 'none' or 'mean', not 'domain'"),
        ("flow_matching", {"integration_steps": 0}, "integration_steps must be at least 1"),
        ("cellot", {"inner_steps": 0}, "inner_steps must be at least 1"),
        ("cellot", {"beta1": 1.0}, r"beta1 must be in \[0, 1\)"),
    ],
)
def test_wrong_settings_are_refused(name, settings, message):
    with pytest.raises(ValueError, match=message):
        registry.find("models", name).Settings(**settings)


@pytest.mark.parametrize("name", sorted(SMALL))
def test_each_change_has_its_own_map(name):
    data, _ = planted()
    far = data.X[data.is_target(QUERY)] + 5
    other = Query("far", "sample", "before", "far")
    columns = {"role": "target", "condition": "far", "domain": "control"}
    joined = {key: np.concatenate([getattr(data, key), np.repeat(word, len(far))]) for key, word in columns.items()}
    X = np.concatenate([data.X, far])
    both = TrainingData(X, **joined, features=data.features, queries=(QUERY, other))
    model = fitted(name, both, max_steps=150)
    method = registry.find("methods", name)(None, model).attach(both)
    cells = data.X[data.is_query(QUERY)]
    near, away = (method.transform(cells, query).X.mean(axis=0) - cells.mean(axis=0) for query in (QUERY, other))
    np.testing.assert_allclose(near, [2, 0, 2, 0, 2, 0], atol=0.6)
    np.testing.assert_allclose(away - near, np.full(6, 5.0), atol=0.9)


@pytest.mark.parametrize("name", sorted(SMALL))
def test_an_interrupted_training_ends_with_the_same_bits(name, tmp_path, capsys):
    data, _ = planted()
    whole = fitted(name, data, max_steps=30)
    started = Run(checkpoint=tmp_path / "seed_0.pt", fingerprint="same")
    fitted(name, data, run=started, max_steps=11)
    capsys.readouterr()
    resumed = fitted(name, data, run=started, max_steps=30)
    assert "Resumed from" in capsys.readouterr().err
    cells = data.X[data.is_query(QUERY)]
    np.testing.assert_array_equal(
        whole.translate(cells, "before", "after"), resumed.translate(cells, "before", "after")
    )


# ---- flow matching


def two_domains() -> tuple[TrainingData, np.ndarray]:
    """Return two domains of which S and T hold other shares, the first moved by 2, and X's answer."""
    rng = np.random.default_rng(0)

    def cells(count, first):
        return rng.normal([0, 3.0 if first else 0.0, 0], 0.5, size=(count, 3))

    parts = []
    for first, counts in ((True, (400, 100)), (False, (100, 400))):
        domain = "first" if first else "second"
        parts.append((cells(counts[0], first), "source", "before", domain))
        parts.append((cells(counts[1], first) + np.eye(3)[0] * 2.0 * first, "target", "after", domain))
    query = cells(300, True)
    return task([*parts, (query, "query", "before", "sample")]), query + np.eye(3)[0] * 2.0


def test_couplings_stay_within_domains():
    data, answer = two_domains()
    within, pooled = (
        predict("flow_matching", data, fitted("flow_matching", data, within=word)) for word in ("domains", "all")
    )
    assert np.sqrt(((within - answer) ** 2).mean()) < 0.3
    # Pooled, most of the first domain's cells must become cells of the second, of which T has more.
    assert np.sqrt(((pooled - answer) ** 2).mean()) > 0.8


def test_the_domains_mean_can_be_told_to_the_field():
    """Cells at the same place move differently in two domains, which differ in the mean of another feature."""
    rng = np.random.default_rng(0)
    parts = []
    for number, domain in enumerate(("low", "high")):
        place = [0.0, 2.0 * number]
        cells = [rng.normal(place, [0.3, 1.5], size=(400, 2)) for _ in range(2)]
        parts.append((cells[0], "source", "before", domain))
        parts.append((cells[1] + np.eye(2)[0] * 2.0 * number, "target", "after", domain))
    query = rng.normal([0, 2.0], [0.3, 1.5], size=(400, 2))
    data = task([*parts, (query, "query", "before", "sample")])
    errors = {}
    for context in ("none", "mean"):
        predicted = predict("flow_matching", data, fitted("flow_matching", data, context=context))
        errors[context] = np.abs(predicted - query - np.eye(2)[0] * 2.0).mean()
    assert errors["mean"] < 0.5 * errors["none"]


# ---- CellOT


def test_the_potentials_stay_convex():
    data, _ = planted()
    model = fitted("cellot", data, max_steps=40)
    judge, transport = model.network["judge"], model.network["to_target"].inner.potential
    assert judge.negative() == 0
    assert transport.negative() < 0.05
    assert {"map_map", "map_negative", "map_loss", "potential_loss"} <= set(model.history[-1])
