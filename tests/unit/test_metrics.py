"""Each score against a slow transcription of its formula in plain Python, and on cases with a known answer."""

import math
import statistics

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from outofsample.metrics.correlations import change_r, pearson, r2, spike_in_r, summary_r
from outofsample.metrics.distances import (
    draw_cells,
    energy_distance,
    rmse,
    sorted_features,
    wasserstein,
    wasserstein_per_feature,
)
from outofsample.metrics.resampling import draw_counts, interval, resampled_medians, summarise_resamples
from outofsample.metrics.spread import sd_ratio, variance_ratio
from outofsample.metrics.summaries import summarise

VALUES = st.floats(-100, 100, width=32)


def population(cells: int, features: int = 4, seed: int = 0) -> np.ndarray:
    """Skewed cells with ties at zero; the number of cells differs from that of features, so axes can't be mixed up."""
    rng = np.random.default_rng(seed)
    X = rng.gamma(1 + np.arange(features), 1.0, size=(cells, features))
    return np.where(rng.random(X.shape) < 0.2, 0, X).astype(np.float32)


def slow_pearson(a, b):
    mean_a, mean_b = statistics.fmean(a), statistics.fmean(b)
    above = math.fsum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    norms = [math.fsum((x - m) ** 2 for x in v) for v, m in ((a, mean_a), (b, mean_b))]
    return above / math.sqrt(norms[0] * norms[1])


def columns(X):
    """Features as lists of Python numbers."""
    return [[float(value) for value in column] for column in X.T]


def slow_medians(X):
    return [statistics.median(column) for column in columns(X)]


def difference(a, b):
    return [x - y for x, y in zip(a, b, strict=True)]


def slow_energy(X, Y):
    def mean(pairs):
        distances = [math.dist(x, y) for x, y in pairs]
        return math.fsum(distances) / len(distances)

    X, Y = [list(map(float, x)) for x in X], [list(map(float, y)) for y in Y]
    within = [mean((Z[i], Z[j]) for i in range(len(Z)) for j in range(len(Z)) if i != j) for Z in (X, Y)]
    return 2 * mean((x, y) for x in X for y in Y) - sum(within)


def test_summaries_reduce_over_cells():
    X = population(7)
    summary = summarise(X)
    np.testing.assert_allclose(summary.medians, slow_medians(X))
    np.testing.assert_allclose(summary.means, [statistics.fmean(c) for c in columns(X)])
    np.testing.assert_allclose(summary.variances, [statistics.pvariance(c) for c in columns(X)])


def test_summary_needs_cells():
    with pytest.raises(ValueError, match="at least one cell"):
        summarise(np.zeros((0, 3)))


def test_scores_of_summaries_match_their_formulas():
    S, T, X, P, Y = (population(cells, seed=i) for i, cells in enumerate((11, 12, 13, 13, 14)))
    s, t, x, p, y = map(summarise, (S, T, X, P, Y))
    slow = {name: slow_medians(part) for name, part in zip("STXPY", (S, T, X, P, Y), strict=True)}
    applied = difference(slow["P"], slow["X"])
    expected = slow_pearson(difference(slow["T"], slow["S"]), applied)
    assert spike_in_r(s.medians, t.medians, x.medians, p.medians) == pytest.approx(expected)
    expected = slow_pearson(applied, difference(slow["Y"], slow["X"]))
    assert change_r(x.medians, p.medians, y.medians) == pytest.approx(expected)
    variances = [[statistics.pvariance(column) for column in columns(part)] for part in (P, Y)]
    assert summary_r(p.variances, y.variances) == pytest.approx(slow_pearson(*variances))
    assert r2(p.variances, y.variances) == pytest.approx(slow_pearson(*variances) ** 2)
    assert variance_ratio(p.variances, y.variances) == pytest.approx(sum(variances[0]) / sum(variances[1]))
    sds = [sum(map(math.sqrt, part)) for part in variances]
    assert sd_ratio(p.variances, y.variances) == pytest.approx(sds[0] / sds[1])
    squares = [d * d for d in difference(slow["P"], slow["Y"])]
    assert rmse(p.medians, y.medians) == pytest.approx(math.sqrt(sum(squares) / len(squares)))


