"""Edits: how the activations of a query are moved, learned from the activations of source and target.

Every edit takes and returns numpy arrays (cells, units) and works on each unit on its own. `PercentileEdit` is
Neuron Editing's Eq. 1; the shifts are its simpler competitors.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from outofsample.errors import UserError, did_you_mean

#: Cells that are edited at once: bounds the working memory to some tens of MB for 50 units.
CHUNK = 65_536
#: From so many values on the percentile edit is compiled: below, numba's import takes longer than numpy's whole work.
COMPILED_FROM = 4_000_000
PERCENTILES = np.arange(101)
#: Cells of a population, at most, that clusters are found in, and the share of cells that may lie in too small ones.
CLUSTERED = 20_000
UNMAPPED = 0.05
LARGEST = float(np.finfo(np.float32).max)


class Edit:
    """An edit is fitted on activations of S and T, and then applied to any activations."""

    #: Names of the fitted arrays, each with units as its first axis.
    fitted: ClassVar[tuple[str, ...]] = ()

    def fit(self, source: np.ndarray, target: np.ndarray) -> "Edit":
        """Learn from activations (cells, units) of S and of T, and return self.

        Raises
        ------
        UserError
            If a population is empty, the numbers of units differ, or a value is not finite.
        """
        source, target = _checked("source", source), _checked("target", target)
        if source.shape[1] != target.shape[1]:
            raise UserError(f"The source has {source.shape[1]} units, but the target has {target.shape[1]}.")
        self.low, self.high = source.min(axis=0), source.max(axis=0)
        self.learn(source, target)
        return self

    def learn(self, source: np.ndarray, target: np.ndarray) -> None:
        """Do the work of `fit`, whose arguments were checked."""
        raise NotImplementedError

    def transform(self, query: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Return the edited activations (cells, units) float32, always finite; works in chunks of cells.

        Parameters
        ----------
        query
            Activations (cells, units).
        out
            Array (cells, units) float32 that the result is written to, and that is returned; it may be the query
            itself (no other overlap), which needs no second array where it is contiguous.

        Raises
        ------
        UserError
            If the number of units differs from `fit`, or ``out`` cannot hold the result.
        """
        self.check_units(query)
        edited = _place(query, out)
        for rows in _slices(len(query)):
            part = self.apply(query[rows].astype(np.float64))
            edited[rows] = np.clip(part, -LARGEST, LARGEST)
        return edited

    def check_units(self, query: np.ndarray) -> None:
        """Raise a `UserError` where a query (cells, units) does not have the units of `fit`."""
        if query.ndim != 2 or query.shape[1] != len(self.low):
            raise UserError(f"The query has shape {query.shape}, but the edit was fitted on {len(self.low)} units.")

    def apply(self, query: np.ndarray) -> np.ndarray:
        """Edit one chunk (cells, units) float64."""
        raise NotImplementedError

    def outside(self, query: np.ndarray) -> np.ndarray:
        """Return the mask (cells, units) of values outside the source's range, where an edit extrapolates."""
        return (query < self.low) | (query > self.high)

    def state(self) -> dict[str, np.ndarray]:
        """Return the fitted arrays."""
        return {name: getattr(self, name) for name in ("low", "high", *self.fitted)}

    def load_state(self, state: dict[str, np.ndarray]) -> "Edit":
        """Take over fitted arrays and return self."""
        for name in ("low", "high", *self.fitted):
            setattr(self, name, np.asarray(state[name]))
        return self


def _checked(word: str, activations: np.ndarray) -> np.ndarray:
    if activations.ndim != 2 or not len(activations):
        raise UserError(f"The {word} population is empty or not a table: its shape is {activations.shape}.")
    if not np.isfinite(activations).all():
        raise UserError(f"The {word} population holds values that are not finite.")
    return activations


def _place(query: np.ndarray, out: np.ndarray | None) -> np.ndarray:
    """Return the array that an edited query is written to: ``out``, or a new one."""
    if out is None:
        return np.empty(query.shape, dtype=np.float32)
    if out.shape != query.shape or out.dtype != np.float32:
        raise UserError(
            f"'out' is {out.dtype} of shape {out.shape}, but the edited query needs float32 of shape {query.shape}."
        )
    return out


def _slices(cells: int) -> Iterator[slice]:
    return (slice(start, start + CHUNK) for start in range(0, cells, CHUNK))


@dataclass
class MeanShift(Edit):
    """Add mean(T) - mean(S) to each unit: the papers' constant shift, and scGen's latent arithmetic."""

    fitted: ClassVar[tuple[str, ...]] = ("shift",)

    def learn(self, source: np.ndarray, target: np.ndarray) -> None:
        self.shift = target.mean(axis=0, dtype=np.float64) - source.mean(axis=0, dtype=np.float64)

    def apply(self, query: np.ndarray) -> np.ndarray:
        return query + self.shift


