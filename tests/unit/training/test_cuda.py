"""On a GPU the same training gives the same answer within rounding; skipped where there is none."""

import numpy as np
import pytest

from outofsample import registry
from outofsample.training.run import Run
from tests.conftest import QUERY, planted

#: Models with the method that shows what they learned. Networks that draw noise while they train are not among them:
#: a GPU draws other numbers.
MODELS = {
    "autoencoder": ("neuron_editing", {"hidden": [32, 16], "latent": 8, "epochs": 10}),
    "gan": ("gan", {"widths": [32, 16, 32], "discriminator_widths": [32, 16], "epochs": 5}),
}
#: Sums on a GPU are in another order, and a training amplifies it; in units of the data's standard deviation, about 1.
TOLERANCE = 0.05


@pytest.mark.parametrize("model", MODELS)
def test_a_gpu_agrees_with_the_cpu(model):
    import torch

    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device here")
    method, settings = MODELS[model]
    data, _ = planted()
    predictions = []
    for device in ("cpu", "cuda"):
        fitted = registry.create("models", model, settings)
        entry = registry.find("methods", method)
        predictor = entry(entry.Settings(), fitted).fit(data, seed=0, run=Run(device=device))
        predictions.append(predictor.transform(data.X[data.is_query(QUERY)], QUERY).X)
    difference = np.abs(predictions[0] - predictions[1]).mean()
    assert difference < TOLERANCE
