"""scVI by scvi-tools: its budget, and the warm-up of its KL term."""

import pytest

from outofsample import registry
from tests.unit.models.test_conditional import counted

SMALL = {"hidden": 16, "latent": 4, "batch_size": 64}


@pytest.mark.parametrize(("epochs", "patience"), [(6, None), (6, 1), (1, None)])
def test_the_kl_term_counts_in_full_before_the_training_ends(epochs, patience, monkeypatch):
    from scvi.train import TrainingPlan

    weights, step = [], TrainingPlan.training_step

    def recorded(plan, *arguments, **options):
        weights.append((plan.current_epoch, float(plan.kl_weight)))
        return step(plan, *arguments, **options)

    monkeypatch.setattr(TrainingPlan, "training_step", recorded)
    model = registry.create("models", "scvi", {**SMALL, "epochs": epochs, "patience": patience}).fit(counted(60))
    assert weights[-1][1] == 1 and (epochs == 1 or weights[0][1] == 0)
    assert len(model.history) == weights[-1][0] + 1


def test_a_budget_in_steps_is_rounded_up_to_epochs():
    model = registry.create("models", "scvi", {**SMALL, "max_steps": 7, "patience": None}).fit(counted(60))
    # 180 cells are three batches of 64, all of them trained on since nothing stops early.
    assert [row["steps"] for row in model.history] == [3, 6, 9]
    assert not any(name.endswith("validation") for name in model.history[-1])