@dataclass
class MedianShift(Edit):
    """Add median(T) - median(S) to each unit."""

    fitted: ClassVar[tuple[str, ...]] = ("shift",)

    def learn(self, source: np.ndarray, target: np.ndarray) -> None:
        # In float64: the mean of the two middle values of float32 extremes would overflow.
        target, source = (np.median(values.astype(np.float64), axis=0) for values in (target, source))
        self.shift = target - source

    def apply(self, query: np.ndarray) -> np.ndarray:
        return query + self.shift


@dataclass
class PercentileEdit(Edit):
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

    fitted: ClassVar[tuple[str, ...]] = ("knots", "values", "slopes", "pieces", "ends")

    def __post_init__(self):
        if self.tails not in ("paper", "shift", "robust"):
            raise ValueError(f"tails must be 'paper', 'shift' or 'robust', not '{self.tails}'")

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
        """Return the edited activations as `Edit.transform` does; large queries compiled, with the same bits."""
        self.check_units(query)
        if query.size < COMPILED_FROM or query.dtype not in (np.float32, np.float64):
            return super().transform(query, out)
        from outofsample.edits.kernels import piecewise_linear

        tables = (np.ascontiguousarray(getattr(self, name)) for name in self.fitted)
        edited = _place(query, out)
        piecewise_linear(np.ascontiguousarray(query), edited, *tables, LARGEST)
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


@dataclass
class KnnShift(Edit):
    """The local edit of Neuron Editing's later published code: each unit moves as at the nearest source cells.

    The range of each unit in S is cut into bins of equal share; at a source cell, the shift of a unit is the
    difference between the midpoints of its bin in T and in S. A query cell moves by the mean shift of its nearest
    source cells. The result is bounded: no shift is larger than one seen between S and T.

    Attributes
    ----------
    neighbours
        Nearest source cells, at most as many as there are.
    bins
        Percentile bins of each unit.
    """

    neighbours: int = 50
    bins: int = 100

    fitted: ClassVar[tuple[str, ...]] = ("cells", "shifts")

    def __post_init__(self):
        if self.neighbours < 1 or not 1 <= self.bins <= 100 or 100 % self.bins:
            raise ValueError("neighbours must be at least 1, and bins a divisor of 100")

    def learn(self, source: np.ndarray, target: np.ndarray) -> None:
        step = 100 // self.bins
        knots, values = (percentiles(activations)[:, ::step] for activations in (source, target))
        middle = [0.5 * (table[:, :-1] + table[:, 1:]) for table in (knots, values)]
        difference = middle[1] - middle[0]
        columns = np.ascontiguousarray(source.T, dtype=np.float64)
        # Equal percentiles share a bin: the mean of their shifts, found at the middle of the first and the last.
        first, last = (
            np.stack([np.searchsorted(k[1:-1], c, side) for k, c in zip(knots, columns, strict=True)])
            for side in ("left", "right")
        )
        sums = np.concatenate([np.zeros((len(knots), 1)), np.cumsum(difference, axis=1)], axis=1)
        total = np.take_along_axis(sums, last + 1, axis=1) - np.take_along_axis(sums, first, axis=1)
        self.shifts = (total / (last + 1 - first)).T
        self.cells = np.asarray(source, dtype=np.float64)

    def apply(self, query: np.ndarray) -> np.ndarray:
        from scipy.spatial import KDTree

        count = min(self.neighbours, len(self.cells))
        _, nearest = KDTree(self.cells).query(query, k=[*range(1, count + 1)])
        return query + self.shifts[nearest].mean(axis=1)


