"""The interface of every model, and what all of them need."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from outofsample.arrays import TrainingData
from outofsample.training.run import Run

#: Images that go through a network at once where no gradient is needed; bounds the memory.
IMAGES_AT_ONCE = 256


@dataclass(frozen=True)
class NoSettings:
    """A model without hyper-parameters."""


@dataclass
class Model:
    """Something fitted on the training part of a task; one fit serves every method that names it.

    Subclasses set ``Settings`` (a frozen dataclass of hyper-parameters), and `data`, the kinds of data they take.
    ``trains`` is False where fitting takes less time than starting a job: then the job that transforms fits too.
    ``stochastic`` is False where the seed changes nothing; ``uses_counts`` is False where counts are never looked at: a
    training then does without them, which take as much memory as the values.
    """

    settings: object
    history: list[dict] = field(default_factory=list, init=False, repr=False)

    Settings: ClassVar[type] = NoSettings
    data: ClassVar[frozenset[str]] = frozenset({"tabular", "images"})
    trains: ClassVar[bool] = True
    stochastic: ClassVar[bool] = True
    uses_counts: ClassVar[bool] = True

    def fit(self, data: TrainingData, seed: int = 0, run: Run = Run()) -> "Model":
        """Fit to all cells in ``data`` and return self; ``history`` then holds a row per epoch."""
        raise NotImplementedError

    def state(self) -> dict:
        """Return what `load_state` needs: arrays, tensors, numbers and strings in dictionaries and lists."""
        raise NotImplementedError

    def load_state(self, state: dict) -> "Model":
        """Take over a fitted state and return self."""
        raise NotImplementedError

    def as_tensors(self) -> dict:
        """Return the state with tensors in place of arrays: what torch loads without pickled code."""
        return as_tensors(self.state())

    def from_tensors(self, state: dict) -> "Model":
        """Take over what `as_tensors` gave, and return self."""
        return self.load_state(as_arrays(state))


class Representation(Model):
    """A model with a space to edit: ``encode`` into it, ``decode`` out of it.

    ``condition`` is the name of the condition that the cells are in (for `encode`) or are wanted in (for `decode`);
    representations that know no conditions ignore it.
    """

    @property
    def latent_shape(self) -> tuple[int, int, int] | None:
        """(height, width, channels) where the units are those of a feature map, flattened; else None."""
        return None

    def encode(self, X: np.ndarray, condition: str | None = None) -> np.ndarray:
        """Return latent activations (cells, units) float32 of ``X`` (cells, features)."""
        raise NotImplementedError

    def decode(self, Z: np.ndarray, condition: str | None = None) -> np.ndarray:
        """Return data (cells, features) float32 from latent activations (cells, units)."""
        raise NotImplementedError


def as_tensors(state):
    """Replace numpy arrays in nested dictionaries and lists by tensors, which torch loads without pickled code."""
    import torch

    if isinstance(state, dict):
        return {key: as_tensors(value) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return [as_tensors(value) for value in state]
    return torch.from_numpy(np.array(state)) if isinstance(state, np.ndarray) else state


def as_arrays(state):
    """Undo `as_tensors`."""
    if isinstance(state, dict):
        return {key: as_arrays(value) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return [as_arrays(value) for value in state]
    return state.numpy() if hasattr(state, "numpy") else state
