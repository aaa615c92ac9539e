"""Scores of a small table, and the table of them."""

import re
from dataclasses import replace

from outofsample.files.scores import Row, read_scores
from outofsample.jobs.table import ColumnSpec, MethodRow, TableSpec
from outofsample.report.paper_values import read_paper_values
from outofsample.report.tables import tidy_table
from tests.browser.study import PAPER_VALUES

SPEC = TableSpec(
    name="t2",
    title="Spike-in batch correction & more",
    columns=(
        ColumnSpec("spike_in_r", "spike-in r", "high", paper_column=True),
        ColumnSpec("energy_distance", "energy", "low"),
        ColumnSpec("sd_ratio", "sd_ratio", "one"),
    ),
    methods=(
        MethodRow("median_shift", "Median shift", control=True),
        MethodRow("neuron_editing", "Neuron Editing"),
        MethodRow("gan", "GAN"),
        MethodRow("cca", "CCA"),
        MethodRow("limma", "limma"),
    ),
    tasks=("dengue",),
    task_labels={"dengue": "Dengue"},
    paper="ne2020",
    table="2",
    stand_in={"dengue": True},
    rank_by="energy_distance",
    notes=("demo size",),
)


def runs(method, seeds, **scores):
    """Rows of some seeds; each score is a list of values by seed, or a tuple (value, low, high, sd) of a single run."""
    for score, values in scores.items():
        for seed in range(seeds):
            numbers = values if isinstance(values, tuple) else (values[seed],)
            yield Row("dengue", "q", method, seed, score, *numbers, n_cells=10)


ROWS = [
    *runs("neuron_editing", 3, spike_in_r=[0.8, 0.9, 1.0], energy_distance=[0.1, 0.2, 0.3], sd_ratio=[0.5, 0.5, 0.5]),
    *runs("gan", 2, spike_in_r=[0.95, 0.97], energy_distance=[0.5, 0.7], sd_ratio=[1.1, 1.1]),
    *runs("median_shift", 1, spike_in_r=(0.99, 0.97, 0.995, 0.004), energy_distance=(0.05,), sd_ratio=(1.0,)),
    Row("dengue", "q", "cca", note="R missing"),
    *runs("oracle", 4, spike_in_r=[0.9, 0.9, 0.9, 0.9], energy_distance=[-0.01, 0, 0, 0.01], sd_ratio=[1, 1, 1, 1]),
    Row("dengue", "q", "limma", 0, "spike_in_r", note="undefined: no change applied", backend="limma 3.54"),
    Row("dengue", "q", "limma", 0, "energy_distance", 0.9, backend="limma 3.54"),
]


def build(scores, **changes):
    spec = replace(SPEC, **changes)
    return spec, tidy_table(spec, read_scores([scores]), read_paper_values(PAPER_VALUES))


def entry(tidy, method, score):
    return tidy[(tidy["method"] == method) & (tidy["score"] == score)].iloc[0]


def markdown_rows(text):
    """Rows of the first block: label -> {head: cell}."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return {row[0]: dict(zip(cells[0], row, strict=True)) for row in cells[2:]}
