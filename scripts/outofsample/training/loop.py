"""The training loop of every network: seeded, resumable, with early stopping and a history.

What is trained is described by *players*: a player owns parameters and an optimiser, and returns its loss as named
terms. An autoencoder has one player; a generative adversarial network has two, which move in turn in every step.
What it is trained on are *groups* of cells: every step takes a batch of the same size from each group, so that
groups count alike whatever their sizes.
"""

import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from outofsample.errors import UserError
from outofsample.files.writing import replacing
from outofsample.models.families.base import Run
from outofsample.training.adam import Adam

Batch = dict[str, Tensor]
Terms = dict[str, Tensor]


@dataclass(frozen=True)
class Rows:
    """Some rows of tensors (cells, ...) that several groups share, so that there is one copy of them in memory."""

    tensors: Batch
    rows: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def pick(self, places: Tensor | slice) -> "Rows":
        """Return the rows that stand at these places."""
        return Rows(self.tensors, self.rows[places])

    def batch(self, rows: Tensor) -> Batch:
        """Return these rows of the tensors."""
        return {name: values[rows] for name, values in self.tensors.items()}


class Interrupted(SystemExit):
    """Training was asked to stop (SIGTERM); a checkpoint was written, and the next attempt goes on from it."""


@dataclass
class Player:
    """One side of a training: parameters, their optimiser, and what it minimises.

    Attributes
    ----------
    terms
        Function of the list of batches (one per group) that returns the named terms; ``loss`` is minimised.
    clip_gradient
        Scale gradients down to this norm; None: never.
    """

    name: str
    parameters: list[nn.Parameter]
    terms: Callable[[list[Batch]], Terms]
    learning_rate: float = 1e-3
    clip_gradient: float | None = None
    betas: tuple[float, float] = (0.9, 0.999)
    optimizer: Adam = field(init=False)

    def __post_init__(self):
        self.optimizer = Adam(self.parameters, self.learning_rate, self.betas)

    def step(self, batches: list[Batch]) -> Terms:
        """Take one optimiser step and return the terms, detached."""
        terms = self.terms(batches)
        # Other players' losses leave gradients here too; each step starts from none.
        self.optimizer.zero_gradients()
        terms["loss"].backward()
        if self.clip_gradient is not None:
            nn.utils.clip_grad_norm_(self.parameters, self.clip_gradient)
        self.optimizer.step()
        return {name: value.detach() for name, value in terms.items()}

    def gradient_norm(self) -> float:
        """Return the norm of the last step's gradients."""
        gradients = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        return float(nn.utils.get_total_norm(gradients)) if gradients else 0.0


@dataclass(frozen=True)
class Budget:
    """How long to train.

    Attributes
    ----------
    epochs
        At most so many; an epoch takes as many steps as the pooled cells fill batches.
    batch_size
        Cells per group and step.
    patience
        Stop after so many epochs without a better validation loss, and take the best weights; None: train all epochs.
    validation
        Share of each group that is held out for the validation loss.
    learning_rate_patience
        Divide the learning rates by ten after so many epochs without a better validation loss; None: never.
    max_steps
        At most so many steps in all; None: as many as the epochs have.
    validation_chunk
        Cells per group that are evaluated at once for the validation loss.
    """

    epochs: int
    batch_size: int
    patience: int | None = None
    validation: float = 0.1
    learning_rate_patience: int | None = None
    max_steps: int | None = None
    validation_chunk: int = 4096


