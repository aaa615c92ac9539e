"""The authors' matrix of cells under drugs: an R data file with a column that says which treatment a cell had.

The public one (HeLa cells) has two columns ``treatment``: transformed codes first, then the codes themselves.
"""

import io
import re
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.errors import UserError, did_you_mean
from outofsample.files.limits import ARRAY_RATIO, DAMAGED, unpack

if TYPE_CHECKING:
    import pandas as pd

#: Columns of the authors' matrices that are no markers, beside those that `fcs.TECHNICAL` knows: cell clusters, an
#: embedding, the number of the file, an empty channel and a gate.
NO_MARKER = re.compile(r"^(?:groups|tsne[\W_]?\d*|file[\W_]?number|\d{3}|myeloid[\W_]?fitc)$", re.IGNORECASE)


def read_matrix(
    path: Path, column: str, order: tuple[str, ...], names: Iterable[str]
) -> tuple["pd.DataFrame", np.ndarray]:
    """Return the table (cells, other columns) that has ``column``, and the treatment (cells,) of each cell.

    Where ``column`` comes more than once, the one that holds treatments is read; ``order`` and ``names`` as
    `treatment_names` takes them.

    Raises
    ------
    UserError
        As `find_table` and `treatment_names` do.
    """
    table = find_table(path, column)
    copies = table.loc[:, table.columns == column]
    names, refused = tuple(names), None
    for number in range(copies.shape[1]):
        try:
            treatment = treatment_names(path, copies.iloc[:, number], order, names)
        except UserError as error:
            refused = error
        else:
            return table.loc[:, table.columns != column], treatment
    raise refused


def find_table(path: Path, column: str) -> "pd.DataFrame":
    """Return the one matrix or data frame in an R file that has ``column``; other column names are unique.

    Raises
    ------
    UserError
        If the file can't be read, or not exactly one table has such a column; the message lists what was found.
    """
    tables = _read_tables(path)
    fitting = [name for name, table in tables.items() if column in table.columns]
    if len(fitting) != 1:
        listed = "; ".join(f"{name}: {', '.join(map(str, table.columns))}" for name, table in tables.items())
        others = {str(name) for table in tables.values() for name in table.columns} - {column}
        near = "" if fitting else did_you_mean(column, sorted(others))
        raise UserError(
            f"{path}: exactly one matrix (cells x columns, with column names) must have the column '{column}'{near} "
            f"that says which treatment a cell had, see 'treatment_column'; {len(fitting)} have it. The file holds "
            f"{listed or 'no matrix with column names'}."
        )
    table = tables[fitting[0]]
    others = table.columns[table.columns != column]
    if not others.is_unique:
        twice = others[others.duplicated()][0]
        raise UserError(f"{path}: the column '{twice}' of {fitting[0]} occurs twice; column names must be unique.")
    return table


def _read_tables(path: Path) -> dict[str, "pd.DataFrame"]:
    """Return by name the data frames of an R file, and its matrices that have column names."""
    import pandas as pd
    import rdata

    try:
        with warnings.catch_warnings():
            # rdata says on which assumption it reads a file of another kind; the error says it better.
            warnings.simplefilter("ignore")
            content = unpack(path, ARRAY_RATIO, "write the matrix again with R's save()")
            objects = dict(rdata.read_rda(io.BytesIO(content)))
    except FileNotFoundError as error:
        raise UserError(f"{path}: this file does not exist; give the path of the R matrix.") from error
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RuntimeError,
        MemoryError,
        *DAMAGED,
    ) as error:
        raise UserError(
            f"{path}: this is no R data file that can be read ({type(error).__name__}: {error}); "
            "write the matrix again with R's save()."
        ) from error
    tables = {}
    for name, value in objects.items():
        if isinstance(value, pd.DataFrame):
            tables[name] = value
        # rdata gives a matrix with column names as a labelled array, one without as a bare array.
        elif getattr(value, "ndim", 0) == 2 and "dim_1" in getattr(value, "coords", ()):
            tables[name] = pd.DataFrame(value.values, columns=value.coords["dim_1"].values)
    return tables


def treatment_names(path: Path, column: "pd.Series", order: tuple[str, ...], names: Iterable[str]) -> np.ndarray:
    """Return the treatment (cells,) of each cell.

    Parameters
    ----------
    path
        Name of the file, for messages.
    column
        Codes 1, 2, ... or names in any case (cells,).
    order
        Treatments in the order of the codes.
    names
        All treatments that may be named.

    Raises
    ------
    UserError
        If a value is neither; the message lists such values.
    """
    import pandas as pd

    found = column.unique()
    known = {str(code): name for code, name in enumerate(order, start=1)}
    known |= {name.casefold(): name for name in names}
    numeric = pd.api.types.is_numeric_dtype(column)
    keys = {value: f"{value:g}" if numeric else str(value).strip().casefold() for value in found}
    if unknown := [key if numeric else str(value) for value, key in keys.items() if key not in known]:
        raise UserError(
            f"{path}: column '{column.name}' holds {', '.join(unknown[:5])}; it must hold the codes 1 to {len(order)} "
            f"(in the order {', '.join(order)}, see 'treatment_order') or these names."
        )
    return column.map({value: known[key] for value, key in keys.items()}).to_numpy().astype(str)


def check_scale(path: Path, values: np.ndarray, transformed: bool) -> None:
    """Raise `UserError` unless the values are finite, and intensities or transformed as the settings say.

    arcsinh(x / 5) of an intensity stays below 12 (x < 400,000), and counts of ions go far above it.
    """
    if not np.isfinite(values).all():
        raise UserError(f"{path}: {(~np.isfinite(values)).sum():,} values of the markers are NaN or infinite.")
    if (values.max() < 12) != transformed:
        kind = "intensities, not transformed" if transformed else "transformed already"
        raise UserError(
            f"{path}: the markers' values reach from {values.min():g} to {values.max():g} and seem to be {kind}; "
            f"set 'transformed: {str(not transformed).lower()}', or leave out columns that are no markers ('exclude')."
        )
