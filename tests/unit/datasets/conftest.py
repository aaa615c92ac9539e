"""Small stand-ins, and what several datasets' tests ask of their cells."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from outofsample import registry
from outofsample.datasets import haber, kang

DATA = Path(__file__).parents[4] / "shared" / "data"


#: Sizes that keep the stand-ins small; a dataset that is not named here runs with its own defaults.
SMALL = {
    "cytonorm": {"cells_per_file": 200},
    "dengue": {f"{name}_cells": 300 for name in ("control1", "control2", "sample1", "sample2")},
    "drug_combination": {f"{name}_cells": 300 for name in ("basal", "das", "bez", "bez_das")},
    "kang": {"cells": 300, "genes": 200},
    "haber": {"cells": 300, "genes": 200},
    "own": {
        "folder": "cytonorm_controls",
        "files": [
            {"path": f"Gates_{batch}_Unstim_Control_1.fcs", "condition": batch, "domain": "one"}
            for batch in ("PTLG021", "PTLG028")
        ],
    },
    "morpho_mnist": {"digits_per_class": 2},
    "faces": {"images": 20},
}


def paths_of(dataset, folder):
    """Return the dataset's files: the real ones where they are, else the stand-in's, else skip."""
    real = DATA / dataset.settings.folder
    if dataset.can_simulate and dataset.use_simulated(DATA):
        dataset.simulate(folder)
        return {file.name: folder / file.name for file in dataset.simulated_files()}
    if not all((real / file.name).is_file() for file in dataset.raw_files()):
        pytest.skip(f"the real files are not at {real}, and there is no stand-in")
    return {file.name: real / file.name for file in dataset.raw_files()}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Return a function: name of a dataset -> (dataset, AnnData), each loaded once."""
    cache = {}

    def load(name):
        if name not in cache:
            dataset = registry.create("datasets", name, SMALL.get(name, {}))
            cache[name] = dataset, dataset.load(paths_of(dataset, tmp_path_factory.mktemp(name)))
        return cache[name]

    return load


def change(adata, domain, before, after):
    """Return the change of medians (markers,) of ``domain`` from one condition to the other."""
    medians = [
        np.median(adata.X[((adata.obs["domain"] == domain) & (adata.obs["condition"] == condition)).to_numpy()], 0)
        for condition in (before, after)
    ]
    return medians[1] - medians[0]


def simulated(dataset, folder):
    """Return the stand-in of a dataset, read again."""
    dataset.simulate(folder)
    return dataset.load({file.name: folder / file.name for file in dataset.simulated_files()})


@pytest.fixture(scope="module")
def blood(tmp_path_factory):
    return simulated(kang.Dataset(), tmp_path_factory.mktemp("kang"))


@pytest.fixture(scope="module")
def gut(tmp_path_factory):
    return simulated(haber.Dataset(), tmp_path_factory.mktemp("haber"))


def cells_of(adata, domain, condition):
    chosen = (adata.obs["domain"] == domain) & (adata.obs["condition"] == condition)
    return adata.X[chosen.to_numpy()].toarray()


def r2(one, other):
    return np.corrcoef(one, other)[0, 1] ** 2


def scores_of_controls(adata, domain, source, target):
    """Return R2 of means of: no change, adding the mean shift of the other types, halves of the truth, quantiles."""
    before, after = cells_of(adata, domain, source), cells_of(adata, domain, target)
    others = adata[(adata.obs["domain"] != domain).to_numpy()]
    S, T = (others.X[(others.obs["condition"] == name).to_numpy()].toarray() for name in (source, target))
    shift = T.mean(0) - S.mean(0)
    rng = np.random.default_rng(0)
    orders = [rng.permutation(len(after)) for _ in range(20)]
    halves = [r2(after[order[::2]].mean(0), after[order[1::2]].mean(0)) for order in orders]
    percents = np.arange(101)
    knots = [np.percentile(part, percents, axis=0) for part in (S + rng.uniform(0, 1e-6, S.shape), T)]
    mapped = [np.interp(before[:, gene], knots[0][:, gene], knots[1][:, gene]) for gene in range(adata.n_vars)]
    truth = after.mean(0)
    return {
        "no_change": r2(before.mean(0), truth),
        "mean_shift": r2(np.maximum(before + shift, 0).mean(0), truth),
        "change": np.corrcoef(shift, truth - before.mean(0))[0, 1],
        "oracle": np.mean(halves),
        "quantiles": r2(np.mean(mapped, axis=1), truth),
        "variances": r2(before.var(0), after.var(0)),
        "quantile_variances": r2(np.var(mapped, axis=1), after.var(0)),
    }


def write_text(path, text):
    path.write_bytes(gzip.compress(text.encode()))


def pixels(adata, **wanted):
    """Return the images (n, height, width, channels) of the rows whose ``obs`` has these values."""
    rows = np.logical_and.reduce([(adata.obs[column] == value).to_numpy() for column, value in wanted.items()])
    return np.asarray(adata.X[rows]).reshape(-1, *adata.uns["image_shape"])
