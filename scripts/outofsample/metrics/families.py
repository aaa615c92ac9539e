"""Families of scores: each computes once per query what its scores share, and then scores one prediction at a time.

`outofsample.metrics.evaluation.FAMILIES` says which kinds of data have which families. A new one is a subclass of
`Family` and an entry there.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from outofsample.metrics.correlations import change_r, r2, spike_in_r, summary_r
from outofsample.metrics.distances import (
    draw_cells,
    drawn_answers,
    energy_and_mmd,
    median_bandwidth,
    pairs_within,
    rmse,
    sorted_features,
    wasserstein,
)
from outofsample.metrics.resampling import draw_counts, interval, resampled_moments, summarise_resamples
from outofsample.metrics.response import ResponseFeatures, response_scores
from outofsample.metrics.spread import sd_ratio, variance_ratio
from outofsample.metrics.summaries import Summary, summarise

#: Cells of X and of Y whose pairs give the bandwidth of `mmd`.
BANDWIDTH_CELLS = 1000
#: Why a score has no value.
CONSTANT = "undefined: constant over features"
TOO_FEW = "undefined: fewer than two cells"
REASONS = {
    "variance_ratio": "undefined: the truth does not vary",
    "sd_ratio": "undefined: the truth does not vary",
    "top_sign": "undefined: no mean changes in the truth",
    "rmse_specific": "undefined: no response is specific to this domain",
    "specific_gain": "undefined: no response is specific to this domain",
    "rmse_shared": "undefined: no response is shared with the other domains",
}


@dataclass(frozen=True)
class Settings:
    """Sizes of an evaluation.

    Attributes
    ----------
    resamples
        Resamples of cells for intervals; the scores named ``notebook`` take `NotebookScores.factor` times as many.
    oracle_halves
        Random halves of the truth for the oracle.
    max_cells
        Cells of a population that enter distances between pairs of cells.
    seed
        Seed of all draws.
    subsamples
        Random subsamples for the scores named so; 100 in trVAE's Figs. 5 and 6.
    """

    resamples: int = 200
    oracle_halves: int = 20
    max_cells: int = 2000
    seed: int = 0
    subsamples: int = 100


class Limits(NamedTuple):
    """Ends, arrays (features,) float64, of twice the range of each feature in training, around its middle."""

    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Populations:
    """The cells of one query, arrays (cells, features) float32; ``Y`` is None where there is no truth.

    ``response`` are the responding features, None without a truth and for images. ``image_shape`` is (height, width,
    channels) where a row is an image. ``answers`` (cells of X,) are the rows of ``Y`` that are the truth of each cell,
    -1 where a cell has none; None: no cell has. ``limits`` are what no bounded method goes beyond, None where that is
    not asked.
    """

    S: np.ndarray
    T: np.ndarray
    X: np.ndarray
    Y: np.ndarray | None
    response: ResponseFeatures | None = None
    image_shape: tuple[int, int, int] | None = None
    answers: np.ndarray | None = None
    limits: Limits | None = None


class Score(NamedTuple):
    """A value with the bounds of its interval and its standard deviation over resampled cells, where it has them.

    ``note`` says why the value is NaN.
    """

    value: float
    low: float = np.nan
    high: float = np.nan
    sd: float = np.nan
    note: str = ""


class Family:
    """Scores that share what they compute; subclasses name them in ``scores``, in the order of the rows."""

    scores: ClassVar[tuple[str, ...]] = ()

    def __init__(self, cells: Populations, settings: Settings):
        self.cells, self.settings = cells, settings

    def score(self, predicted: np.ndarray) -> dict[str, Score]:
        """Score a prediction (cells, features), whose rows are those of X; without a truth, what needs none."""
        raise NotImplementedError

    def score_halves(self, half: np.ndarray, other: np.ndarray) -> dict[str, Score]:
        """Score one random half of the truth (cells, features) against the other, for the oracle; without intervals."""
        raise NotImplementedError


class SummaryScores(Family):
    """Scores of medians, means and variances over cells, with intervals over resampled cells.

    The change of the medians (Neuron Editing 2020, Table 2), means and variances (Table 3; trVAE's R2), and the
    means of responding features (`outofsample.metrics.response`).
    """

    scores = (
        "spike_in_r",
        "change_r",
        "change_of_means_r",
        "rmse_medians",
        "means_r",
        "variances_r",
        "variance_ratio",
        "sd_ratio",
        "means_r2",
        "variances_r2",
        "rmse_means",
        "means_r2_top100",
        "variances_r2_top100",
        "top_sign",
        "rmse_specific",
        "rmse_shared",
        "specific_gain",
    )

    def __init__(self, cells: Populations, settings: Settings):
        super().__init__(cells, settings)
        self.populations = [summarise(part) for part in (cells.S, cells.T, cells.X)]
        self.truth = None if cells.Y is None else summarise(cells.Y)
        rng, resamples = np.random.default_rng(settings.seed), settings.resamples
        # X and its prediction share their resamples: their rows are the same cells.
        self.counts = draw_counts(len(cells.X), resamples, rng)
        self.resampled = [
            summarise_resamples(part, draw_counts(len(part), resamples, rng)) for part in (cells.S, cells.T)
        ]
        self.resampled.append(summarise_resamples(cells.X, self.counts))
        self.resampled_truth = None
        if cells.Y is not None:
            self.resampled_truth = summarise_resamples(cells.Y, draw_counts(len(cells.Y), resamples, rng))

    def score(self, predicted: np.ndarray) -> dict[str, Score]:
        summary, resampled = summarise(predicted), summarise_resamples(predicted, self.counts)
        values = summary_scores(*self.populations, summary, self.truth, self.cells.response)
        spread = summary_scores(*self.resampled, resampled, self.resampled_truth, self.cells.response)
        return {name: self._score(name, values[name], spread[name], summary) for name in self.scores if name in values}

    def score_halves(self, half: np.ndarray, other: np.ndarray) -> dict[str, Score]:
        summary = summarise(half)
        values = summary_scores(*self.populations, summary, summarise(other), self.cells.response)
        return {name: self._score(name, values[name], None, summary) for name in self.scores if name in values}

    def _score(self, name: str, value: np.ndarray, spread: np.ndarray | None, summary: Summary) -> Score:
        if np.isnan(value):
            return Score(np.nan, note=self._why_undefined(name, summary))
        return Score(float(value), *(interval(spread) if spread is not None else ()))

    def _why_undefined(self, name: str, summary: Summary) -> str:
        X = self.populations[2]
        unchanged = np.array_equal(summary.medians, X.medians) and np.array_equal(summary.means, X.means)
        if name in ("spike_in_r", "change_r", "change_of_means_r") and unchanged:
            return "undefined: no change applied"
        if name == "specific_gain" and len(self.cells.response.specific):
            return "undefined: the mean shift makes no error"
        return REASONS.get(name, CONSTANT)


def summary_scores(
    S: Summary, T: Summary, X: Summary, predicted: Summary, Y: Summary | None, response: ResponseFeatures | None = None
) -> dict[str, np.ndarray]:
    """Return the scores that rest on medians, means and variances of the populations.

    The arrays of the summaries are (..., features), those of the scores (...): so the same lines score the cells as
    they are and all their resamples.
    """
    scores = {"spike_in_r": spike_in_r(S.medians, T.medians, X.medians, predicted.medians)}
    if Y is None:
        return scores
    scores |= {
        "change_r": change_r(X.medians, predicted.medians, Y.medians),
        "change_of_means_r": change_r(X.means, predicted.means, Y.means),
        "rmse_medians": rmse(predicted.medians, Y.medians),
        "means_r": summary_r(predicted.means, Y.means),
        "variances_r": summary_r(predicted.variances, Y.variances),
        "variance_ratio": variance_ratio(predicted.variances, Y.variances),
        "sd_ratio": sd_ratio(predicted.variances, Y.variances),
        "rmse_means": rmse(predicted.means, Y.means),
    }
    scores |= {f"{name}2": scores[name] ** 2 for name in ("means_r", "variances_r")}
    if response is None:
        return scores
    top = response.top
    if response.are_genes and len(top):
        scores["means_r2_top100"] = r2(predicted.means[..., top], Y.means[..., top])
        scores["variances_r2_top100"] = r2(predicted.variances[..., top], Y.variances[..., top])
    return scores | response_scores(S, T, X, predicted, Y, response)


class DistanceScores(Family):
    """Distances between populations, on at most ``max_cells`` cells of each where pairs of cells are compared.

    The bandwidth of `mmd` comes from X and Y alone, once per query: all methods and the oracle share the kernel.
    Where the truth of a cell is known, the pair of the two is left out, as `energy_distance` says; halves of the truth
    share no cell.
    """

    scores = ("energy_distance", "wasserstein", "mmd")

    def __init__(self, cells: Populations, settings: Settings):
        super().__init__(cells, settings)
        if cells.Y is None:
            return
        rows, truth_rows = (draw_cells(len(part), settings.max_cells, settings.seed) for part in (cells.X, cells.Y))
        self.rows, self.truth = rows, cells.Y[truth_rows]
        self.answers = None if cells.answers is None else drawn_answers(cells.answers, rows, truth_rows)
        few = min(settings.max_cells, BANDWIDTH_CELLS)
        self.bandwidth = median_bandwidth(self._drawn(cells.X, few), self._drawn(cells.Y, few))
        self.within_truth = pairs_within(self.truth, self.bandwidth)
        self.sorted_truth = sorted_features(cells.Y)

    def _drawn(self, cells: np.ndarray, at_most: int) -> np.ndarray:
        return cells[draw_cells(len(cells), at_most, self.settings.seed)]

    def score(self, predicted: np.ndarray) -> dict[str, Score]:
        if self.cells.Y is None:
            return {}
        pairs = energy_and_mmd(predicted[self.rows], self.truth, self.bandwidth, self.within_truth, self.answers)
        return self._scores(pairs, wasserstein(sorted_features(predicted), self.sorted_truth))

    def score_halves(self, half: np.ndarray, other: np.ndarray) -> dict[str, Score]:
        # The order is random already: the first cells are as good as any.
        pairs = energy_and_mmd(*(part[: self.settings.max_cells] for part in (half, other)), self.bandwidth)
        return self._scores(pairs, wasserstein(sorted_features(half), sorted_features(other)))

    def _scores(self, pairs: tuple[float, float], moved: float) -> dict[str, Score]:
        energy, discrepancy = pairs
        alike = "undefined: X and Y are one and the same cell" if np.isnan(self.bandwidth) else TOO_FEW
        return {
            "energy_distance": Score(energy, note=TOO_FEW if np.isnan(energy) else ""),
            "wasserstein": Score(moved),
            "mmd": Score(discrepancy, note=alike if np.isnan(discrepancy) else ""),
        }


class ResampledR2(Family):
    """trVAE's R2 (squared Pearson correlation) of means and of variances as a mean over resamples.

    Predicted and real cells are both drawn anew each time. The value is the mean over the resamples, the sd their
    standard deviation (the bars of trVAE's Figs. 5e and 6e), the interval their percentiles. Subclasses say how many
    cells of which features are drawn how often.
    """

    #: Draws of a resample as a share of the cells, and a number that keeps the draws of the subclasses apart.
    share: ClassVar[float]
    stream: ClassVar[int]

    def __init__(self, cells: Populations, settings: Settings):
        super().__init__(cells, settings)
        self.rng = np.random.default_rng([settings.seed, self.stream])
        self.features = self.choose_features()
        if self.features is not None:
            self.counts = self._draw(len(cells.X))
            self.truth = self._moments(cells.Y, self._draw(len(cells.Y)))
        self.half_counts: tuple[np.ndarray, ...] | None = None

    def choose_features(self) -> np.ndarray | slice | None:
        """Return the features that are compared; None where these scores are not defined."""
        raise NotImplementedError

    def resamples(self) -> int:
        """Return the number of resamples."""
        raise NotImplementedError

    def score(self, predicted: np.ndarray) -> dict[str, Score]:
        return {} if self.features is None else self._scores(self._moments(predicted, self.counts), self.truth)

    def score_halves(self, half: np.ndarray, other: np.ndarray) -> dict[str, Score]:
        if self.features is None:
            return {}
        if self.half_counts is None:
            # All halves have the same sizes and come in random order, so they can share the draws.
            self.half_counts = self._draw(len(half)), self._draw(len(other))
        moments = [self._moments(*pair) for pair in zip((half, other), self.half_counts, strict=True)]
        scores = self._scores(*moments)
        return {name: Score(score.value, note=score.note) for name, score in scores.items()}

    def _draw(self, cells: int) -> np.ndarray:
        return draw_counts(cells, self.resamples(), self.rng, self.share)

    def _moments(self, cells: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return resampled_moments(cells[:, self.features], counts)

    def _scores(
        self, predicted: tuple[np.ndarray, np.ndarray], truth: tuple[np.ndarray, np.ndarray]
    ) -> dict[str, Score]:
        scores = {}
        for name, ours, real in zip(self.scores, predicted, truth, strict=True):
            values = r2(ours, real)
            values = values[np.isfinite(values)]
            scores[name] = Score(values.mean(), *interval(values)) if len(values) else Score(np.nan, note=CONSTANT)
        return scores


class SubsampleScores(ResampledR2):
    """trVAE's Figs. 5e and 6e as the paper tells them: R2 over all features in 100 'random subsamples'.

    The text does not say how large they are or how they are drawn. We take 90 % of the cells, drawn with
    replacement, as the authors' code draws elsewhere.
    """

    scores = ("means_r2_subsamples", "variances_r2_subsamples")
    share = 0.9
    stream = 1

    def choose_features(self) -> slice | None:
        return None if self.cells.Y is None else slice(None)

    def resamples(self) -> int:
        return self.settings.subsamples


class NotebookScores(ResampledR2):
    """trVAE's Fig. 6e as the authors' notebook computes it, which differs from the paper's text.

    1,000 genes, ranked by a test of the held-out cells themselves (so it knows the truth: for evaluation only), and
    1,000 resamples (5 times the number for intervals) of as many cells as there are, with replacement. Only for data
    with more than `outofsample.metrics.response.MANY_FEATURES` features.
    """

    scores = ("means_r2_notebook", "variances_r2_notebook")
    share = 1.0
    stream = 2
    factor = 5

    def choose_features(self) -> np.ndarray | None:
        return None if self.cells.response is None else self.cells.response.notebook

    def resamples(self) -> int:
        return self.factor * self.settings.resamples
