"""The mean shift: the papers' constant shift, and scGen's latent arithmetic."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from outofsample.edits.support import base


@dataclass
class Edit(base.Edit):
    """Add mean(T) - mean(S) to each unit: the papers' constant shift, and scGen's latent arithmetic."""

    fitted: ClassVar[tuple[str, ...]] = ("shift",)

    def learn(self, source: np.ndarray, target: np.ndarray) -> None:
        self.shift = target.mean(axis=0, dtype=np.float64) - source.mean(axis=0, dtype=np.float64)

    def apply(self, query: np.ndarray) -> np.ndarray:
        return query + self.shift
