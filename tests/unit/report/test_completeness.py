"""What the page says of missing methods."""

from dataclasses import asdict, replace

import pandas as pd

from outofsample.files.missing import REASON, MissingFile, Note, write_note
from outofsample.files.scores import Row, read_scores
from outofsample.jobs.figure import ShownTask
from outofsample.report.completeness import (
    LEFT_OUT,
    LEFT_OUT_OF_THE_DEMO,
    few_methods,
    left_out,
    missing,
    no_truth,
    not_run,
    pairs,
    tasks_with_data,
)
from outofsample.study.load import read_study
from outofsample.study.plan import Plan
from outofsample.study.presentation import Presentation
from tests.browser.study import SPEC
from tests.conftest import ROOT


def test_what_did_not_run_is_listed_with_its_reason(small):
    scores = read_scores(sorted((small.folder / "scores").glob("*.csv")))
    listed = {(entry["label"], entry["reason"]): entry["tasks"] for entry in not_run(small.spec, scores)}
    assert listed == {
        ("Neuron editing", "this study does not run it there"): ["second, of its name"],
        ("CCA", "R missing"): ["dengue"],
        ("CCA", "this study does not run it there"): ["second, of its name"],
    }
    assert "5 of 8 pairs" in small.page.read_text()


def test_a_task_for_one_figure_is_told_apart():
    narrow = {name: ShownTask(f"gut, {name}", methods=("no_change",)) for name in ("Stem", "TA")}
    spec = replace(SPEC, tasks={**SPEC.tasks, **narrow})
    rows = [Row("Stem", "q", "no_change", note="not run: why"), Row("TA", "q", "no_change", 0, "means_r", 1.0)]
    scores = pd.DataFrame([asdict(row) for row in rows])
    assert {"label": "No change", "reason": "why", "tasks": ["gut, Stem"], "count": 1} in not_run(spec, scores)
    assert not [entry for entry in not_run(spec, scores) if entry["label"] == "GAN" and "gut, TA" in entry["tasks"]]
    assert (pairs(SPEC, SPEC.tasks), pairs(spec, spec.tasks)) == (8, 10)
    assert spec.compared == list(SPEC.tasks)
    assert few_methods(spec) == [{"methods": ("No change",), "tasks": ["gut, Stem", "gut, TA"]}]
    assert few_methods(SPEC) == []


def test_what_no_study_makes_is_on_the_page_and_in_the_documents(small):
    page, document = small.page.read_text(), (ROOT / "docs" / "left_out.md").read_text()
    for item, reason in LEFT_OUT:
        assert f"<li>{item}: {reason}.</li>" in page
        assert f"| {item} | {reason} |" in document
    assert any("Figure 1" in item and "schematic" in reason for item, reason in LEFT_OUT)


def test_the_demo_says_which_columns_and_figures_it_leaves_out():
    demo = read_study(ROOT / "config.yaml")
    of_demo = Presentation(Plan(demo, ROOT / "nowhere")).page_spec()
    listed = [item for item, _ in left_out(of_demo)]
    columns = ("glasses taken off", "a moustache put on", "a moustache taken off drawn faces")
    for item in (*(f"Neuron Editing 2020, Figure 3: {column}" for column in columns), "trVAE, Figure 4: a smile"):
        assert item in listed
    document = (ROOT / "docs" / "left_out.md").read_text()
    assert all(f"| {item} | {reason} |" in document for item, reason in LEFT_OUT_OF_THE_DEMO.values())
    # What it says is elsewhere is there, and a study that makes it, or is of full size, does not list it.
    paper = read_study(ROOT / "studies" / "paper.yaml")
    assert set(LEFT_OUT_OF_THE_DEMO) <= set(paper.selected("figures"))
    made = {**of_demo.figures, "trvae_fig4": next(iter(of_demo.figures.values()))}
    assert "trVAE, Figure 4: a smile" not in [item for item, _ in left_out(replace(of_demo, figures=made))]
    assert left_out(replace(of_demo, demo_size=False)) == list(LEFT_OUT)
    assert left_out(replace(of_demo, tables={})) == []


def test_a_stand_in_has_no_label_of_the_real_data(small):
    tasks = {name: replace(task, stand_in=name == "dengue") for name, task in small.spec.tasks.items()}
    spec = replace(small.spec, tasks=tasks)
    assert spec.task_label("dengue") == "dengue (stand-in)" and spec.task_label("second") == "second, of its name"
    assert spec.task_label("unknown") == "unknown"


def test_data_that_could_not_be_had_are_listed_with_what_adds_them(small, tmp_path):
    files = (
        MissingFile("a b.gz", "data/x/a b.gz", "https://host/a%20b.gz", "a b.gz: 403."),
        MissingFile("sub/two.zip", "data/x/sub/two.zip", "", "sub/two.zip: the file is missing."),
    )
    write_note(tmp_path / "x.h5ad", Note("x", "Ask for it", files))
    (tmp_path / "whole.h5ad").write_bytes(b"cells")
    spec = replace(small.spec, datasets={"x": ("dengue",), "whole": ("second",)})
    (entry,) = missing(spec, [tmp_path / "whole.h5ad", tmp_path / "x.h5ad"])
    assert (entry["dataset"], entry["tasks"], entry["hint"]) == ("x", ["dengue"], "Ask for it")
    assert [file["command"] for file in entry["files"]] == [
        "curl --fail --location --create-dirs --output 'data/x/a b.gz' https://host/a%20b.gz",
        "install -D /where/it/is/two.zip data/x/sub/two.zip",
    ]


def test_methods_are_not_listed_for_data_that_could_not_be_had(small):
    scores = read_scores(sorted((small.folder / "scores").glob("*.csv")))
    without = scores[scores["task"] != "dengue"]
    row = scores[scores["task"] == "dengue"].head(1).assign(score="", value=float("nan"), note=REASON)
    scores = pd.concat([without, row])
    assert tasks_with_data(small.spec, scores) == ["second"]
    assert {label for entry in not_run(small.spec, scores) for label in entry["tasks"]} == {"second, of its name"}
    assert not [name for name in no_truth(small.spec, scores) if name.startswith("dengue")]
