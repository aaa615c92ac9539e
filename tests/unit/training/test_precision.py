"""Training in bfloat16: float32 weights and losses, the same bits each time, scores within the spread of seeds."""

import numpy as np
import pytest
import torch

from outofsample import registry
from outofsample.training import losses
from tests.conftest import QUERY, planted
from tests.unit.methods.test_method_contract import SMALL

#: Everything that trains in our own loop.
NETWORKS = sorted(set(SMALL) - {"scvi"})


def fitted(model: str, precision: str, seed: int = 0, **settings):
    data, _ = planted()
    return registry.create("models", model, {**SMALL[model], **settings, "precision": precision}).fit(data, seed)


def tensors(state) -> list[torch.Tensor]:
    """Return all floating-point tensors of a nested state."""
    if isinstance(state, torch.Tensor):
        return [state] if state.is_floating_point() else []
    parts = state.values() if isinstance(state, dict) else state if isinstance(state, list | tuple) else []
    return [tensor for part in parts for tensor in tensors(part)]


def weights(model) -> np.ndarray:
    return np.concatenate([tensor.numpy().ravel() for tensor in tensors(model.as_tensors())])


@pytest.mark.parametrize("model", NETWORKS)
def test_weights_and_losses_stay_float32_and_bits_repeat(model):
    one, same, full = (fitted(model, precision, epochs=3) for precision in ("bfloat16", "bfloat16", "float32"))
    assert {tensor.dtype for tensor in tensors(one.as_tensors())} == {torch.float32}
    assert np.isfinite(weights(one)).all()
    np.testing.assert_array_equal(weights(one), weights(same))
    # It does something: other bits than in float32.
    assert not np.array_equal(weights(one), weights(full))


@pytest.mark.parametrize(("method", "model"), [("neuron_editing", "autoencoder"), ("trvae", "trvae")])
def test_scores_change_no_more_than_between_seeds(method, model):
    data, truth = planted()
    cells = data.X[data.is_query(QUERY)]

    def errors(precision):
        found = []
        for seed in range(3):
            entry = registry.find("methods", method)
            predictor = entry(entry.Settings(), fitted(model, precision, seed)).attach(data, seed)
            found.append(np.abs(predictor.transform(cells, QUERY).X.mean(axis=0) - truth.mean(axis=0)).mean())
        return np.array(found)

    full, half = errors("float32"), errors("bfloat16")
    assert abs(half.mean() - full.mean()) <= np.ptp(full)


def test_losses_do_not_lose_digits_where_the_layers_do():
    torch.manual_seed(0)
    x, condition = torch.randn(64, 8), torch.arange(64) % 2
    expected = losses.pairwise_mmd(x, condition, 2, (1.0, 10.0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = losses.pairwise_mmd(x, condition, 2, (1.0, 10.0))
        assert (x @ x.T).dtype == torch.bfloat16
    assert torch.equal(found, expected)


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="precision must be 'float32' or 'bfloat16', not 'float16'"):
        registry.find("models", "autoencoder").Settings(precision="float16")
