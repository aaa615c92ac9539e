"""How well labels mix, and the score of a method's matched layer."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from outofsample.errors import UserError
from outofsample.metrics.mixing import mixing, score_layer


def test_mixing_is_one_for_shuffled_labels_and_zero_for_what_lies_apart():
    rng = np.random.default_rng(0)
    X, labels = rng.normal(size=(800, 3)), np.repeat(["a", "b"], 400)
    assert mixing(X, labels) == pytest.approx(1, abs=0.05)
    assert mixing(X + 100 * (labels == "a")[:, None], labels) == 0
    assert np.isnan(mixing(X, np.repeat("a", 800)))


def test_mixing_within_strata_does_not_blame_a_stratum_with_one_label():
    rng = np.random.default_rng(1)
    strata = np.repeat(["x", "y"], 400)
    labels = np.where(strata == "x", "a", rng.choice(["a", "b"], 800))
    X = rng.normal(size=(800, 3)) + 100 * (strata == "x")[:, None]
    assert mixing(X, labels, strata) == pytest.approx(1, abs=0.06)
    assert mixing(X, labels) < 0.85


def layer(apart: float, cells: int = 300, names=None) -> tuple[SimpleNamespace, SimpleNamespace]:
    """Return a prediction file with a matched layer in which two conditions lie apart, and the training data."""
    rng = np.random.default_rng(2)
    condition = np.repeat(["control", "stimulated"], cells // 2)
    units = rng.normal(size=(cells, 4)) + apart * (condition == "control")[:, None]
    data = SimpleNamespace(
        names=np.array([f"c{i}" for i in range(cells)]), condition=condition, domain=np.repeat("NK", cells)
    )
    file = SimpleNamespace(
        path="trvae.h5ad",
        obs=pd.DataFrame({"seed": np.full(cells, 7)}),
        activations=lambda name: units if name == "matched" else None,
        own_condition_rows=lambda: np.arange(cells),
        column=lambda name: data.names if names is None else names,
    )
    return file, data


def test_a_layer_in_which_conditions_mix_scores_one_and_one_that_parts_them_zero():
    mixed, parted = (score_layer(*layer(apart), resamples=50, seed=0) for apart in (0, 50))
    assert mixed["value"] == pytest.approx(1, abs=0.06) and parted["value"] == 0
    assert mixed["low"] < mixed["value"] < mixed["high"] and 0 < mixed["sd"] < 0.05
    assert (mixed["seed"], mixed["score"], mixed["n_cells"]) == (7, "condition_mixing", 300)
    assert mixed == score_layer(*layer(0), resamples=50, seed=0)


def test_a_layer_that_is_not_there_has_no_score():
    file, data = layer(0)
    file.activations = lambda name: None
    assert score_layer(file, data, 50, 0) is None
    file, data = layer(0)
    file.own_condition_rows = lambda: np.arange(10)
    assert score_layer(file, data, 50, 0) is None


def test_one_condition_alone_is_undefined():
    file, data = layer(0)
    data.condition = np.repeat("control", 300)
    assert "undefined" in score_layer(file, data, 50, 0)["note"]


def test_cells_that_nobody_knows_are_named():
    with pytest.raises(UserError, match=r"trvae\.h5ad: the training part has no cell 'stranger'"):
        score_layer(*layer(0, names=np.repeat("stranger", 300)), resamples=50, seed=0)
