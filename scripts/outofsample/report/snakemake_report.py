"""Snakemake's own report within the page, and the options of Snakemake that the page was made with."""

import base64
import html
import json
import re
from pathlib import Path

from outofsample.errors import UserError
from outofsample.report.attachments import packed, read_text

#: Between these `embed` puts Snakemake's report.
MARKS = ("<!-- Snakemake's report: begins -->", "<!-- Snakemake's report: ends -->")
#: A picture within Snakemake's report, and what stands in its place there: the page puts in its own when it opens it.
_PICTURE = re.compile(r"data:image/png;[^,;]*;filename=([^;,]+)\.png;base64,[A-Za-z0-9+/=]+")
_PLACE = "outofsample-picture:{}:"
#: A page on data of the user's own within Snakemake's report.
_OWN = re.compile(r"data:text/html;[^,;]*;filename=([^;,]+_changes\.html);base64,[A-Za-z0-9+/=]+")
#: What stands in its place where the page carries it.
_ELSEWHERE = "<!DOCTYPE html><html lang='en'><title>{0}</title><p>{0}: see ‘Your own data’ in the study’s report.</p>"
#: Snakemake's buttons are links to '#', which browsers refuse to follow in a page that was unpacked into memory.
_NO_HASH = """<script>addEventListener("click", event => {
  if (event.target.closest('a[href="#"]')) event.preventDefault();
}, true);</script>"""
_OPTIONS = re.compile(r'<meta name="snakemake-options" content="([^"]*)">')


def read_options(page: Path) -> list[str]:
    """Return the options of Snakemake that a page was made with.

    Raises
    ------
    UserError
        If the file cannot be read, or is no page that `render` wrote.
    """
    found = _OPTIONS.search(read_text(page))
    if not found:
        raise UserError(f"{page}: this is not a page that make_page.py wrote.")
    return json.loads(html.unescape(found[1]))


def without_what_is_there(report: str, page: str) -> str:
    """Return Snakemake's report without the pictures and own pages that the page has.

    `page.js` puts the page's pictures into it; in place of an own page it says where that is.
    So a file holds each once.
    """

    def named(found: re.Match) -> str:
        if f'data-name="{found[1]}"' not in page:
            return found[0]
        text = _ELSEWHERE.format(html.escape(found[1])).encode()
        return f"data:text/html;charset=utf-8;filename={found[1]};base64,{base64.b64encode(text).decode()}"

    def replaced(found: re.Match) -> str:
        return _PLACE.format(found[1]) if f'<figure id="figure-{found[1]}">' in page else found[0]

    return _OWN.sub(named, _PICTURE.sub(replaced, report))


def embed(page: str, report: Path) -> str:
    """Return the page with Snakemake's own report inside.

    Raises
    ------
    UserError
        If the page has no place for it.
    """
    before, begins, rest = page.partition(MARKS[0])
    _, ends, after = rest.partition(MARKS[1])
    if not begins or not ends:
        raise UserError("the page has no place for Snakemake's report: make_page.py did not write it.")
    inner = without_what_is_there(read_text(report), page).replace("<head>", f"<head>{_NO_HASH}", 1)
    inside = (
        '<p><button type="button" data-opens="snakemake-report">Open Snakemake’s report</button> '
        '<span role="status"></span></p>\n'
        f'<script type="text/plain" id="snakemake-report" data-name="snakemake_report.html">{packed(inner)}</script>'
    )
    return f"{before}{MARKS[0]}\n{inside}\n{MARKS[1]}{after}"
