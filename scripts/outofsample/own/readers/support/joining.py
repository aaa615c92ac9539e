"""The cells of several files become one table: the same features, in one order, and a name for each cell."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.errors import UserError
from outofsample.files.limits import check_memory
from outofsample.own.readers.support.parts import LISTED, Part

if TYPE_CHECKING:
    import pandas as pd


def dense(values) -> np.ndarray:
    """Return values (cells, features), dense or sparse, as a dense float32 array."""
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=np.float32)


def stack(values: list):
    """Return the values of all files below each other, float32; sparse where all are."""
    import scipy.sparse

    if all(scipy.sparse.issparse(part) for part in values):
        return scipy.sparse.csr_matrix(scipy.sparse.vstack(values), dtype=np.float32)
    return np.concatenate([dense(part) for part in values])


def check_size(parts: list[Part], paths: dict[str, Path]) -> None:
    """Raise `UserError` where all values, each of them written out, are more than the machine's memory."""
    cells, features = sum(len(part.obs) for part in parts), len(parts[0].features)
    what = f"the values of {cells:,} cells x {features:,} features"
    check_memory(paths[parts[0].file], 4.0 * cells * features, what, "name fewer in 'features', or give fewer cells")


def check_parts(parts: list[Part], paths: dict[str, Path]) -> None:
    """Bring the features of all files into the order of the first, and add file and row to each ``obs``.

    Raises
    ------
    UserError
        If the features differ, a value is not finite as float32, or names of cells repeat within a file.
    """
    first = parts[0]
    for part in parts[1:]:
        if set(part.features) != set(first.features):
            raise UserError(_difference(paths[first.file], first.features, paths[part.file], part.features))
        if part.features != first.features:
            places = {name: place for place, name in enumerate(part.features)}
            order = [places[name] for name in first.features]
            part.values, part.features = part.values[:, order], first.features
            part.columns = tuple(part.columns[column] for column in order)
    for part in parts:
        _check_finite(part, paths[part.file])
        part.obs["file"] = part.file
        part.obs["row"] = np.arange(len(part.obs))
        if not part.obs.index.is_unique:
            repeated = part.obs.index[part.obs.index.duplicated()]
            raise UserError(
                f"{paths[part.file]}: the cell name '{repeated[0]}' occurs twice ({len(repeated):,} names repeat); "
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


def _check_finite(part: Part, path: Path) -> None:
    """Raise `UserError` that names the first value that is not finite as float32."""
    sparse = hasattr(part.values, "tocoo")
    values = part.values.tocoo() if sparse else np.asarray(part.values)
    with np.errstate(over="ignore"):
        bad = ~np.isfinite((values.data if sparse else values).astype(np.float32))
    if not bad.any():
        return
    place = np.argwhere(bad)[0]
    row, column = (values.row[place[0]], values.col[place[0]]) if sparse else place
    raise UserError(
        f"{path}: {bad.sum():,} values are missing (NaN) or infinite, the first is '{part.columns[column]}' of cell "
        f"{row + 1:,}; all values must be finite numbers."
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
