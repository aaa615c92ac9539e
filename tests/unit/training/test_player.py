"""One side of a training."""

import pytest
import torch

from outofsample.training.player import Player
from tests.unit.training.conftest import Scale, run_scale


def test_clipping_bounds_the_gradient():
    network, _ = run_scale(lambda network, batches: network.weight * 1e6, epochs=1, clip_gradient=0.5)
    assert network.weight.grad.norm().item() == pytest.approx(0.5, rel=1e-3)


def test_turns_see_each_cell_once_and_return_the_last_terms():
    network, seen = Scale(), []

    def terms(batches):
        seen.append([batch["x"].ravel().tolist() for batch in batches])
        return {"loss": network.weight * batches[0]["x"].mean()}

    player = Player("train", [network.weight], terms, learning_rate=0.5, turns=3)
    batches = [{"x": torch.arange(6.0)[:, None]}, {"x": torch.arange(6.0)[:, None] + 10}]
    last = player.step(batches)
    assert seen == [[[0, 1], [10, 11]], [[2, 3], [12, 13]], [[4, 5], [14, 15]]]
    # Adam's first steps are as long as the learning rate: two of them came before the last terms.
    assert last["loss"].item() == pytest.approx((1 - 2 * 0.5) * 4.5, abs=0.5)
    assert player.optimizer.steps[0].item() == 3


def test_what_comes_after_a_step_keeps_weights_in_their_range():
    network = Scale()

    def keep_positive():
        network.weight.data.clamp_(min=0)

    player = Player("train", [network.weight], lambda batches: {"loss": network.weight}, 10.0, after=keep_positive)
    player.step([{"x": torch.ones(4, 1)}])
    assert network.weight.item() == 0
