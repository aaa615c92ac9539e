"""Splitting a dataset into what may be looked at and the truth.

This is the only place where held-out cells and training cells meet: after it they are in two files, and no
training or transforming rule takes the file with the truth.
"""

import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Set
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.arrays import Query, TrainingData
from outofsample.errors import UserError, did_you_mean
from outofsample.files.cohort import Cohort, read_cohort
from outofsample.files.dataset import DatasetRows, read_dataset
from outofsample.files.shares import Pair, fitted_cells, kept_cells, scored_cells
from outofsample.files.task import queries_text
from outofsample.jobs.split import SplitSpec
from outofsample.study.chains import find_chain, measured_controls, why_no_chain
from outofsample.study.variable_features import moments, most_variable

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData


#: What a pair names, and how many labels a message lists at most.
_KINDS, LISTED = ("domain", "condition"), 20


def pairs_mask(domain: np.ndarray, condition: np.ndarray, pairs) -> np.ndarray:
    """Return the mask (cells,) of cells in one of the (domain, condition) pairs."""
    mask = np.zeros(len(domain), dtype=bool)
    for wanted_domain, wanted_condition in pairs:
        mask |= (domain == wanted_domain) & (condition == wanted_condition)
    return mask


def assign_roles(domain: np.ndarray, condition: np.ndarray, split: SplitSpec) -> np.ndarray:
    """Return the role (cells,) of each cell; held-out cells get ``truth`` or ``withheld``."""
    role = np.full(len(domain), "context", dtype="<U9")
    if split.controls:
        _mark_controls(role, domain, condition, split.queries)
    else:
        queried = {query.domain for query in split.queries}
        gives = np.isin(domain, split.source_domains) if split.source_domains else ~np.isin(domain, list(queried))
        role[gives & np.isin(condition, [query.source for query in split.queries])] = "source"
        role[gives & np.isin(condition, [query.target for query in split.queries])] = "target"
    role[pairs_mask(domain, condition, [(q.domain, q.source) for q in split.queries])] = "query"
    role[pairs_mask(domain, condition, split.reference)] = "reference"
    role[pairs_mask(domain, condition, split.held_out)] = "withheld"
    role[pairs_mask(domain, condition, [(q.domain, q.target) for q in split.queries])] = "truth"
    return role


def split_file(path: Path, split: SplitSpec) -> tuple["AnnData", "AnnData"]:
    """Return the training part and the truth of a task, as `split_dataset` does, from the file of a dataset.

    Where its cells were drawn from more, and the task keeps some features alone, no others are in memory together.
    """
    cohort = read_cohort(path)
    if cohort is None or not cohort.drawn or split.variable_features is None:
        return split_dataset(read_dataset(path), split)
    rows = DatasetRows(path)
    _check_kept(rows.var.index, split)
    if split.variable_features >= len(rows.var):
        return split_dataset(read_dataset(path), split)
    domain, condition = (rows.column(name).astype(str) for name in ("domain", "condition"))
    split = check_split(split, set(zip(domain, condition, strict=True)))
    _, keep, seen = _kept_and_seen(rows.obs, split)
    found = moments(rows.pieces(seen if split.feature_selection == "strict" else keep))
    kept = most_variable(*found, split.variable_features) | rows.var.index.isin(split.keep_features)
    return split_dataset(rows.with_features(kept), replace(split, variable_features=None))


