"""The papers' own values: ``docs/paper_values.csv``."""

from pathlib import Path

import pandas as pd

from outofsample.errors import UserError

PAPER_COLUMNS = ["paper", "table", "row", "column", "value", "sd", "source", "note"]


def read_paper_values(path: Path) -> pd.DataFrame:
    """Read the papers' values (`PAPER_COLUMNS`).

    Raises
    ------
    UserError
        If it is another file.
    """
    values = read_csv(path, PAPER_COLUMNS)
    return values.assign(table=values["table"].astype(str))


def read_csv(path: Path, columns: list[str]) -> pd.DataFrame:
    """Read a CSV that must have these columns; only empty fields are missing values.

    Raises
    ------
    UserError
        If it is no CSV, or lacks a column.
    """
    try:
        frame = pd.read_csv(path, dtype={"table": str, "task": str}, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: this is not a readable CSV file ({error}).") from error
    missing = [column for column in columns if column not in frame]
    if missing:
        raise UserError(f"{path}: no column {', '.join(map(repr, missing))}.")
    return frame
