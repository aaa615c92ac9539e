"""Write results/STUDY/report.html of a finished study: its own first page with Snakemake's report inside."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from outofsample.errors import UserError, run_script

ROOT = Path(__file__).resolve().parents[1]


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", type=Path, default=ROOT / "config.yaml", help="the study's file; default: the demo")
    return parser.parse_args()


def is_fresh(report: Path, page: Path, study: Path) -> bool:
    """Whether a report is newer than all that it shows: the page is newer than all results."""
    if not report.exists():
        return False
    shown = [page, study, ROOT / "Snakefile", *(ROOT / "rules").glob("*.smk"), *(ROOT / "report").iterdir()]
    return all(path.stat().st_mtime <= report.stat().st_mtime for path in shown)


def run_snakemake(report: Path, options: list[str]) -> None:
    """Let Snakemake write its report.

    Raises
    ------
    UserError
        If it cannot; the message ends with what it said.
    """
    command = [sys.executable, "-m", "snakemake", "--report", str(report), *options]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode or not report.exists():
        raise UserError(f"Snakemake could not write its report:\n{done.stdout[-4000:].strip()}")


def main() -> None:
    """Run the command line."""
    study = parse_arguments().study

    from outofsample.files.writing import replacing
    from outofsample.report import page as report_page
    from outofsample.study.load import read_yaml

    folder = ROOT / "results" / str(read_yaml(study).get("study"))
    page, report = folder / "page.html", folder / "report.html"
    if not page.exists():
        demo = study.resolve() == ROOT / "config.yaml"
        again = "snakemake --cores all" + ("" if demo else f" --configfile {study}")
        raise UserError(f"{page}: the study has not been run to its end; this does it: {again}")
    if is_fresh(report, page, study):
        return
    with tempfile.TemporaryDirectory() as temporary:
        inner = Path(temporary) / "report.html"
        run_snakemake(inner, report_page.read_options(page))
        text = report_page.embed(report_page.read(page), inner)
    with replacing(report) as written:
        written.write_text(text, encoding="utf-8")
    print(report.relative_to(ROOT))


if __name__ == "__main__":
    run_script(main)
