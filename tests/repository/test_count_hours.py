"""Hours per table from the benchmark files of a run, also of an unfinished one."""

import sys

import pytest

import count_hours
from outofsample.errors import UserError
from tests.conftest import ROOT

STUDY = """
study: counted
extends: {root}/config.yaml
seeds: 4
device: cuda
run: {{tasks: [dengue, cytonorm], methods: [neuron_editing, trvae, mean_shift], tables: [ne2020_table2], figures: []}}
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """A function that takes benchmark files, {path: seconds}, and returns the rows of the printed table."""
    (tmp_path / "study.yaml").write_text(STUDY.format(root=ROOT))
    monkeypatch.chdir(tmp_path)

    def rows(files: dict[str, float]) -> dict[str, list[str]]:
        for name, seconds in files.items():
            path = tmp_path / "results" / "counted" / "benchmarks" / f"{name}.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:00\t2500\n")
        monkeypatch.setattr(sys, "argv", ["count_hours.py", "--study", "study.yaml"])
        count_hours.main()
        cells = [
            [cell.strip() for cell in line.strip("| ").split("|")] for line in capsys.readouterr().out.splitlines()
        ]
        return {first: rest for first, *rest in cells}

    return rows


def test_one_seed_tells_what_the_others_take(run):
    rows = run(
        {
            "train_model/dengue/autoencoder_0": 1800,
            "train_model/dengue/trvae_0-1": 7200,
            "transform_query/dengue/autoencoder": 360,
            "evaluate_task/dengue": 720,
        }
    )
    # 4 seeds of 0.5 h, 4 seeds of 1 h; 3 of 8 were measured.
    assert rows["table"][1] == "training, GPU hours"
    assert rows["ne2020_table2"][:4] == ["3 / 8", "6.00", "0.30", "2.5"]
    # cytonorm has not run: its networks count as much as those of dengue.
    assert rows["all tasks"][:3] == ["3 / 16", "12.00", "0.30"]


def test_what_was_measured_nowhere_is_named(run):
    rows = run({"train_model/dengue/trvae_0": 3600})
    assert rows["ne2020_table2"][0:2] == ["1 / 8", "4.00"] and rows["ne2020_table2"][4] == "autoencoder"


def test_what_cannot_run_on_a_task_is_not_planned(run, tmp_path):
    study = tmp_path / "study.yaml"
    tasks, methods = "tasks: [dengue, kang.NK, morpho_mnist]", "methods: [neuron_editing, scvi, saucie, mean_shift]"
    text = study.read_text().replace("tasks: [dengue, cytonorm]", tasks)
    study.write_text(text.replace("methods: [neuron_editing, trvae, mean_shift]", methods))
    rows = run({f"train_model/dengue/{model}_0-1-2-3": 3600 for model in ("autoencoder", "saucie")})
    # scVI needs counts, which dengue lacks: all that can be measured is, and nothing is unknown.
    assert rows["ne2020_table2"] == ["8 / 8", "2.00", "0.00", "2.5"]
    # Blood cells have counts (3 networks, 4 seeds); images take the autoencoder alone (1 seed).
    assert rows["all tasks"][0] == "8 / 21" and rows["all tasks"][4] == "scvi"


def test_a_study_that_has_not_run_is_an_error(run):
    with pytest.raises(UserError, match="run at least one seed"):
        run({})
