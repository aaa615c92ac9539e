"""The table of what can be relied on: the study asks enough queries, and the table says of them what it should."""

import csv
import importlib.util
import re

import pytest

from outofsample.errors import UserError
from outofsample.files.scores import Row, write_scores
from outofsample.study.load import read_study
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("leave_one_out", ROOT / "benchmarks" / "leave_one_out.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_study_asks_36_queries_half_of_them_chosen_on(script):
    study = read_study(ROOT / "studies" / "leave_one_out.yaml")
    asked = [(task, query.name) for task in study.selected("tasks") for query in study.tasks[task].as_queries()]
    assert len(asked) == 36 and len(set(asked)) == 36
    assert sum(script.is_chosen_on(task) for task, _ in asked) == 18


def test_both_files_of_kang_have_a_cell_type_in_the_same_half(script):
    for name in ("NK", "CD14_Mono", "CD8_T", "T", "B", "DC"):
        assert script.is_chosen_on(f"kang_pooled.{name}") == script.is_chosen_on(f"kang_sample.{name}")


def test_ranks_shares_and_ratios(script, tmp_path):
    values = {"no_change": 2.0, "mean_shift": 1.0, "stacked_map": 0.5, "stacked_equal": 0.6, "oracle": 0.0}
    worse = {"no_change": 2.0, "mean_shift": 3.0, "stacked_map": 2.0, "stacked_equal": 4.0, "oracle": 0.0}
    for task, each in (("hela", values), ("from_021", worse)):
        rows = [Row(task, "q", name, 0, "energy_distance", value) for name, value in each.items()]
        write_scores([*rows, Row(task, "q", "mean_shift", 0, "mmd", 9.0)], tmp_path / f"{task}.csv")
    means = script.distances(tmp_path.glob("*.csv"))
    assert script.ranks(means["from_021", "q"]) == {
        "no_change": 1.5,
        "mean_shift": 3.0,
        "stacked_map": 1.5,
        "stacked_equal": 3.0,
    }
    row = {row["method"]: row for row in script.summary(means)}["stacked_equal"]
    assert (row["half"], row["queries"], row["mean_rank"]) == ("chosen on", 2, 2.0)
    assert row["worse_than_no_change"] == row["worse_than_mean_shift"] == 0.5
    assert (row["worst_ratio_to_best"], row["worst_query"]) == (2.0, "from_021 q")


def read_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a table of the documents."""
    with open(ROOT / "docs" / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_documents_table_says_what_the_measured_one_does():
    page = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"\| method \| mean rank \|[^\n]*\n[^\n]*\n((?:\|[^\n]*\n)+)", page)
    shown = [[part.strip() for part in line.strip("|").split("|")] for line in lines.splitlines()]
    methods = read_study(ROOT / "studies" / "leave_one_out.yaml").methods
    reported = [row for row in read_rows("leave_one_out.csv") if row["half"] == "reported on"]
    of_label = {methods[row["method"]].label: row for row in reported if row["method"] in methods}
    ranks = [float(rank) for _, rank, *_ in shown]
    assert len(shown) >= 10 and ranks == sorted(ranks)
    for label, rank, worse_than_nothing, worse_than_shift, ratio in shown:
        row = of_label[label]
        assert rank == f"{float(row['mean_rank']):.1f}"
        for told, column, itself in (
            (worse_than_nothing, "worse_than_no_change", "no_change"),
            (worse_than_shift, "worse_than_mean_shift", "mean_shift"),
        ):
            assert told == ("-" if row["method"] == itself else f"{100 * float(row[column]):.0f} %"), (
                f"{label}, {column}"
            )
        assert ratio == f"{float(row['worst_ratio_to_best']):.1f}"


def test_the_measured_table_follows_from_the_queries(script):
    means = {
        (row.pop("task"), row.pop("query")): {name: float(value) for name, value in row.items()}
        for row in read_rows("leave_one_out_queries.csv")
    }
    of_method = {(row["half"], row["method"]): row for row in script.summary(means)}
    for row in read_rows("leave_one_out.csv"):
        found = of_method[row["half"], row["method"]]
        assert int(row["queries"]) == found["queries"] == 18
        assert row == {column: str(found[column]) for column in script.COLUMNS}


def test_scores_that_are_not_there_are_told(script, tmp_path):
    with pytest.raises(UserError, match=r"run studies/leave_one_out\.yaml first"):
        script.distances(tmp_path.glob("*.csv"))


def test_methods_that_were_not_run_keep_their_distances(script):
    kept = [{"task": "hela", "query": "GSK", "cellot": "3.0", "stacked_map": "9.0"}]
    means = {("hela", "GSK"): {"stacked_map": 0.5, "no_change": 2.0}}
    assert script.with_kept(means, kept) == {("hela", "GSK"): {"cellot": 3.0, "stacked_map": 0.5, "no_change": 2.0}}
    with pytest.raises(UserError, match="no row of hela GDC"):
        script.with_kept({("hela", "GDC"): {}}, kept)
