"""trVAE's network for faces (appendix, Table 2)."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from outofsample.networks.convolutional import as_maps, as_rows
from outofsample.networks.image_vae import ImageVAE, SameConvolution, ceil_halvings


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
