"""CytoNorm and the optimal transport map: that they do what their libraries do, and what is particular to them."""

import warnings
from importlib.metadata import version

import numpy as np
import pytest

from outofsample import registry
from outofsample.arrays import TrainingData
from outofsample.errors import UserError
from outofsample.methods import cytonorm, ot_map
from tests.conftest import QUERY, planted


def two_types(cells: int = 600, shares=(0.5, 0.5, 0.5), seed: int = 0) -> tuple[TrainingData, np.ndarray]:
    """Return two cell types, of which only the first moves (by 2 in the first feature), and the true answer for X.

    ``shares`` of the first type in S, T and X; X lies a little beside S in a feature that does not change.
    """
    rng = np.random.default_rng(seed)
    parts, kinds = [], []
    for share in shares:
        kind = np.arange(cells) < share * cells
        parts.append(rng.normal(0, 0.4, size=(cells, 4)) + np.where(kind, 5.0, 0.0)[:, None] * [0, 1, 1, 0])
        kinds.append(kind)
    parts[1][kinds[1], 0] += 2
    parts[2][:, 3] += 0.3
    data = TrainingData(
        X=np.concatenate(parts).astype(np.float32),
        role=np.repeat(["source", "target", "query"], cells),
        condition=np.repeat(["before", "after", "before"], cells),
        domain=np.repeat(["control", "control", "sample"], cells),
        features=tuple("abcd"),
        queries=(QUERY,),
    )
    return data, data.X[data.is_query(QUERY)] + np.where(kinds[2], 2, 0)[:, None] * [1, 0, 0, 0]


def predict(method: str, data: TrainingData, components: int | None = None, seed: int = 0, **settings) -> np.ndarray:
    """Return what a method with these settings predicts for the query; ``components``: of the PCA that it stands on."""
    entry = registry.find("methods", method)
    options = entry.Settings(**settings)
    name = entry.model_name(options)
    model = {} if components is None else {"components": components}
    fitted = None if name is None else registry.create("models", name, model)
    return entry(options, fitted).fit(data, seed).transform(data.X[data.is_query(QUERY)], QUERY).X


def error(predicted: np.ndarray, truth: np.ndarray) -> float:
    return float(np.sqrt(((predicted - truth) ** 2).mean()))


# ---- CytoNorm


@pytest.mark.parametrize(("clustering", "clusters"), [("flowsom", 4), ("kmeans", 2), ("flowsom", 1)])
def test_cytonorm_equals_its_library(clustering, clusters):
    """cytonormpy's own normalisation of the query, as a file of batch 0, is the judge."""
    from cytonormpy import CytoNorm, FlowSOM, KMeans

    data, _ = two_types()
    source, target, X = (data.X[data.role == role].astype(np.float64) for role in ("source", "target", "query"))
    predicted = predict("cytonorm", data, clustering=clustering, clusters=clusters, uncorrected=0.99)
    adata = cytonorm.controls(np.concatenate([source, X]), target)
    is_query = np.r_[np.zeros(len(source), bool), np.ones(len(X), bool), np.zeros(len(target), bool)]
    adata.obs.loc[is_query, ["reference", "file_name"]] = ["other", "query"]
    norm = CytoNorm()
    norm.run_anndata_setup(adata, layer="values", channels="all")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        if clusters > 1:
            kmeans = clustering == "kmeans"
            norm.add_clusterer(
                KMeans(n_clusters=clusters, random_state=0, n_init=10)
                if kmeans
                else FlowSOM(n_clusters=clusters, xdim=10, ydim=10, seed=0)
            )
            norm.run_clustering(test_cluster_cv=False)
        norm.calculate_quantiles()
        norm.calculate_splines(goal=1)
        norm.normalize_data(n_jobs=1)
    np.testing.assert_allclose(predicted, adata.layers["cyto_normalized"][is_query], rtol=1e-5, atol=1e-5)


def test_clusters_find_which_type_moves():
    data, truth = two_types(cells=2000)
    assert error(predict("cytonorm", data, clusters=2), truth) < 0.2
    assert error(predict("cytonorm", data, clusters=1), truth) > 0.6
    assert error(predict("quantile_mapping", data), truth) > 0.6


def test_one_cluster_is_about_quantile_mapping():
    data, _ = planted(cells=2000, shift=1.0)
    query = data.X[data.is_query(QUERY)]
    inside = (query > 1.5) & (query < 4.5)
    difference = predict("cytonorm", data, clusters=1) - predict("quantile_mapping", data)
    assert np.abs(difference[inside]).max() < 0.05


