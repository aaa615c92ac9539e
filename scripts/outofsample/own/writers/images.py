"""Images: a PNG for each, whatever format it was read from."""

from pathlib import Path

import numpy as np

from outofsample.files.writing import replacing


def write(path: Path, pixels: np.ndarray, shape: list[int]) -> None:
    """Write one image, flattened (height x width x channels), as PNG."""
    from PIL import Image

    image = np.rint(pixels).clip(0, 255).astype(np.uint8).reshape(*(int(side) for side in shape))
    with replacing(path) as temporary:
        Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(temporary, "PNG")
