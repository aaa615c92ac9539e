"""Documentation: the site builds with strict links and loads nothing from elsewhere; generated pages fit the code."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

import outofsample
from outofsample import registry
from outofsample.errors import UserError
from outofsample.study import reference
from outofsample.study.load import read_study
from tests.conftest import ROOT

#: Attributes by which a page makes a browser fetch something; links of the reader (``a``) are not among them.
FETCHED = {
    ("script", "src"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("link", "href"),
    ("object", "data"),
}
#: Relations of ``link`` that name something and fetch nothing.
NAMES = {"canonical", "next", "prev", "alternate"}
ELSEWHERE = re.compile(r"(https?:)?//")
HAND_WRITTEN = [
    path
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if path not in (reference.CONFIGURATION, reference.ENTRIES, reference.PYTHON)
]


class Fetches(HTMLParser):
    """Collects the addresses that a browser fetches for a page."""

    def __init__(self):
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "link" and values.get("rel") in NAMES:
            return
        self.addresses += [value for name, value in attrs if (tag, name) in FETCHED and value]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built as `make docs` does."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_pages_load_nothing_from_elsewhere(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 10
    for page in pages:
        fetches = Fetches()
        fetches.feed(page.read_text())
        assert fetches.addresses, page
        assert not [address for address in fetches.addresses if ELSEWHERE.match(address)], page


def test_style_sheets_and_scripts_load_nothing_from_elsewhere(site):
    for sheet in site.rglob("*.css"):
        assert not re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//[^)\"']+", sheet.read_text()), sheet
    # What the theme's script can fetch by itself: diagrams and the facts of a repository, which no page of ours has.
    for page in site.rglob("*.html"):
        text = page.read_text()
        assert 'class="mermaid"' not in text and 'data-md-component="source"' not in text, page


def test_every_page_has_a_title_and_stands_in_the_navigation(site):
    index = (site / "index.html").read_text()
    for source in (ROOT / "docs").rglob("*.md"):
        page = source.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
        assert re.search(rf'href="(\./)?{re.escape(page)}"', index) or page == "index.html", page
        assert source.read_text().startswith("# "), source


def test_generated_pages_are_up_to_date():
    for path, text in reference.pages().items():
        assert path.read_text() == text, f"{path}: run `make reference`"


def test_every_key_is_described():
    assert reference.undescribed() == []


def test_every_entry_is_in_the_reference():
    text = reference.ENTRIES.read_text()
    for kind, word in registry.KINDS.items():
        for name in registry.available(kind):
            assert f"\n### {word} `{name}`\n" in text


def test_every_method_has_its_section():
    text = reference.METHODS.read_text()
    sections = dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL))
    assert sorted(sections) == registry.available("methods")
    # Those that share the family's equation say in words what differs.
    families = {"pca_editing", "quantile_mapping", "cvae", "mmd_cvae", "trvae"}
    for name, section in sections.items():
        assert f"<!-- generated: facts {name} -->" in section, name
        assert 'class="equation"' in section or name in families, name
        for part in ("**Paper:** ", "**When it fails.** ", "**Beside it:** "):
            assert part in section, (name, part)


def test_an_unknown_generated_part_is_told():
    with pytest.raises(UserError, match="nobody generates 'facts nothing'"):
        reference.methods_page("<!-- generated: facts nothing -->\n<!-- end -->")


def test_the_formats_of_all_files_are_generated():
    """Each module of files/ is a format with a contract, or one of the tools that formats are written with."""
    formats = {module.__name__.rpartition(".")[2] for module in reference.FORMATS}
    modules = {path.stem for path in (ROOT / "scripts" / "outofsample" / "files").glob("*.py")}
    tools = {"__init__", "writing", "columns", "rows", "h5ad", "fcs", "fcs_text", "fcs_data", "fcs_copy", "fcs_opinion"}
    tools |= {"markers", "fetch", "limits", "h5ad_check", "tensors", "panels", "shares"}
    assert modules - formats == tools
    page = reference.ARCHITECTURE.read_text()
    assert page.count("\nWritten, read and checked by `") == len(formats)
    with pytest.raises(UserError, match=r"architecture\.md: nobody generates 'facts x'"):
        reference.architecture_page("<!-- generated: facts x -->\n<!-- end -->")


def test_types_and_defaults_in_words():
    assert reference.type_words({"type": "array", "items": {"type": "integer", "minimum": 1}}) == (
        "list (whole number, at least 1)"
    )
    assert reference.type_words({"anyOf": [{"type": "string"}, {"type": "null"}]}) == "text or `null`"
    assert reference.type_words({"enum": ["a", "b"]}) == "`a` or `b`"
    assert reference.value_words(1e-6) == "1.0e-06" and yaml.safe_load(reference.value_words(1e-6)) == 1e-6
    assert reference.value_words([500, 250]) == "[500, 250]"


def test_an_attributes_section_is_read():
    """Two names share a description; a class overrides what it says anew."""
    docstring = """Title.

    Attributes
    ----------
    one, two
        First line
        and second.
    three
        Other.
    """
    assert reference.attributes(docstring) == {
        "one": "First line and second.",
        "two": "First line and second.",
        "three": "Other.",
    }


@pytest.mark.parametrize("page", HAND_WRITTEN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_page_names_exists(page):
    text = page.read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) <= targets
    # Studies and methods that readers are told to write.
    named = set(re.findall(r"studies/\w+\.yaml", text)) - {"studies/mine.yaml", "studies/mine_network.yaml"}
    paths = re.findall(r"(?:docs|scripts|notebooks|profiles|tests|setup|benchmarks|schemas|envs)/[\w./-]*\w\.\w+", text)
    for name in named | {path for path in paths if not re.search(r"NAME|/(mine|ridge_change)\.py", path)}:
        assert (ROOT / name).is_file(), name


def test_names_of_tables_and_figures_exist():
    demo, paper = (read_study(ROOT / name) for name in ("config.yaml", "studies/paper.yaml"))
    of_demo = {*demo.tables, *demo.figures}
    # One page has a section on what the papers' sizes add.
    tutorial = ROOT / "docs" / "tutorials" / "reader.md"
    pattern = r"`?\b((?:ne2019|ne2020|trvae)_(?:fig|table|kang|haber|digits)\w*)"
    for page in (ROOT / "README.md", tutorial, ROOT / "docs" / "faq.md"):
        known = of_demo | ({*paper.tables, *paper.figures} if page == tutorial else set())
        named = set(re.findall(pattern, page.read_text()))
        assert named and named <= known, (page, named - known)


def test_citation_names_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0" and citation["version"] == outofsample.__version__
    assert all({"type", "title", "authors"} <= set(reference) for reference in citation["references"])


def test_links_of_the_readme_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)", (ROOT / "README.md").read_text())
    assert links
    for link in links:
        assert link.startswith("https://") or (ROOT / link).exists(), link
