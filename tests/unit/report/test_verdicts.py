"""Verdicts on claims, from planted scores."""

import sys
from dataclasses import replace
from itertools import chain
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest

import judge_claims
from outofsample.files.scores import Row, read_scores, write_scores
from outofsample.jobs.claims import ClaimsSpec
from outofsample.jobs.figure import ShownTask
from outofsample.jobs.table import MethodRow
from outofsample.report.claims import Claim, ClaimTasks, read_claims
from outofsample.report.claims_table import COLUMNS, verdict_rows, write_verdicts
from outofsample.report.verdicts import NO_SPREAD, judge
from tests.browser.study import CLAIMS

STUDY = ClaimsSpec(
    {"drawn": ShownTask("Drawn", stand_in=True), "measured": ShownTask("Measured")},
    {
        **{name: MethodRow(name, name.upper()) for name in ("ours", "rival", "other", "undefined")},
        **{name: MethodRow(name, name, control=True) for name in ("no_change", "mean_shift")},
    },
)
BETTER = {"better_than": ("rival",)}


def claim(**changes) -> Claim:
    tasks = ClaimTasks(real=("measured",), stand_in=("drawn",))
    settings = {"tasks": tasks, "scores": ("means_r",), "methods": ("ours",)} | changes
    return Claim("It is so.", "ne2020", "Table 2", **settings)


def runs(method, values, score="means_r", task="drawn", query="q") -> list[Row]:
    """Return a row per seed; values are around the first number by the second: of three seeds that is their sd."""
    middle, sd = values
    return [Row(task, query, method, seed, score, middle + (seed - 1) * sd) for seed in range(3)]


def verdicts(folder, found: Claim, *rows, steps=MappingProxyType({})):
    """Return the verdicts on a claim on stand-ins and on real data; ``steps`` by task and model."""
    all_rows = list(chain.from_iterable(rows)) or [Row("drawn", "q", "ours")]
    by_task = {task: [row for row in all_rows if row.task == task] for task in {row.task for row in all_rows}}
    paths = [folder / f"{task}.csv" for task in by_task]
    for path, of_task in zip(paths, by_task.values(), strict=True):
        write_scores(of_task, path)
    judged = judge({"mine": found}, STUDY, read_scores(paths), steps)["mine"]
    return judged["stand-in"], judged["real"]


@pytest.mark.parametrize(
    ("test", "ours", "rival", "verdict"),
    [
        # The margin is twice the joint deviation: 2 sqrt(.03^2 + .04^2) = .1.
        (BETTER, (0.91, 0.03), (0.8, 0.04), "holds"),
        (BETTER, (0.89, 0.03), (0.8, 0.04), "undecided"),
        (BETTER, (0.71, 0.03), (0.8, 0.04), "undecided"),
        (BETTER, (0.69, 0.03), (0.8, 0.04), "does not hold"),
        # By half of the other's score: from .6 on, and the other's deviation counts one and a half times (2 * .06).
        (BETTER | {"by_share": 0.5}, (0.73, 0), (0.4, 0.04), "holds"),
        (BETTER | {"by_share": 0.5}, (0.71, 0), (0.4, 0.04), "undecided"),
        (BETTER | {"by_share": 0.5}, (0.47, 0), (0.4, 0.04), "does not hold"),
        ({"at_least": 0.8}, (0.87, 0.03), (0, 0), "holds"),
        ({"at_least": 0.8}, (0.85, 0.03), (0, 0), "undecided"),
        ({"at_least": 0.8}, (0.73, 0.03), (0, 0), "does not hold"),
        ({"at_most": 0.8}, (0.73, 0.03), (0, 0), "holds"),
        ({"at_most": 0.8}, (0.87, 0.03), (0, 0), "does not hold"),
        # 'Does nothing': within a tenth of the other's, by more than the margin.
        ({"same_as": ("rival",), "within_share": 0.1}, (0.51, 0.01), (0.5, 0), "holds"),
        ({"same_as": ("rival",), "within_share": 0.1}, (0.49, 0.01), (0.5, 0), "holds"),
        ({"same_as": ("rival",), "within_share": 0.1}, (0.51, 0.1), (0.5, 0), "undecided"),
        ({"same_as": ("rival",), "within_share": 0.1}, (0.6, 0.01), (0.5, 0), "does not hold"),
        ({"same_as": ("rival",), "within": 0.05}, (0.47, 0.005), (0.5, 0), "holds"),
        ({"no_better_than": ("rival",), "within": 0.05}, (0.2, 0.01), (0.5, 0), "holds"),
        ({"no_better_than": ("rival",), "within": 0.05}, (0.54, 0.01), (0.5, 0), "undecided"),
        ({"no_better_than": ("rival",), "within": 0.05}, (0.6, 0.01), (0.5, 0), "does not hold"),
    ],
)
def test_each_verdict(tmp_path, test, ours, rival, verdict):
    judged, _ = verdicts(tmp_path, claim(**test), runs("ours", ours), runs("rival", rival))
    assert judged.verdict == verdict
    (comparison,) = judged.lines[0].comparisons
    assert comparison.verdict == verdict and (comparison.other is None) == ("at_" in next(iter(test)))


