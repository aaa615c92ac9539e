"""Counts are read where a model looks at them, and change nothing elsewhere."""

from dataclasses import replace

import numpy as np
import pytest

from outofsample import registry
from outofsample.jobs.predict import MethodSpec, TransformSpec
from outofsample.jobs.train import ModelSpec
from outofsample.methods.families.transform import needs_counts
from tests.conftest import planted


@pytest.mark.parametrize(
    ("model", "method", "settings", "needed"),
    [
        ("identity", "quantile_mapping", {}, False),
        ("autoencoder", "neuron_editing", {}, False),
        ("scvi", "scvi", {}, True),
        ("trvae", "trvae", {}, True),
        (None, "stacked_map", {}, False),
        (None, "stacked_map", {"candidates": {"mean_shift": {}, "trvae": {}}}, True),
    ],
)
def test_counts_are_needed_where_a_model_looks_at_them(model, method, settings, needed):
    spec = TransformSpec(ModelSpec(model, model) if model else None, (MethodSpec(method, method, settings),))
    assert needs_counts(spec) == needed


@pytest.mark.parametrize("name", ["quantile_mapping", "stacked_map", "cytonorm"])
def test_without_them_predictions_are_the_same(name):
    data, _ = planted(cells=120)
    counted = replace(data, counts=np.round(np.abs(data.X)))
    (query, *_), entry = data.queries, registry.find("methods", name)
    X = data.X[data.is_query(query)]
    found = [entry(entry.Settings()).fit(one).transform(X, query).X for one in (data, counted)]
    np.testing.assert_array_equal(*found)
