"""Scores of images: distances of features to the real target, errors against the truth of each image, strokes."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from outofsample.metrics.distances import draw_cells
from outofsample.metrics.families import TOO_FEW, Family, Populations, Score, Settings
from outofsample.metrics.resampling import draw_counts, interval

#: A function from flattened images (images, values) and their shape to features (images, features) float64.
Extract = Callable[[np.ndarray, tuple[int, int, int]], np.ndarray]
#: Images of a population whose features are compared.
MAX_IMAGES = 10_000
#: Images and number of subsets for a kernel distance (Binkowski et al. 2018), where there are more images than that.
SUBSET_SIZE = 1000
SUBSETS = 100
#: A pixel changes where X and Y differ by more than a tenth of the range, in any channel.
CHANGED = 25.5
#: Side of the window of SSIM (Wang et al. 2004).
WINDOW = 11
#: Images that SSIM is computed for at once.
_TOGETHER = 128
#: Digits that are measured: some take ten milliseconds each.
MAX_MEASURED = 200
DIGIT_SHAPE = (28, 28, 1)
NO_ORACLE = "no oracle: each image has one truth"


@dataclass(frozen=True)
class ImagePopulations(Populations):
    """The images of one query, flattened, values between 0 and 255.

    Attributes
    ----------
    extractors
        What describes images, by the word that a family asks for.
    """

    extractors: Mapping[str, Extract] = field(default_factory=dict)


def frechet_distance(A: np.ndarray, B: np.ndarray) -> float:
    """Return |mean A - mean B|^2 + tr(C_A + C_B - 2 (C_A C_B)^(1/2)) of features (n, features) and (m, features).

    Covariances divide by the number of images less one. In float64: fewer images than features give singular
    covariances, whose product's square root loses half of the digits.
    """
    import torch
    from torchmetrics.image.fid import FrechetInceptionDistance

    A, B = _in_their_span(A, B)
    metric = FrechetInceptionDistance(feature=_given(A.shape[1]))
    for features, real in ((A, False), (B, True)):
        metric.update(torch.from_numpy(features), real=real)
    return float(metric.compute())


def _in_their_span(A: np.ndarray, B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both in coordinates of the space that they span, where that has fewer dimensions than features.

    A Frechet distance does not change when the axes are turned, and its time grows with their third power.
    """
    A, B = (np.asarray(part, dtype=np.float64) for part in (A, B))
    if len(A) + len(B) >= A.shape[1]:
        return A, B
    axes, _ = np.linalg.qr(np.concatenate([A, B]).T)
    return A @ axes, B @ axes


def kernel_distance(A: np.ndarray, B: np.ndarray, seed: int = 0) -> float:
    """Return the squared MMD of features (n, features) and (m, features) with the kernel (x.y / features + 1)^3.

    The unbiased estimate, as a mean over `SUBSETS` pairs of subsets of equal size: as many images as the smaller
    population has, at most `SUBSET_SIZE`. So it does not favour large populations as a Frechet distance does.
    """
    import warnings

    import torch
    from torchmetrics.image.kid import KernelInceptionDistance

    size = min(len(A), len(B), SUBSET_SIZE)
    subsets = 1 if size == len(A) == len(B) else SUBSETS
    with warnings.catch_warnings():
        # It warns that it keeps all features, which is meant.
        warnings.simplefilter("ignore", UserWarning)
        metric = KernelInceptionDistance(feature=_given(A.shape[1]), subsets=subsets, subset_size=size)
    for features, real in ((A, False), (B, True)):
        metric.update(torch.from_numpy(np.asarray(features, dtype=np.float64)), real=real)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return float(metric.compute()[0])


def _given(features: int):
    """Return a module that hands on features which are known already."""
    from torch import nn

    module = nn.Identity()
    module.num_features = features
    return module


