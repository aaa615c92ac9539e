"""What can be expected of an estimator, in plain numbers."""

import json

import numpy as np
import pytest

from outofsample.methods.families.by_name import build
from outofsample.metrics.expected import error_interval
from outofsample.own.expected import expected_errors
from outofsample.own.populations import training_data


@pytest.fixture(scope="module")
def data():
    """Return cells of four populations before and after, and of two others."""
    rng = np.random.default_rng(0)
    people = np.repeat(list("abcd"), 50)
    S, T, X = rng.normal(size=(200, 3)), rng.normal(size=(200, 3)) + 2, rng.normal(size=(100, 3))
    X[50:] += 20
    return training_data({"S": S, "T": T, "X": X}, (people, people, np.repeat(["near", "far"], 50)), None)[0]


def test_intervals_are_those_of_the_held_out_populations(data):
    from outofsample.methods.families.held_out import hold_out_domains

    method = build("mean_shift", {}).fit(data)
    found, held_out = expected_errors(method, data, 0), hold_out_domains(method, data, 0)
    assert found.keys() == {"near", "far"} and [found[name]["beyond"] for name in ("near", "far")] == [False, True]
    for name, intervals in found.items():
        assert (intervals["low"], intervals["high"]) == error_interval(held_out[name].errors, held_out[name])
        assert intervals["high"] < intervals["unchanged_low"]
    # What a file holds is read without any code.
    assert json.loads(json.dumps(found)) == found


def test_nothing_is_expected_where_nothing_can_be_held_out(data, capsys):
    method = build("neuron_editing", {"hidden": (4,), "latent": 2, "epochs": 1, "patience": None}).fit(data)
    assert expected_errors(method, data, 0) is None
    assert capsys.readouterr().out.startswith("no expected error: it trains a network")
