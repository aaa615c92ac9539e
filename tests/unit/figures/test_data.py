"""What a notebook gets: the query and seed that are shown, names and units."""

import numpy as np
import pytest

from outofsample.errors import UserError
from outofsample.figures import biaxial
from outofsample.figures.data import centre, describe


def test_the_first_query_and_seed_are_the_default(load_batches):
    data = load_batches()
    assert data.query.name == "to_026" and data.panels[0].seeds == (3, 4)
    assert np.allclose(data.panels[0].X, data.cells["query"] + 3)
    assert set(data.cells) == {"source", "target", "query", "truth"}
    assert data.panels[2].X is None and "MNN: not run: R is missing" in describe(data)


def test_another_query_can_be_asked_for(load_batches):
    data = load_batches({"query": "to_028"})
    assert data.query.target == "b3" and "truth" not in data.cells
    assert data.names["target"] == "control (b3)"
    with pytest.raises(UserError, match="did you mean 'to_028'"):
        load_batches({"query": "to_029x"})


def test_names_and_units_come_from_the_study(load_batches):
    data = load_batches({"names": {"query": "Sample1"}, "unit": "arcsinh(x/5)", "x": "IFNg"})
    assert data.names["query"] == "Sample1" and data.names["source"] == "control (b1)"
    assert data.axis_label("IFNg") == "IFNg, arcsinh(x/5)" and data.options == {"x": "IFNg"}
    assert load_batches(unit="log(x + 1)").axis_label("CD3") == "CD3, log(x + 1)"


def test_unknown_features_and_centres_are_errors_of_the_user(load_batches):
    with pytest.raises(UserError, match="no feature 'IFNgg'"):
        biaxial.every_method(load_batches(), "IFNgg", "CCR6")
    with pytest.raises(UserError, match="'median' or 'mean', not 'mode'"):
        centre(np.ones((2, 2)), "mode")
