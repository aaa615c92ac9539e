"""Reading tables as CSV, with a check of their columns."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from outofsample.errors import UserError
from outofsample.files.writing import check_seal

if TYPE_CHECKING:
    import pandas as pd


def read_csv(path: str | Path, what: str, columns: Sequence[str], text: Sequence[str] = ()) -> "pd.DataFrame":
    """Read a CSV; only empty fields are missing values.

    Parameters
    ----------
    path
        The file.
    what
        What it should be, for the message: "a table of scores".
    columns
        Columns that it must have.
    text
        Columns that are read as they are written, never as numbers.

    Raises
    ------
    UserError
        If it is no CSV, lacks a column, or is damaged.
    """
    import pandas as pd

    check_seal(path)
    try:
        frame = pd.read_csv(path, dtype=dict.fromkeys(text, str), keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: this is not {what} ({error}).") from error
    if missing := [column for column in columns if column not in frame]:
        raise UserError(f"{path}: this is not {what} (no column {', '.join(map(repr, missing))}).")
    return frame
