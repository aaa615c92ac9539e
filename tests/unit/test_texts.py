"""Words and numbers that tables, figures and pages write alike."""

import numpy as np
import pytest

from outofsample import texts
from tests.conftest import ROOT

NAN = float("nan")


@pytest.mark.parametrize(("value", "text"), [(-0.0001, "0.000"), (0.5, "0.500"), (12.345, "12.35"), (NAN, "–")])
def test_numbers(value, text):
    assert texts.shortened(value) == text


def test_fewer_decimals_where_a_number_is_large_never_more():
    assert [texts.shortened(value, 1) for value in (9.96, 10.25, 1234.56)] == ["10.0", "10.2", "1234.6"]


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ((True, True), "simulated stand-in data, demo size"),
        ((True, False), "simulated stand-in data"),
        ((False, True), "demo size"),
        ((False, False), ""),
        ((True, True, "where marked"), "simulated stand-in data where marked, demo size"),
        ((False, True, "where marked"), "demo size"),
    ],
)
def test_words_on_what_was_measured(facts, text):
    assert texts.marks(*facts) == text


def test_the_words_on_stand_ins_are_written_once():
    package = ROOT / "scripts" / "outofsample"
    assert [path.name for path in package.rglob("*.py") if texts.STAND_IN in path.read_text()] == ["texts.py"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (texts.number(-0.0001), "0.000"),
        (texts.number(0.5, 2, 0.126), "0.50 ± 0.13"),
        (texts.number(float("nan"), 2, 0.1), "–"),
        (texts.number(4.0, 0), "4"),
        (texts.significant(0.00012345), "0.000123"),
        (texts.significant(123456.7), "123,457"),
        (texts.significant(1.5, sign=True), "+1.5"),
        (texts.significant(None), "–"),
        (texts.significant(float("nan")), "–"),
    ],
)
def test_numbers_as_text(text, wanted):
    assert text == wanted


def test_labels_that_are_whole_floats_are_integers_and_others_stay():
    mixed = np.array([1.0, 1, -0.0, np.float32(2), "1.0", True, 1e17], dtype=object)
    assert list(map(str, texts.without_floats(mixed))) == ["1", "1", "0", "2", "1.0", "True", "1" + "0" * 17]
    assert texts.without_floats(np.float32([3, 1, 3])).tolist() == [3, 1, 3]
    assert {type(label) for label in texts.without_floats(np.float32([3, 1]))} == {int}
    words = np.array(["1.0", "a"])
    assert texts.without_floats(words) is words
    for other in (0.5, np.inf, np.nan):
        with pytest.raises(ValueError, match=f"holds the number {other}, of which 1.1 and 1.10 are one"):
            texts.without_floats(np.array([1, other], dtype=object))
