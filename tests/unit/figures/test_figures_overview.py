"""The figure of all tasks and methods: the common scale, ranks, what has no number, and the layout."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from outofsample.errors import UserError
from outofsample.figures import overview, style
from outofsample.report.ranks import RULE
from tests.conftest import assert_same_figure
from tests.unit.figures.test_figures import texts

COLUMNS = ["task", "query", "method", "seed", "score", "value", "low", "high", "sd", "n_cells", "note", "backend"]
ORACLE = (0.9, 1.0, 1.1)


def rows(task, values, query="q", score="energy_distance", oracle=ORACLE, oracle_note="", not_run=None):
    """Return the scores of a query: ``values`` by method (a number per seed), ``not_run`` reasons by method."""
    shared = {"task": task, "query": query, "score": score}
    found = [
        shared | {"method": method, "seed": seed, "value": value}
        for method, seeds in values.items()
        for seed, value in enumerate(np.atleast_1d(seeds))
    ]
    found += [
        shared | {"method": "oracle", "seed": k, "value": value, "note": oracle_note} for k, value in enumerate(oracle)
    ]
    found += [shared | {"method": m, "score": "", "note": reason} for m, reason in (not_run or {}).items()]
    return pd.DataFrame(found, columns=COLUMNS)


@pytest.fixture
def summarise(tmp_path):
    """Return a function: tables of scores, options -> summary."""

    def of(*tables, labels=None, **options):
        paths = [str(tmp_path / f"{number}.csv") for number in range(len(tables))]
        for path, table in zip(paths, tables, strict=True):
            table.to_csv(path, index=False)
        tasks = dict.fromkeys(table["task"].iloc[0] for table in tables)
        about = {task: {"label": f"Task {task}", "stand_in": task == "sim"} for task in tasks}
        figure = {"name": "summary", "title": "All", "task": "", "stand_in": "sim" in tasks, "demo_size": True}
        figure |= {"labels": labels or {"no_change": "No change"}, "controls": ["no_change"], "scores_of": about}
        return overview.summarise_study(figure, paths, **options)

    return of


TWO = (
    rows("a", {"no_change": 5, "trvae": [2, 4], "gan": 7}, not_run={"mnn": "not run: R is missing"}),
    rows("sim", {"no_change": 3, "trvae": 1, "gan": 1.5, "mnn": 1.0}),
)


def test_shares_run_from_no_change_to_the_oracle(summarise):
    summary = summarise(*TWO)
    # Task a: (5 - mean(2, 4)) / (5 - 1) and (5 - 7) / (5 - 1).
    assert summary.shares.loc["no_change"].tolist() == [0, 0]
    assert summary.shares["a"][["trvae", "gan"]].tolist() == pytest.approx([0.5, -0.5])
    assert summary.shares["sim"][["trvae", "gan", "mnn"]].tolist() == pytest.approx([1, 0.75, 1])
    assert summary.values.loc["trvae", "a"] == 3


def test_scores_where_more_is_better(summarise):
    table = rows("a", {"no_change": 0.2, "trvae": 0.6, "gan": 0}, score="means_r2", oracle=(0.95, 1.0, 1.05))
    summary = summarise(table, score="means_r2")
    assert summary.shares["a"][["trvae", "gan"]].tolist() == pytest.approx([0.5, -0.25])
    assert summary.ranks["a"].to_dict() == {"trvae": 1, "no_change": 2, "gan": 3}


def test_ratios_are_judged_by_their_distance_to_one(summarise):
    table = rows("a", {"no_change": 0.5, "trvae": 1.5, "gan": 0.9}, score="sd_ratio", oracle=(0.98, 1.0, 1.02))
    summary = summarise(table, score="sd_ratio")
    # (0.5 - 0.1) / (0.5 - mean(0.02, 0, 0.02)); 1.5 is as far from 1 as no change is.
    assert summary.shares["a"][["trvae", "gan"]].tolist() == pytest.approx([0, 0.4 / (0.5 - 0.04 / 3)])
    assert summary.ranks["a"].to_dict() == {"gan": 1, "no_change": 2, "trvae": 2}
    assert "Of sd ratio the distance to 1 counts" in texts(overview.every_task(summary))
    assert "distance to 1" not in texts(overview.every_task(summarise(*TWO)))


@pytest.mark.parametrize(
    ("score", "unchanged", "far", "oracle"),
    [
        ("energy_distance", 0.997, 2.0, (0.998, 1.0, 1.002)),
        ("means_r2", 0.99, 0.1, (0.95, 0.96, 0.97)),
        ("sd_ratio", 1.01, 0.5, (0.8, 1.2, 1.3)),
    ],
)
def test_no_change_beyond_the_better_end_of_the_oracle_has_no_scale(summarise, score, unchanged, far, oracle):
    """The scale would turn around: what is farther from the truth would remove thousands of per cent."""
    turned = rows("b", {"no_change": unchanged, "trvae": far}, score=score, oracle=oracle)
    summary = summarise(TWO[0], turned, score_by_task={"b": score})
    assert summary.left_out == {"b": "no change is nearer to the truth than the oracle is"}
    assert list(summary.shares) == ["a"]
    assert overview.describe(summary).endswith("no share: b (no change is nearer to the truth than the oracle is)")
    assert summary.ranks["b"][["no_change", "trvae"]].tolist() == [1, 2]
    shown = texts(overview.every_task(summary))
    assert "No share: b (no change is nearer" in shown and "counts in the ranks alone" in shown


def test_far_halves_of_the_oracle_do_not_turn_the_scale(summarise):
    mean_beyond = rows("b", {"no_change": 1, "trvae": 9}, oracle=[0.0] * 99 + [100.0] * 2)
    assert summarise(TWO[0], mean_beyond).left_out == {"b": "no change is as near to the truth as the oracle is"}


def test_a_query_without_a_scale_is_left_out_of_the_shares_of_its_task(summarise):
    queries = [
        rows("a", {"no_change": 5, "trvae": 3, "gan": 7}, query="x"),
        rows("a", {"no_change": 0.5, "trvae": 2}, query="y"),
    ]
    summary = summarise(pd.concat(queries))
    assert summary.shares["a"].to_dict() == pytest.approx({"no_change": 0, "trvae": 0.5, "gan": -0.5})
    assert list(summary.left_out) == ["a: y"]
    assert summary.ranks["a"][["no_change", "trvae"]].tolist() == [1.5, 1.5] and np.isnan(summary.ranks.loc["gan", "a"])
    cells = overview.every_task(summary, "rank").axes[0].texts
    assert [cell.get_text() for cell in cells] == ["1.5", "1.5", "–"]


def test_rows_are_sorted_by_mean_rank_and_ties_share_a_rank(summarise):
    summary = summarise(*TWO)
    assert summary.ranks["sim"].to_dict() == {"trvae": 1, "mnn": 1, "gan": 3, "no_change": 4}
    assert summary.ranks["a"].drop("mnn").to_dict() == {"trvae": 1, "no_change": 2, "gan": 3}
    assert np.isnan(summary.ranks.loc["mnn", "a"])
    assert summary.methods == ["trvae", "mnn", "no_change", "gan"]
    assert summary.mean_ranks.tolist() == [1, 1, 3, 3]


def test_several_queries_of_a_task_are_averaged(summarise):
    tables = pd.concat(
        [
            rows("a", {"no_change": 5, "trvae": 3, "gan": 3}, query="x"),
            rows("a", {"no_change": 9, "trvae": 1}, query="y", not_run={"gan": "it did not converge"}),
        ]
    )
    summary = summarise(tables)
    assert summary.shares.loc["trvae", "a"] == pytest.approx(0.75)
    # A mean over fewer queries would be about other data.
    assert np.isnan(summary.shares.loc["gan", "a"]) and summary.why["gan", "a"] == "it did not converge"


def test_queries_without_a_scale_are_left_out_and_named(summarise):
    no_truth = pd.DataFrame([{"task": "a", "query": "y", "method": "oracle", "note": "no truth"}], columns=COLUMNS)
    nothing_to_do = rows("b", {"no_change": 1.05, "trvae": 1.0})
    summary = summarise(pd.concat([TWO[0], no_truth]), nothing_to_do)
    assert list(summary.shares) == ["a"]
    assert summary.left_out == {
        "a: y": "no truth was measured",
        "b": "no change is as near to the truth as the oracle is",
    }
    assert "No share: a: y (no truth was measured); b (no change is as near" in texts(overview.every_task(summary))
    without_zero = rows("c", {"trvae": 2})
    assert "no_change, which is the zero" in summarise(*TWO, without_zero).left_out["c"]
    with pytest.raises(UserError, match="no task can be shown: b: no change"):
        summarise(nothing_to_do)


def test_an_oracle_of_few_cells_is_said(summarise):
    few = rows("a", {"no_change": 5, "trvae": 3}, oracle_note="fewer than 50 cells")
    shown = texts(overview.every_task(summarise(few)))
    assert "Oracle of fewer than 50 cells" in shown
    assert "Oracle of fewer" not in texts(overview.every_task(summarise(*TWO)))


def test_other_scores_for_some_tasks(summarise):
    images = rows("b", {"no_change": 4, "trvae": 2}, score="mmd")
    summary = summarise(TWO[0], images, score_by_task={"b": "mmd"})
    assert summary.score_of == {"a": "energy_distance", "b": "mmd"}
    assert "(Task b: mmd)" in texts(overview.every_task(summary))
    assert "Task b: mmd of no change 4" in overview.describe(summary)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"score": "energy"}, "task 'a' has no score 'energy'"),
        ({"score_by_task": {"aa": "mmd"}}, "no scores of a task 'aa'"),
    ],
)
def test_unknown_names_are_errors_of_the_user(summarise, options, message):
    with pytest.raises(UserError, match=message):
        summarise(*TWO, **options)


def test_without_scores_there_is_no_figure(summarise):
    with pytest.raises(UserError, match="no scores were given"):
        summarise()
    with pytest.raises(UserError, match="one of share, score, rank, not 'ranks'"):
        overview.every_task(summarise(*TWO), numbers="ranks")


def test_the_figure_says_what_it_shows(summarise):
    summary = summarise(*TWO)
    shown = texts(overview.every_task(summary))
    assert "Simulated stand-in data where marked †, demo size" in shown
    assert "Task sim †" in shown and "Task a †" not in shown
    assert "A: R is missing" in shown and "Open points" in shown and "1.0 (1)" in shown
    assert " | 50 | " in shown and " | −50 | " in shown
    assert "Median" not in shown and "No change" in shown
    assert f"Rows by mean rank: {RULE}" in shown


def test_ranks_of_queries_are_averaged_and_the_best_of_a_task_is_bold(summarise):
    queries = [
        rows("a", {"no_change": 9, "trvae": near, "gan": far}, query=name)
        for name, near, far in (("x", 2, 3), ("y", 2, 3), ("z", 8, 1))
    ]
    summary = summarise(pd.concat(queries))
    # By the mean share the GAN would be first.
    assert summary.shares["a"].idxmax() == "gan"
    assert summary.ranks["a"].to_dict() == pytest.approx({"trvae": 4 / 3, "gan": 5 / 3, "no_change": 3})
    cells = overview.every_task(summary, "rank").axes[0].texts
    assert [(cell.get_text(), cell.get_weight()) for cell in cells] == [
        ("1.3", "bold"),
        ("1.7", "normal"),
        ("3", "normal"),
    ]


def test_numbers_can_be_scores_or_ranks(summarise):
    summary = summarise(rows("a", {"no_change": 5, "trvae": 1.234, "gan": 5e6}))
    cells = {
        numbers: [text.get_text() for text in overview.every_task(summary, numbers).axes[0].texts]
        for numbers in overview.NUMBERS
    }
    assert cells == {"share": ["94", "0", "≪ 0"], "score": ["1.23", "5", "5e+06"], "rank": ["1", "2", "3"]}


def test_cells_without_a_number_are_hatched(summarise):
    cells = overview.every_task(summarise(*TWO)).axes[0]
    assert sum(bool(patch.get_hatch()) for patch in cells.patches) == 1 and len(cells.patches) == 8


@pytest.mark.parametrize(("methods", "tasks"), [(26, 10), (3, 1), (26, 18)])
def test_the_layout_follows_the_size_of_the_study(summarise, methods, tasks):
    rng = np.random.default_rng(0)
    names = ["no_change", *(f"method_with_a_name_{k}" for k in range(methods - 1))]
    tables = [rows(f"t{k}", dict(zip(names, [5, *rng.uniform(1, 9, methods - 1)], strict=True))) for k in range(tasks)]
    figure = overview.every_task(summarise(*tables))
    style.settle(figure)
    assert figure.get_size_inches()[0] == style.WIDTH and figure.get_size_inches()[1] < 9
    inside, legend = figure.bbox.padded(1), figure.legends[0].get_window_extent()
    boxes = [ax.get_tightbbox() for ax in figure.axes]
    assert all(inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 for box in boxes)
    assert not any(box.overlaps(legend) for box in boxes)
    cells = figure.axes[0]
    for labels in (cells.get_yticklabels(), cells.texts[:tasks]):
        extents = [label.get_window_extent() for label in labels]
        assert not any(a.overlaps(b) for a, b in pairwise(extents))


def test_files_are_the_same_each_time(summarise, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        style.save(overview.every_task(summarise(*TWO)), tmp_path / name / "f.pdf", tmp_path / name / "f.png")
    assert_same_figure(tmp_path / "one", tmp_path / "two")
