"""Conditions and domains of all cells together: spelt alike, and counted."""

import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING

from outofsample.errors import UserError
from outofsample.own.readers.support.parts import LISTED

if TYPE_CHECKING:
    import pandas as pd


def check_labels(obs: "pd.DataFrame") -> None:
    """Complain about labels that look the same: their cells would silently be two populations.

    Raises
    ------
    UserError
        If two conditions, or two domains, differ only in case or blanks.
    """
    for column in ("condition", "domain"):
        known: dict[str, str] = {}
        for label in obs[column].unique():
            other = known.setdefault(label_key(label), label)
            if other != label:
                sizes = [f"'{name}' ({int((obs[column] == name).sum()):,} cells)" for name in (other, label)]
                raise UserError(
                    f"The {column}s {' and '.join(sizes)} differ only in case or blanks; spell them alike if they are "
                    "one, and else more differently."
                )


def label_key(label: str) -> str:
    """Return a label without case and blanks, so that labels which look the same are the same."""
    return "".join(unicodedata.normalize("NFKC", label).split()).casefold()


def print_counts(populations: Mapping[tuple[str, str], int], kept: Mapping[tuple[str, str], int] | None = None) -> None:
    """Print a line with the number of cells of each population (domain, condition).

    Where some keep fewer (``kept``), another line says so.
    """
    total = sum(populations.values())
    listed = [f"{domain} {condition} {size:,}" for (domain, condition), size in populations.items()]
    more = f" and {len(listed) - LISTED:,} more populations" if len(listed) > LISTED else ""
    print(f"cells: {total:,} ({', '.join(listed[:LISTED])}{more})", flush=True)
    drawn = [kept[pair] for pair, size in populations.items() if kept is not None and kept[pair] < size]
    if drawn:
        least, most = min(drawn), max(drawn)
        each = f"{most:,}" if least == most else f"{least:,} to {most:,}"
        print(
            f"drawn: {each} cells of each of {len(drawn):,} populations, {sum(kept.values()):,} in all; fits and "
            "scores rest on these, and the files that come back hold all cells (setting 'fit_cells').",
            flush=True,
        )


def sizes_of(obs: "pd.DataFrame") -> dict[tuple[str, str], int]:
    """Return the number of cells of each population (domain, condition)."""
    return obs.groupby(["domain", "condition"], sort=False).size().to_dict()
