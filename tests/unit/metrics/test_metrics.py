"""Each score against a slow transcription of its formula in plain Python, and on cases with a known answer."""

import itertools
import math
import statistics
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from outofsample.edits.support.base import create_edit
from outofsample.metrics.correlations import change_r, pearson, r2, spike_in_r, summary_r
from outofsample.metrics.distances import (
    KERNEL_SCALES,
    WIDE,
    draw_cells,
    drawn_answers,
    energy_distance,
    median_bandwidth,
    mmd,
    rmse,
    sorted_features,
    wasserstein,
    wasserstein_per_feature,
)
from outofsample.metrics.families import (
    DistanceScores,
    NotebookScores,
    Populations,
    Settings,
    SubsampleScores,
    SummaryScores,
)
from outofsample.metrics.resampling import (
    draw_counts,
    interval,
    resampled_medians,
    resampled_moments,
    summarise_resamples,
)
from outofsample.metrics.response import ResponseFeatures, ranked_features, response_features, top_sign
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


def pairs_of_different_cells(X, Y, answers=None):
    """Every cell of X with every one of Y but its own answer."""
    answers = [-1] * len(X) if answers is None else answers
    return [(x, y) for x, answer in zip(X, answers, strict=True) for j, y in enumerate(Y) if j != answer]


def slow_energy(X, Y, answers=None):
    def mean(pairs):
        distances = [math.dist(x, y) for x, y in pairs]
        return math.fsum(distances) / len(distances)

    X, Y = [list(map(float, x)) for x in X], [list(map(float, y)) for y in Y]
    within = [mean((Z[i], Z[j]) for i in range(len(Z)) for j in range(len(Z)) if i != j) for Z in (X, Y)]
    return 2 * mean(pairs_of_different_cells(X, Y, answers)) - sum(within)


def slow_kernel(x, y, bandwidth):
    """Mean of Gaussians of a pair of cells."""
    squared = math.dist(x, y) ** 2
    return statistics.fmean(math.exp(-squared / (2 * scale * bandwidth)) for scale in KERNEL_SCALES)


def slow_mmd(X, Y, bandwidth, answers=None):
    X, Y = X.tolist(), Y.tolist()
    within = [
        statistics.fmean(slow_kernel(a, b, bandwidth) for a, b in itertools.permutations(cells, 2)) for cells in (X, Y)
    ]
    across = (slow_kernel(x, y, bandwidth) for x, y in pairs_of_different_cells(X, Y, answers))
    return sum(within) - 2 * statistics.fmean(across)


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


@pytest.mark.parametrize("sizes", [(9, 5), (2, 2), (4, 11)])
@pytest.mark.parametrize("bandwidth", [0.3, 5.0])
def test_mmd_matches_its_formula(sizes, bandwidth):
    X, Y = (population(cells, 3, seed=cells) for cells in sizes)
    assert mmd(X, Y, bandwidth) == pytest.approx(slow_mmd(X, Y, bandwidth), abs=1e-9)


def test_pairs_of_many_features_in_float32_match_the_formulas():
    X, Y = population(8, WIDE + 10), population(7, WIDE + 10, seed=1) + np.float32(0.1)
    bandwidth = median_bandwidth(X, Y)
    assert energy_distance(X, Y) == pytest.approx(slow_energy(X, Y), rel=1e-3)
    assert mmd(X, Y, bandwidth) == pytest.approx(slow_mmd(X, Y, bandwidth), rel=1e-3)


def test_mmd_in_pieces(monkeypatch):
    X, Y = population(50), population(40, seed=1) + 1
    whole = mmd(X, Y, 3.0)
    monkeypatch.setattr("outofsample.metrics.distances.CHUNK", 7)
    assert mmd(X, Y, 3.0) == pytest.approx(whole)


