"""Judge the papers' claims on the scores of a study (CSV); see `outofsample.report.verdicts`."""

import argparse
from pathlib import Path

from outofsample.errors import run_script
from outofsample.files.history import read_steps
from outofsample.files.scores import read_scores
from outofsample.jobs.claims import ClaimsSpec
from outofsample.report.claims import read_claims
from outofsample.report.claims_table import write_verdicts
from outofsample.report.verdicts import judge


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="JSON of a ClaimsSpec; - is the standard input")
    parser.add_argument("--scores", type=Path, nargs="+", required=True, help="scores/T.csv of each task")
    parser.add_argument("--histories", nargs="*", default=[], help="models/T/MODEL/history_B.csv of its trainings")
    parser.add_argument("--claims", type=Path, required=True, help="docs/claims.yaml")
    parser.add_argument("--output", type=Path, required=True, help="table of verdicts to write (CSV)")
    args = parser.parse_args()
    spec, claims = ClaimsSpec.read(args.spec), read_claims(args.claims)
    write_verdicts(claims, judge(claims, spec, read_scores(args.scores), read_steps(args.histories)), args.output)


if __name__ == "__main__":
    run_script(main)
