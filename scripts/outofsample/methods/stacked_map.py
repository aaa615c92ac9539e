"""A weighted mean of plain maps, shrunk towards doing nothing by what is held out of S and T (stacking); ours.

Stacking is Wolpert 1992 (Neural Networks 5, 241-259); with weights that are not negative and sum to one, Breiman 1996
(Machine Learning 24, 49-64); chosen by cross-validation, the super learner of van der Laan, Polley and Hubbard 2007
(Stat. Appl. Genet. Mol. Biol. 6, 25). They mix predictions of a number; here displacements of cells are mixed, and
judged by a distance between populations.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from outofsample.arrays import Prediction, Query, TrainingData, are_rows, as_float
from outofsample.methods.families import stacking
from outofsample.methods.families.base import residual_floor
from outofsample.methods.families.out_of_fold import CandidateSettings, Fold, OutOfFold, shared_domains
from outofsample.methods.families.zeros import typical_values
from outofsample.models.families.base import Model

#: What the mean displacement may be multiplied with; 0 is doing nothing.
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Settings(CandidateSettings):
    """Options of the stack, besides those of `CandidateSettings`.

    Attributes
    ----------
    weights
        ``inverse_error``: in proportion to 1 / (mean error of the folds)^2; ``nnls``: non-negative least squares of the
        displacements that would bring each feature's distribution of a fold's S onto its T, on those of the candidates.
    fold_weights
        ``near``: a held-out domain counts in proportion to 1 / (its energy distance to the query)^2, both before the
        change; ``equal``. Random parts count alike in any case.
    shrink
        ``one``: all features keep the same share of the displacement; ``per_feature``: each has its own.
    zeros
        ``share``: of zeros that the mean displacement would lift, a part is lifted, farther, and the others stay zeros
        (`outofsample.methods.families.zeros`); ``alike``: all are lifted. It makes no difference for images, nor where
        a training value is negative.
    """

    weights: str = "inverse_error"
    fold_weights: str = "near"
    shrink: str = "one"
    zeros: str = "share"

    def __post_init__(self):
        super().__post_init__()
        known_values = {
            "weights": ("inverse_error", "nnls"),
            "fold_weights": ("near", "equal"),
            "shrink": ("one", "per_feature"),
            "zeros": ("share", "alike"),
        }
        for name, known in known_values.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, not '{getattr(self, name)}'")


class Stack(NamedTuple):
    """What a query is predicted with, and why.

    Attributes
    ----------
    weights
        Of each candidate (candidates,), in the order of the settings; they sum to one.
    share
        Array () or (features,) of `SHARES`: lambda.
    errors
        Energy distances in each fold (folds,), by candidate, and of ``no_change`` and ``stacked``.
    """

    weights: np.ndarray
    share: np.ndarray
    errors: dict[str, np.ndarray]


class Method(OutOfFold):
    """Each candidate moves a cell; the cell moves by a share of the weighted mean, and the share can be none.

    With d_c(x) = f_c(x) - x, the displacement of a cell x by candidate c,

        y(x) = x + lambda * sum_c w_c d_c(x),   sum_c w_c = 1,   w_c >= 0,   lambda in {0, 0.25, 0.5, 0.75, 1}.

    Each domain that S and T share is left out in turn, or random parts where they share fewer than two. e_ck is the
    energy distance of what candidate c, fitted to the rest, makes of fold k's cells of S to its cells of T; fold k has
    the weight g_k (``fold_weights``). Then, with e_c = sum_k g_k e_ck and a floor e_0 of a hundredth of the sampling
    noise, w_c is in proportion to 1 / max(e_c, e_0)^2, and lambda is the one with the least mean distance of the mixed
    prediction. It is 0, which is doing nothing, where that gains no more than the noise of sampling over the folds,
    sqrt(sum_k (g_k E|Y - Y'| (1/n_k + 1/m_k))^2) for n_k and m_k cells: a change that is not foreseen in what is held
    out is not applied. The truth takes no part.

    The prediction is a convex combination of the cell and the candidates' predictions, so it goes nowhere where no
    candidate goes; a zero that is lifted goes to no more than that, or than the mean of T's values above zero.
    After `fit`, ``stacks`` holds the `Stack` of each (domain, source, target).
    """

    Settings = Settings
    quick_to_hold_out = True

    def __init__(self, settings: Settings | None = None, model: Model | None = None):
        super().__init__(settings, model)
        #: What was foreseen of each fold of a change, for `out_of_fold`; until `forget_folds`.
        self.seen: dict[tuple[str, str], list[stacking.Foreseen]] = {}

    def learn(self, data: TrainingData, seed: int) -> None:
        self.stacks: dict[tuple[str, str, str], Stack] = {}
        self.maps: dict[tuple[str, str], dict] = {}
        self.typical: dict[tuple[str, str], np.ndarray | None] = {}
        self.floor = residual_floor(data)
        self.seen = {}
        for query in data.queries:
            key = (query.source, query.target)
            if key not in self.seen:
                self.seen[key] = self._foresee(data, query, self.held_out(data, query, seed), seed)
                self.maps[key] = {}
                self.typical[key] = self._typical(data, query, self.floor)
            stack = self._stack(data, query, self.seen[key])
            self.stacks[query.domain, *key] = stack
            for name in self._moving(stack):
                if name not in self.maps[key]:
                    self.maps[key][name] = self.create(name).fit(replace(data, queries=(query,)), seed, self.run)
            print(f"{query.domain}, {query.source} -> {query.target}: {self.why(stack)}", flush=True)
        self.backend = self._backend()

    def _backend(self) -> str:
        """Name the candidates that move cells, and in brackets what computed them."""
        fitted = {name: method.backend for maps in self.maps.values() for name, method in maps.items()}
        return ", ".join(f"{name} ({backend})" if backend else name for name, backend in fitted.items())

    def _moving(self, stack: Stack) -> list[str]:
        """Return the candidates that take part in a prediction."""
        names = self.settings.candidates
        return [name for name, weight in zip(names, stack.weights, strict=True) if weight > 0 and stack.share.any()]

    def _typical(self, data: TrainingData, query: Query, floor: float | None) -> np.ndarray | None:
        """Return what zeros are kept with (features,); None where all values are moved alike.

        ``floor`` is the `residual_floor` of all training cells, also where ``data`` are some of them.
        """
        if self.settings.zeros == "alike" or data.image_shape is not None or floor is None:
            return None
        return typical_values(as_float(data.X[data.is_target(query)]))

    def _foresee(self, data: TrainingData, query: Query, folds: Iterable[Fold], seed: int) -> list[stacking.Foreseen]:
        """Return what the candidates make of each fold's cells of S."""
        found = []
        # Of all cells, as in the prediction: what a fold leaves out can hold the only negative values.
        floor = residual_floor(data)
        for fold in folds:
            rest, cells = fold.rest, data.X[fold.source]
            foreseen = {name: self.foresee(name, rest, cells, query, seed) for name in self.settings.candidates}
            truth = as_float(data.X[fold.target])
            typical = self._typical(rest, query, floor)
            found.append(stacking.Foreseen.of(as_float(cells), truth, foreseen, typical, floor))
        return found

    def _stack(self, data: TrainingData, query: Query, folds: list[stacking.Foreseen]) -> Stack:
        """Return weights and share for a query."""
        count = len(self.settings.candidates)
        if not folds:
            # Nothing is known of any candidate: the simplest one, as `cross_validated` does.
            return Stack(np.eye(count)[0], np.array(1.0), {})
        cells = np.flatnonzero(data.is_query(query))
        cells = cells[:: -(-len(cells) // self.settings.scored_cells)]
        weights, share, stacked = self._mix(folds, as_float(data.X[cells]), len(shared_domains(data, query)) > 1)
        errors = {name: np.array([fold.errors[name] for fold in folds]) for name in self.settings.candidates}
        nothing = np.array([fold.nothing for fold in folds])
        return Stack(weights, share, errors | {"no_change": nothing, "stacked": stacked})

    def _mix(
        self, folds: list[stacking.Foreseen], cells: np.ndarray, are_domains: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return weights, share and the errors (folds,) of the mixture for cells (n, features) of a population.

        ``are_domains`` says whether the folds are domains, which can be near the cells or far off, or random parts.
        """
        trust = self._trust(folds, cells, are_domains)
        if self.settings.weights == "nnls":
            weights = stacking.least_squares_weights(folds, trust)
        else:
            weights = stacking.inverse_error_weights(folds, trust)
        per_feature = self.settings.shrink == "per_feature"
        return weights, *stacking.choose_share(folds, weights, trust, SHARES, per_feature)

    def _trust(self, folds: list[stacking.Foreseen], cells: np.ndarray, are_domains: bool) -> np.ndarray:
        """Return the weight of each fold (folds,); they sum to one."""
        if are_domains and self.settings.fold_weights == "near":
            return stacking.nearness(folds, cells)
        return np.full(len(folds), 1 / len(folds))

    def out_of_fold(
        self, data: TrainingData, query: Query, folds: Sequence[Fold], seed: int = 0
    ) -> Iterator[np.ndarray]:
        """Yield for each fold its prediction by candidates fitted to the rest, mixed by what the other folds show.

        The candidates are fitted once per fold, not once per pair of folds: those that the weights rest on have seen
        the domain that is predicted, which the mixture itself has not. What `learn` foresaw for the same cells is
        taken from there.
        """
        seen = self.seen.get((query.source, query.target), [])
        if not _same_cells(seen, data, folds):
            seen = self._foresee(data, query, folds, seed)
        are_domains = len(shared_domains(data, query)) > 1
        for number, fold in enumerate(seen):
            others = seen[:number] + seen[number + 1 :]
            weights, share, _ = self._mix(others, fold.X, are_domains)
            moved = fold.moved(share.astype(np.float32) * fold.mixed(weights))
            yield moved if data.image_shape is None else moved.clip(0, 255)

    def forget_folds(self) -> None:
        self.seen = {}

    def why(self, stack: Stack) -> str:
        """Return a line that says what moves the cells, and the errors that decided it."""
        if not stack.errors:
            return f"{next(iter(self.settings.candidates))}, the first candidate, since too few cells can be held out"
        mixed = ", ".join(
            f"{name} {weight:.2f}" for name, weight in zip(self.settings.candidates, stack.weights, strict=True)
        )
        listed = ", ".join(f"{name} {values.mean():.4g}" for name, values in stack.errors.items())
        return f"{stack.share.mean():.2f} x ({mixed}) (energy distances of what was held out: {listed})"

    def predict(self, X: np.ndarray, query: Query, counts: np.ndarray | None = None) -> Prediction:
        key = (query.source, query.target)
        asked = (query.domain, *key)
        # Cells of S are predicted under the query's name; those of another population by the first query's stack.
        stack = self.stacks.get(asked) or next(stack for known, stack in self.stacks.items() if known[1:] == key)
        cells, moving = as_float(X), self._moving(stack)
        moves, typical = np.zeros_like(cells), self.typical[key]
        for name, weight in zip(self.settings.candidates, stack.weights, strict=True):
            if name in moving:
                moved = self.maps[key][name].transform(X, query, counts).X - cells
                moves += (weight * stack.share).astype(np.float32) * moved
        # The floor matters where a candidate is no residual, as the mean shift.
        return Prediction(stacking.moved(cells, moves, typical, self.floor))

    def state(self) -> dict:
        return {
            "floor": self.floor,
            "typical": [[*key, typical] for key, typical in self.typical.items()],
            "stacks": [
                [*key, *stack[:2], list(stack.errors), list(stack.errors.values())]
                for key, stack in self.stacks.items()
            ],
            "maps": [
                [*key, list(maps), [method.whole_state() for method in maps.values()]]
                for key, maps in self.maps.items()
            ],
        }

    def load_state(self, state: dict) -> None:
        self.floor = state["floor"]
        self.typical = {(source, target): typical for source, target, typical in state["typical"]}
        self.stacks = {
            (domain, source, target): Stack(weights, np.asarray(share), dict(zip(names, errors, strict=True)))
            for domain, source, target, weights, share, names, errors in state["stacks"]
        }
        self.maps = {
            (source, target): {
                name: self.create(name).take_whole_state(fitted) for name, fitted in zip(names, states, strict=True)
            }
            for source, target, names, states in state["maps"]
        }


def _same_cells(seen: list[stacking.Foreseen], data: TrainingData, folds: Sequence[Fold]) -> bool:
    """Whether what was foreseen is that of the cells of S of these folds, in their order."""
    if len(seen) != len(folds):
        return False
    pairs = zip(seen, folds, strict=True)
    return all(len(known.X) == len(fold.source) and are_rows(known.X, data.X, fold.source) for known, fold in pairs)
