"""The whole report: made once, again only when something is newer, and what is said where it cannot be."""

import os
import shutil

import pytest

import make_report
from outofsample.errors import UserError
from outofsample.report import whole_report
from tests.conftest import ROOT


@pytest.fixture
def project(tmp_path, monkeypatch, small):
    """A project with a finished study 'mine' whose Snakemake writes a short report; returns folder and calls."""
    for name in ("rules/a.smk", "report/about.rst", "Snakefile"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "mine.yaml").write_text("study: mine\n")
    (tmp_path / "results" / "mine").mkdir(parents=True)
    shutil.copy(small.page, tmp_path / "results" / "mine" / "page.html")
    calls = []

    def run_snakemake(root, report, options):
        calls.append(options)
        report.write_text("<head></head>Snakemake")

    monkeypatch.setattr(make_report, "ROOT", tmp_path)
    monkeypatch.setattr(whole_report, "run_snakemake", run_snakemake)
    monkeypatch.setattr("sys.argv", ["make_report.py", "--study", str(tmp_path / "mine.yaml")])
    return tmp_path, calls


def test_a_report_is_made_again_only_when_something_is_newer(project):
    folder, calls = project
    report = folder / "results" / "mine" / "report.html"
    make_report.main()
    assert calls == [["--configfile", "studies/small.yaml"]] and 'id="snakemake-report"' in report.read_text()
    make_report.main()
    assert len(calls) == 1
    for name in ("results/mine/page.html", "rules/a.smk", "report/about.rst", "Snakefile", "mine.yaml"):
        later = report.stat().st_mtime + 5
        os.utime(folder / name, (later, later))
        assert not whole_report.is_fresh(folder, report, report.with_name("page.html"), folder / "mine.yaml"), name
        os.utime(report, (later, later))
    make_report.main()
    assert len(calls) == 1


def test_a_study_that_was_not_run_says_how_to_run_it(project):
    folder, _ = project
    (folder / "results" / "mine" / "page.html").unlink()
    with pytest.raises(UserError, match=r"snakemake --cores all --configfile .*mine\.yaml"):
        make_report.main()


def test_what_snakemake_says_is_told_where_it_fails(tmp_path):
    (tmp_path / "Snakefile").write_text("rule all:\n    input: 'nowhere'\n")
    with pytest.raises(UserError, match="Snakemake could not write its report:"):
        whole_report.run_snakemake(ROOT, tmp_path / "report.html", ["--snakefile", str(tmp_path / "Snakefile")])
