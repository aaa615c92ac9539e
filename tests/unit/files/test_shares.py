"""How many cells are kept: files of a population share alike, and so do many populations."""

from itertools import pairwise

import numpy as np
import pytest

from outofsample.files.shares import (
    FITTED_VALUES,
    LEAST,
    ROOM,
    SCORED_VALUES,
    fitted_cells,
    kept_cells,
    scored_cells,
    shares,
)


@pytest.mark.parametrize(
    ("sizes", "most", "expected"),
    [
        ([5, 5], 20, [5, 5]),
        ([5, 5], None, [5, 5]),
        ([100, 100], 50, [25, 25]),
        ([10, 100, 100], 90, [10, 40, 40]),
        ([100, 3, 100], 10, [4, 3, 3]),
        ([10, 10, 10], 2, [1, 1, 0]),
    ],
)
def test_files_share_alike_and_small_ones_give_all(sizes, most, expected):
    assert shares(sizes, most) == expected


def test_a_further_file_never_makes_another_give_more():
    rng = np.random.default_rng(0)
    for _ in range(200):
        sizes = rng.integers(1, 60, 8).tolist()
        found = [shares(sizes[:count], 70) for count in range(1, 9)]
        for before, after in pairwise(found):
            assert all(one >= other for one, other in zip(before, after, strict=False))
        assert sum(found[-1]) == min(70, sum(sizes))


def test_below_the_limit_all_cells_are_kept():
    sizes = {("a", "x"): 100, ("a", "y"): 40, ("b", "x"): 7}
    assert kept_cells(sizes, 100) == kept_cells(sizes, None) == sizes
    assert kept_cells(sizes, 60) == {("a", "x"): 60, ("a", "y"): 40, ("b", "x"): 7}


def test_many_populations_share_alike_and_leave_those_that_show_a_change_alone():
    controls = {("control", condition): 10_000 for condition in ("x", "y")}
    patients = {(f"p{number}", "x"): 900 + number for number in range(100)}
    kept = kept_cells(controls | patients, 1000)
    assert [kept[pair] for pair in controls] == [1000, 1000]
    assert {kept[pair] for pair in patients} == {ROOM * 1000 // 100} and list(kept) == [*controls, *patients]
    # With as many controls, these share too; a few cells are always kept.
    many = {(f"c{number}", condition): 900 for number in range(100) for condition in ("x", "y")}
    kept = kept_cells(many | patients, 1000)
    assert {kept[pair] for pair in many} == {LEAST} == {ROOM * 1000 // 100}
    assert set(kept_cells(patients, 100).values()) == {LEAST}


def test_a_domain_whose_other_condition_is_to_come_is_one_in_several():
    patients = {(f"p{number}", "x"): 1000 for number in range(100)}
    first = {("control", "x"): 1000}
    assert kept_cells(first | patients, 1000)["control", "x"] < 60
    assert kept_cells(first | patients, 1000, [("control", "y")])["control", "x"] == 1000


def test_of_many_features_fewer_cells_are_scored():
    assert scored_cells(100_000, 35) == scored_cells(100_000, 400) == 100_000
    assert scored_cells(100_000, 2000) * 2000 == SCORED_VALUES
    assert scored_cells(100_000, 2 * SCORED_VALUES) == LEAST and scored_cells(20, 2 * SCORED_VALUES) == 20


def test_a_task_of_many_features_is_fitted_to_fewer_cells_of_each_population():
    three = {("a", "x"): 100_000, ("a", "y"): 100_000, ("b", "x"): 100_000}
    assert fitted_cells(three, 100_000, 2000) == 100_000 and sum(three.values()) * 2000 == FITTED_VALUES
    six = three | {(domain, "z"): 100_000 for domain in "abc"}
    found = fitted_cells(six, 100_000, 2000)
    assert found == 50_000 and sum(kept_cells(six, found).values()) * 2000 == FITTED_VALUES
    assert fitted_cells(six, 100_000, 35) == 100_000
    # However many features: so few cells that a fit says nothing.
    assert fitted_cells(six, 100_000, FITTED_VALUES) == LEAST
