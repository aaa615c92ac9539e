"""Losses over a training_curves."""

import pandas as pd

from outofsample.figures import training_curves
from tests.unit.figures.batches import parameters
from tests.unit.figures.drawn import texts


def test_training_curves_show_every_term_of_every_model(tmp_path):
    rows = [
        {"epoch": epoch, "train_loss": 1 / epoch, "train_kl": epoch, "validation_loss": 2 / epoch, "train_gradient": 1}
        for epoch in (1, 2)
    ]
    for model in ("trvae", "gan"):
        (tmp_path / model).mkdir()
        for seed in (0, 1):
            pd.DataFrame(rows).assign(precision="float32", seed=seed).to_csv(
                tmp_path / model / f"history_{seed}.csv", index=False
            )
    histories = training_curves.read_histories([str(path) for path in sorted(tmp_path.rglob("*.csv"))])
    assert {model: len(history) for model, history in histories.items()} == {"gan": 4, "trvae": 4}
    drawn = training_curves.training_curves(parameters(), histories)
    assert "loss" in texts(drawn) and "kl" in texts(drawn) and "gradient" not in texts(drawn)
    assert "Simulated stand-in data" in texts(drawn)
    # Two terms, one of them on held-out cells too.
    assert [len(ax.lines) for ax in drawn.axes[:2]] == [3, 3]
