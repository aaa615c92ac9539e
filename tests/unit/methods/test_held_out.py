"""What is held out of S and T: whole domains, no cell of which is in the fit, and reasons where there are none."""

import re
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from outofsample import registry
from outofsample.arrays import Query, TrainingData
from outofsample.errors import UserError
from outofsample.methods.families import held_out
from outofsample.methods.families.base import Method
from outofsample.methods.families.held_out import hold_out_domains, too_few_domains
from outofsample.metrics.distances import energy_distance
from tests.unit.methods.test_cross_validated import QUERY, shifted, stretched, task

OTHER = Query("other", "Z", "before", "after")


def create(name: str, data: TrainingData, **settings):
    entry = registry.find("methods", name)
    return entry(entry.Settings(**settings)).fit(data)


def of_domain(data: TrainingData, role: str, name: str) -> np.ndarray:
    return data.X[(data.role == role) & (data.domain == name)]


def test_no_change_and_mean_shift_by_hand():
    data = task(stretched, 3)
    nothing = hold_out_domains(create("no_change", data), data)["query"]
    shift = hold_out_domains(create("mean_shift", data), data)["query"]
    assert nothing.domains.tolist() == shift.domains.tolist() == ["d0", "d1", "d2"] and not nothing.why_not
    np.testing.assert_array_equal(nothing.errors, nothing.unchanged)
    assert nothing.query_moved == 0 and (nothing.moved == 0).all() and (shift.moved > 0.1).all()
    for number, name in enumerate(nothing.domains):
        S, T = of_domain(data, "source", name), of_domain(data, "target", name)
        rest = data.domain != name
        moved = data.X[rest & (data.role == "target")].mean(axis=0) - data.X[rest & (data.role == "source")].mean(
            axis=0
        )
        assert nothing.errors[number] == pytest.approx(energy_distance(S, T))
        assert shift.errors[number] == pytest.approx(energy_distance(S + moved, T), rel=1e-4)
        np.testing.assert_allclose(shift.predicted[number], moved, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(shift.measured[number], T.mean(axis=0) - S.mean(axis=0), rtol=1e-3, atol=1e-3)


def test_doing_nothing_moves_no_cell_by_rounding():
    """Distances of many features are float32: an interval would be in units of their rounding."""
    narrow = task(stretched, 3)
    data = replace(narrow, X=np.tile(narrow.X, 200), features=tuple(map(str, range(600))))
    # What is no change but for the last digits of its numbers is none either.
    same = data.X.copy()
    same[data.role == "target"] = same[data.role == "source"] * np.float32(1 + 2e-7)
    same = replace(data, X=same)
    for name, of in (("no_change", data), ("mean_shift", same)):
        found = hold_out_domains(create(name, of), of)["query"]
        assert found.query_moved == 0 and (found.moved == 0).all(), name
    small = replace(same, X=np.where((data.role == "target")[:, None], same.X + np.float32(0.02), same.X))
    found = hold_out_domains(create("mean_shift", small), small)["query"]
    assert found.query_moved > 0 and (found.moved > 0).all()


@pytest.mark.parametrize("name", ["stacked_map", "mean_shift", "pca_editing", "cross_validated"])
def test_no_cell_of_a_domain_takes_part_in_what_is_predicted_for_it(name, monkeypatch):
    data = task(shifted, 3)
    fitted = []
    settings = (
        {"candidates": {"mean_shift": {}, "quantile_mapping": {}}} if name in ("stacked_map", "cross_validated") else {}
    )
    method = create(name, data, **settings)
    fit = Method.fit
    monkeypatch.setattr(Method, "fit", lambda self, rest, *a, **k: fitted.append(rest) or fit(self, rest, *a, **k))
    if name == "stacked_map":
        method.seen = {}
    hold_out_domains(method, data)
    whole = {frozenset(rest.domain[rest.role == "source"]) for rest in fitted}
    assert whole and all(len(domains) < 3 for domains in whole)
    for rest in fitted:
        assert set(rest.domain[rest.role == "source"]) == set(rest.domain[rest.role == "target"])


def test_the_stack_says_the_same_whether_or_not_its_fit_has_foreseen_the_folds():
    data = task(stretched, 4)
    method = create("stacked_map", data)
    kept = hold_out_domains(method, data)["query"]
    method.seen = {}
    again = hold_out_domains(method, data)["query"]
    for name in ("errors", "unchanged", "moved", "predicted", "measured"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(again, name))


def many_domains(domains: int = 30, cells: int = 50, features: int = 200) -> TrainingData:
    """Return S and T that share many domains, and a query."""
    rng = np.random.default_rng(0)
    roles, conditions = ["source", "target"], ["before", "after"]
    role = [*np.repeat(roles, domains * cells), *["query"] * cells]
    condition = [*np.repeat(conditions, domains * cells), *["before"] * cells]
    domain = [*np.tile(np.repeat([f"d{number}" for number in range(domains)], cells), 2), *["X"] * cells]
    X = rng.normal(size=(len(role), features)).astype(np.float32)
    X[np.array(role) == "target"] += 1
    return TrainingData(X, *map(np.array, (role, condition, domain)), tuple(map(str, range(features))), (QUERY,))


@pytest.fixture
def traced():
    """Count the memory that is taken from now on."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.parametrize(("name", "most"), [("mean_shift", 4), ("stacked_map", 7)])
def test_memory_does_not_grow_with_the_number_of_domains(name, most, monkeypatch, traced):
    """The training cells of 30 folds would be 29 times the data. The moves that a stack mixes are twice the data."""
    # The distances between drawn cells take the same for any number of domains, and more than data as small as these.
    monkeypatch.setattr(held_out, "SCORED_CELLS", 100)
    data = many_domains()
    settings = {"candidates": {"mean_shift": {}, "quantile_mapping": {}}} if name == "stacked_map" else {}
    tracemalloc.clear_traces()
    method = create(name, data, **settings)
    hold_out_domains(method, data)
    left, peak = tracemalloc.get_traced_memory()
    assert peak < most * data.X.nbytes
    # What the fit keeps of its folds is freed.
    assert left < data.X.nbytes


def test_the_mixture_for_a_domain_rests_on_the_other_domains():
    """In one domain alone everything moves the other way: what is predicted for it knows nothing of that."""
    data = task(shifted, 4)
    moved = data.X.copy()
    moved[(data.domain == "d3") & (data.role == "target")] -= 2 * np.float32([3.0, -1.0, 0.5])
    turned = replace(data, X=moved)
    settings = {"candidates": {"mean_shift": {}, "quantile_mapping": {"edit_options": {"tails": "shift"}}}}
    found = hold_out_domains(create("stacked_map", turned, fold_weights="equal", **settings), turned)["query"]
    np.testing.assert_allclose(found.predicted[3], [3.0, -1.0, 0.5], atol=0.6)
    np.testing.assert_allclose(found.measured[3], [-3.0, 1.0, -0.5], atol=0.6)
    assert found.errors[3] > found.unchanged[3]


def test_queries_of_one_change_share_the_domains_and_each_is_moved_on_its_own():
    data = task(shifted, 3)
    half = (data.role == "query") & (np.arange(len(data.X)) % 2 == 0)
    data = replace(data, domain=np.where(half, "Z", data.domain), queries=(QUERY, OTHER))
    found = hold_out_domains(create("quantile_mapping", data), data)
    assert set(found) == {"query", "other"}
    np.testing.assert_array_equal(found["query"].errors, found["other"].errors)
    assert found["query"].query_moved != found["other"].query_moved


def test_a_query_far_from_all_domains_is_beyond_them():
    data = task(shifted, 4)
    far = data.X + np.where((data.role == "query")[:, None], np.float32(60), np.float32(0))
    assert hold_out_domains(create("no_change", replace(data, X=far)), replace(data, X=far))["query"].is_beyond
    like = data.X.copy()
    like[data.role == "query"] = of_domain(data, "source", "d1")
    found = hold_out_domains(create("no_change", replace(data, X=like)), replace(data, X=like))["query"]
    assert not found.is_beyond and found.query_distance < found.distances[1]


@pytest.mark.parametrize(
    ("domains", "told"),
    [
        (1, r"share 1 \(d0\), and it takes 3.*2 further controls would"),
        (2, r"share 2 \(d0, d1\).*1 further control would"),
    ],
)
def test_too_few_domains_are_told_with_what_would_help(domains, told):
    data = task(shifted, domains)
    found = hold_out_domains(create("mean_shift", data), data)["query"]
    assert len(found.domains) == 0 and found.errors.shape == (0,) and found.measured.shape == (0, 3)
    assert re.search(told, found.why_not) and found.random_parts == (domains == 1)


def test_domains_with_few_cells_do_not_count():
    data = task(shifted, 3)
    few = (data.domain == "d2") & (data.role == "target") & (np.arange(len(data.X)) % 20 > 0)
    arrays = {name: getattr(data, name)[~few] for name in ("X", "role", "condition", "domain", "names")}
    data = replace(data, **arrays)
    assert "share 2 (d0, d1)" in hold_out_domains(create("mean_shift", data), data)["query"].why_not
    assert too_few_domains([]).startswith("source and target share none with enough cells")


def test_networks_and_what_corrects_only_its_fit_are_not_fitted_again():
    data = task(shifted, 4)
    network = {"candidates": {"mean_shift": {}, "neuron_editing": {}}}
    for name, settings, told in (
        ("neuron_editing", {}, "it trains a network"),
        ("trvae", {}, "it trains a network"),
        ("stacked_map", network, "it trains a network"),
        ("mnn", {}, "it corrects only the cells that it is fitted to"),
    ):
        entry = registry.find("methods", name)
        found = hold_out_domains(entry(entry.Settings(**settings)), data)
        assert found["query"].why_not.startswith(told)


def test_a_method_that_cannot_be_fitted_without_a_domain_says_why(monkeypatch):
    data = task(shifted, 3)
    method = create("mean_shift", data)

    def refuse(self, data, query, folds, seed):
        raise UserError("too few cells.")
        yield

    monkeypatch.setattr(Method, "out_of_fold", refuse)
    assert hold_out_domains(method, data)["query"].why_not == (
        "it cannot be fitted without one of the domains (too few cells.)"
    )


def test_the_same_seed_gives_the_same_bits():
    data = task(stretched, 3)
    one, other = (hold_out_domains(create("mean_shift", data), data, seed=3)["query"] for _ in range(2))
    np.testing.assert_array_equal(one.errors, other.errors)
    np.testing.assert_array_equal(one.predicted, other.predicted)
