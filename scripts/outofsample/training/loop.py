"""The training loop of every network: seeded, resumable, with early stopping and a history.

What is trained is described by *players* (`outofsample.training.player`): an autoencoder has one; a generative
adversarial network has two, which move in turn in every step. What it is trained on are *groups* of cells
(`outofsample.training.rows`): every step takes a batch of the same size from each group, so that groups count alike
whatever their sizes.
"""

import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from outofsample.errors import UserError
from outofsample.training import checkpoint
from outofsample.training.budget import Budget
from outofsample.training.interruption import Interrupted, stop_on_sigterm
from outofsample.training.player import Player, Terms
from outofsample.training.rows import Batch, Rows, all_rows
from outofsample.training.run import Run


def train(
    network: nn.Module,
    players: Sequence[Player],
    groups: Sequence[Batch | Rows],
    budget: Budget,
    seed: int,
    run: Run = Run(),
) -> list[dict]:
    """Train ``network`` in place and return its history, one row per epoch.

    Parameters
    ----------
    network
        The module that holds all parameters of all players; it ends with the best weights where ``budget.patience``
        is set, by the validation loss of the first player.
    groups
        For each group a dictionary of tensors (cells, ...) on the device of the network, or rows of shared tensors.
    seed
        Seeds the split into training and validation cells, the batches, and any noise of the network.

    Raises
    ------
    UserError
        If a loss is not finite.
    """
    loop = _Loop(network, players, groups, budget, seed, run)
    with stop_on_sigterm() as stopped:
        return loop.run_epochs(stopped)


