"""The study on a real SLURM: what it is asked for, and that killed jobs and a lost node change nothing."""

import re

import pandas as pd
import pytest
import torch

# The story is told in some minutes; on a busy machine it takes longer.
pytestmark = pytest.mark.timeout(1200)


def jobs_of(story, rule: str) -> list[dict[str, str]]:
    """Return what SLURM knows of the jobs of a rule or a group, in the order of their submission."""
    found = [fields for fields in story.jobs.values() if rule in fields["Comment"]]
    return sorted(found, key=lambda fields: int(fields["JobId"]))


@pytest.fixture(scope="session")
def trainings(story) -> dict[str, list[dict[str, str]]]:
    """The jobs of each training."""
    return {model: jobs_of(story, f"train_model_wildcards_dengue_{model}_0") for model in ("autoencoder", "vae")}


def test_from_submission_to_the_figure(story):
    for suffix in ("pdf", "png", "html"):
        assert story.copy.path("figures", f"ne2020_fig4.{suffix}").stat().st_size > 5000
    assert "Oracle" in story.copy.path("tables", "ne2020_table2.md").read_text()


def test_small_jobs_are_grouped_and_local_rules_stay(story):
    finished = [fields["Comment"] for fields in story.jobs.values() if fields["JobState"] == "COMPLETED"]
    groups = sorted(comment.split("_wildcards_")[0] for comment in finished)
    assert groups == [
        "rule_figures_render_figure",
        "rule_predict_dengue_evaluate_task_transform_autoencoder_transform_identity_transform_vae",
        "rule_prepare_preprocess_dataset_split_task",
        "rule_train_model",
        "rule_train_model",
    ]


def test_slurm_got_memory_time_and_gpu_of_a_training(trainings):
    for first, *_ in trainings.values():
        assert first["MinMemoryNode"] == "8000M"
        assert first["TresPerJob"] == "gres:gpu:1"
        assert first["Partition"] == "gpu" and first["Account"] == "nobody" and first["NumCPUs"] == "1"
    # That of the other one was brought forward.
    assert trainings["autoencoder"][0]["TimeLimit"] == "04:00:00"


def test_a_group_asks_for_what_fits_side_by_side_and_the_sum_of_times(story):
    (predict,) = jobs_of(story, "rule_predict")
    # Three predictions of 8,000 MB and 20 minutes on two cores take two rounds, and the scores an hour.
    assert predict["MinMemoryNode"] == "16000M" and predict["NumCPUs"] == "2" and predict["TimeLimit"] == "01:40:00"
    assert predict["Partition"] == "main" and "TresPerJob" not in predict
    (prepare,) = jobs_of(story, "rule_prepare")
    assert prepare["MinMemoryNode"] == "8000M" and prepare["TimeLimit"] == "00:50:00"


def test_a_cancelled_training_is_tried_again_with_more(story, trainings):
    first, second, *_ = trainings["autoencoder"]
    assert (first["JobId"], first["JobState"]) == (story.cancelled, "CANCELLED")
    assert second["MinMemoryNode"] == "16000M" and second["TimeLimit"] == "08:00:00"
    assert second["TresPerJob"] == "gres:gpu:1"


def test_a_training_at_its_time_limit_is_tried_again_with_more(story, trainings):
    first, second = trainings["vae"]
    assert (first["JobId"], first["JobState"]) == (story.timed_out, "TIMEOUT")
    assert second["JobState"] == "COMPLETED" and second["TimeLimit"] == "08:00:00"


def test_a_lost_node_loses_nothing(story, trainings):
    last = trainings["autoencoder"][-1]
    assert last["JobState"] == "COMPLETED"
    # SLURM puts the job back into its queue, from where it starts on another node.
    assert (last["JobId"], last["Restarts"]) == (story.on_lost_node, "1")
    assert last["NodeList"] != story.lost_node


@pytest.mark.parametrize("model", ["autoencoder", "vae"])
def test_killed_trainings_write_a_checkpoint_and_resume(story, model):
    """Snakemake shows the log of a failed attempt; that of the last one is in its file."""
    failed = re.search(rf"^Logfile \S*/{model}_0\.log:\n=+\n(.*?)\n=+$", story.copy.output, re.DOTALL | re.MULTILINE)
    assert "SIGTERM: the checkpoint is written; the next attempt goes on from it." in failed.group(1)
    log = story.copy.path("logs", "train_model", "dengue", f"{model}_0.log").read_text()
    assert f"Resumed from results/cluster/checkpoints/dengue/{model}/seed_0.pt" in log
    assert not story.copy.path("checkpoints", "dengue", model, "seed_0.pt").exists()


@pytest.mark.parametrize("model", ["autoencoder", "vae"])
def test_same_weights_as_without_a_cluster(story, local, model):
    here, there = (
        torch.load(copy.path("models", "dengue", model, "seeds_0.pt"), weights_only=True)[0]["network"]
        for copy in (local, story.copy)
    )
    assert here.keys() == there.keys() and all(torch.equal(here[name], there[name]) for name in here)


@pytest.mark.parametrize("method", ["neuron_editing", "scgen", "mean_shift"])
def test_same_predictions_as_without_a_cluster(story, local, method):
    import anndata

    here, there = (
        anndata.read_h5ad(copy.path("predictions", "dengue", f"{method}.h5ad")) for copy in (local, story.copy)
    )
    assert here.X.tobytes() == there.X.tobytes()
    pd.testing.assert_frame_equal(here.obs, there.obs)


@pytest.mark.parametrize("name", ["scores/dengue.csv", "tables/ne2020_table2.csv", "tables/ne2020_table2.md"])
def test_same_scores_and_tables_as_without_a_cluster(story, local, name):
    assert story.copy.path(name).read_bytes() == local.path(name).read_bytes()
