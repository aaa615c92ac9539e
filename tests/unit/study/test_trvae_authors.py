"""The studies in the setting of trVAE's authors: their saved training's, on every model that the claims name."""

import pytest

from outofsample.report.claims import read_claims
from outofsample.report.verdicts import ENOUGH
from outofsample.study.config import Study
from outofsample.study.load import read_study
from outofsample.study.plan import Plan
from tests.conftest import ROOT

#: Study: its task, which is a real task of the claims.
STUDIES = {"trvae_authors": "kang_sample.NK", "trvae_authors_open": "kang.NK"}
#: The notebook Train_Kang of theislab/trVAE_reproducibility.
NOTEBOOK = {"hidden": (512, 128), "latent": 20, "batch_size": 128, "eta": 100, "alpha": 1e-6, "beta": 500}


@pytest.fixture(scope="module", params=STUDIES)
def study(request) -> Study:
    return read_study(ROOT / "studies" / f"{request.param}.yaml")


def settings(study: Study, model: str) -> dict:
    return study.model_spec(model, STUDIES[study.study])["settings"]


def test_task_cells_and_genes_are_as_the_authors_had_them(study):
    assert list(study.selected("tasks")) == [STUDIES[study.study]]
    task = study.tasks[STUDIES[study.study]]
    [query] = task.queries
    assert (query.domain, query.source, query.target) == ("NK", "control", "stimulated")
    assert (task.variable_features, task.feature_selection) == (2000, "paper")
    assert study.datasets[task.dataset].settings["normalise"] == "median"
    assert study.task_seeds(STUDIES[study.study]) == [0, 1, 2] and task.cells_per_group is None


def test_trvae_is_that_of_the_notebook_and_cvae_lacks_mmd_alone(study):
    trvae, cvae = settings(study, "trvae"), settings(study, "cvae")
    assert {name: trvae[name] for name in NOTEBOOK} == NOTEBOOK
    assert {name for name in trvae if trvae[name] != cvae[name]} == {"beta", "matched"}


def test_the_claims_on_these_cells_can_be_decided(study):
    """Every model that they name runs, and nothing stops it before its budget."""
    task = STUDIES[study.study]
    claims = [claim for claim in read_claims(ROOT / "docs" / "claims.yaml").values() if task in claim.tasks.real]
    named = {name for claim in claims for name in (*claim.methods, *claim.better_than, *claim.no_better_than)}
    assert {"trvae", "cvae", "mmd_cvae", "scgen", "scvi", "saucie", "style_gan"} <= named
    assert named | {"no_change", "mean_shift"} <= set(study.task_methods(task))
    for claim in claims:
        assert claim.published_steps["trvae"] == 107_000, claim.statement
        for model, published in claim.published_steps.items():
            assert settings(study, model)["max_steps"] >= ENOUGH * published
    for model in ("trvae", "cvae", "mmd_cvae", "vae", "saucie", "scvi", "style_gan"):
        assert settings(study, model)["patience"] is None, model


def test_both_studies_train_alike():
    sample, public = (read_study(ROOT / "studies" / f"{name}.yaml") for name in STUDIES)
    assert sample.task_methods("kang_sample.NK") == public.task_methods("kang.NK")
    for method in sample.task_methods("kang_sample.NK"):
        if model := sample.method_spec(method)["model"]:
            assert settings(sample, model) == settings(public, model), model


def test_an_outsider_can_have_every_file_of_the_public_one():
    plan = Plan(read_study(ROOT / "studies" / "trvae_authors_open.yaml"), ROOT / "nowhere")
    files = [plan.fetch_spec("kang", path.rpartition("/")[2]) for path in plan.raw_files("kang")]
    assert len(files) == 6 and all(file.url.startswith("https://ftp.ncbi.nlm.nih.gov/geo/") for file in files)
