"""The training loop: same bits, resuming, early stopping, errors."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from outofsample import registry
from outofsample.errors import UserError
from outofsample.models.families.base import Run
from outofsample.training.adam import Adam
from outofsample.training.loop import Budget, Player, train
from tests.conftest import ROOT, planted

TINY = {"hidden": (12, 8), "latent": 4, "epochs": 6, "batch_size": 20, "patience": None}


def fit(seed=0, run=Run(), **settings):
    data, _ = planted()
    return registry.create("models", "autoencoder", {**TINY, **settings}).fit(data, seed, run)


def weights(model) -> np.ndarray:
    return np.concatenate([value.numpy().ravel() for value in model.state()["network"].values()])


def test_same_seed_same_bits_and_another_seed_others():
    np.testing.assert_array_equal(weights(fit(seed=3)), weights(fit(seed=3)))
    assert not np.array_equal(weights(fit(seed=3)), weights(fit(seed=4)))


def test_loss_falls_and_history_names_its_terms():
    history = fit(epochs=40).history
    assert [row["epoch"] for row in history] == list(range(1, 41))
    assert set(history[0]) == {"epoch", "train_loss", "train_gradient", "validation_loss"}
    assert history[-1]["validation_loss"] < 0.3 * history[0]["validation_loss"]


class Scale(nn.Module):
    """One weight, for trainings whose course is known."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(1.0))


def run_scale(terms, epochs=50, patience=None, **player):
    network = Scale()
    history = train(
        network,
        [Player("train", list(network.parameters()), lambda batches: {"loss": terms(network, batches)}, **player)],
        [{"x": torch.ones(40, 1)}],
        Budget(epochs, batch_size=20, patience=patience),
        seed=0,
    )
    return network, history


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
    assert len(history) == 4 and set(history[0]) == {"epoch", "train_loss", "train_gradient"}


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
    train(network, [Player("train", list(network.parameters()), terms)], groups, Budget(3, 10), seed=0)
    assert len(held) == 10 and not seen & held and len(seen) == 90


def test_gpu_that_is_not_there():
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(UserError, match="torch sees no GPU"):
        fit(run=Run(device="cuda"))


@pytest.mark.parametrize("epochs_before", [1, 4])
def test_resumed_training_gives_the_same_bits(tmp_path, epochs_before):
    undisturbed = fit(epochs=6)
    run = Run(checkpoint=tmp_path / "checkpoint.pt", fingerprint="same", checkpoint_seconds=0)
    fit(epochs=epochs_before, run=run)
    resumed = fit(epochs=6, run=run)
    np.testing.assert_array_equal(weights(resumed), weights(undisturbed))
    assert resumed.history == undisturbed.history


def test_stale_checkpoint_is_refused_with_a_line(tmp_path, capsys):
    path = tmp_path / "checkpoint.pt"
    fit(seed=1, run=Run(checkpoint=path, fingerprint="old"))
    fresh = fit(seed=0, run=Run(checkpoint=path, fingerprint="new"))
    assert "data, settings or code have changed" in capsys.readouterr().err
    np.testing.assert_array_equal(weights(fresh), weights(fit(seed=0)))


def test_damaged_checkpoint_is_refused_with_a_line(tmp_path, capsys):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(b"half a file")
    fit(run=Run(checkpoint=path))
    assert "cannot be read" in capsys.readouterr().err


SCRIPT = """
    import sys
    from outofsample import registry
    from outofsample.models.families.base import Run
    from tests.conftest import planted
    data, _ = planted(cells=400)
    run = Run(checkpoint=sys.argv[1], fingerprint="x", checkpoint_seconds=0.02)
    settings = {"hidden": (64, 32), "latent": 8, "epochs": 30, "batch_size": 20, "patience": 50}
    model = registry.create("models", "autoencoder", settings).fit(data, 0, run)
    import torch
    torch.save(model.as_tensors(), sys.argv[2])
"""


