"""Distances between a predicted population and the truth; 0 is right. Neither paper reports them."""

import numpy as np

#: Rows whose distances are held in memory at once.
CHUNK = 1024


def rmse(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Root over features of mean((predicted - truth)^2) of two summaries (..., features); result (...)."""
    return np.sqrt(((predicted - truth) ** 2).mean(-1))


def draw_cells(cells: int, max_cells: int, seed: int) -> np.ndarray:
    """Return sorted positions of at most ``max_cells`` out of ``cells`` cells, drawn without replacement."""
    if cells <= max_cells:
        return np.arange(cells)
    return np.sort(np.random.default_rng(seed).choice(cells, max_cells, replace=False))


def energy_distance(X: np.ndarray, Y: np.ndarray) -> float:
    """Energy distance of two populations (n, features) and (m, features): 2 E|X - Y| - E|X - X'| - E|Y - Y'|.

    |.| is the Euclidean norm over all features. Each expectation is the mean over pairs of *different* cells (the
    unbiased U-statistic; the biased one counts each cell's zero distance to itself). So the expected value does not
    depend on the numbers of cells, and half a truth can be compared with a whole one; the price is that populations
    without a difference score around zero, on either side. NaN where a population has a single cell. Not the square
    root that some call by the same name.
    """
    if len(X) < 2 or len(Y) < 2:
        return float("nan")
    # Centred, because squared norms of far-away cells would cancel badly in `_sum_of_distances`.
    centre = Y.mean(axis=0, dtype=np.float64)
    X, Y = X - centre, Y - centre
    between = _sum_of_distances(X, Y) / (len(X) * len(Y))
    within_x = _sum_of_distances(X, X) / (len(X) * (len(X) - 1))
    within_y = _sum_of_distances(Y, Y) / (len(Y) * (len(Y) - 1))
    return float(2 * between - within_x - within_y)


def _sum_of_distances(X: np.ndarray, Y: np.ndarray) -> float:
    """Sum of |x - y| over all pairs, by |x|^2 + |y|^2 - 2 x.y: a matrix product, ten times faster than differences."""
    squares_x, squares_y = (X**2).sum(axis=1), (Y**2).sum(axis=1)
    total = 0.0
    for start in range(0, len(X), CHUNK):
        rows = slice(start, start + CHUNK)
        squared = squares_x[rows, None] + squares_y - 2 * (X[rows] @ Y.T)
        total += np.sqrt(np.maximum(squared, 0)).sum()
    return total


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
