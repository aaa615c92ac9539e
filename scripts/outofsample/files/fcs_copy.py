"""A copy of an FCS file with other values, for all who write one: keywords stay but where they say what changed."""

from collections.abc import Iterable
from typing import BinaryIO

import numpy as np

from outofsample.files.fcs_data import Channel
from outofsample.files.fcs_text import FcsText, assembled

#: In place of a check sum: there is none.
END = b"0" * 8


def as_floats(
    text: FcsText, channels: list[Channel], values: np.ndarray, new: Iterable[int], double: bool = False
) -> tuple[np.ndarray, dict[str, str | int]]:
    """Return values (cells, channels) as floats in the byte order of the file, and the keywords that say so.

    ``$PnR`` of the channels ``new`` is raised where a value passes it, as some readers cut there. ``double`` stores 64
    bits in place of 32.
    """
    kind, bits = ("D", 64) if double else ("F", 32)
    big = text.get("$BYTEORD").startswith(("4", "2", "8"))
    changes: dict[str, str | int] = {"$DATATYPE": kind, "$BYTEORD": "4,3,2,1" if big else "1,2,3,4"}
    for number, channel in enumerate(channels, 1):
        changes[f"$P{number}B"] = bits
        if text.get(f"$P{number}DATATYPE"):
            changes[f"$P{number}DATATYPE"] = kind
        if channel.is_log:
            changes[f"$P{number}E"] = "0,0"
    changes |= raised_ranges(text, values, new)
    return values.astype(f"{'>' if big else '<'}f{bits // 8}", copy=False), changes


def write_copy(file: BinaryIO, text: FcsText, changes: dict[str, str | int], stored: np.ndarray) -> None:
    """Write a file with the keywords of another but for ``changes``, and with the stored values (cells, ...)."""
    data = stored.tobytes()
    file.write(head_of_copy(text, changes, len(stored), len(data)) + data + END)


def head_of_copy(text: FcsText, changes: dict[str, str | int], cells: int, size: int) -> bytes:
    """Return HEADER and TEXT of a file with the keywords of another but for ``changes``.

    So many cells, in ``size`` bytes of data, stand behind them, and then `END`.
    """
    always = {"$TOT": cells, "$MODE": "L", "$NEXTDATA": 0}
    # Segments that are not carried over; keywords of a supplemental TEXT have been put into the primary one.
    always |= {f"${end}{name}": 0 for name in ("ANALYSIS", "STEXT") for end in ("BEGIN", "END")}
    return assembled(text, {**always, **changes}, size)


def raised_ranges(text: FcsText, values: np.ndarray, new: Iterable[int]) -> dict[str, str | int]:
    """Return a ``$PnR`` above all values (cells, channels) of the channels ``new``, where the one they have is not."""
    changes: dict[str, str | int] = {}
    for column in new:
        keyword, finite = f"$P{column + 1}R", values[np.isfinite(values[:, column]), column]
        try:
            known = float(text.get(keyword))
        except ValueError:
            continue
        largest = float(finite.max(initial=-np.inf))
        if largest > known - 1:
            # The range is one above the largest value that a reader expects.
            changes[keyword] = int(np.floor(largest)) + 2
    return changes