def start_training(folder: Path, result: str) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'scripts'}{os.pathsep}{ROOT}", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(folder / "checkpoint.pt"), str(folder / result)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def wait_for(path: Path, process: subprocess.Popen) -> None:
    while not path.exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM])
def test_killed_training_resumes_to_the_same_bits(tmp_path, kill):
    killed, undisturbed = tmp_path / "killed", tmp_path / "undisturbed"
    for folder in (killed, undisturbed):
        folder.mkdir()
    process = start_training(killed, "model.pt")
    wait_for(killed / "checkpoint.pt", process)
    time.sleep(0.1)
    process.send_signal(kill)
    _, messages = process.communicate(timeout=60)
    assert process.returncode == (-signal.SIGKILL if kill == signal.SIGKILL else 143), messages
    assert not (killed / "model.pt").exists()
    resumed = start_training(killed, "model.pt")
    assert "Resumed from" in resumed.communicate(timeout=120)[1]
    start_training(undisturbed, "model.pt").communicate(timeout=120)
    one, other = (torch.load(folder / "model.pt", weights_only=True)["network"] for folder in (killed, undisturbed))
    assert all(torch.equal(one[name], other[name]) for name in other)


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


def test_clipping_bounds_the_gradient():
    network, _ = run_scale(lambda network, batches: network.weight * 1e6, epochs=1, clip_gradient=0.5)
    assert network.weight.grad.norm().item() == pytest.approx(0.5, rel=1e-3)


def test_learning_rate_falls_where_the_loss_does_not():
    network = Scale()
    player = Player("train", list(network.parameters()), lambda batches: {"loss": network.weight * 0 + 1.0})
    budget = Budget(8, batch_size=20, patience=20, learning_rate_patience=3)
    train(network, [player], [{"x": torch.ones(40, 1)}], budget, seed=0)
    # The first epoch is the best one; two times three epochs without a better loss follow.
    assert player.optimizer.learning_rate == pytest.approx(1e-3 * 0.01)


def test_a_limit_of_steps_ends_the_training():
    network, taken = Scale(), []

    def terms(batches):
        taken.append(torch.is_grad_enabled())
        return {"loss": network.weight**2}

    player = Player("train", list(network.parameters()), terms)
    train(network, [player], [{"x": torch.ones(40, 1)}], Budget(99, 10, validation=0, max_steps=8), seed=0)
    assert taken == [True] * 8


def test_adam_moves_parameters_as_that_of_torch_does():
    torch.manual_seed(0)
    start = [torch.randn(7, 3), torch.randn(5), torch.randn(2)]
    ours, theirs = ([nn.Parameter(values.clone()) for values in start] for _ in range(2))
    adam = Adam(ours, learning_rate=0.01, betas=(0.5, 0.9))
    reference = torch.optim.Adam(theirs, lr=0.01, betas=(0.5, 0.9), fused=True)
    for step in range(30):
        if step == 15:
            state, adam = adam.state_dict(), Adam(ours, learning_rate=1.0, betas=(0.5, 0.9))
            adam.load_state_dict(state)
        for parameters, optimizer in ((ours, adam), (theirs, reference)):
            # The last parameter has no gradient and must stay.
            loss = ((parameters[0] * (step + 1)) ** 2).mean() + parameters[1].abs().sum()
            adam.zero_gradients() if optimizer is adam else reference.zero_grad()
            loss.backward()
            optimizer.step()
    for own, other, before in zip(ours, theirs, start, strict=True):
        assert torch.equal(own, other)
        assert torch.equal(own, before) == (before is start[2])


def test_training_does_not_import_the_compiler_of_torch():
    code = """
        import sys, torch
        from outofsample.training.loop import Budget, Player, train
        network = torch.nn.Linear(3, 3)
        player = Player("train", list(network.parameters()), lambda batches: {"loss": network(batches[0]["x"]).mean()})
        train(network, [player], [{"x": torch.ones(40, 3)}], Budget(2, 10), seed=0)
        sys.exit("torch._dynamo" in sys.modules)
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT / "scripts")}
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, env=environment)
