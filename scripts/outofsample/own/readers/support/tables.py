"""What readers of tables share, whatever file a table comes from."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from outofsample.errors import UserError
from outofsample.own.readers.support.boundary import reading
from outofsample.own.readers.support.joining import check_finite
from outofsample.own.readers.support.parts import LISTED, Part, called, check_renamed, choose_features, labels_of
from outofsample.own.readers.support.pieces import Piece

if TYPE_CHECKING:
    import pandas as pd

    from outofsample.datasets.own import Settings

#: Columns that are no measurements, by their names in any case.
_BOOKKEEPING = re.compile(
    r"^(?:time|h?time[\W_]msw)$|^(?:cell|event|sample|row|file|object)?[\W_]*(?:id|index|number|nr|no|#)$",
    re.IGNORECASE,
)
#: Numbers as people and programs write them: below a limit, with the minus of typesetters or one in parentheses, with
#: separators of thousands (also those that only look like a blank or an apostrophe), decimal commas, Fortran's
#: exponents, a percent sign.
_LIKE_A_NUMBER = re.compile(
    "^[<>≤≥~≈=\\s(]*[-+\u2010-\u2013\u2212]?[.,]?\\d[\\d.,' \u00a0\u2009\u202f\u2019]*"
    "(?:[eEdD][-+\u2212]?\\d+)?\\s*[)%*]?$"
)
_DATE = re.compile(r"^\d{1,2}\.\d{1,2}\.\d{2,4}$")
#: A column with at least this share of numbers, or what is like one, was meant to hold numbers.
_NEARLY = 0.1


def read_tables(
    settings: "Settings", paths: dict[str, Path], read_table: Callable[[Path, Collection[str]], "pd.DataFrame"]
) -> Iterator[Part]:
    """Yield the cells of each file that ``read_table`` reads: a row is a cell, columns with numbers are features.

    ``read_table`` takes the path and the columns that hold text. Which columns are left out, and why, is printed.

    Raises
    ------
    UserError
        If a column is missing, a feature does not hold numbers alone, a label is missing, or there are no cells.
    """
    known = set()
    for entry in settings.files:
        path = paths[entry["path"]]
        labels = {settings.condition_column, settings.domain_column, settings.name_column} - {None}
        with reading(path):
            table = read_table(path, labels)
        obs = labels_of(table, entry, settings, path, "the table")
        left_out = {c: why for c in table if c not in labels and (why := _why_not(table[c], c, settings, path))}
        numeric = {c: None for c in table if c not in labels and c not in left_out}
        known.update(table)
        columns = called(table, settings, path)
        names = choose_features(list(columns), [n for n, c in columns.items() if c in numeric], settings, path)
        taken = [columns[name] for name in names]
        for column in taken:
            if column not in numeric:
                _refuse(table[column], path)
        values = table[taken].to_numpy(dtype=np.float64, na_value=np.nan)
        used = set(taken)
        left_out |= {c: "'features' or 'exclude' leaves it out" for c in numeric if c not in used}
        _print_left_out(entry["path"], taken, left_out)
        yield Part(entry["path"], values, tuple(names), tuple(taken), obs, left_out)
    check_renamed(settings.rename, known)


def _print_left_out(file: str, taken: list[str], left_out: dict[str, str]) -> None:
    listed = [f"{column} ({why})" for column, why in left_out.items()]
    more = f" and {len(listed) - LISTED:,} more" if len(listed) > LISTED else ""
    said = f"; left out: {', '.join(listed[:LISTED])}{more}" if listed else ""
    print(f"columns of {file}: {len(taken):,} used{said}", flush=True)


def _why_not(column: "pd.Series", name: str, settings: "Settings", path: Path) -> str:
    """Return why a column is no feature; "" if it is one, by its values and, if no setting names it, by its name.

    Raises
    ------
    UserError
        If it holds numbers, and other things beside them.
    """
    from pandas.api import types

    new = settings.rename.get(name, name)
    if not types.is_numeric_dtype(column) or types.is_bool_dtype(column):
        if new not in settings.exclude and not name.startswith("Unnamed: "):
            _check_nearly(column, path)
        return "no numbers"
    if new in settings.features:
        return ""
    # A column without a name is the index that pandas or R wrote.
    if name.startswith("Unnamed: "):
        return "it has no name"
    if _BOOKKEEPING.search(name):
        return "by its name it is no measurement"
    first = column.iloc[0]
    if first in (0, 1) and len(column) > 2 and (column.to_numpy() == np.arange(len(column)) + first).all():
        return "it counts the rows"
    return ""


def _check_nearly(column: "pd.Series", path: Path) -> None:
    """Raise `UserError` where many values of a column without a type of numbers are numbers, or written like them."""
    present = column.dropna().astype(str).str.strip()
    present = present[present != ""]
    if not len(present) or column.dtype == bool:
        return
    like = present.str.match(_LIKE_A_NUMBER) & ~present.str.match(_DATE)
    if like.mean() >= _NEARLY:
        _refuse(column, path)


def _refuse(column: "pd.Series", path: Path) -> None:
    """Raise `UserError` that names the first value of a column that is no number."""
    import pandas as pd

    text = column.astype(str)
    bad = column.notna() & pd.to_numeric(text, errors="coerce").isna()
    rows = np.flatnonzero(bad.to_numpy())
    row = int(rows[0]) if len(rows) else 0
    raise UserError(
        f"{path}: the column '{column.name}' does not hold numbers alone ({max(len(rows), 1):,} of {len(column):,} "
        f"values are none, the first is {text.iloc[row]!r} of cell {row + 1:,}); put it into 'exclude', or write its "
        "numbers with a decimal point, without '<' and separators of thousands."
    )


def unreadable(path: Path, error: Exception) -> UserError:
    """Return the sentence for a table that pandas does not read."""
    return UserError(f"{path}: this table cannot be read ({' '.join(str(error).split())}).")


def piece_of(
    table: "pd.DataFrame",
    entry: dict,
    columns: Sequence[str],
    settings: "Settings",
    path: Path,
    begin: int,
    stored: Any,
) -> Piece:
    """Return a piece of a table that begins with a row, with the values of some columns; ``stored`` goes with it.

    Raises
    ------
    UserError
        If a value or a label is missing.
    """
    obs = labels_of(table, entry, replace(settings, name_column=None), path, "the table")
    values = table[list(columns)].to_numpy(dtype=np.float64, na_value=np.nan)
    check_finite(values, columns, path, begin)
    domain, condition = (obs[name].to_numpy(object) for name in ("domain", "condition"))
    return Piece(begin, values, domain, condition, stored)
