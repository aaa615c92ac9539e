"""What readers of tables share, whatever file a table comes from."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.errors import UserError
from outofsample.own.readers.support.parts import Part, choose_features, labels_of

if TYPE_CHECKING:
    import pandas as pd

    from outofsample.datasets.own import Settings


def read_tables(
    settings: "Settings", paths: dict[str, Path], read_table: Callable[[Path], "pd.DataFrame"]
) -> list[Part]:
    """Return the cells of each file that ``read_table`` reads: a row is a cell, columns with numbers are features.

    Raises
    ------
    UserError
        If a column is missing, a feature does not hold numbers, a label is missing, or there are no cells.
    """
    parts = []
    for entry in settings.files:
        path = paths[entry["path"]]
        table = read_table(path)
        obs = labels_of(table, entry, settings, path, "the table")
        labels = {settings.condition_column, settings.domain_column, settings.name_column}
        # A column without a name is the index that pandas or R wrote.
        numeric = [c for c in table.select_dtypes("number") if c not in labels and not c.startswith("Unnamed: ")]
        names = choose_features(list(table.columns), numeric, settings, path)
        if text := [name for name in names if name not in numeric]:
            raise UserError(
                f"{path}: the column '{text[0]}' does not hold numbers alone (the first is "
                f"{table[text[0]].iloc[0]!r}); put it into 'exclude', or write its numbers with a decimal point."
            )
        values = table[names].to_numpy(dtype=np.float64, na_value=np.nan)
        parts.append(Part(entry["path"], values, tuple(names), tuple(names), obs))
    return parts


def unreadable(path: Path, error: Exception) -> UserError:
    """Return the sentence for a table that pandas does not read."""
    return UserError(f"{path}: this table cannot be read ({' '.join(str(error).split())}).")
