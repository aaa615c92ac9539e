"""The tables of real data in the documents follow from scores."""

import csv
import re

import pytest
from benchmarks import measured

from outofsample.files.scores import Row, read_scores, write_scores

QUESTION = measured.QUESTIONS["hela_gsk"]
LABELS = {"mean_shift": "Mean shift", "oracle": "Oracle"}


@pytest.fixture
def rows(tmp_path):
    """The table of a question: two seeds of a network, one run of a map, the oracle's halves, one that did not run."""
    planted = {
        "neural": [(0.9, 12.0), (0.7, 14.0)],
        "mean_shift": [(0.5, 0.25)],
        "oracle": [(1.0, 0.01), (0.9, -0.01)],
    }
    scores = [Row("hela", "GSK", "absent", note="not run: no counts"), Row("hela", "GDC", "neural", 0, "means_r", 0.1)]
    for method, runs in planted.items():
        for seed, (r, distance) in enumerate(runs):
            scores += [Row("hela", "GSK", method, seed, "means_r", r)]
            scores += [Row("hela", "GSK", method, seed, "energy_distance", distance)]
    write_scores(scores, tmp_path / "hela.csv")
    return measured.table_of(read_scores([tmp_path / "hela.csv"]), QUESTION, LABELS)


def test_a_row_per_method_in_the_order_of_the_distance(rows):
    assert [row["method"] for row in rows] == ["Oracle", "Mean shift", "Neural"]
    assert [row["energy distance"] for row in rows] == ["0.000", "0.250", "13.0 ± 1.414"]
    assert [row["r of means"] for row in rows] == ["0.950", "0.500", "0.800 ± 0.141"] and rows[0]["SD ratio"] == ""


def test_ranks_are_of_tasks_and_say_of_how_many(rows):
    table = [
        {"method": "Oracle", "mean rank": "", "HeLa, GDC": "0.0", "digits, thin": "0"},
        {"method": "Mean shift", "mean rank": "9", "HeLa, GDC": "2.0", "digits, thin": "1.0 ± 3.000"},
        {"method": "Other", "mean rank": "", "HeLa, GDC": "1.0", "digits, thin": "2.0", "HeLa, GSK": "5"},
    ]
    found = measured.ranked(measured.with_column(table, "HeLa, GSK", rows))
    # HeLa: first and second make 1.5; Other has no distance for GSK any more.
    assert [(row["method"], row["mean rank"]) for row in found] == [
        ("Oracle", ""),
        ("Mean shift", "1.2 (2)"),
        ("Other", "1.5 (2)"),
        ("Neural", "2.0 (1)"),
    ]
    assert found[2]["HeLa, GSK"] == "" and found[0]["HeLa, GSK"] == "0.000"


def test_methods_that_were_not_run_may_keep_their_numbers(rows):
    kept = [{"method": method, "energy distance": value} for method, value in (("Other", "5"), ("Mean shift", "9"))]
    found = measured.with_kept(rows, kept, QUESTION)
    assert [(row["method"], row["energy distance"]) for row in found[1:]] == [
        ("Mean shift", "0.250"),
        ("Other", "5"),
        ("Neural", "13.0 ± 1.414"),
    ]
    photographs, kid = measured.QUESTIONS["celeba_hair"], "kernel distance (CNN)"
    old = [{"method": "Other", kid: "0.1", "SD ratio": "1.2"}]
    assert measured.with_kept([{"method": "Mean shift", kid: "0.5"}], old, photographs) == [
        {"method": "Mean shift", kid: "0.5"},
        {"method": "Other", kid: "", "Fréchet distance (CNN)": "", "SD ratio": "1.2"},
    ]
    table = [{"method": "Other", "mean rank": "", "HeLa, GSK": "5"}]
    assert measured.with_column(table, "HeLa, GSK", rows, keep=True)[0]["HeLa, GSK"] == "5"
    assert measured.with_column(table, "HeLa, GSK", rows)[0]["HeLa, GSK"] == ""


def test_the_page_keeps_its_methods_and_headings(rows):
    before = "| Neural | 1 |\n| Mean shift | 2 |"
    page = f"a\n\n<!-- measured: x -->\n\n| method | energy distance |\n| --- | --: |\n{before}\n\nb\n"
    new = measured.with_rows(page, "x", rows)
    assert new == page.replace(before, "| Mean shift | 0.250 |\n| Neural | 13.0 ± 1.414 |")
    assert measured.with_rows(page, "other", rows) == page


def test_the_steps_are_means_over_seeds():
    def run(method, seed, steps, r):
        numbers = dict.fromkeys(("means_r2", "sd_ratio", "energy_distance"), "0.5")
        return {"method": method, "seed": seed, "steps": steps, "change_of_means_r": r, **numbers}

    runs = [run("no_change", "", "", "nan"), run("cvae", "0", "9000", "0.1"), run("cvae", "1", "9000", "0.3")]
    page = measured.with_steps("a\n\n<!-- steps -->\n\n| old |\n\nb\n", [*runs, run("cvae", "0", "100", "0.2")])
    assert page.startswith("a\n\n<!-- steps -->\n\n| steps | method |") and page.endswith("|\n\nb\n")
    assert [line.split(" | ")[:5] for line in page.splitlines() if "0.500" in line] == [
        ["| 100", "CVAE", "1", "0.500", "0.200"],
        ["| 9,000", "CVAE", "2", "0.500", "0.200 ± 0.141"],
        ["| -", "No change", "-", "0.500", "-"],
    ]


def test_each_marker_of_the_page_is_known_and_its_methods_are_measured():
    page = (measured.DOCS / "real_data.md").read_text(encoding="utf-8")
    markers = re.findall(r"<!-- measured: (\w+) -->\n\n\| method[^\n]*\n[^\n]*\n((?:\|[^\n]*\n)+)", page)
    assert len(markers) == page.count("<!-- measured: ") >= 4
    for name, lines in markers:
        known = {row["method"] for row in measured.read_table(measured.DOCS / "measured" / f"{name}.csv")}
        assert {line.strip("|").split("|")[0].strip() for line in lines.splitlines()} <= known


@pytest.mark.parametrize("name", measured.QUESTIONS)
def test_tables_have_the_headings_of_their_question(name):
    with open(measured.DOCS / "measured" / f"{name}.csv", newline="", encoding="utf-8") as file:
        headings = next(csv.reader(file))
    meant = ["method", *measured.QUESTIONS[name].columns.values()]
    # The smaller file of Kang's cells was measured without the scores of changed genes.
    assert headings == meant or (name == "kang_sample" and headings == meant[: -len(measured.GENES)])


def test_changed_genes_are_shares_and_the_oracle_finds_most():
    table = measured.read_table(measured.DOCS / "measured" / "kang_pooled.csv")
    for heading in measured.GENES.values():
        found = {row["method"]: measured.first_number(row[heading]) for row in table if row[heading]}
        assert all(0 <= value <= 1 for value in found.values()) and len(found) > 30
    areas = {row["method"]: measured.first_number(row["area under precision and recall"]) for row in table}
    assert areas["Oracle"] == max(filter(None, areas.values()))
