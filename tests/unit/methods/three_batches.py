"""Three batches, of which the outer two share no control: the map goes by the one in the middle."""

from dataclasses import replace

import anndata
import numpy as np
import pandas as pd

from outofsample import registry
from outofsample.arrays import Query, TrainingData
from outofsample.files.task import to_training
from outofsample.jobs.split import SplitSpec
from outofsample.methods.families.chain import attached
from outofsample.study.split import split_dataset

#: What each batch adds to every second feature.
SHIFTS = {"batch1": 0.0, "batch2": 1.0, "batch3": 2.5}
#: Whose cells there are in each batch; patients in batch 3 are asked for in batch 1, where they are the truth.
MEASURED = {"batch1": ("A", "patients"), "batch2": ("A", "B"), "batch3": ("B", "patients")}
#: Means of each population, so different that B is no stand-in for A.
MEANS = {"A": 0.0, "B": 4.0, "patients": 2.0}
QUERY = Query("answer", "patients", "batch3", "batch1")
SPLIT = SplitSpec("chained", (QUERY,), controls=("A", "B"))


def simulated(cells: int = 300, features: int = 4, seed: int = 0, measured=MEASURED) -> anndata.AnnData:
    """Return cells of all populations; a batch adds the same to each."""
    rng = np.random.default_rng(seed)
    pairs = [(domain, batch) for batch, domains in measured.items() for domain in domains]
    even = np.arange(features) % 2 == 0
    X = [rng.normal(MEANS[d], 1, (cells, features)) + np.where(even, SHIFTS[b], 0) for d, b in pairs]
    obs = pd.DataFrame(np.repeat(pairs, cells, axis=0), columns=["domain", "condition"])
    obs.index = obs.index.astype(str)
    return anndata.AnnData(np.concatenate(X).astype(np.float32), obs=obs, uns={"dataset": "made", "stand_in": True})


def task_of(adata: anndata.AnnData, split: SplitSpec = SPLIT) -> tuple[TrainingData, np.ndarray]:
    """Return the training cells and the truth (cells, features)."""
    train, truth = split_dataset(adata, split)
    return to_training(train), np.asarray(truth.X)


def predicted(name: str, data: TrainingData, seed: int = 0, **settings) -> np.ndarray:
    """Return what a method predicts of the first query's cells (cells, features)."""
    entry = registry.find("methods", name)
    chosen = entry.Settings(**settings)
    model_name, model = entry.model_name(chosen), None
    if model_name is not None:
        model = registry.create("models", model_name, {}).fit(data.with_steps(), seed)
    query = data.queries[0]
    method = attached(lambda: entry(chosen, model), data, seed)
    return method.transform(data.X[data.is_query(query)], query).X


def without_hops(data: TrainingData) -> TrainingData:
    """Return the same cells as if nobody had looked at which controls are shared."""
    return replace(data, queries=tuple(replace(query, hops=()) for query in data.queries))
