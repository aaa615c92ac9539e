"""trVAE's networks for images have the layers of the appendix's tables."""

import numpy as np
import pytest
import torch

from outofsample.networks.digit_vae import DigitVAE
from outofsample.networks.face_vae import FaceVAE
from outofsample.networks.image_networks import image_vae
from tests.unit.networks.conftest import layer_shapes


def vae_shapes(kind: type, shape: tuple[int, int, int], **options) -> dict[str, tuple[int, ...]]:
    network = kind(shape, 2, **options)
    return layer_shapes(network, torch.rand(2, int(np.prod(shape))), torch.tensor([0, 1]))


def test_layers_of_table_1():
    shapes = vae_shapes(DigitVAE, (28, 28, 1), latent=50)
    expected = {
        "condition_channel.0": (128,),
        "condition_channel.1": (784,),
        "conv_1": (14, 14, 64),
        "conv_2": (7, 7, 64),
        "fc_3": (128,),
        "mean": (50,),
        "log_variance": (50,),
        "condition_decoder.0": (128,),
        "condition_decoder.1": (784,),
        "matched": (128,),
        "fc_6": (256,),
        "decoder.resize_1": (4, 4, 64),
        "decoder.conv_transp_1": (4, 4, 128),
        "decoder.conv_transp_2": (7, 7, 64),
        "decoder.conv_transp_3": (7, 7, 64),
        "decoder.conv_transp_4": (14, 14, 2),
        "decoder.resize_4": (28, 28, 2),
        "output": (28, 28, 1),
    }
    assert {name: shapes[name] for name in expected} == expected


#: The encoder's blocks (size, filters), its flattened end, the decoder's start and its stages.
FACES = {
    64: ([(64, 64), (32, 128), (16, 256), (8, 512), (4, 512)], 2, [(8, 512), (16, 512), (32, 128), (64, 64)]),
    32: ([(32, 64), (16, 128), (8, 256), (4, 512), (2, 512)], 2, [(4, 512), (8, 512), (16, 128), (32, 64)]),
}


@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("size", FACES)
def test_layers_of_table_2(size, skips):
    shapes = vae_shapes(FaceVAE, (size, size, 3), latent=60, skips=skips)
    blocks, end, stages = FACES[size]
    expected = {f"blocks.{n}.convolutions": (side, side, width) for n, (side, width) in enumerate(blocks)}
    expected |= {f"stages.{n}.convolutions": (side, side, width) for n, (side, width) in enumerate(stages)}
    expected |= {
        "condition_channel.1": (size * size,),
        "blocks.4.pool": (end, end, 512),
        "fc_3": (1024,),
        "fc_4": (256,),
        "mean": (60,),
        "condition_decoder": (128,),
        "matched": (256,),
        "fc_6": (1024,),
        "fc_7": (4096,),
        "output": (size, size, 3),
    }
    assert {name: shapes[name] for name in expected} == expected
    count = [len(block["convolutions"]) for block in FaceVAE((size, size, 3), 2, 4, divisor=64).blocks]
    assert count == [2, 2, 3, 3, 3]


def test_divisor_divides_filters_and_dense_widths_alone():
    shapes = vae_shapes(FaceVAE, (64, 64, 3), latent=60, divisor=8)
    expected = {"blocks.4.convolutions": (4, 4, 64), "fc_3": (128,), "matched": (32,), "fc_7": (512,), "mean": (60,)}
    assert {name: shapes[name] for name in expected} == expected


@pytest.mark.parametrize(("network", "count"), [("digits", 6), ("faces", 23)])
def test_batch_norm_behind_each_convolution_on_request(network, count):
    shape = (16, 16, 3)
    for batch_norm, expected in ((False, 0), (True, count)):
        built = image_vae(network, shape, 2, 4, divisor=32, batch_norm=batch_norm)
        assert sum(isinstance(module, torch.nn.BatchNorm2d) for module in built.modules()) == expected
