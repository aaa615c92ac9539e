"""The score card: the verdict's rule, and that every published value has its verdict."""

import math
from dataclasses import replace

import pytest

from outofsample.files.scores import Row, read_scores, write_scores
from outofsample.files.table import read_tidy
from outofsample.jobs.figure import ShownTask
from outofsample.jobs.table import ColumnSpec, MethodRow, TableSpec
from outofsample.report import score_card
from outofsample.report.paper_values import read_paper_values
from outofsample.report.tables import FID_OFF, tidy_table
from tests.browser.study import PAPER_VALUES, TABLE, SmallStudy, rows_of

NAN = float("nan")


def cell(column="spike_in_r", theirs=0.9, theirs_sd=NAN, ours=0.9, ours_sd=NAN):
    return score_card.Cell("p", "1", "m", column, theirs, theirs_sd, "", "", "M", ours=ours, ours_sd=ours_sd)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({"ours": 0.919}, "reproduced"),
        ({"ours": 0.881}, "reproduced"),
        ({"ours": 0.921}, "not reproduced"),
        ({"ours": 0.85}, "not reproduced"),
        ({"ours": 0.85, "ours_sd": 0.024}, "not reproduced"),
        ({"ours": 0.85, "ours_sd": 0.026}, "reproduced"),
        ({"ours": 0.85, "ours_sd": 0.018, "theirs_sd": 0.018}, "reproduced"),
        ({"ours": 0.85, "ours_sd": 0.017, "theirs_sd": 0.017}, "not reproduced"),
        ({"column": "fid", "theirs": 121.6, "ours": 126}, "reproduced"),
        ({"column": "fid", "theirs": 121.6, "ours": 127}, "not reproduced"),
        ({"column": "unknown", "ours": 0.9}, "not comparable"),
        ({"column": "unknown", "ours": 0.92, "ours_sd": 0.011}, "reproduced"),
        ({"column": "unknown", "ours": 0.92, "ours_sd": 0.009}, "not reproduced"),
    ],
)
def test_the_verdict_by_numbers(values, verdict):
    assert score_card.judged(cell(**values), []).verdict == verdict


def test_what_two_results_may_differ_by():
    assert score_card.allowed_difference("means_r", 0.3, 0.4) == pytest.approx(1.0)
    assert score_card.allowed_difference("means_r", NAN, 0.001) == 0.02
    assert score_card.allowed_difference("unknown", 0.1, NAN) == pytest.approx(0.2)
    assert math.isnan(score_card.allowed_difference("unknown", NAN, NAN))


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (("ok", "", False, False, False), ""),
        (("ok", "", True, False, True), "stand-in data"),
        (("ok", "", False, True, False), "demo size"),
        (("ok", "", False, False, True), "other data than the paper's"),
        (("ok", "", True, True, True), "stand-in data; demo size"),
        (("not run", "R missing", False, False, False), "did not run: R missing"),
        (("no truth", "", False, False, False), "no truth was measured"),
        (("not measured", FID_OFF, False, False, False), FID_OFF),
        (("undefined", "undefined: no change applied", False, False, False), "undefined: no change applied"),
    ],
)
def test_what_speaks_against_a_comparison(facts, reason):
    reasons = score_card.obstacles(*facts)
    assert "; ".join(reasons) == reason
    judged = score_card.judged(cell(), reasons)
    assert (judged.verdict, judged.why) == (("not comparable" if reason else "reproduced"), reason)


# ---- the score card of a study


def card(tmp_path, rows=None, demo_size=False, stand_in=False, **changes):
    """Return the cells of the small study's score card by (table, row, column)."""
    task = ShownTask("dengue", stand_in)
    content = {"tasks": {"dengue": task}, "tables": {"t2": replace(TABLE, **changes)}, "figures": {}}
    small = SmallStudy(tmp_path, content, rows or rows_of("dengue", "sample1")).write()
    tidy = {"t2": read_tidy(tmp_path / "tables" / "t2.csv")}
    papers = read_paper_values(PAPER_VALUES)
    cells = score_card.score_card(papers, small.spec.tables, tidy, demo_size)
    assert {c.published for c in cells} == set(
        papers[["paper", "table", "row", "column"]].itertuples(index=False, name=None)
    )
    return cells


