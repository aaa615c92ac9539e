"""Zeros by their share, then the values above zero."""

import numpy as np
import pytest

from outofsample.edits import cluster_percentile, percentile
from outofsample.edits.two_part import Edit, numbers_of_cells, uniform


def cells(number: int, zeros: float, scale: float = 1.0, seed: int = 0, least: float = 0.0) -> np.ndarray:
    """Return values (number, 3) of which a share is zero (``least``), the others from 1 to 1 + ``scale`` above it."""
    rng = np.random.default_rng(seed)
    values = least + 1 + scale * rng.random((number, 3))
    return np.where(rng.random((number, 3)) < zeros, least, values).astype(np.float32)


@pytest.mark.parametrize(("in_source", "in_target"), [(0.6, 0.3), (0.3, 0.6), (0.9, 0.9), (0.5, 0.0), (0.0, 0.5)])
def test_the_source_gets_zeros_and_values_of_the_target(in_source, in_target):
    source, target = cells(4000, in_source), cells(4000, in_target, scale=3, seed=1)
    edited = Edit().fit(source, target).transform(source)
    np.testing.assert_allclose((edited == 0).mean(axis=0), (target == 0).mean(axis=0), atol=0.03)
    for unit in range(3):
        ours, real = (np.percentile(each[each[:, unit] > 0, unit], [5, 25, 50, 75, 95]) for each in (edited, target))
        np.testing.assert_allclose(ours, real, atol=0.12)


def test_percentiles_alone_leave_no_zero_where_the_target_has_fewer():
    source, target = cells(4000, 0.6), cells(4000, 0.3, seed=1)
    assert (percentile.Edit().fit(source, target).transform(source) == 0).sum() == 0


@pytest.mark.parametrize(("in_source", "in_target"), [(0.6, 0.3), (0.3, 0.6)])
def test_a_query_with_other_zeros_keeps_the_share_of_the_change(in_source, in_target):
    query = cells(4000, 0.8, seed=2)
    edit = Edit().fit(cells(4000, in_source), cells(4000, in_target, seed=1))
    left = (edit.transform(query) == 0).mean()
    stay, fall = min(in_target / in_source, 1), max(in_target - in_source, 0) / (1 - in_source)
    assert left == pytest.approx(0.8 * stay + 0.2 * fall, abs=0.03)


def test_nothing_changes_where_source_and_target_are_alike():
    source, query = cells(3000, 0.4), cells(500, 0.6, seed=3)
    np.testing.assert_allclose(Edit().fit(source, source).transform(query), query, atol=1e-6)


def test_a_cell_moves_alike_in_whatever_company_it_comes():
    edit = Edit().fit(cells(2000, 0.6), cells(2000, 0.3, seed=1))
    query = np.unique(cells(300, 0.6, seed=4), axis=0)
    whole = edit.transform(query)
    np.testing.assert_array_equal(edit.transform(query[::-1])[::-1], whole)
    np.testing.assert_array_equal(edit.transform(query[17:40]), whole[17:40])


def test_values_beyond_the_source_move_as_far_as_its_end():
    source, target = cells(3000, 0.5), cells(3000, 0.5, scale=3, seed=1)
    edit = Edit().fit(source, target)
    far = edit.transform(np.full((1, 3), 60, dtype=np.float32))
    np.testing.assert_allclose(far - 60, [target.max(axis=0) - source.max(axis=0)], atol=0.02)
    low = edit.transform(np.full((1, 3), -5, dtype=np.float32))
    np.testing.assert_allclose(low, -5)
    assert not edit.is_unbounded


def test_the_zero_is_the_least_value():
    source, target = cells(3000, 0.5, least=-2), cells(3000, 0.2, seed=1, least=4)
    edited = Edit().fit(source, target).transform(source)
    assert (edited == 4).mean() == pytest.approx(0.2, abs=0.03) and edited.min() == 4


def test_units_without_a_value_above_zero():
    nothing, some = np.zeros((2000, 3), dtype=np.float32), cells(2000, 0.7)
    assert (Edit().fit(some, nothing).transform(some) == 0).all()
    appeared = Edit().fit(nothing, some)
    assert (appeared.transform(nothing) == 0).mean() == pytest.approx(0.7, abs=0.03)
    # What the source never shows stays as it is.
    np.testing.assert_array_equal(appeared.transform(np.full((1, 3), 2.5, dtype=np.float32)), [[2.5] * 3])


def test_draws_are_uniform_and_of_each_unit_its_own():
    numbers = numbers_of_cells(cells(20_000, 0.9, seed=5).astype(float))
    # Seven in ten cells are zero in all units; they are told apart.
    assert len(np.unique(numbers)) == len(numbers)
    draws = np.stack([uniform(numbers, unit) for unit in range(3)])
    assert draws.min() >= 0 and draws.max() < 1
    np.testing.assert_allclose(np.histogram(draws[0], 10, (0, 1))[0] / len(numbers), 0.1, atol=0.02)
    assert np.abs(np.corrcoef(draws) - np.eye(3)).max() < 0.05


class TestInClusters:
    """The map of each cluster may be one in two parts."""

    def fitted(self, **options):
        source, target = cells(2000, 0.6), cells(2000, 0.3, seed=1)
        return cluster_percentile.Edit(**{"clusters": 2} | options).fit(source, target), source

    def test_one_cluster_is_the_map_of_all_cells(self):
        for align in (False, True):
            edit, source = self.fitted(zeros="share", clusters=1, align=align)
            alone = Edit().fit(source, cells(2000, 0.3, seed=1))
            np.testing.assert_array_equal(edit.transform(source), alone.transform(source))

    def test_zeros_are_left(self):
        by_share, source = self.fitted(zeros="share")
        alike, _ = self.fitted()
        assert (by_share.transform(source) == 0).mean() > 0.25 > (alike.transform(source) == 0).mean()

    def test_the_state_is_taken_over(self):
        edit, source = self.fitted(zeros="share")
        again = cluster_percentile.Edit(clusters=2, zeros="share").load_state(edit.state())
        np.testing.assert_array_equal(again.transform(source), edit.transform(source))

    def test_it_is_bounded_and_other_words_are_refused(self):
        assert not cluster_percentile.Edit(tails="paper", zeros="share").is_unbounded
        with pytest.raises(ValueError, match="zeros must be 'alike' or 'share', not 'split'"):
            cluster_percentile.Edit(zeros="split")
