"""Scoring of whole files: known answers, and each kind of file that is refused."""

import csv
import json
import math
import sys
from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest

from outofsample.arrays import HeldOut
from outofsample.errors import UserError
from outofsample.files.prediction import read_predictions
from outofsample.files.task import read_training
from outofsample.jobs.evaluate import EvaluationSpec
from outofsample.metrics.differential_expression import DifferentialExpressionScores
from outofsample.metrics.evaluation import FAMILIES, SCORES, Settings, evaluate, expected_rows
from outofsample.metrics.expected import error_interval
from outofsample.metrics.extrapolation import ExtrapolationScores
from outofsample.metrics.families import SubsampleScores
from outofsample.metrics.response import MANY_FEATURES

SHIFT = np.array([1, 0.5, 0, -0.5, 2], dtype=np.float32)
SIZES = {"source": 120, "target": 130, "query": 140}
FAST = Settings(resamples=20, oracle_halves=5, max_cells=100, subsamples=10)
#: Scores that only data with many features have, and those that need a feature that responds otherwise elsewhere.
OF_TABLES = tuple(name for family in FAMILIES["tabular"] for name in family.scores)
OF_GENES = [name for name in SCORES if name.endswith(("_top100", "_notebook"))] + [*DifferentialExpressionScores.scores]
OF_SPECIFIC = {"rmse_specific", "specific_gain"}
#: Scores that images without pairs and without a network that describes them do not have.
NOT_OF_IMAGES = {
    *OF_GENES,
    *SubsampleScores.scores,
    *ExtrapolationScores.scores,
    "top_sign",
    "rmse_shared",
    *OF_SPECIFIC,
    *(set(SCORES) - set(OF_TABLES)),
}


def cells(number: int, seed: int, features: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).gamma(3, 1, size=(number, features)).astype(np.float32)


@pytest.fixture
def task(tmp_path):
    """A task whose change is a known shift: writes the files and knows the paths."""
    return Task(tmp_path)


class Task:
    """Files of a task with two queries that share S, T and X; ``b`` has no truth.

    X changes by ``shift`` and the controls by ``elsewhere``; with an ``image_shape`` cells are whole numbers. With an
    ``order`` the truth of cell k of X is ``Y[k]``, the file has the truth in this order, and pairs are known.
    """

    def __init__(self, folder, truth_cells: int = 150, shift=SHIFT, elsewhere=SHIFT, image_shape=None, order=None):
        self.folder, self.features = folder, [f"m{i}" for i in range(len(shift))]
        self.train, self.truth = folder / "train.h5ad", folder / "truth.h5ad"
        X = {role: cells(number, seed, len(shift)) for seed, (role, number) in enumerate(SIZES.items())}
        X["target"] += elsewhere
        self.X, self.Y = X["query"], cells(truth_cells, 9, len(shift)) + shift
        train, uns = np.concatenate(list(X.values())), {"task": "t"}
        if image_shape is not None:
            # As images are stored; the change stays within the range.
            train, self.Y = (np.clip(20 * part, 0, 255).astype(np.uint8) for part in (train, self.Y))
            uns["image_shape"] = np.array(image_shape)
        role = np.repeat(list(SIZES), list(SIZES.values()))
        obs = pd.DataFrame({"role": role, "condition": np.where(role == "target", "after", "before")})
        obs["domain"] = np.where(role == "query", "sample", "control")
        obs.index = [f"cell{i}" for i in range(len(obs))]
        self.names = obs.index[role == "query"]
        query = {"domain": "sample", "source": "before", "target": "after"}
        uns["queries"] = json.dumps([{"name": name, **query} for name in "ab"])
        truth = pd.DataFrame({"query": ["a"] * truth_cells})
        if order is not None:
            obs["pair_id"] = np.where(role == "query", obs.index, "")
            truth["pair_id"] = self.names
            truth = truth.iloc[order]
        self.write(self.train, train, obs, uns)
        self.write(self.truth, self.Y[truth.index], truth, {})

    def write(self, path, X, obs, uns, features=None):
        obs.index = obs.index.astype(str)
        var = pd.DataFrame(index=self.features if features is None else features)
        anndata.AnnData(X, obs=obs, var=var, uns=uns).write_h5ad(path)
        return path

    def predict(self, method, X, seeds=(0,), names=None, not_run="", queries="ab", features=None):
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
    assert list(values) == [name for name in OF_TABLES if name not in OF_GENES]
    assert values["beyond_values"] == 0 < task.values("far", 40 * task.X)["beyond_cells"]
    assert values["spike_in_r"] > 0.95 and wrong["spike_in_r"] < 0
    assert values["change_r"] > 0.95 and wrong["change_r"] < 0
    for score in ("rmse_medians", "rmse_means", "rmse_shared", "energy_distance", "wasserstein", "mmd"):
        assert values[score] < 0.2 * wrong[score]
    assert values["top_sign"] == 1 and wrong["top_sign"] == 0
    assert values["means_r2"] > wrong["means_r2"]
    assert values["means_r2_subsamples"] > wrong["means_r2_subsamples"]
    assert values["variance_ratio"] == pytest.approx(wrong["variance_ratio"], rel=1e-5)


