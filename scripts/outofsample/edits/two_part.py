"""A map in two parts: the share of zeros first, then the values above zero."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from outofsample.edits.support import base
from outofsample.edits.support.percentiles import percentiles

POINTS = np.linspace(0, 1, 101)


@dataclass
class Edit(base.Edit):
    """Map zeros by their share and values above zero by their percentiles, each unit on its own.

    The zero of a unit is its least value in S (in T). Eq. 1 gives all cells at one value of S one value, the mean of
    T's percentiles there: where T has fewer zeros than S, no zero is left, but each is moved a little. Here the rank of
    such a cell among the zeros is drawn, so that the share of zeros of S that stay zeros is the share that T has left,
    also of a query with more or fewer zeros than S; the others take T's lowest values above zero. Where T has more
    zeros, S's lowest values become zeros.

    The draw depends on the values of the cell alone, so it moves alike in whatever order and company it comes; only
    cells that agree in all units are told apart by their order. Beyond the range of S the difference of the ends is
    added (`percentile` with ``tails: shift``).
    """

    fitted: ClassVar[tuple[str, ...]] = ("zeros", "shares", "knots", "values")

    def learn(self, source: np.ndarray, target: np.ndarray) -> None:
        self.zeros = np.stack([source.min(axis=0), target.min(axis=0)]).astype(np.float64).T
        at_zero = [cells == cells.min(axis=0) for cells in (source, target)]
        self.shares = np.stack([mask.mean(axis=0) for mask in at_zero]).T
        # Percentiles (units, 101) of what lies above zero; where nothing does, the zero itself.
        self.knots, self.values = (_above(cells, mask) for cells, mask in zip((source, target), at_zero, strict=True))

    def apply(self, query: np.ndarray) -> np.ndarray:
        edited, numbers = np.empty(query.shape), numbers_of_cells(query)
        for unit, x in enumerate(query.T):
            (zero, target_zero), (share, target_share) = self.zeros[unit], self.shares[unit]
            knots, values = self.knots[unit], self.values[unit]
            if share == 1:
                # S shows nothing above its zero: values there move as the zero does.
                above = x + (target_zero - zero)
            else:
                inside = np.clip(x, knots[0], knots[-1])
                rank = share + (1 - share) * np.interp(inside, knots, POINTS)
                above = _at_rank(rank, target_share, target_zero, values) + np.maximum(x - knots[-1], 0)
            at_zero = _at_rank(share * uniform(numbers, unit), target_share, target_zero, values)
            below = x + (target_zero - zero)
            edited[:, unit] = np.select([x > zero, x == zero], [above, at_zero], below)
        return edited


def _above(cells: np.ndarray, is_zero: np.ndarray) -> np.ndarray:
    """Return percentiles (units, 101) of the values of each unit of cells (cells, units) that are not its zero."""
    units = zip(cells.T, is_zero.T, strict=True)
    return np.concatenate([percentiles((x[~zero] if not zero.all() else x)[:, None]) for x, zero in units])


def _at_rank(rank: np.ndarray, share: float, zero: float, values: np.ndarray) -> np.ndarray:
    """Return values (cells,) at ranks from 0 to 1, of a unit with a ``share`` of zeros and percentiles above them."""
    if share == 1:
        return np.full(len(rank), zero)
    return np.where(rank <= share, zero, np.interp((rank - share) / (1 - share), POINTS, values))


def numbers_of_cells(cells: np.ndarray) -> np.ndarray:
    """Return a 64-bit number (cells,) per cell, from its values (units,); cells that are alike have others each."""
    numbers = np.zeros(len(cells), dtype=np.uint64)
    for unit, x in enumerate(cells.T):
        bits = np.ascontiguousarray(x, dtype=np.float64).view(np.uint64)
        numbers += _mixed(bits ^ _step(unit))
    order = np.argsort(numbers, kind="stable")
    ascending = numbers[order]
    first = np.searchsorted(ascending, ascending)
    numbers[order] += (np.arange(len(cells)) - first).astype(np.uint64)
    return _mixed(numbers)


def uniform(numbers: np.ndarray, unit: int) -> np.ndarray:
    """Return numbers (cells,) from 0 to 1 that look random, by cell and unit, from `numbers_of_cells`."""
    return (_mixed(numbers + _step(unit)) >> np.uint64(11)) / 2.0**53


def _step(unit: int) -> np.ndarray:
    """Return the step of splitmix64's counter for a unit, an array (1,): scalars would warn of an overflow."""
    return np.array([unit + 1], dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def _mixed(numbers: np.ndarray) -> np.ndarray:
    """Return the output function of splitmix64 of 64-bit numbers, an array."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
