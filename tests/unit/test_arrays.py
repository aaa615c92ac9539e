"""Pieces of a matrix become one, with the values and types of the pieces, and without being in memory twice."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse

from outofsample.arrays import stacked


def pieces(cells=(5, 1, 0, 7), genes=6, dtype=np.float32) -> list[scipy.sparse.csr_matrix]:
    rng = np.random.default_rng(0)
    return [scipy.sparse.random(rows, genes, 0.4, "csr", dtype, rng) for rows in cells]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_pieces_become_one_as_scipy_makes_it(dtype):
    wanted, given = scipy.sparse.vstack(pieces(dtype=dtype), format="csr"), pieces(dtype=dtype)
    found = stacked(given)
    assert given == [] and found.dtype == dtype and found.shape == (13, 6) and found.has_canonical_format
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
        assert getattr(found, name).dtype == getattr(wanted, name).dtype


def test_arrays_and_a_mixture_become_an_array():
    dense = [piece.toarray() for piece in pieces()]
    np.testing.assert_array_equal(stacked(list(dense)), np.concatenate(dense))
    mixed = stacked([*pieces((5, 1)), *dense[2:]])
    np.testing.assert_array_equal(mixed, np.concatenate(dense))


def test_one_piece_is_itself():
    (piece,) = pieces((4,))
    assert stacked([piece]) is piece


def test_sparse_pieces_are_not_in_memory_twice():
    tracemalloc.start()
    given = pieces((2000,) * 20, genes=500)
    size = sum(piece.data.nbytes + piece.indices.nbytes for piece in given)
    tracemalloc.reset_peak()
    stacked(given)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Twice would be 2; the pieces alone are 1.
    assert size < peak < 1.6 * size