class FeatureScores(Family):
    """Frechet and kernel distance of the features of predicted images to those of the real target of the query.

    Subclasses name the extractor, and the two scores accordingly.
    """

    extractor: ClassVar[str]

    def __init__(self, cells: ImagePopulations, settings: Settings):
        super().__init__(cells, settings)
        self.extract = None if cells.Y is None else cells.extractors.get(self.extractor)
        if self.extract is None:
            return
        drawn = self._drawn(cells.Y)
        self.truth = self.extract(drawn, cells.image_shape)
        self.rows = {key: row for row, key in enumerate(_keys(drawn))}

    def _drawn(self, images: np.ndarray) -> np.ndarray:
        return images[draw_cells(len(images), MAX_IMAGES, self.settings.seed)]

    def score(self, predicted: np.ndarray) -> dict[str, Score]:
        if self.extract is None:
            return {}
        return self._scores(self.extract(self._drawn(predicted), self.cells.image_shape), self.truth)

    def score_halves(self, half: np.ndarray, other: np.ndarray) -> dict[str, Score]:
        if self.extract is None:
            return {}
        # The features of the truth are known; equal images have equal features.
        found = [[self.rows[key] for key in _keys(part) if key in self.rows] for part in (half, other)]
        return self._scores(*(self.truth[rows] for rows in found))

    def _scores(self, A: np.ndarray, B: np.ndarray) -> dict[str, Score]:
        if min(len(A), len(B)) < 2:
            return {name: Score(np.nan, note=TOO_FEW) for name in self.scores}
        values = frechet_distance(A, B), kernel_distance(A, B, self.settings.seed)
        return {name: Score(value) for name, value in zip(self.scores, values, strict=True)}


def _keys(images: np.ndarray) -> list[bytes]:
    """Return for each image (images, values) a short word that differs between different images."""
    return [hashlib.blake2b(np.ascontiguousarray(image), digest_size=16).digest() for image in images]


class InceptionScores(FeatureScores):
    """FID (Heusel et al. 2017) and KID (Binkowski et al. 2018), by Inception-v3."""

    scores = ("fid", "kid")
    extractor = "inception"


class ClassifierScores(FeatureScores):
    """The same distances on the features of the task's own classifier, which have no meaning outside of the task."""

    scores = ("frechet_cnn", "kid_cnn")
    extractor = "classifier"


class OfPairs(Family):
    """Scores of images whose truth is known one by one, at most ``most`` of them, with intervals over images."""

    most: ClassVar[int | None] = None

    def __init__(self, cells: ImagePopulations, settings: Settings):
        super().__init__(cells, settings)
        known = np.array([], int) if cells.answers is None else np.flatnonzero(cells.answers >= 0)
        #: The rows of X, and of a prediction, that are compared; and their rows of Y.
        self.rows = known[draw_cells(len(known), self.most or settings.max_cells, settings.seed)]
        self.answers = self.rows if cells.answers is None else cells.answers[self.rows]

    def draw(self) -> None:
        """Draw the resamples of the images in ``rows``."""
        rng = np.random.default_rng(self.settings.seed)
        self.counts = draw_counts(len(self.rows), self.settings.resamples, rng).astype(np.float64)

    def ratio(self, totals: np.ndarray, sizes: np.ndarray, finish=np.asarray, note: str = "") -> Score:
        """Return finish(sum of totals / sum of sizes), both (images,); undefined, as ``note`` says, without size."""
        if not sizes.sum() > 0:
            return Score(np.nan, note=note)
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = finish((totals @ self.counts) / (sizes @ self.counts))
        return Score(float(finish(totals.sum() / sizes.sum())), *interval(spread))


class PairScores(OfPairs):
    """Errors of predicted images against their own truths.

    ``image_rmse`` is the root of the mean squared difference over all values of all images, as a share of the range;
    ``rmse_changed`` and ``rmse_kept`` are the same over the pixels that change from X to Y by more than `CHANGED`, and
    over the others. ``ssim`` is the mean structural similarity.
    """

    scores = ("image_rmse", "ssim", "rmse_changed", "rmse_kept")

    def __init__(self, cells: ImagePopulations, settings: Settings):
        super().__init__(cells, settings)
        if not len(self.rows):
            return
        self.draw()
        self.truth = cells.Y[self.answers].astype(np.float32)
        self.changed = changed_pixels(cells.X[self.rows], self.truth, cells.image_shape)

    def score(self, predicted: np.ndarray) -> dict[str, Score]:
        if not len(self.rows):
            return {}
        predicted = predicted[self.rows].astype(np.float32)
        channels = self.cells.image_shape[2]
        squares = ((predicted - self.truth) / 255) ** 2
        squares = squares.reshape(*self.changed.shape, channels).sum(-1, dtype=np.float64)
        regions = {
            "image_rmse": (np.ones_like(self.changed), ""),
            "rmse_changed": (self.changed, "undefined: no pixel changes in the truth"),
            "rmse_kept": (~self.changed, "undefined: every pixel changes in the truth"),
        }
        scores = {
            name: self.ratio((squares * region).sum(1), channels * region.sum(1), np.sqrt, note)
            for name, (region, note) in regions.items()
        }
        return {name: scores[name] if name in scores else self._ssim(predicted) for name in self.scores}

    def _ssim(self, predicted: np.ndarray) -> Score:
        if min(self.cells.image_shape[:2]) < WINDOW:
            return Score(np.nan, note=f"undefined: images of less than {WINDOW} x {WINDOW} pixels")
        values = structural_similarities(predicted, self.truth, self.cells.image_shape)
        return self.ratio(values, np.ones(len(values)))

    def score_halves(self, half: np.ndarray, other: np.ndarray) -> dict[str, Score]:
        return {name: Score(np.nan, note=NO_ORACLE) for name in self.scores} if len(self.rows) else {}


