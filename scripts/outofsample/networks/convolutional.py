"""Convolutional networks for images, behind the interface of the fully connected ones.

Every network here takes and returns images as flattened rows (images, height x width x channels), channels last as in
`outofsample.arrays.TrainingData`. Inside, such a row is a feature map in torch's memory format ``channels_last``
without a copy.
"""

from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from outofsample.errors import UserError
from outofsample.networks.adversarial import Residual
from outofsample.networks.dropout import Dropout
from outofsample.networks.variational import LOG_VARIANCE, VariationalNetwork

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


def ceil_halvings(size: int, steps: int, least: int) -> list[int]:
    """Return a side's length after ``steps``, ..., 1, 0 halvings, rounded up, at least ``least``: 2, 4, 7, 14, 28."""
    return [max(least, -(-size // 2**step)) for step in range(steps, 0, -1)] + [size]


class SameConvolution(nn.Sequential):
    """A convolution of stride one that keeps height and width.

    A transposed convolution of stride one, as trVAE's tables have it, is the same with its filter turned round.
    """

    def __init__(self, before: int, after: int, kernel: int):
        super().__init__()
        low, high = (kernel - 1) // 2, kernel // 2
        # An even filter needs a row more at one end than at the other, which the convolution itself cannot pad.
        if low != high:
            self.append(nn.ZeroPad2d((low, high, low, high)))
        self.append(nn.Conv2d(before, after, kernel, padding=low if low == high else 0))


class DenseLayer(nn.Sequential):
    """Linear, then batch norm where asked for (without a bias before it), activation, and dropout where asked for."""

    def __init__(self, before: int, after: int, leak: float, norm: bool = False, dropout: float = 0.0):
        super().__init__(nn.Linear(before, after, bias=not norm))
        if norm:
            self.append(nn.BatchNorm1d(after))
        self.append(nn.LeakyReLU(leak))
        if dropout:
            self.append(Dropout(dropout))


class ImageVAE(VariationalNetwork):
    """What trVAE's networks for images (appendix, Tables 1 and 2) share; with ``conditions`` 0 it knows none.

    At the encoder the condition becomes an extra channel of the image: two dense layers, reshaped to height x width.
    At the decoder two dense layers of the condition (one in Table 2) stand beside z in front of the MMD layer.

    Parameters
    ----------
    shape
        (height, width, channels) of the images, which come as flattened rows in [0, 1].
    divisor
        Divides the printed filter numbers and dense widths, which stay at least 2.
    batch_norm
        Whether batch norm stands behind each convolution but the output's; the tables have none there.
    nonnegative
        Whether the output ends in a ReLU, as printed. It then starts at 0.5: a ReLU that starts at zero everywhere
        would get no gradient.
    noise
        ``gaussian`` adds a log variance for each value, by a second output layer.
    """

    #: Slope of the activations below zero; None: as the settings have it.
    slope: float | None = None
    #: Widths of the dense layers of the condition at the decoder; 0 stands for one unit per pixel.
    condition_widths: tuple[int, ...] = (128, 0)
    matched_width = 128

    def __init__(
        self,
        shape: Shape,
        conditions: int,
        latent: int,
        leak: float = 0.2,
        dropout: float = 0.2,
        nonnegative: bool = True,
        noise: str = "none",
        divisor: int = 1,
        skips: bool = False,
        batch_norm: bool = False,
    ):
        super().__init__()
        self.shape, self.conditions, self.nonnegative, self.noise = shape, conditions, nonnegative, noise
        self.divisor, self.dropout, self.skips, self.batch_norm = divisor, dropout, skips, batch_norm
        self.leak = leak if self.slope is None else self.slope
        self.pixels = shape[0] * shape[1]
        if min(shape[:2]) < 8:
            raise UserError(f"Images of {shape[0]} x {shape[1]} pixels are too small: 8 x 8 pixels are the least.")
        units = 0
        if conditions:
            self.condition_channel = self._condition_layers((128, 0))
            self.condition_decoder = self._condition_layers(self.condition_widths)
            units = self.condition_decoder[-1][0].out_features
        hidden = self.build_encoder(shape[2] + bool(conditions))
        self.build_decoder()
        self._initialise()
        self.mean, self.log_variance = nn.Linear(hidden, latent), nn.Linear(hidden, latent)
        self.matched = DenseLayer(latent + units, self.share(self.matched_width), self.leak, norm=True)
        self.output = self.output_layer()
        if noise == "gaussian":
            self.output_log_variance = self.output_layer()
        if nonnegative:
            nn.init.constant_(self.output[-1].bias, 0.5)
        self.to(memory_format=torch.channels_last)

    def build_encoder(self, channels: int) -> int:
        """Make the layers from images with so many channels to the last hidden layer; return its width."""
        raise NotImplementedError

    def build_decoder(self) -> None:
        """Make the layers from the MMD layer up to the last but one."""
        raise NotImplementedError

    def output_layer(self) -> nn.Sequential:
        """Return an output layer, whose last module is the convolution to the image's channels."""
        raise NotImplementedError

    def share(self, width: int) -> int:
        """Return a printed width, divided by the divisor."""
        return max(2, width // self.divisor)

    def dense(self, before: int, after: int, **options) -> DenseLayer:
        """Return a dense layer with the network's activation."""
        return DenseLayer(before, after, self.leak, **options)

    def activated(self, convolution: nn.Module, channels: int) -> nn.Sequential:
        """Return a convolution to so many channels with the network's activation, normed before it where asked for."""
        norm = [nn.BatchNorm2d(channels)] if self.batch_norm else []
        return nn.Sequential(convolution, *norm, nn.LeakyReLU(self.leak, inplace=True))

    def convolution(self, before: int, after: int, kernel: int) -> nn.Sequential:
        """Return a convolution of stride one with the network's activation."""
        return self.activated(SameConvolution(before, after, kernel), after)

    def _condition_layers(self, widths: Sequence[int]) -> nn.Sequential:
        """Return dense layers of the condition: the first plain, a second one with batch norm and dropout."""
        first, *second = (self.share(width) if width else self.pixels for width in widths)
        layers = nn.Sequential(self.dense(self.conditions, first))
        for width in second:
            layers.append(self.dense(first, width, norm=True, dropout=self.dropout))
        return layers

    def _initialise(self) -> None:
        """Draw weights that keep the variance through the hidden layers (He et al. 2015).

        torch's default divides it by six per layer, which leaves nothing after the thirteen of Table 2.
        """
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, a=self.leak)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def encode_all(self, x: Tensor, condition: Tensor) -> tuple[Tensor, ...]:
        """Return mean and log variance (images, latent), and the feature maps that skip the bottleneck."""
        maps = as_maps(x, self.shape)
        if self.conditions:
            channel = self.condition_channel(self.one_hot(condition, x))
            maps = torch.cat([maps, as_maps(channel, (*self.shape[:2], 1))], 1)
        hidden, skipped = self.hidden(maps)
        return self.mean(hidden), self.log_variance(hidden).clamp(*LOG_VARIANCE), *skipped

    def hidden(self, maps: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the encoder's last hidden layer (images, width) and the feature maps for skips, from below."""
        raise NotImplementedError

    def decode_all(self, z: Tensor, condition: Tensor, *skipped: Tensor) -> dict[str, Tensor]:
        """Return ``x`` (images, height x width x channels), ``matched``, and ``log_variance`` for Gaussian noise."""
        if self.conditions:
            z = torch.cat([z, self.condition_decoder(self.one_hot(condition, z))], 1)
        matched = self.matched(z)
        maps = self.expand(matched, *skipped)
        x = as_rows(self.output(maps))
        result = {"x": nn.functional.relu(x) if self.nonnegative else x, "matched": matched}
        if self.noise == "gaussian":
            result["log_variance"] = as_rows(self.output_log_variance(maps)).clamp(*LOG_VARIANCE)
        return result

    def expand(self, matched: Tensor, *skipped: Tensor) -> Tensor:
        """Return the feature maps in front of the output, from the MMD layer."""
        raise NotImplementedError


class DigitVAE(ImageVAE):
    """Convolutional trVAE for digits: the appendix's Table 1, as it can be built.

    Layers for 28 x 28 x 1 and latent 50; activations are leaky ReLU, filters 4 x 4:

    =============== ================================ =============
    layer           input                            output
    =============== ================================ =============
    FC-1            condition                        128
    FC-2            FC-1 (batch norm, dropout)       784 = 28 x 28 x 1
    Conv2D_1        x, FC-2; stride two              14 x 14 x 64
    Conv2D_2        Conv2D_1; stride two             7 x 7 x 64
    FC-3            Conv2D_2 (batch norm)            128
    mean, var       FC-3                             50
    FC-4            condition                        128
    FC-5            FC-4 (batch norm, dropout)       784
    MMD             z, FC-5 (batch norm)             128
    FC-6            MMD                              256 = 2 x 2 x 64
    Conv_transp_1   FC-6, resized to 4 x 4           4 x 4 x 128
    Conv_transp_2   Conv_transp_1, resized to 7 x 7  7 x 7 x 64
    Conv_transp_3   Conv_transp_2                    7 x 7 x 64
    Conv_transp_4   Conv_transp_3, resized           14 x 14 x 2
    output          Conv_transp_4, resized (ReLU)    28 x 28 x 1
    =============== ================================ =============

    As printed, three doublings of 2 x 2 give 16. Strides are not printed; two of stride two mirror the decoder. Other
    sizes are halved, rounded up, as often, down to 2 x 2 at least.
    """

    def build_encoder(self, channels: int) -> int:
        filters, (height, width, _) = self.share(64), self.shape
        self.conv_1 = self.activated(nn.Conv2d(channels, filters, 4, 2, 1), filters)
        self.conv_2 = self.activated(nn.Conv2d(filters, filters, 4, 2, 1), filters)
        self.fc_3 = self.dense(filters * (height // 4) * (width // 4), self.share(128), norm=True)
        return self.share(128)

    def hidden(self, maps: Tensor) -> tuple[Tensor, list[Tensor]]:
        return self.fc_3(as_rows(self.conv_2(self.conv_1(maps)))), []

    def build_decoder(self) -> None:
        sizes = list(zip(*(ceil_halvings(side, 4, 2) for side in self.shape[:2]), strict=True))
        many, some, few = self.share(128), self.share(64), self.share(2)
        self.start = (*sizes[0], some)
        self.fc_6 = self.dense(self.share(self.matched_width), sizes[0][0] * sizes[0][1] * some)
        self.last_size = sizes[-1]
        self.decoder = nn.Sequential(
            OrderedDict(
                resize_1=nn.Upsample(sizes[1]),
                conv_transp_1=self.convolution(some, many, 4),
                resize_2=nn.Upsample(sizes[2]),
                conv_transp_2=self.convolution(many, some, 4),
                conv_transp_3=self.convolution(some, some, 4),
                resize_3=nn.Upsample(sizes[3]),
                conv_transp_4=self.convolution(some, few, 4),
                resize_4=nn.Upsample(sizes[4]),
            )
        )

    def expand(self, matched: Tensor, *skipped: Tensor) -> Tensor:
        return self.decoder(as_maps(self.fc_6(matched), self.start))

    def output_layer(self) -> nn.Sequential:
        return SameConvolution(self.share(2), self.shape[2], 4)


class FaceVAE(ImageVAE):
    """U-Net-like trVAE for faces: the appendix's Table 2, as it can be built.

    Layers for 64 x 64 x 3 and latent 60; activations are ReLU, filters 3 x 3, pooling takes the maximum of 2 x 2:

    ================== ===================================== =============
    layer              input                                 output
    ================== ===================================== =============
    FC-1               condition                             128
    FC-2               FC-1 (batch norm, dropout)            4096 = 64 x 64 x 1
    Conv_1, 2          x, FC-2                               64 x 64 x 64
    Conv_3, 4          pooled Conv_2                         32 x 32 x 128
    Conv_5, 6, 7       pooled Conv_4                         16 x 16 x 256
    Conv_8, 9, 10      pooled Conv_7                         8 x 8 x 512
    Conv_11, 12, 13    pooled Conv_10                        4 x 4 x 512
    FC-3               pooled Conv_13, 2 x 2 x 512           1024
    FC-4               FC-3 (dropout)                        256
    mean, var          FC-4                                  60
    FC-5               condition                             128
    MMD                z, FC-5 (batch norm)                  256
    FC-6               MMD                                   1024
    FC-7               FC-6                                  4096 = 4 x 4 x 256
    Conv_transp_1 to 3 FC-7, doubled                         8 x 8 x 512
    Conv_transp_4 to 6 Conv_transp_3, doubled                16 x 16 x 512
    Conv_transp_7, 8   Conv_transp_6, doubled                32 x 32 x 128
    Conv_transp_9, 10  Conv_transp_8, doubled                64 x 64 x 64
    output             Conv_transp_10, filter 1 x 1 (ReLU)   64 x 64 x 3
    ================== ===================================== =============

    As printed, FC-2 has 1024 units for 64 x 64 pixels, FC-7 no square of 512 channels, Conv_11 and Conv_transp_7 expect
    256 channels and get 512, and three doublings give 32. The doubling that is not printed stands first: in front of
    the 1 x 1 output it would leave pixels of 2 x 2. With 32 x 32 pixels that doubling and the last pooling fall away;
    in general sides are halved, rounded up, down to 2 in the encoder and to 4 in the decoder.

    ``skips`` puts the last layer of each of the first four blocks beside the input of the decoder's layer of its size,
    as a U-Net has it. The table lists none, and they carry the source image past the condition.
    """

    slope = 0.0
    condition_widths = (128,)
    matched_width = 256
    #: Filters of the encoder's blocks, and of the decoder's.
    encoder_filters = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
    decoder_filters = ((512, 512, 512), (512, 512, 512), (128, 128), (64, 64))

    def build_encoder(self, channels: int) -> int:
        self.blocks = nn.ModuleList()
        size = self.shape[:2]
        for filters in self.encoder_filters:
            block, channels = self._block(channels, filters)
            halved = max(size) > 2
            self.blocks.append(nn.ModuleDict({"convolutions": block, "pool": _pool(halved)}))
            size = tuple(-(-side // 2) for side in size) if halved else size
        self.fc_3 = self.dense(size[0] * size[1] * channels, self.share(1024))
        self.fc_4 = self.dense(self.share(1024), self.share(256), dropout=self.dropout)
        return self.share(256)

    def _block(self, channels: int, filters: Sequence[int]) -> tuple[nn.Sequential, int]:
        """Return convolutions from so many channels, and the channels that they end in."""
        widths = [channels, *map(self.share, filters)]
        return nn.Sequential(*(self.convolution(before, after, 3) for before, after in pairwise(widths))), widths[-1]

    def hidden(self, maps: Tensor) -> tuple[Tensor, list[Tensor]]:
        skipped = []
        for block in self.blocks:
            maps = block["convolutions"](maps)
            skipped.append(maps)
            maps = block["pool"](maps)
        return self.fc_4(self.fc_3(as_rows(maps))), skipped[:-1] if self.skips else []

    def build_decoder(self) -> None:
        stages = len(self.decoder_filters)
        sizes = list(zip(*(ceil_halvings(side, stages, 4) for side in self.shape[:2]), strict=True))
        channels = self.share(256)
        self.start = (*sizes[0], channels)
        self.fc_6 = self.dense(self.share(self.matched_width), self.share(1024))
        self.fc_7 = self.dense(self.share(1024), sizes[0][0] * sizes[0][1] * channels)
        self.stages = nn.ModuleList()
        beside = [self.share(filters[-1]) if self.skips else 0 for filters in reversed(self.encoder_filters[:-1])]
        for size, filters, skipped in zip(sizes[1:], self.decoder_filters, beside, strict=True):
            block, channels = self._block(channels + skipped, filters)
            self.stages.append(nn.ModuleDict({"resize": nn.Upsample(size), "convolutions": block}))

    def expand(self, matched: Tensor, *skipped: Tensor) -> Tensor:
        maps = as_maps(self.fc_7(self.fc_6(matched)), self.start)
        for number, stage in enumerate(self.stages, start=1):
            maps = stage["resize"](maps)
            if skipped:
                # Small images have sides of 2 in the encoder where the decoder has 4.
                maps = torch.cat([maps, stage["resize"](skipped[-number])], 1)
            maps = stage["convolutions"](maps)
        return maps

    def output_layer(self) -> nn.Sequential:
        return SameConvolution(self.share(self.decoder_filters[-1][-1]), self.shape[2], 1)


def _pool(halves: bool) -> nn.Module:
    """Return maximum pooling of 2 x 2 with sides rounded up, or nothing."""
    return nn.MaxPool2d(2, ceil_mode=True) if halves else nn.Identity()


#: trVAE's networks for images by the name of what the paper drew with them.
IMAGE_NETWORKS: dict[str, type[ImageVAE]] = {"digits": DigitVAE, "faces": FaceVAE}


def image_vae(network: str, shape: Shape, *arguments, **options) -> ImageVAE:
    """Return the network of this name (a key of `IMAGE_NETWORKS`); ``auto``: digits have one channel, faces more."""
    name = ("digits" if shape[2] == 1 else "faces") if network == "auto" else network
    return IMAGE_NETWORKS[name](shape, *arguments, **options)
