"""Where what readers of formats raise becomes a sentence: damaged files fail in ways that no list of errors holds."""

import faulthandler
import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from outofsample.errors import UserError

T = TypeVar("T")


@contextmanager
def reading(path: Path | str) -> Iterator[None]:
    """Turn what is raised while a file (or several) is read into a `UserError` that names it.

    Raises
    ------
    UserError
        As it was raised, or for any other error.
    """
    try:
        yield
    except UserError:
        raise
    except MemoryError as error:
        raise UserError(
            f"{path}: this file needs more memory than there is; split it, or check that it is whole."
        ) from error
    except Exception as error:
        said = " ".join(str(error).split())[:300].rstrip(".")
        raise UserError(
            f"{path}: this file cannot be read ({type(error).__name__}{': ' if said else ''}{said}); it may be "
            "damaged: copy or export it again."
        ) from error


def read_after_trial(path: Path, read: Callable[[], T]) -> T:
    """Return what ``read`` makes of a file, after a child process has done it without being killed.

    The HDF5 library crashes on some damaged files, and compiled code on wild indices: no error is raised then.

    Raises
    ------
    UserError
        As `reading` does, and if the child process crashes.
    """
    with warnings.catch_warnings():
        # The child reads a file, and waits for no thread.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        # Errors are told by the parent, which meets the same ones.
        try:
            faulthandler.disable()
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(1, 2)
            read()
        finally:
            os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        raise UserError(f"{path}: this file is damaged so that reading it crashes ({name}); copy or export it again.")
    with reading(path):
        return read()
