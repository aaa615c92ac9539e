"""Counts are read where a model looks at them, and change nothing elsewhere."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from outofsample import registry
from outofsample.errors import UserError
from outofsample.files.prediction import PredictionFile
from outofsample.jobs.predict import MethodSpec, TransformSpec
from outofsample.jobs.train import ModelSpec
from outofsample.methods.families.transform import needs_counts, trains_here, transform_all
from outofsample.training.run import Run
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


class Recorded(registry.find("models", "identity")):
    """A model like a network's, which keeps the runs of its fits."""

    runs: ClassVar[list[Run]] = []
    trains = True

    def fit(self, data, seed=0, run=Run()):
        self.runs.append(run)
        return super().fit(data, seed, run)


@pytest.fixture
def recorded(monkeypatch):
    """Return the runs of all fits of what stands for a network among the candidates."""
    find = registry.find
    monkeypatch.setattr(
        registry, "find", lambda kind, name: Recorded if (kind, name) == ("models", "identity") else find(kind, name)
    )
    monkeypatch.setattr(Recorded, "runs", [])
    return Recorded.runs


def test_a_method_without_a_trained_model_is_fitted_once_per_seed_where_it_uses_chance(tmp_path):
    data, _ = planted(cells=120)
    methods = tuple(
        MethodSpec(name, name, settings) for name, settings in (("pca_editing", {}), ("ot_map", {"cells": 40}))
    )
    files = [tmp_path / f"{asked.name}.h5ad" for asked in methods]
    transform_all(TransformSpec(ModelSpec("pca", "pca"), methods, seeds=(3, 5)), data, [], files)
    once, drawn = (PredictionFile(file) for file in files)
    assert once.seeds == (3,) and drawn.seeds == (3, 5)
    query = data.queries[0]
    first, second = (drawn.part(query.name, seed).X for seed in (3, 5))
    assert not np.array_equal(first, second)
    alone = registry.create("methods", "ot_map", {"cells": 40}).fit(data, 5)
    np.testing.assert_array_equal(alone.transform(data.X[data.is_query(query)], query).X, second)


def test_a_model_that_needs_no_training_and_uses_chance_is_fitted_once_per_seed(tmp_path, monkeypatch):
    class Drawn(registry.find("models", "identity")):
        """Stands for a decomposition that starts at random."""

        stochastic = True

        def fit(self, data, seed=0, run=Run()):
            self.seed = seed
            return super().fit(data, seed, run)

        def decode(self, Z, condition=None):
            return super().decode(Z, condition) + self.seed

    find = registry.find
    drawn = ("models", "identity")
    monkeypatch.setattr(registry, "find", lambda kind, name: Drawn if (kind, name) == drawn else find(kind, name))
    data, _ = planted()
    query, spec = data.queries[0], MethodSpec("mean_shift", "mean_shift", {})
    transform_all(
        TransformSpec(ModelSpec("identity", "identity"), (spec,), seeds=(3, 5)), data, [], [tmp_path / "p.h5ad"]
    )
    file = PredictionFile(tmp_path / "p.h5ad")
    assert file.seeds == (3, 5)
    first, second = (file.part(query.name, seed).X for seed in (3, 5))
    np.testing.assert_allclose(second - first, 2, rtol=1e-4)


STANDING = {"candidates": {"mean_shift": {}, "quantile_mapping": {"edit_options": {"tails": "shift"}}}}


@pytest.mark.parametrize("name", ["stacked_map", "cross_validated"])
def test_candidates_are_fitted_on_the_device_that_is_asked_for(name, recorded, tmp_path):
    data, _ = planted()
    query = data.queries[0]
    method = registry.create("methods", name, STANDING).fit(data, 0, Run("cpu", tmp_path / "one.pt"))
    assert len(recorded) >= 4 and {run.device for run in recorded} == {"cpu"}
    # Candidates would go on from each other's checkpoint.
    assert {run.checkpoint for run in recorded} == {None}
    recorded.clear()
    # Of another seed, which the fit has not foreseen.
    list(method.out_of_fold(data, query, list(method.held_out(data, query, 1))))
    assert recorded and {run.device for run in recorded} == {"cpu"}
    spec = TransformSpec(None, (MethodSpec(name, name, STANDING),), device="cpu")
    recorded.clear()
    transform_all(spec, data, [], [tmp_path / "prediction.h5ad"])
    assert recorded and {run.device for run in recorded} == {"cpu"}
    assert trains_here(spec) and not trains_here(replace(spec, methods=()))


@pytest.mark.parametrize("name", ["stacked_map", "cross_validated"])
def test_a_gpu_that_is_not_there_is_told_before_a_candidate_counts_as_one_that_cannot_be_fitted(name, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    method = registry.create("methods", name, {"candidates": {"mean_shift": {}, "trvae": {}}})
    with pytest.raises(UserError, match="torch sees no GPU"):
        method.fit(planted()[0], 0, Run("cuda"))
