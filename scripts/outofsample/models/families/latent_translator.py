"""What the maps of optimal transport share: S is moved onto T in a space of fewer dimensions."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from outofsample.arrays import TrainingData
from outofsample.models.families.base import IMAGES_AT_ONCE, Representation
from outofsample.models.families.neural import NetworkSettings
from outofsample.models.families.translator import Translator
from outofsample.training.run import Run

SPACES = ("pca", "autoencoder", "identity")
#: Cells that are encoded at once; bounds the memory.
CELLS_AT_ONCE = 16_384


@dataclass(frozen=True)
class LatentTranslatorSettings(NetworkSettings):
    """Hyper-parameters of a map between two populations in a space of fewer dimensions.

    Attributes
    ----------
    patience
        None by default: none of the losses says when to stop.
    space
        Where cells are moved: ``pca``, ``autoencoder`` (that of Neuron Editing, trained first) or ``identity``, the
        features themselves.
    space_options
        Settings of that representation, as ``{components: 50}``.
    """

    patience: int | None = None
    space: str = "pca"
    space_options: dict[str, Any] | None = None

    def __post_init__(self):
        super().__post_init__()
        self.require_word("space", *SPACES)
        try:
            representation(self.space, self.space_options)
        except TypeError as error:
            raise ValueError(f"space_options of '{self.space}': {error}") from error


def representation(space: str, options: dict[str, Any] | None) -> Representation:
    """Return the space that cells are moved in, not yet fitted."""
    if space == "pca":
        from outofsample.models import pca as chosen
    elif space == "autoencoder":
        from outofsample.models import autoencoder as chosen
    else:
        from outofsample.models import identity as chosen
    return chosen.Model(chosen.Model.Settings(**(options or {})))


class LatentTranslator(Translator):
    """One network for each change, trained on the latent values of S and T; the space is fitted to S, T and X."""

    Settings = LatentTranslatorSettings

    def fit(self, data: TrainingData, seed: int = 0, run: Run = Run()) -> "LatentTranslator":
        checkpoint = run.checkpoint and run.checkpoint.with_name(f"{run.checkpoint.stem}_space{run.checkpoint.suffix}")
        self.space = representation(self.settings.space, self.settings.space_options)
        self.space.fit(data, seed, replace(run, checkpoint=checkpoint))
        cells = np.isin(data.role, ("source", "target", "query"))
        chosen = replace(data, counts=None).take(cells)
        latent = self._encode_all(chosen.X)
        units = tuple(f"unit{number}" for number in range(latent.shape[1]))
        moved = replace(chosen, X=latent, features=units, image_shape=None)
        self.prepare(moved)
        super().fit(moved, seed, run)
        self.history = [*({"change": "space", **row} for row in self.space.history), *self.history]
        return self

    def prepare(self, data: TrainingData) -> None:
        """Learn from the latent values of S, T and X what is the same for all changes: centre and spread (units,).

        The spread is one number for all units, so that distances keep their proportions, but where features are to be
        standardised.
        """
        self.centre = data.X.mean(axis=0)
        spread = data.X.std(axis=0)
        if not self.settings.standardize:
            spread = np.full(len(spread), np.sqrt((spread**2).mean()))
        self.spread = np.where(spread > 0, spread, 1).astype(np.float32)

    def learn_scale(self, data: TrainingData) -> None:
        """Leave centre and spread as `prepare` learned them: the space is the same for each change."""

    def _encode_all(self, X: np.ndarray) -> np.ndarray:
        """Return latent values (cells, units) of cells (cells, features), image by image where they are images."""
        size = CELLS_AT_ONCE if X.dtype != np.uint8 else IMAGES_AT_ONCE
        parts = [self.space.encode(X[start : start + size]) for start in range(0, len(X), size)]
        return np.concatenate(parts).astype(np.float32)

    def translate(self, X: np.ndarray, source: str, target: str, domain: str | None = None) -> np.ndarray:
        """Return latent values (cells, units) of condition ``source`` as they are in ``target``.

        The domain is for maps that differ between domains.
        """
        return super().translate(X, source, target)

    def encode(self, X: np.ndarray) -> np.ndarray:
        """Return latent values (cells, units) of cells (cells, features)."""
        return self.space.encode(X)

    def decode(self, Z: np.ndarray) -> np.ndarray:
        """Return cells (cells, features) of latent values (cells, units)."""
        return self.space.decode(Z)

    def state(self) -> dict:
        return {**super().state(), "space": self.space.state()}

    def load_state(self, state: dict) -> "LatentTranslator":
        self.space = representation(self.settings.space, self.settings.space_options)
        self.space.load_state(state["space"])
        return super().load_state(state)