def test_mmd_of_two_points_is_that_of_their_kernel():
    X, Y = np.zeros((4, 2)), np.tile([3.0, 4.0], (6, 1))
    assert median_bandwidth(X, Y) == 25
    kernel = (math.exp(-1 / 8) + math.exp(-1 / 4) + math.exp(-1 / 2) + math.exp(-1) + math.exp(-2)) / 5
    assert mmd(X, Y, 25.0) == pytest.approx(2 - 2 * kernel)


def test_mmd_is_unbiased_and_grows_with_a_shift():
    X = np.random.default_rng(0).normal(size=(200, 2, 10, 3))
    found = [mmd(*pair, 6.0) for pair in X]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(len(found))
    X, Y = population(100), population(100, seed=1)
    shifted = [mmd(X + shift, Y, 10.0) for shift in (0, 0.5, 1, 2)]
    assert shifted == sorted(shifted)
    assert math.isnan(mmd(X[:1], Y, 10.0))


#: Answers of nine cells among five: in another order, not of all cells, for all, for none.
SOME_ANSWERS = [[-1, 3, -1, 0, 4, -1, -1, 2, 1], [4, 3, 2, 1, 0, 0, 1, 2, 3], [-1] * 9]


@pytest.mark.parametrize("chunk", [4, 1024])
@pytest.mark.parametrize("answers", SOME_ANSWERS)
def test_distances_without_pairs_of_a_cell_with_its_own_answer_match_their_formulas(answers, chunk, monkeypatch):
    monkeypatch.setattr("outofsample.metrics.distances.CHUNK", chunk)
    X, Y, answers = population(9, 3), population(5, 3, seed=1), np.array(answers)
    # A pair at distance zero, and one far apart.
    X[3], X[4] = Y[0], Y[4] + 50
    assert energy_distance(X, Y, answers) == pytest.approx(slow_energy(X, Y, answers), abs=1e-9)
    assert mmd(X, Y, 5.0, answers) == pytest.approx(slow_mmd(X, Y, 5.0, answers), abs=1e-12)


def test_own_answers_of_many_features_in_float32():
    """Left out are the pairs themselves: a distance of zero is a rounding error there."""
    Y, order = population(8, WIDE + 10), np.random.default_rng(0).permutation(8)
    bandwidth = median_bandwidth(Y, Y[order] + np.float32(0.1))
    for X in (Y[order], Y[order] + np.float32(0.1)):
        assert energy_distance(X, Y, order) == pytest.approx(slow_energy(X, Y, order), abs=1e-4)
        assert mmd(X, Y, bandwidth, order) == pytest.approx(slow_mmd(X, Y, bandwidth, order), abs=1e-5)


def test_no_known_answer_is_as_no_answers():
    X, Y = population(9), population(5, seed=1)
    nobody = np.full(9, -1)
    assert (energy_distance(X, Y, nobody), mmd(X, Y, 5.0, nobody)) == (energy_distance(X, Y), mmd(X, Y, 5.0))


def test_answers_are_of_all_cells():
    with pytest.raises(ValueError, match="answers for 8 cells, and X has 9"):
        energy_distance(population(9), population(8), np.arange(8))


def test_keeping_each_cell_is_not_rewarded():
    """Truth and a bit of noise as prediction, 400 times: of the same cells and of others the expected value is equal.

    The tolerance is three standard errors of the difference of the means. With each cell's own pair the energy
    distance is lower by 2 (E|P - Y| - E|P_i - Y_i|) / n, near 2 (8.3 - 0.6) / 30 = 0.5 here: more than 100 of them.
    """
    rng, cells = np.random.default_rng(0), np.arange(30)
    functions = [energy_distance, lambda X, Y, answers=None: mmd(X, Y, 70.0, answers)]
    found = []
    for Y, others, noise in rng.normal(size=(400, 3, 30, 35)):
        kept = Y + 0.1 * noise
        for function in functions:
            found.append([function(kept, Y, cells), function(others + 0.1 * noise, Y), function(kept, Y)])
    for paired, independent, biased in np.reshape(found, (400, 2, 3)).transpose(1, 2, 0):
        error = math.sqrt((paired.var() + independent.var()) / 400)
        assert abs(paired.mean() - independent.mean()) < 3 * error
        assert biased.mean() - independent.mean() < -100 * error


