"""A browser for as long as the tests of one file run, and a report to open in it."""

import subprocess
import sys

import pytest

from outofsample.jobs.table import ColumnSpec, TableSpec
from outofsample.metrics.directions import DIRECTIONS
from outofsample.report.snakemake_report import embed
from tests.browser.chromium import CannotRun, Chromium
from tests.browser.study import TABLE, SmallStudy

SNAKEFILE = """
report: "about.rst"
rule all:
    input: "points.txt", "lines.txt", "points.png"
rule points:
    output:
        report("points.txt", category="Points", caption="points.rst", labels={"what": "three points"}),
        report("lines.txt", category="Lines", caption="points.rst"),
    shell: "echo 1 2 3 | tee {output}"
rule picture:
    output: report("points.png", category="Figures", caption="points.rst", labels={"figure": "points"})
    run:
        from PIL import Image
        Image.new("L", (30, 20)).save(output[0])
"""
#: As many columns as the widest table of the demo.
COLUMNS = tuple(ColumnSpec(score, f"a long name: {score}", better) for score, better in list(DIRECTIONS.items())[:14])
WIDE = TableSpec("wide", "A wide table", COLUMNS, methods=(), tasks=("dengue",))


@pytest.fixture(scope="session")
def chromium():
    """Headless Chromium; skips where there is none and none can be installed."""
    try:
        with Chromium() as running:
            yield running
    except CannotRun as reason:
        pytest.skip(str(reason))


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
