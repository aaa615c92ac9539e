"""Splitting: who is source, target, query and truth, and that held-out cells change nothing that methods see."""

from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest

from outofsample.arrays import Query
from outofsample.errors import UserError
from outofsample.files.cohort import Cohort
from outofsample.files.task import to_training
from outofsample.jobs.split import SplitSpec
from outofsample.study.split import assign_roles, check_split, split_dataset

SPLIT = SplitSpec(
    "task",
    queries=(Query("one", "B", "before", "after"), Query("two", "B", "before", "later")),
    held_out=(("B", "much later"),),
    reference=(("R", "after"),),
)


def dataset(cells: int = 5) -> anndata.AnnData:
    pairs = [(d, c) for d in ("A", "B", "R") for c in ("before", "after", "later", "much later")]
    obs = pd.DataFrame([pair for pair in pairs for _ in range(cells)], columns=["domain", "condition"])
    obs.index = [f"cell{number}" for number in range(len(obs))]
    X = np.random.default_rng(0).normal(size=(len(obs), 3)).astype(np.float32)
    return anndata.AnnData(X, obs=obs, uns={"dataset": "made", "stand_in": True})


def test_roles():
    adata = dataset(1)
    roles = assign_roles(adata.obs["domain"].to_numpy(), adata.obs["condition"].to_numpy(), SPLIT)
    table = pd.Series(roles, index=list(zip(adata.obs["domain"], adata.obs["condition"], strict=True)))
    assert table["A", "before"] == "source"
    assert table["A", "after"] == table["A", "later"] == "target"
    assert table["A", "much later"] == "context"
    assert table["B", "before"] == "query"
    assert table["B", "after"] == table["B", "later"] == "truth"
    assert table["B", "much later"] == "withheld"
    assert table["R", "after"] == "reference"


def test_source_domains_limit_source_and_target():
    adata = dataset(1)
    split = SplitSpec("task", SPLIT.queries, (), source_domains=("A",))
    roles = assign_roles(adata.obs["domain"].to_numpy(), adata.obs["condition"].to_numpy(), split)
    assert set(roles[(adata.obs["domain"] == "R").to_numpy()]) == {"context"}


def test_training_and_truth_share_no_cell_and_lose_none_but_the_withheld():
    adata = dataset()
    train, truth = split_dataset(adata, SPLIT)
    assert not set(train.obs_names) & set(truth.obs_names)
    withheld = adata.obs.query("domain == 'B' and condition == 'much later'").index
    assert set(train.obs_names) | set(truth.obs_names) == set(adata.obs_names) - set(withheld)
    assert truth.obs["query"].value_counts().to_dict() == {"one": 5, "two": 5}


def test_held_out_values_change_no_training_input():
    """Plant a marker in every held-out cell: nothing that a method sees may move."""
    adata, marked = dataset(), dataset()
    held = (marked.obs["domain"] == "B") & (marked.obs["condition"] != "before")
    marked.X[held.to_numpy()] = 1e6
    one, other = (to_training(split_dataset(data, SPLIT)[0]) for data in (adata, marked))
    for name in ("X", "role", "condition", "domain", "names"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_drawing_cells_is_seeded_and_bounded():
    splits = [SplitSpec("t", SPLIT.queries, (), cells_per_group=4, seed=seed) for seed in (0, 0, 1)]
    draws = [split_dataset(dataset(9), split)[0] for split in splits]
    assert draws[0].obs.groupby(["domain", "condition"]).size().max() == 4
    assert list(draws[0].obs_names) == list(draws[1].obs_names) != list(draws[2].obs_names)


def test_a_limit_on_fitting_never_limits_the_cells_that_are_predicted():
    adata = dataset(9)
    split = SplitSpec("t", SPLIT.queries, (), cells_per_group=4, whole_queries=True)
    train, _ = split_dataset(adata, split)
    sizes = train.obs.groupby(["role"], observed=True).size()
    query = adata.obs_names[(adata.obs["domain"] == "B") & (adata.obs["condition"] == "before")]
    assert list(train.obs_names[train.obs["role"] == "query"]) == list(query) and sizes["query"] == 9
    assert train.obs.query("role != 'query'").groupby(["domain", "condition"]).size().max() == 4


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"held_out": (("B", "befor"),)}, "no condition 'befor' (did you mean 'before'?), which 'held_out' names"),
        ({"held_out": (("b", "before"),)}, "no domain 'b', which 'held_out' names; it has A, B, R"),
        ({"reference": (("R", "afte"),)}, "no condition 'afte' (did you mean 'after'?), which 'reference' names"),
        ({"source_domains": ("C",)}, "no domain 'C', which 'source_domains' names"),
        ({"conditions": ("before", "never")}, "no condition 'never', which 'conditions' names"),
    ],
)
def test_names_that_the_data_do_not_have_are_never_passed_over(changes, words):
    """A pair that is misspelt in held_out would be trained on."""
    with pytest.raises(UserError) as caught:
        split_dataset(dataset(), replace(SPLIT, **changes))
    assert f"Task 'task': the dataset has {words}" in str(caught.value)


