"""The losses of a training: ``models/T/MODEL/history_B.csv``.

A row per seed of the batch B and epoch: ``epoch``, ``steps`` (all that were taken by its end), the model's loss terms
by name (``validation_`` before those of the held-out part, where there is one), ``precision`` of the matrix products
(``float32`` or ``bfloat16``), ``seed``, and ``change``, the number of the change, where a model trains a network for
each. A model that keeps no losses leaves a table without rows.
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from outofsample.files.columns import read_csv
from outofsample.files.missing import read_note
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


def read_steps(paths: Iterable[str | Path]) -> dict[tuple[str, str], int]:
    """Return how many steps each model was trained for, by task and model, which the folders of a file name.

    That is the number of the seed (and change) with the fewest steps. Models that keep no losses, or were not trained,
    are left out.

    Raises
    ------
    UserError
        If one is another file.
    """
    found: dict[tuple[str, str], list[int]] = {}
    for path in map(Path, paths):
        # A note stands in the place of the losses where the data could not be had.
        history = {} if read_note(path) else read_history(path)
        if "steps" in history and len(history):
            runs = [name for name in ("seed", "change") if name in history]
            found.setdefault((path.parents[1].name, path.parent.name), []).append(
                int(history.groupby(runs, dropna=False)["steps"].max().min())
            )
    return {key: min(steps) for key, steps in found.items()}


def read_history(path: str | Path) -> "pd.DataFrame":
    """Read the losses, a column per term.

    Raises
    ------
    UserError
        If it is another file.
    """
    return read_csv(path, "a table of losses that train_model.py wrote", ("seed",))
