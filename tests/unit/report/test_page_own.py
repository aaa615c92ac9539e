"""The page of a study opens with the method to take, for data of the user's own."""

from dataclasses import replace

import numpy as np
import pandas as pd

from outofsample.arrays import HeldOut, Prediction
from outofsample.files.prediction import PredictionWriter
from outofsample.files.scores import Row
from outofsample.jobs.figure import ShownTask
from outofsample.jobs.page import OwnChoice, PageSpec
from outofsample.jobs.table import MethodRow
from outofsample.report.page_own import recommendations
from tests.browser.study import SmallStudy
from tests.conftest import planted

METHODS = {
    "mean_shift": MethodRow("mean_shift", "Mean shift <b>", True),
    "no_change": MethodRow("no_change", "No change"),
}
OWN = {"mine": OwnChoice(cautious="", unchanged="no_change")}
CONTENT = {
    "study": "mine",
    "description": "",
    "methods": METHODS,
    "tasks": {"mine": ShownTask("My task")},
    "tables": {},
    "figures": {},
    "own": OWN,
}


def held_out(errors) -> HeldOut:
    zeros, unchanged = np.zeros((3, 4)), np.array([2.0, 2.5, 3.0])
    return HeldOut(np.array(["a", "b", "c"]), np.array(errors), unchanged, np.zeros(3), zeros, zeros, np.ones(3))


def write_predictions(folder, second):
    """Write the predictions of two methods for two queries; ``second`` is what is held out for the other one."""
    data, _ = planted()
    queries = data.queries[0], replace(data.queries[0], name="second")
    data = replace(data, queries=queries)
    for name, errors in (("mean_shift", [0.5, 0.6, 0.7]), ("no_change", [2.0, 2.5, 3.0])):
        writer = PredictionWriter(data, name)
        writer.held_out = {"answer": held_out(errors), "second": second or held_out(errors)}
        writer.add_all(lambda X, query, counts: Prediction(X), 0)
        writer.write(folder / "predictions" / "mine" / f"{name}.h5ad")
    return sorted((folder / "predictions" / "mine").glob("*.h5ad"))


SCORES = pd.DataFrame({"task": ["mine", "mine", "other"], "query": ["answer", "second", "answer"]})


def test_queries_with_the_same_recommendation_share_it(tmp_path):
    (tmp_path / "predictions" / "mine").mkdir(parents=True)
    spec = PageSpec(**{"demo_size": False, "options": ()} | CONTENT)
    (entry,) = recommendations(spec, write_predictions(tmp_path, None), SCORES)
    assert entry["task"] == "My task" and entry["queries"] == [] and entry["choice"].method == "mean_shift"
    one, other = recommendations(spec, write_predictions(tmp_path, HeldOut.none(4, "one control alone")), SCORES)
    assert one["queries"] == ["answer"] and one["choice"].method == "mean_shift"
    assert other["queries"] == ["second"] and other["choice"].why.endswith("one control alone.")


def test_the_first_lines_of_the_page_say_it(tmp_path):
    (tmp_path / "predictions" / "mine").mkdir(parents=True)
    rows = [Row("mine", "answer", name, 0, "moved", 1.0) for name in METHODS]
    small = SmallStudy(tmp_path, CONTENT, rows, predictions=write_predictions(tmp_path, None)).write()
    made = small.make()
    assert made.returncode == 0, made.stderr
    top = small.page.read_text().split("</header>")[0]
    assert "<strong>Which method to take</strong> for My task: Take Mean shift &lt;b&gt;. In 3 populations" in top