def test_what_was_measured_in_all_conditions_is_drawn_for_all_or_none():
    adata = dataset(9)
    # As images are: one name for the versions of a thing, in another order in each condition.
    for pair, rows in adata.obs.groupby(["domain", "condition"]).indices.items():
        order = np.random.default_rng(len(str(pair))).permutation(len(rows))
        adata.obs.loc[adata.obs_names[rows], "pair_id"] = [f"{pair[0]}{number}" for number in order]
    train, truth = split_dataset(adata, SplitSpec("t", SPLIT.queries, (), cells_per_group=4))
    query = train.obs[train.obs["role"] == "query"]
    assert len(query) == 4
    assert set(query["pair_id"]) == set(truth.obs["pair_id"])


def test_unknown_domain_names_the_nearest():
    split = SplitSpec("task", (Query("q", "B", "befor", "after"),), ())
    with pytest.raises(UserError, match="no condition 'befor' \\(did you mean 'before'\\?\\), which 'queries' names"):
        split_dataset(dataset(), split)


def test_population_without_cells_is_named():
    adata = dataset()
    adata = adata[~((adata.obs["domain"] != "B") & (adata.obs["condition"] == "before"))].copy()
    with pytest.raises(UserError, match="query 'one': the source population has no cells"):
        split_dataset(adata, SPLIT)


def test_counts_travel_along():
    adata = dataset()
    adata.layers["counts"] = np.arange(adata.n_obs * 3).reshape(-1, 3)
    data = to_training(split_dataset(adata, SPLIT)[0])
    assert data.kinds == {"tabular", "counts"} and data.counts.shape == data.X.shape


def single_cells(cells: int = 40, genes: int = 30) -> anndata.AnnData:
    """Log counts of three domains; the last ten genes vary between conditions."""
    obs = pd.DataFrame([(d, c) for d in "ABC" for c in ("before", "after") for _ in range(cells)])
    obs.columns, obs.index = ["domain", "condition"], [f"cell{number}" for number in range(len(obs))]
    rate = np.exp(np.random.default_rng(1).normal(0, 1, genes))
    rate = np.where((np.arange(genes) >= 20) & (obs["condition"] == "after").to_numpy()[:, None], 8 * rate, rate)
    counts = np.random.default_rng(2).poisson(rate).astype(np.float32)
    X = np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4).astype(np.float32)
    var = pd.DataFrame(index=[f"gene{number}" for number in range(genes)])
    return anndata.AnnData(X, obs=obs, var=var, layers={"counts": counts}, uns={"dataset": "made", "stand_in": True})


LEFT_OUT = SplitSpec("task", (Query("q", "C", "before", "after"),), (), variable_features=8, keep_features=("gene3",))


def test_variable_features_are_chosen_without_the_held_out_cells():
    """A gene that only held-out cells have is not chosen; under ``paper`` it is."""
    adata, marked = single_cells(), single_cells()
    held = ((marked.obs["domain"] == "C") & (marked.obs["condition"] == "after")).to_numpy()
    marked.X[held, 0] = np.linspace(0, 9, held.sum())
    one, other = (split_dataset(data, LEFT_OUT)[0] for data in (adata, marked))
    assert list(one.var_names) == list(other.var_names)
    np.testing.assert_array_equal(one.X, other.X)
    np.testing.assert_array_equal(one.layers["counts"], other.layers["counts"])
    assert "gene0" not in one.var_names
    assert "gene0" in split_dataset(marked, replace(LEFT_OUT, feature_selection="paper"))[0].var_names


