"""Where what readers of formats raise becomes a sentence: damaged files fail in ways that no list of errors holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from outofsample.errors import UserError


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what is raised while a file is read into a `UserError` that names the file.

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
