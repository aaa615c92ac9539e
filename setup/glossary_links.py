"""A hook of MkDocs: the first mention of a term on each page leads to its place in the glossary.

Terms are the headings of ``docs/glossary.md``; several in one heading are parted by commas. Pages stay plain Markdown,
and a new term is linked everywhere without an edit.
"""

import posixpath
import re
from functools import cache
from pathlib import Path

from markdown.extensions.toc import slugify

GLOSSARY = "glossary.md"
#: What is left as it is: code blocks, headings, tables, HTML, code, links and images.
_KEPT = re.compile(
    r"^(?:```|~~~).*?^(?:```|~~~)[^\n]*$|^#[^\n]*$|^\|[^\n]*$|^ {4}[^\n]*$"
    r"|<!--.*?-->|<[^>]+>|`[^`]*`|!?\[[^\]]*\]\([^)]*\)",
    re.MULTILINE | re.DOTALL,
)


@cache
def terms(docs: str) -> dict[str, str]:
    """Return the anchor of each term, longest term first: 'batch corrector' before 'batch'."""
    headings = re.findall(r"^## (.+)$", (Path(docs) / GLOSSARY).read_text(encoding="utf-8"), re.MULTILINE)
    found = {term.strip(): slugify(heading, "-") for heading in headings for term in heading.split(",")}
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))


def linked(markdown: str, page: str, docs: str) -> str:
    """Return a page with the first mention of each term as a link.

    Parameters
    ----------
    markdown
        Text of the page.
    page
        Its path below ``docs``, as ``tutorials/reader.md``.
    docs
        Folder with the glossary.
    """
    target = posixpath.relpath(GLOSSARY, posixpath.dirname(page) or ".")
    anchors = dict(terms(docs))
    parts, end = [], 0
    for kept in _KEPT.finditer(markdown):
        parts += [(True, markdown[end : kept.start()]), (False, kept.group())]
        end = kept.end()
    parts.append((True, markdown[end:]))
    return "".join(_with_links(text, anchors, target) if prose else text for prose, text in parts)


def _with_links(text: str, anchors: dict[str, str], target: str) -> str:
    """Link the terms that are still to be linked; they are taken out of ``anchors``."""
    if not anchors:
        return text
    first = {term.lower(): term for term in anchors}
    pattern = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, anchors))})(s?)(?![\w-])", re.IGNORECASE)

    def link(match: re.Match) -> str:
        term = first.pop(match[1].lower(), None)
        return f"[{match.group()}]({target}#{anchors.pop(term)})" if term else match.group()

    return pattern.sub(link, text)


def on_page_markdown(markdown: str, page, config, files) -> str:
    """Link the terms of every page but the glossary itself (called by MkDocs)."""
    path = page.file.src_uri
    return markdown if path == GLOSSARY else linked(markdown, path, config["docs_dir"])
