"""The interface of every edit: how the activations of a query are moved, learned from those of source and target.

Every edit takes and returns numpy arrays (cells, units) and works on each unit on its own. `percentile` is Neuron
Editing's Eq. 1; the shifts are its simpler competitors.
"""

import dataclasses
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from outofsample import registry
from outofsample.errors import UserError, did_you_mean

#: Cells that are edited at once: bounds the working memory to some tens of MB for 50 units.
CHUNK = 65_536
#: Bound of the magnitude of results.
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

    @property
    def is_unbounded(self) -> bool:
        """Whether a value outside the source's range moves by more, the farther outside it lies, without end."""
        return False

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
        edited = place_for(query, out)
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


def place_for(query: np.ndarray, out: np.ndarray | None) -> np.ndarray:
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


def create_edit(name: str, options: dict | None = None) -> Edit:
    """Build an edit by name.

    Raises
    ------
    ValueError
        If there is no such edit, or it does not take these options.
    """
    edits = registry.available("edits")
    if name not in edits:
        raise ValueError(f"there is no edit '{name}'{did_you_mean(name, edits)}; known: {', '.join(edits)}")
    options = options or {}
    entry = registry.find("edits", name)
    known = [field.name for field in dataclasses.fields(entry)]
    for option in options:
        if option not in known:
            listed = ", ".join(known) or "none"
            raise ValueError(f"edit '{name}' has no option '{option}'{did_you_mean(option, known)}; it has: {listed}")
    return entry(**options)
