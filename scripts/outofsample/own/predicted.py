"""What is predicted of the cells of one of the user's files, as writers of its format take it."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from outofsample.own.scales import to_file_scale

if TYPE_CHECKING:
    import pandas as pd

    from outofsample.datasets.own import Settings


@dataclass(frozen=True)
class Predicted:
    """What is predicted of the cells of one file.

    Attributes
    ----------
    rows
        Array (cells,) of rows in the original file, ascending.
    values
        Array (cells, features) float32 on the scale of the file.
    columns
        The name (features,) of each feature in the file.
    about
        Query, method and seed, for formats that can say so.
    """

    rows: np.ndarray
    values: np.ndarray
    columns: tuple[str, ...]
    about: dict[str, str]


def predicted_of(
    X: np.ndarray, obs: "pd.DataFrame", features: "pd.DataFrame", settings: "Settings", about: dict[str, str]
) -> Predicted:
    """Return what is predicted (X) of the cells (rows of ``obs``) of one file, on the scale of the file.

    The features' columns ``column`` and ``columns`` say what they are called in the file.
    """
    rows = obs["row"].to_numpy()
    order = np.argsort(rows)
    sizes = obs["size"].to_numpy()[order] if "size" in obs else None
    values = to_file_scale(X[order], settings, sizes)
    names, file = features[["column", "columns"]].to_numpy(str), obs["file"].iloc[0]
    columns = tuple(json.loads(others).get(file, name) for name, others in names)
    return Predicted(rows[order], values, columns, about)
