"""The score card: the verdict's rule, and that every published value has its verdict."""

import math
from dataclasses import replace

import pytest

from outofsample.files.scores import Row
from outofsample.files.table import read_tidy
from outofsample.jobs.figure import ShownTask
from outofsample.report import score_card
from outofsample.report.paper_values import read_paper_values
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