def test_truth_as_prediction_is_perfect(tmp_path):
    task = Task(tmp_path, truth_cells=SIZES["query"], order=np.arange(SIZES["query"]))
    values = task.values("copy_of_truth", task.Y)
    perfect = {"change_r", "change_of_means_r", "means_r", "variances_r", "variance_ratio", "sd_ratio"}
    perfect |= {"means_r2", "variances_r2", "top_sign"}
    assert {score: values[score] for score in perfect} == pytest.approx(dict.fromkeys(perfect, 1))
    assert values["rmse_medians"] == values["rmse_means"] == values["wasserstein"] == 0
    # Each cell's distance to its own truth counts as little as that to itself: the three expectations are the same.
    assert values["energy_distance"] == pytest.approx(0, abs=1e-9) == values["mmd"]
    # The two sides draw their subsamples apart: even the truth itself does not reach 1.
    assert 0.9 < values["means_r2_subsamples"] < 1


def test_the_truth_of_each_cell_is_found_by_its_name(tmp_path):
    """Tables, too, may have the truth in any order; without names nobody knows whose truth a cell is."""
    n, everyone = SIZES["query"], replace(FAST, max_cells=SIZES["query"])
    orders = {"same": np.arange(n), "other": np.random.default_rng(0).permutation(n), "unnamed": None}
    found = {}
    for name, order in orders.items():
        (tmp_path / name).mkdir()
        task = Task(tmp_path / name, truth_cells=n, order=order)
        rows = task.rows(task.predict("kept", task.Y + np.float32(0.01)), settings=everyone)
        found[name] = {row.score: row.value for row in rows if (row.method, row.query) == ("kept", "a")}
    for score in ("energy_distance", "mmd"):
        assert found["same"][score] == pytest.approx(found["other"][score], abs=1e-9)
        assert found["unnamed"][score] < -1e-3 < found["same"][score]


def test_a_response_of_one_domain_alone_has_scores_of_its_own(tmp_path):
    """The last feature hardly moves in the controls: their shift misses it, and the true change gains all of that."""
    elsewhere = SHIFT * np.array([1, 1, 1, 1, 0.1], dtype=np.float32)
    task = Task(tmp_path, elsewhere=elsewhere)
    shifted, right = task.values("shifted", task.X + elsewhere), task.values("right", task.X + SHIFT)
    assert shifted["rmse_specific"] == pytest.approx(1.8, abs=0.3) and shifted["rmse_shared"] < 0.5
    assert abs(shifted["specific_gain"]) < 0.2 and right["specific_gain"] > 0.8


@pytest.fixture(scope="module")
def genes(tmp_path_factory):
    """A task of more features than are scored one by one, and its true change, which is that of the controls."""
    shift = np.random.default_rng(5).normal(0, 1, size=MANY_FEATURES + 10).astype(np.float32)
    return Task(tmp_path_factory.mktemp("genes"), shift=shift, elsewhere=shift), shift


class TestGenes:
    """More features than markers have: the most changed are scored apart."""

    def test_all_scores_are_there_for_predictions_and_oracle(self, genes):
        task, shift = genes
        rows = [row for row in task.rows(task.predict("m", task.X + shift)) if row.query == "a"]
        of_method = [row for row in rows if row.method == "m"]
        assert tuple(row.score for row in of_method) == OF_TABLES
        assert all(row.low <= row.value <= row.high and row.sd > 0 for row in of_method if "notebook" in row.score)
        halves = [[row.score for row in rows if row.seed == half and row.method == "oracle"] for half in range(5)]
        assert all(tuple(scores) == OF_TABLES for scores in halves)

    def test_the_right_shift_is_close_to_the_oracle_and_no_change_is_not(self, genes):
        task, shift = genes
        right, same = task.values("right", task.X + shift), task.values("same", task.X)
        for score in ("means_r2_top100", "means_r2_notebook", "means_r2_subsamples", "top_sign"):
            assert right[score] > 0.9 > same[score]
        assert same["top_sign"] == 0 and right["mmd"] < 0.1 * same["mmd"]


def test_images_have_no_scores_of_genes(tmp_path):
    task = Task(tmp_path, image_shape=(1, 5, 1))
    values = task.values("m", 20 * task.X)
    assert list(values) == [name for name in SCORES if name not in NOT_OF_IMAGES]
    assert 5 < values["rmse_means"] < 40


