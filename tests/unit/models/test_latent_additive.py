"""The latent additive model: which effect it gives to which domain, and what it pairs."""

import numpy as np
import pytest
import torch

from outofsample import registry
from outofsample.arrays import TrainingData
from outofsample.networks.additive import AdditiveNetwork
from tests.conftest import QUERY, planted

SMALL = {"hidden": [32], "latent": 8, "max_steps": 1500, "batch_size": 60, "patience": None, "dropout": 0.0}


def effect_by_domain(context: bool = False) -> tuple[TrainingData, np.ndarray]:
    """Return three domains at other places with other effects, and the answer for cells like those of the second.

    ``context`` adds a domain that was never measured before.
    """
    rng = np.random.default_rng(0)
    places = {"first": [0.0, 0, 0], "second": [4.0, 0, 0], "third": [0, 4.0, 0]}
    effects = {"first": [0, 0, 1.0], "second": [0, 0, 3.0], "third": [0, 0, -2.0]}
    X, columns = [], []
    for domain, place in places.items():
        for condition, role in (("before", "source"), ("after", "target")):
            X.append(rng.normal(place, 0.5, size=(200, 3)) + np.array(effects[domain]) * (condition == "after"))
            columns += [(role, condition, domain)] * 200
    query = rng.normal(places["second"], 0.5, size=(200, 3))
    X.append(query)
    columns += [("query", "before", "sample")] * 200
    if context:
        X.append(np.full((200, 3), 50.0))
        columns += [("context", "after", "elsewhere")] * 200
    roles, conditions, domains = (np.array(column) for column in zip(*columns, strict=True))
    data = TrainingData(np.concatenate(X).astype(np.float32), roles, conditions, domains, tuple("abc"), (QUERY,))
    return data, query + effects["second"]


def predict(data: TrainingData, output: str = "decode", **settings) -> np.ndarray:
    entry = registry.find("methods", "latent_additive")
    model = registry.create("models", "latent_additive", {**SMALL, **settings}).fit(data)
    return entry(entry.Settings(output=output), model).attach(data).transform(data.X[data.is_query(QUERY)], QUERY).X


@pytest.mark.parametrize("output", ["decode", "residual"])
def test_a_cell_gets_the_effect_of_the_domain_that_it_is_like(output):
    data, answer = effect_by_domain()
    predicted = predict(data, output)
    np.testing.assert_allclose(predicted.mean(axis=0), answer.mean(axis=0), atol=0.35)
    # A random partner says nothing of a cell's own place in its domain: decoded cells are means; residual ones are not.
    ratio = predicted.std(axis=0).mean() / answer.std(axis=0).mean()
    assert ratio < 0.6 if output == "decode" else 0.8 < ratio < 1.3


def test_domains_without_controls_take_no_part():
    with_it, without = (predict(effect_by_domain(context)[0]) for context in (True, False))
    np.testing.assert_allclose(with_it.mean(axis=0), without.mean(axis=0), atol=0.35)


def test_controls_are_of_the_cells_own_domain(monkeypatch):
    data, _ = effect_by_domain()
    shown, wanted, forward, loss = [], [], AdditiveNetwork.forward, torch.nn.functional.mse_loss
    monkeypatch.setattr(AdditiveNetwork, "forward", lambda *args: (shown.append(args[1:3]), forward(*args))[1])
    monkeypatch.setattr(torch.nn.functional, "mse_loss", lambda *args: (wanted.append(args[1]), loss(*args))[1])
    registry.create("models", "latent_additive", {**SMALL, "max_steps": 20}).fit(data)
    # No effect moves a cell in the first two features, where domains lie 4 apart.
    (cells, conditions), targets = map(torch.cat, zip(*shown, strict=True)), torch.cat(wanted)
    assert (cells - targets)[:, :2].abs().max() < 3.9
    # All are in the condition that the query starts from, the second by name.
    assert set(conditions.tolist()) == {1}


def test_drawing_is_refused():
    with pytest.raises(ValueError, match="prediction must be 'mean'"):
        registry.find("methods", "latent_additive").Settings(prediction="sample")


def test_predictions_of_what_is_never_negative_are_not():
    data, _ = planted()
    data.X[:] = np.abs(data.X)
    for output in ("decode", "residual"):
        assert predict(data, output, max_steps=50).min() >= 0
