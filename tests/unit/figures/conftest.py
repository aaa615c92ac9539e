"""Tasks and functions that several tests of the figures share."""

import numpy as np
import pytest

from outofsample.figures import embedding, study_summary
from outofsample.figures.data import load_data
from tests.unit.figures import batches, drugs, glasses, kang


@pytest.fixture(scope="session")
def batch_files(tmp_path_factory):
    """The folder of `batches`."""
    return batches.write_files(tmp_path_factory.mktemp("task"))


@pytest.fixture
def load_batches(batch_files):
    """Return a function: options, methods -> FigureData."""

    def of(options=None, methods=("neuron_editing", "no_change", "mnn"), **changed):
        figure = batches.parameters(**(options or {})) | changed
        return load_data(
            figure,
            batch_files / "train.h5ad",
            batch_files / "truth.h5ad",
            [batch_files / f"{method}.h5ad" for method in methods],
        )

    return of


@pytest.fixture(scope="session")
def drug_files(tmp_path_factory):
    """The folder of `drugs`."""
    return drugs.write_files(tmp_path_factory.mktemp("drugs"))


@pytest.fixture
def load_drugs(drug_files):
    """Return a function: methods -> FigureData."""

    def of(methods=("mean_shift", "gan", "no_change", "scvi")):
        paths = [drug_files / f"{method}.h5ad" for method in methods]
        return load_data(drugs.parameters("ne2019_fig6"), drug_files / "train.h5ad", drug_files / "truth.h5ad", paths)

    return of


@pytest.fixture(scope="session")
def kang_files(tmp_path_factory):
    """The folder of `kang`."""
    return kang.write_files(tmp_path_factory.mktemp("kang"))


@pytest.fixture
def quick(monkeypatch):
    """Let the first two features stand for UMAP."""
    monkeypatch.setattr(embedding, "embed", lambda X, *_, **__: np.asarray(X, dtype=float)[:, :2])


@pytest.fixture(scope="session")
def glasses_files(tmp_path_factory):
    """The folder of `glasses`."""
    return glasses.write_files(tmp_path_factory.mktemp("glasses"))


@pytest.fixture
def summarise_scores(tmp_path):
    """Return a function: tables of scores, options -> summary."""

    def of(*tables, labels=None, **options):
        paths = [str(tmp_path / f"{number}.csv") for number in range(len(tables))]
        for path, table in zip(paths, tables, strict=True):
            table.to_csv(path, index=False)
        tasks = dict.fromkeys(table["task"].iloc[0] for table in tables)
        about = {task: {"label": f"Task {task}", "stand_in": task == "sim"} for task in tasks}
        figure = {"name": "summary", "title": "All", "task": "", "stand_in": "sim" in tasks, "demo_size": True}
        figure |= {"labels": labels or {"no_change": "No change"}, "controls": ["no_change"], "scores_of": about}
        return study_summary.summarise_study(figure, paths, **options)

    return of
