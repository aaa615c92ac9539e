"""Neuron Editing's Eq. 1."""

import importlib.util
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from outofsample.edits.support import base
from outofsample.edits.support.percentiles import percentiles

#: From so many values on, of all calls together, edits are compiled: below, numba's import takes longer than numpy's
#: whole work.
COMPILED_FROM = 4_000_000


@dataclass
class Edit(base.Edit):
    """Neuron Editing's Eq. 1: map S's percentiles 0..100 onto T's, linearly in between, each unit on its own.

    Ties: source percentiles that are equal make one knot, whose target is the mean of theirs; a unit that is
    constant in S is moved by the difference of medians. So no piece has zero width, and nothing is divided by zero.

    Attributes
    ----------
    tails
        What happens to values outside S's range. ``paper``: the first and the last piece go on, as Eq. 1 prints
        it in 2018 and 2019. ``shift``: the difference of the end knots is added. ``robust``: below p1 (above p99)
        the slope of p1..p5 (p95..p99) goes on, which fewer than one cell in a hundred cannot tilt.
    """

    tails: str = "paper"

    #: Values that all edits of this process were asked for: the pieces of a large file are as much as a large query.
    asked: ClassVar[int] = 0
    fitted: ClassVar[tuple[str, ...]] = ("knots", "values", "slopes", "pieces", "ends")

    def __post_init__(self):
        if self.tails not in ("paper", "shift", "robust"):
            raise ValueError(f"tails must be 'paper', 'shift' or 'robust', not '{self.tails}'")

    @property
    def is_unbounded(self) -> bool:
        return self.tails != "shift"

    def learn(self, source: np.ndarray, target: np.ndarray) -> None:
        # Sorting, most of the fit, does not hold Python's lock: S and T take the time of the larger one.
        with ThreadPoolExecutor(2) as pool:
            source, target = pool.map(percentiles, (source, target))
        self.knots, self.values, count = collapse_ties(source, target)
        with np.errstate(invalid="ignore"):
            rise, width = np.diff(self.values), np.diff(self.knots)
        self.slopes = np.where(np.isfinite(width), rise / np.where(np.isfinite(width), width, 1), 0)
        constant = count == 1
        self.slopes[constant, 0] = 1
        self.values[constant, 0] = self.knots[constant, 0] + (target - source)[constant, 50]
        self.pieces = np.maximum(count - 2, 0)
        self.ends = self._ends(source)

    def _ends(self, source: np.ndarray) -> np.ndarray:
        """Return, per unit, where each tail begins, its value there and its slope: array (units, 2, 3)."""
        rows = np.arange(len(source))
        last = self.pieces + (self.knots[:, 1] < np.inf)
        first_slope, last_slope = self.slopes[:, 0], self.slopes[rows, self.pieces]
        low = [self.knots[:, 0], self.values[:, 0], first_slope]
        high = [self.knots[rows, last], self.values[rows, last], last_slope]
        if self.tails == "shift":
            low[2] = high[2] = np.ones(len(rows))
        if self.tails == "robust":
            low, high = self._robust_tail(source, 1, 5), self._robust_tail(source, 99, 95)
        return np.stack([np.stack(low, axis=1), np.stack(high, axis=1)], axis=1)

    def _robust_tail(self, source: np.ndarray, at: int, other: int) -> list[np.ndarray]:
        """Return knot, value and slope (units,) of a tail that starts at percentile ``at``."""
        rows = np.arange(len(source))
        start, end = (np.argmax(self.knots == source[:, [percentile]], axis=1) for percentile in (at, other))
        tied = start == end
        rise = self.values[rows, end] - self.values[rows, start]
        slope = np.where(tied, 1, rise / np.where(tied, 1, source[:, other] - source[:, at]))
        return [source[:, at], self.values[rows, start], slope]

    def transform(self, query: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Return the edited activations as `Edit.transform` does; much work is compiled, with the same bits.

        Where numba is not installed they are not compiled, and take several times as long.
        """
        self.check_units(query)
        Edit.asked += query.size
        not_compiled = Edit.asked < COMPILED_FROM or query.dtype not in (np.float32, np.float64)
        if not_compiled or importlib.util.find_spec("numba") is None:
            return super().transform(query, out)
        from outofsample.edits.support.kernels import piecewise_linear

        tables = (np.ascontiguousarray(getattr(self, name)) for name in self.fitted)
        edited = base.place_for(query, out)
        piecewise_linear(np.ascontiguousarray(query), edited, *tables, base.LARGEST)
        return edited

    def apply(self, query: np.ndarray) -> np.ndarray:
        columns = np.ascontiguousarray(query.T)
        pairs = zip(self.knots[:, 1:], columns, strict=True)
        found = np.stack([np.searchsorted(knots, column, side="right") for knots, column in pairs])
        piece = np.minimum(found, self.pieces[:, None])
        start, value, slope = (
            np.take_along_axis(table, piece, axis=1) for table in (self.knots, self.values, self.slopes)
        )
        edited = value + (columns - start) * slope
        (low, high) = self.ends[:, 0, :, None], self.ends[:, 1, :, None]
        edited = np.where(columns < low[:, 0], low[:, 1] + (columns - low[:, 0]) * low[:, 2], edited)
        edited = np.where(columns > high[:, 0], high[:, 1] + (columns - high[:, 0]) * high[:, 2], edited)
        return edited.T


def collapse_ties(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Merge equal source percentiles into one knot with the mean of their targets.

    Parameters
    ----------
    source, target
        Percentiles (units, 101), non-decreasing along the second axis.

    Returns
    -------
    knots, values, count
        Knots (units, 101) padded with infinity, their target values (units, 101) padded with zeros, and the number
        of knots (units,).
    """
    units, length = source.shape
    group = np.concatenate([np.zeros((units, 1), int), np.cumsum(np.diff(source) > 0, axis=1)], axis=1)
    place = (group + np.arange(units)[:, None] * length).ravel()
    size = np.bincount(place, minlength=units * length).reshape(units, length)
    total = np.bincount(place, weights=target.ravel(), minlength=units * length).reshape(units, length)
    knots = np.full(units * length, np.inf)
    knots[place] = source.ravel()
    return knots.reshape(units, length), total / np.maximum(size, 1), group[:, -1] + 1
