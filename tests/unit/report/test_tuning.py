"""Tuning: grid points become models and methods, the reported truth takes no part, and the best setting is chosen."""

from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest
import yaml

from outofsample.errors import UserError
from outofsample.jobs.split import SplitSpec
from outofsample.jobs.table import ColumnSpec, MethodRow, TableSpec
from outofsample.jobs.tune import TuningSpec
from outofsample.report.tuning import choose_settings, over_queries, write_choice
from outofsample.study.config import Study
from outofsample.study.expand import grid_points
from outofsample.study.load import load_study, read_study
from outofsample.study.split import split_dataset
from tests.conftest import ROOT

TUNING = {
    "task": "kang.B",
    "reported": ["kang.NK"],
    "choose_by": "energy_distance",
    "grids": {"trvae": {"alpha": ["1e-5", 1e-3], "beta": [1, 100]}, "autoencoder": {"hidden": [[500, 250], [20]]}},
}
KANG = {
    "dataset": "kang",
    "leave_one_out": "domain",
    "source": "control",
    "targets": ["stimulated"],
    "models": {"autoencoder": {"sampling": "pooled"}},
    "variable_features": 8,
}


def values(**tuning) -> dict:
    return {
        "study": "mine",
        "datasets": {"kang": {}, "kang_sample": {"uses": "kang", "cells": 2000}},
        "tasks": {"kang": KANG, "sample": {**KANG, "dataset": "kang_sample"}},
        "models": {"trvae": {"epochs": 7}},
        "methods": {"trvae": {"label": "trVAE"}, "neuron_editing": {}, "no_change": {}, "constant_shift": {}},
        "run": {"methods": ["trvae", "neuron_editing", "no_change"]},
        "tuning": {**TUNING, **tuning},
    }


def load(**tuning) -> Study:
    return load_study(values(**tuning))


def test_each_grid_point_is_a_model_and_a_method():
    study = load()
    trvae = [f"trvae__alpha_{alpha}__beta_{beta}" for alpha in ("1e-05", "0.001") for beta in (1, 100)]
    edits = ["neuron_editing__hidden_500-250", "neuron_editing__hidden_20"]
    assert study.selected("methods") == [*trvae, *edits, "no_change"]
    assert study.selected("tasks") == ["kang.B"]
    assert study.methods[trvae[1]].label == "trVAE, alpha 1e-05, beta 100"
    assert [study.method_spec(name)["model"] for name in trvae] == list(grid_points(study, "trvae")) == trvae
    settings = study.model_spec(trvae[2], "kang.B")["settings"]
    assert (settings["alpha"], settings["beta"], settings["epochs"]) == (1e-3, 1.0, 7)


def test_settings_of_the_task_hold_for_grid_points_too():
    settings = load().model_spec("autoencoder__hidden_20", "kang.B")["settings"]
    assert (settings["sampling"], settings["hidden"]) == ("pooled", (20,))


def test_shipped_study_tries_all_combinations():
    study = read_study(ROOT / "studies" / "tuning.yaml")
    points = [point for model in study.tuning.grids for point in grid_points(study, model)]
    assert {study.method_spec(name)["model"] for name in study.selected("methods")} >= set(points)
    assert ("NK", "stimulated") in study.tasks[study.tuning.task].held_out
    assert study.selected("tables") == ["tuning"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"task": "kang.b"}, "tuning.task: there is no task 'kang.b' (did you mean 'kang.B'?)"),
        ({"reported": ["kang.NKs"]}, "tuning.reported: there is no task 'kang.NKs' (did you mean 'kang.NK'?)"),
        ({"reported": []}, "tuning.reported: List should have at least 1 item"),
        ({"reported": ["kang"]}, "'kang.B' and the reported 'kang.B' both hold out 'B', so the settings would be"),
        ({"reported": ["kang.NK", "sample.B"]}, "'kang.B' and the reported 'sample.B' both hold out 'B'"),
        ({"choose_by": "energy_distanc"}, "there is no score 'energy_distanc' (did you mean 'energy_distance'?)"),
        ({"chose_by": "mmd"}, "tuning.chose_by: unknown key (did you mean 'choose_by'?)"),
        ({"grids": {}}, "tuning.grids: Dictionary should have at least 1 item"),
        ({"grids": {"trvae": {}}}, "tuning.grids.trvae: Dictionary should have at least 1 item"),
        ({"grids": {"trvae": {"alpha": 1}}}, "tuning.grids.trvae.alpha: Input should be a valid list (found 1)"),
        ({"grids": {"trvae": {"alhpa": [1]}}}, "tuning.grids.trvae: unknown key 'alhpa' (did you mean 'alpha'?)"),
        ({"grids": {"trvae": {"alpha": ["small"]}}}, "tuning.grids.trvae.alpha: Input should be a valid number"),
        ({"grids": {"trvae": {"alpha": [1e-3, "1e-3"]}}}, "tuning.grids.trvae: a value is listed twice"),
        ({"grids": {"trave": {"alpha": [1]}}}, "stands on the model 'trave' (did you mean 'trvae'?)"),
        (
            {"grids": {"autoencoder": {"sampling": ["pooled"]}}},
            "tasks.kang.NK.models.autoencoder: 'sampling' is set here",
        ),
    ],
)
def test_each_problem_gets_a_sentence(changes, sentence):
    with pytest.raises(UserError) as error:
        load(**changes)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"run": {"tasks": ["kang.NK"]}}, "run.tasks: a tuning study runs the task that it chooses on alone"),
        (
            {"run": {}},
            "tuning.grids.autoencoder: neuron_editing, constant_shift stand on it; name under run.methods the one",
        ),
        (
            {"tables": {"tuning": {"title": "T", "tasks": ["kang.B"], "columns": [{"score": "mmd", "label": "M"}]}}},
            "name",
        ),
        ({"tasks": {"kang": {**KANG, "feature_selection": "paper"}}}, "'kang.B' has feature_selection 'paper', which"),
    ],
)
def test_problems_with_other_parts(changes, sentence):
    with pytest.raises(UserError) as error:
        load_study({**values(), **changes})
    assert sentence in str(error.value)