class _Loop:
    """The state of one training; everything that a resumed training needs is in the checkpoint."""

    def __init__(self, network, players, groups, budget: Budget, seed: int, run: Run):
        self.network, self.players, self.budget, self.run = network, list(players), budget, run
        self.generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        self.training, self.validation = self._hold_out([g if isinstance(g, Rows) else all_rows(g) for g in groups])
        cells = sum(map(len, self.training))
        self.steps = max(1, -(-cells // (budget.batch_size * len(groups))))
        self.all_steps = self.steps * budget.epochs if budget.max_steps is None else budget.max_steps
        self.epochs = -(-self.all_steps // self.steps)
        self.epoch, self.step, self.steps_done, self.waited = 0, 0, 0, 0
        self.best_loss, self.best = float("inf"), None
        self.sums: list[Terms] = [{} for _ in self.players]
        self.history: list[dict] = []
        self.epoch_start = self.generator.get_state()
        self.saved_at = time.monotonic()
        self._resume()

    def _hold_out(self, groups: list[Rows]) -> tuple[list[Rows], list[Rows]]:
        """Return the cells of each group that are trained on, and those that are held out for the validation loss.

        None are held out where that loss decides nothing, or where a group has too few to spare one: it is the mean
        over all groups or it is not.
        """
        held = [int(self.budget.validation * len(group)) for group in groups]
        if not self.budget.chooses or min(map(len, groups)) < 10 or not min(held):
            return groups, [group.pick(slice(0, 0)) for group in groups]
        orders = [torch.randperm(len(group), generator=self.generator).to(group.rows.device) for group in groups]
        parts = list(zip(groups, orders, held, strict=True))
        # In a random order, so that each chunk of the validation is a fair sample, however the file is sorted.
        return [g.pick(order[n:]) for g, order, n in parts], [g.pick(order[:n]) for g, order, n in parts]

    def _orders(self) -> list[Tensor]:
        """Return, per group, the rows of all batches of one epoch: shuffled passes, one after the other."""
        needed = self.steps * self.budget.batch_size
        orders = []
        for group in self.training:
            cells = len(group)
            passes = [torch.randperm(cells, generator=self.generator) for _ in range(-(-needed // cells))]
            orders.append(group.rows[torch.cat(passes)[:needed].to(group.rows.device)])
        return orders

    def run_epochs(self, stopped: threading.Event) -> list[dict]:
        from tqdm import tqdm

        if self.run.progress:
            whole = f"{self.epochs:,} epochs = {self.all_steps:,} steps"
            drawn = f"{self.budget.batch_size:,} cells from each of {len(self.training)} groups"
            print(f"{whole} of {drawn}", flush=True)
        progress = tqdm(
            total=self.epochs,
            initial=self.epoch,
            disable=not self.run.progress,
            mininterval=5,
            ascii=True,
            unit="epoch",
            file=sys.stderr,
        )
        with progress:
            while not self._finished():
                self._run_epoch(stopped)
                progress.set_postfix(loss=f"{self.history[-1][self._monitored()]:.4g}", refresh=False)
                progress.update()
        self._save()
        if self.best is not None:
            self.network.load_state_dict(self.best)
        self.network.eval()
        return self.history

    def _finished(self) -> bool:
        patience = self.budget.patience
        return self.steps_done >= self.all_steps or (patience is not None and self.waited >= patience)

    def _run_epoch(self, stopped: threading.Event) -> None:
        self.network.train()
        orders = self._orders()
        # A budget in steps can end within an epoch.
        steps = min(self.steps, self.all_steps - self.steps_done)
        while self.step < steps:
            rows = slice(self.step * self.budget.batch_size, (self.step + 1) * self.budget.batch_size)
            batches = [group.batch(order[rows]) for group, order in zip(self.training, orders, strict=True)]
            for player, sums in zip(self.players, self.sums, strict=True):
                for name, value in player.step(batches).items():
                    sums[name] = sums.get(name, 0) + value
            self.step += 1
            if stopped.is_set():
                self._save()
                print("SIGTERM: the checkpoint is written; the next attempt goes on from it.", file=sys.stderr)
                raise Interrupted(143)
            if time.monotonic() - self.saved_at > self.run.checkpoint_seconds:
                self._save()
        self._end_epoch()

    def _end_epoch(self) -> None:
        self.steps_done += self.step
        row = {"epoch": self.epoch + 1, "steps": self.steps_done}
        for player, sums in zip(self.players, self.sums, strict=True):
            row |= {f"{player.name}_{name}": float(value) / self.step for name, value in sums.items()}
            row[f"{player.name}_gradient"] = player.gradient_norm()
        row |= self._validate()
        for name, value in row.items():
            if value != value or value in (float("inf"), float("-inf")):
                raise UserError(
                    f"Training diverged: '{name}' became {value} in epoch {self.epoch + 1}; lower the learning rate "
                    f"(now {self.players[0].learning_rate:g}) or look for extreme values in the data."
                )
        self._report_gradients(row)
        self.history.append(row)
        self._keep_best(row[self._monitored()])
        self.epoch, self.step = self.epoch + 1, 0
        self.sums = [{} for _ in self.players]
        self.epoch_start = self.generator.get_state()

    def _report_gradients(self, row: dict) -> None:
        """Print a line where a gradient is a thousand times what it was: the training may not recover from it."""
        for player in self.players:
            name = f"{player.name}_gradient"
            before = sorted(past[name] for past in self.history)
            if len(before) >= 5 and row[name] > 1000 * before[len(before) // 2] > 0:
                print(
                    f"Exploding gradient: '{name}' is {row[name]:.3g} in epoch {row['epoch']}, its median was "
                    f"{before[len(before) // 2]:.3g}; set clip_gradient or lower the learning rate.",
                    file=sys.stderr,
                )

    def _monitored(self) -> str:
        """Return the history column that early stopping watches."""
        return "validation_loss" if len(self.validation[0]) else f"{self.players[0].name}_loss"

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        """Return the first player's terms on all held-out cells; groups count alike, as in the training.

        Smaller groups are passed over again until the largest is through: a cell then counts as often as another of
        its group, or once more.
        """
        cells = max(map(len, self.validation))
        if not cells:
            return {}
        self.network.eval()
        sums: dict[str, float] = {}
        for places in torch.arange(cells).split(self.budget.validation_chunk):
            batches = [
                group.batch(group.rows[(places % len(group)).to(group.rows.device)]) for group in self.validation
            ]
            for name, value in self.players[0].terms(batches).items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(places) / cells
        return {f"validation_{name}": value for name, value in sums.items()}

    def _keep_best(self, loss: float) -> None:
        if loss < self.best_loss:
            self.best_loss, self.waited = loss, 0
            if self.budget.patience is not None:
                self.best = {name: value.clone() for name, value in self.network.state_dict().items()}
            return
        self.waited += 1
        if self.budget.learning_rate_patience and self.waited % self.budget.learning_rate_patience == 0:
            for player in self.players:
                player.optimizer.learning_rate *= 0.1

    def _save(self) -> None:
        """Write the checkpoint, where there is to be one."""
        self.saved_at = time.monotonic()
        if self.run.checkpoint is None:
            return
        content = {
            "fingerprint": self.run.fingerprint,
            "network": self.network.state_dict(),
            "optimizers": [player.optimizer.state_dict() for player in self.players],
            "numbers": [self.epoch, self.step, self.steps_done, self.waited, self.best_loss],
            "best": self.best,
            "sums": self.sums,
            "history": self.history,
            "epoch_start": self.epoch_start,
        }
        checkpoint.write(self.run.checkpoint, content)

    def _resume(self) -> None:
        """Go on from the checkpoint, where there is one that fits."""
        path = self.run.checkpoint
        if path is None or not Path(path).is_file():
            return
        content = checkpoint.read(Path(path), self.run.fingerprint)
        if content is None:
            return
        self.network.load_state_dict(content["network"])
        for player, state in zip(self.players, content["optimizers"], strict=True):
            player.optimizer.load_state_dict(state)
        self.epoch, self.step, self.steps_done, self.waited, self.best_loss = content["numbers"]
        self.best, self.sums, self.history = content["best"], content["sums"], content["history"]
        self.epoch_start = content["epoch_start"]
        self.generator.set_state(self.epoch_start)
        checkpoint.restore_random(content)
        print(f"Resumed from {path}: epoch {self.epoch + 1}, step {self.step}.", file=sys.stderr)