def test_answers_among_drawn_cells():
    answers, drawn_x, drawn_y = np.array([3, -1, 0, 2, 5, 1]), np.array([0, 1, 3, 4]), np.array([1, 3, 5])
    assert drawn_answers(answers, drawn_x, drawn_y).tolist() == [1, -1, -1, 2]


def test_bandwidth_is_the_median_over_pairs_of_different_cells():
    X, Y = population(6), population(5, seed=1)
    squared = [math.dist(a, b) ** 2 for a, b in itertools.combinations([*X.tolist(), *Y.tolist()], 2)]
    assert median_bandwidth(X, Y) == pytest.approx(statistics.median(squared))
    # Two cells of eleven are the same: their pair does not count.
    X[1] = X[0]
    squared = [math.dist(a, b) ** 2 for a, b in itertools.combinations([*X.tolist(), *Y.tolist()], 2)]
    assert median_bandwidth(X, Y) == pytest.approx(statistics.median(d for d in squared if d))
    assert math.isnan(median_bandwidth(np.ones((3, 2)), np.ones((2, 2))))


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


@pytest.mark.parametrize("zeros", [0.45, 0.5, 0.55, 0.9])
def test_resampled_medians_of_sparse_features_are_exact(zeros):
    """Half of the cells being zero, some resamples have the median zero and others not."""
    rng = np.random.default_rng(0)
    X = np.where(rng.random((80, 30)) < zeros, 0, rng.gamma(2, 1, size=(80, 30))).astype(np.float32)
    counts = draw_counts(80, 25, rng)
    expected = [np.median(resample(X.astype(float), drawn), axis=0) for drawn in counts.T]
    np.testing.assert_allclose(resampled_medians(X, counts), expected)


def test_subsamples_have_their_share_of_draws():
    X = population(31) + 20
    counts = draw_counts(31, 6, np.random.default_rng(0), share=0.9)
    assert (counts.sum(axis=0) == 28).all()
    means, variances = resampled_moments(X, counts)
    for number, drawn in enumerate(counts.T):
        cells = columns(resample(X, drawn))
        np.testing.assert_allclose(means[number], [statistics.fmean(c) for c in cells], rtol=1e-6)
        np.testing.assert_allclose(variances[number], [statistics.pvariance(c) for c in cells], rtol=1e-4)


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


def slow_change(before, after):
    """Change of the mean of each feature."""
    return [statistics.fmean(b) - statistics.fmean(a) for a, b in zip(columns(before), columns(after), strict=True)]


def query_cells(features: int = 5) -> tuple[np.ndarray, ...]:
    """S, T, X and Y: the second feature responds in Y alone, the third elsewhere alone, the others alike."""
    alike = np.linspace(-2, 3, features)
    elsewhere, here = alike.copy(), alike.copy()
    elsewhere[1], here[1] = 0, 2
    elsewhere[2], here[2] = 2, 0
    S, T, X, Y = (population(cells, features, seed=cells) for cells in (41, 52, 33, 34))
    return S, (T + elsewhere).astype(np.float32), X, (Y + here).astype(np.float32)


def populations(features: int = 5) -> Populations:
    S, T, X, Y = query_cells(features)
    return Populations(S, T, X, Y, response_features(S, T, X, Y))


FAST = Settings(resamples=7, oracle_halves=3, max_cells=20, subsamples=9)


def test_few_features_respond_if_they_are_in_the_upper_half_of_changes():
    S, T, X, Y = query_cells(features=7)
    change, elsewhere = slow_change(X, Y), slow_change(S, T)
    found = response_features(S, T, X, Y)
    assert set(found.top.tolist()) == set(sorted(range(7), key=lambda f: -abs(change[f]))[:4])
    for feature, is_specific in zip(found.top, found.is_specific, strict=True):
        assert is_specific == (abs(change[feature] - elsewhere[feature]) > abs(change[feature]) / 2)
    assert 1 in found.specific and 0 in found.shared and not found.are_genes