def test_no_change_has_no_correlation_of_changes(task):
    rows = {row.score: row for row in task.rows(task.predict("no_change", task.X)) if row.method == "no_change"}
    for score in ("spike_in_r", "change_r", "change_of_means_r"):
        assert math.isnan(rows[score].value) and math.isnan(rows[score].low)
        assert rows[score].note == "undefined: no change applied"
    assert rows["variance_ratio"].note == ""


def test_a_prediction_without_variance_is_undefined_for_another_reason(task):
    rows = task.rows(task.predict("constant", np.zeros_like(task.X)))
    assert next(row for row in rows if row.score == "variances_r").note == "undefined: constant over features"


def test_queries_without_truth_have_the_scores_that_need_none(task):
    rows = [row for row in task.rows(task.predict("m", task.X + SHIFT)) if row.query == "b"]
    found = [("m", score, "") for score in ("spike_in_r", *ExtrapolationScores.scores)]
    assert [(row.method, row.score, row.note) for row in rows] == [*found, ("oracle", "", "no truth")]


def test_what_is_expected_is_a_row_of_its_own(task):
    """By query, where domains were held out; one without has none."""
    path, domains = task.predict("m", task.X + SHIFT), np.array(["a", "b", "c"])
    errors, nothing, none = np.array([1.0, 2, 4]), np.ones(3), np.zeros((3, 5))
    found = HeldOut(domains, errors, nothing, nothing, none, none, nothing, query_moved=4.0)
    read = replace(
        read_predictions(path, read_training(task.train)), held_out={"a": found, "b": HeldOut.none(5, "one")}
    )
    queries = read_training(task.train).queries
    (row,) = expected_rows("t", queries, read)
    assert (row.query, row.method, row.score, row.value, row.seed) == ("a", "m", "expected_error", 7 / 3, 0)
    assert (row.low, row.high) == error_interval(errors, found) and row.low < row.value < row.high
    assert not list(expected_rows("t", queries, replace(read, held_out={})))


def test_rows_of_seeds_and_intervals(task):
    rows = [row for row in task.rows(task.predict("m", task.X + 0.9 * SHIFT, seeds=(3, 1))) if row.method == "m"]
    of_r = [row for row in rows if row.score == "change_of_means_r" and row.query == "a"]
    assert [row.seed for row in of_r] == [1, 3]
    assert all(row.low < row.high and row.sd > 0 and row.n_cells == SIZES["query"] for row in of_r)
    assert all(math.isnan(row.sd) for row in rows if row.score in ("energy_distance", "wasserstein", "mmd"))


def test_the_same_settings_give_the_same_rows(task):
    path = task.predict("m", task.X + SHIFT)
    assert list(map(str, task.rows(path))) == list(map(str, task.rows(path)))


def test_oracle_is_close_to_the_truth(task):
    rows = [row for row in task.rows(task.predict("no_change", task.X)) if row.query == "a"]
    oracle = [row for row in rows if row.method == "oracle"]
    assert {row.seed for row in oracle} == set(range(5))
    assert {row.n_cells for row in oracle} == {75}
    assert {row.note for row in oracle if row.score not in OF_SPECIFIC} == {""}
    for score in ("energy_distance", "wasserstein", "mmd", "rmse_medians", "rmse_means"):
        worst = max(row.value for row in oracle if row.score == score)
        assert worst < next(row.value for row in rows if row.score == score and row.method == "no_change")


@pytest.mark.parametrize(("number", "note"), [(49, "fewer than 50 cells"), (1, "fewer than two cells of truth")])
def test_few_truth_cells_are_said(tmp_path, number, note):
    task = Task(tmp_path, truth_cells=number)
    rows = [row for row in task.rows(task.predict("m", task.X + SHIFT)) if (row.method, row.query) == ("oracle", "a")]
    assert {row.note for row in rows if row.score not in OF_SPECIFIC} == {note}


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
        (lambda task: {"features": task.features[::-1]}, "features are not those"),
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
    spec = task.folder / "spec.json"
    spec.write_text(EvaluationSpec(resamples=5, oracle_halves=2).to_json())
    files = ["--spec", spec, "--train", task.train, "--truth", task.truth, "--predictions", path, "--output", output]
    monkeypatch.setattr(sys, "argv", ["evaluate_task.py", *map(str, files)])
    evaluate_task.main()
    rows = list(csv.DictReader(output.open()))
    assert list(rows[0])[:10] == ["task", "query", "method", "seed", "score", "value", "low", "high", "sd", "n_cells"]
    assert rows[0]["value"] == rows[0]["low"] == "" and rows[0]["note"] == "undefined: no change applied"
    assert float(rows[3]["low"]) < float(rows[3]["high"])
