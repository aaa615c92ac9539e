"""Whether a prediction finds the genes that change: recovery of differentially expressed genes.

The scores are those of the Arc Institute's package cell-eval, under its names, checked against it by
``benchmarks/changed_genes.py``; the last one is ours. A test says which genes change, from the query to the truth and
from the query to the prediction: two-sided Wilcoxon rank-sum, Benjamini and Hochberg's false discovery rate below
`LEVEL`. It takes a prediction's cells for independent of the query's, which they are not, as each is made from one of
them.

They have no interval over resampled cells: a resample has cells twice, the test takes both for measured ones, and calls
too many genes.
"""

from typing import NamedTuple

import numpy as np

from outofsample.metrics.families import TOO_FEW, Family, Populations, Score, Settings

#: False discovery rate below which a gene counts as changed.
LEVEL = 0.05
#: Genes of `precision_at_100`.
FIRST = 100
#: False discovery rates below this one count alike in `pr_auc`, as in cell-eval.
SMALLEST_RATE = 1e-10
#: Values from here on are no logarithms of counts; cell-eval refuses them.
LARGEST_LOGARITHM = 15
#: A departure from the change elsewhere below this share of the largest change elsewhere is rounding.
ROUNDING = 1e-4
#: Why a score has no value.
NO_GENE = "undefined: no gene changes in the truth by the test"
ALL_GENES = "undefined: all genes change in the truth by the test"
NO_LOGARITHMS = f"undefined: fold changes need logarithms of counts, from 0 to {LARGEST_LOGARITHM}"
ALIKE = "undefined: all fold changes are the same"
NONE_SPECIFIC = "undefined: no changed gene is specific to this domain"


class Expression(NamedTuple):
    """A population against the query, arrays (genes,).

    ``rate``: false discovery rates of the test; ``fold``: log2 ratios of the means, exp(mean) - 1 of logarithms of
    counts, 0 where there is no ratio and infinite where the query has no count; ``change``: differences of means.
    """

    rate: np.ndarray
    fold: np.ndarray
    change: np.ndarray

    @property
    def is_called(self) -> np.ndarray:
        """Mask (genes,) of the genes that the test calls changed."""
        return self.rate < LEVEL

    def largest(self) -> np.ndarray:
        """Return the positions of the called genes, those with the largest fold changes, up or down, first."""
        called = np.flatnonzero(self.is_called)
        return called[np.argsort(-np.abs(self.fold[called]), kind="stable")]


class DifferentialExpressionScores(Family):
    """Recovery of the genes that change, on data with as many features as genes; ``scores`` in cell-eval's words.

    - `pr_auc`: area under the precision-recall curve (average precision) where genes are called in the order of the
      prediction's false discovery rates.
    - `precision_at_N`, `precision_at_100`: share of the genes that the prediction calls (all; the 100 with the largest
      fold changes) that are among as many of the truth; 0 where it calls none.
    - `overlap_at_N`: share of the N genes of the truth that are among the N largest of the prediction.
    - `de_direction_match`: share of the truth's genes that change in the right direction.
    - `de_spearman_lfc_sig`: Spearman correlation of fold changes on the truth's genes.
    - `specific_found` (ours): share of the truth's genes that are *specific* to the query's domain (their change
      differs from mean T - mean S by more than half of itself) that are among as many of them and of all others from
      whose change elsewhere the prediction departs most, in the direction of the truth.

    Without a gene that the truth's test calls they are undefined, where cell-eval says 0 or nothing.
    """

    scores = (
        "pr_auc",
        "precision_at_N",
        "precision_at_100",
        "overlap_at_N",
        "de_direction_match",
        "de_spearman_lfc_sig",
        "specific_found",
    )

    def __init__(self, cells: Populations, settings: Settings):
        super().__init__(cells, settings)
        self.applies = cells.response is not None and cells.response.are_genes
        if not self.applies:
            return
        self.few = min(len(cells.X), len(cells.Y)) < 2
        self.are_logarithms = _are_logarithms(cells.X) and _are_logarithms(cells.Y)
        self.means = cells.X.mean(axis=0, dtype=np.float64)
        self.elsewhere = cells.T.mean(axis=0, dtype=np.float64) - cells.S.mean(axis=0, dtype=np.float64)
        # numba's import takes half a second, which data without genes are spared.
        from outofsample.metrics.rank_sum import sort_features

        self.sorted_query = sort_features(cells.X)
        self.truth = self.against_query(cells.Y)

    def against_query(self, cells: np.ndarray) -> Expression:
        """Return the test of a population (cells, genes) against the query, with its fold changes."""
        from outofsample.metrics.rank_sum import rank_sum_q, sort_features

        means = cells.mean(axis=0, dtype=np.float64)
        rate = rank_sum_q(sort_features(cells), self.sorted_query)
        return Expression(rate, fold_changes(means, self.means), means - self.means)

    def score(self, predicted: np.ndarray) -> dict[str, Score]:
        return self._scores(predicted, self.truth) if self.applies else {}

    def score_halves(self, half: np.ndarray, other: np.ndarray) -> dict[str, Score]:
        return self._scores(half, self.against_query(other)) if self.applies else {}

    def _scores(self, predicted: np.ndarray, truth: Expression) -> dict[str, Score]:
        """Return all scores of a prediction (cells, genes), each with a reason where it has no value."""
        if self.few or not truth.is_called.any():
            return dict.fromkeys(self.scores, Score(np.nan, note=TOO_FEW if self.few else NO_GENE))
        ours = self.against_query(predicted)
        values = {
            "pr_auc": average_precision(truth.is_called, ours.rate),
            **overlaps(ours, truth),
            "de_direction_match": np.mean((np.sign(ours.fold) == np.sign(truth.fold))[truth.is_called]),
            "de_spearman_lfc_sig": rank_correlation(ours.fold[truth.is_called], truth.fold[truth.is_called]),
            "specific_found": specific_found(ours.change, truth, self.elsewhere),
        }
        why = {"pr_auc": ALL_GENES, "de_spearman_lfc_sig": ALIKE, "specific_found": NONE_SPECIFIC}
        if not self.are_logarithms:
            of_folds = set(self.scores) - {"pr_auc", "specific_found"}
            values |= dict.fromkeys(of_folds, np.nan)
            why |= dict.fromkeys(of_folds, NO_LOGARITHMS)
        return {
            name: Score(float(values[name]), note=why[name] if np.isnan(values[name]) else "") for name in self.scores
        }


