"""Bootstrap over cells: how far a score depends on which cells were measured.

A resample of n cells is n draws with replacement; it is kept as the number of times that each cell was drawn. Then
means and variances of all resamples are one matrix product, and medians need the order of the cells only once. All
methods share the resamples, and X and its prediction share them too, since their rows are the same cells.
"""

import numpy as np

from outofsample.metrics.summaries import Summary

#: Features that are handled at once; bounds the memory.
BLOCK = 64
#: Below this number of truth cells, the oracle's halves say little.
FEW_CELLS = 50


def draw_counts(cells: int, resamples: int, rng: np.random.Generator, share: float = 1.0) -> np.ndarray:
    """Return array (cells, resamples) float32: how often each cell is part of each resample.

    A resample has ``share`` times as many draws (rounded, at least one) as there are cells: columns sum to that.
    float32 is exact for whole numbers below 2^24, and matrix products are fast in it.
    """
    counts = np.empty((cells, resamples), dtype=np.float32)
    draws = max(1, round(share * cells))
    for resample in range(resamples):
        counts[:, resample] = np.bincount(rng.integers(cells, size=draws), minlength=cells)
    return counts


def summarise_resamples(X: np.ndarray, counts: np.ndarray) -> Summary:
    """Return the `Summary`, arrays (resamples, features), of each resample of ``X`` (cells, features).

    ``counts`` (cells, resamples) is from `draw_counts` with as many draws as cells.
    """
    return Summary(resampled_medians(X, counts), *resampled_moments(X, counts))


def resampled_moments(X: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return means and variances, each (resamples, features) float64, of each resample of ``X`` (cells, features).

    ``counts`` (cells, resamples) is from `draw_counts`; variances divide by the number of draws.
    """
    draws = counts.sum(axis=0, dtype=np.float64)[:, None]
    centre = X.mean(axis=0, dtype=np.float64)
    # Centred, so that float32 and the difference of squares cost no digits that matter.
    centred = (X - centre).astype(np.float32)
    means = (counts.T @ centred).astype(np.float64) / draws
    squares = (counts.T @ centred**2).astype(np.float64) / draws
    return means + centre, np.maximum(squares - means**2, 0)


def resampled_medians(X: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the median of each feature in each resample, array (resamples, features); exact.

    ``X`` is (cells, features), ``counts`` (cells, resamples) with as many draws as cells.
    """
    medians = np.empty((counts.shape[1], X.shape[1]))
    for start in range(0, X.shape[1], BLOCK):
        block = np.ascontiguousarray(X[:, start : start + BLOCK].T)
        found, typical = _medians_among_ties(block, counts)
        medians[:, start : start + BLOCK] = typical
        medians[:, start + np.flatnonzero(~found)] = _medians_by_search(block[~found], counts)
    return medians


def _medians_among_ties(block: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (found, medians), both (features,): the median where all resamples have the same, that of all cells.

    Most genes of single cells are zero in more than half of the cells, and then in more than half of each resample:
    two matrix products show it. ``block`` is (features, cells).
    """
    n = block.shape[1]
    middle = ((n - 1) // 2, n // 2)
    typical = np.partition(block, middle[0], axis=1)[:, middle[0]]
    found = np.zeros(len(block), dtype=bool)
    # The draws up to the median vary by sqrt(n) / 2: fewer ties cannot hold the median of all resamples.
    tied = np.flatnonzero((block == typical[:, None]).sum(axis=1) > np.sqrt(n))
    if len(tied):
        values, value = block[tied], typical[tied, None]
        below, up_to = ((mask.astype(np.float32) @ counts) for mask in (values < value, values <= value))
        found[tied] = (below.max(axis=1) <= middle[0]) & (up_to.min(axis=1) > middle[1])
    return found, typical


def _medians_by_search(block: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return medians (resamples, features) of ``block`` (features, cells), sought from the middle outwards."""
    # How many draws come from the lower half of the cells varies with a standard deviation of sqrt(n) / 2.
    half, found = int(2.5 * np.sqrt(block.shape[1])) + 1, None
    while found is None:
        found, half = _medians_near_middle(block, counts, half), 2 * half
    return found


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
    near = order[:, low:high]
    values = np.take_along_axis(block, near, axis=1)
    ascending = np.argsort(values, axis=1)
    near, values = (np.take_along_axis(array, ascending, axis=1) for array in (near, values))
    drawn = is_below @ counts
    if drawn.max(initial=0) > middle[0]:
        return None
    # The p-th draw (from 0) in sorted order is the first cell with more than p draws up to it. One cell of all features
    # at a time: each step works on (features, resamples) in the processor's cache, five times faster than a cumsum.
    ranks = [np.zeros(drawn.shape, dtype=np.int32) for _ in middle]
    for cells in near.T:
        drawn += counts[cells]
        for rank, p in zip(ranks, middle, strict=True):
            rank += drawn <= p
    if drawn.min(initial=n) <= middle[1]:
        return None
    lower, upper = (np.take_along_axis(values, rank, axis=1).astype(np.float64) for rank in ranks)
    return ((lower + upper) / 2).T


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
