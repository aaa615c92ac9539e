"""Convolutional networks for images, behind the interface of the fully connected ones: autoencoder and GAN.

Every network here takes and returns images as flattened rows (images, height x width x channels), channels last as in
`outofsample.arrays.TrainingData`. Inside, such a row is a feature map in torch's memory format ``channels_last``
without a copy.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from outofsample.errors import UserError
from outofsample.networks.adversarial import Residual
from outofsample.networks.dropout import Dropout

#: (height, width, channels) of an image or of a feature map.
Shape = tuple[int, int, int]


def as_maps(rows: Tensor, shape: Sequence[int]) -> Tensor:
    """Return feature maps (images, channels, height, width) of flattened rows (images, height x width x channels)."""
    return rows.reshape(len(rows), *shape).permute(0, 3, 1, 2)


def as_rows(maps: Tensor) -> Tensor:
    """Undo `as_maps`."""
    return maps.permute(0, 2, 3, 1).reshape(len(maps), -1)


class OnRows(nn.Module):
    """A network on feature maps, for flattened images (images, height x width x channels)."""

    def __init__(self, shape: Shape, inner: nn.Module):
        super().__init__()
        self.shape, self.inner = shape, inner.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """Return flattened images, or what the network makes of each image (images, outputs)."""
        output = self.inner(as_maps(x, self.shape))
        return as_rows(output) if output.ndim == 4 else output


def sizes_downwards(shape: Shape, filters: Sequence[int]) -> list[tuple[int, int]]:
    """Return (height, width) before and after each layer of stride two.

    Raises
    ------
    UserError
        If an image is too small to be halved so often.
    """
    height, width, _ = shape
    sizes = [(height >> step, width >> step) for step in range(len(filters) + 1)]
    if 0 in sizes[-1]:
        least = 1 << len(filters)
        raise UserError(
            f"Images of {height} x {width} pixels cannot be halved {len(filters)} times, once for each of the "
            f"'filters' {list(filters)}: use images of {least} x {least} pixels or more, or list fewer filters."
        )
    return sizes


def downwards(shape: Shape, filters: Sequence[int]) -> list[nn.Module]:
    """Return convolutions of size four and stride two: height and width are halved by each."""
    sizes_downwards(shape, filters)
    return [nn.Conv2d(before, after, 4, 2, 1) for before, after in pairwise([shape[2], *filters])]


def upwards(shape: Shape, filters: Sequence[int]) -> list[nn.Module]:
    """Return the transposed convolutions that mirror `downwards`, to images of ``shape``."""
    sizes = list(reversed(sizes_downwards(shape, filters)[:-1]))
    channels = pairwise([*reversed(filters), shape[2]])
    # Halving an odd side loses a row, which the padding of the output gives back.
    return [
        nn.ConvTranspose2d(before, after, 4, 2, 1, output_padding=(height % 2, width % 2))
        for (before, after), (height, width) in zip(channels, sizes, strict=True)
    ]


def between(
    convolutions: Sequence[nn.Module], leak: float, dropout: float = 0.0, batch_norm: bool = False
) -> list[nn.Module]:
    """Return these layers with batch norm, leaky ReLU and dropout between them as asked for; none after the last."""
    modules: list[nn.Module] = []
    for convolution in convolutions[:-1]:
        modules.append(convolution)
        if batch_norm:
            modules.append(nn.BatchNorm2d(convolution.out_channels))
        modules.append(nn.LeakyReLU(leak))
        if dropout:
            modules.append(Dropout(dropout))
    return [*modules, convolutions[-1]]


class ConvolutionalAutoencoder(nn.Module):
    """Autoencoder of filters 64-128-256-128-64, of size four and stride two (Neuron Editing, Section 3).

    Layers for images of 64 x 64 x 3 and ``filters`` (64, 128, 256), with leaky ReLU and a linear output:

    =================== ============ ============
    layer               input        output
    =================== ============ ============
    convolution 1       64 x 64 x 3  32 x 32 x 64
    convolution 2       32 x 32 x 64 16 x 16 x 128
    convolution 3       16 x 16 x 128 8 x 8 x 256
    transposed 1        8 x 8 x 256  16 x 16 x 128
    transposed 2        16 x 16 x 128 32 x 32 x 64
    transposed 3        32 x 32 x 64 64 x 64 x 3
    =================== ============ ============

    The edited layer is the feature map in the middle, ``latent_shape`` (height, width, channels), which `encode` gives
    as flattened rows. Sides that are not divisible by eight are rounded down on the way: 28 - 14 - 7 - 3.
    """

    def __init__(self, shape: Shape, filters: Sequence[int], leak: float, before_activation: bool = False):
        super().__init__()
        self.shape, self.before_activation = shape, before_activation
        self.latent_shape = (*sizes_downwards(shape, filters)[-1], filters[-1])
        self.encoder = nn.Sequential(*between(downwards(shape, filters), leak))
        self.activation = nn.LeakyReLU(leak)
        self.decoder = nn.Sequential(*between(upwards(shape, filters), leak))
        self.to(memory_format=torch.channels_last)

    def encode(self, x: Tensor) -> Tensor:
        """Return the activations (images, units of `latent_shape`) that are edited, for flattened images."""
        latent = self.encoder(as_maps(x, self.shape))
        return as_rows(latent if self.before_activation else self.activation(latent))

    def decode(self, z: Tensor) -> Tensor:
        """Return flattened images for activations as `encode` gives them."""
        latent = as_maps(z, self.latent_shape)
        return as_rows(self.decoder(self.activation(latent) if self.before_activation else latent))

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction (images, height x width x channels)."""
        return self.decode(self.encode(x))


def generator(shape: Shape, filters: Sequence[int], residual: bool = False, leak: float = 0.2, **style) -> nn.Module:
    """Return a network from flattened images in [-1, 1] to images, with the layers of `ConvolutionalAutoencoder`.

    It ends in a hyperbolic tangent, the range of images (Radford et al. 2015); with ``residual`` it is x + G(x), and
    G is linear at its end. ``style`` holds ``dropout`` and ``batch_norm`` of the hidden layers.
    """
    inner = nn.Sequential(*between([*downwards(shape, filters), *upwards(shape, filters)], leak, **style))
    return OnRows(shape, Residual(inner) if residual else inner.append(nn.Tanh()))


def discriminator(
    shape: Shape,
    filters: Sequence[int],
    leak: float,
    dropout: float = 0.0,
    batch_norm: bool = False,
    ends_normed: bool = False,
) -> nn.Module:
    """Return a network from flattened images to one logit (images, 1): strided convolutions, then a linear layer.

    ``ends_normed`` puts batch norm and dropout after the logit, as in `outofsample.networks.adversarial.layers`.
    """
    convolutions = downwards(shape, filters)
    height, width = sizes_downwards(shape, filters)[-1]
    hidden = between([*convolutions, nn.Flatten()], leak, dropout, batch_norm)
    ending = [nn.BatchNorm1d(1), Dropout(dropout)] if ends_normed else []
    return OnRows(shape, nn.Sequential(*hidden, nn.Linear(height * width * filters[-1], 1), *ending))
