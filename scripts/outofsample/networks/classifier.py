"""A small convolutional network that learns to tell images apart; its last hidden layer describes an image."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from outofsample.errors import UserError

#: Units of the last hidden layer: few enough for the covariance of some hundred images.
FEATURES = 64
FILTERS = (16, 32, 64)
LEAK = 0.2


class Classifier(nn.Module):
    """Three convolutions of size four and stride two, a layer of `FEATURES` units, and one linear head per label.

    Parameters
    ----------
    image_shape
        (height, width, channels); at least 8 x 8 pixels.
    classes
        Number of classes of each label.

    Raises
    ------
    UserError
        If the images are too small.
    """

    def __init__(self, image_shape: Sequence[int], classes: Sequence[int]):
        super().__init__()
        height, width, channels = image_shape
        if min(height, width) < 8:
            raise UserError(f"Images of {height} x {width} pixels are too small for the classifier: it needs 8 x 8.")
        self.classes = list(classes)
        layers: list[nn.Module] = []
        for before, after in pairwise((channels, *FILTERS)):
            layers += [nn.Conv2d(before, after, 4, 2, 1), nn.BatchNorm2d(after), nn.LeakyReLU(LEAK)]
        units = FILTERS[-1] * (height // 8) * (width // 8)
        # No learned scales: `settle` gives every feature variance one, and so distances a unit.
        last = [nn.Linear(units, FEATURES), nn.LeakyReLU(LEAK), nn.BatchNorm1d(FEATURES, affine=False)]
        self.body = nn.Sequential(*layers, nn.Flatten(), *last)
        self.heads = nn.Linear(FEATURES, sum(self.classes))

    def features(self, images: Tensor) -> Tensor:
        """Return the last hidden layer (images, `FEATURES`) of images (images, channels, height, width), 0 to 255."""
        return self.body(_scaled(images))

    @torch.no_grad()
    def settle(self, images: Tensor) -> None:
        """Make mean zero and variance one of each feature exact over these images, as `features` takes them.

        The running averages of the training are those of its last steps.
        """
        self.eval()
        found = torch.cat([self.body[:-1](_scaled(part)) for part in images.split(256)])
        self.body[-1].running_mean.copy_(found.mean(0))
        self.body[-1].running_var.copy_(found.var(0))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return for each label its logits (images, classes)."""
        return self.heads(self.features(images)).split(self.classes, dim=1)


def _scaled(images: Tensor) -> Tensor:
    """Return images between 0 and 255, of any type, between -1 and 1."""
    return images.to(torch.float32) / 127.5 - 1
