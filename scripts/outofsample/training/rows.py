"""Groups of cells as tensors: what every step of a training draws its batches from."""

from dataclasses import dataclass

import torch
from torch import Tensor

Batch = dict[str, Tensor]


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


def all_rows(group: Batch) -> Rows:
    """Return all rows of a group's tensors (cells, ...)."""
    values = next(iter(group.values()))
    return Rows(group, torch.arange(len(values), device=values.device))
