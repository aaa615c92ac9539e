"""Which data are a cohort is known from a look at the files, and which jobs predict which files of it."""

import gzip

import numpy as np
import pytest

from outofsample.datasets.own import READERS, Settings
from outofsample.study import cohorts
from outofsample.study.cohorts import cells_of_cohort, files_of_queries, in_jobs
from outofsample.study.load import load_study
from outofsample.study.plan import Plan
from outofsample.study.presentation import Presentation
from tests.conftest import ROOT
from tests.unit.files.fcs_bytes import fcs_bytes
from tests.unit.own.small_cohort import POPULATIONS, QUERY, write_cohort
from tests.unit.own.small_study import needs_parquet

KINDS = ["fcs", "h5ad", "table", pytest.param("parquet", marks=needs_parquet)]


@pytest.fixture
def folder(tmp_path):
    """The folder of the user's files."""
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


@pytest.mark.parametrize("kind", KINDS)
def test_data_are_a_cohort_where_a_population_may_have_more_cells_than_are_fitted(folder, kind):
    files = write_cohort(folder, kind)
    # Files that say what each cell is may be of one population.
    most = 420 if kind == "fcs" else 700
    # Of a table the header is counted too.
    assert cells_of_cohort(Settings(**files, fit_cells=most + 2), folder) == {}
    found = cells_of_cohort(Settings(**files, fit_cells=most - 1), folder)
    cells = [size for *_, size in POPULATIONS] if kind == "fcs" else [450, 250]
    lines = 1 if kind == "table" else 0
    assert list(found.values()) == [size + lines for size in cells]
    assert cells_of_cohort(Settings(**files, fit_cells=None), folder) == {}


def test_many_domains_are_a_cohort_though_none_has_more_cells_than_are_fitted(folder):
    content = fcs_bytes(np.ones((60, 4)))
    names = [f"p{number}.fcs" for number in range(11)]
    for name in names:
        (folder / name).write_bytes(content)
    entries = [{"path": name, "condition": "before", "domain": name} for name in names]
    # Five times as many as of one: 600.
    assert cells_of_cohort(Settings(files=entries[:10], fit_cells=120), folder) == {}
    assert cells_of_cohort(Settings(files=entries, fit_cells=120), folder) == dict.fromkeys(names, 60)
    # What a column says can be of any domain.
    frame = "day,person,CD4\n" + "before,a,1\n" * 60
    for name in names:
        (folder / name).with_suffix(".csv").write_text(frame)
    tables = [{"path": f"p{number}.csv", "condition": "before"} for number in range(11)]
    labelled = {"domain_column": "person"}
    assert cells_of_cohort(Settings(files=tables, fit_cells=1000, **labelled), folder) == {}
    assert len(cells_of_cohort(Settings(files=tables, fit_cells=600, **labelled), folder)) == 11


def test_a_compressed_table_is_counted_too(folder):
    write_cohort(folder, "table")
    with gzip.open(folder / "a.csv.gz", "wb") as file:
        file.write((folder / "part0.csv").read_bytes())
    settings = Settings(files=[{"path": "a.csv.gz", "condition": "x", "domain": "y"}], fit_cells=100)
    assert cells_of_cohort(settings, folder) == {"a.csv.gz": 451}


def test_a_file_that_cannot_be_read_is_left_to_the_job_that_reads_it(folder):
    files = write_cohort(folder, "fcs")["files"]
    (folder / "patient1.fcs").write_text("no FCS")
    (folder / "control1.fcs").unlink()
    found = cells_of_cohort(Settings(files=files, fit_cells=100), folder)
    assert [found[f"{name}.fcs"] for name in ("control1", "patient1", "patient2")] == [0, 0, 380]


def test_every_format_is_counted():
    assert set(cohorts.COUNTS) == set(READERS)


def test_files_are_predicted_that_may_hold_cells_of_a_query(folder):
    asked = {(QUERY.domain, QUERY.source)}
    settings = Settings(**write_cohort(folder, "fcs"))
    assert files_of_queries(settings, asked) == ["patient1.fcs", "patient2.fcs"]
    settings = Settings(**write_cohort(folder, "table"))
    assert files_of_queries(settings, asked) == ["part0.csv", "part1.csv"]


def test_a_job_predicts_files_until_it_has_enough_cells(monkeypatch):
    monkeypatch.setattr(cohorts, "CELLS_PER_JOB", 10)
    cells = {"a": 4, "b": 6, "c": 3, "d": 30, "e": 1}
    assert in_jobs(list(cells), cells) == {"1-2": ["a", "b"], "2-1": ["c"], "3-1": ["d"], "4-1": ["e"]}
    assert in_jobs([], cells) == {}


@pytest.fixture
def plan(folder, tmp_path):
    """The plan of a study with a cohort, and with the same files as no cohort."""
    files = {"uses": "own", "folder": "mine", **write_cohort(folder, "fcs")}
    task = {"queries": [{"name": "q", "domain": QUERY.domain, "source": QUERY.source, "target": QUERY.target}]}
    study = {
        "study": "mine",
        "data_dir": str(tmp_path),
        "datasets": {"large": {**files, "fit_cells": 100}, "small": files},
        "tasks": {name: {"dataset": name, **task} for name in ("large", "small")},
        "methods": {
            "quantile_mapping": {},
            "neuron_editing": {},
            "mean_shift": {"control": True},
            "limma": {},
            "mnn": {},
        },
        "tables": {
            "t": {"title": "T", "tasks": ["large", "small"], "columns": [{"score": "rmse_medians", "label": "x"}]}
        },
    }
    return Plan(load_study(study, ROOT))


