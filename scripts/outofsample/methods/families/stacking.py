"""Weights of maps from what they foresee of held-out parts of S and T, and how far to trust the mixture."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from outofsample.methods.families.zeros import keep_zeros

if TYPE_CHECKING:
    from outofsample.metrics.distances import PairSums

#: Shares whose errors differ by less than this part of doing nothing's error are alike: the smaller one is taken.
ALIKE = 1e-3
#: Errors of a candidate below this part of the sampling noise count as that: it is as good as right.
FLOOR = 0.01
#: Weight of the row that says that weights sum to one, in units of the other rows' size.
SUM_ROW = 1e3
#: A share of a single feature is judged at so many quantiles.
QUANTILES = 50


@dataclass
class Foreseen:
    """A fold: cells that no candidate was fitted to, and where each of them moves them.

    Attributes
    ----------
    X, truth
        Arrays (cells, features) float32: held-out cells of S and of T.
    moves
        Displacements of X by each candidate, (cells, features) float32; None where it could not be fitted.
    errors
        Energy distance of each candidate's prediction to ``truth``; infinite where there is none.
    nothing
        Energy distance of X itself.
    noise
        The distance that resampling gives two populations of this size that do not differ: E|Y - Y'| (1/n + 1/m).
    within
        Sums over pairs of cells of ``truth``, which all errors need.
    typical
        Array (features,), with which zeros are kept (`outofsample.methods.families.zeros`); None: all are moved alike.
    floor
        Moved cells are cut off below it, as in a prediction; None: they are not.
    """

    X: np.ndarray
    truth: np.ndarray
    moves: dict[str, np.ndarray | None]
    errors: dict[str, float]
    nothing: float
    noise: float
    within: "PairSums"
    typical: np.ndarray | None = None
    floor: float | None = None

    @classmethod
    def of(
        cls,
        X: np.ndarray,
        truth: np.ndarray,
        foreseen: dict[str, np.ndarray | None],
        typical: np.ndarray | None = None,
        floor: float | None = None,
    ) -> "Foreseen":
        """Compare what candidates foresee of cells X (n, features) with the truth (m, features)."""
        from outofsample.metrics.distances import pairs_within

        within = pairs_within(truth)
        spread = within.distances / (len(truth) * (len(truth) - 1))
        moves = {name: None if moved is None else moved - X for name, moved in foreseen.items()}
        fold = cls(X, truth, moves, {}, 0.0, spread * (1 / len(X) + 1 / len(truth)), within, typical, floor)
        fold.nothing = fold.error(X)
        fold.errors = {name: np.inf if moved is None else fold.error(moved) for name, moved in foreseen.items()}
        return fold

    def error(self, predicted: np.ndarray) -> float:
        """Return the energy distance of cells (n, features) to the truth."""
        from outofsample.metrics.distances import energy_and_mmd

        return energy_and_mmd(predicted, self.truth, within_y=self.within)[0]

    def moved(self, moves: np.ndarray) -> np.ndarray:
        """Return the cells X moved by displacements (cells, features), as a prediction would have them.

        Their zeros are kept where that is asked for, and values are cut off at the floor.
        """
        return moved(self.X, moves, self.typical, self.floor)

    def mixed(self, weights: np.ndarray) -> np.ndarray:
        """Return the weighted mean (cells, features) of the displacements; ``weights`` are (candidates,).

        A candidate that could not be fitted without this fold leaves its weight to the others.
        """
        total, missing = np.zeros_like(self.X), 0.0
        for weight, moved in zip(weights, self.moves.values(), strict=True):
            if moved is None:
                missing += weight
            elif weight > 0:
                total += np.float32(weight) * moved
        return total / np.float32(1 - missing) if 0 < missing < 1 else total


def moved(X: np.ndarray, moves: np.ndarray, typical: np.ndarray | None, floor: float | None) -> np.ndarray:
    """Return cells X moved by displacements, (cells, features) both; the others are those of `Foreseen`."""
    output = X + (moves if typical is None else keep_zeros(X, moves, typical))
    return output if floor is None else np.maximum(output, floor)


def mean_errors(folds: list[Foreseen], trust: np.ndarray) -> np.ndarray:
    """Return the mean error of each candidate (candidates,); ``trust`` (folds,) weights the folds."""
    return np.array([trust @ np.array([fold.errors[name] for fold in folds]) for name in folds[0].errors])


def inverse_error_weights(folds: list[Foreseen], trust: np.ndarray) -> np.ndarray:
    """Return weights (candidates,) in proportion to 1 / error^2; errors below `FLOOR` of the noise count as that."""
    floor = max(FLOOR * trust @ np.array([fold.noise for fold in folds]), np.finfo(np.float32).tiny)
    inverse = np.maximum(mean_errors(folds, trust), floor) ** -2.0
    if not inverse.any():
        return first_that_can(folds)
    return inverse / inverse.sum()


def first_that_can(folds: list[Foreseen]) -> np.ndarray:
    """Return weights (candidates,) that are all on the first candidate."""
    return np.eye(len(folds[0].moves))[0]


def least_squares_weights(folds: list[Foreseen], trust: np.ndarray) -> np.ndarray:
    """Return weights (candidates,), not negative and of sum one, that fit the wanted displacements best.

    Wanted is what brings each feature of X onto the truth by rank: the one-dimensional optimal transport. The least
    squares are solved on the normal equations, each fold's divided by its number of values (Lawson and Hanson 1974).
    """
    from scipy.optimize import nnls

    names = [name for name in folds[0].moves if all(fold.moves[name] is not None for fold in folds)]
    gram, side = np.zeros((len(names), len(names))), np.zeros(len(names))
    for weight, fold in zip(trust, folds, strict=True):
        moves = np.stack([fold.moves[name].ravel() for name in names])
        gram += weight * (moves @ moves.T) / moves.shape[1]
        side += weight * (moves @ wanted(fold).ravel()) / moves.shape[1]
    scale = np.trace(gram)
    weights = np.zeros(len(folds[0].moves))
    if not names or scale <= 0:
        return first_that_can(folds)
    root = np.linalg.cholesky(gram + 1e-6 * scale * np.eye(len(names))).T
    rows = np.vstack([root, np.full(len(names), SUM_ROW * np.sqrt(scale))])
    solved, _ = nnls(rows, np.append(np.linalg.solve(root.T, side), SUM_ROW * np.sqrt(scale)))
    weights[[list(folds[0].moves).index(name) for name in names]] = solved / solved.sum()
    return weights


def wanted(fold: Foreseen) -> np.ndarray:
    """Return the displacements (cells, features) that give each feature of X the truth's distribution, by rank."""
    ranks = fold.X.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    goal = np.quantile(fold.truth, (np.arange(len(fold.X)) + 0.5) / len(fold.X), axis=0).astype(np.float32)
    return np.take_along_axis(goal, ranks, axis=0) - fold.X


