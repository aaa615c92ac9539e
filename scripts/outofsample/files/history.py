"""The losses of a training: ``models/T/MODEL/history_B.csv``.

A row per seed of the batch B and epoch: ``epoch``, ``steps`` (all that were taken by its end), the model's loss terms
by name (``validation_`` before those of the held-out part, where there is one), ``precision`` of the matrix products
(``float32`` or ``bfloat16``), ``seed``, and ``change``, the number of the change, where a model trains a network for
each. A model that keeps no losses leaves a table without rows.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from outofsample.files.columns import read_csv
from outofsample.files.writing import sealed

if TYPE_CHECKING:
    import pandas as pd


def write_history(path: str | Path, history: Sequence[dict]) -> None:
    """Write the losses, a column for each name that any row has."""
    with sealed(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        names = dict.fromkeys([*(name for row in history for name in row), "seed"])
        writer = csv.DictWriter(file, list(names), lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)


def read_history(path: str | Path) -> "pd.DataFrame":
    """Read the losses, a column per term.

    Raises
    ------
    UserError
        If it is another file.
    """
    return read_csv(path, "a table of losses that train_model.py wrote", ("seed",))