def test_a_cohort_comes_back_file_by_file(plan):
    assert plan.cohorts.tasks == ["large"] and "small" not in plan.cohorts
    assert plan.cohorts.jobs("large") == {"1-2": ["patient1.fcs", "patient2.fcs"]}
    assert plan.cohorts.groups("large") == ["identity", "autoencoder", "none_limma"]
    assert plan.cohorts.totals() == (6, 1260)
    spec = plan.cohorts.files_spec("large", "identity", "1-2")
    assert [method.name for method in spec.methods] == ["quantile_mapping", "mean_shift"]
    assert (
        spec.files
        == tuple(plan.cohorts.copies("large", "1-2"))
        == (
            "results/mine/raw/large/patient1.fcs",
            "results/mine/raw/large/patient2.fcs",
        )
    )
    assert [entry["path"] for entry in spec.settings["files"]] == ["patient1.fcs", "patient2.fcs"]
    assert spec.folder == "results/mine/own/large" and spec.results == "results/mine"
    joined = plan.cohorts.join_spec("large", "neuron_editing")
    assert joined.parts == ("results/mine/cohort/large/autoencoder/1-2.json",)
    assert plan.cohorts.writes("large", "mean_shift") and not plan.cohorts.writes("large", "mnn")
    assert plan.cohorts.group_of("mnn") is None
    assert plan.cohorts.methods("large", "identity") == ["quantile_mapping", "mean_shift"]


def test_what_r_fits_to_a_cohort_is_kept_where_it_can_correct_other_cells(plan):
    assert plan.correctors == ["limma", "mnn"] and plan.cohorts.correctors == {"none_limma": ["limma"]}
    assert plan.cohorts.corrections == [
        ("", ["small"], ["limma", "mnn"]),
        ("_of_cohort", ["large"], ["mnn"]),
        ("_of_cohort_kept", ["large"], ["limma"]),
    ]
    assert plan.cohorts.fitted("large", "none_limma") == "results/mine/methods/large/none_limma.json"
    assert plan.cohorts.fitted("large", "identity") == "results/mine/methods/large/identity.pt"
    spec = plan.cohorts.files_spec("large", "none_limma", "1-2")
    assert spec.model is None and [method.name for method in spec.methods] == ["limma"]
    assert plan.cohorts.join_spec("large", "limma").parts == ("results/mine/cohort/large/none_limma/1-2.json",)


def test_a_method_that_predicts_only_the_cells_of_its_fit_writes_no_files(plan, monkeypatch):
    monkeypatch.setattr(plan.study.method_class("neuron_editing"), "transductive", True)
    assert plan.cohorts.groups("large") == ["identity", "none_limma"] and not plan.cohorts.writes(
        "large", "neuron_editing"
    )
    assert plan.cohorts.methods("large", "autoencoder") == []


def test_the_files_of_a_cohort_are_linked_to_and_others_copied(plan):
    assert plan.fetch_spec("large", "patient1.fcs").link and plan.cohorts.holds("large")
    assert not plan.fetch_spec("small", "patient1.fcs").link and not plan.cohorts.holds("small")


def test_what_is_shown_of_a_cohort(plan, tmp_path, monkeypatch):
    shown = Presentation(plan)
    ran = ("quantile_mapping", "neuron_editing", "mean_shift", "limma")
    assert shown.own_tables() == [f"results/mine/own/large/{method}_files.csv" for method in ran]
    assert shown.own_folders() == [f"results/mine/own/small/{method}" for method in (*ran, "mnn")]
    assert shown.changes_spec("large", "mean_shift").files == ("results/mine/cohort/large/identity/1-2.json",)
    assert shown.changes_spec("large", "mnn").files == () == shown.changes_spec("small", "mean_shift").files
    (note,) = shown.table_spec("t").notes
    assert "fitted and scored on at most 100 cells of each population" in note
    assert "No files come back from mnn:" in note
    # What it wrote before the task was a cohort would be taken for a result.
    assert shown.changes_spec("large", "mnn").replaced == ("results/mine/own/large/mnn",)
    others = [shown.changes_spec("large", name) for name in ran] + [shown.changes_spec("small", "mnn")]
    assert not any(spec.replaced for spec in others)
    monkeypatch.chdir(tmp_path)
    assert shown.begin() == "mine: 6 files are to be written, with 1,260 cells in all"
    assert (tmp_path / "results" / "mine" / "progress.txt").read_text().endswith("in all\n")


def test_of_many_features_the_table_says_that_fewer_cells_are_scored(plan, monkeypatch):
    monkeypatch.setattr("outofsample.files.shares.SCORED_VALUES", 180)
    monkeypatch.setattr("outofsample.files.shares.LEAST", 2)
    plan.study.tasks["large"] = plan.study.tasks["large"].model_copy(update={"variable_features": 3})
    (note,) = Presentation(plan).table_spec("t").notes
    assert "fitted on at most 100 and scored on at most 60 cells of each population" in note


def test_other_studies_begin_without_a_word():
    study = {
        "study": "small",
        "datasets": {"dengue": {}},
        "tasks": {
            "t": {"dataset": "dengue", "queries": [{"domain": "sample1", "source": "batch1", "target": "batch2"}]}
        },
        "methods": {"no_change": {}},
    }
    assert Presentation(Plan(load_study(study, ROOT))).begin() == ""
