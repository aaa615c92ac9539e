"""Generators of several changes: each has a scale of its own."""

from dataclasses import replace

import numpy as np
import pytest

from outofsample import registry
from outofsample.arrays import Query, TrainingData
from tests.conftest import QUERY, planted

SETTINGS = {"widths": (8,), "discriminator_widths": (8,), "batch_size": 40, "max_steps": 5, "standardize": True}
FAR = Query("far", "sample", "before", "far")


def two_changes() -> TrainingData:
    """Return a task of two changes from one condition, whose targets lie far apart."""
    data, _ = planted()
    target = data.role == "target"
    arrays = {name: np.concatenate([getattr(data, name), getattr(data, name)[target]]) for name in ("role", "domain")}
    X = np.concatenate([data.X, 5 * data.X[target] + 1000])
    condition = np.concatenate([data.condition, np.repeat("far", target.sum())])
    return replace(data, X=X, **arrays, condition=condition, names=None, queries=(QUERY, FAR))


@pytest.mark.parametrize("name", ["gan", "cyclegan", "resnet_gan"])
def test_a_standardised_change_is_the_same_with_another_one_beside_it(name):
    data = two_changes()
    X = data.X[data.is_query(QUERY)]
    both = registry.create("models", name, SETTINGS).fit(data)
    again = registry.create("models", name, SETTINGS).load_state(both.state())
    for query in data.queries:
        alone = registry.create("models", name, SETTINGS).fit(replace(data, queries=(query,)))
        expected = alone.translate(X, query.source, query.target)
        np.testing.assert_array_equal(both.translate(X, query.source, query.target), expected)
        np.testing.assert_array_equal(again.translate(X, query.source, query.target), expected)
