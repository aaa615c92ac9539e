"""Thinner and thicker strokes of digits, and how thick they are, as Morpho-MNIST does it.

Castro et al., JMLR 20 (2019) 178: a digit is upscaled four times and cut at half its range; the strokes' thickness
is twice the mean distance to the edge along the medial axis; thinning is an erosion by a disk of 0.7 times half that
thickness, thickening a dilation by a disk of 1.0 times half of it; then the digit is downscaled again.
"""

import numpy as np

SCALE = 4
THINNING = 0.7
THICKENING = 1.0
#: Digits whose medial axes are computed in one call: each call of scikit-image first builds a table for 50 ms.
_TOGETHER = 100


def stroke_versions(
    images: np.ndarray, thinning: float = THINNING, thickening: float = THICKENING
) -> dict[str, np.ndarray]:
    """Redraw digits with their own strokes, thinner ones and thicker ones.

    Parameters
    ----------
    images
        Array (digits, height, width) uint8, bright strokes on black.
    thinning, thickening
        Radius of the disk, in halves of the digit's own stroke thickness.

    Returns
    -------
    Arrays (digits, height, width) uint8: ``normal`` (only cut at half its range), ``thin``, ``thick``. An empty
    image stays empty.
    """
    from scipy.ndimage import distance_transform_edt
    from skimage.transform import pyramid_reduce

    versions = {name: np.zeros_like(images) for name in ("normal", "thin", "thick")}
    for row, (strokes, inside, half) in enumerate(_measured(images)):
        if np.isnan(half):
            continue
        # Erosion and dilation by a disk, as thresholds of the distance to the nearest pixel of the other kind.
        shapes = {
            "normal": strokes,
            "thin": inside > int(thinning * half),
            "thick": distance_transform_edt(~strokes) <= int(thickening * half),
        }
        for name, shape in shapes.items():
            versions[name][row] = 255 * pyramid_reduce(shape, downscale=SCALE, order=3)
    return versions


def stroke_thickness(images: np.ndarray) -> np.ndarray:
    """Return the mean thickness of the strokes in pixels (digits,); nan for an image of one brightness.

    ``images`` is an array (digits, height, width), bright strokes on black, uint8 or float between 0 and 255.
    """
    return np.array([2 * half / SCALE for _, _, half in _measured(images)])


def _measured(images: np.ndarray):
    """Yield for each digit its strokes, the distance to their edge, and half their thickness, all upscaled.

    The first two are arrays (4 height, 4 width), bool and float, the last a number of upscaled pixels, nan where
    there is nothing.
    """
    for start in range(0, len(images), _TOGETHER):
        strokes = np.stack([_strokes(image) for image in images[start : start + _TOGETHER]])
        axes, inside = _medial_axes(strokes)
        for one, axis, distance in zip(strokes, axes, inside, strict=True):
            yield one, distance, distance[axis].mean() if axis.any() else np.nan


def _strokes(image: np.ndarray) -> np.ndarray:
    """Return the upscaled strokes (4 height, 4 width) bool: what is at least half as bright as the image's range."""
    from skimage.transform import pyramid_expand

    upscaled = 255 * pyramid_expand(np.clip(np.rint(image), 0, 255).astype(np.uint8), upscale=SCALE, order=3)
    upscaled = upscaled.astype(np.uint8).astype(float)
    low, high = upscaled.min(), upscaled.max()
    return upscaled >= (low + high) / 2 if high > low else np.zeros(upscaled.shape, bool)


class _InOrder(np.random.Generator):
    """A generator that permutes nothing."""

    def permutation(self, x, axis=0):
        """Return ``x``."""
        return x


def _medial_axes(strokes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the medial axes (digits, height, width) bool, and the distance of each pixel to the edge of its stroke.

    The digits are put below one another into one image. Ties are broken in the order of pixels, not by chance: then
    a digit's axis does not depend on the digits around it.
    """
    from skimage.morphology import medial_axis

    height = strokes.shape[1] + 1
    apart = np.pad(strokes, ((0, 0), (0, 1), (0, 0)))
    column = apart.reshape(-1, strokes.shape[2])
    axes, distance = medial_axis(column, return_distance=True, rng=_InOrder(np.random.PCG64(0)))
    return tuple(part.reshape(-1, height, strokes.shape[2])[:, :-1] for part in (axes, distance))
