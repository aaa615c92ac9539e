"""Distances between a predicted population and the truth; 0 is right. Neither paper reports them."""

from typing import NamedTuple

import numpy as np

#: Rows whose distances are held in memory at once.
CHUNK = 1024
#: Above this number of features, pairs of cells are compared in float32: its rounding is far below the cells' noise.
WIDE = 200
#: The kernel of `mmd` is the mean of Gaussians whose squared widths are the query's bandwidth times these.
KERNEL_SCALES = (4, 2, 1, 0.5, 0.25)


def rmse(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Root over features of mean((predicted - truth)^2) of two summaries (..., features); result (...)."""
    return np.sqrt(((predicted - truth) ** 2).mean(-1))


def draw_cells(cells: int, max_cells: int, seed: int) -> np.ndarray:
    """Return sorted positions of at most ``max_cells`` out of ``cells`` cells, drawn without replacement."""
    if cells <= max_cells:
        return np.arange(cells)
    return np.sort(np.random.default_rng(seed).choice(cells, max_cells, replace=False))


def drawn_answers(answers: np.ndarray, drawn_x: np.ndarray, drawn_y: np.ndarray) -> np.ndarray:
    """Return for each drawn cell of X the place of its answer among the drawn cells of Y, -1 where that has none.

    ``answers`` (cells of X,) are as in `energy_distance`; ``drawn_x`` and ``drawn_y`` are what `draw_cells` returned.
    The result has the shape of ``drawn_x``.
    """
    wanted = answers[drawn_x]
    return np.where(np.isin(wanted, drawn_y), np.searchsorted(drawn_y, wanted), -1)


class PairSums(NamedTuple):
    """Sums over pairs of cells: of their Euclidean distances and of their kernel (NaN without a bandwidth)."""

    distances: float
    kernels: float


def energy_distance(X: np.ndarray, Y: np.ndarray, answers: np.ndarray | None = None) -> float:
    """Energy distance of two populations (n, features) and (m, features): 2 E|X - Y| - E|X - X'| - E|Y - Y'|.

    |.| is the Euclidean norm over all features. Each expectation is the mean over pairs of *different* cells (the
    unbiased U-statistic; the biased one counts each cell's zero distance to itself). That holds across populations
    too: where some cells of X and of Y are the same cell, ``answers`` (n,) gives the row of Y for each of X, -1 where
    there is none, and a cell's pair with its own answer is left out of E|X - Y|. Such pairs are nearer than others,
    so a prediction that keeps each cell would score below independent cells of the same distribution.

    So the expected value does not depend on the numbers of cells, and half a truth can be compared with a whole one;
    the price is that populations without a difference score around zero, on either side. NaN where a population has a
    single cell. Not the square root that some call by the same name.

    Raises
    ------
    ValueError
        If ``answers`` has not one entry per cell of X.
    """
    return energy_and_mmd(X, Y, answers=answers)[0]


def mmd(X: np.ndarray, Y: np.ndarray, bandwidth: float, answers: np.ndarray | None = None) -> float:
    """Squared maximum mean discrepancy of (n, features) and (m, features): E k(X, X') + E k(Y, Y') - 2 E k(X, Y).

    k(x, y) is the mean over c in `KERNEL_SCALES` of exp(-|x - y|^2 / (2 c bandwidth)); ``bandwidth`` comes from
    `median_bandwidth`, one for all methods of a query. Expectations are means over pairs of *different* cells: the
    unbiased estimate (Gretton et al. 2012, Eq. 3), which can be slightly negative, as `energy_distance`; also across
    populations, where ``answers`` (n,) says which cells are the same (see there, as for the error raised). It is not
    trVAE's loss: that is the biased estimate, on a layer of a network, with fixed widths. NaN where a population has
    a single cell.
    """
    return energy_and_mmd(X, Y, bandwidth, answers=answers)[1]


def energy_and_mmd(
    X: np.ndarray,
    Y: np.ndarray,
    bandwidth: float | None = None,
    within_y: PairSums | None = None,
    answers: np.ndarray | None = None,
) -> tuple[float, float]:
    """Return `energy_distance` and `mmd` of X (n, features) and Y (m, features), from one pass over the pairs.

    ``within_y`` is ``pairs_within(Y, bandwidth)`` where it is known already: all methods have the same truth. The
    second value is NaN without a bandwidth. ``answers`` (n,) are as in `energy_distance`.
    """
    if len(X) < 2 or len(Y) < 2:
        return float("nan"), float("nan")
    within_y = pairs_within(Y, bandwidth) if within_y is None else within_y
    between, within_x = pairs_between(X, Y, bandwidth, answers), pairs_within(X, bandwidth)
    own = 0 if answers is None else np.count_nonzero(answers >= 0)
    means = [
        [total / pairs for total in sums]
        for sums, pairs in (
            (between, len(X) * len(Y) - own),
            (within_x, len(X) * (len(X) - 1)),
            (within_y, len(Y) * (len(Y) - 1)),
        )
    ]
    (distance, kernel), (distance_x, kernel_x), (distance_y, kernel_y) = means
    return float(2 * distance - distance_x - distance_y), float(kernel_x + kernel_y - 2 * kernel)


def pairs_between(
    X: np.ndarray, Y: np.ndarray, bandwidth: float | None = None, answers: np.ndarray | None = None
) -> PairSums:
    """Return the sums over all pairs of a cell of X (n, features) and a different one of Y (m, features).

    Which cells of X and Y are the same, ``answers`` (n,) says, as in `energy_distance`; without them none.
    """
    answers = np.full(len(X), -1) if answers is None else answers
    if len(answers) != len(X):
        raise ValueError(f"There are answers for {len(answers)} cells, and X has {len(X)}.")
    X, Y = _centred(X, Y)
    total = np.zeros(2)
    for start in range(0, len(X), CHUNK):
        squared, own = _squared_distances(X[start : start + CHUNK], Y), answers[start : start + CHUNK]
        rows = np.flatnonzero(own >= 0)
        squared[rows, own[rows]] = 0
        total += _block_sums(squared, bandwidth)
        # Each cell with itself: distance 0, kernel 1.
        total[1] -= len(rows)
    return PairSums(*total)


def pairs_within(X: np.ndarray, bandwidth: float | None = None) -> PairSums:
    """Return the sums over all ordered pairs of different cells of X (n, features)."""
    (X,) = _centred(X)
    total = np.zeros(2)
    for start in range(0, len(X), CHUNK):
        squared = _squared_distances(X[start : start + CHUNK], X[start:])
        rows = len(squared)
        np.fill_diagonal(squared, 0)
        # The pairs with later cells stand for both orders; the square at the diagonal holds both itself.
        total += 2 * _block_sums(squared, bandwidth) - _block_sums(squared[:, :rows], bandwidth)
        # Each cell with itself: distance 0, kernel 1.
        total[1] -= rows
    return PairSums(*total)


def median_bandwidth(X: np.ndarray, Y: np.ndarray) -> float:
    """Median of |a - b|^2 over pairs of different cells a, b of X (n, features) and Y (m, features) taken together.

    The usual choice of a kernel's squared width. All pairs are in memory at once: give it some hundred cells of each.
    Pairs of equal cells are left out; NaN where all cells are equal.
    """
    (cells,) = _centred(np.concatenate([X, Y]))
    squared = _squared_distances(cells, cells)[np.triu_indices(len(cells), 1)]
    # Equal cells differ by the rounding of their norms.
    squared = squared[squared > 1e-6 * squared.max(initial=0)]
    return float(np.median(squared)) if len(squared) else float("nan")


def _centred(*populations: np.ndarray) -> list[np.ndarray]:
    """Return the populations around the mean of the last: squared norms of far-away cells would cancel badly."""
    centre = populations[-1].mean(axis=0, dtype=np.float64)
    kind = np.float32 if len(centre) > WIDE else np.float64
    return [(population - centre).astype(kind) for population in populations]


def _squared_distances(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Return |x - y|^2 (n, m) as |x|^2 + |y|^2 - 2 x.y: a matrix product, ten times faster than differences."""
    squares_x, squares_y = (X**2).sum(axis=1), (Y**2).sum(axis=1)
    squared = -2 * (X @ Y.T)
    squared += squares_x[:, None]
    squared += squares_y
    return np.maximum(squared, 0, out=squared)


def _block_sums(squared: np.ndarray, bandwidth: float | None) -> np.ndarray:
    """Return the sums of distances and of kernels over a block (rows, columns) of squared distances."""
    distances = np.sqrt(squared).sum(dtype=np.float64)
    if bandwidth is None:
        return np.array([distances, np.nan])
    widest, *others = KERNEL_SCALES
    part = np.exp(squared * (-0.5 / (widest * bandwidth)))
    kernels = part.sum(dtype=np.float64)
    for _ in others:
        # Half the squared width squares the kernel; an exponential costs ten times as much.
        np.square(part, out=part)
        kernels += part.sum(dtype=np.float64)
    return np.array([distances, kernels / len(KERNEL_SCALES)])


def sorted_features(X: np.ndarray) -> np.ndarray:
    """Return ``X`` (cells, features) as (features, cells), each feature in ascending order, for `wasserstein`."""
    return np.sort(np.ascontiguousarray(X.T), axis=1)


def wasserstein(X: np.ndarray, Y: np.ndarray) -> float:
    """Mean over features of `wasserstein_per_feature`."""
    return float(wasserstein_per_feature(X, Y).mean())


def wasserstein_per_feature(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Wasserstein-1 distance of each feature: integral over u in 0..1 of |quantile_X(u) - quantile_Y(u)|.

    ``X`` (features, n) and ``Y`` (features, m) come from `sorted_features`, so that a truth is sorted once for all
    predictions; result (features,). Exact: both quantile functions are steps, at i/n and j/m, the same for every
    feature.
    """
    weights, i, j = _common_steps(X.shape[1], Y.shape[1])
    return np.array([np.abs(x[i].astype(np.float64) - y[j]) @ weights for x, y in zip(X, Y, strict=True)])


def _common_steps(n: int, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Widths (steps,) of the pieces between the steps i/n and j/m, and the cell of X and of Y that each is in."""
    # In units of 1/(n m) the ends are whole numbers, so none is missed or doubled by rounding.
    ends = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)
    starts = np.concatenate([[0], ends[:-1]])
    return (ends - starts) / (n * m), starts // m, starts // n
