"""Fully connected networks of the Neuron Editing papers."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


def dense_stack(widths: Sequence[int], leak: float, last_active: bool) -> nn.Sequential:
    """Return linear layers of these widths with leaky ReLU in between, and after the last where asked."""
    layers: list[nn.Module] = []
    for position, (before, after) in enumerate(pairwise(widths)):
        layers.append(nn.Linear(before, after))
        if last_active or position < len(widths) - 2:
            layers.append(nn.LeakyReLU(leak))
    return nn.Sequential(*layers)


class DenseAutoencoder(nn.Module):
    """Autoencoder features-hidden-latent-hidden-features with leaky ReLU and a linear output.

    Neuron Editing, Section 3: 500-250-50-250-500, leak 0.2. The latent layer is active too: the papers edit
    activations. ``encode`` stops before that activation where ``before_activation`` is set, and ``decode`` then
    begins with it.
    """

    def __init__(self, features: int, hidden: Sequence[int], latent: int, leak: float, before_activation: bool = False):
        super().__init__()
        self.before_activation = before_activation
        self.encoder = dense_stack([features, *hidden, latent], leak, last_active=False)
        self.activation = nn.LeakyReLU(leak)
        self.decoder = dense_stack([latent, *reversed(hidden), features], leak, last_active=False)

    def encode(self, x: Tensor) -> Tensor:
        """Return the activations (cells, latent) that are edited, for data (cells, features)."""
        latent = self.encoder(x)
        return latent if self.before_activation else self.activation(latent)

    def decode(self, z: Tensor) -> Tensor:
        """Return data (cells, features) for activations (cells, latent) as `encode` gives them."""
        return self.decoder(self.activation(z) if self.before_activation else z)

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction (cells, features)."""
        return self.decode(self.encode(x))


class ConditionalAutoencoder(nn.Module):
    """Autoencoder that is told the condition at encoder and decoder; with ``conditions`` 0 it knows none.

    trVAE, Table 9: 512 (batch norm)-256-128-20-128-256-512, leaky ReLU 0.2. The output is linear: a ReLU, as printed,
    cannot give the negative values that transformed cytometry data have.
    """

    def __init__(self, features: int, conditions: int, hidden: Sequence[int], latent: int, leak: float):
        super().__init__()
        self.conditions = conditions
        self.first = nn.Sequential(
            nn.Linear(features + conditions, hidden[0]), nn.BatchNorm1d(hidden[0]), nn.LeakyReLU(leak)
        )
        self.encoder = dense_stack([*hidden, latent], leak, last_active=True)
        self.decoder = dense_stack([latent + conditions, *reversed(hidden), features], leak, last_active=False)

    def _with_condition(self, x: Tensor, condition: Tensor) -> Tensor:
        if not self.conditions:
            return x
        return torch.cat([x, nn.functional.one_hot(condition, self.conditions).to(x.dtype)], 1)

    def encode(self, x: Tensor, condition: Tensor) -> Tensor:
        """Return the bottleneck (cells, latent) of data (cells, features)."""
        return self.encoder(self.first(self._with_condition(x, condition)))

    def decode(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return data (cells, features) for bottleneck activations (cells, latent)."""
        return self.decoder(self._with_condition(z, condition))