def verdicts(cells):
    return {(c.table, c.row): (c.verdict, c.why) for c in cells if c.paper == "ne2020" and c.column != "variances_r"}


def test_every_published_cell_has_its_verdict(tmp_path):
    cells = card(tmp_path)
    found = verdicts(cells)
    assert found["2", "neuron_editing"] == ("reproduced", "")
    assert found["2", "gan"] == ("not reproduced", "")
    assert found["2", "cca"] == ("not comparable", "did not run: R missing")
    assert found["2", "limma"] == ("not in this study", "this study does not run the method")
    assert found["3", "gan"] == ("not in this study", "no table of this study shows it")
    (ours,) = [c for c in cells if (c.table, c.row) == ("2", "neuron_editing")]
    assert (ours.ours, ours.ours_sd, ours.theirs) == (pytest.approx(0.96), pytest.approx(0.01), 0.96275)
    assert (ours.spread, ours.label, ours.allowed) == ("seeds", "Neuron editing", pytest.approx(0.02))
    counts = score_card.counts(cells)
    assert sum(counts.values()) == len(read_paper_values(PAPER_VALUES))
    assert (counts["reproduced"], counts["not reproduced"], counts["not comparable"]) == (1, 1, 1)


def test_stand_ins_and_demo_size_are_never_compared(tmp_path):
    for number, (settings, why) in enumerate(
        [
            ({"stand_in": True}, "stand-in data"),
            ({"demo_size": True}, "demo size"),
            ({"paper_tasks": ()}, "other data than the paper's"),
        ]
    ):
        found = verdicts(card(tmp_path / str(number), **settings))
        assert found["2", "neuron_editing"] == found["2", "gan"] == ("not comparable", why)


def test_another_score_is_not_comparable(tmp_path):
    columns = tuple(replace(column, paper_column=False) for column in TABLE.columns)
    found = verdicts(card(tmp_path, columns=columns))
    assert found["2", "gan"][0] == "not comparable" and "another score" in found["2", "gan"][1]


def test_a_score_that_is_not_defined_is_not_comparable(tmp_path):
    rows = [row for row in rows_of("dengue", "sample1") if (row.method, row.score) != ("gan", "spike_in_r")]
    rows.append(Row("dengue", "sample1", "gan", 0, "spike_in_r", note="undefined: no change applied"))
    assert verdicts(card(tmp_path, rows))["2", "gan"] == ("not comparable", "undefined: no change applied")


def test_a_cell_with_two_results_counts_once(tmp_path):
    far = [row for row in rows_of("dengue", "other") if (row.method, row.score) != ("neuron_editing", "spike_in_r")]
    far += [Row("dengue", "other", "neuron_editing", s, "spike_in_r", 0.5 + s / 100) for s in range(3)]
    cells = card(tmp_path, [*rows_of("dengue", "sample1"), *far])
    both = [c for c in cells if (c.table, c.row) == ("2", "neuron_editing")]
    assert [(c.query, c.verdict) for c in both] == [("sample1", "reproduced"), ("other", "not reproduced")]
    assert score_card.counts(cells)["reproduced"] == 0 and score_card.counts(cells)["not reproduced"] == 2


# ---- whose number it is


