"""A verdict on each claim, on stand-in and on real data apart, from the scores of a study.

Each comparison of a claim has an *advantage* in the units of its score, positive where it speaks for the claim, and a
*margin*: twice the joint standard deviation of the two results, the rule of the score card (docs/choices.md, 'Claims').
It holds above the margin, does not hold below minus the margin, and is undecided between. On real data a model that was
trained for less than `ENOUGH` of its authors' steps decides nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from outofsample.jobs.claims import ClaimsSpec
from outofsample.jobs.table import ORACLE
from outofsample.metrics.directions import distance_to_best, slope_of_distance
from outofsample.report.claims import Claim
from outofsample.report.score_card import DEVIATIONS
from outofsample.report.tables import NOT_IN_STUDY, NOT_ON_TASK, summarise_runs
from outofsample.texts import as_label

HOLDS = "holds"
DOES_NOT_HOLD = "does not hold"
UNDECIDED = "undecided"
NOT_JUDGED = "not judged"
NOT_RUN = "not run"
VERDICTS = (HOLDS, DOES_NOT_HOLD, UNDECIDED, NOT_JUDGED, NOT_RUN)
#: What stands beside every claim, whether it speaks of it or not.
BESIDE = ("no_change", "mean_shift", ORACLE.name)
#: The share of the published steps from which on a training speaks for the published one (docs/choices.md, 'Claims').
ENOUGH = 0.2
NO_SPREAD = "no spread is known: one run each"


@dataclass(frozen=True)
class Result:
    """What a method scores: mean and standard deviation, over seeds or cells; ``why`` says why there is none."""

    method: str
    label: str
    mean: float = np.nan
    sd: float = np.nan
    spread: str = ""
    why: str = ""


@dataclass(frozen=True)
class Comparison:
    """One method of a claim against another one, or against a bound (``other`` is None then)."""

    ours: Result
    other: Result | None
    advantage: float
    margin: float
    verdict: str
    why: str = ""


@dataclass(frozen=True)
class Line:
    """All that is compared by one score of one query, with the controls and the oracle beside.

    ``as_good`` are the controls that score no worse than any method that the claim speaks for.
    """

    task: str
    task_label: str
    query: str
    score: str
    comparisons: tuple[Comparison, ...]
    beside: tuple[Result, ...]
    as_good: tuple[str, ...]

    @property
    def ours(self) -> list[Result]:
        """The methods that the claim speaks for."""
        return list({each.ours.method: each.ours for each in self.comparisons}.values())

    @property
    def nearest(self) -> Result | None:
        """The other method that refutes the claim most, or comes nearest to it; None where none has a number."""
        order = (DOES_NOT_HOLD, UNDECIDED, HOLDS)
        rivals = [each for each in self.comparisons if each.other is not None and each.verdict in order]
        worst = min(rivals, key=lambda each: (order.index(each.verdict), each.advantage), default=None)
        return worst and worst.other


@dataclass(frozen=True)
class Verdict:
    """The verdict on a claim on one kind of data: one of `VERDICTS`, the reason, and what it rests on."""

    verdict: str
    why: str = ""
    lines: tuple[Line, ...] = ()

    @property
    def as_good(self) -> list[str]:
        """Labels of the controls that are as good by every score: what the claim shows, they show too."""
        shared = set.intersection(*(set(line.as_good) for line in self.lines)) if self.lines else set()
        return sorted(shared)


def judge(
    claims: dict[str, Claim], study: ClaimsSpec, scores: pd.DataFrame, steps: Mapping[tuple[str, str], int]
) -> dict[str, dict[str, Verdict]]:
    """Return the verdicts on each claim, by ``stand-in`` and ``real``.

    Parameters
    ----------
    claims
        By name (`outofsample.report.claims.read_claims`).
    study
        Its tasks and methods.
    scores
        Of all its tasks (`outofsample.files.scores`).
    steps
        How many steps its models were trained for, by task and model (`outofsample.files.history.read_steps`).
    """
    wanted = {task for claim in claims.values() for task in claim.tasks.real + claim.tasks.stand_in}
    of_query = dict(list(scores[scores["task"].isin(wanted)].groupby(["task", "query"], sort=False)))
    return {
        name: {
            "stand-in": _verdict(claim, study, of_query, True),
            "real": _as_trained(claim, _verdict(claim, study, of_query, False), steps),
        }
        for name, claim in claims.items()
    }


def _verdict(claim: Claim, study: ClaimsSpec, of_query: dict[tuple, pd.DataFrame], stand_in: bool) -> Verdict:
    if claim.not_judged:
        return Verdict(NOT_JUDGED, claim.not_judged)
    tasks = claim.tasks_on(stand_in)
    if not tasks:
        return Verdict(NOT_JUDGED, "no stand-in shows it" if stand_in else "no real data show it")
    run = [task for task in tasks if task in study.tasks and study.tasks[task].stand_in == stand_in]
    found = [(*key, block) for key, block in of_query.items() if key[0] in run]
    lines = [
        _line(claim, study, task, query, score, block)
        for task, query, block in found
        if not claim.queries or query in claim.queries
        for score in claim.scores_on(stand_in)
    ]
    if not lines:
        return Verdict(NOT_RUN, "this study runs none of its tasks on such data")
    return _of_lines(lines)


def _of_lines(lines: list[Line]) -> Verdict:
    return Verdict(*combined([each for line in lines for each in line.comparisons]), tuple(lines))


def _as_trained(claim: Claim, verdict: Verdict, steps: Mapping[tuple[str, str], int]) -> Verdict:
    """Return a verdict on real data: tasks where a model had too few of the published steps decide nothing."""
    if verdict.verdict not in (HOLDS, DOES_NOT_HOLD) or not claim.published_steps:
        return verdict
    short = {}
    for task in dict.fromkeys(line.task for line in verdict.lines):
        for model, published in claim.published_steps.items():
            taken = steps.get((task, model))
            if taken is None or taken < ENOUGH * published:
                had = "an unknown number" if taken is None else f"{taken:,}"
                short[task] = f"after {had} of the {published:,} published steps of {as_label(model)}"
    trained = [line for line in verdict.lines if line.task not in short]
    if not short:
        return verdict
    if trained and (left := _of_lines(trained)).verdict in (HOLDS, DOES_NOT_HOLD):
        return Verdict(left.verdict, left.why, verdict.lines)
    against = f" ({verdict.why})" if verdict.why else ""
    return Verdict(
        UNDECIDED, f"{'; '.join(dict.fromkeys(short.values()))} it {verdict.verdict}{against}", verdict.lines
    )


def combined(comparisons: list[Comparison]) -> tuple[str, str]:
    """Return the verdict on a claim and its reason: all comparisons must hold, and one that does not is enough."""
    of = {verdict: [each for each in comparisons if each.verdict == verdict] for verdict in VERDICTS}
    missing = _missing(of[NOT_JUDGED])
    if of[DOES_NOT_HOLD]:
        return DOES_NOT_HOLD, _against(of[DOES_NOT_HOLD])
    if len(of[NOT_JUDGED]) == len(comparisons):
        return NOT_JUDGED, missing
    if len(of[HOLDS]) == len(comparisons):
        return HOLDS, ""
    return UNDECIDED, "; ".join(filter(None, [_against(of[UNDECIDED]), missing]))


def _missing(comparisons: list[Comparison]) -> str:
    """Return which methods have no number, those with the same reason together."""
    reasons: dict[str, dict[str, None]] = {}
    for each in comparisons:
        for result in (each.ours, each.other):
            if result is not None and np.isnan(result.mean):
                reasons.setdefault(result.why, {})[result.label] = None
    return "; ".join(f"{', '.join(labels)}: {reason}" for reason, labels in reasons.items())


def _against(comparisons: list[Comparison]) -> str:
    """Return against which methods comparisons went so, and where no margin is known."""
    rivals = dict.fromkeys(each.other.label for each in comparisons if each.other is not None)
    reasons = dict.fromkeys(each.why for each in comparisons if each.why)
    return "; ".join([*([f"against {', '.join(rivals)}"] if rivals else []), *reasons])


def _line(claim: Claim, study: ClaimsSpec, task: str, query: str, score: str, block: pd.DataFrame) -> Line:
    ours = [_result(block, method, score, study) for method in claim.methods]
    others = [_result(block, method, score, study) for method in claim.others]
    beside = tuple(_result(block, method, score, study) for method in BESIDE)
    scored = [distance_to_best(score, each.mean) for each in ours if not np.isnan(each.mean)]
    worst = max(scored, default=np.nan)
    # Where a claim is that a method does nothing, or nothing more, controls are no rivals.
    rivals = beside[:-1] if claim.test in ("better_than", "at_least", "at_most") else ()
    return Line(
        task,
        study.tasks[task].label,
        query,
        score,
        tuple(_comparisons(claim, score, ours, others)),
        beside,
        tuple(each.label for each in rivals if distance_to_best(score, each.mean) <= worst),
    )


def _result(block: pd.DataFrame, method: str, score: str, study: ClaimsSpec) -> Result:
    """Return what a method scores on a query, or why it scores nothing."""
    known = {ORACLE.name: ORACLE} | study.methods
    label = known[method].label if method in known else as_label(method)
    of_method = block[block["method"] == method]
    runs = of_method[of_method["score"] == score]
    if runs["value"].notna().any():
        found = summarise_runs(runs, method)
        return Result(method, label, found["mean"], found["sd"], found["spread"])
    if of_method.empty:
        return Result(method, label, why=NOT_ON_TASK if method in study.methods else NOT_IN_STUDY)
    if runs.empty and (of_method["score"] != "").all():
        return Result(method, label, why=f"{score} is not there")
    notes = dict.fromkeys(note.removeprefix("not run: ") for note in (of_method if runs.empty else runs)["note"])
    return Result(method, label, why="; ".join(filter(None, notes)))


def _comparisons(claim: Claim, score: str, ours: list[Result], others: list[Result]) -> Iterator[Comparison]:
    """Yield all comparisons of a claim by one score of one query."""
    for mine in ours:
        if claim.test in ("at_least", "at_most"):
            bound, sign = (claim.at_least, 1) if claim.test == "at_least" else (claim.at_most, -1)
            yield _compared(mine, None, sign * (mine.mean - bound))
        for other in others:
            gain = distance_to_best(score, other.mean) - distance_to_best(score, mine.mean)
            allowed = claim.within + claim.within_share * abs(other.mean)
            advantages = {
                "better_than": gain - claim.by_share * abs(other.mean),
                "no_better_than": allowed - gain,
                "same_as": allowed - abs(mine.mean - other.mean),
            }
            # What the advantage changes by with the other's score: of 'by half', 1.5 of it where more is better and
            # half of it where less is.
            times = abs(slope_of_distance(score, other.mean) - claim.by_share * np.sign(other.mean))
            yield _compared(mine, other, advantages[claim.test], times)


def _compared(ours: Result, other: Result | None, advantage: float, times: float = 1.0) -> Comparison:
    """Return a comparison with its verdict; the advantage is over so many ``times`` the other's score."""
    both = [ours.sd, *([] if other is None else [times * other.sd])]
    spreads = [sd for sd in both if not np.isnan(sd)]
    margin = DEVIATIONS * float(np.hypot.reduce([0.0, *spreads])) if spreads else np.nan
    if np.isnan(advantage):
        return Comparison(ours, other, np.nan, margin, NOT_JUDGED)
    if np.isnan(margin):
        return Comparison(ours, other, float(advantage), margin, UNDECIDED, NO_SPREAD)
    verdict = HOLDS if advantage > margin else DOES_NOT_HOLD if advantage < -margin else UNDECIDED
    return Comparison(ours, other, float(advantage), margin, verdict)