def _kept_and_seen(obs: "pd.DataFrame", split: SplitSpec) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the role (cells,) of each cell, and the masks of those that take part in a task and that a fit may see."""
    domain, condition = (obs[column].astype(str).to_numpy() for column in ("domain", "condition"))
    keep = np.ones(len(obs), dtype=bool)
    if split.cells_per_group is not None:
        keep = _draw(_names(obs), domain, condition, defaultdict(lambda: split.cells_per_group), split.seed)
    role = assign_roles(domain, condition, split)
    if split.whole_queries:
        keep |= role == "query"
    if split.conditions:
        keep &= np.isin(condition, split.conditions)
    return role, keep, keep & ~np.isin(role, ["truth", "withheld"])


def _mark_controls(role: np.ndarray, domain: np.ndarray, condition: np.ndarray, queries: tuple[Query, ...]) -> None:
    """Set the role (cells,) of the controls of all hops: target where queries end, else source."""
    for query in queries:
        for hop in query.hops:
            role[np.isin(domain, hop.controls) & np.isin(condition, [hop.source, hop.target])] = "source"
    for query in queries:
        role[np.isin(domain, query.hops[-1].controls) & (condition == query.target)] = "target"


def split_dataset(adata: "AnnData", split: SplitSpec) -> tuple["AnnData", "AnnData"]:
    """Return the training part and the truth of a task.

    Raises
    ------
    UserError
        If a population that the task names has no cells, or no chain of controls leads to a query's target; the
        message lists what there is.
    """
    domain, condition = (adata.obs[column].astype(str).to_numpy() for column in ("domain", "condition"))
    split = check_split(split, set(zip(domain, condition, strict=True)))
    if split.controls:
        print("\n".join(f"{query.name}: {query.path}" for query in split.queries), flush=True)
    role, keep, seen = _kept_and_seen(adata.obs, split)
    features = _choose_features(adata, seen if split.feature_selection == "strict" else keep, split)
    fitted = _drawn(adata, seen, features.sum(), split, fitted_cells)
    seen = seen if fitted is None else fitted
    train = adata[seen, features].copy()
    train.obs["role"] = role[seen]
    scored = _drawn(adata, seen | (keep & (role == "truth")), features.sum(), split, _scored_cells)
    if scored is not None:
        train.obs["scored"] = scored[seen]
    cells, names = _truth_of_queries(domain, condition, keep if scored is None else keep & scored, split)
    with warnings.catch_warnings():
        # Queries that go from several conditions to one target share their truth, so its cells repeat.
        warnings.filterwarnings("ignore", "Observation names are not unique")
        truth = adata[cells, features].copy()
    truth.obs_names_make_unique()
    truth.obs["query"] = names
    for part in (train, truth):
        part.uns = {
            "task": split.name,
            "dataset": adata.uns["dataset"],
            "stand_in": bool(adata.uns["stand_in"]),
            "queries": queries_text(split.queries),
        }
        part.uns |= {key: adata.uns[key] for key in ("image_shape", "left_out", "cohort") if key in adata.uns}
    # Values as arrays would take many times what the cells take.
    data = TrainingData(np.empty((train.n_obs, 0)), role[seen], condition[seen], domain[seen], (), split.queries)
    for query in split.queries:
        _check_populations(data, query, split.name, condition[domain == query.domain])
        _note_other_domains(data, query)
    return train, truth


def _choose_features(adata: "AnnData", cells: np.ndarray, split: SplitSpec) -> np.ndarray:
    """Return the mask (features,) of the features that the task keeps, chosen on some cells (mask).

    The highly variable features of scanpy's Seurat flavour, as the trVAE authors chose them, on log1p of normalised
    counts.
    """
    _check_kept(adata.var_names, split)
    if split.variable_features is None or split.variable_features >= adata.n_vars:
        return np.ones(adata.n_vars, dtype=bool)
    import anndata
    import scanpy

    chosen_on = anndata.AnnData(adata.X[cells], var=adata.var[[]])
    chosen = scanpy.pp.highly_variable_genes(chosen_on, n_top_genes=split.variable_features, inplace=False)
    return chosen["highly_variable"].to_numpy() | adata.var_names.isin(split.keep_features)


def _check_kept(known: "pd.Index", split: SplitSpec) -> None:
    """Raise `UserError` where a feature that the task keeps by name is not in the dataset."""
    for name in split.keep_features:
        if name not in known:
            raise UserError(
                f"Task '{split.name}': keep_features has '{name}', which the dataset does not have"
                f"{did_you_mean(name, known)}."
            )


def check_split(split: SplitSpec, populations: Set[tuple[str, str]]) -> SplitSpec:
    """Return a split with the hops of its queries, given the (domain, condition) pairs of the dataset's cells.

    Raises
    ------
    UserError
        If the split names a domain or a condition that is not there, or no chain of controls leads to a query's target.
    """
    domains, conditions = ({pair[place] for pair in populations} for place in (0, 1))
    if problems := unknown_labels(domains, conditions, split):
        raise UserError(f"Task '{split.name}': {problems[0]}.")
    if not split.controls:
        return split
    measured = measured_controls(split, populations)
    queries = []
    for query in split.queries:
        hops = find_chain(measured, query.source, query.target)
        if not hops:
            why = why_no_chain(measured, query.source, query.target)
            raise UserError(f"Task '{split.name}', query '{query.name}': {why}")
        queries.append(replace(query, hops=hops))
    return replace(split, queries=tuple(queries))


def unknown_labels(domains: Collection[str] | None, conditions: Collection[str] | None, split: SplitSpec) -> list[str]:
    """Return a sentence, without a full stop, for each domain or condition of a task that the dataset does not have.

    None stands for labels that nobody knows yet. A misspelt pair that is held out would else be trained on, and a
    misspelt source be missed.
    """
    pairs = [("held_out", split.held_out), ("reference", split.reference)]
    named = [("domain", query.domain, "queries") for query in split.queries]
    named += [("condition", name, "queries") for query in split.queries for name in (query.source, query.target)]
    named += [("domain", name, key) for key in ("source_domains", "controls") for name in getattr(split, key)]
    named += [("condition", name, "conditions") for name in split.conditions]
    named += [(kind, name, key) for key, of in pairs for pair in of for kind, name in zip(_KINDS, pair, strict=True)]
    problems = {}
    for kind, name, key in named:
        known = domains if kind == "domain" else conditions
        if known is not None and name not in known:
            listed = ", ".join(sorted(known)[:LISTED]) + (", ..." if len(known) > LISTED else "")
            said = (
                f"the dataset has no {kind} '{name}'{did_you_mean(name, known)}, which '{key}' names; it has {listed}"
            )
            problems.setdefault((kind, name), said)
    return list(problems.values())


def _names(obs: "pd.DataFrame") -> np.ndarray:
    """Return the names (cells,) that cells are drawn by: the same for what was measured in several conditions."""
    return obs.get("pair_id", obs.index).to_numpy().astype(str)


def _draw(
    names: np.ndarray, domain: np.ndarray, condition: np.ndarray, most: Mapping[Pair, int], seed: int
) -> np.ndarray:
    """Return the mask (cells,) of the cells that are kept: at most ``most`` of each (domain, condition) pair.

    ``names`` (cells,) are the same for what was measured in several conditions, such as an image: it is kept in all of
    them or in none, so that the truth of each kept cell of a query is kept too.
    """
    keep = np.ones(len(domain), dtype=bool)
    different, which = np.unique(names, return_inverse=True)
    place = np.random.default_rng(seed).permutation(len(different))[which]
    for pair in sorted(set(zip(domain, condition, strict=True))):
        cells = np.flatnonzero(pairs_mask(domain, condition, [pair]))
        keep[cells[np.argsort(place[cells], kind="stable")][most[pair] :]] = False
    return keep


def _scored_cells(sizes: Mapping[Pair, int], most: int, features: int) -> int:
    return scored_cells(most, features)


def _drawn(
    adata: "AnnData",
    part: np.ndarray,
    features: int,
    split: SplitSpec,
    most: Callable[[Mapping[Pair, int], int, int], int],
) -> np.ndarray | None:
    """Return the mask (cells,) of what is drawn again of some cells (mask); None where these are all.

    Only cells that were drawn from more are drawn again, where they have many values: ``most`` says, from the sizes of
    populations, the most that was kept of one and the features, how many of each at most.
    """
    cohort = Cohort.from_json(adata.uns["cohort"]) if "cohort" in adata.uns else None
    if cohort is None or not cohort.drawn:
        return None
    obs = adata.obs[part]
    domain, condition = (obs[column].astype(str).to_numpy() for column in ("domain", "condition"))
    sizes = Counter(zip(domain, condition, strict=True))
    limit = most(sizes, cohort.most, features)
    if limit >= cohort.most:
        return None
    drawn = np.zeros(len(part), dtype=bool)
    drawn[part] = _draw(_names(obs), domain, condition, kept_cells(sizes, limit), split.seed)
    return drawn


def _truth_of_queries(
    domain: np.ndarray, condition: np.ndarray, keep: np.ndarray, split: SplitSpec
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the dataset that are the truth of a query, in their order, and the names of the queries."""
    found = [np.flatnonzero(keep & pairs_mask(domain, condition, [(q.domain, q.target)])) for q in split.queries]
    rows = np.concatenate(found)
    names = np.repeat([query.name for query in split.queries], [len(cells) for cells in found])
    order = np.argsort(rows, kind="stable")
    return rows[order], names[order]


