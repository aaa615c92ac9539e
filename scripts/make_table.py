"""Make one table from the scores of its tasks; see `outofsample.report.tables`."""

import argparse
from pathlib import Path

from outofsample.errors import run_script
from outofsample.files.scores import read_scores
from outofsample.jobs.table import TableSpec
from outofsample.report.paper_values import read_paper_values
from outofsample.report.table_formats import write_table
from outofsample.report.tables import tidy_table


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="JSON of a TableSpec; - is the standard input")
    parser.add_argument("--scores", type=Path, nargs="+", required=True, help="scores/T.csv of each task")
    parser.add_argument("--paper-values", type=Path, required=True, help="docs/paper_values.csv")
    parser.add_argument("--output-csv", type=Path, required=True, help="tidy rows to write")
    parser.add_argument("--output-md", type=Path, required=True, help="the same as Markdown")
    parser.add_argument("--output-tex", type=Path, required=True, help="the same as LaTeX")
    args = parser.parse_args()
    spec = TableSpec.read(args.spec)
    tidy = tidy_table(spec, read_scores(args.scores), read_paper_values(args.paper_values))
    write_table(tidy, spec, args.output_csv, args.output_md, args.output_tex)


if __name__ == "__main__":
    run_script(main)
