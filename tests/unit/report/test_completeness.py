"""What the page says of missing methods."""

from dataclasses import replace

from outofsample.files.scores import read_scores
from outofsample.report.completeness import not_run


def test_what_did_not_run_is_listed_with_its_reason(small):
    scores = read_scores(sorted((small.folder / "scores").glob("*.csv")))
    listed = {(entry["label"], entry["reason"]): entry["tasks"] for entry in not_run(small.spec, scores)}
    assert listed == {
        ("Neuron editing", "this task does not ask for it"): ["second, of its name"],
        ("CCA", "R missing"): ["dengue"],
        ("CCA", "this task does not ask for it"): ["second, of its name"],
    }
    assert "5 of 8 pairs" in small.page.read_text()


def test_a_stand_in_has_no_label_of_the_real_data(small):
    tasks = {name: replace(task, stand_in=name == "dengue") for name, task in small.spec.tasks.items()}
    spec = replace(small.spec, tasks=tasks)
    assert spec.task_label("dengue") == "dengue (stand-in)" and spec.task_label("second") == "second, of its name"
    assert spec.task_label("unknown") == "unknown"
