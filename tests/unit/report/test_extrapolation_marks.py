"""What tables say of methods without a bound."""

from dataclasses import replace

import pytest

from outofsample.files.scores import Row, write_scores
from outofsample.jobs.table import MethodRow
from outofsample.report.table_blocks import blocks
from outofsample.report.table_formats import to_latex, to_markdown
from tests.unit.report.small_table import ROWS, SPEC, build, entry

SHARES = ("beyond_values", "beyond_features", "beyond_cells")


def beyond(method: str, *of_seeds: tuple[float, float, float]) -> list[Row]:
    rows = enumerate(of_seeds)
    return [Row("dengue", "q", method, seed, *pair) for seed, each in rows for pair in zip(SHARES, each, strict=True)]


@pytest.fixture
def exploding(tmp_path):
    """Scores in which the GAN explodes with one of two seeds, and what was measured goes beyond too."""
    rows = [
        *ROWS,
        *beyond("gan", (0, 0, 0), (0.004, 0.5, 0.02)),
        *beyond("neuron_editing", (0, 0, 0)),
        *beyond("oracle", (0.1, 0.1, 0.1)),
    ]
    write_scores(rows, tmp_path / "dengue.csv")
    return tmp_path / "dengue.csv"


def test_a_method_that_explodes_is_marked_and_says_how_far(exploding):
    spec, tidy = build(exploding)
    assert entry(tidy, "gan", "sd_ratio")["beyond_features"] == 0.25
    (block,) = blocks(tidy, spec)
    labels = [row[0] for row in block.cells]
    assert labels == ["Neuron Editing", "GAN‡", "CCA", "limma", "Median shift (control)", "Oracle"]
    told = [foot for foot in block.feet if foot.startswith("‡")]
    assert told == [
        "‡ Beyond twice the range of the training cells: GAN 0.2 % of values, 25 % of features, 1 % of cells."
    ]
    assert "GAN‡" in to_markdown(tidy, spec) and r"GAN$^{\ddagger}$" in to_latex(tidy, spec)


def test_where_nothing_explodes_nothing_is_said(scores):
    spec, tidy = build(scores)
    assert tidy["beyond_values"].isna().all()
    assert "‡" not in to_markdown(tidy, spec) and "without bound" not in to_markdown(tidy, spec)


def test_methods_with_the_published_tails_are_named_where_they_ran(scores):
    unbounded = ("neuron_editing", "cca", "median_shift")
    methods = tuple(replace(row, unbounded=row.name in unbounded) for row in SPEC.methods)
    spec, tidy = build(scores, methods=(*methods, MethodRow("absent", "Absent", unbounded=True)))
    (block,) = blocks(tidy, spec)
    # CCA did not run, and the last one is not in the study.
    assert "Tails as published, which go on without bound: Neuron Editing, Median shift." in block.feet