def test_features_without_a_change_do_not_respond():
    X = population(10)
    found = response_features(X, X, X, X)
    assert len(found.top) == len(found.specific) == len(found.shared) == 0


def slow_ranking(X, Y):
    """Features by Welch's t from the highest to the lowest."""
    scores = []
    for x, y in zip(columns(X), columns(Y), strict=True):
        error = math.sqrt(statistics.variance(x) / len(x) + statistics.variance(y) / len(y))
        scores.append((statistics.fmean(y) - statistics.fmean(x)) / error if error else 0.0)
    return sorted(range(len(scores)), key=lambda feature: -scores[feature]), scores


def many_features(features: int = 230) -> tuple[np.ndarray, ...]:
    """S, T, X and Y of more features than are compared one by one; the changes differ from feature to feature."""
    rng = np.random.default_rng(0)
    change = rng.normal(0, 1, size=features)
    cells = [rng.gamma(2, 1, size=(number, features)) for number in (21, 22, 23, 24)]
    cells[1] += change + rng.normal(0, 0.5, size=features)
    cells[3] += change
    return tuple(part.astype(np.float32) for part in cells)


def test_genes_are_ranked_by_the_t_test():
    S, T, X, Y = many_features()
    ranking, scores = slow_ranking(X, Y)
    found = ranked_features(X, Y)
    np.testing.assert_allclose([scores[feature] for feature in found], [scores[f] for f in ranking], atol=1e-4)
    response = response_features(S, T, X, Y)
    assert set(response.top.tolist()) == set(ranking[:50] + ranking[-50:])
    assert response.notebook.tolist() == found.tolist() and response.are_genes
    # One cell has no t; its differences still rank.
    assert ranked_features(X, Y[:1]).tolist() == np.argsort(X.mean(axis=0) - Y[0], kind="stable").tolist()


def test_the_notebook_s_genes_are_the_first_of_the_ranking(monkeypatch):
    monkeypatch.setattr("outofsample.metrics.response.NOTEBOOK_GENES", 60)
    S, T, X, Y = many_features()
    response = response_features(S, T, X, Y)
    assert response.notebook.tolist() == ranked_features(X, Y)[:60].tolist()
    change = np.array(slow_change(X, Y))
    assert (change[response.notebook] > 0).all()


def test_scores_of_responding_features_match_their_formulas():
    cells = populations()
    P = (cells.X + np.array([-1, 0.5, 0, 0.2, 2])).astype(np.float32)
    scores = SummaryScores(cells, FAST).score(P)
    applied, true, elsewhere = slow_change(cells.X, P), slow_change(cells.X, cells.Y), slow_change(cells.S, cells.T)
    top = cells.response.top.tolist()
    specific = [f for f in top if abs(true[f] - elsewhere[f]) > abs(true[f]) / 2]
    shared = [f for f in top if f not in specific]
    assert specific and shared

    def error(features, predicted):
        return math.sqrt(statistics.fmean((predicted[f] - true[f]) ** 2 for f in features))

    assert scores["top_sign"].value == statistics.fmean(applied[f] * true[f] > 0 for f in top)
    assert scores["rmse_means"].value == pytest.approx(error(range(5), applied), rel=1e-5)
    assert scores["rmse_specific"].value == pytest.approx(error(specific, applied), rel=1e-5)
    assert scores["rmse_shared"].value == pytest.approx(error(shared, applied), rel=1e-5)
    gain = 1 - error(specific, applied) / error(specific, elsewhere)
    assert scores["specific_gain"].value == pytest.approx(gain, rel=1e-5)
    means = [[statistics.fmean(c) for c in columns(part)] for part in (P, cells.Y)]
    assert scores["means_r2"].value == pytest.approx(slow_pearson(*means) ** 2)


