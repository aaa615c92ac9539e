"""Own data whose batches share no control: the split, the prediction, what is written back, and the page."""

import numpy as np
import pandas as pd
import pytest

from outofsample import registry
from outofsample.arrays import Query
from outofsample.datasets import own
from outofsample.figures.data import load_data
from outofsample.files.fitted_methods import write_methods
from outofsample.files.prediction import PredictionWriter
from outofsample.files.scores import write_scores
from outofsample.files.task import TrainingRows, read_training
from outofsample.jobs.own import PredictFilesSpec
from outofsample.jobs.split import SplitSpec
from outofsample.methods.families.chain import attached
from outofsample.metrics.evaluation import evaluate
from outofsample.own import changes
from outofsample.own.file_by_file import FittedTask
from outofsample.own.per_file import files_of
from outofsample.own.readers.support.output_names import EXTRAPOLATED
from outofsample.own.write_back import write_back
from outofsample.study.split import split_dataset
from tests.unit.own.test_changes import report

FEATURES = ["CD3", "CD4"]
#: What a batch adds to CD3; the controls lie 5 apart in CD4.
ADDED = {"b1": 0.0, "b2": 1.0, "b3": 3.0}
QUERIES = (Query("far", "p", "b3", "b1"), Query("near", "q", "b2", "b1"))


GROUPS = (("A", "b1", 0), ("A", "b2", 0), ("B", "b2", 5), ("B", "b3", 5), ("p", "b3", 2), ("q", "b2", 2))


def frame(person, batch, level, cells, rng):
    """Return cells of a person in a batch."""
    X = rng.normal([5 + ADDED[batch], 10 + level], 1, (cells, 2))
    return pd.DataFrame(X, columns=FEATURES).assign(person=person, batch=batch)


