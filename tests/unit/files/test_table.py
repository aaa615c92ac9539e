"""Tidy tables: what is written is read."""

import math

import pandas as pd
import pytest

from outofsample.errors import UserError
from outofsample.files.table import COLUMNS, TEXT, read_tidy, write_tidy


def test_a_table_is_read_as_it_was_written(tmp_path):
    row = dict.fromkeys(COLUMNS, math.nan) | dict.fromkeys(TEXT, "") | {"task": "007", "mean": 1 / 3, "control": True}
    write_tidy(tmp_path / "t.csv", pd.DataFrame([row], columns=COLUMNS))
    found = read_tidy(tmp_path / "t.csv")
    assert tuple(found) == COLUMNS and found["task"][0] == "007" and found["note"][0] == ""
    assert found["mean"][0] == 0.333333333 and math.isnan(found["sd"][0]) and found["control"][0]


def test_other_files_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"t\.csv: this is not a table that make_table\.py wrote \(.*No such file"):
        read_tidy(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("task,query\n1,2\n")
    with pytest.raises(UserError, match=r"t\.csv: this is not a table .* \(no column 'method', 'label'"):
        read_tidy(tmp_path / "t.csv")
