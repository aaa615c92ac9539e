"""Loops over single values that numpy cannot do in one pass, compiled by numba.

The import takes about as long as numpy takes for some millions of values, so only large inputs come here. What numba
compiled is kept beside this file and read again by the next process.
"""

import numba
import numpy as np


@numba.njit(nogil=True, cache=True)
def piecewise_linear(query, knots, values, slopes, pieces, ends, largest):
    """Map each value of each unit along the unit's pieces; the same bits as `edits.PercentileEdit.apply`.

    Parameters
    ----------
    query
        Activations (cells, units) float32 or float64.
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

    Returns
    -------
    Array (cells, units) float32.
    """
    cells, units = query.shape
    edited = np.empty((cells, units), dtype=np.float32)
    for cell in range(cells):
        for unit in range(units):
            x = np.float64(query[cell, unit])
            if x < ends[unit, 0, 0]:
                y = ends[unit, 0, 1] + (x - ends[unit, 0, 0]) * ends[unit, 0, 2]
            elif x > ends[unit, 1, 0]:
                y = ends[unit, 1, 1] + (x - ends[unit, 1, 0]) * ends[unit, 1, 2]
            else:
                # The last knot that is not above x.
                low, high = 0, pieces[unit]
                while low < high:
                    middle = (low + high + 1) // 2
                    if knots[unit, middle] <= x:
                        low = middle
                    else:
                        high = middle - 1
                y = values[unit, low] + (x - knots[unit, low]) * slopes[unit, low]
            edited[cell, unit] = min(max(y, -largest), largest)
    return edited