def pick_device(name: str) -> torch.device:
    """Return the device for ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    UserError
        If a GPU is asked for and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("device: 'cuda' was asked for, but torch sees no GPU; set 'device: auto' or 'cpu'.")
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


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
    with _stop_on_sigterm() as stopped:
        return loop.run_epochs(stopped)


class _Loop:
    """The state of one training; everything that a resumed training needs is in `checkpoint`."""

    def __init__(self, network, players, groups, budget: Budget, seed: int, run: Run):
        self.network, self.players, self.budget, self.run = network, list(players), budget, run
        self.generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        self.training, self.validation = [], []
        for group in groups:
            training, validation = self._hold_out(group if isinstance(group, Rows) else _all_rows(group))
            self.training.append(training)
            self.validation.append(validation)
        cells = sum(map(len, self.training))
        self.steps = max(1, -(-cells // (budget.batch_size * len(groups))))
        if budget.max_steps is not None:
            self.steps = min(self.steps, budget.max_steps)
        self.epochs = budget.epochs if budget.max_steps is None else -(-budget.max_steps // self.steps)
        self.epoch, self.step, self.waited = 0, 0, 0
        self.best_loss, self.best = float("inf"), None
        self.sums: list[Terms] = [{} for _ in self.players]
        self.history: list[dict] = []
        self.epoch_start = self.generator.get_state()
        self.saved_at = time.monotonic()
        self._resume()

    def _hold_out(self, group: Rows) -> tuple[Rows, Rows]:
        cells = len(group)
        # A group of a few cells cannot spare one for validation.
        held = int(self.budget.validation * cells) if cells >= 10 else 0
        order = torch.randperm(cells, generator=self.generator)
        places = (order[held:].sort()[0], order[:held].sort()[0])
        return tuple(group.pick(part.to(group.rows.device)) for part in places)

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
        return self.epoch >= self.epochs or (patience is not None and self.waited >= patience)

    def _run_epoch(self, stopped: threading.Event) -> None:
        self.network.train()
        orders = self._orders()
        while self.step < self.steps:
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
        row = {"epoch": self.epoch + 1}
        for player, sums in zip(self.players, self.sums, strict=True):
            row |= {f"{player.name}_{name}": float(value) / self.steps for name, value in sums.items()}
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
        return "validation_loss" if min(map(len, self.validation)) else f"{self.players[0].name}_loss"

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        """Return the first player's terms on the held-out cells, averaged over equally many cells of each group."""
        cells = min(map(len, self.validation))
        if not cells:
            return {}
        self.network.eval()
        sums: dict[str, float] = {}
        for start in range(0, cells, self.budget.validation_chunk):
            rows = slice(start, min(start + self.budget.validation_chunk, cells))
            batches = [group.batch(group.rows[rows]) for group in self.validation]
            for name, value in self.players[0].terms(batches).items():
                sums[name] = sums.get(name, 0.0) + float(value) * (rows.stop - rows.start) / cells
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
        """Write the checkpoint, under a temporary name first: a kill leaves the last one whole."""
        self.saved_at = time.monotonic()
        if self.run.checkpoint is None:
            return
        content = {
            "fingerprint": self.run.fingerprint,
            "network": self.network.state_dict(),
            "optimizers": [player.optimizer.state_dict() for player in self.players],
            "numbers": [self.epoch, self.step, self.waited, self.best_loss],
            "best": self.best,
            "sums": self.sums,
            "history": self.history,
            "epoch_start": self.epoch_start,
            "random": torch.get_rng_state(),
            "cuda_random": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }
        with replacing(self.run.checkpoint) as temporary:
            torch.save(content, temporary)

    def _resume(self) -> None:
        path = self.run.checkpoint
        if path is None or not Path(path).is_file():
            return
        content = _read_checkpoint(Path(path), self.run.fingerprint)
        if content is None:
            return
        self.network.load_state_dict(content["network"])
        for player, state in zip(self.players, content["optimizers"], strict=True):
            player.optimizer.load_state_dict(state)
        self.epoch, self.step, self.waited, self.best_loss = content["numbers"]
        self.best, self.sums, self.history = content["best"], content["sums"], content["history"]
        self.epoch_start = content["epoch_start"]
        self.generator.set_state(self.epoch_start)
        torch.set_rng_state(content["random"])
        if content["cuda_random"]:
            torch.cuda.set_rng_state_all(content["cuda_random"])
        print(f"Resumed from {path}: epoch {self.epoch + 1}, step {self.step}.", file=sys.stderr)


def _read_checkpoint(path: Path, fingerprint: str) -> dict | None:
    """Return the content of a checkpoint, or None, with a line in the log, where it is damaged or stale."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        content = torch.load(path, map_location=device, weights_only=True)
        stale = content["fingerprint"] != fingerprint
    except Exception as error:
        print(f"Ignored the checkpoint {path}, which cannot be read: {error}", file=sys.stderr)
        return None
    if stale:
        print(f"Ignored the checkpoint {path}: data, settings or code have changed since.", file=sys.stderr)
        return None
    for name in ("epoch_start", "random"):
        content[name] = content[name].cpu()
    content["cuda_random"] = [state.cpu() for state in content["cuda_random"]]
    return content


class _stop_on_sigterm:
    """Within the block, SIGTERM sets the event that the loop looks at, instead of ending the process."""

    def __enter__(self) -> threading.Event:
        self.event = threading.Event()
        # Python allows signal handlers in the main thread alone; elsewhere SIGTERM keeps its meaning.
        self.main = threading.current_thread() is threading.main_thread()
        if self.main:
            self.before = signal.signal(signal.SIGTERM, lambda *_: self.event.set())
        return self.event

    def __exit__(self, *_) -> None:
        if self.main:
            signal.signal(signal.SIGTERM, self.before)


def _all_rows(group: Batch) -> Rows:
    values = next(iter(group.values()))
    return Rows(group, torch.arange(len(values), device=values.device))
