"""Eq. 1 in each cluster of cells."""

import numpy as np

from outofsample.edits.support.base import create_edit


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
