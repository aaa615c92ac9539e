"""Make one table from the scores of its tasks; see `outofsample.report.tables`."""

import argparse
from pathlib import Path

from outofsample.errors import run_script
from outofsample.files.scores import read_scores
from outofsample.report.tables import read_paper_values, read_spec, tidy_table, write_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=Path, nargs="+", required=True, help="scores/T.csv of each task")
    parser.add_argument("--table", required=True, help="name of the table, for example ne2020_table2")
    parser.add_argument("--spec", required=True, help="what the table shows: JSON, or a file with it")
    parser.add_argument("--paper-values", type=Path, required=True, help="docs/paper_values.csv")
    parser.add_argument("--output-csv", type=Path, required=True)
    parser.add_argument("--output-md", type=Path, required=True)
    parser.add_argument("--output-tex", type=Path, required=True)
    args = parser.parse_args()
    spec = read_spec(args.spec)
    tidy = tidy_table(args.table, spec, read_scores(args.scores), read_paper_values(args.paper_values))
    write_table(tidy, spec, args.output_csv, args.output_md, args.output_tex)


if __name__ == "__main__":
    run_script(main)
