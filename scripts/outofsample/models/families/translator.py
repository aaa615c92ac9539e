"""What the generative adversarial networks share: one network for each change (from, to) that a task asks for."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from outofsample.arrays import TrainingData
from outofsample.models.families.base import IMAGES_AT_ONCE
from outofsample.models.families.neural import NetworkSettings, NeuralModel
from outofsample.training.run import Run

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class TranslatorSettings(NetworkSettings):
    """Hyper-parameters of a generative adversarial network on S and T.

    Attributes
    ----------
    patience
        None by default: no loss of an adversarial training says when to stop.
    widths, discriminator_widths, leak
        Hidden widths of generator and discriminator, and the leaky ReLU's leak.
    beta1
        Adam's first decay rate.
    filters
        Filter numbers of the strided convolutions for images, of the discriminator and of the generator, which
        mirrors them; ``widths`` and ``discriminator_widths`` are for tables alone.
    """

    patience: int | None = None
    widths: tuple[int, ...] = (500, 250, 50, 250, 500)
    discriminator_widths: tuple[int, ...] = (500, 250, 50)
    leak: float = 0.2
    beta1: float = 0.5
    filters: tuple[int, ...] = (64, 128, 256)

    def __post_init__(self):
        super().__post_init__()
        self.require_widths("widths", "discriminator_widths", "filters")
        self.require_share("beta1")


class Learned(NamedTuple):
    """What was learned of one change: its network, and centre and spread (features,) of the scale that it works on."""

    network: "torch.nn.Module"
    centre: np.ndarray
    spread: np.ndarray


class Translator(NeuralModel):
    """Generators that learn to turn S into cells that look like T; they know nothing of the query.

    ``changes`` holds what was `Learned` of each (source, target).
    """

    Settings = TranslatorSettings
    data = frozenset({"tabular", "images"})
    roles = ("source", "target")

    def fit(self, data: TrainingData, seed: int = 0, run: Run = Run()) -> "Translator":
        self.changes: dict[tuple[str, str], Learned] = {}
        history = []
        for query in data.queries:
            change = (query.source, query.target)
            if change in self.changes:
                continue
            cells = data.is_source(query) | data.is_target(query)
            role = np.where(data.is_source(query)[cells], "source", "target")
            # Counts are of no use to a generator, and need not be copied.
            pair = replace(replace(data, counts=None).take(cells), role=role)
            super().fit(pair, seed, replace(run, checkpoint=_for_change(run.checkpoint, len(self.changes))))
            self.changes[change] = Learned(self.network, self.centre, self.spread)
            history += [{"change": " -> ".join(change), **row} for row in self.history]
            self.report_collapse(pair, change)
        self.history = history
        return self

    def generator(self, features: int, residual: bool = False, **style):
        """Return an untrained generator for so many features, or for images of `image_shape`."""
        from outofsample.networks import adversarial, convolutional

        if self.image_shape is not None:
            return convolutional.generator(self.image_shape, self.settings.filters, residual, **style)
        return adversarial.generator(features, self.settings.widths, residual, **style)

    def discriminator(self, features: int, **style):
        """Return an untrained discriminator for so many features, or for images of `image_shape`."""
        from outofsample.networks import adversarial, convolutional

        if self.image_shape is not None:
            return convolutional.discriminator(self.image_shape, self.settings.filters, **style)
        return adversarial.discriminator(features, self.settings.discriminator_widths, **style)

    def report_collapse(self, data: TrainingData, change: tuple[str, str]) -> None:
        """Print a line where the generator makes nearly one cell of all source cells, or the discriminator has won."""
        shown = None if data.image_shape is None else IMAGES_AT_ONCE
        source, target = (data.X[np.flatnonzero(data.role == role)[:shown]] for role in ("source", "target"))
        spread, wanted = self.translate(source, *change).std(axis=0).sum(), target.std(axis=0).sum()
        if spread < 0.1 * wanted:
            share = spread / wanted
            print(f"Mode collapse: the generator's cells have {share:.1%} of the target's spread.", flush=True)
        for name, loss in self.history[-1].items():
            if name.startswith("discriminator") and name.endswith("_loss") and loss < 1e-3:
                print(
                    f"The discriminator has won ({name} is {loss:.2g}): the generator learns nothing more.", flush=True
                )

    def take_up(self, source: str, target: str) -> None:
        """Make network and scale those of a change; without `standardize` all changes have one scale."""
        self.network, self.centre, self.spread = self.changes[source, target]

    def translate(self, X: np.ndarray, source: str, target: str) -> np.ndarray:
        """Return cells (cells, features) of condition ``source`` as the generator draws them in ``target``."""
        self.take_up(source, target)
        return self.unscaled(self.apply(self.network["to_target"], self.scaled(X)))

    def state(self) -> dict:
        states = []
        for change in self.changes:
            self.take_up(*change)
            states.append([*change, super().state()])
        return {"changes": states}

    def load_state(self, state: dict) -> "Translator":
        self.changes = {}
        for source, target, content in state["changes"]:
            super().load_state(content)
            self.changes[source, target] = Learned(self.network, self.centre, self.spread)
        return self


def _for_change(checkpoint: Path | None, number: int) -> Path | None:
    """Return the checkpoint file of the change with this number."""
    if checkpoint is None or number == 0:
        return checkpoint
    return checkpoint.with_name(f"{checkpoint.stem}_change_{number}{checkpoint.suffix}")
