"""Extrapolator with several populations: whose cells they are, and what is expected of each prediction."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from outofsample import Extrapolator
from outofsample.errors import InputError, UserError
from outofsample.metrics.distances import energy_distance
from tests.unit.test_estimator_methods import planted_parts


@pytest.fixture(scope="module")
def peopled():
    """Return S, T, X as frames of two features with whose cells they are: each moves by as much as it is."""
    rng = np.random.default_rng(0)

    def frame(people: str, moved: bool) -> pd.DataFrame:
        person = np.repeat(list(people), 60)
        at = np.array([ord(name) - ord("a") for name in person])[:, None]
        values = rng.normal(size=(len(person), 2)) * 0.1 + 10 * at + (at if moved else 0)
        labels = pd.Series(person, dtype="category")
        return pd.DataFrame({"one": values[:, 0], "person": labels, "two": values[:, 1]})

    return frame("abcd", False), frame("abcd", True), frame("de", False)


def test_a_column_says_whose_cells_they_are_and_is_no_feature(peopled):
    S, T, X = peopled
    estimator = Extrapolator("stacked_map").fit(S, T, X, domains="person")
    assert estimator.n_features_in_ == 2 and estimator.domains_.tolist() == ["d", "e"]
    predicted = estimator.transform(X)
    assert predicted.columns.tolist() == ["one", "person", "two"] and predicted["person"].equals(X["person"])
    # Each population has a stack of its own.
    assert set(estimator.method_.stacks) == {(name, "source", "target") for name in "de"}
    values = ["one", "two"]
    alone = estimator.transform(X[X["person"] == "e"])
    assert np.array_equal(predicted.loc[X["person"] == "e", values], alone[values])
    mixed = X.iloc[np.random.default_rng(1).permutation(len(X))]
    assert np.array_equal(estimator.transform(mixed)[values].loc[X.index], predicted[values])


def test_labels_in_place_of_a_column(peopled, tmp_path):
    S, T, X = peopled
    arrays = [part[["one", "two"]].to_numpy() for part in peopled]
    labels = [part["person"] for part in peopled]
    wanted = Extrapolator("stacked_map").fit(S, T, X, domains="person").transform(X)[["one", "two"]]
    estimator = Extrapolator("stacked_map")
    assert np.array_equal(estimator.fit_transform(*arrays, domains=labels), wanted)
    estimator.save(tmp_path / "a.pt")
    loaded = Extrapolator.load(tmp_path / "a.pt")
    of_e = loaded.transform(arrays[2][60:], domains="e")
    assert np.array_equal(of_e, wanted[60:]) and loaded.domains_.tolist() == ["d", "e"]
    for domains, words in (
        (None, "the fit had the populations d, e; give the label of each cell"),
        (["d"], "there are 120 cells, and labels of shape"),
        (["z"] * 120, "'z' was no population of the fit, which had d, e"),
        ("who", "an array has no column 'who'"),
    ):
        with pytest.raises(InputError, match=words):
            loaded.transform(arrays[2], domains=domains)


def test_folds_of_a_stack_are_the_populations_that_s_and_t_share(peopled):
    estimator = Extrapolator("stacked_map").fit(*peopled, domains="person")
    assert {len(errors) for errors in estimator.method_.stacks["e", "source", "target"].errors.values()} == {4}


@pytest.mark.parametrize(
    ("domains", "words"),
    [
        ("persons", "S: there is no column 'persons' .did you mean 'person'"),
        (["a", "b"], "domains: there are 2 entries; give those of S, of T and of X"),
        (["a", "a", ["b"]], "domains of X: there are 120 cells, and labels of shape"),
    ],
)
def test_wrong_domains_are_told(peopled, domains, words):
    with pytest.raises(InputError, match=words):
        Extrapolator("mean_shift").fit(
            *(part if isinstance(domains, str) else part[["one", "two"]] for part in peopled), domains=domains
        )


def test_a_cell_without_a_label_is_told(peopled):
    S, T, X = peopled
    with pytest.raises(InputError, match="T: 1 cells have no label in the column 'person'"):
        Extrapolator("mean_shift").fit(S, T.assign(person=T["person"].where(T.index != 3)), X, domains="person")


def test_a_corrector_corrects_each_population_of_its_fit():
    cells = planted_parts()
    labels = np.repeat(["p", "q"], 60)
    estimator = Extrapolator("mnn", implementation="scranpy")
    predicted = estimator.fit_transform(*cells, domains=("given", "given", labels))
    with pytest.raises(UserError, match="only the cells that it was fitted on"):
        estimator.transform(cells[2], domains=labels[::-1])
    for name in ("p", "q"):
        alone = clone(estimator).fit_transform(*cells[:2], cells[2][labels == name])
        assert np.array_equal(predicted[labels == name], alone)


# ---- what to expect


def test_what_to_expect_where_s_and_t_share_three_populations(peopled, tmp_path):
    """Each person moves by as much as it is: the mean shift is wrong by as much as they differ."""
    estimator = Extrapolator("mean_shift").fit(*peopled, domains="person")
    expected = estimator.expected_error_
    assert list(expected) == ["d", "e"]
    for intervals in expected.values():
        assert set(intervals) == {"low", "high", "unchanged_low", "unchanged_high", "beyond"}
        assert 0 <= intervals["low"] < intervals["high"] < np.inf
        assert 0 <= intervals["unchanged_low"] < intervals["unchanged_high"] < np.inf
    # Person d is among those of S, e lies beyond them all.
    assert [expected[name]["beyond"] for name in "de"] == [False, True]
    estimator.save(tmp_path / "a.pt")
    assert Extrapolator.load(tmp_path / "a.pt").expected_error_ == expected
    assert np.array_equal(
        clone(estimator).set_params(expect=False).fit(*peopled, domains="person").method_.edits["source", "target"].low,
        estimator.method_.edits["source", "target"].low,
    )


def test_the_truth_lies_where_it_is_expected(peopled):
    """Five controls that move nearly alike, and a query that moves as they do."""
    rng = np.random.default_rng(0)
    people = np.repeat(list("abcde"), 100)
    by_person = dict(zip("abcdeq", 2 + rng.normal(size=6) * 0.2, strict=True))
    S, X = rng.normal(size=(500, 3)), rng.normal(size=(300, 3))
    T = rng.normal(size=(500, 3)) + np.array([by_person[name] for name in people])[:, None]
    estimator = Extrapolator("mean_shift").fit(S, T, X, domains=(people, people, "q"))
    truth = (rng.normal(size=(300, 3)) + by_person["q"]).astype(np.float32)
    error = energy_distance(estimator.transform(X), truth)
    expected = estimator.expected_error_["q"]
    assert expected["low"] <= error <= expected["high"] < expected["unchanged_low"]


@pytest.mark.parametrize(
    ("name", "domains", "why"),
    [
        ("mean_shift", None, "source and target share 1 .given., and it takes 3 populations"),
        ("neuron_editing", "person", "it trains a network"),
    ],
)
def test_why_nothing_can_be_expected_is_said_where_one_listens(peopled, capsys, name, domains, why):
    cells = peopled if domains else [part[["one", "two"]] for part in peopled]
    small = {"hidden": (4,), "latent": 2, "epochs": 1, "device": "cpu"} if name == "neuron_editing" else {}
    estimator = Extrapolator(name, verbose=True, **small).fit(*cells, domains=domains)
    assert estimator.expected_error_ is None
    assert re.search(f"no expected error: {why}", capsys.readouterr().out)
