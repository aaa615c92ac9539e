"""The scores of a task: ``scores/T.csv``.

Columns task, query, method, seed, score, value, low, high, sd, n_cells, note, backend. One row per query, method, seed
and score.

- ``low`` and ``high`` bound the 95 % interval over resampled cells, and ``sd`` is over these, where the score has them.
- ``expected_error`` is of the first seed: the mean energy distance over the domains that were left out of the fit in
  turn, and as ``low`` and ``high`` where that of the query is expected, at 80 % (`outofsample.metrics.expected`).
- ``n_cells``: the number of predicted cells.
- ``method`` is also ``oracle``: random halves of Y against the other halves, with the number of the half as the seed.
- ``note``: why a value is undefined, and where the oracle has few cells of truth.
- ``backend``: what computed the prediction, with version.

Methods that did not run have one row per query with an empty score and the reason in ``note``. Scores that need a truth
are left out for queries without one. Numbers that are not there are empty fields.
"""

import csv
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from outofsample.files.columns import read_csv
from outofsample.files.writing import sealed

if TYPE_CHECKING:
    import pandas as pd

#: Below this number of truth cells, the oracle's halves say little, and its ``note`` says so.
FEW_CELLS = 50
TEXT = ("task", "query", "method", "score", "note", "backend")


@dataclass(frozen=True)
class Row:
    """One row. Numbers are NaN where there are none, and then empty in the file."""

    task: str
    query: str
    method: str
    seed: int | str = ""
    score: str = ""
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    sd: float = math.nan
    n_cells: int | str = ""
    note: str = ""
    backend: str = ""


COLUMNS = tuple(field.name for field in fields(Row))


def write_scores(rows: Sequence[Row], path: str | Path) -> None:
    """Write rows; NaN becomes an empty field."""
    with sealed(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({key: _text(value) for key, value in asdict(row).items()})


def _text(value: float | str) -> str:
    """Return a field of the CSV; nine digits are more than float32 data can tell apart."""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.9g}"
    return str(value)


def read_scores(paths: Sequence[str | Path]) -> "pd.DataFrame":
    """Read the scores of several tasks into one frame; text that is not there is an empty string.

    Raises
    ------
    UserError
        If one is another file.
    """
    import pandas as pd

    what = "a table of scores that evaluate_task.py wrote"
    scores = pd.concat([read_csv(path, what, COLUMNS, text=("task",)) for path in paths], ignore_index=True)
    return scores.assign(**{name: scores[name].fillna("").astype(str) for name in TEXT})
