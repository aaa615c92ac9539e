"""A small cohort of one's own: files with more cells than are fitted, fitted methods, the job that predicts files."""

import json
from dataclasses import dataclass
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from outofsample.arrays import Query
from outofsample.files import fcs
from outofsample.files.cohort import read_cohort
from outofsample.files.dataset import write_dataset
from outofsample.files.task import read_training, write_task
from outofsample.jobs.own import PredictFilesSpec
from outofsample.jobs.predict import MethodSpec, TransformSpec
from outofsample.jobs.split import SplitSpec
from outofsample.jobs.train import ModelSpec
from outofsample.methods.families.transform import transform_all
from outofsample.study.split import split_dataset
from tests.unit.own.small_study import COLUMNS, dataset, paths, values

QUERY = Query("answer", "patients", "before", "after")
FEATURES = ("CD4", "CD19", "CD8")
#: (file, domain, condition, cells): of the patients before, 90 are drawn out of 420.
POPULATIONS = (
    ("control1", "control", "before", 150),
    ("control2", "control", "after", 130),
    ("patient1", "patients", "before", 40),
    ("patient2", "patients", "before", 380),
)
FIT_CELLS = 90


def write_cohort(folder: Path, kind: str, counts: bool = False) -> dict:
    """Write the files of a cohort in a format, and return the settings of its dataset."""
    files, frames = [], []
    for seed, (name, domain, condition, cells) in enumerate(POPULATIONS):
        X = values(cells, len(FEATURES), seed) * (1.5 if condition == "after" else 1)
        X = np.round(X) if counts else X
        frame = pd.DataFrame(X, columns=list(FEATURES)).assign(day=condition, person=domain, note="a, b")
        if kind == "fcs":
            labels = [f"{140 + number}Nd_{feature}" for number, feature in enumerate(FEATURES)]
            fcs.write_fcs(folder / f"{name}.fcs", X, [f"Nd{140 + number}Di" for number in range(len(X.T))], labels)
            files.append({"path": f"{name}.fcs", "condition": condition, "domain": domain})
        frames.append(frame)
    if kind == "fcs":
        return {"files": files}
    # Two files with shuffled rows: those of the query are neither all nor in one piece.
    whole = pd.concat(frames, ignore_index=True).sample(frac=1, random_state=0).reset_index(drop=True)
    for number, rows in enumerate((slice(0, 450), slice(450, None))):
        _write_table(folder, kind, number, whole.iloc[rows].reset_index(drop=True))
    suffix = {"h5ad": "h5ad", "table": "csv", "parquet": "parquet"}[kind]
    return {"files": [f"part{number}.{suffix}" for number in range(2)], **COLUMNS}


def _write_table(folder: Path, kind: str, number: int, frame: pd.DataFrame) -> None:
    if kind == "table":
        frame.to_csv(folder / f"part{number}.csv", index=False)
    elif kind == "parquet":
        frame.to_parquet(folder / f"part{number}.parquet")
    else:
        names = [f"{number}-{row}" for row in range(len(frame))]
        obs = frame[["day", "person", "note"]].astype("category").set_axis(names)
        X = csr_matrix(frame[list(FEATURES)].to_numpy(np.float32))
        adata = anndata.AnnData(X, obs=obs, var=pd.DataFrame(index=list(FEATURES)), layers={"other": X.copy()})
        adata.obsm["X_pca"] = X.toarray()[:, :2]
        adata.uns["kept"] = 1
        adata.raw = adata.copy()
        adata.write_h5ad(folder / f"part{number}.h5ad")


@dataclass
class SmallCohort:
    """What the jobs of a study have made of a cohort before its files are predicted."""

    data: object
    originals: dict[str, Path]
    train: Path
    fitted: Path
    predictions: dict[str, Path]
    spec: PredictFilesSpec


def prepared(
    folder: Path, tmp_path: Path, methods: dict[str, dict], model: str | None = None, **settings
) -> SmallCohort:
    """Read, split and fit as the workflow does; ``methods`` are settings by name, ``model`` what they stand on."""
    data = dataset(folder, **{"fit_cells": FIT_CELLS, **settings})
    originals = paths(data, folder)
    write_dataset(tmp_path / "dataset.h5ad", data.load(originals), "mine", False)
    split = SplitSpec("task", (QUERY,), ((QUERY.domain, QUERY.target),))
    train, fitted = tmp_path / "train.h5ad", tmp_path / "methods.pt"
    write_task(train, tmp_path / "truth.h5ad", split_dataset(anndata.read_h5ad(tmp_path / "dataset.h5ad"), split))
    asked = tuple(MethodSpec(name, name, options) for name, options in methods.items())
    stands_on = ModelSpec(model, model) if model else None
    predictions = {name: tmp_path / f"{name}.h5ad" for name in methods}
    drawn = read_cohort(train).drawn
    spec = TransformSpec(stands_on, asked, 10)
    transform_all(spec, read_training(train), [], list(predictions.values()), keep=fitted, drawn=drawn)
    completed = json.loads(json.dumps(vars(data.settings)))
    files = tuple(map(str, originals.values()))
    job = PredictFilesSpec("mine", completed, files, stands_on, asked, str(tmp_path / "own"), str(tmp_path / "study"))
    return SmallCohort(data, originals, train, fitted, predictions, job)