def test_leading_axes_are_kept():
    a, b = np.random.default_rng(0).normal(size=(2, 5, 3, 8))
    together = pearson(a, b)
    assert together.shape == rmse(a, b).shape == sd_ratio(a**2, b**2).shape == (5, 3)
    assert together[2, 1] == pytest.approx(slow_pearson(a[2, 1].tolist(), b[2, 1].tolist()))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("constant", [0.0, 0.1, -1e30])
def test_a_constant_has_no_correlation(constant):
    assert np.isnan(pearson(np.full(7, constant), np.arange(7)))
    assert np.isnan(pearson(np.arange(7), np.full(7, constant)))


def test_features_must_agree():
    with pytest.raises(ValueError, match="3 with 4 features"):
        pearson(np.zeros(3), np.zeros(4))


@given(arrays(float, 6, elements=VALUES), arrays(float, 6, elements=VALUES), st.floats(0.01, 50), VALUES)
def test_pearson_is_bounded_and_ignores_scale_and_shift(a, b, scale, shift):
    r = pearson(a, b)
    assert np.isnan(r) or -1 <= r <= 1
    assert np.array_equal(r, pearson(b, a), equal_nan=True)
    if np.ptp(a) > 1e-3 and np.ptp(b) > 1e-3:
        assert pearson(a * scale + shift, b) == pytest.approx(r, abs=1e-6)
        assert pearson(-a, b) == pytest.approx(-r, abs=1e-6)


def test_median_shift_scores_one_in_table_2():
    S, T, X = (population(cells, seed=cells) for cells in (30, 40, 50))
    s, t, x = (summarise(part).medians for part in (S, T, X))
    assert spike_in_r(s, t, x, summarise(X + (t - s)).medians) == pytest.approx(1)


def test_ratios_without_variance_in_the_truth():
    assert np.isnan(variance_ratio(np.ones(3), np.zeros(3)))
    assert np.isnan(sd_ratio(np.ones(3), np.zeros(3)))


@pytest.mark.parametrize("sizes", [(9, 5), (2, 2), (4, 11)])
def test_energy_distance_matches_its_formula(sizes):
    X, Y = (population(cells, 3, seed=cells) for cells in sizes)
    assert energy_distance(X, Y) == pytest.approx(slow_energy(X, Y), abs=1e-6)


def test_energy_distance_in_pieces(monkeypatch):
    X, Y = population(50), population(40, seed=1) + 1
    whole = energy_distance(X, Y)
    monkeypatch.setattr("outofsample.metrics.distances.CHUNK", 7)
    assert energy_distance(X, Y) == pytest.approx(whole)


def test_energy_distance_is_unbiased():
    X = np.random.default_rng(0).normal(size=(200, 2, 10, 3))
    distances = [energy_distance(*pair) for pair in X]
    assert abs(np.mean(distances)) < 3 * np.std(distances) / np.sqrt(len(distances))


def test_energy_distance_far_from_zero():
    X, Y = population(30).astype(float), population(30, seed=1).astype(float)
    assert energy_distance(X + 1e4, Y + 1e4) == pytest.approx(energy_distance(X, Y), abs=1e-6)


def test_energy_distance_needs_pairs():
    assert math.isnan(energy_distance(population(1), population(9)))


def test_energy_distance_grows_with_a_shift():
    X, Y = population(100), population(100, seed=1)
    distances = [energy_distance(X + shift, Y) for shift in (0, 0.5, 1, 2)]
    assert distances == sorted(distances)