def test_a_wrong_setting_is_told_once():
    with pytest.raises(UserError, match=r"has 1 problem\(s\)"):
        load(grids={"trvae": {"alhpa": [1, 2], "beta": [1, 2]}})


def test_a_misspelt_method_does_not_hide_the_tasks():
    """One that leaves out each domain is known by its parts also where something else is wrong."""
    with pytest.raises(UserError, match=r"has 1 problem\(s\):\n  - methods.x: methods: there is no 'trvea'"):
        load_study({**values(), "methods": {**values()["methods"], "x": {"uses": "trvea"}}})


def cells(planted: float = 0.0) -> anndata.AnnData:
    """Log counts of three cell types; the first gene of stimulated natural killer cells holds a planted value."""
    obs = pd.DataFrame([(d, c) for d in ("B", "NK", "DC") for c in ("control", "stimulated") for _ in range(40)])
    obs.columns, obs.index = ["domain", "condition"], [f"cell{number}" for number in range(len(obs))]
    counts = np.random.default_rng(0).poisson(5, (len(obs), 30)).astype(np.float32)
    X = np.log1p(counts)
    marked = ((obs["domain"] == "NK") & (obs["condition"] == "stimulated")).to_numpy()
    if planted:
        X[marked, 0] = counts[marked, 0] = np.linspace(0, planted, marked.sum())
    var = pd.DataFrame(index=[f"gene{number}" for number in range(30)])
    return anndata.AnnData(X, obs=obs, var=var, layers={"counts": counts}, uns={"dataset": "made", "stand_in": True})


def split(study: Study, planted: float) -> tuple[anndata.AnnData, anndata.AnnData]:
    task = study.tasks["kang.B"]
    made = SplitSpec("kang.B", task.as_queries(), tuple(task.held_out), variable_features=task.variable_features)
    return split_dataset(cells(planted), made)


def test_the_reported_truth_changes_nothing_that_the_choice_sees():
    """Plant a value in the reported truth: neither cells nor chosen genes move, but without tuning they do."""
    for one, other in zip(split(load(), 0.0), split(load(), 9.0), strict=True):
        assert list(one.var_names) == list(other.var_names)
        np.testing.assert_array_equal(one.X, other.X)
        np.testing.assert_array_equal(one.layers["counts"], other.layers["counts"])
        assert not ((other.obs["domain"] == "NK") & (other.obs["condition"] == "stimulated")).any()
        assert set(one.obs["condition"]) >= {"stimulated"}
    plain = load_study({key: value for key, value in values().items() if key != "tuning"})
    assert "gene0" in split(plain, 9.0)[0].var_names
    assert "gene0" not in split(plain, 0.0)[0].var_names


def scores(found: dict[str, list[float]], query: str = "stimulated", score: str = "energy_distance") -> pd.DataFrame:
    """Scores by method, a value per seed."""
    rows = [(method, seed, value) for method, each in found.items() for seed, value in enumerate(each)]
    frame = pd.DataFrame(rows, columns=["method", "seed", "value"])
    constant = {"task": "kang.B", "query": query, "score": score, "note": "", "backend": ""}
    return frame.assign(**constant, low=np.nan, high=np.nan, sd=np.nan, n_cells=9)


GRIDS = {"a": {"a_1": {"uses": "autoencoder", "latent": 1}, "a_2": {"uses": "autoencoder", "latent": 2}}}


