"""Maps along a chain of shared controls: right where the answer is known, near the direct map on real cells."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from outofsample import registry
from outofsample.arrays import Query
from outofsample.files.prediction import PredictionFile, PredictionWriter
from outofsample.jobs.split import SplitSpec
from outofsample.methods.families import blocks
from outofsample.methods.families.batch_corrector import BatchCorrector
from outofsample.methods.families.chain import Chain, attached, predict_in_blocks, restored
from outofsample.metrics.distances import energy_distance
from outofsample.models.families.base import as_arrays, as_tensors
from tests.unit.methods.three_batches import QUERY, SHIFTS, SPLIT, predicted, simulated, task_of, without_hops

CHANGE = SHIFTS["batch1"] - SHIFTS["batch3"]


@pytest.fixture(scope="module")
def task():
    return task_of(simulated())


def mean_change(predicted_cells, data):
    return (predicted_cells - data.X[data.is_query(data.queries[0])]).mean(axis=0)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("mean_shift", {}),
        ("quantile_mapping", {"edit_options": {"tails": "shift"}}),
        ("pca_editing", {"edit_options": {"tails": "shift"}, "output": "residual"}),
        ("stacked_map", {"candidates": {"mean_shift": {}, "quantile_mapping": {"edit_options": {"tails": "shift"}}}}),
        ("cross_validated", {"candidates": {"mean_shift": {}, "median_shift": {}}}),
    ],
)
def test_a_constant_change_is_found_along_the_chain(task, name, settings):
    data, truth = task
    cells = predicted(name, data, **settings)
    np.testing.assert_allclose(mean_change(cells, data), [CHANGE, 0, CHANGE, 0], atol=0.25)
    X = data.X[data.is_query(QUERY)]
    assert energy_distance(cells, truth) < 0.1 * energy_distance(X, truth)


def test_without_the_chain_another_population_is_taken_for_the_change(task):
    data = without_hops(task[0])
    moved = mean_change(predicted("mean_shift", data), data)
    # The controls of the two ends lie 4 apart, which is no batch effect.
    assert np.abs(moved[[1, 3]]).min() > 1


def test_no_change_stays_no_change(task):
    data, _ = task
    np.testing.assert_array_equal(predicted("no_change", data), data.X[data.is_query(QUERY)])


def test_each_hop_is_fitted_to_its_own_controls_and_to_the_cells_that_the_last_one_gave(task):
    data, _ = task
    seen = []
    entry = registry.find("methods", "mean_shift")

    class Spy(entry):
        def learn(self, data, seed):
            (step,) = data.queries
            seen.append((step, set(data.domain[data.is_source(step)]), set(data.domain[data.is_target(step)])))
            seen[-1] += (data.X[data.is_query(step)], data.counts)
            super().learn(data, seed)

    chain = attached(lambda: Spy(entry.Settings(), registry.create("models", "identity", {}).fit(data)), data, 0)
    assert isinstance(chain, Chain)
    (first, *of_first), (second, *of_second) = seen
    assert (first.source, first.target) == ("batch3", "batch2") and of_first[:2] == [{"B"}, {"B"}]
    assert (second.source, second.target) == ("batch2", "batch1") and of_second[:2] == [{"A"}, {"A"}]
    np.testing.assert_array_equal(of_first[2], data.X[data.is_query(QUERY)])
    np.testing.assert_allclose(of_second[2].mean(axis=0)[[0, 2]], 2 + SHIFTS["batch2"], atol=0.25)


def test_a_direct_query_beside_a_chained_one_is_one_fit_with_its_first_hop():
    measured = {"batch1": ("A", "patients"), "batch2": ("A", "B", "others"), "batch3": ("B", "patients")}
    adata = simulated(measured={b: tuple("patients" if d == "others" else d for d in ds) for b, ds in measured.items()})
    queries = (QUERY, Query("near", "patients", "batch2", "batch1"))
    data, _ = task_of(adata, SplitSpec("both", queries, controls=("A", "B")))
    entry = registry.find("methods", "mean_shift")
    model = registry.create("models", "identity", {}).fit(data)
    chain = attached(lambda: entry(entry.Settings(), model), data, 0)
    assert [len(fit.queries) for fit in chain.fits] == [2, 1]
    for query, change in zip(data.queries, (CHANGE, -SHIFTS["batch2"]), strict=True):
        X = data.X[data.is_query(query)]
        moved = (chain.transform(X, query).X - X).mean(axis=0)
        np.testing.assert_allclose(moved, [change, 0, change, 0], atol=0.25)


def test_a_cell_counts_as_outside_in_the_hop_where_it_is_most(task):
    data, _ = task
    model = registry.create("models", "identity", {}).fit(data)
    entry = registry.find("methods", "quantile_mapping")
    query = data.queries[0]
    chain = attached(lambda: entry(entry.Settings(), model), data, 0)
    X = data.X[data.is_query(query)]
    first = chain.fits[0].transform(X, query.steps[0])
    second = chain.fits[1].transform(first.X, query.steps[1])
    found = chain.transform(X, query)
    np.testing.assert_array_equal(found.outside, np.maximum(first.outside, second.outside))
    np.testing.assert_array_equal(found.outside_per_cell, np.maximum(first.outside_per_cell, second.outside_per_cell))
    np.testing.assert_array_equal(found.X, second.X)


def test_shares_outside_are_the_same_in_blocks(task, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 50)
    data, _ = task
    entry = registry.find("methods", "quantile_mapping")
    model = registry.create("models", "identity", {}).fit(data)
    chain = attached(lambda: entry(entry.Settings(), model), data, 0)
    X = data.X[data.is_query(QUERY)]
    for cells in (3, 7, 120):
        whole, found = (predict(X[:cells], data.queries[0]) for predict in (chain.transform, predict_in_blocks(chain)))
        np.testing.assert_allclose(found.outside, whole.outside, atol=1e-6)
        np.testing.assert_array_equal(found.outside_per_cell, whole.outside_per_cell)
        np.testing.assert_allclose(found.X, whole.X, rtol=1e-5)


def test_models_are_fitted_to_every_hop(task):
    data, _ = task
    settings = {"epochs": 2, "widths": (8,), "discriminator_widths": (8,)}
    model = registry.create("models", "gan", settings).fit(data.with_steps(), 0)
    assert list(model.changes) == [("batch3", "batch2"), ("batch2", "batch1")]
    direct = without_hops(data)
    assert direct.with_steps() is direct


def test_a_conditional_model_needs_no_chain(task):
    data, _ = task
    entry = registry.find("methods", "trvae")
    model = registry.create("models", "trvae", {"epochs": 2, "hidden": (8,), "latent": 2}).fit(data.with_steps(), 0)
    method = attached(lambda: entry(entry.Settings(), model), data, 0)
    assert isinstance(method, entry)
    X = data.X[data.is_query(QUERY)]
    np.testing.assert_array_equal(
        method.transform(X, data.queries[0]).X, model.translate(X, "batch3", "batch1", None, None)["x"]
    )


class MeansMeet(BatchCorrector):
    """Moves batch 1 as a whole onto the mean of batch 2."""

    def correct(self, batch1, batch2, seed):
        self.sizes = [*getattr(self, "sizes", []), (len(batch1), len(batch2))]
        return batch1 + (batch2.mean(axis=0) - batch1.mean(axis=0))


def test_a_batch_corrector_goes_hop_by_hop_with_the_controls_of_each(task):
    data, _ = task
    method = attached(MeansMeet, data, 0)
    assert isinstance(method, MeansMeet)
    # First S and X against T; then the second hop's controls too.
    assert method.sizes == [(600, 300), (900, 300)]
    query = data.queries[0]
    source, X = data.X[data.is_source(query)], data.X[data.is_query(query)]
    batch1 = np.concatenate([source, X])
    first = batch1 + (data.X[data.is_target(query.steps[0])].mean(axis=0) - batch1.mean(axis=0))
    batch2 = np.concatenate([data.X[data.is_source(query.steps[1])], first])
    second = batch2 + (data.X[data.is_target(query.steps[1])].mean(axis=0) - batch2.mean(axis=0))
    np.testing.assert_allclose(method.transform(X, query).X, second[-len(X) :], atol=1e-4)
    np.testing.assert_allclose(method.transform(source, query).X, second[300 : 300 + len(source)], atol=1e-4)


def test_a_prediction_file_of_a_chain_holds_what_others_hold(task, tmp_path):
    data, _ = task
    model = registry.create("models", "identity", {}).fit(data)
    entry = registry.find("methods", "quantile_mapping")
    chain = attached(lambda: entry(entry.Settings(), model), data, 0)
    writer = PredictionWriter(data, "quantile_mapping", "identity", 50)
    writer.add_all(chain.transform, 0)
    writer.add_own_conditions(chain.predict, 0)
    writer.write(tmp_path / "p.h5ad", chain.backend)
    file = PredictionFile(tmp_path / "p.h5ad")
    part = file.part("answer", 0)
    assert list(part.cells) == list(data.names[data.is_query(QUERY)])
    assert (file.column("role") == "source").sum() == 50


@pytest.mark.parametrize("name", ["quantile_mapping", "no_change"])
def test_a_fitted_chain_is_taken_over_from_its_state(task, name):
    data, _ = task
    entry = registry.find("methods", name)

    def create():
        model = entry.model_name(entry.Settings())
        return entry(entry.Settings(), model and registry.create("models", model, {}).fit(data))

    direct = without_hops(data)
    for cells, kind in ((data, Chain), (direct, entry)):
        fitted = attached(create, cells, 0)
        again = restored(create, as_arrays(as_tensors(fitted.whole_state())))
        assert isinstance(again, kind)
        X, query = cells.X[cells.is_query(cells.queries[0])], cells.queries[0]
        np.testing.assert_array_equal(again.transform(X, query).X, fitted.transform(X, query).X)


def test_images_go_from_hop_to_hop_as_whole_pixels():
    data, _ = task_of(simulated())
    images = np.clip(data.X * 20 + 60, 0, 255).astype(np.uint8)
    data = replace(data, X=images, image_shape=(2, 2, 1))
    entry, seen = registry.find("methods", "mean_shift"), []

    class Spy(entry):
        def predict(self, X, query, counts=None):
            seen.append(X)
            return super().predict(X, query, counts)

    model = registry.create("models", "identity", {}).fit(data)
    chain = attached(lambda: Spy(entry.Settings(), model), data, 0)
    query = data.queries[0]
    found = chain.transform(images[data.is_query(query)], query)
    assert [X.dtype for X in seen] == [np.uint8] * 3 and found.X.max() <= 255
    assert (found.X.mean(axis=0) - images[data.is_query(query)].mean(axis=0))[0] == pytest.approx(20 * CHANGE, abs=6)


def test_the_same_seed_gives_the_same_bits(task):
    data, _ = task
    settings = {"candidates": {"mean_shift": {}, "ot_map": {}}}
    np.testing.assert_array_equal(*(predicted("stacked_map", data, **settings) for _ in range(2)))


def test_a_chain_fits_the_same_whatever_the_truth_is():
    one, other = simulated(), simulated()
    held = (other.obs["domain"] == "patients") & (other.obs["condition"] == "batch1")
    other.X[held.to_numpy()] = 1e6
    cells = [predicted("quantile_mapping", task_of(adata, SPLIT)[0]) for adata in (one, other)]
    np.testing.assert_array_equal(*cells)


# ---- CytoNorm's controls: two volunteers in three batches, so that the direct map and the truth are known

BATCHES = ("PTLG021", "PTLG026", "PTLG028")


@pytest.fixture(scope="module")
def controls(shared_data):
    dataset = registry.create("datasets", "cytonorm", {})
    folder = shared_data / "cytonorm_controls"
    adata = dataset.load({file.name: folder / file.name for file in dataset.raw_files()})
    adata.uns |= {"dataset": "cytonorm", "stand_in": False}
    return adata


def both_ways(adata, source: str, target: str):
    """Return volunteer 2's task with volunteer 1 measured in both batches, and as if it were two volunteers.

    In the second one half of volunteer 1's cells in the third batch is the control of the first hop, and the other half
    that of the second: nobody was measured in both ends.
    """
    (middle,) = set(BATCHES) - {source, target}
    split = SplitSpec("t", (Query("q", "volunteer2", source, target),), (("volunteer2", middle),), controls=("one",))
    batch = adata.obs["condition"].to_numpy(str)
    names = {}
    for way, labels in (("direct", ("one", "one")), ("chained", ("one", "other"))):
        domain = adata.obs["domain"].to_numpy(str)
        first = domain == "volunteer1"
        halves = np.random.default_rng(0).permutation(np.flatnonzero(first & (batch == middle)))
        domain[first & (batch == source)], domain[first & (batch == target)] = labels
        domain[halves[: len(halves) // 2]], domain[halves[len(halves) // 2 :]] = labels
        names[way] = adata.copy()
        names[way].obs["domain"] = domain
    return task_of(names["direct"], split), task_of(names["chained"], replace(split, controls=("one", "other")))


# The stacked map fits five candidates in each of four folds, eighteen times.
SLOW = pytest.param("stacked_map", marks=pytest.mark.slow)


@pytest.mark.parametrize("name", ["mean_shift", "quantile_mapping", SLOW])
def test_on_real_controls_the_chain_is_near_the_direct_map(controls, name):
    """Means over the six ordered pairs of batches; ``-s`` prints the table of docs/own_data.md."""
    rows = []
    for source, target in permutations(BATCHES, 2):
        (data, truth), (chained, _) = both_ways(controls, source, target)
        assert [len(task.queries[0].hops) for task in (data, chained)] == [1, 2]
        direct, along = predicted(name, data), predicted(name, chained)
        X, half = data.X[data.is_query(data.queries[0])], np.random.default_rng(0).permutation(len(truth))
        pairs = [(X, truth), (direct, truth), (along, truth), (direct, along)]
        pairs.append((truth[half[: len(half) // 2]], truth[half[len(half) // 2 :]]))
        rows.append([energy_distance(*pair) for pair in pairs])
    print(f"\n{name}, energy distances: no_change, direct, chained, direct to chained, oracle")
    print(np.round([*rows, np.mean(rows, axis=0)], 3))
    no_change, one_hop, two_hops, between, oracle = np.mean(rows, axis=0)
    assert oracle < one_hop < 0.35 * no_change and two_hops < 0.45 * no_change
    assert between < 0.3 * two_hops
