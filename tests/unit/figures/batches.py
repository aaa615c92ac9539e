"""A small task of batches for the figures' tests: two queries, two seeds, a method that did not run."""

import anndata
import numpy as np
import pandas as pd

from outofsample.arrays import Prediction, Query
from outofsample.files.prediction import PredictionWriter
from outofsample.files.task import to_training
from outofsample.jobs.split import SplitSpec
from outofsample.study.split import split_dataset

FEATURES = ("IFNg", "CCR6", "CD3", "CD4")
QUERIES = ("to_026", "to_028")


def write_files(folder):
    """Write a small task with two queries, two seeds and a method that did not run; the second query has no truth."""
    rng = np.random.default_rng(0)
    groups = [(domain, batch) for domain in ("control", "sample") for batch in ("b1", "b2", "b3")][:-1]
    obs = pd.DataFrame(np.repeat(groups, 60, axis=0), columns=["domain", "condition"])
    X = rng.gamma(2, 1, size=(len(obs), len(FEATURES))) + (obs["condition"] == "b2").to_numpy()[:, None]
    adata = anndata.AnnData(X.astype(np.float32), obs.set_index(obs.index.astype(str)), pd.DataFrame(index=FEATURES))
    adata.uns |= {"dataset": "d", "stand_in": True}
    # No cells of (sample, b3) exist: that query's condition is known from the control alone.
    split = SplitSpec("t", tuple(query(name) for name in QUERIES), (("sample", "b2"), ("sample", "b3")))
    train, truth = split_dataset(adata, split)
    train.write_h5ad(folder / "train.h5ad")
    truth.write_h5ad(folder / "truth.h5ad")
    data = to_training(train)
    for method in ("neuron_editing", "no_change"):
        writer = PredictionWriter(data, method, in_sample_cells=5)
        for seed in (3, 4) if method == "neuron_editing" else (0,):
            writer.add_all(lambda X, query, counts, by=seed: Prediction(X + np.float32(by)), seed)
        writer.write(folder / f"{method}.h5ad")
    PredictionWriter(data, "mnn").write(folder / "mnn.h5ad", not_run="R is missing")
    return folder


def query(name):
    """Return the query of this name, as a split takes it."""
    return Query(name, "sample", "b1", {"to_026": "b2", "to_028": "b3"}[name])


def parameters(**options):
    """Return a figure's parameters as `figure_json` of the rules makes them."""
    labels = {"neuron_editing": "Neuron editing", "mnn": "MNN"}
    flags = {"stand_in": True, "demo_size": True}
    return {"name": "f", "title": "A title", "task": "t", **flags, "labels": labels, "options": options}
