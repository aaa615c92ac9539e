"""How long a seed takes is the time of a job by its number of seeds, whatever the job is called."""

from types import SimpleNamespace

import pytest

from outofsample.study.hours import seconds_per_seed


@pytest.mark.parametrize(("label", "seeds"), [("3", (3,)), ("0-1-2", (0, 1, 2)), ("0-59", tuple(range(60)))])
def test_seconds_of_a_seed(tmp_path, label, seeds):
    plan = SimpleNamespace(
        tasks=["t"],
        by_model={"ae": ["m"]},
        runs=lambda task: ["m"],
        trains=lambda model: True,
        seed_batches=lambda task, model: {label: seeds},
    )
    (tmp_path / "train_model" / "t").mkdir(parents=True)
    (tmp_path / "train_model" / "t" / f"ae_{label}.tsv").write_text("s\tmax_rss\n120\t-\n")
    assert seconds_per_seed(plan, tmp_path) == {("t", "ae"): (120 / len(seeds), 0.0, len(seeds))}
