"""The report in headless Chromium, opened from the disk: it shows all, asks for nothing, fits a phone and paper."""

import base64
import subprocess
import sys

import pytest

from outofsample.jobs.table import ColumnSpec, TableSpec
from outofsample.report.snakemake_report import embed
from tests.browser.chromium import Tab
from tests.browser.study import TABLE, SmallStudy

SNAKEFILE = """
report: "about.rst"
rule all:
    input: "points.txt", "lines.txt"
rule points:
    output:
        report("points.txt", category="Points", caption="points.rst", labels={"what": "three points"}),
        report("lines.txt", category="Lines", caption="points.rst"),
    shell: "echo 1 2 3 | tee {output}"
"""
#: As many columns as the widest table of the demo.
COLUMNS = tuple(ColumnSpec("spike_in_r", f"spike-in r, {number}", "high") for number in range(14))
WIDE = TableSpec("wide", "A wide table", COLUMNS, methods=(), tasks=("dengue",))
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="session")
def snakemakes(tmp_path_factory):
    """A report that Snakemake wrote."""
    folder = tmp_path_factory.mktemp("snakemake")
    (folder / "Snakefile").write_text(SNAKEFILE)
    (folder / "about.rst").write_text("All about **points**.")
    (folder / "points.rst").write_text("Three points.")
    for arguments in (["--cores", "1"], ["--report", "report.html"]):
        command = [sys.executable, "-m", "snakemake", *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-3000:]
    return folder / "report.html"


@pytest.fixture(scope="session")
def report(tmp_path_factory, snakemakes):
    """A report as `make_report.py` joins it, of a study with a wide table, figures and own data."""
    content = {"tables": {"t2": TABLE, "wide": WIDE}}
    own = "<!DOCTYPE html><title>changes</title><p>what changed</p>"
    small = SmallStudy(tmp_path_factory.mktemp("a report"), content, own=own).write()
    made = small.make()
    assert made.returncode == 0, made.stderr
    path = small.folder / "report.html"
    path.write_text(embed(small.page.read_text(), snakemakes))
    return path


@pytest.fixture(params=[1280, 390], ids=["desk", "phone"])
def tab(request, chromium, report):
    """The report in a window as on a desk and on a phone."""
    tab = chromium.open(report, width=request.param, phone=request.param < 400)
    yield tab
    chromium.call("Target.closeTarget", targetId=tab.target)


def opened_by(chromium, tab, button):
    """Click a button and return the tab that it opens."""
    before = set(chromium.tabs())
    tab.evaluate(f"document.querySelector('[data-opens={button}]').click()")
    tab.until(f"document.querySelector('[data-opens={button}]').parentElement.querySelector('[role=status] a')")
    (new,) = set(chromium.tabs()) - before
    other = Tab(chromium, new)
    other.until("location.protocol === 'blob:' && document.readyState === 'complete'")
    return other


def test_it_opens_without_complaints_and_without_network(tab, report):
    assert tab.evaluate("document.title") == "Report of the study small"
    assert tab.problems() == []
    assert tab.requests() == [report.resolve().as_uri()]


def test_the_tests_would_see_complaints_and_requests(chromium, tmp_path):
    page = tmp_path / "bad.html"
    page.write_text('<!DOCTYPE html><script src="missing.js"></script><script>console.error("no"); lost()</script>')
    tab = chromium.open(page)
    assert len(tab.problems()) >= 3
    assert any(address.endswith("missing.js") for address in tab.requests())


def test_every_picture_shows(tab):
    assert tab.evaluate("document.images.length") == 2
    assert tab.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert tab.evaluate("[...document.images].every(image => image.getBoundingClientRect().width > 200)")


def test_every_link_leads_to_something_that_can_be_seen(tab):
    links = "[...document.querySelectorAll('a[href]')].map(link => link.getAttribute('href'))"
    assert len(tab.evaluate(links)) >= 10
    missing = f"{links}.filter(link => !link.startsWith('#') || !document.querySelector(link)?.offsetHeight)"
    assert tab.evaluate(missing) == []


def test_the_page_never_scrolls_sideways_and_wide_tables_do_in_their_box(tab):
    assert tab.evaluate(OVERFLOW) <= 0
    wide = "document.querySelector('#table-wide .scroll')"
    assert tab.evaluate(f"{wide}.scrollWidth - {wide}.clientWidth") > 100
    # The name of the method stays in sight.
    assert tab.evaluate(f"{wide}.scrollLeft = 400, {wide}.querySelector('tbody th').getBoundingClientRect().left >= 0")


def test_snakemakes_report_opens_and_shows_its_content(chromium, tab):
    other = opened_by(chromium, tab, "snakemake-report")
    other.until("document.body.innerText.includes('All about points')")
    assert other.evaluate("document.title") == "Snakemake Report"
    # A category leads to its results.
    other.evaluate("[...document.querySelectorAll('a')].find(link => link.innerText.includes('Points')).click()")
    other.until("document.body.innerText.includes('three points')")
    assert [problem for problem in other.problems() if not problem.startswith("console.warning")] == []
    assert other.requests() == []
    assert tab.problems() == []


def test_pages_on_own_data_open(chromium, tab):
    other = opened_by(chromium, tab, "own-task-mine_changes")
    assert other.evaluate("document.body.innerText").strip() == "what changed"


def test_an_old_browser_says_what_is_missing(tab):
    tab.evaluate("delete window.DecompressionStream")
    tab.evaluate("document.querySelector('[data-opens=snakemake-report]').click()")
    assert "too old" in tab.evaluate("document.querySelector('#snakemake [role=status]').textContent")


def test_paper_has_no_buttons_and_shows_whole_tables(tab):
    tab.call("Emulation.setEmulatedMedia", media="print")
    assert tab.evaluate("[...document.querySelectorAll('button')].every(button => !button.offsetHeight)")
    assert tab.evaluate(
        "[...document.querySelectorAll('.scroll')].every(e => getComputedStyle(e).overflow === 'visible')"
    )
    assert tab.evaluate("document.querySelector('.printed').offsetHeight") > 0
    pdf = base64.b64decode(tab.call("Page.printToPDF", preferCSSPageSize=True)["data"])
    assert pdf.startswith(b"%PDF") and len(pdf) > 20_000


#: The contrast of each element's text and what is behind it, by WCAG 2.
CONTRASTS = """(() => {
  const channel = v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = colour => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(v => channel(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if (!colour.endsWith(", 0)")) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.body.querySelectorAll("*")]
    .filter(e => e.offsetHeight && [...e.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    .map(e => [light(getComputedStyle(e).color), light(behind(e))].sort((a, b) => b - a))
    .map(([a, b]) => (a + 0.05) / (b + 0.05));
})()"""


def test_text_stands_out_from_what_is_behind_it(tab):
    contrasts = tab.evaluate(CONTRASTS)
    assert len(contrasts) > 100 and min(contrasts) >= 4.5
