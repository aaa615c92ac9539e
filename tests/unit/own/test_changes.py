"""The report of what a method changed in data of one's own: its numbers, its page, and which cells it extrapolated."""

import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from outofsample import registry
from outofsample.arrays import HeldOut, Prediction, Query
from outofsample.datasets import own
from outofsample.files.prediction import PredictionWriter
from outofsample.files.scores import Row, write_scores
from outofsample.files.task import read_training
from outofsample.jobs.own import ChangesSpec
from outofsample.jobs.split import SplitSpec
from outofsample.metrics.evaluation import evaluate
from outofsample.own import changes
from outofsample.own import figures as own_figures
from outofsample.own.changes import Change
from outofsample.own.extrapolation import Extrapolated
from outofsample.own.readers.support.output_names import EXTRAPOLATED
from outofsample.own.write_back import write_back
from outofsample.study.split import split_dataset
from tests.conftest import ROOT, run_script

QUERY = Query("patient_a", "patient_a", "batch1", "batch2")
FEATURES = ("CD3", "CD4", "CD19")
#: What the method adds to each feature, and what batch 2 truly adds.
ADDED, TRUE = np.float32([0.1, -2.0, 0.0]), np.float32([0.0, -1.5, 0.0])


def cells(number=600, seed=0, scale=1.0):
    return (5 + scale * np.random.default_rng(seed).normal(size=(number, 3))).astype(np.float32)


def change(unit="arcsinh(x/5)", has_truth=True, **populations):
    """Return a change whose shifts are known."""
    query = cells(seed=2)
    found = {
        "source": cells(),
        "target": cells() + np.float32([0, -1, 0]),
        "query": query,
        "prediction": query + ADDED,
        **({"truth": query + TRUE} if has_truth else {}),
    }
    share, names = np.zeros(600), {name: name for name in found}
    nothing = HeldOut.none(3, "nothing was held out")
    found |= populations
    return Change(QUERY, 0, FEATURES, unit, found, names, Extrapolated(share, "units"), nothing, found["source"])


def held_out(residual=0.1, domains=4):
    """Return domains whose means change by a little more or less than was predicted."""
    rng = np.random.default_rng(0)
    predicted = np.tile(ADDED, (domains, 1)).astype(float)
    measured = predicted + residual * rng.normal(size=predicted.shape)
    errors = rng.uniform(0.5, 1, domains)
    return HeldOut(np.arange(domains).astype(str), errors, 4 * errors, 2 * errors, predicted, measured, errors, 1.5)


# ---- numbers


def test_planted_shifts_are_found_and_features_sorted_by_them():
    table = changes.feature_table(change()).set_index("feature")
    assert table.index.tolist() == ["CD4", "CD3", "CD19"]
    for column in ("shift", "mean_shift"):
        np.testing.assert_allclose(table[column], [-2.0, 0.1, 0.0], atol=1e-5)
    np.testing.assert_allclose(table["wasserstein"], [2.0, 0.1, 0.0], atol=1e-5)
    np.testing.assert_allclose(table["sd_ratio"], 1, atol=1e-5)
    np.testing.assert_allclose(table["control_shift"], [-1.0, 0.0, 0.0], atol=1e-5)
    np.testing.assert_allclose(table["true_shift"], [-1.5, 0.0, 0.0], atol=1e-5)
    np.testing.assert_allclose(table["before_to_truth"], [1.5, 0.0, 0.0], atol=1e-5)
    np.testing.assert_allclose(table["after_to_truth"], [0.5, 0.1, 0.0], atol=1e-5)
    np.testing.assert_allclose(table["median_after"] - table["median_before"], table["shift"])
    assert (table["unit"] == "arcsinh(x/5)").all() and (table["query"] == "patient_a").all()


def test_a_wider_prediction_has_a_larger_sd_ratio():
    query = cells(seed=2)
    table = changes.feature_table(change(prediction=5 + 2 * (query - 5)))
    np.testing.assert_allclose(table["sd_ratio"], 2, rtol=1e-4)


def test_deviations_of_many_features_are_computed_some_at_a_time(monkeypatch):
    rng = np.random.default_rng(0)
    many = {
        name: rng.normal(3, 2, (300, 11)).astype(np.float32) for name in ("source", "target", "query", "prediction")
    }
    one = replace(change(has_truth=False), cells=many, features=tuple("abcdefghijk"))
    whole = np.concatenate([many["source"], many["query"]]).std(axis=0, dtype=np.float64)
    np.testing.assert_array_equal(changes._sd(one), whole)
    monkeypatch.setattr(changes, "_FEATURES", 4)
    np.testing.assert_allclose(changes._sd(one), whole, rtol=1e-12)


