"""Generators and discriminators for tables (Neuron Editing, Section 3; trVAE, appendix Table 7)."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from outofsample.networks.dense import dense_stack


class Generator(nn.Module):
    """Maps cells (cells, features) to cells: features-widths-features, linear output.

    With ``residual`` it returns x + G(x); the last layer then starts at zero, so that training starts at the identity.
    """

    def __init__(self, features: int, widths: Sequence[int], leak: float, residual: bool = False):
        super().__init__()
        self.residual = residual
        self.layers = dense_stack([features, *widths, features], leak, last_active=False)
        if residual:
            nn.init.zeros_(self.layers[-1].weight)
            nn.init.zeros_(self.layers[-1].bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the translated cells."""
        return x + self.layers(x) if self.residual else self.layers(x)


def discriminator(features: int, widths: Sequence[int], leak: float) -> nn.Sequential:
    """Return a network from cells (cells, features) to one logit (cells, 1): features-widths-1."""
    return dense_stack([features, *widths, 1], leak, last_active=False)


class StyleTransferBlocks(nn.Sequential):
    """Linear, batch norm, leaky ReLU, dropout, as Table 7 lists them; ``ends_normed`` normalises the last layer too.

    The published style transfer network ends its discriminator in batch norm and dropout, which hides from it how
    real a batch is as a whole; `Model` uses that in the variant ``as_published`` alone.
    """

    def __init__(self, widths: Sequence[int], leak: float, dropout: float, ends_normed: bool):
        layers: list[nn.Module] = []
        for position, (before, after) in enumerate(pairwise(widths)):
            last = position == len(widths) - 2
            layers.append(nn.Linear(before, after))
            if not last:
                layers += [nn.BatchNorm1d(after), nn.LeakyReLU(leak), nn.Dropout(dropout)]
            elif ends_normed:
                layers += [nn.BatchNorm1d(after), nn.Dropout(dropout)]
        super().__init__(*layers)
