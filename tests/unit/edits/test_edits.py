"""What every edit keeps to."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outofsample import registry
from outofsample.edits import mean_shift, percentile
from outofsample.edits.percentile import Edit as PercentileEdit
from outofsample.edits.support import base
from outofsample.edits.support.base import create_edit
from outofsample.errors import UserError
from tests.unit.edits.conftest import TAILS, tables

EDITS = registry.available("edits")
#: Multiples of 1/8, whose sums are exact.
EIGHTHS = st.integers(-8000, 8000).map(lambda number: number / 8)
ANY_FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


# Clusters of S and T together move with the target.
@pytest.mark.parametrize("name", sorted(set(EDITS) - {"cluster_percentile"}))
@given(source=tables(EIGHTHS), target=tables(EIGHTHS), query=tables(EIGHTHS), shift=EIGHTHS)
def test_shifting_the_target_shifts_the_result(name, source, target, query, shift):
    near = create_edit(name).fit(source, target).transform(query)
    far = create_edit(name).fit(source, target + np.float32(shift)).transform(query)
    np.testing.assert_allclose(far, near + shift, rtol=1e-4, atol=1e-5 * max(1, np.abs(near).max()))


@pytest.mark.parametrize(
    ("name", "options"), [(name, None) for name in EDITS] + [("percentile", {"tails": t}) for t in TAILS]
)
@settings(max_examples=60)
@given(source=tables(ANY_FLOATS), target=tables(ANY_FLOATS), query=tables(ANY_FLOATS))
def test_results_are_finite_for_any_float32(name, options, source, target, query):
    edited = create_edit(name, options).fit(source, target).transform(query)
    assert edited.dtype == np.float32 and edited.shape == query.shape
    assert np.isfinite(edited).all()


def test_one_cell_is_enough():
    one = np.ones((1, 2), dtype=np.float32)
    for name in EDITS:
        np.testing.assert_allclose(create_edit(name).fit(one, 3 * one).transform(5 * one), 7 * one)


def test_chunks_give_the_same_bits(monkeypatch):
    rng = np.random.default_rng(4)
    source, target, query = (rng.normal(size=(300, 3)).astype(np.float32) for _ in range(3))
    edit = PercentileEdit().fit(source, target)
    whole = edit.transform(query)
    monkeypatch.setattr(base, "CHUNK", 7)
    np.testing.assert_array_equal(edit.transform(query), whole)


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("compiled_from", [1, 10**9])
def test_the_query_can_be_written_over(name, compiled_from, monkeypatch):
    monkeypatch.setattr(percentile, "COMPILED_FROM", compiled_from)
    rng = np.random.default_rng(6)
    source, target, query = (rng.normal(size=(300, 3)).astype(np.float32) for _ in range(3))
    edit = create_edit(name).fit(source, target)
    expected = edit.transform(query)
    assert not np.array_equal(expected, query)
    # Every second column of a wider table: not contiguous.
    wide = np.zeros((300, 6), dtype=np.float32)
    wide[:, ::2] = query
    assert edit.transform(wide[:, ::2], out=wide[:, ::2]).base is wide
    np.testing.assert_array_equal(wide[:, ::2], expected)
    assert edit.transform(query, out=query) is query
    np.testing.assert_array_equal(query, expected)


@pytest.mark.parametrize("out", [np.zeros((5, 3)), np.zeros((4, 3), dtype=np.float32)])
def test_out_must_hold_the_result(out):
    cells = np.zeros((5, 3), dtype=np.float32)
    with pytest.raises(UserError, match=r"needs float32 of shape \(5, 3\)"):
        PercentileEdit().fit(cells, cells).transform(cells, out)


@pytest.mark.parametrize("name", EDITS)
def test_state_restores_the_edit(name):
    rng = np.random.default_rng(5)
    source, target, query = (rng.normal(size=(80, 3)).astype(np.float32) for _ in range(3))
    edit = create_edit(name).fit(source, target)
    again = create_edit(name).load_state(edit.state())
    np.testing.assert_array_equal(again.transform(query), edit.transform(query))
    np.testing.assert_array_equal(again.outside(query), edit.outside(query))


@pytest.mark.parametrize(
    ("source", "target", "sentence"),
    [
        (np.zeros((0, 2)), np.zeros((3, 2)), "source population is empty"),
        (np.zeros((3, 2)), np.zeros((3, 4)), "2 units, but the target has 4"),
        (np.array([[np.nan]]), np.zeros((3, 1)), "source population holds values that are not finite"),
    ],
)
def test_bad_input_gets_a_sentence(source, target, sentence):
    with pytest.raises(UserError, match=sentence):
        PercentileEdit().fit(source, target)


def test_query_with_other_units_is_refused():
    edit = mean_shift.Edit().fit(np.zeros((3, 2)), np.ones((3, 2)))
    with pytest.raises(UserError, match="fitted on 2 units"):
        edit.transform(np.zeros((3, 5)))


def test_unknown_edit_and_option_name_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'percentile'"):
        create_edit("percentil")
    with pytest.raises(ValueError, match="did you mean 'tails'"):
        create_edit("percentile", {"tail": "paper"})
    with pytest.raises(ValueError, match="'paper', 'shift' or 'robust'"):
        create_edit("percentile", {"tails": "papr"})
