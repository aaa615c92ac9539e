"""A velocity field that carries cells from one population to another, and its integration over time."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class Flow(nn.Module):
    """Cells (cells, units) at time 0 to cells at time 1 along dz/dt = v(z, t, context).

    v is a fully connected network with SELU in between, as torchcfm's for single cells; its last layer starts at zero,
    so that nothing moves before the training.

    Parameters
    ----------
    units
        Coordinates of a cell.
    context
        Numbers that say which domain a cell is of; 0: the field knows none.
    widths
        Hidden widths.
    steps
        Steps of the classical Runge-Kutta rule (order 4) from time 0 to time 1.
    """

    def __init__(self, units: int, context: int, widths: Sequence[int], steps: int):
        super().__init__()
        self.steps = steps
        layers: list[nn.Module] = []
        for before, after in pairwise([units + 1 + context, *widths]):
            layers += [nn.Linear(before, after), nn.SELU()]
        last = nn.Linear(widths[-1], units)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(*layers, last)

    def velocity(self, z: Tensor, time: Tensor, context: Tensor | None = None) -> Tensor:
        """Return v (cells, units) for cells z (cells, units) at times (cells, 1), of a context (cells, numbers)."""
        parts = [z, time] if context is None else [z, time, context]
        return self.layers(torch.cat(parts, 1))

    def forward(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Return where cells z (cells, units) of time 0 are at time 1."""
        step = 1 / self.steps
        for number in range(self.steps):

            def speed(place: Tensor, share: float, start: float = number * step) -> Tensor:
                return self.velocity(place, place.new_full((len(place), 1), start + share * step), context)

            first = speed(z, 0.0)
            second = speed(z + step / 2 * first, 0.5)
            third = speed(z + step / 2 * second, 0.5)
            fourth = speed(z + step * third, 1.0)
            z = z + step / 6 * (first + 2 * second + 2 * third + fourth)
        return z
