"""Generators and discriminators for tables (Neuron Editing, Section 3; trVAE, appendix Table 7)."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from outofsample.networks.dropout import Dropout


def layers(
    widths: Sequence[int], leak: float, dropout: float = 0.0, batch_norm: bool = False, ends_normed: bool = False
) -> nn.Sequential:
    """Return linear layers of these widths, with batch norm, leaky ReLU and dropout in between as asked for.

    ``ends_normed`` puts batch norm and dropout after the last layer too, as the published style transfer GAN does to
    its discriminator; that hides from it how real a batch is as a whole.
    """
    modules: list[nn.Module] = []
    for position, (before, after) in enumerate(pairwise(widths)):
        last = position == len(widths) - 2
        modules.append(nn.Linear(before, after))
        if (batch_norm and not last) or (ends_normed and last):
            modules.append(nn.BatchNorm1d(after))
        if not last:
            modules.append(nn.LeakyReLU(leak))
        if dropout and (ends_normed or not last):
            modules.append(Dropout(dropout))
    return nn.Sequential(*modules)


class Residual(nn.Module):
    """x + G(x), where the last layer of G starts at zero: training starts at the identity."""

    def __init__(self, inner: nn.Sequential):
        super().__init__()
        self.inner = inner
        nn.init.zeros_(inner[-1].weight)
        nn.init.zeros_(inner[-1].bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the translated cells (cells, features)."""
        return x + self.inner(x)


def generator(features: int, widths: Sequence[int], residual: bool = False, **style) -> nn.Module:
    """Return a network from cells (cells, features) to cells: features-widths-features, linear output.

    ``style`` holds the options of `layers`.
    """
    inner = layers([features, *widths, features], **style)
    return Residual(inner) if residual else inner


def discriminator(features: int, widths: Sequence[int], **style) -> nn.Sequential:
    """Return a network from cells (cells, features) to one logit (cells, 1): features-widths-1."""
    return layers([features, *widths, 1], **style)


class ImagePool(nn.Module):
    """Past fakes: half of the cells that a discriminator is shown are old ones (Zhu et al. 2017, Section 4).

    The pool is part of the network's state, so that a resumed training goes on with the same bits.
    """

    def __init__(self, size: int, features: int):
        super().__init__()
        self.register_buffer("cells", torch.zeros(size, features))
        self.register_buffer("filled", torch.zeros((), dtype=torch.long))

    def forward(self, fakes: Tensor) -> Tensor:
        """Return as many cells (cells, features): new fakes, half of them exchanged for old ones once it is full."""
        if not self.training:
            return fakes
        size, filled = len(self.cells), int(self.filled)
        taken = min(size - filled, len(fakes))
        if taken:
            self.cells[filled : filled + taken] = fakes[:taken]
            self.filled += taken
            return fakes
        count = min(size, len(fakes) // 2)
        slots = torch.randperm(size)[:count].to(fakes.device)
        shown = fakes.clone()
        shown[:count] = self.cells[slots]
        self.cells[slots] = fakes[:count].to(self.cells.dtype)
        return shown
