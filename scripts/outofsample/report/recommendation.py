"""Which method to take for a query, and why, by what the methods predict for domains that they were not fitted to.

`recommend` decides, for the pages on data of a user's own and for the page of a study alike; no truth takes part.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from outofsample.arrays import HeldOut
from outofsample.files.prediction import PredictionFile
from outofsample.metrics.expected import LEVEL, Interval, error_interval
from outofsample.texts import significant

#: What a method did that predicts the cells of a query as they are.
UNMOVED = "it did nothing to these cells, and every predicted value is the measured one"
#: What folds of a single population are worth; measured on HeLa cells (docs/evidence.md, 'The stacked map').
RANDOM_PARTS = (
    "With a single control these parts are random and cannot say how far the change carries: of eight such questions "
    "on real cells it did harm in two, and in a third by chance."
)


@dataclass(frozen=True)
class Expected:
    """What is expected of one method.

    Attributes
    ----------
    method
        Its name.
    domains
        How many were held out.
    error, unchanged
        Mean energy distances over them, of the predictions and of doing nothing.
    better
        In how many of them the prediction is nearer than doing nothing.
    interval, unchanged_interval
        Where those of the query are expected.
    """

    method: str
    domains: int
    error: float
    unchanged: float
    better: int
    interval: Interval
    unchanged_interval: Interval

    @classmethod
    def of(cls, method: str, held_out: HeldOut) -> "Expected":
        """Return what follows from the domains that were held out."""
        return cls(
            method,
            len(held_out.domains),
            float(held_out.errors.mean()),
            float(held_out.unchanged.mean()),
            int((held_out.errors < held_out.unchanged).sum()),
            error_interval(held_out.errors, held_out),
            error_interval(held_out.unchanged, held_out),
        )

    @property
    def helps(self) -> bool:
        """Whether it is nearer than doing nothing on average, and in most domains."""
        return self.error < self.unchanged and 2 * self.better > self.domains


@dataclass(frozen=True)
class Recommendation:
    """Which method to take ("" where there is none to be named), and why; ``warns`` where none can be relied on."""

    method: str
    why: str
    warns: bool = False


def recommend(
    held_out: Mapping[str, HeldOut],
    labels: Mapping[str, str],
    cautious: str = "",
    unchanged: str = "",
    unmoved: Collection[str] = (),
) -> Recommendation:
    """Return which method to take for a query.

    Of the methods whose predictions for the domains that were held out are nearer than the cells before, on average and
    in most domains, the nearest on average is taken; where there is none, none. Where nothing could be held out it is
    the cautious one.

    Parameters
    ----------
    held_out
        By method, in the order of the study.
    labels
        How methods are called.
    cautious
        The method that does nothing where its own folds show no gain, "" where the study has none.
    unchanged
        The method that does nothing, "" where the study has none.
    unmoved
        The methods that predict the cells of the query as they are.
    """
    judged = {name: Expected.of(name, found) for name, found in held_out.items() if not found.why_not}
    others = {name: found.why_not for name, found in held_out.items() if found.why_not}
    if not judged:
        return _not_judged(held_out, labels, cautious, cautious in unmoved)
    moving = [each for each in judged.values() if each.method != unchanged] or list(judged.values())
    ranked = sorted(moving, key=lambda each: each.error)
    left_out = f" Not judged in this way: {_listed(others, labels)}." if others else ""
    best = next((each for each in ranked if each.helps), None)
    if best is None:
        return _nothing_helps(ranked[0], labels, unchanged, left_out)
    among = "" if best is ranked[0] else ", of those that help in most of them"
    return Recommendation(
        best.method,
        f"Take {labels[best.method]}. {_folds(best)} its predictions come nearest to the measured cells{among}: "
        f"{_beside(best)}. Expected for this query: {as_text(best.interval)}; doing nothing "
        f"{as_text(best.unchanged_interval)} ({LEVEL:.0%} intervals).{_beyond(held_out[best.method])}"
        f"{_runner_up(best, ranked, held_out, labels)}{left_out}",
        warns=held_out[best.method].is_beyond,
    )


def _beyond(found: HeldOut) -> str:
    """Return a sentence where the query is not one more population like those that were held out."""
    if not found.is_beyond:
        return ""
    return (
        f" But this query is unlike them: before the change it is {significant(found.query_distance)} from the source, "
        f"and none of them is farther than {significant(found.distances.max())} from the others. It can be far worse."
    )


def _folds(each: Expected) -> str:
    """Return the beginning of a sentence that says what was held out."""
    return f"In {each.domains} populations measured in both conditions, each left out of the fit in turn,"


def _nothing_helps(best: Expected, labels: Mapping[str, str], unchanged: str, left_out: str) -> Recommendation:
    """Return what is said where no method is nearer than doing nothing."""
    named = f" {labels[unchanged]} leaves the cells as they are." if unchanged else ""
    return Recommendation(
        unchanged,
        f"Take none of them: no method beats doing nothing. {_folds(best)} none comes nearer to the measured cells, on "
        f"average and in most of them, than the cells before the change are. The best is {labels[best.method]}: "
        f"{_beside(best)}.{named}{left_out}",
        warns=True,
    )


def _not_judged(
    held_out: Mapping[str, HeldOut], labels: Mapping[str, str], cautious: str, is_unmoved: bool
) -> Recommendation:
    """Return what is said where nothing was held out of any method; the cautious one may have moved no cell."""
    reasons = {name: found.why_not for name, found in held_out.items()}
    why = reasons.get(cautious) or next(iter(reasons.values()), "no method ran")
    if cautious not in reasons:
        return Recommendation("", f"No number can be given for the error of any method: {why}.", warns=True)
    nothing = f" Here it saw none: {UNMOVED}." if is_unmoved else ""
    random = f" {RANDOM_PARTS}" if held_out[cautious].random_parts else ""
    return Recommendation(
        cautious,
        f"Take {labels[cautious]}, which does nothing where it sees no gain in held-out parts of source and target."
        f"{nothing}{random} No number can be given for its error, nor for that of any other method: {why}.",
        warns=True,
    )


def _beside(each: Expected) -> str:
    """Return the mean energy distance beside that of doing nothing, in words."""
    return (
        f"energy distance {significant(each.error)} on average, doing nothing {significant(each.unchanged)}, nearer in "
        f"{each.better} of {each.domains}"
    )


def _runner_up(
    best: Expected, ranked: list[Expected], held_out: Mapping[str, HeldOut], labels: Mapping[str, str]
) -> str:
    """Return a sentence on the next best method that helps too, and whether the difference is clear."""
    others = [each for each in ranked if each.helps and each is not best]
    if not others:
        return ""
    difference = held_out[others[0].method].errors - held_out[best.method].errors
    clear = difference.mean() > difference.std(ddof=1) / np.sqrt(len(difference))
    said = "" if clear else ", within the standard error of the difference, so either will do"
    return f" Next is {labels[others[0].method]} ({significant(others[0].error)}{said})."


def _listed(reasons: Mapping[str, str], labels: Mapping[str, str]) -> str:
    """Return methods that were not judged, those with the same reason together."""
    by_reason: dict[str, list[str]] = {}
    for name, why in reasons.items():
        by_reason.setdefault(why, []).append(labels[name])
    return "; ".join(f"{' and '.join(names)} ({why})" for why, names in by_reason.items())


def as_text(interval: Interval) -> str:
    """Return an interval as people write it."""
    return f"{significant(interval.low)} to {significant(interval.high)}"


def held_out_of(files: Iterable[PredictionFile], query: str) -> dict[str, HeldOut]:
    """Return what each prediction file of a task says of held-out domains, by method."""
    return {file.method: file.held_out(query) for file in files}


def unmoved_of(files: Iterable[PredictionFile], query: str) -> list[str]:
    """Return the methods whose prediction files of a task have the cells of a query as they are."""
    return [file.method for file in files if query in file.unmoved]
