"""trVAE's network for digits (appendix, Table 1)."""

from collections import OrderedDict

from torch import Tensor, nn

from outofsample.networks.convolutional import as_maps, as_rows
from outofsample.networks.image_vae import ImageVAE, SameConvolution, ceil_halvings


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
