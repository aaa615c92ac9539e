"""The mixture of maps: near the right one where the answer is known, and no harm where nothing changes."""

import dataclasses

import numpy as np
import pytest

from outofsample import registry
from outofsample.arrays import Query, TrainingData
from outofsample.methods.families import out_of_fold, stacking
from outofsample.methods.stacked_map import SHARES
from outofsample.metrics.distances import energy_distance
from tests.unit.methods.test_cross_validated import QUERY, shifted, stretched, task, turned_by_state

CANDIDATES = list(out_of_fold.default_candidates())


def fitted(data: TrainingData, **settings):
    entry = registry.find("methods", "stacked_map")
    return entry(entry.Settings(**settings)).fit(data)


def cells_of(data: TrainingData) -> np.ndarray:
    return data.X[data.is_query(QUERY)]


def answer(data: TrainingData, change) -> np.ndarray:
    """Return other cells of the query's population after the change."""
    X = cells_of(data)
    return np.asarray(change(X), np.float32)


def distance(data: TrainingData, change, **settings) -> tuple[float, float]:
    """Return the energy distances of the stack's prediction and of doing nothing."""
    truth = answer(data, change)
    X = cells_of(data)
    same = np.arange(len(X))
    predicted = fitted(data, **settings).transform(X, QUERY).X
    return energy_distance(predicted, truth, same), energy_distance(X.astype(np.float32), truth, same)


def foreseen(method, data: TrainingData) -> list[stacking.Foreseen]:
    """Return what the candidates make of the folds that the weights rest on."""
    return method._foresee(data, QUERY, method.held_out(data, QUERY, 0), 0)


def unchanged(cells):
    return cells


OPTIONS = [{}, {"weights": "nnls"}, {"fold_weights": "equal"}, {"shrink": "per_feature"}]


@pytest.mark.parametrize("settings", OPTIONS, ids=str)
@pytest.mark.parametrize("domains", [1, 5])
def test_a_shift_is_found(domains, settings):
    stacked, nothing = distance(task(shifted, domains), shifted, **settings)
    assert stacked < 0.05 * nothing


@pytest.mark.parametrize("settings", OPTIONS, ids=str)
@pytest.mark.parametrize(("change", "domains"), [(stretched, 1), (turned_by_state, 8)])
def test_a_warp_is_mostly_found(change, domains, settings):
    stacked, nothing = distance(task(change, domains), change, **settings)
    assert stacked < 0.5 * nothing


@pytest.mark.parametrize("settings", OPTIONS, ids=str)
@pytest.mark.parametrize("domains", [1, 2, 5])
@pytest.mark.parametrize("seed", range(3))
def test_where_nothing_changes_nothing_is_harmed(domains, seed, settings):
    """Fewer than resampling alone moves a population of this size (120 cells, 3 features)."""
    data = task(unchanged, domains, seed)
    stacked, _ = distance(data, unchanged, **settings)
    X = cells_of(data).astype(np.float64)
    spread = np.linalg.norm(X[:, None] - X[None], axis=2).mean()
    assert stacked < 2 * spread / len(X)


def test_doing_nothing_is_taken_where_no_candidate_helps():
    """Each domain moves another way: what the others did is worse than nothing for each that is held out."""
    data = task(unchanged, 6)
    moved = data.X.copy()
    for number in range(6):
        cells = (data.domain == f"d{number}") & (data.role == "target")
        moved[cells] += 6 * (-1) ** number * np.array([1, -1, 1], np.float32)
    method = fitted(dataclasses.replace(data, X=moved), fold_weights="equal")
    (stack,) = method.stacks.values()
    assert stack.share == 0 and not method.maps["before", "after"]
    np.testing.assert_array_equal(stack.errors["stacked"], stack.errors["no_change"])
    np.testing.assert_array_equal(method.transform(cells_of(data), QUERY).X, cells_of(data))


def test_weights_sum_to_one_and_the_share_is_one_of_the_grid():
    for settings in OPTIONS:
        (stack,) = fitted(task(stretched, 3), **settings).stacks.values()
        assert stack.weights.sum() == pytest.approx(1) and (stack.weights >= 0).all()
        assert np.isin(stack.share, SHARES).all()


def test_the_prediction_is_the_mixture_of_the_candidates():
    data = task(turned_by_state, 3)
    method = fitted(data)
    (stack,) = method.stacks.values()
    X = cells_of(data)
    entries = [(registry.find("methods", name), options) for name, options in out_of_fold.default_candidates().items()]
    moved = [entry(entry.Settings(**options)).fit(data).transform(X, QUERY).X - X for entry, options in entries]
    expected = X + stack.share * np.tensordot(stack.weights, moved, axes=1)
    np.testing.assert_allclose(method.transform(X, QUERY).X, expected, atol=1e-4)


def with_zeros(cells):
    """Return cells of which six values in ten are zero, by the value itself."""
    return np.where(cells % 1 < 0.6, 0, np.abs(cells)).astype(np.float32)