def test_kept_features_stay_and_the_truth_has_the_same_features():
    train, truth = split_dataset(single_cells(), LEFT_OUT)
    assert "gene3" in train.var_names and train.n_vars in (8, 9)
    assert list(train.var_names) == list(truth.var_names)
    with pytest.raises(UserError, match=r"keep_features has 'gen3'.*did you mean 'gene3'"):
        split_dataset(single_cells(), replace(LEFT_OUT, keep_features=("gen3",)))


def test_conditions_limit_what_takes_part():
    train, truth = split_dataset(dataset(), replace(SPLIT, queries=SPLIT.queries[:1], conditions=("before", "after")))
    assert set(train.obs["condition"]) == {"before", "after"} and set(truth.obs["condition"]) == {"after"}
    with pytest.raises(UserError, match="no condition 'aftr' \\(did you mean 'after'"):
        split_dataset(dataset(), replace(SPLIT, conditions=("aftr",)))


def chained_dataset() -> anndata.AnnData:
    pairs = [("A", "b2"), ("A", "b6"), ("B", "b6"), ("B", "b5"), ("C", "b5"), ("P", "b5"), ("P", "b2"), ("D", "b1")]
    obs = pd.DataFrame([pair for pair in pairs for _ in range(3)], columns=["domain", "condition"])
    obs.index = [f"cell{number}" for number in range(len(obs))]
    X = np.arange(len(obs), dtype=np.float32)[:, None]
    return anndata.AnnData(X, obs=obs, uns={"dataset": "made", "stand_in": True})


CHAINED = SplitSpec("chained", (Query("q", "P", "b5", "b2"),), controls=("A", "B", "C"))


def test_controls_of_all_hops_are_source_and_target_and_the_path_is_told(capsys):
    train, truth = split_dataset(chained_dataset(), CHAINED)
    assert "q: b5 -> b6 (control B) -> b2 (control A)" in capsys.readouterr().out
    data = to_training(train)
    roles = {(d, c): role for d, c, role in zip(data.domain, data.condition, data.role, strict=True)}
    assert roles == {
        ("A", "b2"): "target",
        ("A", "b6"): "source",
        ("B", "b6"): "source",
        ("B", "b5"): "source",
        ("C", "b5"): "context",
        ("P", "b5"): "query",
        ("D", "b1"): "context",
    }
    assert set(truth.obs["query"]) == {"q"} and len(truth) == 3
    (query,) = data.queries
    masks = [(data.is_source(q), data.is_target(q)) for q in (query, *query.steps)]
    found = [[set(zip(data.domain[m], data.condition[m], strict=True)) for m in pair] for pair in masks]
    assert found == [
        [{("B", "b5")}, {("A", "b2")}],
        [{("B", "b5")}, {("B", "b6")}],
        [{("A", "b6")}, {("A", "b2")}],
    ]


def test_only_shared_controls_give_source_and_target_of_a_direct_query():
    split = SplitSpec("direct", (Query("q", "P", "b5", "b6"),), controls=("A", "B", "C"))
    train, _ = split_dataset(chained_dataset(), split)
    data = to_training(train)
    (query,) = data.queries
    assert query.steps == (query,) and query.path == "b5 -> b6 (control B)"
    assert set(data.domain[data.is_source(query)]) == set(data.domain[data.is_target(query)]) == {"B"}


def test_source_and_target_of_a_chain_differ_by_the_sum_of_its_hops():
    data = to_training(split_dataset(chained_dataset(), CHAINED)[0])
    S, T = data.source_and_target(data.queries[0])
    # B is 3 cells lower in b6 than in b5, A 3 lower in b2 than in b6; a cell's value is its number.
    np.testing.assert_allclose(T - S, -6)
    direct = to_training(split_dataset(chained_dataset(), replace(CHAINED, queries=(Query("q", "P", "b5", "b6"),)))[0])
    S, T = direct.source_and_target(direct.queries[0])
    np.testing.assert_allclose(T - S, -3)


