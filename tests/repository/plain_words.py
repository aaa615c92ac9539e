"""How plain a page is: its sentences, the numbers in them, and words that are of no use to a reader."""

import re
from dataclasses import dataclass

#: What the pages never say: how the project was made, and what only its makers know.
UNWANTED = {
    "a word of how the project was made": r"METHOD_FACTS|\.\./shared|GPU was lent|\bthis machine\b|\bsession \d",
    "a diary": r"seen with the truth|\bwe first tried\b|\bturned out\b|\bat first sight\b",
    "a commit": r"\b(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{7}\b",
    "a number without its zero": r"(?<![\w./*`\-])\.\d",
}
#: A sentence may have so many words, and so many numbers that were measured or chosen.
WORDS, NUMBERS = 25, 2
#: Numbers that are names: of tables and sections, of years, of versions.
_NAMES = re.compile(
    r"\b(?:Tables?|Figures?|Sections?|Eq\.|NE|Python|Debian|arXiv)\s+(?:\d[\d.]*)(?=\b)|\b(?:19|20)\d\d\b"
)


@dataclass(frozen=True)
class Finding:
    """Something that a page should say otherwise: what is wrong, and the words."""

    what: str
    text: str


def prose(page: str) -> list[str]:
    """Return the paragraphs and list items of a page in Markdown: no code, tables, headings, links' targets or HTML."""
    page = re.sub(r"^(```|~~~).*?^\1[^\n]*$", "", page, flags=re.MULTILINE | re.DOTALL)
    page = re.sub(r"<p class=\"equation\">.*?</p>", "", page, flags=re.DOTALL)
    page = re.sub(r"<!--.*?-->|<[^>]+>", "", page, flags=re.DOTALL)
    page = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", page)
    blocks, lines = [], []
    for line in [*page.splitlines(), ""]:
        bare = line.strip()
        if not bare or bare.startswith(("#", "|", ">", "    ")) or re.match(r"([-*]|\d+\.) ", bare):
            blocks.append(" ".join(lines))
            lines = []
        if bare and not bare.startswith(("#", "|")) and not line.startswith("    "):
            lines.append(re.sub(r"^([-*>]|\d+\.) ", "", bare))
    return [block for block in blocks if block]


def sentences(page: str) -> list[str]:
    """Return the sentences of a page's prose; code between backquotes counts as one word."""
    plain = [re.sub(r"`[^`]*`", "CODE", block) for block in prose(page)]
    parts = [part for block in plain for part in re.split(r"(?<=[.!?:])[\"')*]*\s+", block)]
    return [part for part in parts if part.strip("*_ ")]


def long_sentences(page: str) -> list[Finding]:
    """Return the sentences of a page with too many words or too many numbers."""
    found = []
    for sentence in sentences(page):
        words = len(re.findall(r"[\w'’²-]+", sentence))
        numbers = len(re.findall(r"(?<![\w.])[-−]?\d[\d,.]*", _NAMES.sub("", sentence)))
        if words > WORDS:
            found.append(Finding(f"{words} words", sentence))
        elif numbers > NUMBERS:
            found.append(Finding(f"{numbers} numbers", sentence))
    return found


def unwanted(page: str) -> list[Finding]:
    """Return what a page should not say at all."""
    text = "\n".join(prose(page))
    return [
        Finding(what, text[max(0, match.start() - 30) : match.end() + 30])
        for what, pattern in UNWANTED.items()
        for match in re.finditer(pattern, text)
    ]
