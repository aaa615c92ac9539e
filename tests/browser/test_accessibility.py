"""The report for all eyes and hands: axe-core finds nothing, in light and dark, on a desk and on a phone."""

import pytest

from tests.browser.axe import examine, install
from tests.browser.chromium import CannotRun
from tests.unit.own import test_changes as own

UNFOLD = (
    "document.querySelectorAll('details').forEach(each => each.open = true), "
    "document.querySelectorAll('.all').forEach(each => each.click())"
)


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """The script of axe-core; skips where npm cannot get it."""
    try:
        return install(tmp_path_factory.mktemp("axe"))
    except CannotRun as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1300, 400])
def test_axe_finds_nothing(chromium, report, axe, width, scheme):
    tab = chromium.open(report, width=width, phone=width == 400)
    tab.prefer(scheme)
    for unfolded in (False, True):
        if unfolded:
            tab.evaluate(UNFOLD)
        found = examine(tab, axe)
        assert found["violations"] == [] and found["passes"] > 20
    chromium.call("Target.closeTarget", targetId=tab.target)


@pytest.fixture(scope="session")
def own_page(tmp_path_factory):
    """The page of what a method changed in one's own cells, an expectation for one query, none for the other."""
    folder = tmp_path_factory.mktemp("own")
    own.write_table(folder / "mine")
    held_out = {"patient_a": own.held_out(), "patient_b": own.HeldOut.none(3, "one control alone")}
    own.report(folder, own.run(folder, held_out=held_out)[1])
    return folder / "mine.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1300, 400])
def test_axe_finds_nothing_on_a_page_of_own_data(chromium, own_page, axe, width, scheme):
    tab = chromium.open(own_page, width=width, phone=width == 400)
    tab.prefer(scheme)
    dark = "matchMedia('(prefers-color-scheme: dark)').matches"
    lightness = "Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])"
    assert tab.evaluate(dark) == (scheme == "dark") and (tab.evaluate(lightness) < 60) == (scheme == "dark")
    found = examine(tab, axe)
    assert found["violations"] == [] and found["passes"] > 15
    chromium.call("Target.closeTarget", targetId=tab.target)


def test_axe_would_find_something(chromium, axe, tmp_path):
    page = tmp_path / "bad.html"
    page.write_text('<!DOCTYPE html><title>x</title><img src="data:,"><p style="color: #bbb">pale</p>')
    found = examine(chromium.open(page), axe)
    assert {one.split(",")[0] for one in found["violations"]} >= {"color-contrast", "html-has-lang", "image-alt"}
