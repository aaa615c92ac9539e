"""Eq. 1 of Neuron Editing, on arrays."""

import sys

import numpy as np
import pytest
from hypothesis import given

from outofsample.edits import percentile
from outofsample.edits.percentile import Edit as PercentileEdit
from outofsample.edits.support.percentiles import percentiles
from outofsample.errors import UserError
from tests.unit.edits.conftest import TAILS, tables


def eq1(a: float, source: np.ndarray, target: np.ndarray) -> float:
    """Eq. 1 of the 2019 text for one value and one neuron without ties, word by word."""
    p_s, p_t = np.percentile(source, range(101)), np.percentile(target, range(101))
    if a < p_s[1]:
        j = 0
    elif a >= p_s[99]:
        j = 99
    else:
        j = next(k for k in range(1, 99) if p_s[k] <= a < p_s[k + 1])
    return (a - p_s[j]) / (p_s[j + 1] - p_s[j]) * (p_t[j + 1] - p_t[j]) + p_t[j]


def test_percentile_edit_is_equation_1():
    rng = np.random.default_rng(1)
    source, target, query = rng.normal(size=(500, 2)), rng.gamma(2, size=(400, 2)), rng.normal(size=(60, 2)) * 3
    edited = PercentileEdit().fit(source, target).transform(query)
    expected = [[eq1(a, source[:, unit], target[:, unit]) for unit, a in enumerate(row)] for row in query]
    np.testing.assert_allclose(edited, expected, rtol=1e-5, atol=1e-5)


def test_percentiles_are_numpys():
    values = np.random.default_rng(0).normal(size=(237, 4)).astype(np.float32)
    expected = np.percentile(values.astype(np.float64), range(101), axis=0).T
    np.testing.assert_allclose(percentiles(values), expected, rtol=1e-12)


