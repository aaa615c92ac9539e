"""Errors that a user can mend, and how scripts end when one is raised."""

import signal
import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches


class UserError(Exception):
    """Something in the user's files or configuration is wrong.

    The message is one or more whole sentences that name the file, the field and what would be right; scripts
    print it without a traceback.
    """


class InputError(UserError, ValueError):
    """What was handed to an estimator is wrong; also the `ValueError` that scikit-learn's tools look for."""


class NotAvailable(UserError):
    """Something that a method needs is not installed.

    ``reason`` ("R missing") stands in the table's cell; the message is one sentence that also says how to get it.
    """

    def __init__(self, reason: str, remedy: str):
        super().__init__(f"{reason}: {remedy}.")
        self.reason = reason


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the nearest known word, or an empty string."""
    nearest = get_close_matches(str(word), [str(name) for name in known], n=1, cutoff=0.6)
    return f" (did you mean '{nearest[0]}'?)" if nearest else ""


def run_script(main: Callable[[], None]) -> None:
    """Call ``main`` and end the process with status 1 and one clear sentence if it raises `UserError`.

    A process that is asked to end (SIGTERM), as at the end of a job's time on a cluster, removes what it has half
    written.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
