"""Whether a prediction explodes: what of it lies beyond twice the range that training has seen.

Eq. 1's tails, splines that go on as straight lines, and networks far from their data can write any number. These scores
need no truth; tables mark the methods that have some.
"""

import numpy as np

from outofsample.metrics.families import Family, Limits, Score


def limits_of(X: np.ndarray) -> Limits:
    """Return twice the range of training cells (cells, features), all conditions and domains together.

    A feature that never varies gets the median range of those that do, since a network writes it with some error.
    """
    low, high = X.min(axis=0).astype(np.float64), X.max(axis=0).astype(np.float64)
    width = high - low
    if (width > 0).any():
        width = np.where(width > 0, width, np.median(width[width > 0]))
    return Limits(low - width / 2, high + width / 2)


def beyond(predicted: np.ndarray, limits: Limits) -> np.ndarray:
    """Return the mask (cells, features) of the predicted values (cells, features) that lie beyond the limits."""
    return (predicted < limits.low) | (predicted > limits.high)


class ExtrapolationScores(Family):
    """Shares of the predicted values, of the features and of the cells with a value beyond the limits; 0 is bounded.

    Without limits (`Populations.limits`) there are no such scores.
    """

    scores = ("beyond_values", "beyond_features", "beyond_cells")

    def score(self, predicted: np.ndarray) -> dict[str, Score]:
        limits = self.cells.limits
        if limits is None:
            return {}
        found = beyond(predicted, limits)
        shares = found.mean(), found.any(axis=0).mean(), found.any(axis=1).mean()
        return {name: Score(float(share)) for name, share in zip(self.scores, shares, strict=True)}

    def score_halves(self, half: np.ndarray, other: np.ndarray) -> dict[str, Score]:
        return self.score(half)
