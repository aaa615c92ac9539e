"""Getting a raw file: from the user's data folder where it is, from the network where it is not.

With ``OUTOFSAMPLE_MIRROR`` in the environment, ``https://HOST/PATH`` is fetched from ``MIRROR/HOST/PATH`` instead.
"""

import contextlib
import http.client
import os
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path

from outofsample.errors import UserError
from outofsample.files import writing

#: Answers of a server that may be different a moment later.
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_BLOCK = 1 << 16


class CannotBeHad(UserError):
    """A raw file is not in the data folder, and not to be had from elsewhere either."""


def mirrored(url: str) -> str:
    """Return where a file is fetched from: its address, or its place on the mirror that the environment names."""
    mirror = os.environ.get("OUTOFSAMPLE_MIRROR", "").rstrip("/")
    return f"{mirror}/{url.partition('://')[2]}" if mirror else url


def fetch(
    name: str,
    target: str | Path,
    data_dir_file: str | Path,
    sha256: str | None = None,
    url: str | None = None,
    retries: int = 3,
    timeout: float = 30.0,
    pause: float = 1.0,
    hint: str = "",
    kept: str | Path | None = None,
) -> None:
    """Make ``target`` a copy of the raw file ``name``.

    ``data_dir_file`` is taken, without any network, if it exists and has the digest ``sha256`` (or none is known).
    Otherwise ``url`` is downloaded: at most ``1 + retries`` attempts with a growing ``pause`` (seconds) between them,
    each read limited to ``timeout`` seconds. ``target`` appears only when it is whole and its digest is right.

    What was downloaded stands under the name ``kept`` too (a link, which takes no space) and is taken when it is asked
    for again: before any network where a digest vouches for it, else where the address no longer answers.

    Raises
    ------
    CannotBeHad
        If the file is in neither place, or the digest is wrong; the message says where to put the file, and
        gives the ``hint`` where it is not to be had automatically.
    UserError
        If the disk is full.
    """
    local = Path(data_dir_file)
    wrong = None
    if local.is_file():
        found = writing.sha256(local) if sha256 else None
        if found == sha256:
            _copy(local, target)
            return
        wrong = f"{local} has the SHA-256 digest {found}, and {sha256} is expected"
    if url is None:
        raise _no_address(name, local, wrong, hint)
    if sha256 and _take_kept(name, kept, target, sha256):
        return
    url = mirrored(url)
    if wrong:
        print(f"{wrong}; downloading {url} instead.", flush=True)
    with writing.replacing(target) as temporary:
        try:
            _download_with_retries(name, url, temporary, local, retries, timeout, pause)
        except CannotBeHad:
            if sha256 or not _take_kept(name, kept, temporary, None):
                raise
        found = writing.sha256(temporary)
        if sha256 not in (None, found):
            raise CannotBeHad(
                f"{name}: what {url} sends has the SHA-256 digest {found}, and {sha256} is expected; "
                f"put the right file at {local}."
            )
    if kept:
        with contextlib.suppress(OSError), writing.replacing(kept) as temporary:
            os.link(target, temporary)


def link(target: str | Path, local: str | Path) -> None:
    """Make ``target`` a link to a user's file, which takes no space: what reads it reads that file."""
    with writing.replacing(target) as temporary:
        os.symlink(Path(local).resolve(), temporary)


def _take_kept(name: str, kept: str | Path | None, target: str | Path, sha256: str | None) -> bool:
    """Copy what an earlier download has left to ``target``, if its digest is right; return whether it was."""
    if kept is None or not Path(kept).is_file() or sha256 not in (None, writing.sha256(kept)):
        return False
    print(f"{name}: taking what was downloaded before.", flush=True)
    _copy(kept, target)
    return True


def _copy(source: str | Path, target: str | Path) -> None:
    with writing.replacing(target) as temporary:
        shutil.copyfile(source, temporary)


def _no_address(name: str, local: Path, wrong: str | None, hint: str) -> CannotBeHad:
    """Return the error on a file without an address that is missing, or ``wrong``."""
    if wrong:
        return CannotBeHad(f"{wrong}; put the right file there (no address to download it from is known).")
    advice = f" {hint}." if hint else ""
    return CannotBeHad(f"{name}: the file is missing and cannot be downloaded; put it at {local}.{advice}")


def _download_with_retries(
    name: str, url: str, target: Path, local: Path, retries: int, timeout: float, pause: float
) -> None:
    for attempt in range(retries + 1):
        try:
            return _download(name, url, target, timeout)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if writing.is_full(error, target.parent):
                raise
            reason = f"{type(error).__name__}: {error}"
            final = isinstance(error, ValueError) or (
                isinstance(error, urllib.error.HTTPError) and error.code not in _PASSING
            )
            if final or attempt == retries:
                raise CannotBeHad(
                    f"{name}: {url} cannot be downloaded after {attempt + 1} attempt{'s' * (attempt > 0)} "
                    f"({reason}); check the network, or put the file at {local}."
                ) from error
        wait = pause * 2**attempt
        print(f"{name}: {reason}; trying again in {wait:g} s.", flush=True)
        time.sleep(wait)


def _download(name: str, url: str, target: Path, timeout: float) -> None:
    """Write what ``url`` sends to ``target``, with a progress bar where the size is known.

    Raises
    ------
    OSError, http.client.HTTPException
        If the connection fails, or ends before all announced bytes have come.
    """
    from tqdm import tqdm

    with urllib.request.urlopen(url, timeout=timeout) as answer, target.open("wb") as file:
        size = int(answer.headers.get("Content-Length") or 0)
        received = 0
        with tqdm(total=size, unit="B", unit_scale=True, desc=name, disable=not size) as progress:
            while block := answer.read(_BLOCK):
                file.write(block)
                received += len(block)
                progress.update(len(block))
    # Reading in blocks, http.client does not complain when the connection ends early.
    if received < size:
        raise ConnectionError(f"the connection ended after {received:,} of {size:,} bytes")