def test_a_batch_without_a_chain_is_told_before_and_at_the_split():
    adata = chained_dataset()
    adata = adata[~((adata.obs["domain"] == "B") & (adata.obs["condition"] == "b6"))].copy()
    told = (
        r"Task 'chained', query 'q': no chain of shared controls leads from b5 to b2 .* A in b5, or B or C in b2 or b6"
    )
    with pytest.raises(UserError, match=told):
        split_dataset(adata, CHAINED)
    with pytest.raises(UserError, match=told):
        check_split(CHAINED, set(zip(adata.obs["domain"], adata.obs["condition"], strict=True)))


def test_a_control_that_is_not_there_is_told():
    with pytest.raises(UserError, match="has no domain 'Bee'"):
        split_dataset(chained_dataset(), replace(CHAINED, controls=("A", "Bee")))


def test_source_and_target_of_other_domains_are_noted(capsys):
    adata = chained_dataset()
    split_dataset(adata, SplitSpec("t", CHAINED.queries, source_domains=("A", "B", "C")))
    assert "note: query 'q': source (B, C) and target (A) have no domain in common" in capsys.readouterr().out
    split_dataset(adata, SplitSpec("t", (Query("q", "P", "b5", "b6"),), source_domains=("B",)))
    split_dataset(adata, CHAINED)
    assert "note:" not in capsys.readouterr().out


def drawn_dataset(cells: int = 9) -> anndata.AnnData:
    """Return cells that were drawn from files with a thousand times as many."""
    adata = dataset(cells)
    sizes = adata.obs.groupby(["domain", "condition"], observed=True).size()
    populations = [(*pair, 1000 * int(size)) for pair, size in sizes.items()]
    adata.uns["cohort"] = Cohort(cells, {"file": 1000 * adata.n_obs}, populations, []).to_json()
    return adata


def test_scores_of_drawn_cells_with_many_values_rest_on_a_part_of_them(monkeypatch):
    whole = split_dataset(drawn_dataset(), SPLIT)
    assert "scored" not in whole[0].obs
    # Four cells of three features.
    monkeypatch.setattr("outofsample.files.shares.SCORED_VALUES", 12)
    monkeypatch.setattr("outofsample.files.shares.LEAST", 1)
    train, truth = split_dataset(drawn_dataset(), SPLIT)
    assert list(train.obs_names) == list(whole[0].obs_names)
    scored = train.obs[train.obs["scored"]]
    assert set(scored.groupby(["domain", "condition"], observed=True).size()) <= {1, 2}
    assert set(scored["role"]) == set(train.obs["role"])
    # Domains in several conditions share what they may have.
    assert len(scored) + len(truth) == 5 * 4 and set(truth.obs["query"]) == {"one", "two"}
    assert set(truth.obs_names) < set(whole[1].obs_names)
    again, _ = split_dataset(drawn_dataset(), SPLIT)
    assert again.obs["scored"].equals(train.obs["scored"])
    other, _ = split_dataset(drawn_dataset(), replace(SPLIT, seed=1))
    assert not other.obs["scored"].equals(train.obs["scored"])


def test_where_nothing_was_drawn_all_cells_are_scored(monkeypatch):
    monkeypatch.setattr("outofsample.files.shares.SCORED_VALUES", 12)
    adata = drawn_dataset()
    known = Cohort.from_json(adata.uns["cohort"])
    adata.uns["cohort"] = Cohort(9, {"file": adata.n_obs}, [(*p[:2], 9) for p in known.populations], []).to_json()
    for cells in (dataset(9), adata):
        train, truth = split_dataset(cells, SPLIT)
        assert "scored" not in train.obs and len(truth) == 18


def test_a_task_is_fitted_to_fewer_cells_where_drawn_ones_have_many_values(monkeypatch):
    whole, _ = split_dataset(drawn_dataset(), SPLIT)
    # 45 of the 81 cells.
    monkeypatch.setattr("outofsample.files.shares.FITTED_VALUES", 45 * 3)
    monkeypatch.setattr("outofsample.files.shares.LEAST", 1)
    train, truth = split_dataset(drawn_dataset(), SPLIT)
    sizes = train.obs.groupby(["domain", "condition"], observed=True).size()
    assert len(sizes) == 9 and 40 < train.n_obs <= 45 and set(train.obs_names) < set(whole.obs_names)
    assert "scored" not in train.obs and len(truth) == 18
    assert split_dataset(dataset(9), SPLIT)[0].n_obs == whole.n_obs
