"""Write results/STUDY/report.html of a finished study: its own first page with Snakemake's report inside."""

import argparse
from pathlib import Path

from outofsample.errors import run_script

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", type=Path, default=ROOT / "config.yaml", help="the study's file; default: the demo")
    study = parser.parse_args().study

    from outofsample.report.whole_report import write_report
    from outofsample.study.load import read_yaml

    report = write_report(ROOT, study, str(read_yaml(study).get("study")))
    if report:
        print(report.relative_to(ROOT))


if __name__ == "__main__":
    run_script(main)
