"""The whole report of a finished study: its own page with Snakemake's report inside."""

import subprocess
import sys
import tempfile
from pathlib import Path

from outofsample.errors import UserError
from outofsample.files.writing import replacing
from outofsample.report.attachments import read_text
from outofsample.report.snakemake_report import embed, read_options


def write_report(root: Path, study: Path, name: str) -> Path | None:
    """Write ``results/NAME/report.html``; return its path, or None where it is newer than all that it shows.

    Parameters
    ----------
    root
        Folder of the Snakefile.
    study
        File of the study.
    name
        Name of the study.

    Raises
    ------
    UserError
        If the study has no page yet, or Snakemake cannot write its report.
    """
    page, report = (root / "results" / name / file for file in ("page.html", "report.html"))
    if not page.exists():
        demo = study.resolve() == root / "config.yaml"
        again = "snakemake --cores all" + ("" if demo else f" --configfile {study}")
        raise UserError(f"{page}: the study has not been run to its end; this does it: {again}")
    if is_fresh(root, report, page, study):
        return None
    with tempfile.TemporaryDirectory() as temporary:
        inner = Path(temporary) / "report.html"
        run_snakemake(root, inner, read_options(page))
        text = embed(read_text(page), inner)
    with replacing(report) as written:
        written.write_text(text, encoding="utf-8")
    return report


def is_fresh(root: Path, report: Path, page: Path, study: Path) -> bool:
    """Whether a report is newer than all that it shows: the page is newer than all results."""
    if not report.exists():
        return False
    shown = [page, study, root / "Snakefile", *(root / "rules").glob("*.smk"), *(root / "report").iterdir()]
    return all(path.stat().st_mtime <= report.stat().st_mtime for path in shown)


def run_snakemake(root: Path, report: Path, options: list[str]) -> None:
    """Let Snakemake write its report.

    Raises
    ------
    UserError
        If it cannot; the message ends with what it said.
    """
    command = [sys.executable, "-m", "snakemake", "--report", str(report), *options]
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode or not report.exists():
        raise UserError(f"Snakemake could not write its report:\n{done.stdout[-4000:].strip()}")
