"""The rank-sum test beside scipy's."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control, mannwhitneyu

from outofsample.metrics.rank_sum import rank_sum_p, rank_sum_q, sort_features


def samples(kind: str, n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    a, b = rng.normal(0.3, 1, size=(n, 40)), rng.normal(0, 1, size=(m, 40))
    if kind == "zeros":
        a, b = np.maximum(a - 1, 0), np.maximum(b - 1, 0)
    if kind == "counts":
        a, b = np.round(a), np.round(b)
    return a.astype(np.float32), b.astype(np.float32)


@pytest.mark.parametrize("kind", ["apart", "zeros", "counts"])
@pytest.mark.parametrize("sizes", [(60, 45), (1, 30), (30, 1)])
def test_p_values_are_scipy_s(kind, sizes):
    a, b = samples(kind, *sizes)
    # A feature whose values lie apart, one way and the other: nothing is left to merge after the first sample.
    a[:, 0], b[:, 0] = 5, -5
    a[:, 1], b[:, 1] = -5, 5
    # scipy computes in the precision of what it gets.
    wanted = mannwhitneyu(a.astype(float), b.astype(float), axis=0, method="asymptotic").pvalue
    wanted[np.isnan(wanted)] = 1
    found = rank_sum_p(sort_features(a), sort_features(b))
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    np.testing.assert_allclose(
        rank_sum_q(sort_features(a), sort_features(b)), false_discovery_control(wanted), rtol=1e-9
    )


def test_a_constant_feature_has_p_one():
    a, b = np.zeros((20, 2), dtype=np.float32), np.zeros((30, 2), dtype=np.float32)
    assert (rank_sum_p(sort_features(a), sort_features(b)) == 1).all()


def test_the_order_of_the_samples_does_not_matter():
    a, b = map(sort_features, samples("zeros", 25, 40))
    np.testing.assert_allclose(rank_sum_p(a, b), rank_sum_p(b, a), rtol=1e-12)
