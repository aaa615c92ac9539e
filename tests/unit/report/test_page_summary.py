"""The page's summary: mean ranks, as in the summary figure, and what is worse than no change."""

import re

from outofsample.figures import study_summary
from outofsample.files.scores import Row, read_scores
from outofsample.jobs.figure import ShownTask
from outofsample.jobs.table import MethodRow
from outofsample.report.page_summary import summary
from tests.browser.study import DENGUE, SmallStudy


def test_the_summary_ranks_by_distance_and_marks_what_is_worse_than_nothing(small):
    found = summary(small.spec, read_scores(sorted((small.folder / "scores").glob("*.csv"))))
    assert [row["label"] for row in found["rows"]] == ["Neuron editing", "No change", "GAN"]
    assert [row["mean_rank"] for row in found["rows"]] == [1.0, 1.5, 2.5]
    assert [row["tasks"] for row in found["rows"]] == [1, 2, 2] and found["tasks"] == 2
    assert [cell["worse"] for cell in found["rows"][2]["cells"]] == [True, True]
    assert found["oracle"] == [0.01, 0.01]


def test_the_best_and_the_useless_are_counted_among_those_that_ran_everywhere(small):
    found = summary(small.spec, read_scores(sorted((small.folder / "scores").glob("*.csv"))))
    assert [row["label"] for row in found["best"]] == ["No change", "GAN"] and found["ranked"] == 2
    assert found["behind"] == 1
    assert found["rows"][1]["span"] == (1.0, 2.0)
    assert re.findall(r"<title>([^<]*)</title>", found["plot"])[1] == "No change: 1.500"


def test_a_control_that_ranks_behind_no_change_counts_as_the_page_says(tmp_path):
    distances = {"no_change": 1.0, "mean_shift": 2.0, "gan": 3.0}
    rows = [Row("a", "q", method, 0, "energy_distance", value) for method, value in distances.items()]
    methods = {name: MethodRow(name, name, control=name != "gan") for name in distances}
    parts = {"tasks": {"a": ShownTask("a")}, "methods": methods, "tables": {}, "figures": {}}
    small = SmallStudy(tmp_path, parts, rows).write()
    found = summary(small.spec, read_scores([tmp_path / "scores" / "a.csv"]))
    assert (found["ranked"], found["behind"]) == (3, 2)


def test_nothing_is_said_of_no_change_where_it_did_not_run(tmp_path):
    rows = [Row("a", "q", "gan", 0, "energy_distance", 2.0)]
    small = SmallStudy(tmp_path, {"tasks": {"a": ShownTask("a")}, "tables": {}, "figures": {}}, rows).write()
    found = summary(small.spec, read_scores([tmp_path / "scores" / "a.csv"]))
    assert found["behind"] is None and found["plot"] is None
    assert small.make().returncode == 0 and "Worse than nothing" not in small.page.read_text()


def test_a_task_with_several_queries_counts_once_in_the_mean_rank(tmp_path):
    rows = [
        Row(task, query, method, 0, "energy_distance", distance)
        for task, query, distances in (("a", "x", (1, 2)), ("a", "y", (1, 2)), ("b", "z", (2, 1)))
        for method, distance in zip(("gan", "no_change"), distances, strict=True)
    ]
    tasks = {name: ShownTask(name) for name in "ab"}
    small = SmallStudy(tmp_path, {"tasks": tasks, "tables": {}, "figures": {}}, rows).write()
    found = summary(small.spec, read_scores(sorted((tmp_path / "scores").glob("*.csv"))))
    assert [row["mean_rank"] for row in found["rows"]] == [1.5, 1.5]
    assert [head["label"] for head in found["heads"]] == ["a: x", "a: y", "b"]


def test_a_task_that_few_methods_run_ranks_nobody(tmp_path):
    rows = [
        Row(task, "q", method, 0, "energy_distance", distance)
        for task, distances in (("a", (2, 1)), ("b", (1, 2)))
        for method, distance in zip(("gan", "no_change"), distances, strict=True)
    ]
    tasks = {"a": ShownTask("a"), "b": ShownTask("b", methods=("gan",))}
    small = SmallStudy(tmp_path, {"tasks": tasks, "tables": {}, "figures": {}}, rows).write()
    found = summary(small.spec, read_scores(sorted((tmp_path / "scores").glob("*.csv"))))
    assert [head["label"] for head in found["heads"]] == ["a"]
    assert [(row["label"], row["mean_rank"]) for row in found["rows"]] == [("No change", 1), ("GAN", 2)]


def distances(task, query, **of_methods):
    """Return the energy distances of a query by method, those of the oracle around 1."""
    rows = [Row(task, query, method, 0, "energy_distance", value) for method, value in of_methods.items()]
    return rows + [Row(task, query, "oracle", half, "energy_distance", 0.9 + half / 10) for half in range(3)]


def test_page_and_figure_have_the_same_mean_ranks(tmp_path):
    """Ranks per query and ranks of mean shares disagree here: `trvae` is second twice, and far ahead once."""
    rows = [
        *distances("a", "x", no_change=10, gan=4.9, trvae=5, cca=3),
        *distances("a", "y", no_change=10, gan=4.9, trvae=5),
        *distances("a", "z", no_change=10, gan=9, trvae=2, cca=1),
        *distances("b", "q", no_change=3, gan=2.2, trvae=2.3, cca=2),
        # No change is nearer than the oracle: no scale, but ranks.
        *distances("c", "q", no_change=0.5, gan=0.8, trvae=2, cca=4),
    ]
    tasks = {name: ShownTask(name) for name in "abc"}
    small = SmallStudy(tmp_path, {"tasks": tasks, "tables": {}, "figures": {}}, rows).write()
    paths = sorted((tmp_path / "scores").glob("*.csv"))
    page = summary(small.spec, read_scores(paths))
    labels = {name: row.label for name, row in small.spec.methods.items()} | {"trvae": "trvae"}
    about = {"name": "summary", "title": "", "demo_size": False, "labels": labels}
    figure = study_summary.summarise_study(about, list(map(str, paths)))
    on_page = [(row["label"], row["mean_rank"], row["tasks"]) for row in page["rows"]]
    in_figure = zip(figure.methods, figure.mean_ranks, figure.ranks.count(axis=1), strict=True)
    assert on_page == [(figure.method_label(name), mean, tasks) for name, mean, tasks in in_figure]
    assert [label for label, *_ in on_page[:2]] == ["GAN", "CCA"] and dict(figure.left_out).keys() == {"c"}
    # Without a number for one query it has no rank in the task.
    assert page["tasks"] == 3 and {label: tasks for label, _, tasks in on_page}["CCA"] == 2


def test_a_method_without_any_rank_is_listed(tmp_path):
    rows = [*distances("dengue", "x", no_change=3, gan=2), *distances("dengue", "y", no_change=3)]
    small = SmallStudy(tmp_path, {"tasks": {"dengue": DENGUE}, "tables": {}, "figures": {}}, rows).write()
    assert small.make().returncode == 0
    words = " ".join(small.page.read_text().split())
    assert re.search(r'<th scope="row">GAN</th><td>–', words)