def choose_share(
    folds: list[Foreseen], weights: np.ndarray, trust: np.ndarray, shares: tuple[float, ...], per_feature: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return lambda, () or (features,), and the error (folds,) of the mixture with it.

    One lambda for all features has the least mean energy distance. A feature's own has the least mean squared
    difference of quantiles, its squared Wasserstein distance. Of shares that are alike the smallest one is taken.
    Where doing nothing is worse by no more than sampling makes of it, nothing is done.
    """
    moves = [fold.mixed(weights) for fold in folds]
    nothing = np.array([fold.nothing for fold in folds])
    if per_feature:
        loss = np.stack([_quantile_errors(folds, moves, share, trust) for share in shares])
        share = np.array(shares)[_smallest_that_is_best(loss)]
        errors = _errors(folds, moves, share)
    else:
        tried = np.stack([_errors(folds, moves, np.array(share)) for share in shares])
        best = _smallest_that_is_best((tried @ trust)[:, None])[0]
        share, errors = np.array(shares[best]), tried[best]
    noise = np.sqrt(np.sum((trust * np.array([fold.noise for fold in folds])) ** 2))
    if trust @ (nothing - errors) <= noise:
        return np.zeros_like(share), nothing
    return share, errors


def _errors(folds: list[Foreseen], moves: list[np.ndarray], share: np.ndarray) -> np.ndarray:
    """Return the error (folds,) with a share () or (features,) of the displacements."""
    if not share.any():
        return np.array([fold.nothing for fold in folds])
    pairs = zip(folds, moves, strict=True)
    return np.array([fold.error(fold.moved(share.astype(np.float32) * move)) for fold, move in pairs])


def _smallest_that_is_best(loss: np.ndarray) -> np.ndarray:
    """Return for each column of ``loss`` (shares, columns) the first row that is as good as the best one."""
    return (loss <= loss.min(axis=0) + ALIKE * np.abs(loss[0])).argmax(axis=0)


def _quantile_errors(folds: list[Foreseen], moves: list[np.ndarray], share: float, trust: np.ndarray) -> np.ndarray:
    """Return the mean squared difference of quantiles (features,) over folds."""
    at = (np.arange(QUANTILES) + 0.5) / QUANTILES
    total = 0.0
    for weight, fold, move in zip(trust, folds, moves, strict=True):
        predicted = np.quantile(fold.moved(np.float32(share) * move), at, axis=0)
        total = total + weight * ((predicted - np.quantile(fold.truth, at, axis=0)) ** 2).mean(axis=0)
    return total


def nearness(folds: list[Foreseen], query: np.ndarray) -> np.ndarray:
    """Return weights (folds,) of sum one, in proportion to 1 / d^2, d the energy distance of a fold's S to the query.

    Distances below the noise of sampling count as that: E|X - X'| (1/n + 1/m), as in `Foreseen`.
    """
    from outofsample.metrics.distances import energy_and_mmd, pairs_within

    if len(query) < 2:
        return np.full(len(folds), 1 / len(folds))
    within = pairs_within(query)
    spread = within.distances / (len(query) * (len(query) - 1))
    inverse = []
    for fold in folds:
        distance = energy_and_mmd(fold.X, query, within_y=within)[0]
        noise = spread * (1 / len(fold.X) + 1 / len(query))
        inverse.append(max(distance, noise, np.finfo(np.float32).tiny) ** -2.0)
    return np.array(inverse) / np.sum(inverse)