def test_features_without_a_common_scale_are_compared_in_standard_deviations():
    scale = np.float32([1000, 1, 1])
    scaled = {name: X * scale for name, X in change().cells.items()}
    table = changes.feature_table(change(unit="", **scaled)).set_index("feature")
    # 0.1 x 1000 is the largest number; two standard deviations are the largest change.
    assert table["wasserstein"].idxmax() == "CD3" and table.index[0] == "CD4"
    assert table.loc["CD4", "moved"] == pytest.approx(2, rel=0.1)
    assert changes.feature_table(change(**scaled))["feature"][0] == "CD3"


def test_a_constant_feature_that_moves_gets_a_number():
    constant = {name: X * np.float32([0, 1, 1]) for name, X in change().cells.items()}
    constant["prediction"] = constant["prediction"] + np.float32([3, 0, 0])
    table = changes.feature_table(change(unit="", **constant)).set_index("feature")
    assert table.loc["CD3", "moved"] == pytest.approx(3) and np.isnan(table.loc["CD3", "sd_ratio"])


def test_without_a_truth_there_are_no_columns_of_it():
    table = changes.feature_table(change(has_truth=False))
    assert not [name for name in table if "tru" in name]
    assert set(changes.overview(change(has_truth=False))) == {"moved", "controls"}


def test_features_whose_interval_leaves_out_zero_are_changed():
    table = changes.feature_table(replace(change(), held_out=held_out())).set_index("feature")
    assert table["changed"].to_dict() == {"CD3": False, "CD4": True, "CD19": False}
    assert (table["mean_shift_low"] < table["mean_shift"]).all() and (
        table["mean_shift"] < table["mean_shift_high"]
    ).all()
    wide = changes.feature_table(replace(change(), held_out=held_out(residual=5.0)))
    assert not wide["changed"].any()


def test_without_held_out_domains_there_are_no_intervals():
    assert not {"changed", "mean_shift_low", "mean_shift_high"} & set(changes.feature_table(change()))


def test_distances_between_whole_populations():
    found = changes.overview(change())
    assert found["after"] < found["before"] < found["moved"]
    assert changes.overview(change(prediction=change().cells["query"]))["moved"] == pytest.approx(0, abs=0.01)


def test_principal_components_follow_the_change_and_weigh_populations_alike():
    far = np.float32([0, 0, 30])
    scores, shares = changes.principal_components(change(target=cells(2000) + far, query=cells(60, seed=2)))
    assert shares[0] > 0.9
    assert abs(scores["target"][:, 0].mean() - scores["source"][:, 0].mean()) == pytest.approx(30, rel=0.05)


# ---- a small study of one's own


def write_table(folder):
    """Write a table with a control and two patients in two batches; some cells of patient b are far from all others.

    The control varies more than the patients, so that no other cell of theirs is outside its range.
    """
    groups = [
        ("control", "batch1", cells(120, 0, 3)),
        ("control", "batch2", cells(120, 0, 3) + ADDED),
        ("patient_a", "batch1", cells(120, 1)),
        ("patient_a", "batch2", cells(120, 2) + TRUE),
        ("patient_b", "batch1", cells(120, 3)),
    ]
    frames = [pd.DataFrame(X, columns=list(FEATURES)).assign(batch=b, person=p) for p, b, X in groups]
    frames[-1].loc[:11, "CD19"] += 50
    folder.mkdir(parents=True)
    # Shuffled: rows of a file and rows of a query are not the same.
    pd.concat(frames).sample(frac=1, random_state=0).to_csv(folder / "cells.csv", index=False)


QUERIES = (QUERY, Query("patient_b", "patient_b", "batch1", "batch2"))
SETTINGS = {"folder": "mine", "files": ["cells.csv"], "condition_column": "batch", "domain_column": "person"}


def run(folder, method="mean_shift", queries=QUERIES, settings=SETTINGS, not_run="", held_out=None, seeds=(4, 2)):
    """Load, split, predict and score a study of one's own; return the dataset and the paths of its files."""
    data = registry.create("datasets", "own", own.Dataset.complete(settings, folder))
    adata = data.load({file.name: folder / "mine" / file.name for file in data.raw_files()})
    adata.uns |= {"dataset": "mine", "stand_in": False}
    train, truth = split_dataset(adata, SplitSpec("batch", queries, ()))
    found = {name: folder / f"{name}.h5ad" for name in ("train", "truth", "prediction")}
    train.write_h5ad(found["train"])
    truth.write_h5ad(found["truth"])
    training = read_training(found["train"])
    writer = PredictionWriter(training, "mine_method", "identity" if method == "mean_shift" else None)
    if not not_run:
        fitted = registry.create("methods", method, {}).fit(training)
        for seed in seeds:
            writer.add_all(lambda *a, seed=seed: replace_x(fitted.transform(*a), seed), seed)
    writer.held_out = held_out or {}
    writer.write(found["prediction"], not_run=not_run)
    found["scores"] = folder / "scores.csv"
    write_scores(evaluate(found["train"], found["truth"], [found["prediction"]]), found["scores"])
    return data, found


