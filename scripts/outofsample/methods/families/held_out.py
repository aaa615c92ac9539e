"""What a method predicts for domains that it was not fitted to: what can be expected of its prediction rests on it.

The query is a population that S and T lack. Each domain that they share is such a population once it is left out of
the fit, and one whose answer is known. Intervals made of it: `outofsample.metrics.expected`.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from outofsample.arrays import HeldOut, Query, TrainingData, as_float
from outofsample.errors import UserError
from outofsample.methods.families.base import Method, draw, trains_parts
from outofsample.methods.families.chain import Chain
from outofsample.methods.families.out_of_fold import SCORED_CELLS, Fold, scored_folds, shared_domains
from outofsample.metrics.distances import energy_and_mmd, energy_distance, pairs_within

#: Domains that S and T must share: fewer say nothing of how much an error differs from one population to another.
LEAST_DOMAINS = 3
#: What rounding can make of a distance, in units of the cells' spread: some steps of float32.
ROUNDING = 1e-6


def hold_out_domains(method: Method | Chain, data: TrainingData, seed: int = 0) -> dict[str, HeldOut]:
    """Return, by query, what the method predicts for each domain that S and T share, without it in the fit.

    Queries of one change (from one condition to another) have the same domains, and one answer: that of the first,
    whose cells take part in its fits as a query's do. Nothing is held out, and `HeldOut.why_not` says why, where S and
    T share fewer than `LEAST_DOMAINS` domains with enough cells, where the method trains a network, which would be
    trained anew for each domain, and where it corrects only the cells of its fit.

    Parameters
    ----------
    method
        Fitted to the data; it stays as it is, but frees what it has kept of the folds of its fit.
    data
        The training part of a task.
    seed
        Of the fits, and of the cells that are drawn where there are many.
    """
    found: dict[tuple[str, str], HeldOut] = {}
    for query in data.queries:
        if (query.source, query.target) not in found:
            found[query.source, query.target] = _of_change(method, data, query, seed)
    method.forget_folds()
    return {query.name: with_query(method, data, query, found[query.source, query.target]) for query in data.queries}


def with_query(method: Method | Chain, data: TrainingData, query: Query, held_out: HeldOut) -> HeldOut:
    """Return what is held out with how far the fitted method moves the query."""
    if held_out.why_not:
        return held_out
    cells = draw(data.is_query(query), SCORED_CELLS, np.random.default_rng(0))
    counts = None if data.counts is None else data.counts[cells]
    return replace(
        held_out,
        query_moved=_moved(data.X[cells], method.transform(data.X[cells], query, counts).X),
        query_distance=_distance_to_source(as_float(data.X[cells]), data, query),
    )


def _distance_to_source(X: np.ndarray, data: TrainingData, query: Query) -> float:
    """Return the energy distance from cells X (cells, features) to S, of which some are drawn."""
    others = draw(data.is_source(query), SCORED_CELLS, np.random.default_rng(0))
    return energy_distance(X, as_float(data.X[others]))


def _moved(X: np.ndarray, predicted: np.ndarray) -> float:
    """Return the energy distance of cells (cells, features) to what is predicted for them; 0 where it is rounding.

    Rounding is not a movement: how wide an interval is would hang on the processor.
    """
    predicted, X = as_float(predicted), as_float(X)
    distance = energy_distance(predicted, X, np.arange(len(X)))
    spread = np.sqrt(X.var(axis=0, dtype=np.float64).sum())
    return distance if abs(distance) > ROUNDING * spread else 0.0


def _of_change(method: Method | Chain, data: TrainingData, query: Query, seed: int) -> HeldOut:
    if why := _why_a_chain_is_not(query):
        return HeldOut.none(len(data.features), why)
    # Of a query of one hop the chain's first fit is all.
    method = method.fits[0] if isinstance(method, Chain) else method
    shared = shared_domains(data, query)
    if why := why_not_refitted(method):
        return HeldOut.none(len(data.features), why, len(shared) < 2)
    rng = np.random.default_rng(seed)
    folds = list(scored_folds(data, query, (data.domain == name for name in shared), rng))
    if len(folds) < LEAST_DOMAINS:
        named = [str(data.domain[fold.source[0]]) for fold in folds]
        return HeldOut.none(len(data.features), too_few_domains(named), len(shared) < 2)
    try:
        return predict_folds(method, data, query, folds, seed)
    except UserError as error:
        return HeldOut.none(len(data.features), f"it cannot be fitted without one of the domains ({error})")


def predict_folds(method: Method, data: TrainingData, query: Query, folds: Sequence[Fold], seed: int = 0) -> HeldOut:
    """Return what a method predicts for folds of S and T that it was not fitted to; each is called after its domain.

    Raises
    ------
    UserError
        If it cannot be fitted without one of them.
    """
    predictions = method.out_of_fold(data, query, folds, seed)
    rows = [_row(data, query, fold, predicted) for fold, predicted in zip(folds, predictions, strict=True)]
    return HeldOut(*(np.array(column) for column in zip(*rows, strict=True)))


def _why_a_chain_is_not(query: Query) -> str:
    """Return why a query along several hops has no folds; "" where source and target share controls."""
    if len(query.steps) > 1:
        return f"{query.source} and {query.target} share no control that could be left out: they are joined by a chain"
    return ""


def why_not_refitted(method: Method) -> str:
    """Return why a method is not fitted again for each domain; "" where it is."""
    if method.transductive:
        return "it corrects only the cells that it is fitted to"
    if trains_parts(type(method), method.settings) or (method.fitted is not None and method.fitted.trains):
        return "it trains a network, which would have to be trained again for each domain"
    return ""


def too_few_domains(named: list[str]) -> str:
    """Return a sentence's part on what is missing where too few domains can be held out, and what would help."""
    more = LEAST_DOMAINS - len(named)
    known = f"share {len(named)} ({', '.join(named)})" if named else "share none with enough cells"
    return (
        f"source and target {known}, and it takes {LEAST_DOMAINS} populations measured in both conditions to say how "
        f"far an error differs from one to another: {more} further control{'s' if more > 1 else ''} would give a number"
    )


def _row(data: TrainingData, query: Query, fold: Fold, predicted: np.ndarray) -> tuple:
    """Return the fields of `HeldOut` for one domain; ``predicted`` (cells, features) is of its cells of S."""
    X, truth = as_float(data.X[fold.source]), as_float(data.X[fold.target])
    within = pairs_within(truth)
    before = X.mean(axis=0, dtype=np.float64)
    return (
        str(data.domain[fold.source[0]]),
        energy_and_mmd(as_float(predicted), truth, within_y=within)[0],
        energy_and_mmd(X, truth, within_y=within)[0],
        _moved(X, predicted),
        predicted.mean(axis=0, dtype=np.float64) - before,
        truth.mean(axis=0, dtype=np.float64) - before,
        _distance_to_source(X, fold.rest, query),
    )
