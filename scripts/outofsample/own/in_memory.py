"""Cells in memory in one of the three forms that users have: an array, a DataFrame, an AnnData."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from outofsample.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from anndata import AnnData
    from pandas import DataFrame

    Cells = np.ndarray | DataFrame | AnnData


@dataclass(frozen=True)
class Table:
    """Values (cells, features) in one of the three forms, and the names of the features where it has any."""

    values: Any
    names: tuple[str, ...] | None

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of cells and features."""
        return self.values.shape

    def rows(self, rows: slice, columns: list[int] | None = None) -> np.ndarray:
        """Return some rows (cells, features) as dense float32, with the columns in this order."""
        part = self.values.iloc[rows] if hasattr(self.values, "iloc") else self.values[rows]
        part = part.toarray() if hasattr(part, "toarray") else part
        part = np.asarray(part, dtype=np.float32)
        return part if columns is None else part[:, columns]


def as_table(cells: "Cells", word: str) -> Table:
    """Return cells as a table.

    Raises
    ------
    UserError
        If they are no array, DataFrame or AnnData with at least one row and numbers in every column.
    """
    if hasattr(cells, "obs_names"):
        table = Table(cells.X, tuple(map(str, cells.var_names)))
    elif hasattr(cells, "iloc") and hasattr(cells, "columns"):
        text = [
            name for name, kind in cells.dtypes.items() if not np.issubdtype(getattr(kind, "type", kind), np.number)
        ]
        if text:
            raise UserError(f"{word}: the column '{text[0]}' does not hold numbers; leave it out.")
        table = Table(cells, tuple(map(str, cells.columns)))
    elif isinstance(cells, np.ndarray):
        table = Table(cells, None)
    else:
        raise UserError(
            f"{word}: give a numpy array (cells, features), a DataFrame or an AnnData, not {type(cells).__name__}."
        )
    if getattr(table.values, "ndim", 0) != 2:
        raise UserError(f"{word}: the cells must be a table (cells, features); one cell is a table with one row.")
    if 0 in table.shape:
        raise UserError(f"{word}: the population is empty (its shape is {table.shape}).")
    if table.names is not None and len(set(table.names)) < len(table.names):
        twice = next(name for name in table.names if table.names.count(name) > 1)
        raise UserError(f"{word}: the feature '{twice}' occurs twice; give each its own name.")
    if isinstance(cells, np.ndarray) and not np.issubdtype(cells.dtype, np.number):
        raise UserError(f"{word}: the array must hold numbers, not {cells.dtype}.")
    return table


def column_order(table: Table, names, features: int, word: str) -> list[int] | None:
    """Return the columns of a table in the order of ``names``; None where they are in it.

    Raises
    ------
    UserError
        If the features are others; the message lists them.
    """
    if names is None or table.names is None:
        if table.shape[1] != features:
            raise UserError(f"{word}: it has {table.shape[1]} features, and {features} are needed, in the same order.")
        return None
    place, wanted = {name: column for column, name in enumerate(table.names)}, set(names)
    missing = [name for name in names if name not in place]
    more = [name for name in table.names if name not in wanted]
    if missing or more:
        hint = did_you_mean(missing[0], table.names) if missing else ""
        listed = [", ".join(part[:10]) + (", ..." if len(part) > 10 else "") or "none" for part in (missing, more)]
        raise UserError(
            f"{word}: the features are not the same: missing are {listed[0]}{hint}, and not known are {listed[1]}."
        )
    order = [place[name] for name in names]
    return None if order == list(range(features)) else order


def checked(values: np.ndarray, word: str, names, first: int) -> np.ndarray:
    """Return the values, or raise `UserError` that names the first one that is not finite."""
    if not np.isfinite(values).all():
        cell, column = np.argwhere(~np.isfinite(values))[0]
        feature = column if names is None else f"'{names[column]}'"
        raise UserError(
            f"{word}: the value of feature {feature} in row {first + cell} is {values[cell, column]}; all values must "
            "be finite numbers."
        )
    return values


def in_form_of(cells: "Cells", predicted: np.ndarray) -> "Cells":
    """Return predicted values (cells, features) float32 as an array, DataFrame or AnnData, as ``cells`` are."""
    if hasattr(cells, "obs_names"):
        import anndata

        mappings = ("uns", "obsm", "varm", "layers", "obsp", "varp")
        copied = {name: dict(getattr(cells, name)) for name in mappings}
        return anndata.AnnData(predicted, obs=cells.obs.copy(), var=cells.var.copy(), **copied)
    if hasattr(cells, "iloc"):
        import pandas as pd

        return pd.DataFrame(predicted, index=cells.index, columns=cells.columns, copy=False)
    return predicted
