"""The cells of several files become one table: the same features, in one order, and a name for each cell."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.arrays import dense, stacked
from outofsample.errors import UserError
from outofsample.files.limits import check_memory
from outofsample.own.readers.support.parts import LISTED, Part

if TYPE_CHECKING:
    import pandas as pd


def stack(parts: list[Part]):
    """Return the values of all files below each other, float32; sparse where all are. The parts have none after it."""
    import scipy.sparse

    values = [part.values for part in parts]
    for part in parts:
        part.values = None
    if not all(scipy.sparse.issparse(part) for part in values):
        return np.concatenate([dense(part) for part in values])
    return scipy.sparse.csr_matrix(stacked(values), dtype=np.float32)


def check_size(parts: list[Part], paths: dict[str, Path]) -> None:
    """Raise `UserError` where all values, each of them written out, are more than the machine's memory."""
    cells, features = sum(len(part.obs) for part in parts), len(parts[0].features)
    what = f"the values of {cells:,} cells x {features:,} features"
    check_memory(paths[parts[0].file], 4.0 * cells * features, what, "name fewer in 'features', or give fewer cells")


def check_part(part: Part, first: Part, paths: dict[str, Path]) -> None:
    """Bring the features of a file into the order of the first file, and add file and row to its ``obs``.

    Raises
    ------
    UserError
        If the features differ, a value is not finite as float32, or names of cells repeat within the file.
    """
    if set(part.features) != set(first.features):
        raise UserError(_difference(paths[first.file], first.features, paths[part.file], part.features))
    if part.features != first.features:
        places = {name: place for place, name in enumerate(part.features)}
        order = [places[name] for name in first.features]
        part.values, part.features = part.values[:, order], first.features
        part.columns = tuple(part.columns[column] for column in order)
    check_finite(part.values, part.columns, paths[part.file])
    part.obs["file"] = part.file
    if "row" not in part.obs:
        part.obs["row"] = np.arange(len(part.obs))
    check_names(part.obs.index, paths[part.file])


def check_names(names: "pd.Index", path: Path) -> None:
    """Raise `UserError` where names of cells repeat within a file."""
    if not names.is_unique:
        repeated = names[names.duplicated()]
        raise UserError(
            f"{path}: the cell name '{repeated[0]}' occurs twice ({len(repeated):,} names repeat); "
            "give each cell its own name (adata.obs_names_make_unique(), or another 'name_column')."
        )


def add_obs(parts: list[Part], files: Sequence[dict]) -> None:
    """Add to the cells of each file what its entry in ``files`` says of them in ``obs``, "" where it says nothing."""
    columns = dict.fromkeys(column for entry in files for column in entry.get("obs", ()))
    for part, entry in zip(parts, files, strict=True):
        for column in columns:
            part.obs[column] = entry.get("obs", {}).get(column, "")


def _difference(one_file, one: Sequence[str], other_file, other: Sequence[str]) -> str:
    def listed(here, there):
        lonely = [name for name in here if name not in set(there)]
        more = f" and {len(lonely) - LISTED:,} more" if len(lonely) > LISTED else ""
        return ", ".join(lonely[:LISTED]) + more if lonely else "nothing"

    return (
        f"{one_file} and {other_file} do not have the same features: only the first has {listed(one, other)}, and only "
        f"the second has {listed(other, one)}; name the shared ones in 'features'."
    )


def check_finite(values, columns: Sequence[str], path: Path, begin: int = 0) -> None:
    """Raise `UserError` that names the first value that is not finite as float32, or if the values are no numbers.

    Parameters
    ----------
    values
        Array or sparse matrix (cells, features).
    columns
        What the features are called in the file.
    path
        The file.
    begin
        The row of the first cell.
    """
    sparse = hasattr(values, "tocoo")
    stored = values.data if sparse else np.asarray(values)
    if stored.dtype.kind not in "biuf":
        raise UserError(
            f"{path}: its values are stored as {stored.dtype.name}, and whole or floating-point numbers are needed; "
            "write the file again with floats."
        )
    with np.errstate(over="ignore"):
        bad = ~np.isfinite(stored.astype(np.float32, copy=False))
    if not bad.any():
        return
    place = np.argwhere(bad)[0]
    if sparse:
        found = values.tocoo()
        place = found.row[place[0]], found.col[place[0]]
    raise UserError(
        f"{path}: {bad.sum():,} values are missing (NaN) or infinite, the first is '{columns[place[1]]}' of cell "
        f"{begin + place[0] + 1:,}; all values must be finite numbers."
    )


def joined_obs(tables: list["pd.DataFrame"]) -> "pd.DataFrame":
    """Return the tables of all files; where names of cells repeat between files, the file is put before them."""
    import pandas as pd

    obs = pd.concat(tables)
    if not obs.index.is_unique:
        obs.index = obs["file"] + ":" + obs.index
    return obs


def var_of(parts: list[Part]) -> "pd.DataFrame":
    """Return what each feature is called in the files.

    ``column`` is its name in the first file, ``columns`` (JSON) maps other files to theirs where they differ.
    """
    import json

    import pandas as pd

    first, *others = parts
    columns = [
        {part.file: part.columns[number] for part in others if part.columns[number] != name}
        for number, name in enumerate(first.columns)
    ]
    table = {"column": list(first.columns), "columns": [json.dumps(column) for column in columns]}
    return pd.DataFrame(table, index=list(first.features))
