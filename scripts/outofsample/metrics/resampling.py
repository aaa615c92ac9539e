"""Bootstrap over cells: how far a score depends on which cells were measured.

A resample of n cells is n draws with replacement; it is kept as the number of times that each cell was drawn. Then
means and variances of all resamples are one matrix product, and medians need the order of the cells only once. All
methods share the resamples, and X and its prediction share them too, since their rows are the same cells.
"""

import numpy as np

from outofsample.metrics.summaries import Summary

#: Features that are handled at once; bounds the memory.
BLOCK = 64


def draw_counts(cells: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Return array (cells, resamples) float32: how often each cell is part of each resample; columns sum to cells.

    float32 is exact for whole numbers below 2^24, and matrix products are fast in it.
    """
    counts = np.empty((cells, resamples), dtype=np.float32)
    for resample in range(resamples):
        counts[:, resample] = np.bincount(rng.integers(cells, size=cells), minlength=cells)
    return counts


def summarise_resamples(X: np.ndarray, counts: np.ndarray) -> Summary:
    """Return the `Summary`, arrays (resamples, features), of each resample of ``X`` (cells, features).

    ``counts`` (cells, resamples) is from `draw_counts`.
    """
    centre = X.mean(axis=0, dtype=np.float64)
    # Centred, so that float32 and the difference of squares cost no digits that matter.
    centred = (X - centre).astype(np.float32)
    means = (counts.T @ centred).astype(np.float64) / len(X)
    squares = (counts.T @ centred**2).astype(np.float64) / len(X)
    return Summary(resampled_medians(X, counts), means + centre, np.maximum(squares - means**2, 0))


def resampled_medians(X: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the median of each feature in each resample, array (resamples, features); exact.

    ``X`` is (cells, features), ``counts`` (cells, resamples).
    """
    medians = np.empty((counts.shape[1], X.shape[1]))
    for start in range(0, X.shape[1], BLOCK):
        block = np.ascontiguousarray(X[:, start : start + BLOCK].T)
        # How many draws come from the lower half of the cells varies with a standard deviation of sqrt(n) / 2.
        half, found = 4 * int(np.sqrt(len(X))) + 1, None
        while found is None:
            found, half = _medians_near_middle(block, counts, half), 2 * half
        medians[:, start : start + BLOCK] = found
    return medians


def _medians_near_middle(block: np.ndarray, counts: np.ndarray, half: int) -> np.ndarray | None:
    """Medians (resamples, features), sought among the ``half`` cells on each side of the middle of the sorted cells.

    ``block`` is (features, cells). None where some resample has its median outside.
    """
    n = block.shape[1]
    middle = ((n - 1) // 2, n // 2)
    low, high = max(0, middle[0] - half), min(n, middle[1] + half + 1)
    order = np.argpartition(block, (low, high - 1), axis=1)
    is_below = np.zeros(block.shape, dtype=np.float32)
    np.put_along_axis(is_below, order[:, :low], 1, axis=1)
    below = is_below @ counts
    medians = np.empty((counts.shape[1], len(block)))
    for feature, values in enumerate(block):
        near = order[feature, low:high]
        near = near[np.argsort(values[near])]
        drawn = np.cumsum(counts[near], axis=0) + below[feature]
        if below[feature].max() > middle[0] or drawn[-1].min() <= middle[1]:
            return None
        # The p-th draw (from 0) in sorted order is the first cell with more than p draws up to it.
        ranks = [(drawn <= p).sum(axis=0) for p in middle]
        medians[:, feature] = (values[near[ranks[0]]].astype(np.float64) + values[near[ranks[1]]]) / 2
    return medians


def interval(values: np.ndarray, level: float = 0.95) -> tuple[float, float, float]:
    """Return (low, high, sd) of a score over resamples (resamples,): percentile interval and standard deviation.

    Undefined resamples are left out; NaN where fewer than two are left. Resampling adds noise of its own, so for a
    distance close to zero, or a correlation close to one, the whole interval can lie on the worse side of the score.
    """
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return float("nan"), float("nan"), float("nan")
    low, high = np.percentile(values, [50 * (1 - level), 50 * (1 + level)])
    return float(low), float(high), float(values.std(ddof=1))
