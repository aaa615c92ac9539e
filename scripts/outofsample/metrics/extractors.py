"""What describes an image by some numbers, for Frechet and kernel distances: Inception-v3, or a task's own classifier.

Inception-v3 is the TorchScript file that StyleGAN and clean-fid use, the network of 2015 that FID is defined by; with
it the distances are FID and KID. The classifier is trained in the pipeline by ``train_classifier.py``; distances of
its features are no FID and are never called so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.errors import UserError
from outofsample.files import writing
from outofsample.files.classifier import no_classifier, read_classifier

if TYPE_CHECKING:
    import torch

INCEPTION = "inception-2015-12-05.pt"
#: Of the file of 95,607,719 bytes; k-diffusion pins the same digest.
INCEPTION_SHA256 = "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4"
HOW_TO_GET = (
    f"fetch https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/{INCEPTION} (91 MB) and put it "
    "there unchanged, or leave out FID and KID"
)


@dataclass(frozen=True)
class Extractor:
    """A function from images to features, used batch by batch.

    Attributes
    ----------
    function
        Takes a tensor (images, channels, height, width) uint8 and returns one (images, features).
    batch
        Images that are described at once.
    channels
        Channels that ``function`` takes; one channel is repeated to give them. None: as they are.
    image_shape
        (height, width, channels) of the images that it takes; None: any.
    """

    function: Callable[["torch.Tensor"], "torch.Tensor"]
    batch: int
    channels: int | None = None
    image_shape: tuple[int, int, int] | None = None

    def __call__(self, X: np.ndarray, image_shape: Sequence[int]) -> np.ndarray:
        """Return features (images, features) float64 of flattened images (images, height x width x channels).

        Values between 0 and 255 of any type are rounded to bytes first, as if the images had been saved.

        Raises
        ------
        UserError
            If the images have another shape than those that the extractor was made for.
        """
        import torch

        height, width, channels = image_shape
        if self.image_shape not in (None, tuple(image_shape)):
            raise UserError(
                f"The images have shape {tuple(image_shape)}, and the classifier was trained on {self.image_shape}; "
                "give the file that was trained on this task."
            )
        found = []
        for start in range(0, len(X), self.batch):
            part = np.clip(np.rint(X[start : start + self.batch]), 0, 255).astype(np.uint8)
            maps = torch.from_numpy(part.reshape(-1, height, width, channels)).permute(0, 3, 1, 2)
            if channels == 1 and self.channels is not None:
                maps = maps.expand(-1, self.channels, -1, -1)
            with torch.inference_mode():
                found.append(self.function(maps.contiguous()).to(torch.float64).numpy())
        return np.concatenate(found)


def load_extractors(inception: Path | None, classifier: Path | None, threads: int = 1) -> dict[str, Extractor]:
    """Read the networks that are asked for, by the names that `outofsample.metrics.images` knows them by."""
    loaders = {"inception": (load_inception, inception), "classifier": (load_classifier, classifier)}
    extractors = {name: load(path) for name, (load, path) in loaders.items() if path is not None}
    if extractors:
        import torch

        torch.set_num_threads(threads)
    return extractors


def find_inception(data_dir: str | Path) -> Path:
    """Return where Inception's file stands in ``data_dir``.

    Raises
    ------
    UserError
        If it is not there; the message says how to get it.
    """
    path = Path(data_dir) / INCEPTION
    if not path.is_file():
        raise UserError(f"{path}: FID and KID need this file and it is missing; {HOW_TO_GET}.")
    return path


def load_inception(path: str | Path) -> Extractor:
    """Read Inception-v3; its features are the 2,048 units of the last pooling layer, and it scales images itself.

    Raises
    ------
    UserError
        If the file is missing or is not the file with the digest `INCEPTION_SHA256`.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: FID and KID need this file and it is missing; {HOW_TO_GET}.")
    # The file holds a program: it is not opened before the digest says which one.
    if (found := writing.sha256(path)) != INCEPTION_SHA256:
        raise UserError(f"{path} has the SHA-256 digest {found}, and {INCEPTION_SHA256} is expected; {HOW_TO_GET}.")
    import torch

    network = torch.jit.load(path, map_location="cpu").eval()
    return Extractor(lambda images: network(images, return_features=True), batch=32, channels=3)


def load_classifier(path: str | Path) -> Extractor:
    """Read what ``train_classifier.py`` wrote.

    Raises
    ------
    UserError
        If it is another file.
    """
    from outofsample.networks.classifier import Classifier

    shape, labels, weights = read_classifier(path)
    network = Classifier(shape, [len(classes) for classes in labels.values()])
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise no_classifier(path, error) from error
    return Extractor(network.eval().features, batch=256, image_shape=shape)
