"""Images as an AnnData: a row per image, as bytes; models scale them batch by batch."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData


def to_anndata(images: np.ndarray, obs: "pd.DataFrame") -> "AnnData":
    """Return an AnnData of images (images, height, width, channels) uint8 with one row of ``obs`` each.

    A row of ``X`` is an image flattened in C order (height, width, channel), without a copy;
    ``uns["image_shape"]`` is [height, width, channels].
    """
    import pandas as pd
    from anndata import AnnData

    height, width, channels = images.shape[1:]
    names = [f"y{y}_x{x}_c{c}" for y in range(height) for x in range(width) for c in range(channels)]
    X = images.reshape(len(images), -1)
    return AnnData(X, obs=obs, var=pd.DataFrame(index=names), uns={"image_shape": [height, width, channels]})


def draw_per_group(rng: np.random.Generator, groups: np.ndarray, at_most: int | None) -> np.ndarray:
    """Return the rows, ascending, of at most so many entries of each group, drawn without replacement; None: all."""
    if at_most is None:
        return np.arange(len(groups))
    drawn = [rng.permutation(np.flatnonzero(groups == group))[:at_most] for group in np.unique(groups)]
    return np.sort(np.concatenate(drawn))
