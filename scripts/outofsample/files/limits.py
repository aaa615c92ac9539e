"""How much a file may unpack to: a small file that becomes a huge one is refused before it fills the memory."""

import bz2
import gzip
import lzma
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from outofsample.errors import UserError

#: Bytes that any file may unpack to.
SMALL = 16 << 20
#: How many times its own size a larger one may unpack to. Numbers as text shrink to a third, counts, most of them zero,
#: to a fortieth.
TEXT_RATIO, ARRAY_RATIO = 50, 100
#: Bytes of a line of a table: a name and a number of 100,000 columns take a fifth of it.
LINE = 16 << 20
#: Pixels of an image.
PIXELS = 50_000_000
_BLOCK = 1 << 20
#: What unpacking a damaged file raises.
DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError)
#: What opens a packed file, by its first bytes.
_PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}


def check_unpacked(path: Path, size: float, packed: int, ratio: int, remedy: str) -> None:
    """Check that a file of ``packed`` bytes, whose content takes ``size`` bytes, does not unpack to too much.

    Raises
    ------
    UserError
        If it does; the sentence names the limit, and ends in ``remedy``.
    """
    if size > SMALL + ratio * packed:
        raise UserError(
            f"{path}: this file of {_words(packed)} would unpack to {_words(size)}, and at most {ratio} times its size "
            f"and {_words(SMALL)} are read; {remedy}."
        )


def check_memory(path: Path | str, size: float, what: str, remedy: str) -> None:
    """Check that ``size`` bytes are not more than the machine's memory.

    Raises
    ------
    UserError
        If they are.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size > memory:
        raise UserError(f"{path}: {what} take {_words(size)}, and this machine has {_words(memory)}; {remedy}.")


def check_pixels(path: Path, width: int, height: int) -> None:
    """Check the size of an image before it is unpacked.

    Raises
    ------
    UserError
        If it has more than `PIXELS`.
    """
    if width * height > PIXELS:
        raise UserError(
            f"{path}: this image has {width:,} x {height:,} pixels, and at most {PIXELS:,} in all are read; scale it "
            "down."
        )


def unpacked(path: Path, ratio: int, remedy: str) -> Iterator[bytes]:
    """Yield the content of a file in small pieces, unpacked where its first bytes are those of gzip, bzip2 or xz.

    Raises
    ------
    UserError
        As `check_unpacked` does, before more than the limit is unpacked.
    OSError, EOFError, zlib.error, lzma.LZMAError (`DAMAGED`)
        If it is damaged.
    """
    with path.open("rb") as file:
        opener = _opener(file.read(8))
    packed, size = path.stat().st_size, 0
    with opener(path, "rb") as file:
        for block in iter(lambda: file.read(_BLOCK), b""):
            size += len(block)
            if opener is not open:
                check_unpacked(path, size, packed, ratio, remedy)
            yield block


def unpack(path: Path, ratio: int, remedy: str) -> bytes:
    """Return what `unpacked` yields as one.

    Raises
    ------
    UserError, OSError, EOFError, zlib.error, lzma.LZMAError
        As `unpacked` does, and a `UserError` where what is packed is packed once more: readers would unpack that too.
    """
    content = b"".join(unpacked(path, ratio, remedy))
    if _opener(content) is not open:
        raise UserError(f"{path}: what this file unpacks to is packed once more; unpack it yourself, or {remedy}.")
    return content


def _opener(begin: bytes) -> Callable[..., BinaryIO]:
    """Return what opens a file that begins so."""
    return next((opener for magic, opener in _PACKED.items() if begin.startswith(magic)), open)


def check_text(path: Path) -> None:
    """Check the lines of a table, packed or not, and to how much it unpacks, without keeping any of it.

    Raises
    ------
    UserError
        If a line is longer than `LINE`, a packed table unpacks to too much, or bytes are zero, as in UTF-16.
    OSError, EOFError, zlib.error, lzma.LZMAError (`DAMAGED`)
        If a packed one is damaged.
    """
    line = 0
    for block in unpacked(path, TEXT_RATIO, "if that is right, unpack it yourself (gunzip)"):
        # Readers end a field there, and its rest would be gone without a word.
        if b"\0" in block:
            raise UserError(
                f"{path}: this table holds bytes that are zero, so it is damaged, or not in UTF-8 (Excel's 'Unicode "
                "text' is in UTF-16); save it as CSV in UTF-8."
            )
        last = max(block.rfind(b"\n"), block.rfind(b"\r"))
        line = line + len(block) if last < 0 else len(block) - last
        if line > LINE:
            raise UserError(
                f"{path}: this table has a line of more than {_words(LINE)}, which is the limit; it may be damaged, or "
                "have one line for all cells: write a line per cell."
            )


def _words(size: float) -> str:
    """Return a number of bytes as people say it."""
    for unit, power in (("TB", 40), ("GB", 30), ("MB", 20), ("kB", 10)):
        if size >= 1 << power:
            return f"{size / (1 << power):,.4g} {unit}"
    return f"{size:,.0f} bytes"