@pytest.mark.parametrize(
    ("score", "ours", "rival"), [("energy_distance", 0.1, 0.5), ("sd_ratio", 1.1, 0.5), ("means_r", 0.9, 0.5)]
)
def test_the_direction_is_that_of_the_score(tmp_path, score, ours, rival):
    rows = runs("ours", (ours, 0.01), score), runs("rival", (rival, 0.01), score)
    assert verdicts(tmp_path, claim(**BETTER, scores=(score,)), *rows)[0].verdict == "holds"
    swapped = claim(scores=(score,), methods=("rival",), better_than=("ours",))
    assert verdicts(tmp_path, swapped, *rows)[0].verdict == "does not hold"


@pytest.mark.parametrize(
    ("ours", "verdict"), [((3.5, 0.1), "holds"), ((4.5, 0.1), "undecided"), ((6.5, 0.1), "does not hold")]
)
def test_by_a_share_of_a_score_that_is_best_low(tmp_path, ours, verdict):
    """Half of 10 +- 1 is 5 +- .5: the margin is 2 sqrt(.1^2 + .5^2)."""
    rows = runs("ours", ours, "energy_distance"), runs("rival", (10, 1), "energy_distance")
    judged, _ = verdicts(tmp_path, claim(**BETTER, by_share=0.5, scores=("energy_distance",)), *rows)
    (comparison,) = judged.lines[0].comparisons
    assert comparison.advantage == pytest.approx(5 - ours[0])
    assert comparison.margin == pytest.approx(2 * np.hypot(0.1, 0.5)) and judged.verdict == verdict


@pytest.mark.parametrize(("rival", "times"), [(3.0, 0.5), (0.4, 1.5)])
def test_by_a_share_of_a_score_that_is_best_at_one(tmp_path, rival, times):
    rows = runs("ours", (1, 0), "sd_ratio"), runs("rival", (rival, 0.1), "sd_ratio")
    judged, _ = verdicts(tmp_path, claim(**BETTER, by_share=0.5, scores=("sd_ratio",)), *rows)
    assert judged.lines[0].comparisons[0].margin == pytest.approx(2 * times * 0.1)


def test_stand_ins_and_real_data_are_judged_apart(tmp_path):
    rows = [*runs("ours", (0.9, 0.01)), *runs("rival", (0.5, 0.01))]
    stand_in, real = verdicts(tmp_path, claim(**BETTER), rows)
    assert (stand_in.verdict, real.verdict) == ("holds", "not run")
    rows += [*runs("ours", (0.5, 0.01), task="measured"), *runs("rival", (0.9, 0.01), task="measured")]
    stand_in, real = verdicts(tmp_path, claim(**BETTER), rows)
    assert (stand_in.verdict, real.verdict, real.why) == ("holds", "does not hold", "against RIVAL")
    # Real data never speak where a stand-in is asked for, whatever the claim calls them.
    turned = claim(**BETTER, tasks=ClaimTasks(real=("drawn",), stand_in=("measured",)))
    assert [each.verdict for each in verdicts(tmp_path, turned, rows)] == ["not run", "not run"]
    alone = claim(**BETTER, tasks=ClaimTasks(real=("measured",)))
    stand_in, _ = verdicts(tmp_path, alone, rows)
    assert (stand_in.verdict, stand_in.why) == ("not judged", "no stand-in shows it")


def test_all_comparisons_must_hold_and_one_that_does_not_is_enough(tmp_path):
    three = claim(better_than=("rival", "other"))
    ours, low, near, high = ((0.8, 0.02), (0.5, 0.02), (0.79, 0.02), (0.95, 0.02))
    cases = {
        "holds": (low, low),
        "undecided": (low, near),
        "does not hold": (near, high),
    }
    for verdict, (rival, other) in cases.items():
        rows = runs("ours", ours), runs("rival", rival), runs("other", other)
        judged, _ = verdicts(tmp_path, three, *rows)
        assert judged.verdict == verdict
    assert judged.why == "against OTHER" and judged.lines[0].nearest.method == "other"
    # One that refutes the claim stands before one that only might, with a higher mean.
    judged, _ = verdicts(tmp_path, three, runs("ours", ours), runs("rival", (1.2, 0.5)), runs("other", high))
    assert judged.why == "against OTHER" and judged.lines[0].nearest.method == "other"