@dataclass
class ClusterPercentile(Edit):
    """The percentile map of each unit, learned in each cluster of cells on its own.

    Cells of S and T are clustered together. A query cell goes through the map of the nearest centre, so cell states
    may change in ways of their own, and states in different shares in S and T do not pass for a change. Where too few
    cells would have a map, as when the change itself parts the clusters, their number is halved until it fits; with
    one cluster this is `PercentileEdit` with these tails.

    Attributes
    ----------
    clusters
        Clusters (k-means), at most.
    min_cells
        Cells of a cluster that S and T must both have; cells of smaller clusters go through the map of all.
    tails
        As in `PercentileEdit`. A cluster's map is learned on few cells, so by default no value moves farther than the
        ends of its map do.
    align
        Whether S is clustered, and the query's clusters are found, as the map of all cells has moved them. Cells of
        one state before and after a large change lie together then, so that many small clusters have cells of both.
        Where states have other shares in T than in S, the map of all takes some of one for the other.
    """

    clusters: int = 5
    min_cells: int = 50
    tails: str = "shift"
    align: bool = False

    def __post_init__(self):
        if self.clusters < 1 or self.min_cells < 2:
            raise ValueError("clusters must be at least 1, and min_cells at least 2")
        PercentileEdit(self.tails)

    def learn(self, source: np.ndarray, target: np.ndarray) -> None:
        self.maps = [PercentileEdit(self.tails).fit(source, target)]
        self.centres, in_source, in_target = self._cluster(self._placed(source), target)
        #: The map of each cluster; the first one is that of all cells.
        self.map_of = np.zeros(len(self.centres), dtype=int)
        for cluster in range(len(self.centres)):
            parts = source[in_source == cluster], target[in_target == cluster]
            if len(self.centres) > 1 and min(map(len, parts)) >= self.min_cells:
                self.map_of[cluster] = len(self.maps)
                self.maps.append(PercentileEdit(self.tails).fit(*parts))

    def _placed(self, cells: np.ndarray) -> np.ndarray:
        """Return cells (cells, units) of S or of a query as their clusters are found."""
        return self.maps[0].transform(cells) if self.align else cells

    def _cluster(self, source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return centres (clusters, units), and the cluster of each cell of S and of T."""
        from sklearn.cluster import KMeans

        drawn = [cells[:: -(-len(cells) // CLUSTERED)] for cells in (source, target)]
        # In float32 the squares of large values would overflow.
        both = np.concatenate(drawn).astype(np.float64)
        clusters = min(self.clusters, len(np.unique(both, axis=0)))
        while True:
            centres = KMeans(clusters, n_init=2, random_state=0).fit(both).cluster_centers_
            found = [nearest(centres, cells) for cells in (source, target)]
            sizes = np.stack([np.bincount(own, minlength=clusters) for own in found])
            if clusters == 1 or sizes[:, sizes.min(axis=0) < self.min_cells].sum() <= UNMAPPED * sizes.sum():
                return centres, *found
            clusters //= 2

    def apply(self, query: np.ndarray) -> np.ndarray:
        edited = np.empty(query.shape)
        which = self.map_of[nearest(self.centres, self._placed(query))]
        for number in np.unique(which):
            edited[which == number] = self.maps[number].transform(query[which == number])
        return edited

    def state(self) -> dict:
        own = {"centres": self.centres, "map_of": self.map_of}
        return super().state() | own | {"maps": [edit.state() for edit in self.maps]}

    def load_state(self, state: dict) -> "ClusterPercentile":
        super().load_state(state)
        self.centres, self.map_of = np.asarray(state["centres"]), np.asarray(state["map_of"])
        self.maps = [PercentileEdit(self.tails).load_state(part) for part in state["maps"]]
        return self


def nearest(centres: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Return the number of the nearest of the centres (clusters, units) for each of the cells (cells, units)."""
    from sklearn.metrics import pairwise_distances_argmin

    if len(centres) == 1 or not len(cells):
        return np.zeros(len(cells), dtype=int)
    return pairwise_distances_argmin(np.asarray(cells, dtype=np.float64), np.asarray(centres, dtype=np.float64))


def percentiles(activations: np.ndarray) -> np.ndarray:
    """Return percentiles 0, 1, ..., 100 with linear interpolation: array (units, 101) float64."""
    columns = np.sort(activations.T, axis=1)
    position = PERCENTILES / 100 * (columns.shape[1] - 1)
    below = np.floor(position).astype(int)
    above = np.minimum(below + 1, columns.shape[1] - 1)
    low, high = columns[:, below].astype(np.float64), columns[:, above].astype(np.float64)
    return low + (position - below) * (high - low)


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


EDITS: dict[str, type[Edit]] = {
    "percentile": PercentileEdit,
    "mean_shift": MeanShift,
    "median_shift": MedianShift,
    "knn_shift": KnnShift,
    "cluster_percentile": ClusterPercentile,
}


def create_edit(name: str, options: dict | None = None) -> Edit:
    """Build an edit by name.

    Raises
    ------
    ValueError
        If there is no such edit, or it does not take these options.
    """
    if name not in EDITS:
        raise ValueError(f"there is no edit '{name}'{did_you_mean(name, EDITS)}; known: {', '.join(EDITS)}")
    options = options or {}
    known = EDITS[name].__dataclass_fields__
    for option in options:
        if option not in known:
            listed = ", ".join(known) or "none"
            raise ValueError(f"edit '{name}' has no option '{option}'{did_you_mean(option, known)}; it has: {listed}")
    return EDITS[name](**options)
