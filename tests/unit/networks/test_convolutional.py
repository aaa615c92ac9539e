"""Convolutional autoencoder and GAN: layers and rows."""

import numpy as np
import pytest
import torch

from outofsample.networks import convolutional as conv
from tests.unit.networks.conftest import layer_shapes


@pytest.mark.parametrize(
    ("shape", "maps"), [((64, 64, 3), [32, 16, 8]), ((32, 32, 3), [16, 8, 4]), ((28, 28, 1), [14, 7, 3])], ids=str
)
def test_layers_of_the_autoencoder(shape, maps):
    network = conv.ConvolutionalAutoencoder(shape, (64, 128, 256), 0.2)
    shapes = layer_shapes(network, torch.rand(2, int(np.prod(shape))))
    assert [shapes[f"encoder.{number}"] for number in (0, 2, 4)] == [
        (side, side, width) for side, width in zip(maps, (64, 128, 256), strict=True)
    ]
    assert [shapes[f"decoder.{number}"] for number in (0, 2, 4)] == [
        (maps[1], maps[1], 128),
        (maps[0], maps[0], 64),
        shape,
    ]
    assert network.latent_shape == (maps[2], maps[2], 256)


def test_rows_are_height_width_channels():
    rows = torch.arange(2 * 4 * 5 * 3).reshape(2, -1)
    maps = conv.as_maps(rows, (4, 5, 3))
    assert maps.shape == (2, 3, 4, 5) and maps.is_contiguous(memory_format=torch.channels_last)
    assert maps[1, 2, 3, 1] == rows[1, (3 * 5 + 1) * 3 + 2]
    assert torch.equal(conv.as_rows(maps), rows)


def test_residual_generator_starts_as_the_identity():
    x = torch.rand(3, 192)
    assert torch.equal(conv.generator((8, 8, 3), (4, 8), residual=True)(x), x)
