"""Scores: what is written is read, with empty fields for what is not there."""

import math

import pytest

from outofsample.errors import UserError
from outofsample.files.scores import COLUMNS, Row, read_scores, write_scores


def test_scores_are_read_as_they_were_written(tmp_path):
    rows = [
        Row("1", "q", "m", 0, "mmd", 1 / 3, 0.25, 0.5, 0.125, 7, "", "numpy 2"),
        Row("1", "q", "NA", note="R missing"),
    ]
    write_scores(rows[:1], tmp_path / "one.csv")
    write_scores(rows[1:], tmp_path / "two.csv")
    frame = read_scores([tmp_path / "one.csv", tmp_path / "two.csv"])
    assert tuple(frame.columns) == COLUMNS and frame["task"].tolist() == ["1", "1"]
    assert frame["value"][0] == 0.333333333 and frame["low"][0] == 0.25 and frame["n_cells"][0] == 7
    assert frame["method"].tolist() == ["m", "NA"] and frame["note"].tolist() == ["", "R missing"]
    assert frame["score"].tolist() == ["mmd", ""] and math.isnan(frame["value"][1]) and math.isnan(frame["seed"][1])


def test_an_empty_list_of_rows_still_has_a_head(tmp_path):
    write_scores([], tmp_path / "scores.csv")
    assert (tmp_path / "scores.csv").read_text().startswith("task,query,method,seed,score,value")


@pytest.mark.parametrize(("content", "why"), [("a,b\n1,2\n", "no column 'task', 'query'"), (None, "No such file")])
def test_other_files_are_refused(tmp_path, content, why):
    if content is not None:
        (tmp_path / "t.csv").write_text(content)
    with pytest.raises(
        UserError, match=rf"t\.csv: this is not a table of scores that evaluate_task\.py wrote \(.*{why}"
    ):
        read_scores([tmp_path / "t.csv"])
