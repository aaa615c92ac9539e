"""Scoring of whole files: known answers, and each kind of file that is refused."""

import csv
import json
import math
import sys

import anndata
import numpy as np
import pandas as pd
import pytest

from outofsample.errors import UserError
from outofsample.evaluation import SCORES, Settings, evaluate, write_scores

FEATURES = [f"m{i}" for i in range(5)]
SHIFT = np.array([1, 0.5, 0, -0.5, 2], dtype=np.float32)
SIZES = {"source": 120, "target": 130, "query": 140}
FAST = Settings(resamples=20, oracle_halves=5, max_cells=100)


def cells(number: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).gamma(3, 1, size=(number, 5)).astype(np.float32)


@pytest.fixture
def task(tmp_path):
    """A task whose change is a known shift: writes the files and knows the paths."""
    return Task(tmp_path)


class Task:
    """Files of a task with two queries that share S, T and X; ``b`` has no truth."""

    def __init__(self, folder, truth_cells: int = 150):
        self.folder = folder
        self.train, self.truth = folder / "train.h5ad", folder / "truth.h5ad"
        X = {role: cells(number, seed) for seed, (role, number) in enumerate(SIZES.items())}
        X["target"] += SHIFT
        self.X, self.Y = X["query"], cells(truth_cells, 9) + SHIFT
        role = np.repeat(list(SIZES), list(SIZES.values()))
        obs = pd.DataFrame({"role": role, "condition": np.where(role == "target", "after", "before")})
        obs["domain"] = np.where(role == "query", "sample", "control")
        obs.index = [f"cell{i}" for i in range(len(obs))]
        self.names = obs.index[role == "query"]
        query = {"domain": "sample", "source": "before", "target": "after"}
        queries = json.dumps([{"name": name, **query} for name in "ab"])
        self.write(self.train, np.concatenate(list(X.values())), obs, {"task": "t", "queries": queries})
        self.write(self.truth, self.Y, pd.DataFrame({"query": ["a"] * truth_cells}), {})

    def write(self, path, X, obs, uns, features=FEATURES):
        obs.index = obs.index.astype(str)
        anndata.AnnData(X, obs=obs, var=pd.DataFrame(index=features), uns=uns).write_h5ad(path)
        return path

    def predict(self, method, X, seeds=(0,), names=None, not_run="", queries="ab", features=FEATURES):
        """Write a prediction file in which every query and seed has the same rows, and some in-sample ones."""
        names = self.names if names is None else names
        parts = [(query, seed) for query in queries for seed in seeds]
        obs = [pd.DataFrame({"query": q, "seed": s, "role": "query", "cell": names[: len(X)]}) for q, s in parts]
        obs.append(pd.DataFrame({"query": "a", "seed": 0, "role": "source", "cell": ["cell0", "cell1"]}))
        X = np.concatenate([*[X] * len(parts), np.zeros((2, X.shape[1]), dtype=np.float32)])
        uns = {"method": method, "not_run": not_run}
        return self.write(self.folder / f"{method}.h5ad", X, pd.concat(obs, ignore_index=True), uns, features=features)

    def rows(self, *paths, settings=FAST):
        return evaluate(self.train, self.truth, list(paths), settings)

    def values(self, method, X):
        rows = self.rows(self.predict(method, X))
        return {row.score: row.value for row in rows if (row.method, row.query) == (method, "a")}


def test_the_right_shift_scores_best(task):
    values = task.values("right", task.X + SHIFT)
    wrong = task.values("wrong", task.X - SHIFT)
    assert list(values) == list(SCORES)
    assert values["spike_in_r"] > 0.95 and wrong["spike_in_r"] < 0
    assert values["change_r"] > 0.95 and wrong["change_r"] < 0
    for score in ("rmse_medians", "energy_distance", "wasserstein"):
        assert values[score] < 0.2 * wrong[score]
    assert values["variance_ratio"] == pytest.approx(wrong["variance_ratio"], rel=1e-5)


def test_truth_as_prediction_is_perfect(tmp_path):
    task = Task(tmp_path, truth_cells=SIZES["query"])
    values = task.values("copy_of_truth", task.Y)
    perfect = {"change_r", "change_of_means_r", "means_r", "variances_r", "variance_ratio", "sd_ratio"}
    assert {score: values[score] for score in perfect} == pytest.approx(dict.fromkeys(perfect, 1))
    assert values["rmse_medians"] == values["wasserstein"] == 0
    assert values["energy_distance"] <= 0


def test_no_change_has_no_correlation_of_changes(task):
    rows = {row.score: row for row in task.rows(task.predict("no_change", task.X)) if row.method == "no_change"}
    for score in ("spike_in_r", "change_r", "change_of_means_r"):
        assert math.isnan(rows[score].value) and math.isnan(rows[score].low)
        assert rows[score].note == "undefined: no change applied"
    assert rows["variance_ratio"].note == ""