def test_fewer_clusters_where_the_batch_effect_parts_them():
    data, truth = planted(cells=1000, shift=6.0)
    with pytest.warns(UserWarning, match=r"cytonorm: 1 cluster\(s\) instead of 10"):
        predicted = predict("cytonorm", data)
    change = (predicted - data.X[data.is_query(QUERY)]).mean(axis=0)
    np.testing.assert_allclose(change, (truth - data.X[data.is_query(QUERY)]).mean(axis=0), atol=0.3)


def test_bounded_tails_move_as_far_as_the_outermost_quantile():
    data, _ = planted(cells=1000, shift=1.0)
    # Twice as wide in the target: the line from the last quantile on has about the slope 2.
    is_target = data.is_target(QUERY)
    data.X[is_target] = 3 + 2 * (data.X[is_target] - 3)
    query = data.X[data.is_query(QUERY)]
    query[:5] = 60
    data.X[data.is_query(QUERY)] = query
    as_published, bounded = (predict("cytonorm", data, clusters=1, tails=tails) for tails in ("line", "shift"))
    inside = (query > 1.5) & (query < 4.5)
    np.testing.assert_array_equal(bounded[inside], as_published[inside])
    high = np.percentile(query[5:], 99, axis=0)
    assert (as_published[:5] - 60 > 20).all() and (np.abs(bounded[:5] - 60) < 2 * np.abs(high)).all()
    assert (np.diff(bounded[:5], axis=0) == 0).all()


def test_small_clusters_stay_as_they_are():
    data, _ = two_types(cells=1000, shares=(0.96, 0.96, 0.5))
    predicted = predict("cytonorm", data, clusters=2, clustering="kmeans", uncorrected=0.5)
    query = data.X[data.is_query(QUERY)]
    second = query[:, 1] < 2.5
    np.testing.assert_allclose(predicted[second], query[second], atol=1e-5)
    assert np.abs((predicted - query)[~second, 0].mean() - 2) < 0.2


def test_cytonorm_leaves_numpys_generator_as_it_was():
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    predict("cytonorm", two_types()[0], clusters=2)
    assert np.random.random() == expected  # noqa: NPY002


def test_cytonorm_gives_numpys_generator_back_after_an_error(monkeypatch):
    import cytonormpy

    def fail(*_, **__):
        np.random.seed(1)  # noqa: NPY002
        raise RuntimeError("no clusters")

    monkeypatch.setattr(cytonormpy.CytoNorm, "run_clustering", fail)
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    with pytest.raises(RuntimeError, match="no clusters"):
        predict("cytonorm", two_types()[0], clusters=2)
    assert np.random.random() == expected  # noqa: NPY002


@pytest.mark.parametrize(("method", "package"), [("cytonorm", "cytonormpy"), ("ot_map", "POT")])
def test_they_say_which_package_computed_them(method, package):
    fitted = registry.create("methods", method, {}).fit(two_types()[0])
    assert fitted.backend == f"{package} {version(package)}"


def test_cytonorm_needs_enough_cells():
    data, _ = planted(cells=40)
    with pytest.raises(UserError, match=r"S has 40 cells and T 40, but 'min_cells' is 50"):
        predict("cytonorm", data)
    assert np.isfinite(predict("cytonorm", data, min_cells=20)).all()


# ---- optimal transport


def test_the_plan_is_pots():
    import ot

    data, _ = two_types(cells=200)
    source, target = (data.X[data.role == role].astype(np.float64) for role in ("source", "target"))
    plan = ot.emd(ot.unif(200), ot.unif(200), ot.dist(source, target))
    fitted = ot_map.fit_plan(source, target, ot_map.Settings())
    np.testing.assert_allclose(fitted["cells"] + fitted["shifts"], plan @ target * 200, atol=1e-8)


def test_cells_move_by_the_mean_shift_of_their_nearest_source_cells():
    rng = np.random.default_rng(0)
    fitted = {"cells": rng.normal(size=(60, 3)), "shifts": rng.normal(size=(60, 3))}
    latent = rng.normal(size=(40, 3))
    for neighbours in (1, 7, 100):
        distances = np.linalg.norm(latent[:, None] - fitted["cells"], axis=2)
        nearest = np.argsort(distances, axis=1)[:, :neighbours]
        np.testing.assert_allclose(
            ot_map.shift(latent, fitted, neighbours), fitted["shifts"][nearest].mean(axis=1), atol=1e-12
        )


@pytest.mark.parametrize(("options", "most"), [({"map": "emd"}, 0.3), ({"map": "sinkhorn"}, 0.35)])
def test_plans_find_which_type_moves(options, most):
    data, truth = two_types()
    assert error(predict("ot_map", data, **options), truth) < most
    assert error(predict("mean_shift", data), truth) > 0.45


