"""The glossary: short entries in order, linked from the other pages where a term comes first."""

import re
import runpy

import pytest

from tests.conftest import ROOT

DOCS = ROOT / "docs"
HOOK = runpy.run_path(str(ROOT / "setup" / "glossary_links.py"))
ENTRIES = dict(re.findall(r"^## (.+)\n\n((?:.+\n)+)", (DOCS / "glossary.md").read_text(), re.MULTILINE))


def linked(markdown: str, page: str = "page.md") -> str:
    return HOOK["linked"](markdown, page, str(DOCS))


def test_entries_stand_in_order_and_have_two_lines():
    assert len(ENTRIES) > 25
    names = [name.lower().replace("²", "2") for name in ENTRIES]
    assert names == sorted(names)
    for name, text in ENTRIES.items():
        assert len(text.splitlines()) == 2, name


def test_the_words_of_the_readme_are_explained():
    terms = {term.lower() for term in HOOK["terms"](str(DOCS))}
    assert terms >= {"stand-in", "oracle", "edit", "query", "residual", "control", "study", "task", "truth", "domain"}


def test_the_first_mention_alone_is_linked():
    assert linked("An oracle. The oracle.") == "An [oracle](glossary.md#oracle). The oracle."
    assert linked("Folds help.", "tutorials/reader.md") == "[Folds](../glossary.md#fold) help."


def test_the_longest_term_wins():
    assert linked("A batch corrector.") == "A [batch corrector](glossary.md#batch-corrector)."


@pytest.mark.parametrize(
    "text",
    [
        "# The oracle",
        "| oracle |",
        "`oracle`",
        "[the oracle](x.md)",
        "![oracle](x.png)",
        "```\noracle\n```",
        "    oracle",
        "<b title='oracle'>",
        "the oracle-like",
    ],
)
def test_code_headings_tables_and_links_stay(text):
    assert linked(text) == text


def test_every_anchor_is_one_of_the_site(tmp_path):
    import markdown

    page = markdown.markdown((DOCS / "glossary.md").read_text(), extensions=["toc"])
    anchors = set(re.findall(r'id="([^"]+)"', page))
    assert set(HOOK["terms"](str(DOCS)).values()) <= anchors
