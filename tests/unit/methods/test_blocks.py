"""Blocks have one size, so that a cell's prediction does not depend on those that go with it."""

import numpy as np
import pytest

from outofsample.arrays import Prediction
from outofsample.methods.families import blocks
from outofsample.methods.families.blocks import in_blocks
from outofsample.methods.pca_editing import Method
from tests.conftest import QUERY, planted


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks of 50 cells."""
    monkeypatch.setattr(blocks, "BLOCK", 50)


def test_every_call_gets_a_whole_block_and_every_cell_comes_back_once():
    sizes = []

    def predict(X, query, counts=None):
        sizes.append(len(X))
        assert counts is None or np.array_equal(counts, 10 * X)
        return Prediction(X + 1, latent=2 * X, outside_per_cell=X[:, 0])

    X = np.arange(240, dtype=np.float32).reshape(120, 2)
    for counts in (None, 10 * X):
        found = in_blocks(predict)(X, QUERY, counts)
        assert np.array_equal(found.X, X + 1) and np.array_equal(found.latent, 2 * X) and found.matched is None
        assert np.array_equal(found.outside_per_cell, X[:, 0]) and found.outside is None
    assert set(sizes) == {50}


@pytest.mark.parametrize("cells", [1, 7, 50, 101])
def test_shares_are_over_the_cells_alone(cells):
    data, _ = planted()
    method = Method().fit(data)
    X = data.X[data.is_query(QUERY)][:cells]
    whole, found = method.transform(X, QUERY), in_blocks(method.transform)(X, QUERY)
    np.testing.assert_allclose(found.outside, whole.outside, atol=1e-6)
    np.testing.assert_allclose(found.X, whole.X, rtol=1e-4, atol=1e-5)


def test_a_cell_comes_out_the_same_in_any_company():
    data, _ = planted(cells=400)
    method = Method().fit(data)
    X = data.X[data.is_query(QUERY)]
    drawn = np.sort(np.random.default_rng(0).permutation(len(X))[:73])
    found = in_blocks(method.transform)
    assert np.array_equal(found(X[drawn], QUERY).X, found(X, QUERY).X[drawn])
