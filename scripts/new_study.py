"""Write a study and its sample sheet for a folder of files, by a pattern of their names.

From the root:

    python scripts/new_study.py data/my_fcs --pattern "{domain}_{condition}.fcs"

{domain} is whose cells they are (a control, a patient), {condition} what changes (the batch); other names in braces
become columns of the sheet, and * stands for anything. What was understood is printed; no file is overwritten.
"""

import argparse
import os
from pathlib import Path

from outofsample.errors import UserError, run_script


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of FCS files (or h5ad, CSV, Parquet)")
    parser.add_argument("--pattern", required=True, help="their names, as '{domain}_{condition}.fcs'")
    parser.add_argument("--controls", nargs="+", default=[], help="domains that show what changes; default: all in two")
    parser.add_argument("--reference", help="condition that all are brought to; default: the one that most can reach")
    parser.add_argument(
        "--truth", nargs="+", default=[], help="domains whose files in the reference are the samples of their others"
    )
    parser.add_argument("--name", help="name of the study; default: the folder's")
    return parser.parse_args()


def main() -> None:
    """Run the command line."""
    args = parse_arguments()

    from outofsample.study.config import as_name
    from outofsample.study.file_names import table_lines, understand
    from outofsample.study.new_study import propose, write_study

    folder = Path(os.path.normpath(args.folder))
    found = understand(folder, args.pattern)
    try:
        proposal = propose(found.rows, args.controls, args.reference, args.truth)
    except UserError:
        print(*table_lines(found), "", sep="\n")
        raise
    print(*table_lines(found, proposal.uses), "", sep="\n")
    study = Path("studies") / f"{as_name(args.name or folder.resolve().name)}.yaml"
    print(f"controls: {', '.join(proposal.controls)}; reference: {proposal.reference}", *proposal.remarks, sep="\n")
    print(*write_study(folder, found, proposal, study), sep="\n")
    print(f"\nWritten: {study.with_suffix('.tsv')} and {study}. Change what is not right, then")
    print(f"  snakemake -n --configfile {study}            # checks, runs nothing")
    print(f"  snakemake --cores all --configfile {study}")


if __name__ == "__main__":
    run_script(main)
