"""A small task of glasses for the tests of grids of images."""

import numpy as np
import pandas as pd

from outofsample.arrays import Prediction, Query
from outofsample.figures import image_blocks
from outofsample.files.prediction import PredictionWriter
from outofsample.files.task import to_training
from outofsample.images.image_data import to_anndata
from outofsample.jobs.split import SplitSpec
from outofsample.study.split import split_dataset

SHAPE = (4, 6, 3)
METHODS = ("neuron_editing", "pca_editing", "no_change", "scvi")
DARK, CLEAR = 40, 160
EYES = {"region": [0.25, 0.75, 0, 1], "region_name": "the eyes"}


def write_files(folder):
    """Write a task of glasses: women known before and after, men not; each image has a grey value of its own."""
    rng = np.random.default_rng(0)
    groups = [("female", "none"), ("female", "glasses"), ("male", "none"), ("male", "glasses")]
    obs = pd.DataFrame(np.repeat(groups, 20, axis=0), columns=["domain", "condition"])
    number = np.tile(np.arange(20), 4)
    women = (obs["domain"] == "female").to_numpy()
    worn = (obs["condition"] == "glasses").to_numpy()
    obs["pair_id"] = np.where(women, [f"w{k}" for k in number], "")
    obs["glasses"] = np.where(worn, np.where(number % 4 == 0, "dark", "clear"), "none")
    X = np.repeat(180 + number[:, None], np.prod(SHAPE), axis=1).reshape(-1, *SHAPE)
    X[:, 1:3] += rng.integers(0, 5, X[:, 1:3].shape)
    X[worn, 1:3] = np.where(obs["glasses"][worn] == "dark", DARK, CLEAR)[:, None, None, None]
    X[worn & women, 0, 0, 0] = number[worn & women]
    X[~worn & women, 0, 0, 0] = number[~worn & women]
    adata = to_anndata(X.astype(np.uint8), obs.set_index(obs.index.astype(str)))
    adata.uns |= {"dataset": "faces", "stand_in": True}
    query = Query("women", "female", "none", "glasses")
    train, truth = split_dataset(
        adata, SplitSpec("glasses", (query,), (("female", "glasses"),), source_domains=("male",))
    )
    train.write_h5ad(folder / "train.h5ad")
    truth.write_h5ad(folder / "truth.h5ad")
    data = to_training(train)
    for method in METHODS:
        writer = PredictionWriter(data, method, in_sample_cells=12)
        if method == "scvi":
            writer.write(folder / f"{method}.h5ad", not_run="needs counts")
            continue
        for seed in (3, 4) if method == "neuron_editing" else (0,):
            writer.add_all(lambda X, *_, by=seed: Prediction(X.astype(np.float32) + by), seed)
        writer.write(folder / f"{method}.h5ad")
    return folder


def load(folder, methods=METHODS, truth="truth.h5ad", **options):
    """Return what a grid shows."""
    figure = {"name": "f", "title": "A title", "task": "glasses", "stand_in": True, "demo_size": True}
    figure |= {"labels": {"neuron_editing": "Neuron editing", "scvi": "scVI"}, "controls": ["no_change"]}
    figure["options"] = options
    return image_blocks.load_images(
        figure, folder / "train.h5ad", folder / truth, [folder / f"{m}.h5ad" for m in methods]
    )