@pytest.mark.parametrize("tails", ["paper", "shift"])
def test_source_is_mapped_onto_the_percentiles_of_the_target(tails):
    rng = np.random.default_rng(2)
    source, target = rng.normal(size=(1001, 3)), rng.gamma(2, size=(700, 3))
    edited = PercentileEdit(tails=tails).fit(source, target).transform(source)
    np.testing.assert_allclose(
        np.percentile(edited, range(101), axis=0), np.percentile(target, range(101), axis=0), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("tails", TAILS)
@given(source=tables(), target=tables(), query=tables())
def test_percentile_edit_is_monotone(tails, source, target, query):
    edit = PercentileEdit(tails=tails).fit(source, target)
    edited = edit.transform(np.sort(query, axis=0)).astype(np.float64)
    tolerance = 1e-5 * np.maximum(1, np.abs(edited[:-1]))
    assert (np.diff(edited, axis=0) >= -tolerance).all()


@pytest.mark.parametrize("tails", TAILS)
@given(source=tables(), query=tables())
def test_no_change_gives_the_identity(tails, source, query):
    edited = PercentileEdit(tails=tails).fit(source, source).transform(query)
    np.testing.assert_allclose(edited, query, rtol=1e-4, atol=1e-4 * max(1, np.abs(source).max()))


@pytest.mark.parametrize("tails", TAILS)
def test_equal_percentiles_make_one_knot_with_the_mean_of_their_targets(tails):
    source = np.concatenate([np.zeros(50), np.arange(1, 52)])[:, None]
    target = np.arange(101.0)[:, None]
    edit = PercentileEdit(tails=tails).fit(source, target)
    # Percentiles 0..49 of S are 0; those of T are 0..49 with mean 24.5.
    np.testing.assert_allclose(edit.transform(np.array([[0.0]])), [[24.5]])


@pytest.mark.parametrize("tails", TAILS)
def test_a_dead_neuron_moves_by_the_difference_of_medians(tails):
    target = np.random.default_rng(0).gamma(2, size=(300, 1))
    edit = PercentileEdit(tails=tails).fit(np.full((200, 1), 3.0), target)
    query = np.array([[-1.0], [3.0], [9.0]])
    np.testing.assert_allclose(edit.transform(query), query + np.median(target) - 3.0, rtol=1e-5)


def test_tails_differ_as_documented():
    source = np.arange(101.0)[:, None]
    target = source.copy()
    target[0], target[100] = -50, 200
    query = np.array([[-10.0], [110.0]])
    paper, shift, robust = (PercentileEdit(tails=t).fit(source, target).transform(query)[:, 0] for t in TAILS)
    # First piece: slope 51 from (0, -50); last piece: slope 101 from (99, 99).
    np.testing.assert_allclose(paper, [-560, 99 + 11 * 101], rtol=1e-6)
    np.testing.assert_allclose(shift, [-60, 210], rtol=1e-6)
    np.testing.assert_allclose(robust, [-10, 110], atol=1e-5)


def test_outside_marks_what_is_extrapolated():
    edit = PercentileEdit().fit(np.array([[0.0], [1.0]]), np.array([[0.0], [1.0]]))
    assert edit.outside(np.array([[-0.1], [0.5], [1.0], [1.1]])).ravel().tolist() == [True, False, False, True]


@pytest.mark.parametrize("tails", ["paper", "shift", "robust"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_queries_get_the_same_bits_from_the_compiled_pass(monkeypatch, tails, dtype):
    rng = np.random.default_rng(0)
    source, target = rng.gamma(2, 1, size=(500, 6)), rng.gamma(3, 1, size=(400, 6))
    # A constant unit, one with many ties, one that is constant in T, and one with most of its knots in one bin.
    source[:, 1], source[:, 2], target[:, 3] = 1, np.round(source[:, 2]), 0
    source[:, 4] = np.exp(20 * rng.normal(size=500))
    query = np.concatenate([source, rng.normal(2, 5, size=(2000, 6))]).astype(dtype)
    edit = PercentileEdit(tails).fit(source, target)
    plain = edit.transform(query)
    monkeypatch.setattr(percentile, "COMPILED_FROM", 0)
    compiled = edit.transform(query)
    assert compiled.dtype == np.float32
    np.testing.assert_array_equal(compiled, plain)
    np.testing.assert_array_equal(edit.transform(query[:, ::-1][:, ::-1]), plain)
    with pytest.raises(UserError, match="6 units"):
        edit.transform(query[:, :2])


def test_many_small_queries_are_compiled_as_one_large_query_is(monkeypatch):
    rng = np.random.default_rng(1)
    edit = PercentileEdit("shift").fit(rng.normal(size=(300, 4)), rng.gamma(2, size=(300, 4)))
    query = rng.normal(size=(100, 4)).astype(np.float32)
    wanted, compiled = edit.transform(query), []
    monkeypatch.setattr(PercentileEdit, "asked", 0)
    monkeypatch.setattr(percentile, "COMPILED_FROM", 1000)
    monkeypatch.setattr(PercentileEdit, "apply", lambda self, part: compiled.append(False) or np.zeros(part.shape))
    # Of 400 values each: the third makes more than a thousand.
    found = [edit.transform(query) for _ in range(4)]
    assert len(compiled) == 2 and not found[1].any()
    np.testing.assert_array_equal(found[2], wanted)
    np.testing.assert_array_equal(found[3], wanted)


def test_percentiles_of_some_units_at_a_time_are_those_of_all(monkeypatch):
    activations = np.random.default_rng(2).normal(size=(50, 7)).astype(np.float32)
    wanted = percentiles(activations)
    monkeypatch.setattr("outofsample.edits.support.percentiles.UNITS", 3)
    np.testing.assert_array_equal(percentiles(activations), wanted)
    np.testing.assert_allclose(wanted, np.percentile(activations, range(101), axis=0).T, rtol=1e-5)


def test_without_numba_large_queries_get_the_same_bits(monkeypatch):
    """Where the package was installed alone there is no numba."""
    rng = np.random.default_rng(3)
    edit = PercentileEdit(tails="robust").fit(rng.normal(size=(300, 4)), rng.gamma(2, size=(300, 4)))
    query = rng.normal(size=(1000, 4)).astype(np.float32) * 3
    wanted = edit.transform(query)
    monkeypatch.setattr(percentile, "COMPILED_FROM", 0)
    monkeypatch.setattr(percentile.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "outofsample.edits.support.kernels", None)
    assert np.array_equal(edit.transform(query), wanted)
