"""The latent additive network: a code of the cell, plus one of what is done to it."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from outofsample.networks.dropout import Dropout


def normed_stack(widths: Sequence[int], dropout: float) -> list[nn.Module]:
    """Return linear layers of these widths with layer norm, ReLU and dropout behind each."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.LayerNorm(after), nn.ReLU(), Dropout(dropout)]
    return layers


class AdditiveNetwork(nn.Module):
    """decoder( encoder(cell) + effect(target) - effect(source) ).

    The effect of a condition is a vector, which is all that an encoder of its number could give. It starts at zero.

    Parameters
    ----------
    features, conditions
        Features of a cell; how many conditions there are.
    hidden, latent
        Widths of the encoder's hidden layers (the decoder mirrors them) and of the code.
    dropout
        Share of dropout behind each hidden layer.
    nonnegative
        Whether the output ends in a softplus.
    """

    def __init__(
        self, features: int, conditions: int, hidden: Sequence[int], latent: int, dropout: float, nonnegative: bool
    ):
        super().__init__()
        self.encoder = nn.Sequential(*normed_stack([features, *hidden], dropout), nn.Linear(hidden[-1], latent))
        self.effect = nn.Parameter(torch.zeros(conditions, latent))
        upwards = list(reversed(hidden))
        self.decoder = nn.Sequential(*normed_stack([latent, *upwards], dropout), nn.Linear(upwards[-1], features))
        self.nonnegative = nonnegative

    def decode(self, z: Tensor) -> Tensor:
        """Return cells (cells, features) for codes (cells, latent)."""
        x = self.decoder(z)
        return nn.functional.softplus(x) if self.nonnegative else x

    def forward(self, x: Tensor, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return cells (cells, features) as in their target condition, and their codes (cells, latent) there.

        ``source`` and ``target`` are numbers of conditions (cells,).
        """
        z = self.encoder(x) + self.effect[target] - self.effect[source]
        return self.decode(z), z