def spec(score: str = "energy_distance", better: str = "low") -> TuningSpec:
    rows = (MethodRow("a_1", "A, x 1"), MethodRow("a_2", "A, x 2"), MethodRow("no_change", "No change", True))
    table = TableSpec("tuning", "Settings", (ColumnSpec(score, score, better),), rows, ("kang.B",), rank_by=score)
    return TuningSpec(table, GRIDS, "tuning.yaml")


FOUND = {"a_1": [3.0, 1.0], "a_2": [1.5, 1.7], "no_change": [0.5], "oracle": [0.1, 0.2, 0.3]}


@pytest.mark.parametrize(
    ("score", "better", "best", "rank_of_control"),
    [("energy_distance", "low", "a_2", 1), ("means_r", "high", "a_1", 3), ("sd_ratio", "one", "a_2", 1)],
)
def test_the_best_mean_over_seeds_is_chosen_and_no_control(score, better, best, rank_of_control):
    rows = choose_settings(scores(FOUND, score=score), spec(score, better))
    assert list(rows.loc[rows["chosen"], "method"]) == [best]
    assert list(rows["method"]) == ["a_1", "a_2", "no_change", "oracle"]
    assert rows["mean"].tolist() == pytest.approx([2.0, 1.6, 0.5, 0.2])
    assert rows["sd"][0] == pytest.approx(np.sqrt(2)) and rows["rank"][2] == rank_of_control


def test_of_equals_the_first_is_chosen_and_never_one_without_a_score():
    first = choose_settings(scores({**FOUND, "a_2": [2.0, 2.0]}), spec())
    assert list(first.loc[first["chosen"], "method"]) == ["a_1"]
    lost = choose_settings(scores({**FOUND, "a_2": [0.1, np.nan]}), spec())
    assert list(lost.loc[lost["chosen"], "method"]) == ["a_1"]
    with pytest.raises(UserError, match=r"tuning.grids.a: none of its 2 grid points has the score that decides"):
        choose_settings(scores({**FOUND, "a_1": [np.nan], "a_2": [np.nan]}), spec())


def test_queries_of_a_task_count_alike():
    both = pd.concat([scores(FOUND, "early"), scores({**FOUND, "a_1": [1.0, 1.0]}, "late")])
    means = over_queries(both)
    assert set(means["query"]) == {"mean of 2"}
    assert means.loc[means["method"] == "a_1", "value"].tolist() == [2.0, 1.0]
    rows = choose_settings(both, spec())
    assert list(rows.loc[rows["chosen"], "method"]) == ["a_1"]


def test_another_study_takes_over_what_was_chosen(tmp_path):
    """The files: all settings with the chosen one marked, and a study that is extended, but for the tuning."""
    (tmp_path / "tuning.yaml").write_text(yaml.safe_dump(values()))
    rows = choose_settings(scores(FOUND), spec()).replace({"model": {"a": "trvae"}})
    grids = {"trvae": {"a_2": {"uses": "trvae", "epochs": 7, "alpha": 1e-5, "hidden": [20]}}}
    files = [tmp_path / name for name in ("c.csv", "c.md", "c.yaml")]
    write_choice(rows, replace(spec(), grids=grids), *files)
    table = pd.read_csv(files[0])
    assert table["chosen"].tolist() == [False, True, False, False]
    text = files[1].read_text()
    assert "A, x 2 (chosen)" in text and "No change (control)" in text and "Oracle" in text
    tuned = load_study({"study": "tuned", "extends": "c.yaml", "run": {"tasks": ["kang.NK"]}}, tmp_path)
    settings = tuned.model_spec("trvae", "kang.NK")["settings"]
    assert (settings["alpha"], settings["hidden"], settings["epochs"]) == (1e-5, (20,), 7)
    assert tuned.tuning is None and "trvae__alpha_1e-05__beta_1" not in tuned.methods


def test_script_writes_three_files(tmp_path, monkeypatch, capsys):
    import choose_settings as script

    scores(FOUND).to_csv(tmp_path / "kang.B.csv", index=False)
    (tmp_path / "spec.json").write_text(spec().to_json())
    outputs = [f"--output-{form}={tmp_path / form}" for form in ("csv", "md", "yaml")]
    arguments = [f"--spec={tmp_path / 'spec.json'}", f"--scores={tmp_path / 'kang.B.csv'}", *outputs]
    monkeypatch.setattr("sys.argv", ["choose_settings.py", *arguments])
    script.main()
    assert "A, x 2" in capsys.readouterr().out and "(chosen)" in (tmp_path / "md").read_text()
    chosen = yaml.safe_load((tmp_path / "yaml").read_text())
    assert chosen == {"extends": "tuning.yaml", "models": {"a": GRIDS["a"]["a_2"]}}
