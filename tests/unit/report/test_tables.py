"""Tables: what stands in their cells, and that the three formats hold together."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from outofsample import texts
from outofsample.errors import UserError
from outofsample.files.scores import Row, read_scores, write_scores
from outofsample.metrics import directions
from outofsample.metrics.evaluation import FAMILIES
from outofsample.report import tables

ROOT = Path(__file__).parents[3]
PAPER_VALUES = ROOT / "docs" / "paper_values.csv"
SPEC = {
    "title": "Spike-in batch correction & more",
    "paper": "ne2020",
    "table": "2",
    "tasks": ["dengue"],
    "task_labels": {"dengue": "Dengue"},
    "stand_in": {"dengue": True},
    "rank_by": "energy_distance",
    "notes": ["demo size"],
    "columns": [
        {"score": "spike_in_r", "label": "spike-in r", "better": "high", "paper_column": True},
        {"score": "energy_distance", "label": "energy", "better": "low"},
        {"score": "sd_ratio", "label": "sd_ratio", "better": "one"},
    ],
    "methods": [
        {"name": "median_shift", "label": "Median shift", "control": True},
        {"name": "neuron_editing", "label": "Neuron Editing"},
        {"name": "gan", "label": "GAN"},
        {"name": "cca", "label": "CCA"},
        {"name": "limma", "label": "limma"},
    ],
}


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


@pytest.fixture
def scores(tmp_path):
    write_scores(ROWS, tmp_path / "dengue.csv")
    return tmp_path / "dengue.csv"


def build(scores, **changes):
    spec = tables.read_spec(json.dumps(SPEC | changes))
    tidy = tables.tidy_table("t2", spec, read_scores([scores]), tables.read_paper_values(PAPER_VALUES))
    return spec, tidy


def markdown_rows(text):
    """Rows of the first block: label -> {head: cell}."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return {row[0]: dict(zip(cells[0], row, strict=True)) for row in cells[2:]}


def entry(tidy, method, score):
    return tidy[(tidy["method"] == method) & (tidy["score"] == score)].iloc[0]


def test_mean_and_spread_over_seeds(scores):
    row = entry(build(scores)[1], "neuron_editing", "spike_in_r")
    assert (row["mean"], row["sd"], row["n"], row["spread"]) == (pytest.approx(0.9), pytest.approx(0.1), 3, "seeds")
    assert row["paper_value"] == 0.96275 and row["paper_other_data"]


def test_one_run_has_the_spread_over_cells(scores):
    row = entry(build(scores)[1], "median_shift", "spike_in_r")
    assert (row["mean"], row["low"], row["high"], row["sd"]) == (0.99, 0.97, 0.995, 0.004)
    assert (row["n"], row["spread"]) == (1, "cells")
    assert entry(build(scores)[1], "median_shift", "energy_distance")["spread"] == ""


def test_intervals_of_seeds_are_averaged():
    frame = pd.DataFrame({"value": [1.0, 2.0], "low": [0.5, 1.5], "high": [1.5, 2.5], "sd": [0.3, 0.3]})
    summary = tables.summarise_runs(frame, "gan")
    assert (summary["low"], summary["high"], summary["spread"]) == (1, 2, "seeds")
    assert summary["sd"] == pytest.approx(np.std([1, 2], ddof=1))


def test_oracle_has_the_range_of_its_halves(scores):
    row = entry(build(scores)[1], "oracle", "energy_distance")
    assert row["spread"] == "halves" and row["low"] < 0 < row["high"] and np.isnan(row["rank"])


def test_ranks_count_controls_but_not_the_oracle(scores):
    tidy = build(scores)[1]
    ranks = {method: entry(tidy, method, "sd_ratio")["rank"] for method in ("median_shift", "neuron_editing", "gan")}
    assert ranks == {"median_shift": 1, "neuron_editing": 2, "gan": 3}
    assert np.isnan(entry(tidy, "cca", "sd_ratio")["rank"])


def test_markdown_cells(scores):
    spec, tidy = build(scores)
    text = tables.to_markdown(tidy, spec)
    rows = markdown_rows(text)
    assert list(rows) == ["Neuron Editing", "GAN", "CCA", "limma", "Median shift (control)", "Oracle"]
    editing = rows["Neuron Editing"]
    assert editing["spike-in r"] == "0.900 ± 0.100" and editing["runs"] == "3 seeds"
    assert editing["energy"] == "**0.200 ± 0.100**" and editing["paper (other data)"] == "0.963"
    assert rows["GAN"]["spike-in r"].startswith("**0.960") and rows["GAN"]["sd\\_ratio"].startswith("**1.100")
    assert rows["CCA"]["energy"] == "not run: R missing" and rows["CCA"]["paper (other data)"] == "0.603"
    assert rows["limma"]["spike-in r"] == "undefined" and rows["limma"]["sd\\_ratio"] == "–"
    assert rows["Median shift (control)"]["runs"] == "1†" and rows["Median shift (control)"]["rank"] == "1"
    assert rows["Oracle"]["runs"] == "4 halves" and rows["Oracle"]["energy"] == "0.000 ± 0.008"


