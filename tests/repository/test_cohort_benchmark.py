"""The benchmark of cohorts writes what it measured, and leaves out what did not run."""

import csv

import numpy as np
from benchmarks.cohort import CONTROLS, cells_of, entries_of, in_batch_2, rows_with_peers, write_rows


def one(cpu, memory):
    return {"jobs": 2, "wall": 3.6, "cpu": cpu, "memory": memory}


def test_what_is_measured_is_written_by_rule_the_longest_first(tmp_path):
    run = {"rules": {"short": one(1.25, 300.4), "long": one(7.0, 20.0)}, "ours": {"wall": 9.0, "cpu": 11.0}}
    run |= {"FlowIO": one(0.5, 80.0), "CytoNormPy": one(np.nan, np.nan)}
    write_rows(tmp_path / "a.csv", "files", {10: rows_with_peers(run), 30: rows_with_peers(run)})
    with (tmp_path / "a.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["files", "rule", "jobs", "wall s", "CPU s", "peak MB"]
    assert rows[1] == ["10", "long", "2", "4", "7.0", "20"] and rows[2] == ["10", "short", "2", "4", "1.2", "300"]
    assert rows[3] == ["10", "all with Snakemake", "", "9", "11.0", ""]
    # CytoNormPy did not run.
    assert rows[4] == ["10", "FlowIO", "1", "4", "0.5", "80"] and rows[5][0] == "30" and len(rows) == 9
    write_rows(None, "files", {})


def test_the_simulated_change_is_one_of_each_channel():
    X = cells_of(0, 500, 4, patient=True)
    after = in_batch_2(X)
    for before, moved in zip(X.T, after.T, strict=True):
        slope, background = np.polyfit(before, moved, 1)
        np.testing.assert_allclose(moved, slope * before + background, atol=1e-3 * moved.max())
    assert [entry["condition"] for entry in entries_of(["p.fcs"])] == [*CONTROLS.values(), "batch1"]
