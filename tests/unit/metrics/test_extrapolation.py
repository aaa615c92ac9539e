"""What lies beyond twice the range of training."""

import numpy as np

from outofsample.metrics.extrapolation import ExtrapolationScores, limits_of
from outofsample.metrics.families import Populations, Settings

#: Ranges of 2, 4 and none.
TRAINING = np.array([[0, -1, 5], [2, 3, 5], [1, 0, 5]], dtype=np.float32)


def scores(predicted, limits=True) -> dict[str, float]:
    cells = Populations(TRAINING, TRAINING, TRAINING, None, limits=limits_of(TRAINING) if limits else None)
    found = ExtrapolationScores(cells, Settings()).score(np.array(predicted, dtype=np.float32))
    return {name: score.value for name, score in found.items()}


def test_the_limits_are_twice_the_range():
    low, high = limits_of(TRAINING)
    # What never varies gets the median range of what does.
    assert low.tolist() == [-1, -3, 3.5] and high.tolist() == [3, 5, 6.5]
    assert [ends.tolist() for ends in limits_of(np.ones((3, 1)))] == [[1], [1]]


def test_values_features_and_cells_beyond_are_counted():
    assert scores(TRAINING) == dict.fromkeys(ExtrapolationScores.scores, 0)
    assert scores([[-1, 5, 6.5], [3, -3, 3.5]]) == dict.fromkeys(ExtrapolationScores.scores, 0)
    found = scores([[-1.1, 0, 5], [-9, 0, 5], [3.5, 5.5, 5], [1, 1, 5]])
    assert found == {"beyond_values": 4 / 12, "beyond_features": 2 / 3, "beyond_cells": 3 / 4}


def test_without_limits_there_is_no_such_score():
    assert scores(TRAINING, limits=False) == {}


def test_halves_of_the_truth_are_scored_like_a_prediction():
    cells = Populations(TRAINING, TRAINING, TRAINING, TRAINING, limits=limits_of(TRAINING))
    family = ExtrapolationScores(cells, Settings())
    assert family.score_halves(TRAINING + 9, TRAINING) == family.score(TRAINING + 9)
    assert family.score(TRAINING + 9)["beyond_values"].value == 1
