"""The local edit of Neuron Editing's later code."""

import numpy as np

from outofsample.edits.support.base import create_edit


def test_knn_shift_is_the_mean_over_the_nearest_source_cells():
    """A slow transcription: bins by numpy's percentiles, neighbours by sorting all distances."""
    rng = np.random.default_rng(6)
    source, target, query = rng.normal(size=(60, 2)), rng.gamma(2, size=(50, 2)), rng.normal(size=(9, 2))
    p_s, p_t = (np.percentile(values, range(101), axis=0) for values in (source, target))
    expected = query.copy()
    for row, cell in enumerate(query):
        nearest = np.argsort(((source - cell) ** 2).sum(axis=1))[:5]
        for unit in range(2):
            shifts = []
            for value in source[nearest, unit]:
                # A cell that is itself a percentile ends one bin and begins the next: the mean of both counts.
                bins = [j for j in range(100) if p_s[j, unit] <= value <= p_s[j + 1, unit]]
                middle = [p_t[j : j + 2, unit].mean() - p_s[j : j + 2, unit].mean() for j in bins]
                shifts.append(np.mean(middle))
            expected[row, unit] += np.mean(shifts)
    edited = create_edit("knn_shift", {"neighbours": 5}).fit(source, target).transform(query)
    np.testing.assert_allclose(edited, expected, rtol=1e-5, atol=1e-5)


def test_knn_shift_is_bounded_by_the_shifts_seen():
    rng = np.random.default_rng(7)
    source, target = rng.normal(size=(300, 2)), rng.normal(size=(300, 2)) * 2
    far = np.array([[1e6, -1e6]])
    moved = create_edit("knn_shift").fit(source, target).transform(far) - far
    assert np.abs(moved).max() <= 8
