"""Directions of the scores."""

import numpy as np
import pytest
import yaml

from outofsample.errors import UserError
from outofsample.metrics import directions
from outofsample.metrics.evaluation import SCORES
from tests.conftest import ROOT


def test_every_score_has_a_direction():
    assert set(SCORES) == set(directions.DIRECTIONS)
    assert set(directions.DIRECTIONS.values()) == set(directions.DISTANCE_TO_BEST) == set(directions.PERFECT)


@pytest.mark.parametrize("direction", directions.PERFECT)
def test_a_perfect_prediction_is_the_best(direction):
    distance, perfect = directions.DISTANCE_TO_BEST[direction], directions.PERFECT[direction]
    worse = {"high": [0.9, -2], "low": [0.1, 3], "one": [0.9, 1.1]}[direction]
    assert all(distance(perfect) < distance(value) for value in worse)
    assert (distance(np.array(worse)) == [distance(value) for value in worse]).all()


def test_an_unknown_score_has_no_direction():
    with pytest.raises(UserError, match=r"'fit': it is not known which values .* \(did you mean 'fid'"):
        directions.distance_to_best("fit", 1.0)


@pytest.mark.parametrize(
    "path", ["config.yaml", *sorted(f"studies/{path.name}" for path in ROOT.glob("studies/*.yaml"))]
)
def test_studies_say_the_directions_of_the_scores(path):
    content = yaml.safe_load((ROOT / path).read_text())
    columns = [column for table in (content.get("tables") or {}).values() for column in table["columns"]]
    told = {column["score"]: column["better"] for column in columns if column.get("better")}
    assert told == {score: directions.DIRECTIONS[score] for score in told}