def replace_x(prediction, seed):
    return Prediction(prediction.X + np.float32(seed - 4), outside_per_cell=prediction.outside_per_cell)


def test_the_seed_that_is_written_back_is_the_one_that_is_told_of(tmp_path):
    write_table(tmp_path / "mine")
    data, found = run(tmp_path)
    (one, other), _ = changes.read_changes(found["prediction"], found["train"], found["truth"])
    assert one.seed == other.seed == 4 and "truth" in one.cells and "truth" not in other.cells
    np.testing.assert_allclose(one.cells["prediction"] - one.cells["query"], np.tile(ADDED, (120, 1)), atol=1e-4)
    paths = write_back(
        found["prediction"], found["train"], data, {"cells.csv": tmp_path / "mine" / "cells.csv"}, tmp_path / "out"
    )
    written = pd.read_csv(paths[0])[list(FEATURES)].to_numpy()
    np.testing.assert_allclose(np.sort(written, 0), np.sort(one.cells["prediction"], 0), rtol=1e-5)


# ---- the page


class Page(HTMLParser):
    """What a browser would fetch, and the text."""

    def __init__(self, text):
        super().__init__()
        self.images, self.links, self.ids, self.text = [], [], set(), ""
        self.feed(text)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids.add(attributes.get("id"))
        if tag == "img":
            self.images.append(attributes)
        assert tag not in ("script", "link", "iframe")
        self.text += " " if tag in ("td", "th") else ""
        if tag == "a":
            self.links.append(attributes["href"])

    def handle_data(self, data):
        self.text += data


def report(folder, found, controls=None):
    """Run the job's command line; return the page and the table."""
    labels = {"mine_method": "Mine <&>", **(controls or {})}
    page = ChangesSpec("mine", "batch", "mine_method", "Mine <&>", "", controls or {}, labels, cautious="mine_method")
    options = [part for name, path in found.items() for part in (f"--{name}", path)]
    options += [
        "--predictions",
        found["prediction"],
        "--template",
        ROOT / "scripts" / "outofsample" / "own" / "page.html.j2",
    ]
    options += ["--html", folder / "mine.html", "--csv", folder / "mine.csv"]
    done = run_script("summarise_changes.py", page, *options)
    assert done.returncode == 0, done.stderr
    return Page((folder / "mine.html").read_text()), pd.read_csv(folder / "mine.csv"), done.stdout


def test_the_page_tells_of_each_query_and_needs_no_network(tmp_path):
    write_table(tmp_path / "mine")
    _, found = run(tmp_path)
    page, table, log = report(tmp_path, found)
    assert "patient_b: 12 cells flagged as extrapolated (10.0%)" in log
    assert len(page.images) == 6 and all(image["alt"] for image in page.images)
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.images)
    assert page.links == ["#1", "#2"] and {"1", "2"} <= page.ids
    assert "Mine <&>: what changed in batch" in page.text
    assert "3 used, " in page.text and "CD4 used as CD4" in page.text
    assert "Moved most: CD4 (median -2" in page.text
    assert (
        "Flagged as extrapolated: 12 of the cells (10.0%), since more than 10% of their features lie outside"
        in page.text
    )
    assert page.text.count("Predicted beyond twice the range of the training cells: no value.") == 2
    assert page.text.count("The truth of this query was not measured") == 1
    assert page.text.count("Scores against the truth") == 1 and "energy distance to the truth 0 " in page.text
    assert len(table) == 6 and table.groupby("query")["feature"].first().tolist() == ["CD4", "CD4"]
    assert table["true_shift"].notna().sum() == 3


def test_the_page_opens_with_the_method_to_take(tmp_path):
    write_table(tmp_path / "mine")
    _, found = run(tmp_path, held_out={"patient_a": held_out(), "patient_b": HeldOut.none(3, "one control alone")})
    page, table, _ = report(tmp_path, found)
    top, _, rest = page.text.partition("Which method to take (patient_b)?")
    assert "Which method to take (patient_a)? Take Mine <&>. In 4 populations measured in both conditions" in top
    assert "nearer in 4 of 4. Expected for this query: " in top
    assert "Take Mine <&>, which does nothing where it sees no gain" in rest and "no number: one control alone" in rest
    assert "leaves out zero in 1 of 3 features" in page.text
    assert "energy distance that was expected" in page.text
    by_query = table.groupby("query")
    assert by_query["changed"].count().to_dict() == {"patient_a": 3, "patient_b": 0}


