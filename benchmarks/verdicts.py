"""The verdicts on the papers' claims in docs/claims.md, from the claims that studies have judged.

    make demo
    snakemake --cores all --configfile studies/sample_data.yaml --config data_dir=data
    snakemake --cores all --configfile studies/trvae_authors.yaml --config data_dir=data
    python benchmarks/verdicts.py results/demo results/sample_data results/trvae_authors

rewrites the table after ``<!-- verdicts -->``: of each claim the verdict on stand-ins and on real data with its reason.
Where several studies judge a claim on the same kind of data, one that decides it stands before one that does not, and
else the last one named.
"""

import argparse
import csv
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from outofsample.errors import run_script  # noqa: E402
from outofsample.files.writing import replacing  # noqa: E402
from outofsample.report.claims import read_claims  # noqa: E402
from outofsample.report.verdicts import DOES_NOT_HOLD, HOLDS, NOT_JUDGED, NOT_RUN, UNDECIDED  # noqa: E402

MARKER = "<!-- verdicts -->\n\n"
#: What decides more comes first; what decides is alike.
ORDER = {HOLDS: 0, DOES_NOT_HOLD: 0, UNDECIDED: 1, NOT_JUDGED: 2, NOT_RUN: 3}


def read_verdicts(folders: list[Path]) -> dict[tuple[str, str], tuple[str, str, str]]:
    """Return verdict, reason and study by claim and kind of data."""
    found: dict[tuple[str, str], tuple[str, str, str]] = {}
    for folder in folders:
        with open(folder / "claims.csv", newline="", encoding="utf-8") as file:
            told = {
                (row["claim"], row["data"]): (row["verdict"], row["why"], folder.name) for row in csv.DictReader(file)
            }
        for key, verdict in told.items():
            if key not in found or _order(verdict) <= _order(found[key]):
                found[key] = verdict
    return found


def _order(verdict: tuple[str, str, str]) -> int:
    return ORDER[verdict[0]]


def said(verdict: tuple[str, str, str]) -> str:
    """Return a verdict as a cell of a table says it."""
    name, why, study = verdict
    if name == NOT_RUN:
        return "-"
    reason = f": {why}" if why and name != HOLDS else ""
    return f"**{name}**{reason} (`{study}`)" if name != NOT_JUDGED else f"{name}{reason}"


def with_verdicts(text: str, claims: dict, found: dict[tuple[str, str], tuple[str, str, str]]) -> str:
    """Return the page with its table made anew."""
    nothing = (NOT_RUN, "", "")
    lines = ["| claim | stand-ins | real data |", "| --- | --- | --- |"]
    for name, claim in claims.items():
        cells = [said(found.get((name, data), nothing)) for data in ("stand-in", "real")]
        lines.append(f"| {' | '.join([claim.statement, *(cell.replace('|', '/') for cell in cells)])} |")
    before, _, after = text.partition(MARKER)
    _, gap, rest = after.partition("\n\n")
    return before + MARKER + "\n".join(lines) + gap + rest


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="+", help="results folder of a study, with claims.csv")
    folders = parser.parse_args().results
    page = ROOT / "docs" / "claims.md"
    text = with_verdicts(
        page.read_text(encoding="utf-8"), read_claims(ROOT / "docs/claims.yaml"), read_verdicts(folders)
    )
    with replacing(page) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run_script(main)
