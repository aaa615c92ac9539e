"""The map from S to T that foresees best what is held out of S and T themselves; ours, in neither line of papers."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from outofsample import registry
from outofsample.arrays import Prediction, Query, TrainingData
from outofsample.errors import UserError
from outofsample.methods.families.base import Method as BaseMethod
from outofsample.methods.families.base import draw

#: Cells that a fold must hold of S and of T, to be scored.
LEAST = 10


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
class Settings:
    """Options of the choice.

    Attributes
    ----------
    candidates
        Methods with their own settings, from the simplest on. A method that trains a network is trained in each fold.
    folds
        Random parts of S and T where these share fewer than two domains.
    fitted_cells, scored_cells
        Cells of S, and of T, that a fold's candidates are fitted to and scored on, at most; drawn by the seed where
        there are more. The chosen candidate is fitted to all cells.
    """

    candidates: dict[str, dict[str, Any]] = field(default_factory=default_candidates)
    folds: int = 4
    fitted_cells: int = 5000
    scored_cells: int = 1000

    def __post_init__(self):
        for name, least in (("folds", 2), ("fitted_cells", 2 * LEAST), ("scored_cells", LEAST)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)}")
        if not self.candidates:
            raise ValueError("candidates must name at least one method")
        for name, settings in self.candidates.items():
            try:
                entry = registry.find("methods", name)
                entry.Settings(**settings)
            except (UserError, TypeError, ValueError) as error:
                raise ValueError(f"candidates: '{name}' cannot be used: {error}") from error
            if entry.transductive:
                raise ValueError(f"candidates: '{name}' corrects only the cells of its fit, so nothing can be held out")


class Method(BaseMethod):
    """Candidates predict domains of S that they were not fitted to; the one nearest to those of T predicts the query.

    The query is a population that S and T lack. So each domain that S and T share is left out in turn, every candidate
    is fitted to the others, and the error is the energy distance of its prediction for the domain's cells in S to the
    domain's cells in T. Where S and T share fewer than two domains, random parts of them are left out. The first
    candidate is taken whose mean error is not larger than the least one by more than the standard error of the
    difference over folds. The truth takes no part in the choice.

    After `fit`, ``choices`` holds for each (source, target) the candidate's name and the errors (folds,) of all, and
    ``backend`` names the candidates that were chosen.
    """

    Settings = Settings

    @classmethod
    def parts(cls, settings: Settings) -> list[tuple[str, str]]:
        entries = []
        for name, options in settings.candidates.items():
            entry = registry.find("methods", name)
            candidate = entry.Settings(**options)
            model = entry.model_name(candidate)
            entries += [("methods", name), *([("models", model)] if model else []), *entry.parts(candidate)]
        return entries

    def learn(self, data: TrainingData, seed: int) -> None:
        self.choices, self.chosen = {}, {}
        for query in data.queries:
            key = (query.source, query.target)
            if key not in self.chosen:
                errors = self._errors(data, query, seed)
                name = choose(errors)
                self.choices[key] = (name, errors)
                self.chosen[key] = self._create(name).fit(replace(data, queries=(query,)), seed)
                print(f"{query.source} -> {query.target}: {describe(name, errors)}", flush=True)
        named = [self._with_backend(*key) for key in self.choices]
        self.backend = ", ".join(dict.fromkeys(named))

    def _with_backend(self, source: str, target: str) -> str:
        """Return the candidate that was chosen for a change, and in brackets what computed it."""
        name, backend = self.choices[source, target][0], self.chosen[source, target].backend
        return f"{name} ({backend})" if backend else name

    def _create(self, name: str) -> BaseMethod:
        entry = registry.find("methods", name)
        return entry(entry.Settings(**self.settings.candidates[name]))

    def _errors(self, data: TrainingData, query: Query, seed: int) -> dict[str, np.ndarray]:
        """Return the error of each candidate in each fold (folds,); infinite where it cannot be fitted."""
        from outofsample.metrics.distances import energy_distance

        rng = np.random.default_rng(seed)
        errors: dict[str, list[float]] = {name: [] for name in self.settings.candidates}
        for held_out in folds(data, query, self.settings.folds, rng):
            source, target = (
                draw(mask & held_out, self.settings.scored_cells, rng)
                for mask in (data.is_source(query), data.is_target(query))
            )
            if min(len(source), len(target)) < LEAST:
                continue
            rest = self._rest(data, query, held_out, rng)
            truth = data.X[target].astype(np.float32)
            for name, values in errors.items():
                try:
                    method = self._create(name).fit(rest, seed)
                    values.append(energy_distance(method.transform(data.X[source], query).X, truth))
                except UserError:
                    values.append(np.inf)
        return {name: np.array(values) for name, values in errors.items()}

    def _rest(self, data: TrainingData, query: Query, held_out: np.ndarray, rng: np.random.Generator) -> TrainingData:
        """Return the training cells of a fold: S, T and X without what is held out of S and T."""
        most = self.settings.fitted_cells
        parts = [draw(mask & ~held_out, most, rng) for mask in (data.is_source(query), data.is_target(query))] + [
            draw(data.is_query(query), most, rng)
        ]
        cells = np.concatenate(parts)
        arrays = {name: getattr(data, name)[cells] for name in ("X", "role", "condition", "domain", "names")}
        return replace(data, **arrays, counts=None if data.counts is None else data.counts[cells], queries=(query,))

    def predict(self, X: np.ndarray, query: Query, counts: np.ndarray | None = None) -> Prediction:
        return self.chosen[query.source, query.target].predict(X, query, counts)

    def state(self) -> dict:
        return {
            "choices": [
                [*key, name, list(errors), list(errors.values())] for key, (name, errors) in self.choices.items()
            ],
            "chosen": [method.whole_state() for method in self.chosen.values()],
        }

    def load_state(self, state: dict) -> None:
        self.choices = {
            (source, target): (name, dict(zip(names, errors, strict=True)))
            for source, target, name, names, errors in state["choices"]
        }
        self.chosen = {
            key: self._create(name).take_whole_state(chosen)
            for (key, (name, _)), chosen in zip(self.choices.items(), state["chosen"], strict=True)
        }


def folds(data: TrainingData, query: Query, parts: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield masks (cells,) of what is held out: a domain that S and T share, or a random part of all cells."""
    shared = np.intersect1d(data.domain[data.is_source(query)], data.domain[data.is_target(query)])
    if len(shared) > 1:
        yield from (data.domain == name for name in shared)
        return
    part = rng.integers(parts, size=len(data.X))
    yield from (part == number for number in range(parts))


def choose(errors: dict[str, np.ndarray]) -> str:
    """Return the first candidate that is no worse than the best by more than the standard error of the difference.

    ``errors`` holds an array (folds,) for each candidate, in the order of preference. Without folds, where there are
    too few cells to hold any out, this is the first one.
    """
    names = list(errors)
    if not len(errors[names[0]]):
        return names[0]
    best = min(names, key=lambda name: errors[name].mean())
    for name in names:
        if not np.isfinite(errors[name]).all():
            continue
        worse = errors[name] - errors[best]
        standard_error = worse.std(ddof=1) / np.sqrt(len(worse)) if len(worse) > 1 else 0.0
        if worse.mean() <= standard_error:
            return name
    return best


def describe(name: str, errors: dict[str, np.ndarray]) -> str:
    """Return a line that says what was chosen, and why."""
    if not len(errors[name]):
        return f"{name}, the first candidate, since there are too few cells to hold any out"
    listed = ", ".join(f"{other} {values.mean():.4g}" for other, values in errors.items())
    return f"{name} (energy distances of what was held out: {listed})"
