"""Cells in memory in one of the forms that users have: an array, dense or sparse, a DataFrame, an AnnData."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from outofsample.arrays import dense
from outofsample.errors import InputError, did_you_mean
from outofsample.texts import without_floats

if TYPE_CHECKING:
    from anndata import AnnData
    from pandas import DataFrame
    from scipy.sparse import spmatrix

    Cells = np.ndarray | spmatrix | DataFrame | AnnData


@dataclass(frozen=True)
class Table:
    """Cells in one of these forms.

    Attributes
    ----------
    values
        Values (cells, features), and of a DataFrame perhaps a column of labels.
    names
        Of the features, None where they have none.
    column
        A column of labels among the values, which is no feature.
    """

    values: Any
    names: tuple[str, ...] | None
    column: str | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of cells and features."""
        cells, columns = self.values.shape
        return cells, columns - (self.column is not None)

    def rows(self, rows: slice, columns: list[int] | None = None) -> np.ndarray:
        """Return some rows (cells, features) as dense float32, with the columns in this order."""
        if hasattr(self.values, "iloc"):
            frame = self.values.iloc[rows]
            frame = frame if self.column is None else frame.drop(columns=self.column)
            # Missing values of pandas' own types (Int64) are no numbers for numpy.
            part = frame.to_numpy(dtype=np.float32, na_value=np.nan)
        else:
            part = dense(self.values[rows])
        part = part if columns is None else part[:, columns]
        # Torch takes no negative strides, and numpy calls a single row with one contiguous.
        return part.copy() if min(part.strides) < 0 else np.ascontiguousarray(part)


def as_table(cells: "Cells", word: str, column: str | None = None) -> Table:
    """Return cells as a table; ``column`` of a DataFrame, where it is there, holds labels.

    Raises
    ------
    InputError
        If they are no array, DataFrame or AnnData with at least one row and numbers in every column.
    """
    if hasattr(cells, "obs_names"):
        table = Table(cells.X, tuple(map(str, cells.var_names)))
    elif hasattr(cells, "iloc") and hasattr(cells, "columns"):
        column = column if column in cells.columns else None
        kinds = {name: getattr(kind, "type", kind) for name, kind in cells.dtypes.items() if name != column}
        text = [name for name, kind in kinds.items() if not _is_real(kind)]
        if text:
            raise InputError(f"{word}: the column '{text[0]}' does not hold numbers; leave it out.")
        table = Table(cells, tuple(map(str, cells.columns[cells.columns != column])), column)
    elif isinstance(cells, np.ndarray):
        table = Table(cells, None)
    elif hasattr(cells, "tocsr"):
        table = Table(cells.tocsr(), None)
    else:
        raise InputError(
            f"{word}: give a numpy array (cells, features), a DataFrame or an AnnData, not {type(cells).__name__}."
        )
    # Sparse values that an AnnData reads from its file have no number of dimensions.
    if len(getattr(table.values, "shape", ())) != 2:
        raise InputError(f"{word}: the cells must be a table (cells, features); one cell is a table with one row.")
    if 0 in table.shape:
        raise InputError(f"{word}: the population is empty (its shape is {table.shape}).")
    if table.names is not None and len(set(table.names)) < len(table.names):
        twice = next(name for name in table.names if table.names.count(name) > 1)
        raise InputError(f"{word}: the feature '{twice}' occurs twice; give each its own name.")
    if table.names is None and not np.issubdtype(table.values.dtype, np.number):
        raise InputError(f"{word}: the array must hold numbers, not {table.values.dtype}.")
    if table.names is None and np.issubdtype(table.values.dtype, np.complexfloating):
        raise InputError(f"{word}: Complex data not supported; give real numbers.")
    return table


def _is_real(kind) -> bool:
    """Whether a type is one of whole or floating point numbers; truth values are none."""
    return np.issubdtype(kind, np.integer) or np.issubdtype(kind, np.floating)


