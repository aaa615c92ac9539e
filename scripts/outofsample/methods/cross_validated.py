"""The map from S to T that foresees best what is held out of S and T themselves; ours, in neither line of papers."""

from dataclasses import dataclass, replace

import numpy as np

from outofsample.arrays import Prediction, Query, TrainingData
from outofsample.methods.families.out_of_fold import CandidateSettings, OutOfFold


@dataclass(frozen=True)
class Settings(CandidateSettings):
    """Options of the choice, see `CandidateSettings`."""


class Method(OutOfFold):
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

    def learn(self, data: TrainingData, seed: int) -> None:
        self.choices, self.chosen = {}, {}
        for query in data.queries:
            key = (query.source, query.target)
            if key not in self.chosen:
                errors = self._errors(data, query, seed)
                name = choose(errors)
                self.choices[key] = (name, errors)
                self.chosen[key] = self.create(name).fit(replace(data, queries=(query,)), seed, self.run)
                print(f"{query.source} -> {query.target}: {describe(name, errors)}", flush=True)
        named = [self._with_backend(*key) for key in self.choices]
        self.backend = ", ".join(dict.fromkeys(named))

    def _with_backend(self, source: str, target: str) -> str:
        """Return the candidate that was chosen for a change, and in brackets what computed it."""
        name, backend = self.choices[source, target][0], self.chosen[source, target].backend
        return f"{name} ({backend})" if backend else name

    def _errors(self, data: TrainingData, query: Query, seed: int) -> dict[str, np.ndarray]:
        """Return the error of each candidate in each fold (folds,); infinite where it cannot be fitted."""
        from outofsample.metrics.distances import energy_distance

        errors: dict[str, list[float]] = {name: [] for name in self.settings.candidates}
        for fold in self.held_out(data, query, seed):
            rest, truth = fold.rest, data.X[fold.target].astype(np.float32)
            for name, values in errors.items():
                foreseen = self.foresee(name, rest, data.X[fold.source], query, seed)
                values.append(np.inf if foreseen is None else energy_distance(foreseen, truth))
        return {name: np.array(values) for name, values in errors.items()}

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
            key: self.create(name).take_whole_state(chosen)
            for (key, (name, _)), chosen in zip(self.choices.items(), state["chosen"], strict=True)
        }


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
