"""Splitting a dataset into what may be looked at and the truth.

This is the only place where held-out cells and training cells meet: after it they are in two files, and no
training or transforming rule takes the file with the truth.
"""

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.arrays import Query, TrainingData
from outofsample.errors import UserError, did_you_mean
from outofsample.files.cohort import read_cohort
from outofsample.files.dataset import DatasetRows, read_dataset
from outofsample.files.task import to_training
from outofsample.jobs.split import SplitSpec
from outofsample.study.variable_features import moments, most_variable

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData


def pairs_mask(domain: np.ndarray, condition: np.ndarray, pairs) -> np.ndarray:
    """Return the mask (cells,) of cells in one of the (domain, condition) pairs."""
    mask = np.zeros(len(domain), dtype=bool)
    for wanted_domain, wanted_condition in pairs:
        mask |= (domain == wanted_domain) & (condition == wanted_condition)
    return mask


def assign_roles(domain: np.ndarray, condition: np.ndarray, split: SplitSpec) -> np.ndarray:
    """Return the role (cells,) of each cell; held-out cells get ``truth`` or ``withheld``."""
    role = np.full(len(domain), "context", dtype="<U9")
    query_domains = {query.domain for query in split.queries}
    gives = np.isin(domain, split.source_domains) if split.source_domains else ~np.isin(domain, list(query_domains))
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
    _check_names(domain, condition, split)
    keep, seen = _kept_and_seen(rows.obs, split)
    found = moments(rows.pieces(seen if split.feature_selection == "strict" else keep))
    kept = most_variable(*found, split.variable_features) | rows.var.index.isin(split.keep_features)
    return split_dataset(rows.with_features(kept), replace(split, variable_features=None))


def _kept_and_seen(obs: "pd.DataFrame", split: SplitSpec) -> tuple[np.ndarray, np.ndarray]:
    """Return the masks (cells,) of the cells that take part in a task, and of those that a fit may see."""
    domain, condition = (obs[column].astype(str).to_numpy() for column in ("domain", "condition"))
    names = obs.get("pair_id", obs.index)
    keep = _draw(names.to_numpy().astype(str), domain, condition, split)
    if split.conditions:
        keep &= np.isin(condition, split.conditions)
    return keep, keep & ~np.isin(assign_roles(domain, condition, split), ["truth", "withheld"])


def split_dataset(adata: "AnnData", split: SplitSpec) -> tuple["AnnData", "AnnData"]:
    """Return the training part and the truth of a task.

    Raises
    ------
    UserError
        If a population that the task names has no cells; the message lists what there is.
    """
    domain, condition = (adata.obs[column].astype(str).to_numpy() for column in ("domain", "condition"))
    _check_names(domain, condition, split)
    role = assign_roles(domain, condition, split)
    keep, seen = _kept_and_seen(adata.obs, split)
    features = _choose_features(adata, seen if split.feature_selection == "strict" else keep, split)
    train = adata[seen, features].copy()
    train.obs["role"] = role[seen]
    cells, names = _truth_of_queries(domain, condition, keep, split)
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
            "queries": json.dumps([vars(query) for query in split.queries]),
        }
        part.uns |= {key: adata.uns[key] for key in ("image_shape", "left_out", "cohort") if key in adata.uns}
    for query in split.queries:
        _check_populations(to_training(train), query, split.name, condition[domain == query.domain])
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


def _check_names(domain: np.ndarray, condition: np.ndarray, split: SplitSpec) -> None:
    """Complain about domains and conditions that the dataset does not have."""
    for query in split.queries:
        for column, known, name in (
            ("domain", domain, query.domain),
            ("condition", condition, query.source),
            ("condition", condition, query.target),
        ):
            if name not in set(known):
                listed = ", ".join(sorted(set(known)))
                raise UserError(
                    f"Task '{split.name}': the dataset has no {column} '{name}'{did_you_mean(name, set(known))}; "
                    f"it has {listed}."
                )
    for name in split.conditions:
        if name not in set(condition):
            raise UserError(
                f"Task '{split.name}': the dataset has no condition '{name}'{did_you_mean(name, set(condition))}."
            )


def _draw(names: np.ndarray, domain: np.ndarray, condition: np.ndarray, split: SplitSpec) -> np.ndarray:
    """Return the mask (cells,) of the cells that are kept: at most `cells_per_group` of each pair.

    ``names`` (cells,) are the same for what was measured in several conditions, such as an image: it is kept in all of
    them or in none, so that the truth of each kept cell of a query is kept too.
    """
    keep = np.ones(len(domain), dtype=bool)
    if split.cells_per_group is None:
        return keep
    different, which = np.unique(names, return_inverse=True)
    place = np.random.default_rng(split.seed).permutation(len(different))[which]
    for pair in sorted(set(zip(domain, condition, strict=True))):
        cells = np.flatnonzero(pairs_mask(domain, condition, [pair]))
        keep[cells[np.argsort(place[cells], kind="stable")][split.cells_per_group :]] = False
    return keep


def _truth_of_queries(
    domain: np.ndarray, condition: np.ndarray, keep: np.ndarray, split: SplitSpec
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the dataset that are the truth of a query, in their order, and the names of the queries."""
    found = [np.flatnonzero(keep & pairs_mask(domain, condition, [(q.domain, q.target)])) for q in split.queries]
    rows = np.concatenate(found)
    names = np.repeat([query.name for query in split.queries], [len(cells) for cells in found])
    order = np.argsort(rows, kind="stable")
    return rows[order], names[order]


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
