"""Which images are shown: shared out alike, and options that are not possible."""

import numpy as np
import pytest

from outofsample.arrays import Query
from outofsample.errors import UserError
from outofsample.figures import image_choice
from tests.unit.figures.glasses import load


def test_choose_takes_alike_from_each_group():
    groups = np.array([0, 1, 0, 0, 1, 0, 2])
    chosen = image_choice.choose(groups, 5, 0)
    assert groups[chosen].tolist() == [0, 0, 1, 1, 2] and len(set(chosen)) == 5
    assert len(image_choice.choose(groups, 50, 0)) == 7
    assert image_choice.quantile_groups(np.array([5.0, 1, 3, 9]), 2).tolist() == [1, 0, 0, 1]


def test_queries_with_the_same_conditions_share_a_block():
    known = (Query("0_thin", "0", "n", "thin"), Query("0_thick", "0", "n", "thick"), Query("2_thin", "2", "n", "thin"))
    groups = image_choice.transformations(known, None, "f")
    assert [[query.name for query in group] for group in groups] == [["0_thin", "2_thin"], ["0_thick"]]
    with pytest.raises(UserError, match="did you mean '0_thick'"):
        image_choice.transformations(known, ["0_thik"], "f")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"images": 0}, "at least 1"),
        ({"spread": "glases"}, "did you mean 'glasses'"),
        ({"spread": "brightness"}, "needs the option 'region'"),
        ({"region": [0.5, 0.2, 0, 1]}, "between 0 and 1"),
        ({"queries": ["womn"]}, "did you mean 'women'"),
    ],
)
def test_impossible_options_are_errors_of_the_user(glasses_files, options, message):
    with pytest.raises(UserError, match=message):
        load(glasses_files, **options)
