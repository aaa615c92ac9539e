"""What the page says of missing methods."""

from dataclasses import asdict, replace

import pandas as pd

from outofsample.files.scores import Row, read_scores
from outofsample.jobs.figure import ShownTask
from outofsample.report.completeness import LEFT_OUT, few_methods, not_run, pairs
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
    rows = [Row("Stem", "q", "no_change", note="not run: why"), Row("TA", "q", "no_change", 0, "means_r", 1.0)]
    scores = pd.DataFrame([asdict(row) for row in rows])
    assert {"label": "No change", "reason": "why", "tasks": ["gut, Stem"], "count": 1} in not_run(spec, scores)
    assert not [entry for entry in not_run(spec, scores) if entry["label"] == "GAN" and "gut, TA" in entry["tasks"]]
    assert (pairs(SPEC), pairs(spec)) == (8, 10)
    assert spec.compared == list(SPEC.tasks)
    assert few_methods(spec) == [{"methods": ("No change",), "tasks": ["gut, Stem", "gut, TA"]}]
    assert few_methods(SPEC) == []


def test_what_no_study_makes_is_on_the_page_and_in_the_documents(small):
    page, document = small.page.read_text(), (ROOT / "docs" / "left_out.md").read_text()
    for item, reason in LEFT_OUT:
        assert f"<li>{item}: {reason}.</li>" in page
        assert f"| {item} | {reason} |" in document
    assert any("Figure 1" in item and "schematic" in reason for item, reason in LEFT_OUT)
