"""Write the first page of a study's report (HTML) from its finished files; see `outofsample.report.page`."""

import argparse
from pathlib import Path

from outofsample.errors import run_script
from outofsample.jobs.page import PageSpec


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="JSON of a PageSpec; - is the standard input")
    parser.add_argument("--scores", type=Path, nargs="+", required=True, help="scores/T.csv of each task")
    parser.add_argument(
        "--datasets", type=Path, nargs="*", default=[], help="datasets/D.h5ad of those that are fetched"
    )
    parser.add_argument("--tables", type=Path, nargs="*", default=[], help="tables/NAME.csv of each table")
    parser.add_argument("--figures", type=Path, nargs="*", default=[], help="figures/NAME.png of each figure")
    parser.add_argument("--own", type=Path, nargs="*", default=[], help="pages on what changed in the user's own data")
    parser.add_argument("--predictions", type=Path, nargs="*", default=[], help="predictions of the user's own data")
    parser.add_argument("--histories", type=Path, nargs="*", default=[], help="models/T/MODEL/history_B.csv")
    parser.add_argument("--benchmarks", type=Path, required=True, help="folder with a TSV per job")
    parser.add_argument("--paper-values", type=Path, required=True, help="docs/paper_values.csv")
    parser.add_argument("--claims", type=Path, required=True, help="docs/claims.yaml")
    parser.add_argument("--output", type=Path, required=True, help="page to write")
    arguments = vars(parser.parse_args())
    spec, output = PageSpec.read(arguments.pop("spec")), arguments.pop("output")

    from outofsample.report.page import Files, write_page

    write_page(spec, Files(**arguments), output)


if __name__ == "__main__":
    run_script(main)
