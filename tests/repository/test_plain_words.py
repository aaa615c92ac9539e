"""Pages are plain: short sentences, few numbers in each, no word that only the makers know."""

import pytest

from tests.conftest import ROOT
from tests.repository.plain_words import long_sentences, prose, sentences, unwanted

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
#: Made of the code's docstrings, which are written for another reader.
GENERATED = ROOT / "docs" / "reference"
#: So many long sentences may a short page have; a longer one a tenth of all.
BOUND, SHARE = 5, 0.1


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_is_plain(path):
    page = path.read_text()
    long = long_sentences(page)
    print(f"{path.relative_to(ROOT)}: {len(sentences(page))} sentences, {len(long)} of them long")
    print(*(f"  {found.what}: {found.text}" for found in long), sep="\n")
    assert unwanted(page) == []
    assert len(long) <= max(BOUND, SHARE * len(sentences(page))) or path.is_relative_to(GENERATED)


def test_what_counts_as_long():
    assert long_sentences("One two three.\n\n" + "word " * 25 + "end.")[0].what == "26 words"
    assert long_sentences("From 1.5 to 2.5 and 3.5.")[0].what == "3 numbers"
    assert long_sentences("In Table 3 and Section 4.2 of 2019 it is 0.4 against 0.5.") == []


def test_code_tables_and_headings_are_no_prose():
    page = (
        "# Title with words\n\n```\ncode of many words\n```\n\n| a | b |\n\n- an item\n  goes on\n\nText with `code`."
    )
    assert prose(page) == ["an item goes on", "Text with `code`."]


@pytest.mark.parametrize("text", ["See ../shared.", "It is .39 there.", "At commit 1cf3e4e it was.", "As turned out."])
def test_what_is_unwanted(text):
    assert unwanted(text)


@pytest.mark.parametrize("text", ["It is 0.39.", "Run `.ci/run`.", "The facade.", "Version 1.2.3."])
def test_what_is_allowed(text):
    assert not unwanted(text)
