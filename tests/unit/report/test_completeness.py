"""What the page says of missing methods."""

from dataclasses import replace

from outofsample.files.scores import read_scores
from outofsample.jobs.figure import ShownTask
from outofsample.report.completeness import LEFT_OUT, few_methods, not_run
from tests.browser.study import SPEC
from tests.conftest import ROOT


def test_what_did_not_run_is_listed_with_its_reason(small):
    scores = read_scores(sorted((small.folder / "scores").glob("*.csv")))
    listed = {(entry["label"], entry["reason"]): entry["tasks"] for entry in not_run(small.spec, scores)}
    assert listed == {
        ("Neuron editing", "this task does not ask for it"): ["second, of its name"],
        ("CCA", "R missing"): ["dengue"],
        ("CCA", "this task does not ask for it"): ["second, of its name"],
    }
    assert "5 of 8 pairs" in small.page.read_text()


def test_a_task_for_one_figure_is_told_apart():
    narrow = {name: ShownTask(f"gut, {name}", methods=("no_change",)) for name in ("Stem", "TA")}
    spec = replace(SPEC, tasks={**SPEC.tasks, **narrow})
    assert spec.compared == list(SPEC.tasks)
    assert few_methods(spec) == [{"methods": ("No change",), "tasks": ["gut, Stem", "gut, TA"]}]
    assert few_methods(SPEC) == []


def test_what_no_study_makes_is_on_the_page_and_in_the_documents(small):
    page, document = small.page.read_text(), (ROOT / "docs" / "left_out.md").read_text()
    for item, reason in LEFT_OUT:
        assert f"<li>{item}: {reason}.</li>" in page
        assert f"| {item} | {reason} |" in document
    assert any("Figure 1" in item and "schematic" in reason for item, reason in LEFT_OUT)
