"""Writing files so that a reader never sees half of one, and checking what was read."""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from outofsample.errors import UserError

#: A device with fewer free bytes is full, where a writer does not say why it failed.
_FULL = 1 << 20


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` when the block ends without an error.

    The temporary name keeps the suffix, since several writers choose their format by it.

    Raises
    ------
    UserError
        If there is no space left on the device; then no part of the file is left either.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:
        if is_full(error, path.parent):
            raise UserError(
                f"{path}: there is no space left on the device; free some, or write to another place."
            ) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def check_outside(path: str | Path, folder: str | Path) -> None:
    """Raise `UserError` if a user's file, or what it links to, lies in a folder whose content is made anew."""
    for place in (Path(path).parent.resolve(), Path(path).resolve()):
        if place.is_relative_to(Path(folder).resolve()):
            raise UserError(
                f"{path}: this lies in {folder}, whose files are made anew; keep your data elsewhere, and let "
                "'data_dir' name that folder."
            )


def is_full(error: Exception, folder: Path) -> bool:
    """Whether writing into a folder failed with this error because the device, or the user's share of it, is full."""
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return True
    # HDF5 can give the number of the system's error in the text alone; torch's writer gives none.
    text = str(error)
    silent = "inline_container" in text or "PytorchStreamWriter" in text
    return f"errno = {errno.ENOSPC}" in text or (silent and shutil.disk_usage(folder).free < _FULL)


def sha256(path: str | Path) -> str:
    """Return the SHA-256 digest of a file in hexadecimal, reading it in pieces."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