def test_the_page_says_of_which_query_no_cell_was_moved(tmp_path):
    write_table(tmp_path / "mine")
    alone = HeldOut.none(3, "one control alone", random_parts=True)
    found = {"held_out": {"patient_a": alone, "patient_b": alone}}
    _, files = run(tmp_path, "no_change", seeds=(4,), **found)
    text = report(tmp_path, files)[0].text
    assert "Here it saw none: it did nothing to these cells" in text and "of eight such questions" in text
    assert text.count("Mine <&>: it did nothing to these cells, and every predicted value is the measured one.") == 2
    assert "the gain was within the noise of sampling" in text and "Moved most:" not in text
    _, files = run(tmp_path, "mean_shift", **found)
    text = report(tmp_path, files)[0].text
    assert "did nothing to these cells" not in text and text.count("Moved most: CD4") == 2


def test_scores_are_shown_beside_those_of_the_controls(tmp_path):
    write_table(tmp_path / "mine")
    _, found = run(tmp_path)
    scores = {("mine_method", 0): 1.0, ("mine_method", 1): 2.0, ("plain", 0): 7.25, ("oracle", 0): 0.5}
    rows = [Row("batch", "patient_a", name, seed, "sd_ratio", value) for (name, seed), value in scores.items()]
    write_scores([*rows, Row("batch", "patient_a", "other", 0, "sd_ratio", 9.75)], found["scores"])
    page, _, _ = report(tmp_path, found, {"plain": "Plain control"})
    assert "ratio of standard deviations 1 1.5 7.25 0.5" in page.text
    assert "Plain control" in page.text and "9.75" not in page.text


def test_a_method_that_did_not_run_says_why(tmp_path):
    write_table(tmp_path / "mine")
    _, found = run(tmp_path, not_run="R missing")
    page, table, _ = report(tmp_path, found)
    assert "This method did not run: R missing." in page.text and not page.images
    assert table.empty


def test_images_are_shown_instead_of_features(tmp_path):
    from PIL import Image

    folder = tmp_path / "mine" / "pictures"
    folder.mkdir(parents=True)
    rows = []
    groups = [("control", "batch1"), ("control", "batch2"), ("patient_a", "batch1")]
    for number, (person, batch) in enumerate(groups * 6):
        pixels = np.random.default_rng(number).integers(0, 200, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        rows.append((f"{number}.png", batch, person))
    pd.DataFrame(rows, columns=["file", "batch", "person"]).to_csv(tmp_path / "mine" / "images.csv", index=False)
    settings = SETTINGS | {"files": ["images.csv"], "images": "pictures"}
    data, found = run(tmp_path, queries=(QUERY,), settings=settings)
    page, table, _ = report(tmp_path, found)
    assert len(page.images) == 2 and len(table) == 8 * 8 * 3 and "6 images" in page.text
    assert "features that moved most" not in page.text
    written = write_back(found["prediction"], found["train"], data, {}, tmp_path / "out")
    flags = pd.read_csv(tmp_path / "out" / "patient_a" / EXTRAPOLATED)
    assert len(flags) == len(written) == 6


def test_counts_are_shown_by_their_means_and_others_by_their_medians():
    table = changes.feature_table(change())
    assert own_figures.middle_of(table) == "median"
    zeros = {name: np.zeros_like(X) for name, X in change().cells.items()}
    for number, X in enumerate(zeros.values()):
        X[: 10 * (number + 1)] = 3
    assert own_figures.middle_of(changes.feature_table(change(**zeros))) == "mean"


@pytest.mark.parametrize("features", [1, 2])
def test_few_features_and_equal_cells_can_be_drawn(features):
    kept = {name: np.round(X[:30, :features]) for name, X in change().cells.items()}
    kept["prediction"] = np.ones_like(kept["prediction"])
    nothing = HeldOut.none(features, "nothing was held out")
    beyond = Extrapolated(np.ones(30), "units")
    few = Change(QUERY, 0, FEATURES[:features], "", kept, {n: n for n in kept}, beyond, nothing, kept["source"])
    table = changes.feature_table(few)
    for figure in (own_figures.shifts(few, table), own_figures.densities(few, table), own_figures.populations(few)):
        figure.draw_without_rendering()
        assert figure.axes


def test_the_workflow_makes_a_folder_and_a_page_per_method(tmp_path):
    (tmp_path / "my_table").mkdir()
    (tmp_path / "my_table" / "cells.csv").touch()
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "-n",
        "--nolock",
        "--configfile",
        "studies/my_table.yaml",
        "--config",
        f"data_dir={tmp_path}",
    ]
    run = subprocess.run([*command, "--printshellcmds"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    for method in ("neuron_editing", "mean_shift"):
        assert f"--html=results/my_table/own/treatment/{method}_changes.html" in run.stdout
        assert f"--folder=results/my_table/own/treatment/{method} " in run.stdout