@settings(deadline=None)
@given(st.data())
def test_wasserstein_matches_scipy(data):
    sizes = [data.draw(st.integers(1, 12)) for _ in range(2)]
    X, Y = (data.draw(arrays(np.float32, (size, 3), elements=VALUES)) for size in sizes)
    expected = [scipy.stats.wasserstein_distance(x, y) for x, y in zip(X.T, Y.T, strict=True)]
    found = wasserstein_per_feature(sorted_features(X), sorted_features(Y))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    assert wasserstein(sorted_features(X), sorted_features(Y)) == pytest.approx(np.mean(expected), rel=1e-6, abs=1e-6)


def test_wasserstein_of_a_shift_is_the_shift():
    X, shift = population(25), np.array([0.5, -1, 2, 0])
    found = wasserstein_per_feature(sorted_features(X), sorted_features(X + shift))
    np.testing.assert_allclose(found, abs(shift), atol=1e-6)


def test_drawn_cells():
    assert draw_cells(5, 10, seed=0).tolist() == [0, 1, 2, 3, 4]
    drawn = draw_cells(100, 10, seed=0)
    assert len(set(drawn.tolist())) == 10
    assert drawn.tolist() == draw_cells(100, 10, seed=0).tolist() != draw_cells(100, 10, seed=1).tolist()


def resample(X: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The drawn cells themselves."""
    return np.repeat(X, counts.astype(int), axis=0)


@pytest.mark.parametrize("cells", [1, 2, 3, 10, 301, 3000])
def test_resampled_summaries_are_those_of_the_drawn_cells(cells):
    X = population(cells) + 20
    counts = draw_counts(cells, 6, np.random.default_rng(0))
    assert (counts.sum(axis=0) == cells).all()
    found = summarise_resamples(X, counts)
    for number, drawn in enumerate(counts.T):
        expected = summarise(resample(X, drawn))
        np.testing.assert_allclose(found.medians[number], expected.medians, rtol=1e-6)
        np.testing.assert_allclose(found.means[number], expected.means, rtol=1e-6)
        np.testing.assert_allclose(found.variances[number], expected.variances, rtol=1e-4, atol=1e-6)


@settings(deadline=None)
@given(st.data())
def test_resampled_medians_are_exact(data):
    cells = data.draw(st.integers(1, 40))
    X = data.draw(arrays(np.float32, (cells, 2), elements=VALUES))
    draws = data.draw(arrays(int, (cells, 3), elements=st.integers(0, cells - 1)))
    counts = np.stack([np.bincount(draw, minlength=cells) for draw in draws.T], axis=1).astype(np.float32)
    expected = [np.median(resample(X.astype(float), drawn), axis=0) for drawn in counts.T]
    np.testing.assert_allclose(resampled_medians(X, counts), expected)


@pytest.mark.parametrize("cell", [0, 999])
def test_medians_far_from_the_middle_are_found_too(cell):
    """All draws are of one extreme cell: no resample like it ever happens, but the search must still be right."""
    X = np.arange(1000, dtype=np.float32)[:, None]
    counts = np.zeros((1000, 1), dtype=np.float32)
    counts[cell] = 1000
    assert resampled_medians(X, counts).tolist() == [[cell]]


def test_more_features_than_a_block(monkeypatch):
    X = population(50, features=7)
    counts = draw_counts(50, 4, np.random.default_rng(0))
    whole = resampled_medians(X, counts)
    monkeypatch.setattr("outofsample.metrics.resampling.BLOCK", 3)
    assert np.array_equal(resampled_medians(X, counts), whole)


def test_interval_of_a_mean_is_that_of_theory():
    X = np.random.default_rng(0).normal(size=(400, 1)).astype(np.float32)
    means = summarise_resamples(X, draw_counts(400, 2000, np.random.default_rng(1))).means[:, 0]
    low, high, sd = interval(means)
    assert sd == pytest.approx(X.std() / 20, rel=0.1)
    assert (low, high) == pytest.approx((X.mean() - 1.96 * sd, X.mean() + 1.96 * sd), abs=0.01)


def test_interval_leaves_undefined_resamples_out():
    assert interval(np.array([np.nan, 1, 1, 1])) == (1, 1, 0)
    assert all(map(math.isnan, interval(np.array([np.nan, np.nan, 1]))))