def sparse(domains: int) -> TrainingData:
    """Return a task of which most values are zeros, and T has higher ones and more of them."""
    data = task(unchanged, domains)
    X = with_zeros(data.X)
    higher = np.where(data.X % 1 < 0.4, 0, np.abs(data.X) + 3)
    return dataclasses.replace(data, X=np.where(data.role[:, None] == "target", higher, X).astype(np.float32))


def test_zeros_are_kept_by_share_and_the_mean_is_that_of_the_mixture():
    data = sparse(3)
    X = cells_of(data)
    share, alike = (fitted(data, zeros=zeros) for zeros in ("share", "alike"))
    kept, lifted = (method.transform(X, QUERY).X for method in (share, alike))
    assert (lifted == 0).mean() < 0.1 < 0.2 < (kept == 0).mean() < (X == 0).mean()
    np.testing.assert_allclose(kept.mean(axis=0), lifted.mean(axis=0), rtol=0.15)


def test_what_is_held_out_keeps_its_zeros_too():
    data = sparse(3)
    method = fitted(data)
    folds = list(method.held_out(data, QUERY, 0))
    (first, *_) = method.out_of_fold(data, QUERY, folds)
    again = type(method)(method.settings).out_of_fold(data, QUERY, folds)
    np.testing.assert_array_equal(next(again), first)
    assert (first == 0).mean() > 0.2


def lowered(domains: int) -> TrainingData:
    """Return a task of values above zero, of which T has half: a shift takes the low ones below zero."""
    data = task(unchanged, domains)
    X = np.abs(data.X)
    halved = np.where(data.role[:, None] == "target", X / 2, X)
    return dataclasses.replace(data, X=halved.astype(np.float32))


def test_folds_judge_a_mixture_after_values_are_cut_as_in_the_prediction():
    data = lowered(3)
    method = fitted(data, candidates={"mean_shift": {}})
    (stack,) = method.stacks.values()
    folds = foreseen(method, data)
    uncut = [fold.X + stack.share * fold.mixed(stack.weights) for fold in folds]
    assert all(moved.min() < 0 for moved in uncut)
    judged = [fold.error(np.maximum(moved, 0)) for fold, moved in zip(folds, uncut, strict=True)]
    np.testing.assert_allclose(stack.errors["stacked"], judged, rtol=1e-5)
    assert method.transform(cells_of(data), QUERY).X.min() == 0


@pytest.mark.parametrize("settings", [{}, {"fitted_cells": 20}], ids=str)
def test_folds_are_scored_as_the_query_is_predicted_where_one_value_is_negative(settings):
    """The value is in one domain alone: its fold is fitted without it, and the others may not draw it."""
    data = sparse(3)
    X = data.X.copy()
    X[np.flatnonzero((data.domain == "d0") & (data.role == "target"))[0], 0] = -1
    data = dataclasses.replace(data, X=X)
    share, alike = (fitted(data, zeros=zeros, **settings) for zeros in ("share", "alike"))
    assert [fold.typical for fold in foreseen(share, data)] == [None] * 3
    for one, other in zip(share.stacks.values(), alike.stacks.values(), strict=True):
        assert one.share == other.share
        np.testing.assert_array_equal(one.errors["stacked"], other.errors["stacked"])
    np.testing.assert_array_equal(share.transform(cells_of(data), QUERY).X, alike.transform(cells_of(data), QUERY).X)


def test_a_saved_stack_keeps_zeros_alike(tmp_path):
    data = sparse(3)
    method = fitted(data)
    method.save(tmp_path / "stack.pt")
    loaded = registry.create("methods", "stacked_map", {}).load(tmp_path / "stack.pt")
    np.testing.assert_array_equal(loaded.transform(cells_of(data), QUERY).X, method.transform(cells_of(data), QUERY).X)


@pytest.mark.parametrize("shape", [None, (1, 3, 1)])
def test_negative_values_and_images_are_moved_alike(shape):
    """Without zeros that mean absence nothing is drawn: every cell moves with the mixture."""
    data = dataclasses.replace(sparse(3), image_shape=shape)
    data = data if shape else dataclasses.replace(data, X=data.X - 1)
    share, alike = (fitted(data, zeros=zeros).transform(cells_of(data), QUERY).X for zeros in ("share", "alike"))
    np.testing.assert_array_equal(share, alike)