def test_scores_of_top_genes_are_over_the_top_genes():
    S, T, X, Y = many_features()
    cells = Populations(S, T, X, Y, response_features(S, T, X, Y))
    scores = SummaryScores(cells, FAST).score(X + 1)
    top = set(slow_ranking(X, Y)[0][:50] + slow_ranking(X, Y)[0][-50:])
    for name, statistic in (("means", statistics.fmean), ("variances", statistics.pvariance)):
        ours, real = ([statistic(c) for f, c in enumerate(columns(part)) if f in top] for part in (X + 1, Y))
        assert scores[f"{name}_r2_top100"].value == pytest.approx(slow_pearson(ours, real) ** 2, rel=1e-5)
        assert scores[f"{name}_r2_top100"].low < scores[f"{name}_r2_top100"].high


def test_known_answers_of_responding_features():
    cells = populations()
    scorer = SummaryScores(cells, FAST)
    shift = np.array(slow_change(cells.S, cells.T))
    same, shifted, right = (
        scorer.score((cells.X + change).astype(np.float32))
        for change in (0, shift, np.array(slow_change(cells.X, cells.Y)))
    )
    assert same["top_sign"].value == 0 and right["top_sign"].value == 1
    assert shifted["specific_gain"].value == pytest.approx(0, abs=1e-5)
    assert right["specific_gain"].value == pytest.approx(1, abs=1e-5)
    assert right["rmse_means"].value == pytest.approx(0, abs=1e-5)
    assert right["means_r2"].value == pytest.approx(1)


def test_sets_without_features_have_no_score_and_a_reason():
    S, T, X, Y = query_cells()
    nothing = ResponseFeatures(np.array([], dtype=int), np.array([], dtype=bool))
    specific = ResponseFeatures(np.array([1]), np.array([True]))
    scores = SummaryScores(Populations(S, T, X, Y, nothing), FAST).score(X)
    for name in ("top_sign", "rmse_specific", "rmse_shared", "specific_gain"):
        assert math.isnan(scores[name].value) and scores[name].note.startswith("undefined: no ")
    scores = SummaryScores(Populations(S, T, X, Y, specific), FAST).score(X)
    assert scores["rmse_shared"].note == "undefined: no response is shared with the other domains"
    assert scores["rmse_specific"].note == scores["specific_gain"].note == ""
    # Nothing is gained on a shift without an error.
    zeros = np.zeros_like(X)
    scores = SummaryScores(Populations(zeros, Y, zeros, Y, specific), FAST).score(X)
    assert scores["specific_gain"].note == "undefined: the mean shift makes no error"


def test_signs_keep_leading_axes():
    X, P, Y = np.random.default_rng(0).normal(size=(3, 4, 6))
    found = top_sign(X, P, Y)
    assert found.shape == (4,)
    assert found[2] == statistics.fmean((p > x) == (y > x) for x, p, y in zip(X[2], P[2], Y[2], strict=True))


def slow_resampled_r2(P, Y, features, counts_of_p, counts_of_y):
    """trVAE's R2 of means and of variances of each resample, from the drawn cells themselves."""
    found = []
    for drawn_p, drawn_y in zip(counts_of_p.T, counts_of_y.T, strict=True):
        ours, real = (
            [c for f, c in enumerate(columns(resample(part, drawn))) if f in features]
            for part, drawn in ((P, drawn_p), (Y, drawn_y))
        )
        found.append(
            [
                slow_pearson([statistic(c) for c in ours], [statistic(c) for c in real]) ** 2
                for statistic in (statistics.fmean, statistics.pvariance)
            ]
        )
    return np.array(found)


