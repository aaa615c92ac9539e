"""Fully connected networks of the Neuron Editing papers."""

from collections.abc import Sequence
from itertools import pairwise

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
