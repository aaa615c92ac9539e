"""The papers' own values: ``docs/paper_values.csv``."""

from pathlib import Path

import pandas as pd

from outofsample.files.columns import read_csv

PAPER_COLUMNS = ["paper", "table", "row", "column", "value", "sd", "source", "note"]


def read_paper_values(path: Path) -> pd.DataFrame:
    """Read the papers' values (`PAPER_COLUMNS`).

    Raises
    ------
    UserError
        If it is another file.
    """
    values = read_csv(path, "a table of the papers' values", PAPER_COLUMNS, text=("table",))
    return values
