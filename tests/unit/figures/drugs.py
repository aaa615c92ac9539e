"""A small task like the drug combination's for the figures' tests: one method is right, one did not run."""

import anndata
import numpy as np
import pandas as pd

from outofsample.arrays import Prediction, Query
from outofsample.files.prediction import PredictionWriter
from outofsample.files.task import to_training
from outofsample.jobs.split import SplitSpec
from outofsample.study.split import split_dataset

FEATURES = ("p4EBP1", "pSTAT5", "pS6", "pErk", "CD19", "CD20")
NAMES = {
    "source": "basal",
    "target": "Das",
    "query": "Bez",
    "prediction": "Bez, predicted with Das",
    "truth": "Bez+Das (held out)",
}
CHANGE = np.float32([-1.5, 0, -0.5, 0, 0, 0])
QUERY = Query("bez_das", "Bez", "basal", "Das")


def write_files(folder):
    """Write a task like the drug combination's: Das lowers two markers, under Bez as without; one method is right."""
    rng = np.random.default_rng(0)
    groups = [(domain, condition) for domain in ("none", "Bez") for condition in ("basal", "Das")]
    obs = pd.DataFrame(np.repeat(groups, 150, axis=0), columns=["domain", "condition"])
    X = rng.normal([4, 2, 3, 1, 2, 2.5], [0.9, 0.8, 0.7, 0.3, 0.5, 1.2], size=(len(obs), len(FEATURES)))
    X += (obs["condition"] == "Das").to_numpy()[:, None] * CHANGE
    adata = anndata.AnnData(X.astype(np.float32), obs.set_index(obs.index.astype(str)), pd.DataFrame(index=FEATURES))
    adata.uns |= {"dataset": "drug_combination", "stand_in": True}
    train, truth = split_dataset(adata, SplitSpec("drug_combination", (QUERY,), (("Bez", "Das"),)))
    train.write_h5ad(folder / "train.h5ad")
    truth.write_h5ad(folder / "truth.h5ad")
    data = to_training(train)
    predictions = {
        "mean_shift": lambda X, query, counts: Prediction(X + CHANGE),
        "gan": lambda X, query, counts: Prediction(X.mean(axis=0) + np.float32(0.1) * (X - X.mean(axis=0))),
        "no_change": lambda X, query, counts: Prediction(X),
    }
    for method, predict in predictions.items():
        writer = PredictionWriter(data, method, in_sample_cells=5)
        for seed in (5, 6) if method == "gan" else (0,):
            writer.add_all(predict, seed)
        writer.write(folder / f"{method}.h5ad")
    PredictionWriter(data, "scvi").write(folder / "scvi.h5ad", not_run="there are no counts")
    return folder


def parameters(name="f", **options):
    """Return a figure's parameters as `figure_json` of the rules makes them."""
    labels = {"mean_shift": "Mean shift", "gan": "GAN", "no_change": "No change", "scvi": "scVI"}
    options = {"names": NAMES} | options
    flags = {"stand_in": True, "demo_size": True, "unit": "arcsinh(x/5)"}
    return {"name": name, "title": "A title", "task": "drug combination", **flags, "labels": labels, "options": options}
