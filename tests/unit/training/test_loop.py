"""The training loop: same bits, early stopping, errors."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch

from outofsample import registry
from outofsample.errors import UserError
from outofsample.training.budget import Budget
from outofsample.training.loop import train
from outofsample.training.player import Player
from outofsample.training.run import Run
from tests.conftest import ROOT, planted
from tests.unit.training.conftest import Scale, fit, run_scale, weights


def test_same_seed_same_bits_and_another_seed_others():
    np.testing.assert_array_equal(weights(fit(seed=3)), weights(fit(seed=3)))
    assert not np.array_equal(weights(fit(seed=3)), weights(fit(seed=4)))


def test_loss_falls_and_history_names_its_terms():
    history = fit(epochs=40, patience=40).history
    assert [row["epoch"] for row in history] == list(range(1, 41))
    names = {"epoch", "steps", "train_loss", "train_gradient", "validation_loss", "precision"}
    assert set(history[0]) == names
    assert history[-1]["validation_loss"] < 0.3 * history[0]["validation_loss"]


def test_patience_stops_and_gives_back_the_best_weights():
    seen = []

    def terms(network, batches):
        # Falls to its minimum at 0.5 and rises again: Adam runs through it with its large learning rate.
        loss = (network.weight - 0.5) ** 2
        if not torch.is_grad_enabled():
            seen.append((float(loss), network.weight.item()))
        return loss

    network, history = run_scale(terms, epochs=400, patience=3, learning_rate=0.05)
    assert len(history) < 400
    assert network.weight.item() == pytest.approx(min(seen)[1])
    assert len(history) == int(np.argmin([loss for loss, _ in seen])) + 1 + 3


def test_no_patience_keeps_the_last_weights():
    network, history = run_scale(lambda network, batches: network.weight * 1.0, epochs=5, learning_rate=0.1)
    # Two steps an epoch, each of Adam's step size along a constant gradient.
    assert len(history) == 5 and network.weight.item() == pytest.approx(1 - 5 * 2 * 0.1, abs=1e-4)


def test_groups_count_alike_whatever_their_size():
    network = Scale()
    sizes = []

    def terms(batches):
        sizes.append([len(batch["x"]) for batch in batches])
        return {"loss": network.weight**2}

    groups = [{"x": torch.ones(500, 1)}, {"x": torch.ones(7, 1)}]
    train(network, [Player("train", list(network.parameters()), terms)], groups, Budget(1, 30, validation=0), seed=0)
    assert set(map(tuple, sizes)) == {(30, 30)}


@pytest.mark.parametrize("sizes", [(100, 100, 8), (8, 100)])
def test_a_group_that_spares_no_cells_leaves_the_training_loss_to_watch(sizes):
    network = Scale()
    groups = [{"x": torch.ones(cells, 1)} for cells in sizes]
    player = Player("train", list(network.parameters()), lambda batches: {"loss": network.weight**2})
    history = train(network, [player], groups, Budget(4, batch_size=20, patience=2), seed=0)
    assert len(history) == 4 and set(history[0]) == {"epoch", "steps", "train_loss", "train_gradient"}


def test_loss_that_is_not_finite_stops_with_a_sentence():
    with pytest.raises(UserError, match=r"Training diverged: 'train_loss' became nan in epoch 1; lower the learning"):
        run_scale(lambda network, batches: network.weight * float("nan"))


def test_validation_cells_are_not_trained_on():
    network = Scale()
    seen, held = set(), set()

    def terms(batches):
        (seen if torch.is_grad_enabled() else held).update(batches[0]["x"][:, 0].tolist())
        return {"loss": network.weight**2}

    groups = [{"x": torch.arange(100.0)[:, None]}]
    train(network, [Player("train", list(network.parameters()), terms)], groups, Budget(3, 10, patience=3), seed=0)
    assert len(held) == 10 and not seen & held and len(seen) == 90


@pytest.mark.parametrize("sizes", [(100,), (100, 8)])
def test_every_cell_is_trained_on_where_nothing_is_chosen_by_held_out_ones(sizes):
    network, seen = Scale(), [set() for _ in sizes]

    def terms(batches):
        assert torch.is_grad_enabled()
        for cells, batch in zip(seen, batches, strict=True):
            cells.update(batch["x"][:, 0].tolist())
        return {"loss": network.weight**2}

    groups = [{"x": torch.arange(float(cells))[:, None]} for cells in sizes]
    # With a group too small to spare a cell there is no validation loss, so the other group keeps its own too.
    budget = Budget(6, 10, patience=None if len(sizes) == 1 else 6)
    train(network, [Player("train", list(network.parameters()), terms)], groups, budget, seed=0)
    assert [len(cells) for cells in seen] == list(sizes)


@pytest.mark.parametrize("chunk", [4096, 7])
def test_validation_sees_all_held_out_cells_however_the_file_is_sorted(chunk):
    """Domains in blocks: each group's cells are of domain 0, then of domain 1, as many."""
    network, held = Scale(), [[], []]

    def terms(batches):
        loss = torch.cat([batch["x"] for batch in batches]).mean() + 0 * network.weight.sum()
        if not torch.is_grad_enabled():
            for cells, batch in zip(held, batches, strict=True):
                cells += batch["cell"].tolist()
        return {"loss": loss}

    sizes = (400, 2000)
    groups = [
        {"x": torch.full((cells, 1), float(group)), "cell": torch.arange(cells)} for group, cells in enumerate(sizes)
    ]
    budget = Budget(1, 100, patience=2, validation_chunk=chunk)
    history = train(network, [Player("train", list(network.parameters()), terms)], groups, budget, seed=0)
    for cells, size in zip(held, sizes, strict=True):
        assert len(set(cells)) == size // 10
        # Half of them of each domain, but for chance.
        assert np.mean(np.array(cells) >= size // 2) == pytest.approx(0.5, abs=0.15)
    # Groups count alike: the mean of 0 and 1, though the second group has five times the cells.
    assert history[0]["validation_loss"] == pytest.approx(0.5)


def test_exploding_gradients_are_reported(capsys):
    steps = iter(range(10_000))

    def terms(network, batches):
        return network.weight * (1e6 if torch.is_grad_enabled() and next(steps) > 20 else 1.0)

    run_scale(terms, epochs=14, learning_rate=1e-9)
    assert "Exploding gradient: 'train_gradient' is 1e+06" in capsys.readouterr().err


def test_a_generator_that_makes_one_cell_is_reported(capsys):
    data, _ = planted()
    model = registry.create("models", "gan", {"widths": (4,), "discriminator_widths": (4,), "epochs": 1})
    model.fit(data)
    for parameter in model.network["to_target"].parameters():
        parameter.data.zero_()
    model.report_collapse(data, ("before", "after"))
    assert "Mode collapse: the generator's cells have 0.0% of the target's spread." in capsys.readouterr().out


def test_learning_rate_falls_where_the_loss_does_not():
    network = Scale()
    player = Player("train", list(network.parameters()), lambda batches: {"loss": network.weight * 0 + 1.0})
    budget = Budget(8, batch_size=20, patience=20, learning_rate_patience=3)
    train(network, [player], [{"x": torch.ones(40, 1)}], budget, seed=0)
    # The first epoch is the best one; two times three epochs without a better loss follow.
    assert player.optimizer.learning_rate == pytest.approx(1e-3 * 0.01)


@pytest.mark.parametrize("max_steps", [8, 10, 3])
def test_a_limit_of_steps_ends_the_training(max_steps):
    network, taken = Scale(), []

    def terms(batches):
        taken.append(torch.is_grad_enabled())
        return {"loss": network.weight**2}

    player = Player("train", list(network.parameters()), terms)
    budget = Budget(99, 10, validation=0, max_steps=max_steps)
    history = train(network, [player], [{"x": torch.ones(40, 1)}], budget, seed=0)
    assert taken == [True] * max_steps
    # An epoch has four steps; the last one may have fewer.
    assert [row["steps"] for row in history] == [*range(4, max_steps, 4), max_steps]
    assert history[0]["train_loss"] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("budget", [{"epochs": 3}, {"max_steps": 18}, {"max_steps": 15}])
def test_the_log_says_how_many_steps_the_epochs_are(capsys, budget):
    model = fit(run=Run(progress=True), **budget)
    steps = budget.get("max_steps", 18)
    assert f"3 epochs = {steps} steps of 20 cells from each of 3 groups" in capsys.readouterr().out
    assert len(model.history) == 3 and model.history[-1]["steps"] == steps


@pytest.mark.parametrize("name", ["autoencoder", "gan", "trvae", "saucie", "vae", "scvi", "flow_matching", "cellot"])
def test_every_network_takes_a_budget_in_steps(name):
    assert registry.find("models", name).Settings(max_steps=7).max_steps == 7
    with pytest.raises(ValueError, match="max_steps must be at least 1"):
        registry.find("models", name).Settings(max_steps=0)


def test_training_does_not_import_the_compiler_of_torch():
    code = """
        import sys, torch
        from outofsample.training.budget import Budget
        from outofsample.training.loop import train
        from outofsample.training.player import Player
        network = torch.nn.Linear(3, 3)
        player = Player("train", list(network.parameters()), lambda batches: {"loss": network(batches[0]["x"]).mean()})
        train(network, [player], [{"x": torch.ones(40, 3)}], Budget(2, 10), seed=0)
        sys.exit("torch._dynamo" in sys.modules)
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT / "scripts")}
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, env=environment)
