"""Tables on the page: what stands first, what sorts, and the plot beside."""

import re
from dataclasses import replace

import pytest

from outofsample.files.scores import Row, write_scores
from outofsample.jobs.table import ColumnSpec
from outofsample.report.page_tables import _merged, deciding, plot, table
from tests.unit.report.small_table import ROWS, SPEC, build, runs

#: More scores than a table starts with, of which the last ranks.
MANY = (
    ColumnSpec("means_r", "r of means", "high"),
    ColumnSpec("sd_ratio", "sd_ratio", "one"),
    ColumnSpec("change_r", "r of changes", "high"),
    ColumnSpec("spike_in_r", "spike-in r", "high", paper_column=True),
    ColumnSpec("energy_distance", "energy", "low"),
)


@pytest.fixture
def block(tmp_path):
    """The block of a table of five scores."""
    more = runs("gan", 2, means_r=[0.9, 0.9], change_r=[0.1, 0.2])
    write_scores([*ROWS, *more], tmp_path / "many.csv")
    spec, tidy = build(tmp_path / "many.csv", columns=MANY)
    return table(spec, tidy, "snakemake t2")["blocks"][0]


def cells(block, method):
    (row,) = (row for row in block["rows"] if row["cells"][0]["text"] == method)
    return row["cells"]


def test_a_table_starts_with_the_scores_that_decide():
    assert [column.score for column in deciding(replace(SPEC, columns=MANY))] == [
        "energy_distance",
        "spike_in_r",
        "change_r",
    ]
    # In the order of the table where no score is any of these.
    plain = replace(SPEC, columns=MANY[:2], rank_by=None)
    assert [column.score for column in deciding(plain)] == ["means_r", "sd_ratio"]


def test_the_other_columns_unfold(block):
    assert [(head["label"], head["more"]) for head in block["head"]] == [
        *[(label, False) for label in ("method", "rank", "energy", "spike-in r", "r of changes")],
        # Published values for other data are nothing to compare with.
        *[(label, True) for label in ("paper (other data): spike-in r", "r of means", "sd_ratio", "runs")],
    ]


def test_what_is_expected_stands_beside_the_distance(tmp_path):
    rows = [*ROWS, Row("dengue", "q", "gan", score="expected_error", value=0.5, low=0.25, high=1.5)]
    write_scores(rows, tmp_path / "expected.csv")
    spec, tidy = build(tmp_path / "expected.csv", columns=MANY)
    (block,) = table(spec, tidy, "")["blocks"]
    labels = [head["label"] for head in block["head"]]
    assert labels[2:4] == ["energy", "expected"] and not block["head"][3]["more"]
    assert [cells(block, name)[3]["text"] for name in ("GAN", "Neuron Editing")] == ["0.25 to 1.5", "–"]
    # Sorted by the upper end.
    assert cells(block, "GAN")[3]["key"] == "1.5"


def test_published_values_for_the_same_data_stand_beside_ours(tmp_path):
    write_scores(ROWS, tmp_path / "real.csv")
    spec, tidy = build(tmp_path / "real.csv", stand_in={}, paper_tasks=("dengue",))
    (block,) = table(spec, tidy, "")["blocks"]
    assert [head["label"] for head in block["head"] if not head["more"]][2:5] == ["energy", "spike-in r", "paper"]


def test_rows_are_in_the_order_of_the_rank(block):
    names = [row["cells"][0]["text"] for row in block["rows"]]
    assert names[:3] == ["Median shift (control)", "Neuron Editing", "GAN"]
    assert [head["label"] for head in block["head"] if head["sorted"]] == ["rank"]
    assert [row["control"] for row in block["rows"]][:2] == [True, False]


def test_every_row_covers_every_column(block):
    for row in block["rows"]:
        assert sum(cell.get("columns", 1) for cell in row["cells"]) == len(block["head"])
        folded = [cell["columns"] for cell in row["cells"] if cell["more"]]
        assert sum(folded) == sum(head["more"] for head in block["head"])


def test_cells_sort_by_their_numbers(block):
    labels = [head["label"] for head in block["head"]]
    keys = {label: cell["key"] for label, cell in zip(labels, cells(block, "GAN"), strict=True)}
    assert keys["energy"] == "0.6" and keys["rank"] == "3" and keys["runs"] == "2"
    # By the distance to 1 where 1 is best.
    assert float(keys["sd_ratio"]) == pytest.approx(0.1)
    assert {head["label"]: head["first"] for head in block["head"]}["spike-in r"] == "descending"
    (not_run,) = (cell for cell in cells(block, "CCA") if cell["text"] == "not run: R missing" and not cell["more"])
    assert not_run["key"] is None and not_run["columns"] == 3


def test_the_plot_shows_the_score_that_ranks(scores):
    spec, tidy = build(scores)
    drawn = plot(tidy, spec)
    rows = re.findall(r"<title>([^<]*)</title>", drawn)
    assert rows == ["Median shift: 0.050", "Neuron Editing: 0.200", "GAN: 0.600", "limma: 0.900"]
    assert "energy (← less is better)" in drawn and 'class="oracle"' in drawn
    # Of the two that the axis reaches, one run without a spread has no bar.
    assert re.findall(r"<title>([^<]*)</title><path class=\"interval\"", drawn) == []
    wide = plot(tidy.assign(high=tidy["high"].where(tidy["method"] != "oracle", 1.0)), spec)
    assert re.findall(r'<title>(\w+)[^<]*</title><path class="interval"', wide) == ["Neuron", "GAN"]


def test_a_table_of_one_number_has_no_plot(scores):
    spec, tidy = build(scores)
    assert plot(tidy[tidy["method"].isin(["gan", "oracle"])], spec) is None


def test_equal_cells_beside_each_other_are_one():
    texts = ["CCA", "not run: x", "0.6", "not run: x", "not run: x", "–", "–"]
    merged = _merged([{"text": text} for text in texts], more=True)
    assert [(cell["text"], cell["columns"]) for cell in merged] == [
        ("CCA", 1),
        ("not run: x", 1),
        ("0.6", 1),
        ("not run: x", 2),
        ("–", 1),
        ("–", 1),
    ]
    assert all(cell["more"] for cell in merged)
