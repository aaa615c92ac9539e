"""One side of a training."""

import pytest

from tests.unit.training.conftest import run_scale


def test_clipping_bounds_the_gradient():
    network, _ = run_scale(lambda network, batches: network.weight * 1e6, epochs=1, clip_gradient=0.5)
    assert network.weight.grad.norm().item() == pytest.approx(0.5, rel=1e-3)