def test_the_linear_map_turns_and_stretches():
    rng = np.random.default_rng(0)
    data, _ = planted(cells=3000, features=3, shift=0.0)
    matrix = np.array([[1.5, 0.4, 0.0], [0.4, 0.8, 0.0], [0.0, 0.0, 1.0]])
    data.X[data.role == "target"] = rng.normal(3, 1, size=(3000, 3)) @ matrix + [1, 0, -1]
    query = data.X[data.is_query(QUERY)]
    predicted = predict("ot_map", data, map="linear")
    assert error(predicted, query @ matrix + [1, 0, -1]) < 0.15


def test_a_single_neighbour_is_pots_own_extension():
    from ot.da import EMDTransport

    data, _ = two_types(cells=150)
    source, target, X = (data.X[data.role == role].astype(np.float64) for role in ("source", "target", "query"))
    expected = EMDTransport(out_of_sample_map="ferradans").fit(Xs=source, Xt=target).transform(Xs=X)
    predicted = predict("ot_map", data, model="identity", neighbours=1)
    np.testing.assert_allclose(predicted, expected, atol=1e-4)


def test_all_components_are_data_space():
    data, _ = two_types(cells=200)
    one, other = (predict("ot_map", data, model=name) for name in ("pca", "identity"))
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_what_the_components_leave_out_stays():
    data, _ = two_types(cells=200)
    query = data.X[data.is_query(QUERY)]
    assert np.linalg.matrix_rank(predict("ot_map", data, components=1) - query, tol=1e-2) == 1
    assert np.linalg.matrix_rank(predict("ot_map", data, components=1, output="decode") - query, tol=1e-2) > 1


def test_no_cell_type_is_moved_onto_another_of_the_same_name():
    """T has more of the second type than S: one plan for all moves cells of the first onto it."""
    data, truth = two_types(cells=400, shares=(0.8, 0.3, 0.5))
    kind = data.X[:, 1] > 2.5
    data.domain[data.role != "query"] = np.where(kind, "first", "second")[data.role != "query"]
    assert error(predict("ot_map", data), truth) < 0.3
    assert error(predict("ot_map", data, within="all"), truth) > 0.8


def test_the_draw_of_cells_follows_the_seed():
    data, _ = two_types(cells=300)
    drawn = [predict("ot_map", data, seed=seed, cells=100) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert np.abs(drawn[0] - drawn[2]).max() > 0.01
    assert np.abs(drawn[0] - drawn[2]).mean() < 0.3


def test_a_plan_that_was_not_found_is_told():
    data, _ = planted(cells=200, shift=4.0)
    with pytest.raises(UserError, match=r"no plan was found with regularisation 1e-05; set a larger one"):
        predict("ot_map", data, map="sinkhorn", regularisation=1e-5)


def test_predictions_of_non_negative_data_stay_so():
    data, _ = planted(cells=200, shift=-2.5)
    data.X[:] = np.maximum(data.X, 0)
    for options in ({}, {"map": "linear"}):
        assert predict("ot_map", data, **options).min() >= 0


@pytest.mark.parametrize(
    ("method", "options", "sentence"),
    [
        ("ot_map", {"map": "monge"}, "map must be one of emd, sinkhorn, linear, not 'monge'"),
        ("ot_map", {"neighbours": 0}, "neighbours must be at least 1"),
        ("ot_map", {"regularisation": 0.0}, "regularisation must be above 0"),
        ("cytonorm", {"clusters": 0}, "clusters must be at least 1"),
        ("cytonorm", {"clustering": "som"}, "clustering must be 'flowsom' or 'kmeans', not 'som'"),
        ("cytonorm", {"tails": "paper"}, "tails must be 'line' or 'shift', not 'paper'"),
        ("cytonorm", {"uncorrected": 1.0}, "uncorrected must be at least 0 and below 1"),
    ],
)
def test_wrong_settings(method, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        registry.find("methods", method).Settings(**options)


@pytest.mark.parametrize(
    ("method", "options", "unbounded"),
    [
        ("cytonorm", {}, True),
        ("cytonorm", {"tails": "shift"}, False),
        ("ot_map", {}, False),
        ("neuron_editing", {}, True),
        ("neuron_editing", {"edit_options": {"tails": "robust"}}, True),
        ("quantile_mapping", {"edit_options": {"tails": "shift"}}, False),
        ("cluster_quantiles", {}, False),
        ("cluster_quantiles", {"edit_options": {"tails": "paper"}}, True),
        ("mean_shift", {}, False),
        ("stacked_map", {}, False),
        ("stacked_map", {"candidates": {"quantile_mapping": {}}}, True),
    ],
)
def test_methods_say_whether_their_tails_have_a_bound(method, options, unbounded):
    entry = registry.find("methods", method)
    assert entry.is_unbounded(entry.Settings(**options)) == unbounded