@pytest.mark.parametrize(("family", "resamples", "share"), [(SubsampleScores, 9, 0.9), (NotebookScores, 35, 1)])
def test_r2_over_resamples_matches_the_drawn_cells(family, resamples, share, monkeypatch):
    monkeypatch.setattr("outofsample.metrics.response.NOTEBOOK_GENES", 70)
    S, T, X, Y = many_features()
    cells = Populations(S, T, X, Y, response_features(S, T, X, Y))
    P = (X * 1.5 + 1).astype(np.float32)
    scores = family(cells, FAST).score(P)
    # The draws come one after the other from a generator of the family's own: first X's, then Y's.
    rng = np.random.default_rng([FAST.seed, family.stream])
    counts = [draw_counts(len(part), resamples, rng, share) for part in (X, Y)]
    features = set(cells.response.notebook.tolist()) if family is NotebookScores else set(range(X.shape[1]))
    expected = slow_resampled_r2(P, Y, features, *counts)
    assert counts[0].sum() == resamples * round(share * len(X))
    for name, values in zip(family.scores, expected.T, strict=True):
        assert scores[name].value == pytest.approx(statistics.fmean(values), rel=1e-4)
        assert scores[name].sd == pytest.approx(statistics.stdev(values), rel=1e-3)
        assert scores[name].low == pytest.approx(np.percentile(values, 2.5), rel=1e-4)
        assert scores[name].high == pytest.approx(np.percentile(values, 97.5), rel=1e-4)


def test_notebook_needs_many_features():
    assert NotebookScores(populations(), FAST).score(populations().X) == {}
    assert list(SubsampleScores(populations(), FAST).score(populations().X)) == list(SubsampleScores.scores)


def test_constant_predictions_have_no_r2_of_subsamples():
    cells = populations()
    scores = SubsampleScores(cells, FAST).score(np.zeros_like(cells.X))
    assert all(math.isnan(score.value) and score.note for score in scores.values())


@pytest.mark.parametrize("family", [SummaryScores, DistanceScores, SubsampleScores, NotebookScores])
def test_families_name_their_scores_in_order(family):
    S, T, X, Y = many_features()
    scorer = family(Populations(S, T, X, Y, response_features(S, T, X, Y)), FAST)
    assert tuple(scorer.score(X + 1)) == family.scores
    halves = scorer.score_halves(Y[:12], Y[12:])
    assert tuple(halves) == family.scores
    assert all(math.isnan(score.sd) for score in halves.values())
    without_truth = family(Populations(S, T, X, None), FAST).score(X + 1)
    assert set(without_truth) <= {"spike_in_r"}


def test_all_methods_share_the_kernel_of_x_and_y():
    cells = populations()
    scorer = DistanceScores(cells, Settings(max_cells=1000))
    assert scorer.bandwidth == median_bandwidth(cells.X, cells.Y)
    P = cells.X * 100
    assert scorer.score(P)["mmd"].value == pytest.approx(mmd(P, cells.Y, scorer.bandwidth))
    alike = DistanceScores(Populations(*[np.ones((5, 3), dtype=np.float32)] * 4), FAST)
    assert alike.score(np.ones((5, 3)))["mmd"].note == "undefined: X and Y are one and the same cell"


@pytest.mark.parametrize("max_cells", [15, 1000])
def test_scores_leave_out_the_pair_of_a_cell_with_its_own_truth(max_cells):
    """X has 33 cells and Y 34, in no common order, and some cells have no answer: the drawn ones differ."""
    cells = populations()
    answers = np.random.default_rng(0).permutation(len(cells.Y))[: len(cells.X)]
    answers[::5] = -1
    scorer = DistanceScores(replace(cells, answers=answers), Settings(max_cells=max_cells))
    P = (cells.Y[answers] + 0.1).astype(np.float32)
    found = scorer.score(P)
    rows, truth_rows = (draw_cells(len(part), max_cells, 0).tolist() for part in (P, cells.Y))
    own = [truth_rows.index(answers[row]) if answers[row] in truth_rows else -1 for row in rows]
    assert 3 < sum(place >= 0 for place in own) < len(own)
    drawn = P[rows], cells.Y[truth_rows]
    assert found["energy_distance"].value == pytest.approx(slow_energy(*drawn, own), abs=1e-6)
    assert found["mmd"].value == pytest.approx(slow_mmd(*drawn, scorer.bandwidth, own), abs=1e-9)
    # What compares no pairs of cells is as it was.
    assert found["wasserstein"] == DistanceScores(cells, FAST).score(P)["wasserstein"]


