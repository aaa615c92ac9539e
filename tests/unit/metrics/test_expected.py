"""Intervals from held-out domains: they hold what they are meant to hold, and say more where less is known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import polygamma
from scipy.stats import t

from outofsample.arrays import HeldOut
from outofsample.metrics.expected import (
    change_intervals,
    error_interval,
    inverse_trigamma,
    moderated_variances,
)


def domains(residuals, errors=None, moved=None, query_moved=0.0) -> HeldOut:
    """Return held-out domains with these residuals (domains, features)."""
    number = len(residuals)
    errors = np.ones(number) if errors is None else errors
    moved = np.zeros(number) if moved is None else moved
    return HeldOut(np.arange(number).astype(str), errors, errors, moved, 0 * residuals, residuals, moved, query_moved)


@pytest.mark.parametrize("number", [3, 6])
def test_intervals_of_errors_hold_as_many_as_they_are_meant_to(number):
    """Exactly so where the square roots are normal, as the interval assumes."""
    rng = np.random.default_rng(0)
    roots = rng.normal(10, 1, (4000, number + 1))
    found = [error_interval(row[:-1] ** 2, domains(np.zeros((number, 1)))) for row in roots]
    inside = [low <= row[-1] ** 2 <= high for row, (low, high) in zip(roots, found, strict=True)]
    assert np.mean(inside) == pytest.approx(0.8, abs=0.025)


def test_an_interval_of_errors_by_hand():
    low, high = error_interval(np.array([1.0, 4.0, 9.0]), domains(np.zeros((3, 1))), level=0.8)
    half = t.ppf(0.9, 2) * np.sqrt(4 / 3)
    assert high == pytest.approx((2 + half) ** 2) and low == max(2 - half, 0) ** 2 == 0


def test_errors_are_compared_per_root_of_what_is_moved():
    moved = np.array([1.0, 4.0, 16.0])
    grown = domains(np.zeros((3, 1)), moved=moved, query_moved=9.0)
    # The errors go with the root of what is moved: that of the query is known.
    assert error_interval(2 * np.sqrt(moved), grown) == pytest.approx((6.0, 6.0))
    low, high = error_interval(2 * np.sqrt(moved), replace(grown, query_moved=0.0))
    assert high - low > 5


def test_one_domain_that_hardly_moves_does_not_decide_the_interval():
    errors, ends = np.array([0.3, 0.35, 0.4, 0.3]), []
    for last in (0.1, 1e-3, 1e-6, 0.0):
        moved = domains(np.zeros((4, 1)), moved=np.array([1.0, 1.0, 1.0, last]), query_moved=1.0)
        ends.append(error_interval(errors, moved))
    assert all(found == pytest.approx(ends[0]) for found in ends) and ends[0].high < 1.5


def test_distances_below_zero_are_noise():
    low, high = error_interval(np.array([-0.1, -0.2, -0.05]), domains(np.zeros((3, 1))))
    assert low == high == 0


@pytest.mark.parametrize("number", [3, 7])
@pytest.mark.parametrize("tails", [3, 100])
def test_intervals_of_changes_hold_as_many_as_they_are_meant_to(number, tails):
    """Also where features differ in their spread and residuals have heavy tails, on average over domains."""
    rng = np.random.default_rng(1)
    scale = rng.uniform(0.2, 5, 60)
    inside = []
    for _ in range(60):
        residuals = scale * rng.standard_t(tails, (number + 1, 60)) * rng.gamma(3, 1 / 3, 60)
        low, high = change_intervals(np.zeros(60), domains(residuals[:-1]), scale)
        inside.append(((low <= residuals[-1]) & (residuals[-1] <= high)).mean())
    assert np.mean(inside) == pytest.approx(0.8, abs=0.05)


def test_intervals_of_changes_go_with_the_scale_of_a_feature():
    residuals = np.random.default_rng(0).normal(size=(5, 20))
    units = np.geomspace(1e-3, 1e3, 20)
    low, high = change_intervals(np.ones(20), domains(residuals), np.ones(20))
    scaled = change_intervals(units, domains(residuals * units), units)
    np.testing.assert_allclose(scaled, [low * units, high * units])
    np.testing.assert_allclose((low + high) / 2, 1)


def test_what_is_foreseen_exactly_has_no_width():
    low, high = change_intervals(np.array([2.0, 0.0]), domains(np.zeros((4, 2))), np.ones(2))
    np.testing.assert_array_equal(low, [2, 0])
    np.testing.assert_array_equal(high, [2, 0])


def test_variances_are_drawn_together_the_more_the_fewer_domains():
    rng = np.random.default_rng(0)
    true = rng.gamma(4, 0.25, 300)
    for number in (2, 5, 40):
        residuals = rng.normal(size=(number, 300)) * np.sqrt(true)
        plain, moderated = (residuals**2).mean(axis=0), moderated_variances(residuals)
        assert np.std(np.log(moderated)) < np.std(np.log(plain))
        assert np.abs(np.log(moderated / true)).mean() < np.abs(np.log(plain / true)).mean()


def test_equal_variances_become_one_and_few_features_stay_as_they_are():
    rng = np.random.default_rng(0)
    alike = moderated_variances(rng.normal(size=(20, 5)) * 0 + rng.choice([-1.0, 1.0], (20, 5)))
    np.testing.assert_allclose(alike, alike[0])
    residuals = rng.normal(size=(4, 2))
    np.testing.assert_array_equal(moderated_variances(residuals), (residuals**2).mean(axis=0))


@pytest.mark.parametrize("value", [1e-6, 0.3, 1.0, 50.0, 1e6])
def test_trigamma_is_inverted(value):
    assert polygamma(1, inverse_trigamma(value)) == pytest.approx(value)
