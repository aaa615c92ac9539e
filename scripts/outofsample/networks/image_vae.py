"""What trVAE's convolutional networks for images share (appendix, Tables 1 and 2)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from outofsample.errors import UserError
from outofsample.networks.convolutional import Shape, as_maps, as_rows
from outofsample.networks.dropout import Dropout
from outofsample.networks.variational import LOG_VARIANCE, VariationalNetwork


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