@pytest.fixture(scope="module")
def kang_nk(shared_data):
    """S, T, X and Y: natural killer cells held out, log1p of counts per 10,000, 2,000 genes chosen on all cells."""
    import anndata
    import scanpy

    path = shared_data / "kang2018_pbmc" / "kang_pooled_counts.h5ad"
    if not path.is_file():
        pytest.skip(f"the real cells are not here ({path})")
    adata = anndata.read_h5ad(path)
    scanpy.pp.normalize_total(adata, target_sum=1e4)
    scanpy.pp.log1p(adata)
    scanpy.pp.highly_variable_genes(adata, n_top_genes=2000, flavor="seurat")
    cells = adata[:, adata.var["highly_variable"]].X.toarray().astype(np.float32)
    is_query, is_after = adata.obs["cell_type"] == "NK", adata.obs["condition"] == "stimulated"
    masks = (~is_query & ~is_after, ~is_query & is_after, is_query & ~is_after, is_query & is_after)
    return [cells[mask.to_numpy()] for mask in masks]


def map_to_the_last_of_equal_percentiles(S, T, X):
    """Quantile mapping that takes a value between equal percentiles for the highest of them."""
    grid = np.arange(101)
    knots, targets = (np.percentile(part, grid, axis=0) for part in (S, T))
    return np.stack([np.interp(x, knots[:, f], targets[:, f]) for f, x in enumerate(X.T)], axis=1)


def test_reference_figures_of_natural_killer_cells(kang_nk):
    """R2 of means as measured by others on these cells: .77, .91, .35 and .96.

    All 4,593 cells with both kinds of labels and all 11 types give them best. The mean shift is .906 where values
    below zero are cut off, as counts have none (.894 else). Quantile mapping is .35 only where zeros, which fill many
    equal percentiles, go to the highest of them; the package's own edit, one knot for all of them, gives .91.
    """
    S, T, X, Y = kang_nk
    assert (len(X), len(Y)) == (115, 125)
    shifted = X + T.mean(axis=0) - S.mean(axis=0)
    mapped = map_to_the_last_of_equal_percentiles(S, T, X)
    ours = create_edit("percentile", {"tails": "paper"}).fit(S, T).transform(X)

    def of_means(predicted, truth=Y):
        return float(r2(summarise(predicted).means, summarise(truth).means))

    assert of_means(X) == pytest.approx(0.77, abs=0.006)
    assert of_means(np.maximum(shifted, 0)) == pytest.approx(0.91, abs=0.006)
    assert of_means(mapped) == pytest.approx(0.35, abs=0.01)
    assert of_means(ours) == pytest.approx(0.91, abs=0.01)
    orders = [np.random.default_rng(seed).permutation(len(Y)) for seed in range(20)]
    halves = [of_means(Y[order[:62]], Y[order[62:]]) for order in orders]
    assert np.mean(halves) == pytest.approx(0.96, abs=0.01)


def test_response_of_natural_killer_cells(kang_nk):
    """The shift of the other cells finds most directions, and predicts shared responses better than specific ones."""
    S, T, X, Y = kang_nk
    cells = Populations(S, T, X, Y, response_features(S, T, X, Y))
    scorer = SummaryScores(cells, FAST)
    same = scorer.score(X)
    shifted = scorer.score((X + T.mean(axis=0) - S.mean(axis=0)).astype(np.float32))
    assert len(cells.response.top) == 100 and 0 < len(cells.response.specific) < 100
    assert shifted["top_sign"].value > 0.8 and same["top_sign"].value == 0
    assert shifted["specific_gain"].value == pytest.approx(0, abs=1e-4)
    assert shifted["rmse_shared"].value < 0.5 * same["rmse_shared"].value
    assert shifted["rmse_shared"].value < shifted["rmse_specific"].value
    assert shifted["means_r2_top100"].value > same["means_r2_top100"].value
