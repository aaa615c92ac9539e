"""Cells in memory as what a method is fitted to, and as pieces of what it is to predict."""

import numpy as np
import pandas as pd
import pytest

from outofsample.errors import InputError
from outofsample.own.populations import FittedOn, training_data

CELLS = np.arange(12, dtype=np.float64).reshape(6, 2)


def frame(labels: str) -> pd.DataFrame:
    return pd.DataFrame({"a": CELLS[:, 0], "who": list(labels), "b": CELLS[:, 1]})


def test_roles_conditions_and_domains():
    data, fitted_on = training_data({"S": CELLS, "T": CELLS + 1, "X": CELLS[:2]}, None, None)
    assert data.X.shape == (14, 2) and data.X.dtype == np.float32 and data.features == ("0", "1")
    assert data.role.tolist() == ["source"] * 6 + ["target"] * 6 + ["query"] * 2
    assert data.condition.tolist() == ["source"] * 6 + ["target"] * 6 + ["source"] * 2
    assert data.domain.tolist() == ["given"] * 12 + ["query"] * 2
    assert fitted_on == FittedOn(2, None, ("query",))


def test_a_query_for_each_population_of_x():
    data, fitted_on = training_data({"S": frame("ppqqqq"), "T": frame("pppqqq"), "X": frame("zxxzzz")}, "who", None)
    assert [query.domain for query in data.queries] == ["x", "z"] and fitted_on.domains == ("x", "z")
    assert (fitted_on.names, fitted_on.column) == (("a", "b"), "who")
    assert data.domain[12:].tolist() == list("zxxzzz")


@pytest.mark.parametrize("at_once", [1, 2, 5, None])
def test_pieces_hold_every_cell_once_with_the_query_it_belongs_to(at_once):
    fitted_on, X = FittedOn(2, ("b", "a"), ("x", "z"), "who"), frame("zxxzzz")
    seen = np.full((6, 2), np.nan)
    for piece in fitted_on.pieces(X, None, X[["a", "b"]] * 10, at_once=at_once):
        assert set(X["who"].iloc[piece.places]) == {piece.query.domain}
        assert np.array_equal(piece.counts, piece.X * 10)
        seen[piece.places] = piece.X
    assert np.array_equal(seen, CELLS[:, ::-1])


def test_one_piece_per_query_where_the_whole_is_wanted():
    pieces = list(FittedOn(2, ("a", "b"), ("x", "z"), "who").pieces(frame("zxxzzz"), None, None, whole=True, at_once=1))
    assert [(piece.query.domain, piece.places.tolist()) for piece in pieces] == [("x", [1, 2]), ("z", [0, 3, 4, 5])]


def test_labels_do_not_matter_where_x_had_one_population():
    """Cells of others may be transformed, whatever they are called."""
    (piece,) = FittedOn(2, ("a", "b"), ("x",), "who").pieces(frame("zxxzzz"), None, None)
    assert piece.places == slice(0, 6) and piece.query.domain == "x"


def test_a_value_that_is_not_finite_is_told_with_its_row():
    X = frame("zxxzzz")
    X.loc[4, "b"] = np.inf
    with pytest.raises(InputError, match="X: the value of feature 'b' in row 4 is inf"):
        list(FittedOn(2, ("a", "b"), ("x", "z"), "who").pieces(X, None, None, at_once=3))


@pytest.mark.parametrize("kind", ["Int64", "Float32"])
def test_a_missing_value_of_pandas_own_types_is_told_with_its_row(kind):
    cells = pd.DataFrame(CELLS, columns=["a", "b"]).astype(kind)
    data, _ = training_data({"S": cells, "T": CELLS, "X": CELLS}, None, None)
    np.testing.assert_array_equal(data.X[:6], CELLS)
    cells.loc[4, "b"] = pd.NA
    with pytest.raises(InputError, match="S: the value of feature 'b' in row 4 is nan; all values must be finite"):
        training_data({"S": cells, "T": CELLS, "X": CELLS}, None, None)
    assert cells["b"].isna().tolist() == [False] * 4 + [True, False]


@pytest.mark.parametrize("number", [float, "Float64", "category", object])
def test_a_whole_number_is_one_label_whether_it_is_an_integer_or_a_float(number):
    integers, floats = frame("ppqqqq"), frame("ppqqqq")
    integers["who"] = [1, 1, 2, 2, 2, 2]
    floats["who"] = pd.Series([1.0, 1.0, 2.0, 2.0, 2.0, 2.0]).astype(number)
    data, fitted_on = training_data({"S": integers, "T": floats, "X": floats}, "who", None)
    assert set(data.domain) == {"1", "2"} and fitted_on.domains == ("1", "2")
    given = [integers["who"], floats["who"].to_numpy(), floats["who"]]
    cells = dict.fromkeys("STX", CELLS)
    assert np.array_equal(training_data(cells, given, None)[0].domain, data.domain)
    pieces = list(FittedOn(2, ("a", "b"), ("1", "2"), "who").pieces(floats, None, None))
    assert [piece.query.domain for piece in pieces] == ["1", "2"]


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [([1, 2.5], "X: the column 'who' holds the number 2.5, of which 1.1"), ([1, None], "X: 1 cells have no label in")],
)
def test_labels_that_are_fractions_or_missing_are_told(labels, sentence):
    S, X = frame("ppqqqq"), frame("ppqqqq").iloc[:2].assign(who=labels)
    with pytest.raises(InputError, match=sentence):
        training_data({"S": S, "T": S, "X": X}, "who", None)
    with pytest.raises(InputError, match=sentence.replace("X: the column 'who'", "domains of X: what was given")):
        training_data({"S": CELLS, "T": CELLS, "X": CELLS[:2]}, ("p", "p", labels), None)
