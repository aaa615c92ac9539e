"""The columns of scores: which method is best, and where the axes end."""

import numpy as np
import pytest

from outofsample.figures import perturbation_scores
from outofsample.metrics.directions import DIRECTIONS


@pytest.mark.parametrize("score", DIRECTIONS)
def test_the_best_method_is_that_of_the_scores_direction(score):
    best, values = {
        "low": ("small", {"small": 0.1, "large": 3.0}),
        "high": ("large", {"small": 0.1, "large": 0.9}),
        "one": ("near", {"small": 0.1, "near": 1.2, "large": 3.0}),
    }[DIRECTIONS[score]]
    assert perturbation_scores.best_method(score, values | {"none": np.nan}) == best
    assert perturbation_scores.best_method(score, {"none": np.nan}) is None


def test_the_axes_of_scores_follow_their_direction():
    assert perturbation_scores.score_limits("ssim", np.array([0.2, -7.0, np.nan])) == (-1, 1)
    assert perturbation_scores.score_limits("thickness_ratio", np.array([9.0])) == (0, 3)
    assert perturbation_scores.score_limits("kid", np.array([40.0, 40.0])) == (0, pytest.approx(42))
