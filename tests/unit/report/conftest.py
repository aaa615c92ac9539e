"""The page of a small study, and the scores of a small table."""

import pytest

from outofsample.files.scores import write_scores
from tests.browser.study import SmallStudy
from tests.unit.report.html_page import Page
from tests.unit.report.small_table import ROWS


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    written = SmallStudy(tmp_path_factory.mktemp("small"), own="<!DOCTYPE html><p>what changed</p>").write()
    made = written.make()
    assert made.returncode == 0, made.stderr
    return written


@pytest.fixture(scope="session")
def page(small):
    return Page(small.page.read_text())


@pytest.fixture
def scores(tmp_path):
    write_scores(ROWS, tmp_path / "dengue.csv")
    return tmp_path / "dengue.csv"
