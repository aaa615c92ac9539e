"""Populations of cells, apart from files and drawing: what they are called, and a sample of them."""

import numpy as np

from outofsample.arrays import Query, TrainingData


def population_names(data: TrainingData, query: Query) -> dict[str, str]:
    """Return what the populations are called where the study gives no names: their domains and condition."""

    def name(mask: np.ndarray, condition: str) -> str:
        domains = sorted(set(data.domain[mask]))
        return f"{' + '.join(domains) if len(domains) < 4 else f'{len(domains)} domains'} ({condition})"

    source, target = name(data.is_source(query), query.source), name(data.is_target(query), query.target)
    if len(query.steps) > 1:
        target = f"{source}, moved by the mean changes of {len(query.steps)} hops"
    return {
        "source": source,
        "target": target,
        "query": f"{query.domain} ({query.source})",
        "prediction": f"{query.domain} (predicted as {query.target})",
        "truth": f"{query.domain} ({query.target}, held out)",
        "reference": name(data.is_reference(query), query.target),
    }


def draw(X: np.ndarray, cells: int) -> np.ndarray:
    """Return at most so many cells, the same at each call with the same number: points for a scatter."""
    return X if len(X) <= cells else X[np.random.default_rng(0).permutation(len(X))[:cells]]
