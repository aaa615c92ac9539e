"""The smoke study from FCS files to figures, and what runs again after a change."""

import re

import pandas as pd
import pytest

from outofsample.metrics.differential_expression import DifferentialExpressionScores
from outofsample.study.load import read_study
from tests.conftest import ROOT

PER_IMAGE = {"image_rmse", "ssim", "rmse_changed", "rmse_kept", "thickness_error"}
STUDY = read_study(ROOT / "studies" / "smoke.yaml")
METHODS = set(STUDY.selected("methods"))
#: Methods that studies/smoke.yaml runs on some tasks alone.
SOME_TASKS = {"flow_matching": {"dengue", "kang.NK", "morpho_mnist"}, "cellot": {"dengue"}}
SOME_TASKS |= {name: {"kang.NK"} for name in ("latent_additive", "latent_additive_residual")}
#: Tasks that run PCA editing.
TASKS = sum("pca_editing" in STUDY.task_methods(task) for task in STUDY.selected("tasks"))


def touch(workflow, name: str) -> None:
    """Change a file as an editor would: Snakemake compares contents, so a comment is added."""
    path = workflow.folder / name
    path.write_text(path.read_text() + "\n# a change\n")


#: Why a method may have no number: DESIGN.md allows no other reasons.
REASONS = {"scvi": {"no counts", "not for images"}, "saucie": {"not for images"}}
REASONS |= {name: {"not for images"} for name in ("combat", "limma", "mnn", "cca", "cytonorm")}


@pytest.mark.parametrize("task", ["dengue", "kang.NK", "morpho_mnist"])
def test_every_method_has_a_number_for_every_score_or_a_reason(smoke, task):
    scores = pd.read_csv(smoke.path("scores", f"{task}.csv"))
    assert set(scores["method"]) == {name for name in METHODS if task in SOME_TASKS.get(name, {task})} | {"oracle"}
    for method, rows in scores.groupby("method"):
        reasons = rows["note"].fillna("")
        if rows["score"].isna().all():
            assert all(r.startswith("R ") or r in REASONS.get(method, ()) for r in reasons), (method, set(reasons))
            continue
        without = set(rows.loc[rows["value"].isna(), "score"])
        # Correlations with the applied change are undefined where nothing is applied; a truth per image has no halves.
        allowed = {"spike_in_r", "change_r", "change_of_means_r"} if method == "no_change" else set()
        allowed |= PER_IMAGE if method == "oracle" else set()
        # Whether a test calls a gene, and some feature responds in these cells alone, is up to the data.
        allowed |= set(DifferentialExpressionScores.scores)
        of_genes = rows[rows["score"].isin(DifferentialExpressionScores.scores) & rows["value"].isna()]
        assert of_genes["note"].fillna("").str.contains("undefined: ").all(), method
        assert without - allowed <= {"rmse_specific", "specific_gain", "rmse_shared"}, method


def test_networks_have_a_row_per_seed(smoke):
    scores = pd.read_csv(smoke.path("scores", "dengue.csv"))
    seeds = scores.groupby("method")["seed"].nunique()
    assert seeds["neuron_editing"] == seeds["constant_shift"] == 2
    assert seeds["quantile_mapping"] == 1


def test_the_median_shift_scores_one_by_construction(smoke):
    scores = pd.read_csv(smoke.path("scores", "dengue.csv"))
    row = scores.query("method == 'median_shift' and score == 'spike_in_r'")
    assert abs(row["value"].item() - 1) < 1e-4


def test_tables_and_figures_are_there_and_say_what_the_data_are(smoke):
    for suffix in ("csv", "md", "tex"):
        assert smoke.path("tables", f"ne2020_table2.{suffix}").stat().st_size > 500
    text = smoke.path("tables", "ne2020_table2.md").read_text()
    assert "stand-in" in text and "demo size" in text and "Oracle" in text
    for name in ("ne2019_fig3", "ne2020_fig4", "ne2020_fig5"):
        for suffix in ("pdf", "png", "html"):
            assert smoke.path("figures", f"{name}.{suffix}").stat().st_size > 5000
        assert "stand-in" in smoke.path("figures", f"{name}.html").read_text()


def test_each_claim_has_its_verdicts(smoke):
    table = smoke.path("claims.csv").read_text()
    assert "spike_in,Of ten methods" in table and ",stand-in," in table and ",not run," in table
    assert '<section id="claims">' in smoke.path("page.html").read_text()


def test_every_job_left_a_log_and_a_benchmark(smoke):
    logs = {path.relative_to(smoke.path("logs")).with_suffix("") for path in smoke.path("logs").rglob("*.log")}
    marks = {
        path.relative_to(smoke.path("benchmarks")).with_suffix("") for path in smoke.path("benchmarks").rglob("*.tsv")
    }
    assert logs == marks and len(logs) > 10


def test_only_evaluation_and_figures_take_the_truth(smoke):
    output = smoke.snakemake("-n", "--forceall").stdout
    takers = set()
    rule = None
    for line in output.splitlines():
        if match := re.match(r"\s*(?:local)?rule (\w+):", line):
            rule = match.group(1)
        if line.strip().startswith("input:") and "truth.h5ad" in line:
            takers.add(rule)
    assert takers == {"evaluate_task", "render_figure"}


def test_a_second_run_does_nothing(smoke):
    assert smoke.planned() == {}


def test_a_change_of_the_percentile_map_trains_nothing_and_runs_its_methods_alone(smoke):
    touch(smoke, "scripts/outofsample/edits/percentile.py")
    planned = smoke.planned()
    assert "train_model" not in planned
    assert {"transform_autoencoder", "transform_identity", "evaluate_task"} <= set(planned)
    # scGen, on this model, adds the difference of means.
    assert "transform_vae" not in planned
    run = smoke.snakemake("ne2020_table2")
    assert run.returncode == 0, run.stdout[-4000:]
    # The other tasks would only do the same again.
    assert smoke.snakemake("--touch").returncode == 0


def test_an_edit_of_a_model_trains_what_stands_on_it_alone(smoke):
    touch(smoke, "scripts/outofsample/models/pca.py")
    planned = smoke.planned()
    assert "transform_autoencoder" not in planned and planned["transform_pca"] == TASKS
    # Both move cells among principal components.
    output = smoke.snakemake("-n").stdout
    assert set(re.findall(r"wildcards: task=\S+, model=(\w+), batch=", output)) == {"flow_matching", "cellot"}


def test_an_edit_of_one_notebook_makes_one_figure(smoke):
    # What the edits above would have made again is up to date but for them.
    assert smoke.snakemake("--touch").returncode == 0
    path = smoke.folder / "notebooks" / "ne2020_fig5.ipynb"
    path.write_text(path.read_text().replace('"cells"', ' "cells"', 1))
    planned = smoke.planned()
    assert planned.pop("all") == 1 and planned.pop("total") == 3
    assert planned == {"render_figure": 1, "make_page": 1}
    assert smoke.snakemake().returncode == 0
    assert smoke.planned() == {}