def test_queries_and_scores_of_a_claim(tmp_path):
    rows = [*runs("ours", (0.9, 0.01)), *runs("rival", (0.5, 0.01))]
    rows += [*runs("ours", (0.1, 0.01), query="r"), *runs("rival", (0.5, 0.01), query="r")]
    assert verdicts(tmp_path, claim(**BETTER), rows)[0].verdict == "does not hold"
    assert verdicts(tmp_path, claim(**BETTER, queries=("q",)), rows)[0].verdict == "holds"
    elsewhere = claim(**BETTER, scores=("sd_ratio",), stand_in_scores=("means_r",), queries=("q",))
    assert verdicts(tmp_path, elsewhere, rows)[0].verdict == "holds"


def test_what_did_not_run_is_told_and_nothing_holds_without_it(tmp_path):
    both = claim(better_than=("rival", "other"))
    rows = [*runs("ours", (0.9, 0.01)), *runs("rival", (0.5, 0.01)), Row("drawn", "q", "other", note="R missing")]
    judged, _ = verdicts(tmp_path, both, rows)
    assert (judged.verdict, judged.why) == ("undecided", "OTHER: R missing")
    judged, _ = verdicts(tmp_path, claim(better_than=("other",)), rows)
    assert (judged.verdict, judged.why) == ("not judged", "OTHER: R missing")
    judged, _ = verdicts(tmp_path, claim(better_than=("absent",)), rows)
    assert (judged.verdict, judged.why) == ("not judged", "absent: not in this study")
    judged, _ = verdicts(tmp_path, claim(better_than=("other",)), rows[:2])
    assert (judged.verdict, judged.why) == ("not judged", "OTHER: not on this task")
    judged, _ = verdicts(tmp_path, claim(**BETTER, scores=("sd_ratio",)), rows)
    assert judged.why == "OURS, RIVAL: sd_ratio is not there"
    rows += [Row("drawn", "q", "undefined", 0, "means_r", note="undefined: no change applied")]
    judged, _ = verdicts(tmp_path, claim(better_than=("undefined",)), rows)
    assert judged.why == "UNDEFINED: undefined: no change applied"


def test_without_any_spread_nothing_is_decided(tmp_path):
    rows = [Row("drawn", "q", name, 0, "means_r", value) for name, value in (("ours", 0.9), ("rival", 0.1))]
    judged, _ = verdicts(tmp_path, claim(**BETTER), rows)
    assert (judged.verdict, judged.why) == ("undecided", f"against RIVAL; {NO_SPREAD}")
    # A single run has the deviation over resampled cells.
    rows[0] = Row("drawn", "q", "ours", 0, "means_r", 0.9, 0.8, 0.95, 0.03)
    judged, _ = verdicts(tmp_path, claim(**BETTER), rows)
    assert judged.verdict == "holds" and judged.lines[0].comparisons[0].margin == pytest.approx(0.06)


def test_controls_and_oracle_stand_beside_every_claim(tmp_path):
    rows = [*runs("ours", (0.8, 0.01)), *runs("rival", (0.5, 0.01)), *runs("oracle", (0.99, 0.01))]
    rows += [*runs("no_change", (0.1, 0.01)), *runs("mean_shift", (0.85, 0.01))]
    judged, _ = verdicts(tmp_path, claim(**BETTER), rows)
    (line,) = judged.lines
    assert [each.method for each in line.beside] == ["no_change", "mean_shift", "oracle"]
    assert [each.mean for each in line.beside] == pytest.approx([0.1, 0.85, 0.99])
    assert judged.verdict == "holds" and judged.as_good == ["mean_shift"]
    # A method without a number stands in nobody's way, wherever it is named.
    rows += [Row("drawn", "q", "undefined", 0, "means_r", note="undefined: no change applied")]
    for methods in (("ours", "undefined"), ("undefined", "ours")):
        assert verdicts(tmp_path, claim(**BETTER, methods=methods), rows)[0].as_good == ["mean_shift"]
    same = claim(same_as=("no_change",), within=0.1)
    assert verdicts(tmp_path, same, rows)[0].as_good == []


