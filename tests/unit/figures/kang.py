"""A small task like Kang's for the tests of trVAE's figures: NK cells held out, scores, and Figures 5 and 6 drawn."""

import anndata
import numpy as np
import pandas as pd
import scipy.sparse

from outofsample.arrays import Prediction, Query
from outofsample.figures import perturbation, perturbation_data
from outofsample.figures.data import load_data
from outofsample.files.prediction import PredictionWriter
from outofsample.files.task import to_training
from outofsample.jobs.split import SplitSpec
from outofsample.study.split import split_dataset

GENES = ("ISG15", "CD3D", "LYZ", "MS4A1", "NKG7", "IFI6")
METHODS = ("trvae", "cvae", "no_change", "mean_shift", "scvi")
CONTROLS = ["no_change", "mean_shift"]
LETTERS = "abcdef"


def write_files(folder):
    """Write a task: NK cells held out in one of two targets, the other query without a truth; X is sparse."""
    rng = np.random.default_rng(0)
    pairs = [(t, c) for t in ("NK", "T", "B") for c in ("control", "day3", "day10") if (t, c) != ("NK", "day3")]
    obs = pd.DataFrame(np.repeat(pairs, 30, axis=0), columns=["domain", "condition"])
    X = rng.poisson(1.0, (len(obs), len(GENES))).astype(np.float32)
    X[:, 0] += 3 * (obs["condition"] == "day10")
    X[:, 1] += 4 * (obs["domain"] == "T")
    X = scipy.sparse.csr_matrix(X)
    adata = anndata.AnnData(X, obs.set_index(obs.index.astype(str)), pd.DataFrame(index=GENES))
    adata.uns |= {"dataset": "kang", "stand_in": False}
    queries = tuple(Query(target, "NK", "control", target) for target in ("day10", "day3"))
    train, truth = split_dataset(adata, SplitSpec("kang", queries, (("NK", "day10"), ("NK", "day3"))))
    train.write_h5ad(folder / "train.h5ad")
    truth.write_h5ad(folder / "truth.h5ad")
    for method in METHODS:
        write_predictions(to_training(train), method, folder / f"{method}.h5ad")
    return folder


def write_predictions(data, method, path):
    """Write made-up predictions; the matched layer of the CVAE keeps conditions apart, that of trVAE does not."""
    writer = PredictionWriter(data, method, in_sample_cells=60)
    if method == "scvi":
        writer.write(path, not_run="needs counts")
        return
    shift = np.array([3, 0, 0, 0, 0, 0], dtype=np.float32)
    change = {"no_change": 0, "mean_shift": 1}.get(method, 0.5) * shift
    layer = data.X[:, 1:4] if method in ("trvae", "cvae") else None
    for seed in (3, 4) if method in ("trvae", "cvae") else (0,):
        for query in data.queries:
            rows = np.flatnonzero(data.is_query(query))
            part = None if layer is None else layer[rows]
            writer.add(query, seed, rows, "query", Prediction(data.X[rows] + change, matched=part))
    if layer is not None:
        cells = np.sort(np.random.default_rng(0).permutation(len(data.X))[:120])
        apart = 50 * (method == "cvae") * (data.condition[cells] == "day10")
        writer.add(data.queries[0], 3, cells, "self", Prediction(data.X[cells], matched=layer[cells] + apart[:, None]))
    writer.write(path)


def load(folder, methods=METHODS, **options):
    """Return the data of a figure."""
    figure = {"name": "f", "title": "A title", "task": "kang", "stand_in": False, "demo_size": True}
    figure |= {"labels": {"trvae": "trVAE", "cvae": "CVAE", "no_change": "No change"}, "controls": CONTROLS}
    figure |= {"scores_of": {"t_cells": {"label": "T cells", "stand_in": False}}, "options": options}
    return load_data(
        figure, folder / "train.h5ad", folder / "truth.h5ad", [str(folder / f"{method}.h5ad") for method in methods]
    )


def score_rows(task="kang", query="day10", names=perturbation.SCORES, value=0.5):
    """Return rows of scores: one per seed of the methods that ran, halves of the oracle, and the one that did not."""
    runs = [(m, s) for m in METHODS if m != "scvi" for s in ((3, 4) if m in ("trvae", "cvae") else (0,))]
    runs += [("oracle", half) for half in range(5)]
    rows = [
        {
            "task": task,
            "query": query,
            "method": m,
            "seed": s,
            "score": name,
            "value": value + 0.1 * (s == 4),
            "sd": 0.02,
        }
        for m, s in runs
        for name in names
    ]
    rows.append({"task": task, "query": query, "method": "scvi", "note": "needs counts"})
    return pd.DataFrame(
        rows,
        columns=[
            "task",
            "query",
            "method",
            "seed",
            "score",
            "value",
            "low",
            "high",
            "sd",
            "n_cells",
            "note",
            "backend",
        ],
    )


def scores_of(folder, *tables):
    """Write tables of scores, and read them as the notebook does."""
    paths = []
    for number, table in enumerate(tables):
        paths.append(str(folder / f"scores_{number}.csv"))
        table.to_csv(paths[-1], index=False)
    return perturbation_data.load_scores(paths)


def draw(folder, scores=None, methods=METHODS, query=None, **options):
    """Return the drawn Figure 5 or 6."""
    data = load(folder, methods, **({"query": query} if query else {}))
    measured = perturbation_data.read_measured(folder / "train.h5ad", folder / "truth.h5ad")
    return perturbation.perturbation(
        data, measured, perturbation_data.load_scores([]) if scores is None else scores, **options
    )


def axes_of(figure, letter):
    """Return the first axes whose title begins with a letter of a panel."""
    return next(ax for ax in figure.axes if ax.get_title(loc="left").startswith(letter))
