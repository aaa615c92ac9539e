"""Zeros of a non-negative feature under a displacement: most stay zeros, few become values that T has.

A mean of several maps moves every zero a little. A rank test then calls nearly every feature changed, and no measured
population looks like it: a gene that is not found in most cells is still not found in most of them after the change.
"""

import numpy as np

from outofsample.edits.two_part import numbers_of_cells, uniform

#: A zero that would be lifted by less than this part of the typical positive value stays where it is.
LEAST_LIFT = 0.05


def typical_values(target: np.ndarray) -> np.ndarray:
    """Return the mean (features,) of the values of cells (cells, features) above zero; 0 where there are none."""
    above = target > 0
    total = np.where(above, target, 0).sum(axis=0, dtype=np.float64)
    return total / np.maximum(above.sum(axis=0), 1)


def keep_zeros(X: np.ndarray, moves: np.ndarray, typical: np.ndarray) -> np.ndarray:
    """Return displacements (cells, features) in which zeros of X that would all be lifted are lifted in part.

    A zero that is to be lifted by d, beside a typical value v of T, is lifted with probability sqrt(d / v), to
    sqrt(d v): the mean stays d. It is lifted by d in any case where d is v or more, and never where d is below
    `LEAST_LIFT` of v, or T has no value above zero. The root lies between moving all zeros alike, whose spread is too
    small, and giving each lifted one the value v, whose spread is too large.

    The draw depends on the values of the cell alone, as in the edit `two_part`; only cells that agree in all features
    are told apart by their order in X.

    Parameters
    ----------
    X, moves
        Arrays (cells, features): cells, of data whose least value is zero, and how they are moved.
    typical
        Array (features,): `typical_values` of T.
    """
    kept, lifted = moves.copy(), (X == 0) & (moves > 0)
    numbers = numbers_of_cells(X)
    for feature in np.flatnonzero(lifted.any(axis=0)):
        cells = lifted[:, feature]
        drawn = uniform(numbers[cells], feature)
        kept[cells, feature] = _lifted(moves[cells, feature], typical[feature], drawn)
    return kept


def _lifted(lift: np.ndarray, typical: float, drawn: np.ndarray) -> np.ndarray:
    """Return where zeros go that are to be lifted by ``lift`` on average; ``drawn`` (cells,) is from 0 to 1."""
    if typical == 0:
        return np.zeros_like(lift)
    part = lift / typical
    chance = np.where(part < LEAST_LIFT, 0, np.sqrt(np.minimum(part, 1)))
    return np.divide(lift, chance, out=np.zeros_like(lift), where=drawn < chance)
