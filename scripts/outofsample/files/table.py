"""The table of a study: ``tables/NAME.{csv,md,tex}``.

The CSV is tidy, one row per task, query, method and score; Markdown and LaTeX show the same to people.

- ``table``, ``task``, ``query``, ``method``, ``label``, ``control``, ``score``: which number it is.
- ``mean``, ``sd``, ``low``, ``high``, ``n`` and ``spread``: over the runs; ``spread`` says what over (seeds, cells,
  halves).
- ``rank``: among the methods of a query, 1 is best.
- ``paper_value``, ``paper_sd``: as published; ``paper_other_data``: for other data than these.
- ``stand_in``: whether the data are simulated.
- ``status``: ok, undefined, no truth, not measured or not run; ``note``: the reason.
- ``backend``: what computed the prediction, with version.
- ``beyond_values``, ``beyond_features``, ``beyond_cells``: of what the method predicts, the share of the values, and of
  the features and cells with such a value, beyond twice the range of the training cells; empty for images.
- ``expected_low``, ``expected_high``: where the energy distance is expected, by populations that were left out of the
  fit in turn (80 %); empty where fewer than three are there, or the method was not asked.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from outofsample.files.columns import read_csv
from outofsample.files.writing import sealed

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("table", "task", "query", "method", "label", "control", "score"),
    *("mean", "sd", "low", "high", "n", "spread", "rank"),
    *("paper_value", "paper_sd", "paper_other_data", "stand_in", "status", "note", "backend"),
    *("beyond_values", "beyond_features", "beyond_cells"),
    *("expected_low", "expected_high"),
)
TEXT = ("task", "query", "method", "label", "score", "spread", "status", "note", "backend")


def write_tidy(path: str | Path, tidy: "pd.DataFrame") -> None:
    """Write the rows of a table."""
    with sealed(path) as temporary:
        tidy.to_csv(temporary, index=False, float_format="%.9g")


def read_tidy(path: str | Path) -> "pd.DataFrame":
    """Read the rows of a table; text that is not there is an empty string.

    Raises
    ------
    UserError
        If it is another file.
    """
    tidy = read_csv(path, "a table that make_table.py wrote", TEXT, text=TEXT)
    return tidy.assign(**{name: tidy[name].fillna("") for name in TEXT})