def changed_pixels(X: np.ndarray, Y: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Return the mask (images, height x width) of pixels of flattened images that differ by more than `CHANGED`."""
    apart = np.abs(X.astype(np.float32) - Y.astype(np.float32)) > CHANGED
    return apart.reshape(len(X), shape[0] * shape[1], shape[2]).any(axis=2)


def structural_similarities(A: np.ndarray, B: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Return SSIM (images,) of flattened images between 0 and 255, with the settings of Wang et al. (2004).

    Gaussian weights of sd 1.5 within 11 x 11 pixels, over the pixels whose window is inside the image, then the mean
    over channels. Images are put below one another into one: what a window sees of the next image is not counted.
    """
    from skimage.metrics import structural_similarity

    height, width, channels = shape
    inside = slice(WINDOW // 2, -(WINDOW // 2))
    found = []
    for start in range(0, len(A), _TOGETHER):
        columns = [part[start : start + _TOGETHER].astype(np.float64).reshape(-1, width, channels) for part in (A, B)]
        _, maps = structural_similarity(
            *columns,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
            channel_axis=-1,
            full=True,
        )
        maps = maps.reshape(-1, height, width, channels)
        found.append(maps[:, inside, inside].mean(axis=(1, 2, 3)))
    return np.concatenate(found)


class ThicknessScores(OfPairs):
    """Thickness of the strokes of digits, in pixels (`outofsample.images.morphology`).

    An image without strokes has none.

    ``thickness_error`` is the mean absolute difference to the truth of each digit, ``thickness_ratio`` the mean over
    predictions as a share of the mean over their truths.
    """

    scores = ("thickness_error", "thickness_ratio")
    most = MAX_MEASURED

    def __init__(self, cells: ImagePopulations, settings: Settings):
        super().__init__(cells, settings)
        if tuple(cells.image_shape) != DIGIT_SHAPE:
            self.rows = self.rows[:0]
        if not len(self.rows):
            return
        digits = cells.Y[self.answers]
        self.truth = thickness(digits)
        self.known = dict(zip(_keys(digits), self.truth, strict=True))
        self.draw()

    def score(self, predicted: np.ndarray) -> dict[str, Score]:
        if not len(self.rows):
            return {}
        found = thickness(predicted[self.rows])
        return {
            "thickness_error": self.ratio(np.abs(found - self.truth), np.ones(len(found))),
            "thickness_ratio": self.ratio(found, self.truth, note="undefined: the truth has no strokes"),
        }

    def score_halves(self, half: np.ndarray, other: np.ndarray) -> dict[str, Score]:
        if not len(self.rows):
            return {}
        # Of each half the digits that were measured for the predictions.
        means = []
        for part in (half, other):
            found = [self.known[key] for key in _keys(part) if key in self.known]
            means.append(np.mean(found) if found else np.nan)
        ratio = means[0] / means[1] if means[1] > 0 else np.nan
        note = TOO_FEW if np.isnan(ratio) else ""
        return {"thickness_error": Score(np.nan, note=NO_ORACLE), "thickness_ratio": Score(float(ratio), note=note)}


def thickness(digits: np.ndarray) -> np.ndarray:
    """Return the mean thickness of the strokes (digits,) in pixels of flattened 28 x 28 digits; 0 for an empty one."""
    from outofsample.images.morphology import stroke_thickness

    return np.nan_to_num(stroke_thickness(digits.reshape(-1, *DIGIT_SHAPE[:2])), nan=0.0)
