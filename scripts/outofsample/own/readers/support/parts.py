"""What every reader returns, the cells of each file; their names and labels, and which features are read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from outofsample.errors import UserError, did_you_mean
from outofsample.texts import without_floats

if TYPE_CHECKING:
    import pandas as pd

    from outofsample.datasets.own import Settings

#: Columns that a message lists at most.
LISTED = 10


@dataclass
class Part:
    """The cells of one file: values (cells, features), feature names and their columns in the file, obs (cells,).

    ``left_out`` says of columns that are not used why they are not.
    """

    file: str
    values: Any
    features: tuple[str, ...]
    columns: tuple[str, ...]
    obs: "pd.DataFrame"
    left_out: dict[str, str] = field(default_factory=dict)

    def at(self, rows: np.ndarray) -> "Part":
        """Return the part with some of its cells."""
        return replace(self, values=self.values[rows], obs=self.obs.iloc[rows].copy())


def cell_names(file: str, rows: Iterable[int]) -> list[str]:
    """Return the names of cells that have none: file and row."""
    stem = str(PurePosixPath(file).with_suffix(""))
    return [f"{stem}_{row}" for row in rows]


def labels_of(table: "pd.DataFrame", entry: dict, settings: "Settings", path: Path, place: str) -> "pd.DataFrame":
    """Return condition and domain (cells,) of a file, with the names of the cells.

    Parameters
    ----------
    table
        The columns of the file (cells,).
    entry
        The file's entry in ``files``.
    path, place
        The file, and what the table is called in it, for messages.

    Raises
    ------
    UserError
        If there are no cells, a column is missing, or a cell has no value in it.
    """
    import pandas as pd

    if not len(table):
        raise UserError(f"{path}: this file holds no cells.")
    obs = pd.DataFrame(index=cell_names(entry["path"], range(len(table))))
    for label in ("condition", "domain"):
        column = getattr(settings, f"{label}_column")
        obs[label] = (
            entry[label] if entry[label] is not None else column_of(table, column, f"{label}_column", path, place)
        )
    if settings.name_column is not None:
        obs.index = column_of(table, settings.name_column, "name_column", path, place)
    return obs


def column_of(table: "pd.DataFrame", name: str, setting: str, path: Path, place: str) -> np.ndarray:
    """Return a column as strings (cells,), whole numbers without a decimal point.

    Raises
    ------
    UserError
        If the column is missing, a cell has no value in it, or one that is a number and no whole one.
    """
    import pandas as pd

    if name not in table.columns:
        listed = ", ".join(map(str, table.columns[:LISTED])) + (", ..." if len(table.columns) > LISTED else "")
        raise UserError(
            f"{path}: {place} has no column '{name}'{did_you_mean(name, table.columns)}, which '{setting}' names; "
            f"it has {listed or 'none'}."
        )
    column = table[name]
    missing = (column.isna() | (column.astype(str).str.strip() == "")).to_numpy()
    if missing.any():
        row = int(np.flatnonzero(missing)[0])
        raise UserError(
            f"{path}: the column '{name}' ('{setting}') has no value in {missing.sum():,} cells, the first is "
            f"cell {row + 1:,}; fill it or remove these cells."
        )
    stored = column.to_numpy()
    try:
        labels = without_floats(stored)
    except ValueError as error:
        raise UserError(f"{path}: the column '{name}' ('{setting}') {error}.") from error
    return (column if labels is stored else pd.Series(labels)).astype(str).to_numpy()


def check_renamed(rename: Mapping[str, str], known: Iterable[str]) -> None:
    """Raise `UserError` where ``rename`` names something that no file has (``known``)."""
    known = set(known)
    for name in rename:
        if name not in known:
            raise UserError(f"rename: there is no '{name}'{did_you_mean(name, known)} in any of the files.")


def called(columns: Iterable[str], settings: "Settings", path: Path) -> dict[str, str]:
    """Return the columns of a file by what they are to be called, which ``rename`` says.

    Raises
    ------
    UserError
        If two would be called the same.
    """
    found: dict[str, str] = {}
    for column in columns:
        name = settings.rename.get(column, column)
        if name in found:
            raise UserError(f"{path}: 'rename' calls both '{found[name]}' and '{column}' '{name}'; give each its name.")
        found[name] = column
    return found


def choose_features(known: list[str], default: list[str], settings: "Settings", path: Path) -> list[str]:
    """Return the features of a file: those that the settings name, or the default ones, without the excluded.

    Raises
    ------
    UserError
        If the settings name one that is not ``known``, or none is left.
    """
    there = set(known)
    for setting in ("features", "exclude"):
        for name in getattr(settings, setting):
            if name not in there:
                raise UserError(f"{path}: there is no '{name}'{did_you_mean(name, known)}, which '{setting}' names.")
    names = [name for name in (settings.features or default) if name not in settings.exclude]
    if not names:
        raise UserError(f"{path}: no feature is left; name the columns with numbers in 'features'.")
    return names


def check_conditions(condition: "pd.Series", settings: "Settings") -> None:
    """Raise `UserError` where all cells (cells,) have one condition."""
    if condition.nunique() < 2:
        where = f"the column '{settings.condition_column}'" if settings.condition_column else "'files'"
        raise UserError(
            f"All cells have the one condition '{condition.iloc[0]}' (by {where}): source and target must be two."
        )