def predicted_task(folder, tables):
    """Write tables by their file names, and the files of a task of both queries, predicted by the mean shift."""
    (folder / "mine").mkdir()
    for name, table in tables.items():
        table.to_csv(folder / "mine" / name, index=False)
    settings = {"folder": "mine", "files": list(tables), "condition_column": "batch", "domain_column": "person"}
    data = registry.create("datasets", "own", own.Dataset.complete(settings, folder))
    adata = data.load({name: folder / "mine" / name for name in tables})
    adata.uns |= {"dataset": "mine", "stand_in": False}
    parts = split_dataset(adata, SplitSpec("batch", QUERIES, controls=("A", "B")))
    files = {name: folder / f"{name}.h5ad" for name in ("train", "truth", "prediction")}
    for name, part in zip(("train", "truth"), parts, strict=True):
        part.write_h5ad(files[name])
    training = read_training(files["train"])
    model, entry = registry.create("models", "identity", {}).fit(training), registry.find("methods", "mean_shift")
    method = attached(lambda: entry(entry.Settings(), model), training, 0)
    writer = PredictionWriter(training, "mine_method", "identity")
    writer.add_all(method.transform, 0)
    writer.write(files["prediction"])
    files["scores"] = folder / "scores.csv"
    write_scores(evaluate(files["train"], files["truth"], [files["prediction"]]), files["scores"])
    return data, files


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The files of a task with a chained and a direct query, of one table."""
    folder, rng = tmp_path_factory.mktemp("chained"), np.random.default_rng(0)
    return folder, *predicted_task(
        folder, {"cells.csv": pd.concat([frame(*group, cells=100, rng=rng) for group in GROUPS])}
    )


@pytest.fixture(scope="module")
def of_many_files(tmp_path_factory):
    """As `found`, with a file of each person in each batch, two of p, and fewer cells of B than of A in them."""
    folder, rng = tmp_path_factory.mktemp("many_files"), np.random.default_rng(0)
    tables = {
        f"{person}_{batch}.csv": frame(person, batch, level, {"A": 120, "B": 100}.get(person, 80), rng)
        for person, batch, level in GROUPS
    }
    whole = tables.pop("p_b3.csv")
    return folder, *predicted_task(folder, tables | {"p1_b3.csv": whole[:50], "p2_b3.csv": whole[50:]})


def test_the_paths_are_read_as_they_were_written(found):
    far, near = read_training(found[2]["train"]).queries
    assert far.path == "b3 -> b2 (control B) -> b1 (control A)" and near.path == "b2 -> b1 (control A)"


def test_the_change_of_the_controls_is_that_of_all_hops(found):
    _, _, files = found
    far, near = changes.read_changes(files["prediction"], files["train"], files["truth"])[0]
    for change, shift in ((far, -3), (near, -1)):
        table = changes.feature_table(change).set_index("feature")
        np.testing.assert_allclose(table["control_mean_shift"][FEATURES], [shift, 0], atol=0.3)
        np.testing.assert_allclose(table["mean_shift"][FEATURES], table["control_mean_shift"][FEATURES], atol=1e-4)
    assert far.names["target"] == "B (b3), moved by the mean changes of 2 hops" and near.names["target"] == "A (b1)"


def test_the_controls_change_enters_the_scores_as_the_sum_of_the_hops(found):
    scores = pd.read_csv(found[2]["scores"])
    values = scores[scores["score"] == "spike_in_r"].set_index("query")["value"]
    assert values["far"] > 0.95 and values["near"] > 0.95


def test_extrapolated_cells_are_those_outside_the_controls_of_the_first_hop(found, tmp_path):
    folder, data, files = found
    original = folder / "mine" / "cells.csv"
    write_back(files["prediction"], files["train"], data, {"cells.csv": original}, tmp_path)
    flags = pd.read_csv(tmp_path / "far" / EXTRAPOLATED)
    cells = pd.read_csv(original)
    control = cells[(cells["person"] == "B") & (cells["batch"] == "b3")][FEATURES]
    far = cells.loc[flags["row"], FEATURES]
    outside = ((far < control.min()) | (far > control.max())).to_numpy().mean(axis=1)
    # In the second hop p, which lies between the controls, can be further outside.
    assert (flags["share_outside"] >= outside - 1e-3).all() and (outside > 0.1).any()


def test_files_of_a_cohort_are_held_against_the_controls_of_the_first_hop(found, tmp_path):
    write_methods(tmp_path / "methods.pt", 0, {})
    spec = PredictFilesSpec("mine", {}, (), None, (), str(tmp_path), str(tmp_path))
    task, data = FittedTask(spec, tmp_path / "methods.pt", found[2]["train"]), read_training(found[2]["train"])
    for query in data.queries:
        controls = data.X[data.is_source(query)]
        np.testing.assert_array_equal(task.sources[query].low, controls.min(axis=0))
        np.testing.assert_array_equal(task.sources[query].high, controls.max(axis=0))


def test_the_page_names_the_path_of_each_query(found, tmp_path):
    page, *_ = report(tmp_path, found[2])
    assert "Path of the change: b3 -> b2 (control B) -> b1 (control A)." in page.text
    assert "b3 and b1 share no control, so the cells go along the shortest chain" in page.text
    assert "Path of the change: b2 -> b1 (control A)." in page.text and "b2 and b1 share no control" not in page.text
    assert "b1, by b2" in page.text


def test_each_cell_of_a_chain_has_the_file_that_it_comes_from(of_many_files):
    _, _, files = of_many_files
    rows = TrainingRows(files["train"])
    far, near = changes.read_changes(files["prediction"], files["train"], files["truth"])[0]
    assert len(far.cells["target"]) == 100 and len(near.cells["target"]) == 120
    for change, target in ((far, "B_b3.csv"), (near, "A_b1.csv")):
        of_cell = files_of(rows, change.query)
        assert set(of_cell["target"]) == {target}
        assert all(len(of_cell[name]) == len(change.cells[name]) for name in of_cell)
    assert sorted(set(files_of(rows, far.query)["query"])) == ["p1_b3.csv", "p2_b3.csv"]


def test_the_page_of_a_chain_shows_the_files_too(of_many_files, tmp_path):
    page, *_ = report(tmp_path, of_many_files[2])
    # Four pictures of p, which two files have, and three of q.
    assert len(page.images) == 7


def test_figures_show_the_target_of_a_chain_as_the_change_of_all_hops(of_many_files):
    files = of_many_files[2]
    figure = {"name": "f", "title": "Mine", "task": "batch", "stand_in": False, "demo_size": False}
    shown = load_data(figure, files["train"], files["truth"], [str(files["prediction"])])
    assert shown.names["target"] == "B (b3), moved by the mean changes of 2 hops"
    change = shown.cells["target"].mean(axis=0) - shown.cells["source"].mean(axis=0)
    # The controls at the two ends lie 5 apart in CD4, which is no change.
    np.testing.assert_allclose(change, [-3, 0], atol=0.4)
    assert len(shown.cells["target"]) == len(shown.cells["source"]) == 100
    near = load_data(figure | {"options": {"query": "near"}}, files["train"], files["truth"], [])
    assert len(near.cells["target"]) == 120