def test_a_prediction_without_variance_is_undefined_for_another_reason(task):
    rows = task.rows(task.predict("constant", np.zeros_like(task.X)))
    assert next(row for row in rows if row.score == "variances_r").note == "undefined: constant over features"


def test_queries_without_truth_have_the_one_score_that_needs_none(task):
    rows = [row for row in task.rows(task.predict("m", task.X + SHIFT)) if row.query == "b"]
    assert [(row.method, row.score, row.note) for row in rows] == [("m", "spike_in_r", ""), ("oracle", "", "no truth")]


def test_rows_of_seeds_and_intervals(task):
    rows = [row for row in task.rows(task.predict("m", task.X + 0.9 * SHIFT, seeds=(3, 1))) if row.method == "m"]
    of_r = [row for row in rows if row.score == "change_of_means_r" and row.query == "a"]
    assert [row.seed for row in of_r] == [1, 3]
    assert all(row.low < row.high and row.sd > 0 and row.n_cells == SIZES["query"] for row in of_r)
    assert all(math.isnan(row.sd) for row in rows if row.score in ("energy_distance", "wasserstein"))


def test_the_same_settings_give_the_same_rows(task):
    path = task.predict("m", task.X + SHIFT)
    assert list(map(str, task.rows(path))) == list(map(str, task.rows(path)))


def test_oracle_is_close_to_the_truth(task):
    rows = [row for row in task.rows(task.predict("no_change", task.X)) if row.query == "a"]
    oracle = [row for row in rows if row.method == "oracle"]
    assert {row.seed for row in oracle} == set(range(5))
    assert {row.n_cells for row in oracle} == {75} and {row.note for row in oracle} == {""}
    for score in ("energy_distance", "wasserstein", "rmse_medians"):
        worst = max(row.value for row in oracle if row.score == score)
        assert worst < next(row.value for row in rows if row.score == score and row.method == "no_change")


@pytest.mark.parametrize(("number", "note"), [(49, "fewer than 50 cells"), (1, "fewer than two cells of truth")])
def test_few_truth_cells_are_said(tmp_path, number, note):
    task = Task(tmp_path, truth_cells=number)
    rows = [row for row in task.rows(task.predict("m", task.X + SHIFT)) if (row.method, row.query) == ("oracle", "a")]
    assert {row.note for row in rows} == {note}


def test_methods_that_did_not_run_give_their_reason(task):
    rows = task.rows(task.predict("cca", task.X[:0], not_run="R missing"))
    rows = [row for row in rows if row.method == "cca"]
    assert [(row.query, row.score, row.note) for row in rows] == [("a", "", "R missing"), ("b", "", "R missing")]
    assert all(math.isnan(row.value) for row in rows)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda task: {"names": task.names[::-1]}, "not in the order"),
        (lambda task: {"X": task.X[:-1]}, "139 cells are predicted where the query has 140"),
        (lambda task: {"X": np.where(task.X[3, 2] == task.X, np.nan, task.X)}, "not finite"),
        (lambda task: {"features": FEATURES[::-1]}, "features are not those"),
        (lambda task: {"queries": "a"}, "no prediction for query 'b'"),
        (lambda task: {"queries": "abc"}, "no query 'c'"),
    ],
)
def test_predictions_that_do_not_fit_are_refused(task, change, message):
    path = task.predict("bad", **({"X": task.X} | change(task)))
    with pytest.raises(UserError, match=message) as error:
        task.rows(path)
    assert str(path) in str(error.value)


def test_methods_must_differ(task):
    path = task.predict("m", task.X)
    with pytest.raises(UserError, match="already a method 'm'"):
        task.rows(path, path)


def test_other_files_are_refused(task):
    path = task.folder / "text.h5ad"
    path.write_text("no h5ad")
    for arguments in ((path, task.truth, []), (task.train, path, []), (task.train, task.truth, [path])):
        with pytest.raises(UserError, match=r"text\.h5ad"):
            evaluate(*arguments, FAST)


def test_script_writes_the_file_of_the_architecture(task, monkeypatch):
    import evaluate_task

    output = task.folder / "scores" / "t.csv"
    path = task.predict("no_change", task.X)
    files = ["--train", task.train, "--truth", task.truth, "--predictions", path, "--output", output]
    monkeypatch.setattr(sys, "argv", ["evaluate_task.py", *map(str, files), "--resamples", "5", "--oracle-halves", "2"])
    evaluate_task.main()
    rows = list(csv.DictReader(output.open()))
    assert list(rows[0])[:10] == ["task", "query", "method", "seed", "score", "value", "low", "high", "sd", "n_cells"]
    assert rows[0]["value"] == rows[0]["low"] == "" and rows[0]["note"] == "undefined: no change applied"
    assert float(rows[3]["low"]) < float(rows[3]["high"])


def test_an_empty_list_of_rows_still_has_a_head(tmp_path):
    write_scores([], tmp_path / "scores.csv")
    assert (tmp_path / "scores.csv").read_text().startswith("task,query,method,seed,score,value")
