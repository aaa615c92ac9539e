"""Input-convex networks (Amos et al. 2017), and the maps that are their gradients."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

#: Its softplus is 1: the quadratic term starts as half the squared norm.
ONE = 0.5413248546129181


class ConvexNetwork(nn.Module):
    """A function of a cell that is convex in it while no weight on a hidden layer is negative.

    z1 = s(A0 x)^2, z(l+1) = s(W(l) z(l) + A(l) x), value = w z + a x + sum of q x^2 / 2, with leaky ReLU s and q > 0:
    CellOT's network, and the quadratic term by which its gradient starts near the identity (Bunne et al. 2022,
    'Supervised training of conditional Monge maps').

    Parameters
    ----------
    units
        Coordinates of a cell.
    widths
        Hidden widths.
    leak
        Leak of the ReLU.
    """

    def __init__(self, units: int, widths: Sequence[int], leak: float):
        super().__init__()
        self.activation = nn.LeakyReLU(leak)
        self.from_cell = nn.ModuleList(nn.Linear(units, width) for width in [*widths, 1])
        self.from_hidden = nn.ModuleList(nn.Linear(a, b, bias=False) for a, b in pairwise([*widths, 1]))
        for number, layer in enumerate(self.from_hidden):
            last = number == len(widths) - 1
            nn.init.uniform_(layer.weight, 0, (0.02 if last else 2) / layer.in_features)
        nn.init.zeros_(self.from_cell[-1].weight)
        nn.init.zeros_(self.from_cell[-1].bias)
        self.curvature = nn.Parameter(torch.full((units,), ONE))

    def forward(self, x: Tensor) -> Tensor:
        """Return the value (cells,) of cells (cells, units)."""
        hidden = self.activation(self.from_cell[0](x)) ** 2
        for weights, direct in zip(self.from_hidden[:-1], self.from_cell[1:-1], strict=True):
            hidden = self.activation(weights(hidden) + direct(x))
        value = (self.from_hidden[-1](hidden) + self.from_cell[-1](x)).squeeze(1)
        return value + 0.5 * (nn.functional.softplus(self.curvature) * x * x).sum(1)

    def negative(self) -> Tensor:
        """Return the sum over layers of the norm of the negative weights: 0 where the function is convex."""
        return sum(nn.functional.relu(-layer.weight).norm() for layer in self.from_hidden)

    @torch.no_grad()
    def make_convex(self) -> None:
        """Set negative weights to zero."""
        for layer in self.from_hidden:
            layer.weight.clamp_min_(0)


class Shifted(nn.Module):
    """A map between centred populations, for populations as they are: m(x - before) + after.

    For squared distances the optimal map is the difference of means and the optimal map of what is centred.
    """

    def __init__(self, inner: nn.Module, units: int):
        super().__init__()
        self.inner = inner
        self.register_buffer("before", torch.zeros(units))
        self.register_buffer("after", torch.zeros(units))

    def forward(self, x: Tensor) -> Tensor:
        """Return the mapped cells (cells, units)."""
        return self.inner(x - self.before) + self.after


class GradientMap(nn.Module):
    """Cells to the gradient of a convex function there: what an optimal map between two populations is (Brenier)."""

    def __init__(self, potential: ConvexNetwork):
        super().__init__()
        self.potential = potential

    def forward(self, x: Tensor) -> Tensor:
        """Return the mapped cells (cells, units); weights can be learned from them where gradients are wanted."""
        wanted = torch.is_grad_enabled()
        with torch.enable_grad():
            place = x.detach().requires_grad_()
            value = self.potential(place).sum()
            return torch.autograd.grad(value, place, create_graph=wanted)[0]
