"""What is held out of S and T to tell how well maps foresee it: for methods that choose among others, or mix them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from outofsample.arrays import Query, TrainingData
from outofsample.errors import UserError
from outofsample.methods.families import by_name
from outofsample.methods.families.base import Method, draw, trains_parts
from outofsample.training.run import Run

#: Cells that a fold must hold of S and of T, to be scored.
LEAST = 10
#: Cells of S, and of T, that a fold is fitted to and scored on, at most.
FITTED_CELLS, SCORED_CELLS = 5000, 1000


def default_candidates() -> dict[str, dict[str, Any]]:
    """Return maps that are fitted in seconds, from the simplest on.

    Tails that go on as Eq. 1 prints them are not among them: parts of S that are left out lie in the range of the rest,
    so nothing held out would tell what such tails do to a query beyond it (docs/choices.md).
    """
    return {
        "mean_shift": {},
        "quantile_mapping": {"edit_options": {"tails": "shift"}},
        "cluster_quantiles": {},
        "pca_editing": {"edit_options": {"tails": "shift"}, "output": "residual"},
        "ot_map": {},
    }


@dataclass(frozen=True)
class CandidateSettings:
    """Which maps are compared, and on what.

    Attributes
    ----------
    candidates
        Methods with their settings, from the simplest on. A method that trains a network is trained in each fold; its
        settings can name those of its network, as ``max_steps``.
    folds
        Random parts of S and T where these share fewer than two domains.
    fitted_cells, scored_cells
        Cells of S, and of T, that a fold's candidates are fitted to and scored on, at most; drawn by the seed where
        there are more. What predicts the query is fitted to all cells.
    """

    candidates: dict[str, dict[str, Any]] = field(default_factory=default_candidates)
    folds: int = 4
    fitted_cells: int = FITTED_CELLS
    scored_cells: int = SCORED_CELLS

    def __post_init__(self):
        for name, least in (("folds", 2), ("fitted_cells", 2 * LEAST), ("scored_cells", LEAST)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)}")
        if not self.candidates:
            raise ValueError("candidates must name at least one method")
        for name, settings in self.candidates.items():
            try:
                entry, _ = by_name.find(name, settings)
            except UserError as error:
                raise ValueError(f"candidates: {error}") from error
            if entry.transductive:
                raise ValueError(f"candidates: '{name}' corrects only the cells of its fit, so nothing can be held out")
            if entry.job == "r":
                raise ValueError(f"candidates: '{name}' is computed by R, in jobs of its own, so it cannot be one")


@dataclass(frozen=True, eq=False)
class Fold:
    """What is held out of S and of T, and what remains.

    Attributes
    ----------
    source, target
        Positions (cells,) of what is held out.
    remaining
        Positions (cells,) of what candidates are fitted to.
    data
        All training cells, with the fold's query alone.
    """

    source: np.ndarray
    target: np.ndarray
    remaining: np.ndarray
    data: TrainingData

    @property
    def rest(self) -> TrainingData:
        """The training cells without what is held out, a copy at each call: of many folds none is kept."""
        return self.data.take(self.remaining)


class OutOfFold(Method):
    """A method that stands on candidates, and on how well they foresee what they were not fitted to.

    The query is a population that S and T lack. So each domain that S and T share is left out in turn, and every
    candidate is fitted to the others. Where S and T share fewer than two domains, random parts of them are left out.
    """

    Settings = CandidateSettings

    @classmethod
    def parts(cls, settings: CandidateSettings) -> list[tuple[str, str]]:
        entries = []
        for name, options in settings.candidates.items():
            entry, candidate = by_name.find(name, options)
            model = entry.model_name(candidate)
            entries += [("methods", name), *([("models", model)] if model else []), *entry.parts(candidate)]
        return entries

    @classmethod
    def is_unbounded(cls, settings: CandidateSettings) -> bool:
        candidates = (by_name.find(name, options) for name, options in settings.candidates.items())
        return any(entry.is_unbounded(candidate) for entry, candidate in candidates)

    def attach(self, data: TrainingData, seed: int = 0, run: Run = Run()) -> Method:
        if trains_parts(type(self), self.settings):
            from outofsample.training.device import pick_device

            # Now: in a fold it would pass for a candidate that cannot be fitted there.
            pick_device(run.device)
        return super().attach(data, seed, run)

    def create(self, name: str) -> Method:
        """Return a candidate that is not fitted."""
        return by_name.build(name, self.settings.candidates[name])

    def held_out(self, data: TrainingData, query: Query, seed: int) -> Iterator[Fold]:
        """Yield the folds that hold enough cells of S and of T to be scored."""
        rng = np.random.default_rng(seed)
        masks = folds(data, query, self.settings.folds, rng)
        return scored_folds(data, query, masks, rng, self.settings.fitted_cells, self.settings.scored_cells)

    def foresee(self, name: str, rest: TrainingData, X: np.ndarray, query: Query, seed: int) -> np.ndarray | None:
        """Return what a candidate fitted to a fold's rest predicts for cells X; None where it cannot be fitted."""
        try:
            return self.create(name).fit(rest, seed, self.run).transform(X, query).X
        except UserError:
            return None


def scored_folds(
    data: TrainingData,
    query: Query,
    masks: Iterable[np.ndarray],
    rng: np.random.Generator,
    fitted_cells: int = FITTED_CELLS,
    scored_cells: int = SCORED_CELLS,
) -> Iterator[Fold]:
    """Yield a fold for each mask (cells,) that holds out enough cells of S and of T to be scored.

    ``fitted_cells`` and ``scored_cells`` are the most of each population, as in `CandidateSettings`.
    """
    for held_out in masks:
        source, target = (
            draw(mask & held_out, scored_cells, rng) for mask in (data.is_source(query), data.is_target(query))
        )
        if min(len(source), len(target)) >= LEAST:
            remaining = _remaining(data, query, held_out, rng, fitted_cells)
            yield Fold(source, target, remaining, replace(data, queries=(query,)))


def _remaining(
    data: TrainingData, query: Query, held_out: np.ndarray, rng: np.random.Generator, most: int
) -> np.ndarray:
    """Return the positions (cells,) of a fold's training cells: S, T and X without what is held out of S and T."""
    parts = [draw(mask & ~held_out, most, rng) for mask in (data.is_source(query), data.is_target(query))] + [
        draw(data.is_query(query), most, rng)
    ]
    return np.concatenate(parts)


def shared_domains(data: TrainingData, query: Query) -> np.ndarray:
    """Return the names of the domains that S and T of a query share, sorted."""
    return np.intersect1d(data.domain[data.is_source(query)], data.domain[data.is_target(query)])


def folds(data: TrainingData, query: Query, parts: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield masks (cells,) of what is held out: a domain that S and T share, or a random part of all cells."""
    shared = shared_domains(data, query)
    if len(shared) > 1:
        yield from (data.domain == name for name in shared)
        return
    part = rng.integers(parts, size=len(data.X))
    yield from (part == number for number in range(parts))
