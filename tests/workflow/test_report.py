"""The report of the smoke study: made from what its run left, once, and whole in a browser."""

import subprocess
import sys

import pytest

from tests.browser.chromium import CannotRun, Chromium

COMMAND = [sys.executable, "scripts/make_report.py", "--study", "studies/smoke.yaml"]


def make(workflow) -> str:
    """Make the report and return what is said."""
    made = subprocess.run(COMMAND, cwd=workflow.folder, capture_output=True, text=True, timeout=600)
    assert made.returncode == 0, made.stdout + made.stderr
    return made.stdout


@pytest.fixture(scope="module")
def report(smoke):
    make(smoke)
    return smoke.path("report.html")


def test_a_second_call_makes_nothing(smoke, report):
    made = report.stat().st_mtime_ns
    assert make(smoke) == "" and report.stat().st_mtime_ns == made


def test_it_has_all_tables_figures_and_rules_of_the_study(smoke, report):
    text = report.read_text()
    for path in sorted(smoke.path("tables").glob("*.csv")):
        assert f'id="table-{path.stem}"' in text
    for path in sorted(smoke.path("figures").glob("*.png")):
        assert f'id="figure-{path.stem}"' in text
        assert f"snakemake --cores all {path.stem} --configfile studies/smoke.yaml" in text
    for folder in smoke.path("benchmarks").iterdir():
        assert folder.stem == "make_page" or f'<th scope="row">{folder.stem}</th>' in text
    # The smoke study is on stand-ins: nothing can be reproduced.
    assert 'class="verdict not-comparable"' in text
    assert 'class="verdict reproduced"' not in text and 'class="verdict not-reproduced"' not in text


def test_it_shows_in_a_browser(smoke, report):
    try:
        with Chromium() as chromium:
            tab = chromium.open(report, width=390, phone=True)
            assert tab.problems() == [] and tab.requests() == [report.resolve().as_uri()]
            assert tab.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
            assert tab.evaluate("document.images.length") == len(list(smoke.path("figures").glob("*.png")))
            assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    except CannotRun as reason:
        pytest.skip(str(reason))
