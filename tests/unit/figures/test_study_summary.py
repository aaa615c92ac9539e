"""All scores of a study on one scale: shares, ranks, and what has no number."""

import numpy as np
import pandas as pd
import pytest

from outofsample.errors import UserError
from outofsample.figures import study_summary, summary_map
from outofsample.files.missing import REASON
from tests.unit.figures.drawn import texts
from tests.unit.figures.study_scores import COLUMNS, TWO, rows


def test_shares_run_from_no_change_to_the_oracle(summarise_scores):
    summary = summarise_scores(*TWO)
    # Task a: (5 - mean(2, 4)) / (5 - 1) and (5 - 7) / (5 - 1).
    assert summary.shares.loc["no_change"].tolist() == [0, 0]
    assert summary.shares["a"][["trvae", "gan"]].tolist() == pytest.approx([0.5, -0.5])
    assert summary.shares["sim"][["trvae", "gan", "mnn"]].tolist() == pytest.approx([1, 0.75, 1])
    assert summary.values.loc["trvae", "a"] == 3


def test_scores_where_more_is_better(summarise_scores):
    table = rows("a", {"no_change": 0.2, "trvae": 0.6, "gan": 0}, score="means_r2", oracle=(0.95, 1.0, 1.05))
    summary = summarise_scores(table, score="means_r2")
    assert summary.shares["a"][["trvae", "gan"]].tolist() == pytest.approx([0.5, -0.25])
    assert summary.ranks["a"].to_dict() == {"trvae": 1, "no_change": 2, "gan": 3}


def test_ratios_are_judged_by_their_distance_to_one(summarise_scores):
    table = rows("a", {"no_change": 0.5, "trvae": 1.5, "gan": 0.9}, score="sd_ratio", oracle=(0.98, 1.0, 1.02))
    summary = summarise_scores(table, score="sd_ratio")
    # (0.5 - 0.1) / (0.5 - mean(0.02, 0, 0.02)); 1.5 is as far from 1 as no change is.
    assert summary.shares["a"][["trvae", "gan"]].tolist() == pytest.approx([0, 0.4 / (0.5 - 0.04 / 3)])
    assert summary.ranks["a"].to_dict() == {"gan": 1, "no_change": 2, "trvae": 2}
    assert "Of sd ratio the distance to 1 counts" in texts(summary_map.every_task(summary))
    assert "distance to 1" not in texts(summary_map.every_task(summarise_scores(*TWO)))


@pytest.mark.parametrize(
    ("score", "unchanged", "far", "oracle"),
    [
        ("energy_distance", 0.997, 2.0, (0.998, 1.0, 1.002)),
        ("means_r2", 0.99, 0.1, (0.95, 0.96, 0.97)),
        ("sd_ratio", 1.01, 0.5, (0.8, 1.2, 1.3)),
    ],
)
def test_no_change_beyond_the_better_end_of_the_oracle_has_no_scale(summarise_scores, score, unchanged, far, oracle):
    """The scale would turn around: what is farther from the truth would remove thousands of per cent."""
    turned = rows("b", {"no_change": unchanged, "trvae": far}, score=score, oracle=oracle)
    summary = summarise_scores(TWO[0], turned, score_by_task={"b": score})
    assert summary.left_out == {"b": "no change is nearer to the truth than the oracle is"}
    assert list(summary.shares) == ["a"]
    assert study_summary.describe(summary).endswith("no share: b (no change is nearer to the truth than the oracle is)")
    assert summary.ranks["b"][["no_change", "trvae"]].tolist() == [1, 2]
    shown = texts(summary_map.every_task(summary))
    assert "No share: b (no change is nearer" in shown and "counts in the ranks alone" in shown


def test_far_halves_of_the_oracle_do_not_turn_the_scale(summarise_scores):
    mean_beyond = rows("b", {"no_change": 1, "trvae": 9}, oracle=[0.0] * 99 + [100.0] * 2)
    assert summarise_scores(TWO[0], mean_beyond).left_out == {"b": "no change is as near to the truth as the oracle is"}


def test_a_query_without_a_scale_is_left_out_of_the_shares_of_its_task(summarise_scores):
    queries = [
        rows("a", {"no_change": 5, "trvae": 3, "gan": 7}, query="x"),
        rows("a", {"no_change": 0.5, "trvae": 2}, query="y"),
    ]
    summary = summarise_scores(pd.concat(queries))
    assert summary.shares["a"].to_dict() == pytest.approx({"no_change": 0, "trvae": 0.5, "gan": -0.5})
    assert list(summary.left_out) == ["a: y"]
    assert summary.ranks["a"][["no_change", "trvae"]].tolist() == [1.5, 1.5] and np.isnan(summary.ranks.loc["gan", "a"])
    cells = summary_map.every_task(summary, "rank").axes[0].texts
    assert [cell.get_text() for cell in cells] == ["1.5", "1.5", "–"]


