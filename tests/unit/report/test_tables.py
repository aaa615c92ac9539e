"""Tables: the numbers of their rows, ours and the paper's."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

from outofsample.errors import UserError
from outofsample.jobs.table import ColumnSpec, TableSpec
from outofsample.report.tables import summarise_runs
from tests.browser.study import PAPER_VALUES
from tests.unit.report.small_table import SPEC, build, entry


def test_mean_and_spread_over_seeds(scores):
    row = entry(build(scores)[1], "neuron_editing", "spike_in_r")
    assert (row["mean"], row["sd"], row["n"], row["spread"]) == (pytest.approx(0.9), pytest.approx(0.1), 3, "seeds")
    assert row["paper_value"] == 0.96275 and row["paper_other_data"]


def test_one_run_has_the_spread_over_cells(scores):
    row = entry(build(scores)[1], "median_shift", "spike_in_r")
    assert (row["mean"], row["low"], row["high"], row["sd"]) == (0.99, 0.97, 0.995, 0.004)
    assert (row["n"], row["spread"]) == (1, "cells")
    assert entry(build(scores)[1], "median_shift", "energy_distance")["spread"] == ""


def test_intervals_of_seeds_are_averaged():
    frame = pd.DataFrame({"value": [1.0, 2.0], "low": [0.5, 1.5], "high": [1.5, 2.5], "sd": [0.3, 0.3]})
    summary = summarise_runs(frame, "gan")
    assert (summary["low"], summary["high"], summary["spread"]) == (1, 2, "seeds")
    assert summary["sd"] == pytest.approx(np.std([1, 2], ddof=1))


def test_oracle_has_the_range_of_its_halves(scores):
    row = entry(build(scores)[1], "oracle", "energy_distance")
    assert row["spread"] == "halves" and row["low"] < 0 < row["high"] and np.isnan(row["rank"])


def test_ranks_count_controls_but_not_the_oracle(scores):
    tidy = build(scores)[1]
    ranks = {method: entry(tidy, method, "sd_ratio")["rank"] for method in ("median_shift", "neuron_editing", "gan")}
    assert ranks == {"median_shift": 1, "neuron_editing": 2, "gan": 3}
    assert np.isnan(entry(tidy, "cca", "sd_ratio")["rank"])


def test_a_table_by_task_and_a_column_of_another_name(scores):
    columns = (ColumnSpec("spike_in_r", "r", paper_column="means_r"),)
    _, tidy = build(scores, table={"dengue": "3"}, columns=columns, rank_by=None)
    assert entry(tidy, "gan", "spike_in_r")["paper_value"] == 0.87014


def test_a_task_without_scores_is_told(scores):
    with pytest.raises(UserError, match=r"Table 't2': there are no scores of task 'dengu' \(did you mean 'dengue'"):
        build(scores, tasks=("dengu",))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"titel": "x"}, r"has no key 'titel' \(did you mean 'title'"),
        ({"columns": [{"label": "r"}]}, "this is not the JSON of a TableSpec .*`score`"),
        ({"rank_by": 3}, "this is not the JSON of a TableSpec .*`\\$.rank_by`"),
    ],
)
def test_wrong_specifications_are_refused(change, message):
    with pytest.raises(UserError, match=message):
        TableSpec.from_json(json.dumps(json.loads(SPEC.to_json()) | change))


def test_a_specification_can_be_a_file(tmp_path):
    (tmp_path / "spec.json").write_text(SPEC.to_json())
    assert TableSpec.read(str(tmp_path / "spec.json")) == SPEC
    with pytest.raises(UserError, match=r"none\.json"):
        TableSpec.read(str(tmp_path / "none.json"))


def test_script_writes_three_files(scores, tmp_path, monkeypatch):
    import make_table

    outputs = {form: tmp_path / "tables" / f"t2.{form}" for form in ("csv", "md", "tex")}
    (tmp_path / "spec.json").write_text(SPEC.to_json())
    arguments = ["--spec", tmp_path / "spec.json", "--scores", scores, f"--paper-values={PAPER_VALUES}"]
    arguments += [f"--output-{form}={path}" for form, path in outputs.items()]
    monkeypatch.setattr(sys, "argv", ["make_table.py", *map(str, arguments)])
    make_table.main()
    tidy = pd.read_csv(outputs["csv"])
    assert len(tidy) == 18 and set(tidy["table"]) == {"t2"}
    assert outputs["md"].read_text().startswith("# ") and "booktabs" in outputs["tex"].read_text()
