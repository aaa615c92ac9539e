"""The report in headless Chromium, opened from the disk: it shows all, asks for nothing, fits a phone and paper."""

import base64

import pytest

from tests.browser.chromium import Tab

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


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
    tab.evaluate("document.querySelector('#table-wide .all').click()")
    assert tab.evaluate(OVERFLOW) <= 0
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


def test_snakemakes_report_shows_the_pages_own_picture(chromium, tab):
    other = opened_by(chromium, tab, "snakemake-report")
    other.until("document.body.innerText.includes('Figures')")
    inside = other.evaluate("document.getElementById('results').textContent")
    picture = tab.evaluate("document.querySelector('#figure-points img').src")
    assert inside.count(picture) == 1 and "outofsample-picture" not in inside


def heads(table):
    """Return JavaScript for the heads of a table."""
    return f"[...document.querySelectorAll('{table} thead th')]"


#: The methods of the first table, from top to bottom.
METHODS = "[...document.querySelectorAll('#table-t2 tbody th')].map(head => head.innerText)"


def test_a_click_on_a_head_sorts_and_a_second_one_turns_it_round(tab):
    assert tab.evaluate(METHODS) == ["Neuron editing", "No change (control)", "GAN", "CCA", "Oracle"]
    by = f"{heads('#table-t2')}.find(head => head.innerText.startsWith('spike-in r'))"
    tab.evaluate(f"{by}.querySelector('button').click()")
    # The best first; what has no number stays below.
    assert tab.evaluate(METHODS)[:2] == ["Neuron editing", "GAN"]
    assert tab.evaluate(f"{by}.getAttribute('aria-sort')") == "descending"
    tab.evaluate(f"{by}.querySelector('button').click()")
    assert tab.evaluate(METHODS)[:2] == ["GAN", "Neuron editing"]
    assert tab.evaluate(f"{heads('#table-t2')}.map(head => head.getAttribute('aria-sort')).filter(Boolean)") == [
        "ascending"
    ]


def test_the_keyboard_sorts_too(tab):
    tab.evaluate("document.querySelector('#table-t2 thead button').focus()")
    tab.press("Enter", "\r")
    assert tab.evaluate(METHODS) == sorted(tab.evaluate(METHODS))
    tab.press(" ", " ")
    assert tab.evaluate(METHODS) == sorted(tab.evaluate(METHODS), reverse=True)


def test_further_scores_unfold(tab):
    shown = f"{heads('#table-wide')}.filter(head => head.offsetWidth).length"
    # The method and the three scores that decide.
    assert tab.evaluate(shown) == 4
    tab.evaluate("document.querySelector('#table-wide .all').focus()")
    tab.press(" ", " ")
    assert tab.evaluate(shown) == 16


def test_a_plot_stands_beside_each_table_and_can_be_read(tab):
    plots = "[...document.querySelectorAll('svg.dots')]"
    assert tab.evaluate(f"{plots}.length") == 3
    sizes = tab.evaluate(
        f"{plots}.flatMap(plot => [...plot.querySelectorAll('text')].map(text => text.getBoundingClientRect().height))"
    )
    assert min(sizes) >= 8
    assert tab.evaluate(f"{plots}.every(plot => plot.getBoundingClientRect().right <= innerWidth)")


def test_a_link_opens_what_is_folded(tab):
    tab.evaluate("document.querySelector('#summary details').open = false")
    tab.evaluate("document.querySelector('#summary details table').id = 'folded'")
    tab.evaluate("location.hash = '#folded'")
    tab.until("document.querySelector('#summary details').open")


def test_pages_on_own_data_open(chromium, tab):
    other = opened_by(chromium, tab, "own-task-mine_changes")
    assert other.evaluate("document.body.innerText").strip() == "what changed"


def test_an_old_browser_says_what_is_missing(tab):
    tab.evaluate("delete window.DecompressionStream")
    tab.evaluate("document.querySelector('[data-opens=snakemake-report]').click()")
    assert "too old" in tab.evaluate("document.querySelector('#snakemake [role=status]').textContent")


def test_paper_has_no_buttons_and_shows_whole_tables(tab):
    tab.call("Emulation.setEmulatedMedia", media="print")
    assert tab.evaluate("[...document.querySelectorAll('button:not(.sorts)')].every(button => !button.offsetHeight)")
    assert tab.evaluate(
        "[...document.querySelectorAll('.scroll')].every(e => getComputedStyle(e).overflow === 'visible')"
    )
    assert tab.evaluate("document.querySelector('.printed').offsetHeight") > 0
    # Heads are read on paper too, and so is every score.
    assert tab.evaluate(f"{heads('#table-wide')}.every(head => head.innerText.trim() && head.offsetWidth)")
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(tab, scheme):
    tab.prefer(scheme)
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor === 'rgb(255, 255, 255)'") == (
        scheme == "light"
    )
    contrasts = tab.evaluate(CONTRASTS)
    assert len(contrasts) > 100 and min(contrasts) >= 4.5
