"""The median shift."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from outofsample.edits.support import base


@dataclass
class Edit(base.Edit):
    """Add median(T) - median(S) to each unit."""

    fitted: ClassVar[tuple[str, ...]] = ("shift",)

    def learn(self, source: np.ndarray, target: np.ndarray) -> None:
        # In float64: the mean of the two middle values of float32 extremes would overflow.
        target, source = (np.median(values.astype(np.float64), axis=0) for values in (target, source))
        self.shift = target - source

    def apply(self, query: np.ndarray) -> np.ndarray:
        return query + self.shift