def _are_logarithms(cells: np.ndarray) -> bool:
    return bool(cells.min() >= 0 and cells.max() < LARGEST_LOGARITHM)


def fold_changes(means: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return log2 ratios (genes,) of means of logarithms of counts: log2((exp(mean) - 1) / (exp(reference) - 1)).

    A mean below zero, which a network may predict, has no ratio: 0, like that of two means of zero. A mean of zero has
    an infinite one.
    """
    with np.errstate(all="ignore"):
        fold = np.log2(np.expm1(means) / np.expm1(reference))
    return np.where(np.isnan(fold), 0.0, fold)


def average_precision(is_true: np.ndarray, rate: np.ndarray) -> float:
    """Return the area under the precision-recall curve where the smallest of ``rate`` (genes,) are called first.

    ``is_true`` is a mask (genes,); genes with the same rate are called together. NaN where all genes are true.
    """
    from sklearn.metrics import average_precision_score

    if is_true.all():
        return np.nan
    return float(average_precision_score(is_true, -np.log10(np.clip(rate, SMALLEST_RATE, 1))))


def overlaps(ours: Expression, truth: Expression) -> dict[str, float]:
    """Return precisions and overlap of the called genes, as `DifferentialExpressionScores` says them."""
    found, real = ours.largest(), truth.largest()
    sizes = {
        "precision_at_N": len(found),
        "precision_at_100": min(FIRST, len(found)),
        "overlap_at_N": len(real),
    }
    return {name: len(np.intersect1d(found[:k], real[:k])) / k if k else 0.0 for name, k in sizes.items()}


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return Spearman's correlation of arrays (genes,), which may hold infinities; NaN where one is constant."""
    from scipy.stats import rankdata

    from outofsample.metrics.correlations import pearson

    return float(pearson(rankdata(a), rankdata(b)))


def specific_found(change: np.ndarray, truth: Expression, elsewhere: np.ndarray) -> float:
    """Return the share of the specific genes that a prediction finds; NaN where there are none.

    ``change`` and ``elsewhere`` (genes,) are differences of means. See `DifferentialExpressionScores`.
    """
    real, ours = truth.change - elsewhere, change - elsewhere
    is_specific = truth.is_called & (np.abs(real) > np.abs(truth.change) / 2)
    if not is_specific.any():
        return np.nan
    departure = np.where(np.abs(ours) > ROUNDING * np.abs(elsewhere).max(), np.abs(ours), 0)
    first = np.argsort(-departure, kind="stable")[: is_specific.sum()]
    right = is_specific[first] & (departure[first] > 0) & (np.sign(ours) == np.sign(real))[first]
    return float(right.sum() / is_specific.sum())
