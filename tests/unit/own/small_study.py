"""A small study of one's own in every format: its files, read, predicted and written back."""

import json

import anndata
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from outofsample import registry
from outofsample.arrays import Prediction, Query
from outofsample.datasets import own
from outofsample.errors import UserError
from outofsample.files import fcs
from outofsample.files.prediction import PredictionWriter
from outofsample.files.task import read_training
from outofsample.jobs.split import SplitSpec
from outofsample.methods.no_change import Method as NoChange
from outofsample.own.write_back import write_back
from outofsample.study.split import split_dataset

try:
    import pyarrow
except ImportError as problem:
    pyarrow, why_no_parquet = None, str(problem)
needs_parquet = pytest.mark.skipif(pyarrow is None, reason=f"no Parquet: {why_no_parquet if not pyarrow else ''}")


QUERY = Query("after", "patient", "before", "after")
CHANNELS = ("Time", "Nd142Di", "Nd143Di", "Ir191Di")
LABELS = ("", "142Nd_CD19", "143Nd_CD4", "191Ir_DNA1")
#: The four groups of a small study: (domain, condition).
GROUPS = [("control", "before"), ("control", "after"), ("patient", "before")]
FCS_FILES = [
    {"path": f"{domain}_{condition}.fcs", "condition": condition, "domain": domain} for domain, condition in GROUPS
]
COLUMNS = {"condition_column": "day", "domain_column": "person"}
NAMES = [
    "a.csv",
    "Batch 1/Tube 1.fcs",
    "-q.fcs",
    "donor's.fcs",
    "p$(touch X).fcs",
    "a<b>.fcs",
    "{task}.fcs",
    "Zelle\n.fcs",
]


def dataset(folder, **settings):
    """Return the dataset as the workflow makes it: with its folders listed."""
    completed = own.Dataset.complete({"folder": folder.name, **settings}, folder.parent)
    return registry.create("datasets", "own", json.loads(json.dumps(completed)))


def paths(data, folder):
    return {file.name: folder / file.name for file in data.raw_files()}


def load(folder, **settings):
    data = dataset(folder, **settings)
    return data.load(paths(data, folder))


def error(folder, **settings):
    """Return the one sentence that reading ends with."""
    with pytest.raises(UserError) as caught:
        load(folder, **settings)
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message
    return message


def values(cells, features=2, seed=0):
    return np.random.default_rng(seed).gamma(1, 20, (cells, features)).astype(np.float32)


def write_fcs_files(folder, cells=20):
    for seed, file in enumerate(FCS_FILES):
        fcs.write_fcs(folder / file["path"], values(cells, 4, seed), CHANNELS, LABELS)


def table(cells=20, features=("CD4", "CD19")):
    blocks = []
    for seed, (domain, condition) in enumerate(GROUPS):
        block = pd.DataFrame(values(cells, len(features), seed), columns=list(features))
        block.insert(0, "id", [f"{domain}-{condition}-{row:03d}" for row in range(cells)])
        blocks.append(block.assign(day=condition, person=domain, note="a, b"))
    # Shuffled, so that a file's rows are not those of the query in one piece.
    return pd.concat(blocks, ignore_index=True).sample(frac=1, random_state=0).reset_index(drop=True)


def write_h5ad(folder, name="cells.h5ad", counts=False, sparse=True):
    from scipy.sparse import csr_matrix

    frame = table().set_index("id")
    X = np.round(frame[["CD4", "CD19"]].to_numpy()) if counts else frame[["CD4", "CD19"]].to_numpy()
    obs = frame[["day", "person", "note"]].astype("category")
    var = pd.DataFrame({"length": [7, 8]}, index=["CD4", "CD19"])
    adata = anndata.AnnData(csr_matrix(X) if sparse else X, obs=obs, var=var, uns={"kept": 1})
    adata.write_h5ad(folder / name)
    return adata


def write_images(folder, mode="RGB", size=(6, 4)):
    (folder / "pictures" / "sub").mkdir(parents=True)
    rows = []
    for number, (domain, condition) in enumerate(GROUPS * 3):
        name = f"sub/{number}.png" if number % 2 else f"{number}.png"
        Image.new(mode, size, 10 * number if mode == "L" else (10 * number, 0, 7)).save(folder / "pictures" / name)
        rows.append((name, condition, domain))
    pd.DataFrame(rows, columns=["file", "day", "person"]).to_csv(folder / "images.csv", index=False)


def inputs_of(folder, kind):
    """Write a small input of a format, and return its settings."""
    if kind == "fcs":
        write_fcs_files(folder)
        return {"files": FCS_FILES}
    if kind == "images":
        write_images(folder)
        return {"files": ["images.csv"], "images": "pictures", **COLUMNS}
    name = {"h5ad": "cells.h5ad", "table": "cells.csv", "parquet": "cells.parquet"}[kind]
    if kind == "h5ad":
        write_h5ad(folder, name)
    elif kind == "table":
        table().to_csv(folder / name, index=False)
    else:
        table().to_parquet(folder / name)
    return {"files": [name], **COLUMNS}


KINDS = ["fcs", "h5ad", "table", pytest.param("parquet", marks=needs_parquet), "images"]


def predict(data, adata, tmp_path, change=1.0, queries=(QUERY,), features=None, seeds=(0,)):
    """Write train.h5ad and a prediction that adds ``change`` to every value; return their paths."""
    adata.uns |= {"dataset": "mine", "stand_in": False}
    split = SplitSpec("task", queries, ((queries[0].domain, queries[0].target),))
    train, _ = split_dataset(adata if features is None else adata[:, features].copy(), split)
    train.write_h5ad(tmp_path / "train.h5ad")
    training = read_training(tmp_path / "train.h5ad")
    writer = PredictionWriter(training, "mine_method")
    method = NoChange().attach(training)
    for seed in seeds:
        writer.add_all(lambda *a, seed=seed: Prediction(method.transform(*a).X + np.float32(change + seed)), seed)
    writer.write(tmp_path / "prediction.h5ad")
    return tmp_path / "prediction.h5ad", tmp_path / "train.h5ad"


def written(data, folder, tmp_path, change=1.0, seed=None, **options):
    """Read, predict and write back; return the files that were written."""
    adata = data.load(paths(data, folder))
    files = predict(data, adata, tmp_path, change, **options)
    return write_back(*files, data, paths(data, folder), tmp_path / "out", seed)


def state_of(folder):
    """Return content and times of all in a folder; the times of folders tell of files that came and went."""
    found = sorted([folder, *folder.rglob("*")])
    return {path: (path.stat().st_mtime_ns, path.is_file() and path.read_bytes()) for path in found}