def test_rows_are_sorted_by_mean_rank_and_ties_share_a_rank(summarise_scores):
    summary = summarise_scores(*TWO)
    assert summary.ranks["sim"].to_dict() == {"trvae": 1, "mnn": 1, "gan": 3, "no_change": 4}
    assert summary.ranks["a"].drop("mnn").to_dict() == {"trvae": 1, "no_change": 2, "gan": 3}
    assert np.isnan(summary.ranks.loc["mnn", "a"])
    assert summary.methods == ["trvae", "mnn", "no_change", "gan"]
    assert summary.mean_ranks.tolist() == [1, 1, 3, 3]


def test_several_queries_of_a_task_are_averaged(summarise_scores):
    tables = pd.concat(
        [
            rows("a", {"no_change": 5, "trvae": 3, "gan": 3}, query="x"),
            rows("a", {"no_change": 9, "trvae": 1}, query="y", not_run={"gan": "it did not converge"}),
        ]
    )
    summary = summarise_scores(tables)
    assert summary.shares.loc["trvae", "a"] == pytest.approx(0.75)
    # A mean over fewer queries would be about other data.
    assert np.isnan(summary.shares.loc["gan", "a"]) and summary.why["gan", "a"] == "it did not converge"


def test_queries_without_a_scale_are_left_out_and_named(summarise_scores):
    no_truth = pd.DataFrame([{"task": "a", "query": "y", "method": "oracle", "note": "no truth"}], columns=COLUMNS)
    nothing_to_do = rows("b", {"no_change": 1.05, "trvae": 1.0})
    summary = summarise_scores(pd.concat([TWO[0], no_truth]), nothing_to_do)
    assert list(summary.shares) == ["a"]
    assert summary.left_out == {
        "a: y": "no truth was measured",
        "b": "no change is as near to the truth as the oracle is",
    }
    assert "No share: a: y (no truth was measured); b (no change is as near" in texts(summary_map.every_task(summary))
    without_zero = rows("c", {"trvae": 2})
    assert "no_change, which is the zero" in summarise_scores(*TWO, without_zero).left_out["c"]
    with pytest.raises(UserError, match="no task can be shown: b: no change"):
        summarise_scores(nothing_to_do)


def test_other_scores_for_some_tasks(summarise_scores):
    images = rows("b", {"no_change": 4, "trvae": 2}, score="mmd")
    summary = summarise_scores(TWO[0], images, score_by_task={"b": "mmd"})
    assert summary.score_of == {"a": "energy_distance", "b": "mmd"}
    assert "(Task b: mmd)" in texts(summary_map.every_task(summary))
    assert "Task b: mmd of no change 4" in study_summary.describe(summary)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"score": "energy"}, "task 'a' has no score 'energy'"),
        ({"score_by_task": {"aa": "mmd"}}, "no scores of a task 'aa'"),
    ],
)
def test_unknown_names_are_errors_of_the_user(summarise_scores, options, message):
    with pytest.raises(UserError, match=message):
        summarise_scores(*TWO, **options)


def test_ranks_of_queries_are_averaged_and_the_best_of_a_task_is_bold(summarise_scores):
    queries = [
        rows("a", {"no_change": 9, "trvae": near, "gan": far}, query=name)
        for name, near, far in (("x", 2, 3), ("y", 2, 3), ("z", 8, 1))
    ]
    summary = summarise_scores(pd.concat(queries))
    # By the mean share the GAN would be first.
    assert summary.shares["a"].idxmax() == "gan"
    assert summary.ranks["a"].to_dict() == pytest.approx({"trvae": 4 / 3, "gan": 5 / 3, "no_change": 3})
    cells = summary_map.every_task(summary, "rank").axes[0].texts
    assert [(cell.get_text(), cell.get_weight()) for cell in cells] == [
        ("1.3", "bold"),
        ("1.7", "normal"),
        ("3", "normal"),
    ]


def test_a_task_whose_data_could_not_be_had_is_named(summarise_scores):
    empty = rows("gone", {}, oracle=(), not_run=dict.fromkeys(("no_change", "trvae", "oracle"), REASON))
    summary = summarise_scores(*TWO, empty, score_by_task={"gone": "sd_ratio"})
    assert summary.left_out == {"gone": REASON} and list(summary.shares) == ["a", "sim"]