def by_row(tmp_path, spec: TableSpec, rows: list[Row]) -> dict[tuple[str, str], list[score_card.Cell]]:
    """Return the cells of one table's score card by row and column."""
    write_scores(rows, tmp_path / "scores.csv")
    papers = read_paper_values(PAPER_VALUES)
    tidy = tidy_table(spec, read_scores([tmp_path / "scores.csv"]), papers)
    found: dict[tuple[str, str], list[score_card.Cell]] = {}
    for one in score_card.score_card(papers, {spec.name: spec}, {spec.name: tidy}, False):
        if (one.paper, one.table) == (spec.paper, spec.table):
            found.setdefault((one.row, one.column), []).append(one)
    return found


def gut(*methods: str) -> TableSpec:
    return TableSpec(
        name="gut",
        title="Tuft cells",
        columns=(ColumnSpec("means_r2_notebook", "R2", "high", paper_column="means_r2"),),
        methods=tuple(MethodRow(name, name) for name in methods),
        tasks=("haber.Tuft",),
        paper="trvae2020",
        table="notebook_haber",
        paper_tasks=("haber.Tuft",),
    )


def scores_of(query: str, **values: float) -> list[Row]:
    return [Row("haber.Tuft", query, name, 0, "means_r2_notebook", value) for name, value in values.items()]


def test_values_of_day_10_stand_beside_day_10_alone(tmp_path):
    days = {"Hpoly.Day3": 0.5, "Hpoly.Day10": 0.97, "Salmonella": 0.4}
    rows = [row for query, value in days.items() for row in scores_of(query, trvae=value)]
    (cell,) = by_row(tmp_path, gut("trvae"), rows)["trvae", "means_r2"]
    assert (cell.query, cell.ours, cell.verdict) == ("Hpoly.Day10", 0.97, "reproduced")
    tidy = tidy_table(gut("trvae"), read_scores([tmp_path / "scores.csv"]), read_paper_values(PAPER_VALUES))
    shown = tidy[tidy["method"] == "trvae"].set_index("query")["paper_value"]
    assert shown["Hpoly.Day10"] == 0.968 and shown[["Hpoly.Day3", "Salmonella"]].isna().all()


def test_a_study_without_the_query_of_a_value(tmp_path):
    (cell,) = by_row(tmp_path, gut("trvae"), scores_of("Salmonella", trvae=0.97))["trvae", "means_r2"]
    assert (cell.verdict, cell.why) == ("not in this study", "this study does not ask for Hpoly.Day10")


@pytest.mark.parametrize(("published", "corrected"), [("style_gan", "cyclegan"), ("saucie", "scgen")])
def test_values_of_defective_code_stand_beside_that_code_alone(tmp_path, published, corrected):
    row = f"{published}_as_published"
    theirs = {"style_gan": 0.038, "saucie": 0.874}[published]
    rows = scores_of("Hpoly.Day10", **{published: theirs, corrected: theirs, row: theirs + 0.01})
    found = by_row(tmp_path, gut(published, corrected, row), rows)
    (cell,) = found[row, "means_r2"]
    assert (cell.theirs, cell.verdict) == (theirs, "reproduced")
    assert not [key for key in found if key[0] in ("cyclegan", "style_gan", "saucie")]


def test_table_1_without_fid_says_how_to_switch_it_on(tmp_path):
    spec = replace(
        TABLE,
        name="t1",
        columns=(ColumnSpec("fid", "FID", "low", paper_column=True), ColumnSpec("kid_cnn", "kernel", "low")),
        methods=(MethodRow("gan", "GAN"),),
        table="1",
        rank_by=None,
    )
    rows = [Row("dengue", "women", method, 0, "kid_cnn", 0.1) for method in ("gan", "oracle")]
    (cell,) = by_row(tmp_path, spec, rows)["gan", "fid"]
    assert cell.verdict == "not comparable" and "Inception" in cell.why and "{fid: true}" in cell.why
    without_truth = [
        Row("dengue", "women", "gan", 0, "spike_in_r", 0.1),
        Row("dengue", "women", "oracle", note="no truth"),
    ]
    (cell,) = by_row(tmp_path, spec, without_truth)["gan", "fid"]
    assert cell.why == "no truth was measured"
