"""The choice between maps: the right one on tasks whose answer is known, and what the choice may look at."""

import dataclasses
from importlib.metadata import version

import numpy as np
import pytest

from outofsample import registry
from outofsample.arrays import Query, TrainingData
from outofsample.errors import UserError
from outofsample.methods import cross_validated
from outofsample.methods.families import out_of_fold

QUERY = Query("query", "X", "before", "after")
#: Cells per population.
CELLS = 120


def task(change, domains: int, seed: int = 0) -> TrainingData:
    """Return S and T with so many domains, and a query, 3 features each; ``change`` maps cells to those after it."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(scale=4, size=(domains + 1, 3))
    parts = []
    for number, centre in enumerate(centres[:-1]):
        before, other = (rng.gamma(2, 1, size=(CELLS, 3)) + centre for _ in range(2))
        parts += [("source", "before", f"d{number}", before), ("target", "after", f"d{number}", change(other))]
    parts.append(("query", "before", "X", rng.gamma(2, 1, size=(CELLS, 3)) + centres[-1]))
    columns = [np.repeat([part[k] for part in parts], CELLS) for k in range(3)]
    X = np.concatenate([part[3] for part in parts]).astype(np.float32)
    return TrainingData(X, *columns, ("a", "b", "c"), (QUERY,))


def fitted(data: TrainingData, **settings) -> cross_validated.Method:
    entry = registry.find("methods", "cross_validated")
    return entry(entry.Settings(**settings)).fit(data)


def choice(data: TrainingData, **settings) -> str:
    return fitted(data, **settings).choices["before", "after"][0]


def shifted(cells):
    return cells + np.array([3.0, -1.0, 0.5])


def stretched(cells):
    """Each feature's values change their shape: a constant shift cannot follow."""
    return np.where(cells > np.median(cells, axis=0), 4 * cells, cells)


def turned_by_state(cells):
    """Cells move by where they are, across features."""
    return cells + 3 * np.stack([np.tanh(cells[:, 1]), np.tanh(cells[:, 0]), 0 * cells[:, 2]], axis=1)


@pytest.mark.parametrize(
    ("change", "domains", "wanted"),
    [
        (shifted, 5, "mean_shift"),
        (shifted, 1, "mean_shift"),
        (stretched, 1, "quantile_mapping"),
        (turned_by_state, 8, "ot_map"),
    ],
)
def test_the_map_is_chosen_that_is_right(change, domains, wanted):
    assert choice(task(change, domains)) == wanted


def test_predicts_as_the_chosen_candidate_fitted_to_all_cells():
    data = task(shifted, 3)
    cells = data.X[data.is_query(QUERY)]
    plain = registry.find("methods", "mean_shift")
    expected = plain(plain.Settings()).fit(data).transform(cells, QUERY).X
    assert choice(data) == "mean_shift"
    np.testing.assert_array_equal(fitted(data).transform(cells, QUERY).X, expected)


def test_the_backend_names_each_chosen_candidate_once():
    assert fitted(task(shifted, 2)).backend == "mean_shift"
    data, other = task(shifted, 8), task(turned_by_state, 8)
    later = other.role == "target"
    arrays = {
        name: np.concatenate([getattr(data, name), getattr(other, name)[later]]) for name in ("X", "role", "domain")
    }
    two = dataclasses.replace(
        data,
        **arrays,
        condition=np.concatenate([data.condition, np.repeat("later", later.sum())]),
        names=None,
        queries=(QUERY, dataclasses.replace(QUERY, name="again"), Query("later", "X", "before", "later")),
    )
    assert fitted(two).backend == f"mean_shift, ot_map (POT {version('POT')})"


def test_each_shared_domain_is_held_out_of_source_and_target_once():
    data = task(shifted, 4)
    masks = list(out_of_fold.folds(data, QUERY, 7, np.random.default_rng(0)))
    assert len(masks) == 4
    for mask in masks:
        assert len(np.unique(data.domain[mask])) == 1
        assert set(data.role[mask]) == {"source", "target"}
    assert (np.sum(masks, axis=0) == (data.role != "query")).all()


def test_a_candidate_is_fitted_without_what_it_is_scored_on(monkeypatch):
    data = task(shifted, 3)
    seen = []
    entry = registry.find("methods", "mean_shift")
    learn = entry.learn
    monkeypatch.setattr(
        entry, "learn", lambda self, part, seed: (seen.append(set(part.domain)), learn(self, part, seed))
    )
    fitted(data, candidates={"mean_shift": {}})
    assert seen == [{"d1", "d2", "X"}, {"d0", "d2", "X"}, {"d0", "d1", "X"}, {"d0", "d1", "d2", "X"}]


def test_the_simpler_candidate_is_taken_within_a_standard_error():
    def errors(*values):
        return np.array(values)

    worse_by_chance = {"simple": errors(1.0, 3.0, 2.2), "other": errors(1.1, 2.0, 2.3)}
    assert cross_validated.choose(worse_by_chance) == "simple"
    worse_each_time = {"simple": errors(1.3, 2.3, 2.6), "other": errors(1.1, 2.0, 2.3)}
    assert cross_validated.choose(worse_each_time) == "other"
    assert cross_validated.choose({"simple": errors(np.inf, 1.0), "other": errors(5.0, 5.0)}) == "other"
    assert cross_validated.choose({"simple": errors(), "other": errors()}) == "simple"


def test_too_few_cells_to_hold_out_give_the_first_candidate(capsys):
    data = task(shifted, 1)
    cells = np.concatenate([np.flatnonzero(data.role == role)[:5] for role in ("source", "target", "query")])
    arrays = {name: getattr(data, name)[cells] for name in ("X", "role", "condition", "domain", "names")}
    assert choice(dataclasses.replace(data, **arrays)) == "mean_shift"
    assert "too few cells" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"candidates": {"mean_shfit": {}}}, "did you mean 'mean_shift'"),
        ({"candidates": {"ot_map": {"map": "monge"}}}, "candidates: ot_map: map must be one of"),
        ({"candidates": {"ot_map": {"maps": "emd"}}}, "candidates: ot_map: there is no setting 'maps' (did you mean"),
        ({"candidates": {"mnn": {}}}, "nothing can be held out"),
        ({"candidates": {"combat": {}}}, "'combat' is computed by R"),
        ({"candidates": {}}, "at least one method"),
        ({"folds": 1}, "folds must be at least 2"),
        ({"scored_cells": 3}, "scored_cells must be at least 10"),
    ],
)
def test_settings_that_cannot_be(settings, sentence):
    with pytest.raises((ValueError, UserError), match=sentence.replace("(", "\\(")):
        registry.find("methods", "cross_validated").Settings(**settings)


def test_the_code_of_the_candidates_counts():
    entry = registry.find("methods", "cross_validated")
    parts = entry.parts(entry.Settings(candidates={"mean_shift": {}, "pca_editing": {}}))
    assert parts == [
        *(("methods", "mean_shift"), ("models", "identity"), ("edits", "mean_shift")),
        *(("methods", "pca_editing"), ("models", "pca"), ("edits", "percentile")),
    ]
