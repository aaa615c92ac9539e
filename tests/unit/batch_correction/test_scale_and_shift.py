"""ComBat and limma correct further cells as those of their fit; what is no scale and shift is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from outofsample import registry
from outofsample.arrays import Hop, TrainingData
from outofsample.batch_correction.checks import as_result
from outofsample.batch_correction.scale_and_shift import scale_and_shift
from outofsample.errors import UserError
from tests.unit.batch_correction.test_batch_correction import (
    QUERY,
    cells,
    corrected,
    fitted,
    run_or_skip,
    two_batches,
)

METHODS = [pytest.param(name, marks=pytest.mark.r) for name in ("combat", "limma")]


def values(cells: int = 60) -> np.ndarray:
    X = np.random.default_rng(0).normal(3, 2, (cells, 4)).astype(np.float32)
    X[:, 2] = 5
    return X


def test_scale_and_shift_are_read_off_the_cells():
    X = values()
    scale, shift = np.array([2.0, 0.5, 1.0, 1.0]), np.array([1.0, -3.0, 4.0, 0.0])
    hop = scale_and_shift("some", X, X * scale + shift)
    np.testing.assert_allclose(hop.scale, scale, rtol=1e-12)
    np.testing.assert_allclose(hop.shift, shift, atol=1e-12)
    others = values(7) + 100
    np.testing.assert_allclose(hop.apply(others), others * scale + shift, rtol=1e-12)


@pytest.mark.parametrize("cell", [0, -1])
def test_a_cell_that_was_corrected_otherwise_is_an_error(cell):
    X = values(40_000)
    after = X.astype(np.float64)
    after[cell, 1] += 0.01
    with pytest.raises(UserError, match="some: the correction is no scale and shift of each feature \\(1 values"):
        scale_and_shift("some", X, after)
    after[cell, 1] = np.nan
    with pytest.raises(UserError, match="some: the correction is no scale and shift"):
        scale_and_shift("some", X, after)


@pytest.mark.parametrize("name", METHODS)
def test_the_cells_of_the_fit_are_corrected_as_r_corrects_them(name):
    batch1, batch2 = two_batches()
    by_r = corrected(name, batch1, batch2)
    for rows, role in ((slice(None, 90), "source"), (slice(90, None), "query")):
        np.testing.assert_allclose(fitted(name).transform(cells(role), QUERY).X, by_r[rows], rtol=1e-6, atol=1e-6)
    assert np.abs(by_r - batch1).min() > 0.5


@pytest.mark.parametrize("name", METHODS)
def test_further_cells_are_corrected_by_the_fitted_scale_and_shift(name):
    method, others = fitted(name), np.random.default_rng(5).normal(4, 3, (11, 12)).astype(np.float32)
    (hop,) = method.hops[QUERY.name]
    found = method.transform(others, QUERY).X
    np.testing.assert_array_equal(found, as_result(name, hop.apply(others), others))
    np.testing.assert_array_equal(method.transform(others[3:5], QUERY).X, found[3:5])
    # limma moves by the difference of means, ComBat also scales.
    assert (np.abs(hop.scale - 1).max() < 1e-9) == (name == "limma")


@pytest.mark.parametrize("name", METHODS)
def test_what_is_kept_corrects_alike(name):
    method = fitted(name)
    kept = json.loads(json.dumps(method.whole_state()))
    other = registry.create("methods", name, {}).take_whole_state(kept)
    np.testing.assert_array_equal(other.transform(cells("query"), QUERY).X, method.transform(cells("query"), QUERY).X)
    with pytest.raises(UserError, match="not fitted for the query 'another'"):
        other.transform(cells("query"), replace(QUERY, name="another"))


def chained() -> TrainingData:
    """Return three batches: the query in the first, S and T of two hops by a control each."""
    rng = np.random.default_rng(0)
    parts = [("a", "b1", 2.0, 1.0), ("a", "b2", 0.0, 1.0), ("b", "b2", 0.0, 1.0), ("b", "b3", -1.0, 2.0)]
    parts += [("sample", "b1", 2.0, 1.0)]
    query = replace(QUERY, source="b1", target="b3", hops=(Hop("b1", "b2", ("a",)), Hop("b2", "b3", ("b",))))
    return TrainingData(
        X=np.concatenate([rng.normal(shift, scale, (50, 5)) for _, _, shift, scale in parts]).astype(np.float32),
        role=np.repeat(["source", "source", "source", "target", "query"], 50),
        condition=np.repeat([condition for _, condition, *_ in parts], 50),
        domain=np.repeat([domain for domain, *_ in parts], 50),
        features=tuple("abcde"),
        queries=(query,),
    )


@pytest.mark.parametrize("name", METHODS)
def test_along_a_chain_each_hop_is_one(name):
    data = chained()
    method = run_or_skip(lambda: registry.create("methods", name, {}).fit(data))
    (query,) = data.queries
    assert len(method.hops[query.name]) == 2
    X = data.X[data.is_query(query)]
    by_hand = X
    for hop in method.hops[query.name]:
        by_hand = hop.apply(by_hand).astype(np.float32)
    np.testing.assert_array_equal(method.transform(X, query).X, by_hand)
    np.testing.assert_allclose(by_hand.mean(axis=0), -1, atol=0.5)
