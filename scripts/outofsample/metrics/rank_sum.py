"""The Wilcoxon rank-sum test of each feature, as fast as sorting its values.

`scipy.stats.mannwhitneyu` gives the same numbers and ranks both samples anew each time; here a sample is sorted once,
and two sorted samples are merged. A query is tested against its truth, against both halves of it twenty times, and
against each prediction: of 2,000 genes that is a tenth of the time.
"""

import numba
import numpy as np
from scipy.stats import false_discovery_control, norm


def sort_features(X: np.ndarray) -> np.ndarray:
    """Return the values of cells ``X`` (cells, features) as array (features, cells), each row ascending."""
    return np.sort(np.ascontiguousarray(X.T), axis=1)


def rank_sum_p(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the two-sided p-values (features,) of samples from `sort_features`, (features, n) and (features, m).

    Normal approximation with midranks, correction for ties and for continuity. A feature that is constant over both
    samples has p = 1.
    """
    n, m = a.shape[1], b.shape[1]
    below, ties = _merge(a, b)
    largest = np.maximum(below, n * m - below)
    variance = n * m / 12 * ((n + m + 1) - ties / ((n + m) * (n + m - 1)))
    z = np.divide(largest - n * m / 2 - 0.5, np.sqrt(variance), out=np.full(len(a), -np.inf), where=variance > 0)
    return np.minimum(2 * norm.sf(z), 1)


def rank_sum_q(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the p-values of `rank_sum_p` as Benjamini and Hochberg's false discovery rates (features,)."""
    return false_discovery_control(rank_sum_p(a, b))


@numba.njit(nogil=True, cache=True)
def _merge(a, b):
    """Return, per feature, how often a value of ``a`` is below one of ``b`` (ties count half), and sum(t^3 - t).

    t is the number of values, of both samples together, that are equal.
    """
    features, n = a.shape
    m = b.shape[1]
    below, ties = np.empty(features), np.empty(features)
    for feature in range(features):
        i = j = 0
        pairs, cubes = 0.0, 0.0
        while i < n and j < m:
            value = min(a[feature, i], b[feature, j])
            first_i, first_j = i, j
            while i < n and a[feature, i] == value:
                i += 1
            while j < m and b[feature, j] == value:
                j += 1
            in_a, in_b = i - first_i, j - first_j
            pairs += in_a * (m - j) + 0.5 * in_a * in_b
            cubes += float(in_a + in_b) ** 3 - (in_a + in_b)
        # What is left of one sample lies above all of the other; only its ties count.
        cubes += _ties_from(a[feature], i) + _ties_from(b[feature], j)
        below[feature], ties[feature] = pairs, cubes
    return below, ties


@numba.njit(nogil=True, cache=True)
def _ties_from(values, start):
    """Return sum(t^3 - t) over the groups of equal values from a position on, in ascending values (n,)."""
    cubes = 0.0
    while start < len(values):
        end = start
        while end < len(values) and values[end] == values[start]:
            end += 1
        cubes += float(end - start) ** 3 - (end - start)
        start = end
    return cubes
