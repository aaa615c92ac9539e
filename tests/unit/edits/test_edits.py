"""Edits: Eq. 1 of Neuron Editing and its competitors, on arrays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from outofsample.edits import base
from outofsample.edits.base import EDITS, MeanShift, MedianShift, PercentileEdit, create_edit
from outofsample.errors import UserError

# A busy machine takes its time; how long an example takes is no matter of these tests.
settings.register_profile("edits", deadline=None)
settings.load_profile("edits")

TAILS = ("paper", "shift", "robust")
FLOATS = st.floats(-1e6, 1e6, width=32)
#: Multiples of 1/8, whose sums are exact.
EIGHTHS = st.integers(-8000, 8000).map(lambda number: number / 8)
ANY_FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


def tables(elements=FLOATS, rows=st.integers(1, 40)):
    """Arrays (cells, 3) float32, ties and constants included."""
    return rows.flatmap(lambda cells: arrays(np.float32, (cells, 3), elements=elements))


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
    np.testing.assert_allclose(base.percentiles(values), expected, rtol=1e-12)


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


def test_shifts_add_the_difference_of_location():
    rng = np.random.default_rng(3)
    source, target, query = rng.normal(size=(50, 4)), rng.gamma(2, size=(60, 4)), rng.normal(size=(9, 4))
    for edit, location in ((MeanShift(), np.mean), (MedianShift(), np.median)):
        expected = query + location(target, axis=0) - location(source, axis=0)
        np.testing.assert_allclose(edit.fit(source, target).transform(query), expected, rtol=1e-5, atol=1e-6)


def test_one_cell_is_enough():
    one = np.ones((1, 2), dtype=np.float32)
    for name in EDITS:
        np.testing.assert_allclose(create_edit(name).fit(one, 3 * one).transform(5 * one), 7 * one)


def test_outside_marks_what_is_extrapolated():
    edit = PercentileEdit().fit(np.array([[0.0], [1.0]]), np.array([[0.0], [1.0]]))
    assert edit.outside(np.array([[-0.1], [0.5], [1.0], [1.1]])).ravel().tolist() == [True, False, False, True]


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
    monkeypatch.setattr(base, "COMPILED_FROM", compiled_from)
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
    edit = MeanShift().fit(np.zeros((3, 2)), np.ones((3, 2)))
    with pytest.raises(UserError, match="fitted on 2 units"):
        edit.transform(np.zeros((3, 5)))


def test_unknown_edit_and_option_name_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'percentile'"):
        create_edit("percentil")
    with pytest.raises(ValueError, match="did you mean 'tails'"):
        create_edit("percentile", {"tail": "paper"})
    with pytest.raises(ValueError, match="'paper', 'shift' or 'robust'"):
        create_edit("percentile", {"tails": "papr"})


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
    monkeypatch.setattr(base, "COMPILED_FROM", 0)
    compiled = edit.transform(query)
    assert compiled.dtype == np.float32
    np.testing.assert_array_equal(compiled, plain)
    np.testing.assert_array_equal(edit.transform(query[:, ::-1][:, ::-1]), plain)
    with pytest.raises(UserError, match="6 units"):
        edit.transform(query[:, :2])


def two_states(cells: int = 400, apart: float = 12.0, seed: int = 0):
    """Return S, T and X of two cell states of which one is stretched and the other shifted by the change."""
    rng = np.random.default_rng(seed)
    state = np.arange(cells) % 2 == 0

    def population():
        # The states differ in the first unit alone: in the others their values overlap.
        return rng.gamma(2, 1, size=(cells, 3)) + np.outer(np.where(state, 0, apart), [1, 0, 0])

    def changed(values):
        return np.where(state[:, None], 2 * values, values - 3)

    source, target, query = population(), changed(population()), population()
    return source, target, query, changed(query)


def test_each_cluster_has_the_map_of_its_own_state():
    source, target, query, truth = two_states()
    by_cluster = create_edit("cluster_percentile", {"clusters": 2}).fit(source, target).transform(query)
    at_once = create_edit("percentile").fit(source, target).transform(query)
    assert np.abs(by_cluster - truth).mean() < 0.6
    assert np.abs(at_once - truth).mean() > 1.5


def test_a_change_that_parts_the_clusters_has_one_map():
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(300, 3)), rng.normal(size=(300, 3)) + 50
    edit = create_edit("cluster_percentile", {"clusters": 4}).fit(source, target)
    assert len(edit.centres) == 1
    expected = create_edit("percentile").fit(source, target).transform(source)
    np.testing.assert_array_equal(edit.transform(source), expected)


def test_states_keep_maps_of_their_own_under_a_change_larger_than_what_parts_them():
    source, target, query, truth = two_states()
    plain, aligned = (
        create_edit("cluster_percentile", {"clusters": 2, "align": align}).fit(source, target + 60)
        for align in (False, True)
    )
    assert len(plain.centres) == 1 and len(aligned.centres) == 2
    at_once, by_state = (np.abs(edit.transform(query) - truth - 60).mean() for edit in (plain, aligned))
    assert at_once > 1.5 and by_state < 0.9


def test_cells_of_a_small_cluster_go_through_the_map_of_all():
    source, target, query, _ = two_states()
    # A few outliers of S alone make a cluster of their own.
    source, query = (np.concatenate([cells, np.full((4, 3), 500.0)]) for cells in (source, query))
    edit = create_edit("cluster_percentile", {"clusters": 3}).fit(source, target)
    expected = create_edit("percentile").fit(source, target).transform(query[-4:])
    assert len(edit.centres) == 3 and sorted(edit.map_of) == [0, 1, 2]
    np.testing.assert_array_equal(edit.transform(query)[-4:], expected)


def test_beyond_the_range_of_its_cells_a_cluster_map_only_shifts():
    rng = np.random.default_rng(0)
    source = rng.normal(size=(100, 2))
    target = source * 3
    query = np.full((1, 2), 40.0)
    bounded = create_edit("cluster_percentile").fit(source, target).transform(query)
    np.testing.assert_allclose(bounded, query + target.max(axis=0) - source.max(axis=0), rtol=1e-6)
    as_printed = create_edit("cluster_percentile", {"tails": "paper"}).fit(source, target).transform(query)
    assert (as_printed > 100).all()
