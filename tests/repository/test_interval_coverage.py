"""The measurement of what intervals hold: whom it counts as inside, what it reads again, and what it cannot find."""

import importlib.util

import pytest

from outofsample.errors import UserError
from outofsample.study.load import read_study
from tests.conftest import ROOT
from tests.unit.methods.test_cross_validated import QUERY, shifted, task


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    path = ROOT / "benchmarks" / "interval_coverage.py"
    spec = importlib.util.spec_from_file_location("interval_coverage", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def row(error, low=1.0, high=2.0, **changes):
    """Return what was measured of one query."""
    found = {"task": "kang_pooled.NK", "query": "q", "folds": "domains", "method": "stacked_map"}
    found |= {"error": error, "error_low": low, "error_high": high, "largest_distance": 1.0, "query_distance": 0.5}
    found |= {"no_change": 3.0, "no_change_low": 0.0, "no_change_high": 2.0}
    features = {"inside": 0.7, "below": 0.1, "above": 0.2, "width": 0.5}
    return (
        found
        | {f"features_{part}": value for part, value in features.items()}
        | {"marked": 10, "marked_wrong_sign": 1}
        | changes
    )


def test_shares_of_queries_and_of_features(script):
    rows = [row(1.5), row(0.5), row(2.5), row(-0.1, low=0.0, marked=30, marked_wrong_sign=3)]
    found = {each["interval"]: each for each in script.summary(rows)}
    assert set(found) == {"error", "no_change", "features"}
    error = found["error"]
    assert (error["queries"], error["nominal"], error["half"]) == (4, 0.8, "chosen on")
    # A distance below zero is noise: it lies in an interval that begins at zero.
    assert (error["measured"], error["below"], error["above"]) == (0.5, 0.25, 0.25)
    assert (found["no_change"]["measured"], found["no_change"]["above"]) == (0, 1)
    features = found["features"]
    assert (features["measured"], features["below"], features["above"]) == (0.7, 0.1, 0.2)
    assert (features["marked"], features["marked_wrong_sign"]) == (15, 0.1)


def test_queries_unlike_the_domains_are_counted_apart_too(script):
    rows = [row(1.5), row(9.0, query_distance=1.5)]
    (both,) = [each for each in script.summary(rows) if each["interval"] == "error"]
    assert both["measured"] == 0.5 and both["measured_alike"] == 1 and both["alike"] == 1


def test_both_halves_stand_apart(script):
    rows = [row(1.5), row(9.0, task="kang_pooled.DC")]
    shares = {each["half"]: each["measured"] for each in script.summary(rows) if each["interval"] == "error"}
    assert shares == {"chosen on": 1, "reported on": 0}


@pytest.mark.parametrize(
    ("domains", "kinds"), [(1, ["random parts"]), (3, ["domains"]), (5, ["domains", "three domains"])]
)
def test_what_is_held_out(script, domains, kinds):
    data = task(shifted, domains)
    found = dict(script.populations(data, QUERY))
    assert list(found) == kinds
    if "three domains" in kinds:
        few = found["three domains"]
        assert (
            len(set(few.domain[few.role == "source"])) == 3 and few.is_query(QUERY).sum() == data.is_query(QUERY).sum()
        )


def test_what_was_measured_is_read_and_a_missing_task_is_told(script, tmp_path):
    study = read_study(ROOT / "studies" / "leave_one_out.yaml")
    with pytest.raises(UserError, match="the task is not there"):
        script.task_rows("hela", tmp_path / "hela", tmp_path / "hela.csv", study)
    script.write_rows(tmp_path / "hela.csv", row(1.5), [row(1.5)])
    assert script.task_rows("hela", tmp_path / "hela", tmp_path / "hela.csv", study) == [row(1.5)]