def test_heads_and_feet_say_what_the_numbers_are(scores):
    spec, tidy = build(scores)
    text = tables.to_markdown(tidy, spec)
    assert text.startswith("# Spike-in batch correction & more (simulated stand-in data: Dengue)\n")
    assert "## Dengue, query q (simulated stand-in data)" in text
    for foot in ("over seeds", "over resampled cells", "demo size", "computed by limma 3.54", "no change applied"):
        assert foot in text
    assert "which are not these" in text


def test_lines_of_markdown_are_aligned(scores):
    spec, tidy = build(scores)
    lengths = {len(line) for line in tables.to_markdown(tidy, spec).splitlines() if line.startswith("|")}
    assert len(lengths) == 1


def test_the_papers_own_data_are_no_other_data(scores):
    spec, tidy = build(scores, stand_in={}, paper_tasks=["dengue"])
    text = tables.to_markdown(tidy, spec)
    assert "other data" not in text and "stand-in" not in text
    assert not entry(tidy, "gan", "spike_in_r")["paper_other_data"]


def test_a_method_of_the_paper_that_the_study_lacks(scores):
    methods = [{"name": "mnn", "label": "MNN"}]
    spec, tidy = build(scores, methods=methods)
    row = markdown_rows(tables.to_markdown(tidy, spec))["MNN"]
    assert row["energy"] == "not run: not in this study" and row["paper (other data)"] == "0.534"


def test_a_table_by_task_and_a_column_of_another_name(scores):
    columns = [{"score": "spike_in_r", "label": "r", "paper_column": "means_r"}]
    _, tidy = build(scores, table={"dengue": "3"}, columns=columns, rank_by=None)
    assert entry(tidy, "gan", "spike_in_r")["paper_value"] == 0.87014


def check_latex(text):
    """A syntax check: balanced braces and environments, and the same number of cells in every row."""
    text = re.sub(r"(?m)^%.*$", "", text)
    bare = re.sub(r"\\[&%$#_{}]", "", text)
    assert bare.count("{") == bare.count("}") and bare.count("$") % 2 == 0
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", bare):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert not stack
    tabulars = re.findall(r"\\begin\{tabular\}\{(lr*)\}(.*?)\\end\{tabular\}", bare, re.DOTALL)
    assert tabulars
    for columns, body in tabulars:
        assert {row.count("&") for row in body.split(r"\\")[:-1]} == {len(columns) - 1}
    assert not set(bare.replace("$^{", "")) & set("#~^±†–")


def test_latex_is_sound(scores):
    spec, tidy = build(scores)
    text = tables.to_latex(tidy, spec)
    check_latex(text)
    assert r"\caption{Spike-in batch correction \& more: Dengue, query q (simulated stand-in data)}" in text
    assert r"sd\_ratio" in text and r"\textbf{0.200 $\pm$ 0.100}" in text
    assert text.count(r"\midrule") == 2


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"])))
def test_escaped_text_means_nothing_to_latex(text):
    escaped = tables.escape_latex(text)
    bare = re.sub(r"\\(textbackslash|textasciitilde|textasciicircum|textless|textgreater)\{\}|\\[&%$#_{}]", "", escaped)
    assert not set(bare) & set("\\&%$#_{}~^<>")


def test_each_query_is_a_block(tmp_path):
    rows = [Row("dengue", query, "gan", 0, "spike_in_r", 0.5) for query in "qp"]
    write_scores(rows, tmp_path / "two.csv")
    spec, tidy = build(tmp_path / "two.csv", methods=[{"name": "gan", "label": "GAN"}])
    assert [block.title for block in tables.blocks(tidy, spec)] == [
        "Dengue, query q (simulated stand-in data)",
        "Dengue, query p (simulated stand-in data)",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"titel": "x"}, "unknown key 'titel' \\(did you mean 'title'"),
        ({"columns": [{"label": "r"}]}, "'score' is missing"),
        ({"columns": [{"score": "r", "label": "r", "better": "up"}]}, "high, low, one or null, not 'up'"),
        ({"columns": [{"score": "fid", "label": "FID", "better": "high"}]}, "'fid': better is low for this score, not"),
        ({"rank_by": "wasserstein"}, "rank_by: 'wasserstein'"),
        ({"tasks": ["dengu"]}, "no scores of task 'dengu' \\(did you mean 'dengue'"),
    ],
)
def test_wrong_specifications_are_refused(scores, change, message):
    with pytest.raises(UserError, match=message):
        build(scores, **change)


