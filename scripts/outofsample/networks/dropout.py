"""Dropout that costs less than the layers around it on a CPU."""

import torch
from torch import Tensor, nn

#: Values that 16 random bits can have.
LEVELS = 2**16


class Dropout(nn.Dropout):
    """`torch.nn.Dropout`, four times as fast on a CPU: each random number of 64 bits decides over four activations.

    The share that is dropped is ``p`` to within 1/65,536. torch draws a number of its own for each activation, which
    for 512 cells x 800 units takes half as long as the matrix product before it.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return activations (any shape) with a share ``p`` of them set to 0 and the others divided by 1 - p."""
        dropped = round(self.p * LEVELS)
        # A generator on a GPU is fast; where all is dropped, or nothing, there is nothing to draw.
        if not self.training or input.device.type != "cpu" or not 0 < dropped < LEVELS:
            return super().forward(input)
        draws = torch.empty(-(-input.numel() // 4), dtype=torch.int64).random_(-(2**63), None).view(torch.int16)
        kept = draws[: input.numel()].view(input.shape) >= dropped - LEVELS // 2
        return input * kept.to(input.dtype).mul_(1 / (1 - self.p))