@pytest.mark.parametrize(
    ("steps", "verdict"),
    [({}, "undecided"), ({("measured", "trvae"): 199}, "undecided"), ({("measured", "trvae"): 200}, "does not hold")],
)
def test_real_data_decide_nothing_before_the_published_training(tmp_path, steps, verdict):
    rows = [*runs("ours", (0.5, 0.01)), *runs("rival", (0.9, 0.01))]
    rows += [*runs("ours", (0.5, 0.01), task="measured"), *runs("rival", (0.9, 0.01), task="measured")]
    trained = claim(**BETTER, published_steps={"trvae": 1000})
    stand_in, real = verdicts(tmp_path, trained, rows, steps=steps)
    assert (stand_in.verdict, real.verdict) == ("does not hold", verdict)
    taken = steps.get(("measured", "trvae"), "an unknown number")
    said = f"after {taken} of the 1,000 published steps of trvae it does not hold (against RIVAL)"
    assert real.why == (said if verdict == "undecided" else "against RIVAL") and real.lines


@pytest.mark.parametrize(
    ("trained", "verdict"), [("measured", "does not hold"), ("second", "holds"), (None, "undecided")]
)
def test_a_task_with_the_published_training_decides_though_another_lacks_it(tmp_path, trained, verdict):
    study = replace(STUDY, tasks={**STUDY.tasks, "second": ShownTask("Second")})
    rows = {
        "measured": [*runs("ours", (0.5, 0.01), task="measured"), *runs("rival", (0.9, 0.01), task="measured")],
        "second": [*runs("ours", (0.9, 0.01), task="second"), *runs("rival", (0.5, 0.01), task="second")],
    }
    for task, of_task in rows.items():
        write_scores(of_task, tmp_path / f"{task}.csv")
    found = claim(**BETTER, published_steps={"trvae": 1000}, tasks=ClaimTasks(real=("measured", "second")))
    scores = read_scores([tmp_path / f"{task}.csv" for task in rows])
    real = judge({"mine": found}, study, scores, {(trained, "trvae"): 1000, ("drawn", "trvae"): 1000})["mine"]["real"]
    assert real.verdict == verdict and len(real.lines) == 2


def test_a_claim_that_no_test_decides_has_its_reason(tmp_path):
    judged = verdicts(tmp_path, claim(methods=(), scores=(), not_judged="nobody knows how"), [])
    assert {(each.verdict, each.why) for each in judged} == {("not judged", "nobody knows how")}


def test_the_table_has_a_row_per_comparison(tmp_path):
    claims = {"a": claim(better_than=("rival", "other")), "b": claim(at_least=0.5), "c": claim(not_judged="why")}
    rows = [*runs("ours", (0.8, 0.01)), *runs("rival", (0.5, 0.01)), *runs("other", (0.6, 0.01))]
    write_scores(rows, tmp_path / "drawn.csv")
    judged = judge(claims, STUDY, read_scores([tmp_path / "drawn.csv"]), {})
    table = list(verdict_rows(claims, judged))
    assert all(set(row) <= set(COLUMNS) for row in table)
    stand_ins = [row for row in table if row["data"] == "stand-in"]
    assert [(row["claim"], row.get("against")) for row in stand_ins] == [
        ("a", "rival"),
        ("a", "other"),
        ("b", "at_least 0.5"),
        ("c", None),
    ]
    assert [row["verdict"] for row in table if row["data"] == "real"] == ["not run", "not run", "not judged"]
    write_verdicts(claims, judged, tmp_path / "claims.csv")
    lines = (tmp_path / "claims.csv").read_text().splitlines()
    assert lines[0] == ",".join(COLUMNS) and len(lines) == 1 + len(table)
    assert np.isnan(stand_ins[0]["oracle"]) and "nan" not in lines[1]


def test_the_script_writes_the_table(tmp_path, monkeypatch):
    write_scores([*runs("ours", (0.8, 0.01)), *runs("rival", (0.5, 0.01))], tmp_path / "drawn.csv")
    (tmp_path / "spec.json").write_text(STUDY.to_json())
    names = ("spec.json", "drawn.csv", "claims.csv")
    spec, scores, output = (str(tmp_path / name) for name in names)
    arguments = ["--spec", spec, "--scores", scores, "--claims", str(CLAIMS), "--output", output]
    monkeypatch.setattr(sys, "argv", ["judge_claims.py", *arguments])
    judge_claims.main()
    table = pd.read_csv(output)
    assert list(table.columns) == list(COLUMNS) and set(table["claim"]) == set(read_claims(CLAIMS))
    assert set(table["verdict"]) == {"not run", "not judged"}
