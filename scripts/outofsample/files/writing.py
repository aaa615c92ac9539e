"""Writing files so that a reader never sees half of one, and checking what was read.

Beside a file that another job reads stands its seal, ``.FILE.sha256``: the SHA-256 digest of what was written.
Readers check it, so that a file which was cut off or damaged later is never taken for a whole one. A file without a
seal, as one that was made elsewhere, is read as it is.

A writer that is killed cannot remove what it had written so far. The name of that says who wrote it: a machine and the
number of a process there. The next process that writes into the folder removes what processes of its own machine have
left that are there no more. What another machine has left stays: nothing in a shared folder tells whether a process
there is still writing. Such files, hidden and with ``.part`` in their names, can be deleted when no study is running.
"""

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from outofsample.errors import UserError

#: A device with fewer free bytes is full, where a writer does not say why it failed.
_FULL = 1 << 20
#: What tells a running machine from all others on Linux: its boot, and which processes can be seen (containers).
_BOOT, _PROCESSES = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")


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
    _remove_left(path.parent.resolve())
    temporary = temporary_of(path)
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


def temporary_of(path: Path) -> Path:
    """Return where a file is written before it takes its place; file systems allow names of 255 bytes."""
    stem, suffix = _cut(path.stem, 140), _cut(path.suffix, 60)
    return path.with_name(f".{stem}.{_machine() or 'x'}-{os.getpid()}.part{suffix}")


def _cut(name: str, most: int) -> str:
    return name.encode(errors="ignore")[:most].decode(errors="ignore")


@lru_cache(maxsize=1)
def _machine() -> str:
    """Return what stands for the machine in the names of files that are being written; "" where it cannot be told.

    Machines that were started from one image of a running memory cannot be told apart: they must not share results.
    """
    try:
        known = (os.uname().nodename, _BOOT.read_text(), _PROCESSES.stat().st_ino)
    except OSError:
        return ""
    return hashlib.sha256(repr(known).encode()).hexdigest()[:12]


@lru_cache(maxsize=1024)
def _remove_left(folder: Path) -> None:
    """Remove what killed writers of this machine have left in a folder, of any file; each process looks once."""
    if not (machine := _machine()):
        return
    name = re.compile(rf"\..*\.{machine}-([0-9]+)\.part(?:\..*)?", re.DOTALL)
    # Writing goes on where a folder cannot be listed, or another process was faster.
    with suppress(OSError):
        for file in os.listdir(folder):
            if (found := name.fullmatch(file)) and _is_gone(int(found[1])):
                (folder / file).unlink(missing_ok=True)


def _is_gone(process: int) -> bool:
    """Whether no process of this machine has a number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        # It is another user's, or no number that a process can have.
        pass
    return False


@contextmanager
def sealed(path: str | Path) -> Iterator[Path]:
    """Like `replacing`, for a file that another job reads: its digest is put beside it.

    Raises
    ------
    UserError
        As `replacing` does.
    """
    path = Path(path)
    with replacing(path) as temporary:
        yield temporary
        digest = sha256(temporary)
        # Until the file has taken its place both count: a kill in between leaves one that is right.
        _write_seal(path, [digest, *_read_seal(path)[:1]])
    _write_seal(path, [digest])


def check_seal(path: str | Path) -> None:
    """Check that a file is as `sealed` left it; one without a seal, and one that is missing, passes.

    Raises
    ------
    UserError
        If it is not.
    """
    path = Path(path)
    digests = _read_seal(path)
    if not digests or not path.is_file():
        return
    status = path.stat()
    if _digest_of(path, status.st_mtime_ns, status.st_size, status.st_ino) not in digests:
        raise UserError(
            f"{path}: this file is not as it was written (cut off, damaged or changed since); delete it and run the "
            f"same command again, or, where you changed it yourself, delete {_seal_of(path)}."
        )


@lru_cache(maxsize=256)
def _digest_of(path: Path, time: int, size: int, inode: int) -> str:
    """Return the digest of a file, which several readers of a job ask for."""
    return sha256(path)


def _seal_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.sha256")


def _read_seal(path: Path) -> list[str]:
    with suppress(FileNotFoundError):
        return _seal_of(path).read_text().split()
    return []


def _write_seal(path: Path, digests: list[str]) -> None:
    with replacing(_seal_of(path)) as temporary:
        temporary.write_text("\n".join(digests) + "\n")


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
