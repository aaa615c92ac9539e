"""Which cells a method extrapolated: by its units or by features, and in the files that come back."""

import numpy as np
import pandas as pd
import pytest

from outofsample import registry
from outofsample.files.prediction import PredictionWriter
from outofsample.files.task import read_training
from outofsample.own import changes, extrapolation
from outofsample.own.readers.support.output_names import EXTRAPOLATED
from outofsample.own.write_back import write_back
from tests.unit.own.test_changes import run, write_table


def test_cells_outside_the_source_are_flagged():
    source = np.float32([[0, 0, 0], [1, 1, 1]])
    found = extrapolation.in_features(np.float32([[0.5, 0, 1], [2, 0.5, 0.5], [-1, 2, 0.5]]), source)
    np.testing.assert_allclose(found.share, [0, 1 / 3, 2 / 3])
    assert found.of == "features" and found.flagged.tolist() == [False, True, True]


@pytest.mark.parametrize(("model", "of"), [("autoencoder", "units"), ("identity", "features")])
def test_what_a_method_says_of_its_units_is_taken(model, of):
    found = extrapolation.in_units(np.float32([0.0, 0.1, 0.5]), model)
    # A tenth itself is no more than a tenth, also as a 32-bit float.
    assert found.of == of and found.flagged.tolist() == [False, False, True]
    assert extrapolation.in_units(np.full(3, np.float32(np.nan)), model) is None


@pytest.mark.parametrize("method", ["mean_shift", "no_change"])
def test_extrapolated_cells_are_written_in_the_order_of_the_file_that_comes_back(tmp_path, method):
    write_table(tmp_path / "mine")
    data, found = run(tmp_path, method)
    originals = {"cells.csv": tmp_path / "mine" / "cells.csv"}
    _, path = write_back(found["prediction"], found["train"], data, originals, tmp_path / "out")
    flags, predicted = pd.read_csv(path.with_name(EXTRAPOLATED)), pd.read_csv(path)
    original = pd.read_csv(originals["cells.csv"])
    far = original["CD19"] > 20
    assert flags["row"].tolist() == original.index[original["person"] == "patient_b"].tolist()
    assert len(flags) == len(predicted) and (flags["file"] == "cells.csv").all() and (flags["of"] == "features").all()
    assert set(flags.loc[flags["extrapolated"], "row"]) == set(original.index[far]) and far.sum() == 12
    assert flags["extrapolated"].to_numpy()[(predicted["CD19"] > 20).to_numpy()].all()
    assert (flags["share_outside"][flags["extrapolated"]] >= 0.333).all()


def test_an_autoencoder_says_which_cells_it_extrapolated(tmp_path):
    write_table(tmp_path / "mine")
    _, found = run(tmp_path)
    training = read_training(found["train"])
    model = registry.create("models", "autoencoder", {"hidden": (8,), "latent": 4, "epochs": 1})
    method = type(registry.create("methods", "neuron_editing", {}))(None, model).fit(training)
    writer = PredictionWriter(training, "neuron_editing", "autoencoder")
    writer.add_all(method.transform, 0)
    writer.write(found["prediction"])
    one, other = changes.read_changes(found["prediction"], found["train"], found["truth"])[0]
    edit = method.edits["batch1", "batch2"]
    share = edit.outside(model.encode(other.cells["query"], "batch1")).mean(axis=1)
    np.testing.assert_allclose(other.extrapolated.share, share, atol=1e-6)
    assert one.extrapolated.of == "units"
