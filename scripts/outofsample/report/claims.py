"""The papers' claims, each with the test that decides it: ``docs/claims.yaml``.

A claim is a statement of a paper in words of our own. Unlike a published number it needs no data of the same size, so
it can be judged where a number cannot (`outofsample.report.verdicts`).
"""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from outofsample import registry
from outofsample.errors import UserError, did_you_mean
from outofsample.metrics.directions import DIRECTIONS

#: The tests; a claim has one of them, or says in ``not_judged`` why none decides it.
TESTS = ("better_than", "no_better_than", "same_as", "at_least", "at_most")


@dataclass(frozen=True)
class ClaimTasks:
    """The tasks that decide a claim, apart for ``real`` data and for ``stand_in`` data."""

    real: tuple[str, ...] = ()
    stand_in: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """A statement and what decides it.

    Attributes
    ----------
    statement
        One sentence.
    paper, place
        Where it stands: ``ne2018``, ``ne2019``, ``ne2020`` or ``trvae2020``, and section, table or figure.
    shown_in
        Tables and figures of our studies in which it can be seen.
    tasks
        Where it is judged.
    queries
        The queries of these tasks; none: all.
    scores
        What it is judged by; all of them must agree.
    stand_in_scores
        The same for stand-ins, where other scores can be had there; none: ``scores``.
    methods
        The methods that the claim speaks for.
    better_than
        Each of ``methods`` scores better than each of these.
    no_better_than
        None of ``methods`` scores better than any of these by more than is allowed.
    same_as
        ``methods`` differ from these by no more than is allowed.
    at_least, at_most
        What ``methods`` score at least, or at most.
    by_share
        How much better than each of `better_than`, as a share of the other method's score.
    within, within_share
        What is allowed: in the units of the score, and as a share of the other method's score.
    published_steps
        How many steps the paper's authors trained a model for, by its name: with far fewer, real data decide nothing.
    not_judged
        Why no test decides it.
    note
        What else one must know of the test.
    """

    statement: str
    paper: Literal["ne2018", "ne2019", "ne2020", "trvae2020"]
    place: str
    shown_in: tuple[str, ...] = ()
    tasks: ClaimTasks = field(default_factory=ClaimTasks)
    queries: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    stand_in_scores: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    better_than: tuple[str, ...] = ()
    no_better_than: tuple[str, ...] = ()
    same_as: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    by_share: float = 0.0
    within: float = 0.0
    within_share: float = 0.0
    published_steps: dict[str, int] = field(default_factory=dict)
    not_judged: str = ""
    note: str = ""

    @property
    def test(self) -> str:
        """The name of the test, one of `TESTS`; empty where none decides the claim."""
        return next(iter(self.tests), "")

    @property
    def tests(self) -> tuple[str, ...]:
        """The names of all tests that are given."""
        return tuple(name for name in TESTS if getattr(self, name) not in ((), None))

    @property
    def others(self) -> tuple[str, ...]:
        """The methods on the right side of the test; none where it is a bound."""
        return self.better_than + self.no_better_than + self.same_as

    def scores_on(self, stand_in: bool) -> tuple[str, ...]:
        """Return what the claim is judged by on one kind of data."""
        return self.stand_in_scores if stand_in and self.stand_in_scores else self.scores

    def tasks_on(self, stand_in: bool) -> tuple[str, ...]:
        """Return where the claim is judged on one kind of data."""
        return self.tasks.stand_in if stand_in else self.tasks.real


def read_claims(path: Path) -> dict[str, Claim]:
    """Return the claims of a file by their names, in its order.

    The file has the keys ``claims`` (name to `Claim`) and ``entries``: methods that studies define beside those of the
    package.

    Raises
    ------
    UserError
        If it cannot be read, or something in it is not known or does not fit; the message names claim and key.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"{path}: these claims cannot be read ({error}).") from error
    if not isinstance(content, dict) or not isinstance(content.get("claims"), dict):
        raise UserError(f"{path}: there are no claims; the file needs the key 'claims', a mapping from name to claim.")
    methods = {*registry.available("methods"), *content.get("entries", [])}
    return {name: _claim(values, f"{path}: claim '{name}'", methods) for name, values in content["claims"].items()}


def _claim(values: Any, where: str, methods: set[str]) -> Claim:
    """Return a claim of the file with its keys and names checked; messages start with ``where``."""
    if not isinstance(values, dict):
        raise UserError(f"{where}: this is no mapping from key to value.")
    _check_names(where, "", "key", values, [each.name for each in fields(Claim)])
    if isinstance(values.get("tasks"), dict):
        _check_names(where, "tasks: ", "key", values["tasks"], [each.name for each in fields(ClaimTasks)])
    try:
        claim = msgspec.convert(values, Claim)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        key = place.strip("`.")
        raise UserError(f"{where}: {f'{key}: ' if key else ''}{problem[0].lower()}{problem[1:]}.") from error
    for key in ("scores", "stand_in_scores"):
        _check_names(where, f"{key}: ", "score", getattr(claim, key), DIRECTIONS)
    for key in ("methods", "better_than", "no_better_than", "same_as"):
        _check_names(where, f"{key}: ", "method", getattr(claim, key), methods)
    _check_names(where, "published_steps: ", "model", claim.published_steps, registry.available("models"))
    _check_test(where, claim)
    return claim


def _check_names(where: str, key: str, what: str, names, known) -> None:
    for name in names:
        if name not in known:
            raise UserError(f"{where}: {key}unknown {what} '{name}'{did_you_mean(name, known)}.")


def _check_test(where: str, claim: Claim) -> None:
    """Raise `UserError` where a claim has no test, or lacks what its test needs."""
    if len(claim.tests) + bool(claim.not_judged) != 1:
        listed = ", ".join(TESTS)
        raise UserError(f"{where}: it needs one test ({listed}), or not_judged with the reason why it has none.")
    if claim.not_judged:
        return
    for key in ("methods", "scores"):
        if not getattr(claim, key):
            raise UserError(f"{where}: {key}: its test '{claim.test}' needs this key.")
    if not (claim.tasks.real or claim.tasks.stand_in):
        raise UserError(f"{where}: tasks: its test '{claim.test}' needs tasks, real or stand_in.")
    if claim.by_share < 0 or (claim.by_share and claim.test != "better_than"):
        raise UserError(f"{where}: by_share: it belongs to the test 'better_than', and is above 0.")
    if claim.test in ("same_as", "no_better_than") and max(claim.within, claim.within_share) <= 0:
        raise UserError(f"{where}: within: its test '{claim.test}' needs within or within_share, above 0.")
