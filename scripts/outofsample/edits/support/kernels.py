"""Loops over single values that numpy cannot do in one pass, compiled by numba.

The import takes about as long as numpy takes for some millions of values, so only large inputs come here. What numba
compiled is kept beside this file and read again by the next process.
"""

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

BLOCK = 128
#: Bins of equal width between a unit's first and last knot: most hold one knot or none, so the search is short.
BINS = 1024


def piecewise_linear(query, edited, knots, values, slopes, pieces, ends, largest):
    """Map each value of each unit along the unit's pieces; the same bits as `apply` of `outofsample.edits.percentile`.

    Cells are shared out among as many threads as numba may use (``NUMBA_NUM_THREADS``; default: all cores of the
    process); the result does not depend on their number.

    Parameters
    ----------
    query
        Activations (cells, units) float32 or float64.
    edited
        Array (cells, units) float32 for the result; it may be the query.
    knots, values
        Where the pieces of a unit begin (units, 101), padded with infinity, and their values there.
    slopes
        Slopes of the pieces (units, 100).
    pieces
        The last piece of each unit (units,).
    ends
        Per unit where each tail begins, its value there and its slope (units, 2, 3).
    largest
        Bound of the magnitude of results.
    """
    tables = (knots, values, slopes, ends, largest, *_index_knots(knots, pieces))
    threads = numba.config.NUMBA_NUM_THREADS
    with ThreadPoolExecutor(threads) as pool:
        parts = zip(np.array_split(query, threads), np.array_split(edited, threads), strict=True)
        for done in [pool.submit(_map_pieces, part, place, *tables) for part, place in parts]:
            done.result()


@numba.njit(nogil=True, cache=True)
def _map_pieces(query, edited, knots, values, slopes, ends, largest, first, scale):
    """Do the work of `piecewise_linear` for some cells, into an array (cells, units) float32."""
    cells, units = query.shape
    # A block of cells and the tables of one unit fit into a core's first cache; those of all units do not.
    for start in range(0, cells, BLOCK):
        for unit in range(units):
            for cell in range(start, min(start + BLOCK, cells)):
                x = np.float64(query[cell, unit])
                if x < ends[unit, 0, 0]:
                    y = ends[unit, 0, 1] + (x - ends[unit, 0, 0]) * ends[unit, 0, 2]
                elif x > ends[unit, 1, 0]:
                    y = ends[unit, 1, 1] + (x - ends[unit, 1, 0]) * ends[unit, 1, 2]
                else:
                    # The last knot that is not above x: in the bin of x, or the last one before it.
                    found = _bin(x, knots[unit, 0], scale[unit])
                    low, high = max(first[unit, found] - 1, 0), first[unit, found + 1] - 1
                    while low < high:
                        middle = (low + high + 1) // 2
                        if knots[unit, middle] <= x:
                            low = middle
                        else:
                            high = middle - 1
                    y = values[unit, low] + (x - knots[unit, low]) * slopes[unit, low]
                edited[cell, unit] = min(max(y, -largest), largest)


@numba.njit(nogil=True, cache=True)
def _bin(x, low, scale):
    """Return the bin of a value, from 0 to BINS - 1; it never falls as x grows, so knots of lower bins are below x."""
    place = (x - low) * scale
    # Written so that NaN, infinity times zero, has a bin.
    if not place > 0:
        return 0
    return int(min(place, BINS - 1))


@numba.njit(nogil=True, cache=True)
def _index_knots(knots, pieces):
    """Return, per unit, how many knots lie in lower bins (units, BINS + 1), and the bins per unit of x (units,)."""
    units = len(knots)
    first, scale = np.empty((units, BINS + 1), dtype=np.int64), np.zeros(units)
    for unit in range(units):
        width = knots[unit, pieces[unit]] - knots[unit, 0]
        if width > 0:
            scale[unit] = (BINS - 1) / width
        below = 0
        for number in range(BINS + 1):
            while below <= pieces[unit] and _bin(knots[unit, below], knots[unit, 0], scale[unit]) < number:
                below += 1
            first[unit, number] = below
    return first, scale
