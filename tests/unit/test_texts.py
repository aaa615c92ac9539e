"""Words and numbers that tables, figures and pages write alike."""

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