def labels_in(cells: "Cells", column: str, word: str) -> np.ndarray:
    """Return the labels (cells,) of a column of ``obs``, or of a DataFrame, as text.

    Raises
    ------
    InputError
        If there is no such column, a cell has no label, or one that is a number and no whole one.
    """
    frame = getattr(cells, "obs", cells)
    if not hasattr(frame, "columns"):
        raise InputError(f"{word}: an array has no column '{column}'; give the labels of S, of T and of X themselves.")
    if column not in frame.columns:
        raise InputError(f"{word}: there is no column '{column}'{did_you_mean(column, frame.columns)}.")
    return _texts(frame[column], word, f"the column '{column}'")


def _texts(given: Sequence, word: str, where: str) -> np.ndarray:
    """Return labels (cells,), of a column of pandas or an array, as text."""
    labels = np.asarray(given)
    missing = given.isna() if hasattr(given, "isna") else [label is None or label != label for label in labels]
    if np.any(missing):
        raise InputError(f"{word}: {np.sum(missing):,} cells have no label in {where}.")
    try:
        return without_floats(labels).astype(str)
    except ValueError as error:
        raise InputError(f"{word}: {where} {error}.") from error


def as_labels(given: str | Sequence, cells: int, word: str) -> np.ndarray:
    """Return labels (cells,) as text: one for all cells, or one of each.

    Raises
    ------
    InputError
        If their number is another, a cell has none, or one that is a number and no whole one.
    """
    if isinstance(given, str):
        return np.full(cells, given)
    if (shape := np.shape(given)) != (cells,):
        raise InputError(f"{word}: there are {cells:,} cells, and labels of shape {shape}; give one of each.")
    return _texts(given, word, "what was given")


def column_order(table: Table, names, features: int, word: str) -> list[int] | None:
    """Return the columns of a table in the order of ``names``; None where they are in it.

    Raises
    ------
    InputError
        If the features are others; the message lists them.
    """
    if names is None or table.names is None:
        if table.shape[1] != features:
            raise InputError(f"{word}: it has {table.shape[1]} features, and {features} are needed, in the same order.")
        return None
    place, wanted = {name: column for column, name in enumerate(table.names)}, set(names)
    missing = [name for name in names if name not in place]
    more = [name for name in table.names if name not in wanted]
    if missing or more:
        hint = did_you_mean(missing[0], table.names) if missing else ""
        listed = [", ".join(part[:10]) + (", ..." if len(part) > 10 else "") or "none" for part in (missing, more)]
        raise InputError(
            f"{word}: the features are not the same: missing are {listed[0]}{hint}, and not known are {listed[1]}."
        )
    order = [place[name] for name in names]
    return None if order == list(range(features)) else order


def checked(values: np.ndarray, word: str, names, first: int) -> np.ndarray:
    """Return the values, or raise `InputError` that names the first one that is not finite."""
    if not np.isfinite(values).all():
        cell, column = np.argwhere(~np.isfinite(values))[0]
        feature = column if names is None else f"'{names[column]}'"
        raise InputError(
            f"{word}: the value of feature {feature} in row {first + cell} is {values[cell, column]}; all values must "
            "be finite numbers, not NaN or infinite."
        )
    return values


def in_form_of(cells: "Cells", predicted: np.ndarray, column: str | None = None) -> "Cells":
    """Return predicted values (cells, features) float32 as an array, DataFrame or AnnData, as ``cells`` are.

    ``column`` is a DataFrame's column of labels, which comes back as it was. Sparse cells come back dense.
    """
    if hasattr(cells, "obs_names"):
        import anndata

        mappings = ("uns", "obsm", "varm", "layers", "obsp", "varp")
        copied = {name: dict(getattr(cells, name)) for name in mappings}
        return anndata.AnnData(predicted, obs=cells.obs.copy(), var=cells.var.copy(), **copied)
    if hasattr(cells, "iloc"):
        import pandas as pd

        columns = cells.columns[cells.columns != column]
        frame = pd.DataFrame(predicted, index=cells.index, columns=columns, copy=False)
        if column is not None:
            frame.insert(cells.columns.get_loc(column), column, cells[column])
        return frame
    return predicted
