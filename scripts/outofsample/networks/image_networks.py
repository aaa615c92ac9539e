"""trVAE's networks for images by their name."""

from outofsample.networks.convolutional import Shape
from outofsample.networks.digit_vae import DigitVAE
from outofsample.networks.face_vae import FaceVAE
from outofsample.networks.image_vae import ImageVAE

#: By the name of what the paper drew with them.
IMAGE_NETWORKS: dict[str, type[ImageVAE]] = {"digits": DigitVAE, "faces": FaceVAE}


def image_vae(network: str, shape: Shape, *arguments, **options) -> ImageVAE:
    """Return the network of this name (a key of `IMAGE_NETWORKS`); ``auto``: digits have one channel, faces more."""
    name = ("digits" if shape[2] == 1 else "faces") if network == "auto" else network
    return IMAGE_NETWORKS[name](shape, *arguments, **options)