def test_a_domain_like_the_query_counts_more():
    """One domain is where the query is and moves; those far off do not: with equal trust the move is shrunk away."""
    rng = np.random.default_rng(0)
    centres, moves = np.array([0.0, 30, -30, 60]), np.array([6.0, 0, 0, 0])
    parts = []
    for number, (centre, move) in enumerate(zip(centres, moves, strict=True)):
        parts += [("source", "before", f"d{number}", rng.normal(centre, 1, (100, 3)))]
        parts += [("target", "after", f"d{number}", rng.normal(centre + move, 1, (100, 3)))]
    parts.append(("query", "before", "X", rng.normal(0.5, 1, (100, 3))))
    columns = [np.repeat([part[k] for part in parts], 100) for k in range(3)]
    X = np.concatenate([part[3] for part in parts]).astype(np.float32)
    data = TrainingData(X, *columns, ("a", "b", "c"), (QUERY,))
    method = fitted(data, fold_weights="near")
    trust = method._trust(foreseen(method, data), cells_of(data), are_domains=True)
    assert trust[0] > 0.8 and trust.sum() == pytest.approx(1)


def test_least_squares_find_the_candidate_that_moves_right():
    data = task(shifted, 4)
    method = fitted(data)
    folds = foreseen(method, data)
    for fold in folds:
        fold.moves = {"none": 0 * fold.X, "right": stacking.wanted(fold), "wrong": -fold.X}
    weights = stacking.least_squares_weights(folds, np.full(4, 0.25))
    np.testing.assert_allclose(weights, [0, 1, 0], atol=1e-3)


def test_a_candidate_that_cannot_be_fitted_has_no_weight():
    """Domains of a single cell less than a linear transport needs are not held out; a fold's failure is infinite."""
    data = task(shifted, 3)
    folds = foreseen(fitted(data), data)
    for fold in folds:
        fold.moves["ot_map"], fold.errors["ot_map"] = None, np.inf
    for weights in (
        stacking.inverse_error_weights(folds, np.full(3, 1 / 3)),
        stacking.least_squares_weights(folds, np.full(3, 1 / 3)),
    ):
        assert weights[CANDIDATES.index("ot_map")] == 0 and weights.sum() == pytest.approx(1)


def test_too_few_cells_to_hold_out_give_the_first_candidate(capsys):
    data = task(shifted, 1)
    cells = np.concatenate([np.flatnonzero(data.role == role)[:5] for role in ("source", "target", "query")])
    arrays = {name: getattr(data, name)[cells] for name in ("X", "role", "condition", "domain", "names")}
    method = fitted(dataclasses.replace(data, **arrays))
    assert list(method.maps["before", "after"]) == ["mean_shift"]
    assert "too few cells" in capsys.readouterr().out


def test_the_log_says_weights_share_and_errors_beside_doing_nothing(capsys):
    fitted(task(shifted, 3))
    said = capsys.readouterr().out
    assert said.startswith("X, before -> after: 1.00 x (mean_shift ")
    assert "no_change " in said and "stacked " in said


@pytest.mark.parametrize("settings", OPTIONS, ids=str)
def test_a_saved_stack_predicts_the_same(settings, tmp_path):
    data = task(stretched, 3)
    method = fitted(data, **settings)
    method.save(tmp_path / "stack.pt")
    entry = registry.find("methods", "stacked_map")
    loaded = entry(entry.Settings(**settings)).load(tmp_path / "stack.pt")
    np.testing.assert_array_equal(loaded.transform(cells_of(data), QUERY).X, method.transform(cells_of(data), QUERY).X)
    assert method.why(next(iter(method.stacks.values()))) == loaded.why(next(iter(loaded.stacks.values())))


def test_two_queries_of_one_change_share_their_folds_and_maps():
    data = task(shifted, 3)
    other = Query("other", "Z", "before", "after")
    domain = np.where((data.role == "query") & (np.arange(len(data.X)) % 2 == 0), "Z", data.domain)
    method = fitted(dataclasses.replace(data, domain=domain, queries=(QUERY, other)))
    assert set(method.stacks) == {("X", "before", "after"), ("Z", "before", "after")}
    assert list(method.maps) == [("before", "after")]


@pytest.mark.parametrize("name", ["weights", "fold_weights", "shrink", "zeros"])
def test_settings_that_cannot_be(name):
    with pytest.raises(ValueError, match=f"{name} must be one of"):
        registry.find("methods", "stacked_map").Settings(**{name: "other"})
    with pytest.raises(ValueError, match="folds must be at least 2"):
        registry.find("methods", "stacked_map").Settings(folds=1)


def test_a_network_among_the_candidates_takes_its_own_budget():
    network = {"output": "residual", "max_steps": 3, "batch_size": 16}
    candidates = {"mean_shift": {}, "neuron_editing": network}
    method = fitted(task(stretched, 3), candidates=candidates)
    assert method.create("neuron_editing").fitted.settings.max_steps == 3
    (stack,) = method.stacks.values()
    assert np.isfinite(stack.errors["neuron_editing"]).all()
    with pytest.raises(ValueError, match=r"neuron_editing: there is no setting 'max_step' \(did you mean"):
        fitted(task(stretched, 3), candidates={"neuron_editing": {"max_step": 3}})
    with pytest.raises(ValueError, match="neuron_editing: max_steps"):
        fitted(task(stretched, 3), candidates={"neuron_editing": {"max_steps": 0}})
