"""Zeros under a displacement: some go as far as T's values, the others stay, and the mean is as if all had moved."""

import numpy as np
import pytest

from outofsample.methods.families.zeros import LEAST_LIFT, keep_zeros, typical_values

TYPICAL = np.array([2.0, 2.0, 0.0])


def cells(number: int, zeros: float = 0.8) -> np.ndarray:
    """Return cells (number, 3), a share of whose values are zero, the others from 1 to 2."""
    rng = np.random.default_rng(0)
    return np.where(rng.random((number, 3)) < zeros, 0, 1 + rng.random((number, 3))).astype(np.float32)


def moved(X: np.ndarray, by: float) -> np.ndarray:
    """Return where zeros are kept when all cells are moved by one number."""
    return keep_zeros(X, np.full_like(X, by), TYPICAL)


def test_typical_values_are_means_above_zero():
    target = np.array([[0, 1.0, 0], [3, 2, 0], [0, 0, 0]], np.float32)
    np.testing.assert_allclose(typical_values(target), [3, 1.5, 0])


@pytest.mark.parametrize("by", [0.15, 0.5, 1.5])
def test_a_part_of_the_zeros_is_lifted_and_their_mean_is_kept(by):
    X = cells(20_000)
    at_zero, kept = X[:, 0] == 0, moved(X, by)[:, 0]
    assert kept[at_zero].mean() == pytest.approx(by, rel=0.04)
    assert (kept[at_zero] > 0).mean() == pytest.approx(np.sqrt(by / 2), abs=0.01)
    np.testing.assert_allclose(kept[at_zero & (kept > 0)], np.sqrt(2 * by), rtol=1e-5)


def test_a_displacement_as_large_as_values_of_the_target_lifts_all_zeros():
    X = cells(100)
    np.testing.assert_array_equal(moved(X, 2.5)[:, :2], np.full((100, 2), 2.5, np.float32))


def test_a_small_lift_leaves_zeros_where_they_are():
    X = cells(100)
    assert not moved(X, 0.99 * LEAST_LIFT * 2)[X == 0].any()


def test_zeros_stay_where_the_target_has_nothing_above_zero():
    X = cells(100)
    kept = moved(X, 1.0)[:, 2]
    assert not kept[X[:, 2] == 0].any()


def test_other_values_and_falls_are_moved_as_they_were():
    X = cells(100)
    moves = np.where(np.arange(100)[:, None] % 2, -0.5, 0.5).astype(np.float32) * np.ones((1, 3), np.float32)
    kept = keep_zeros(X, moves, TYPICAL)
    untouched = (X > 0) | (moves < 0)
    np.testing.assert_array_equal(kept[untouched], moves[untouched])


def test_a_cell_moves_alike_in_whatever_company_it_comes():
    X = np.unique(cells(300), axis=0)
    whole = moved(X, 0.5)
    np.testing.assert_array_equal(moved(X[::-1], 0.5)[::-1], whole)
    np.testing.assert_array_equal(moved(X[17:40], 0.5), whole[17:40])