def _note_other_domains(data: TrainingData, query: Query) -> None:
    """Print a note where S and T are of other domains: what differs between these is then taken for the change."""
    before, after = (set(data.domain[mask]) for mask in (data.is_source(query), data.is_target(query)))
    if not query.hops and before and after and not before & after:
        print(
            f"note: query '{query.name}': source ({', '.join(sorted(before))}) and target ({', '.join(sorted(after))}) "
            "have no domain in common; where these are controls, name them in 'controls'.",
            flush=True,
        )


def _check_populations(data: TrainingData, query: Query, task: str, measured: np.ndarray) -> None:
    """Raise `UserError` where the query lacks a population; ``measured`` are the conditions of its domain's cells."""
    for word, mask in (
        ("source", data.is_source(query)),
        ("target", data.is_target(query)),
        ("query", data.is_query(query)),
    ):
        if not mask.any():
            condition = query.target if word == "target" else query.source
            whose = f"'{query.domain}' has" if word == "query" else "the domains of source and target have"
            there = measured if word == "query" else data.condition[np.isin(data.role, ("source", "target"))]
            raise UserError(
                f"Task '{task}', query '{query.name}': the {word} population has no cells; {whose} none in "
                f"'{condition}', but in {', '.join(np.unique(there)) or 'no condition'}."
            )