def test_a_specification_can_be_a_file(tmp_path):
    (tmp_path / "spec.json").write_text(json.dumps(SPEC))
    assert tables.read_spec(str(tmp_path / "spec.json")) == tables.read_spec(json.dumps(SPEC))
    with pytest.raises(UserError, match=r"none\.json"):
        tables.read_spec(str(tmp_path / "none.json"))


def test_paper_values_are_those_of_the_papers():
    values = tables.read_paper_values(PAPER_VALUES)
    assert not values.duplicated(["paper", "table", "row", "column"]).any()
    assert values["value"].notna().all() and (values["source"].str.len() > 20).all()
    table2 = values[(values["paper"] == "ne2020") & (values["table"] == "2")].set_index("row")["value"]
    assert len(table2) == 10 and table2["neuron_editing"] == 0.96275 and table2["regularized_ae"] == -0.0508
    assert values[values["table"].str.startswith("notebook")]["source"].str.contains("notebooks").all()


def test_script_writes_three_files(scores, tmp_path, monkeypatch):
    import make_table

    outputs = {form: tmp_path / "tables" / f"t2.{form}" for form in ("csv", "md", "tex")}
    arguments = ["--scores", scores, "--table", "t2", "--spec", json.dumps(SPEC), "--paper-values", PAPER_VALUES]
    arguments += [part for form, path in outputs.items() for part in (f"--output-{form}", path)]
    monkeypatch.setattr(sys, "argv", ["make_table.py", *map(str, arguments)])
    make_table.main()
    tidy = pd.read_csv(outputs["csv"])
    assert len(tidy) == 18 and set(tidy["table"]) == {"t2"}
    assert outputs["md"].read_text().startswith("# ") and "booktabs" in outputs["tex"].read_text()


# ---- directions, words and numbers that tables share with figures and pages


def test_every_score_of_every_family_has_a_direction():
    scores = {name for families in FAMILIES.values() for family in families for name in family.scores}
    assert scores == set(directions.DIRECTIONS)
    assert set(directions.DIRECTIONS.values()) == set(directions.DISTANCE_TO_BEST) == set(directions.PERFECT)


@pytest.mark.parametrize("direction", directions.PERFECT)
def test_a_perfect_prediction_is_the_best(direction):
    distance, perfect = directions.DISTANCE_TO_BEST[direction], directions.PERFECT[direction]
    worse = {"high": [0.9, -2], "low": [0.1, 3], "one": [0.9, 1.1]}[direction]
    assert all(distance(perfect) < distance(value) for value in worse)
    assert (distance(np.array(worse)) == [distance(value) for value in worse]).all()


def test_an_unknown_score_has_no_direction():
    with pytest.raises(UserError, match=r"'fit': it is not known which values .* \(did you mean 'fid'"):
        directions.distance_to_best("fit", 1.0)


def test_a_column_takes_the_direction_of_its_score(scores):
    columns = [{"score": score, "label": score} for score in ("energy_distance", "sd_ratio", "of_nobody")]
    spec, _ = build(scores, columns=columns)
    assert [column.better for column in spec.columns] == ["low", "one", None]


@pytest.mark.parametrize(
    "path", ["config.yaml", *sorted(f"studies/{path.name}" for path in ROOT.glob("studies/*.yaml"))]
)
def test_studies_say_the_directions_of_the_scores(path):
    content = yaml.safe_load((ROOT / path).read_text())
    columns = [column for table in (content.get("tables") or {}).values() for column in table["columns"]]
    told = {column["score"]: column["better"] for column in columns if column.get("better")}
    assert told == {score: directions.DIRECTIONS[score] for score in told}


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ((True, True), "simulated stand-in data, demo size"),
        ((True, False), "simulated stand-in data"),
        ((False, True), "demo size"),
        ((False, False), ""),
        ((True, True, "where marked"), "simulated stand-in data where marked, demo size"),
        ((False, True, "where marked"), "demo size"),
    ],
)
def test_words_on_what_was_measured(facts, text):
    assert texts.marks(*facts) == text


def test_the_words_on_stand_ins_are_written_once():
    package = ROOT / "scripts" / "outofsample"
    assert [path.name for path in package.rglob("*.py") if texts.STAND_IN in path.read_text()] == ["texts.py"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (texts.number(-0.0001), "0.000"),
        (texts.number(0.5, 2, 0.126), "0.50 ± 0.13"),
        (texts.number(float("nan"), 2, 0.1), "–"),
        (texts.number(4.0, 0), "4"),
        (texts.significant(0.00012345), "0.000123"),
        (texts.significant(123456.7), "123,457"),
        (texts.significant(1.5, sign=True), "+1.5"),
        (texts.significant(None), "–"),
        (texts.significant(float("nan")), "–"),
    ],
)
def test_numbers_as_text(text, wanted):
    assert text == wanted
