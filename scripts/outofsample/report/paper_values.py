"""The papers' own values: ``docs/paper_values.csv``."""

from pathlib import Path

import pandas as pd

from outofsample.files.columns import read_csv

PAPER_COLUMNS = ["paper", "table", "row", "column", "query", "value", "sd", "source", "note"]


def read_paper_values(path: Path) -> pd.DataFrame:
    """Read the papers' values (`PAPER_COLUMNS`).

    ``row`` is a method of ours: the one that was published, defects included. ``query`` names the query that a value
    belongs to, and is empty where it belongs to every query of a task.

    Raises
    ------
    UserError
        If it is another file.
    """
    values = read_csv(path, "a table of the papers' values", PAPER_COLUMNS, text=("table", "query"))
    return values.assign(query=values["query"].fillna(""))


def belongs_to(values: pd.DataFrame, query: str) -> pd.Series:
    """Return the mask (values,) of the papers' values that belong to a query of this name."""
    return values["query"].isin(["", query])
