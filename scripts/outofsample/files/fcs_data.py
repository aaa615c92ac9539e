"""DATA of an FCS file: numbers as HEADER and TEXT say that they are stored.

Integers are decoded without going through floats: ``$PnR`` says which bits count. ``$PnE`` holds for integers alone, as
in FCS 3.1: floating point numbers are linear whatever it says. The data type of one channel (``$PnDATATYPE``, FCS 3.2)
is honoured.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from outofsample.errors import UserError
from outofsample.files.fcs_text import FcsText, damaged

_ORDERS = {"1,2,3,4": "<", "1,2": "<", "1,2,3,4,5,6,7,8": "<", "4,3,2,1": ">", "2,1": ">", "8,7,6,5,4,3,2,1": ">"}
_BITS = {"I": (8, 16, 32, 64), "F": (32,), "D": (64,)}
#: Whole numbers up to this are float32 exactly.
_EXACT = 2**24


@dataclass(frozen=True)
class Channel:
    """How one channel is stored.

    Attributes
    ----------
    name, label
        $PnN and $PnS.
    kind
        Its data type: ``I``, ``F`` or ``D``.
    dtype
        Of a stored value, with its byte order.
    mask
        Bits of an integer that count; None for all.
    decades, offset, range
        Of an integer on a logarithmic scale, which stands for ``offset`` x 10^(``decades`` x value / ``range``);
        ``decades`` are 0 where it is linear.
    """

    name: str
    label: str
    kind: str
    dtype: str
    mask: int | None = None
    decades: float = 0.0
    offset: float = 1.0
    range: int = 0

    @property
    def is_log(self) -> bool:
        """Whether values are stored as logarithms."""
        return self.decades > 0


def channels_of(text: FcsText) -> list[Channel]:
    """Return how each channel is stored.

    Raises
    ------
    UserError
        If a keyword is missing, a form is not supported, or a short name is missing or occurs twice.
    """
    path, mode = text.path, text.get("$MODE", "L").upper()
    if mode != "L":
        raise UserError(f"{path}: this FCS file holds a histogram ($MODE {mode}); export it as list mode.")
    order = text.get("$BYTEORD").replace(" ", "")
    if order not in _ORDERS:
        raise UserError(f"{path}: $BYTEORD '{order}' is not supported; it must be 1,2,3,4 or 4,3,2,1.")
    count = text.number("$PAR")
    if count < 1:
        raise damaged(path, f"$PAR is {count}")
    found = [_channel(text, number, _ORDERS[order]) for number in range(1, count + 1)]
    names = [channel.name for channel in found]
    if len(set(names)) < count:
        twice = sorted({name for name in names if names.count(name) > 1})
        raise UserError(f"{path}: the short channel name ($PnN) '{twice[0]}' occurs twice; it must be unique.")
    return found


def _channel(text: FcsText, number: int, order: str) -> Channel:
    name, label = text.get(f"$P{number}N"), text.get(f"$P{number}S")
    if not name:
        raise damaged(text.path, f"it has no $P{number}N")
    own = text.get(f"$P{number}DATATYPE")
    kind, keyword = (own or text.get("$DATATYPE")).upper(), f"$P{number}DATATYPE" if own else "$DATATYPE"
    if kind not in _BITS:
        raise UserError(
            f"{text.path}: channel '{name}' is stored as {keyword} '{kind}', which is not supported; export the file "
            "with floats (F), doubles (D) or integers (I)."
        )
    bits = text.number(f"$P{number}B")
    if bits not in _BITS[kind]:
        *others, last = map(str, _BITS[kind])
        widths = f"{', '.join(others)} or {last}" if others else last
        raise UserError(
            f"{text.path}: channel '{name}' is stored in {bits} bits ($P{number}B), and {keyword} {kind} is read in "
            f"{widths}; export the file again with floats."
        )
    dtype = f"{order}{'u' if kind == 'I' else 'f'}{bits // 8}"
    if kind != "I":
        return Channel(name, label, kind, dtype)
    largest = text.number(f"$P{number}R")
    wanted = (largest - 1).bit_length() if largest > 1 else bits
    mask = (1 << wanted) - 1 if wanted < bits else None
    decades, offset = _scale(text, number, name)
    if decades and largest < 1:
        raise damaged(text.path, f"channel '{name}' is logarithmic ($P{number}E), and $P{number}R is {largest}")
    return Channel(name, label, kind, dtype, mask, decades, offset, largest)


def _scale(text: FcsText, number: int, name: str) -> tuple[float, float]:
    """Return decades and offset of an integer channel ($PnE)."""
    said = text.get(f"$P{number}E", "0,0")
    try:
        decades, offset = (float(part) for part in said.split(","))
    except ValueError:
        decades, offset = np.nan, np.nan
    if not (0 <= decades < 30 and 0 <= offset < np.inf):
        raise damaged(text.path, f"$P{number}E of channel '{name}' is '{said}'")
    # Many programs write 4,0, of which the standard says that it stands for 4,1.
    return decades, offset or 1.0


def decode(text: FcsText, channels: list[Channel], begin: int = 0, cells: int | None = None) -> np.ndarray:
    """Return the stored values (cells,) with a field per channel, named 0, 1, ...; bits that do not count are 0.

    Parameters
    ----------
    text, channels
        What the file says of its cells.
    begin, cells
        The first cell that is read, and at most how many; None: all that follow.

    Raises
    ------
    UserError
        If the data are cut off, too few, or do not fill their place.
    """
    kinds = np.dtype([(str(number), channel.dtype) for number, channel in enumerate(channels)])
    left = max(cells_of(text, channels) - begin, 0)
    with text.path.open("rb") as file:
        wanted = left if cells is None else min(cells, left)
        stored = np.fromfile(file, kinds, wanted, offset=text.begin + begin * kinds.itemsize)
    for number, channel in enumerate(channels):
        if channel.mask is not None:
            stored[str(number)] &= channel.mask
    return stored


def cells_of(text: FcsText, channels: list[Channel]) -> int:
    """Return the number of cells, which the place of DATA must agree with.

    Raises
    ------
    UserError
        If the data are cut off, too few, or do not fill their place.
    """
    bytes_per_cell = sum(np.dtype(channel.dtype).itemsize for channel in channels)
    path, ends = text.path, {end for end in text.ends if end > 0}
    room = (max(ends) - text.begin + 1) // bytes_per_cell if ends else None
    cells = text.number("$TOT", room)
    present = max(path.stat().st_size - text.begin, 0) // bytes_per_cell
    if present < cells:
        raise UserError(
            f"{path}: this FCS file is truncated (it promises {cells:,} cells and holds {present:,}); "
            "copy or download it again."
        )
    if cells < 2:
        raise UserError(f"{path}: this FCS file holds {cells} cell{'s' * (cells != 1)}; at least 2 are needed.")
    last = text.begin + cells * bytes_per_cell - 1
    # Some writers name the byte behind the last one, and some fill up the last cell's place.
    if all(0 <= end - last < max(bytes_per_cell, 2) for end in ends):
        return cells
    if len(ends) == 2:
        raise damaged(path, f"its HEADER says that DATA end at byte {text.ends[0]}, and $ENDDATA says {text.ends[1]}")
    raise damaged(
        path,
        f"DATA reach from byte {text.begin:,} to {max(ends):,}, which is room for {room:,} cells, and $TOT says "
        f"{cells:,}",
    )


def encode(values: np.ndarray, channels: list[Channel]) -> np.ndarray | None:
    """Return values (cells, channels) as `decode` gives them, the inverse of `linear`.

    None where integers could not hold a value; floats are rounded to the type of their channel.
    """
    stored = np.zeros(len(values), [(str(number), channel.dtype) for number, channel in enumerate(channels)])
    for number, channel in enumerate(channels):
        column = values[:, number].astype(np.float64)
        if channel.is_log:
            with np.errstate(all="ignore"):
                column = np.rint(np.log10(column / channel.offset) * channel.range / channel.decades)
        if channel.kind == "I":
            most = np.iinfo(channel.dtype).max if channel.mask is None else channel.mask
            # Above 2^53 floats are whole but no exact integers.
            if not ((column >= 0) & (column <= min(most, 2**53)) & (column == np.rint(column))).all():
                return None
        with np.errstate(over="ignore"):
            stored[str(number)] = column
    log = [number for number, channel in enumerate(channels) if channel.is_log]
    same = np.array_equal(linear(stored, channels)[:, log], values[:, log].astype(np.float32))
    return stored if same else None


def rounded_integers(largest: Sequence[float], channels: list[Channel]) -> list[Channel]:
    """Return the channels of integers that 32-bit floats would round, by the largest size (channels,) in each."""
    return [
        channel
        for size, channel in zip(largest, channels, strict=True)
        if channel.kind == "I" and not channel.is_log and size > _EXACT
    ]


def needs_double(largest: Sequence[float], channels: list[Channel]) -> bool:
    """Whether values would lose digits as 32-bit floats, by the largest size (channels,) of those of each channel."""
    return any(channel.kind == "D" for channel in channels) or bool(rounded_integers(largest, channels))


def largest_possible(channels: list[Channel]) -> list[float]:
    """Return the largest value (channels,) that each channel can store."""
    return [
        np.inf if channel.kind != "I" else np.iinfo(channel.dtype).max if channel.mask is None else channel.mask
        for channel in channels
    ]


def largest_stored(stored: np.ndarray, channels: list[Channel]) -> list[float]:
    """Return the largest stored value (channels,) of each channel."""
    return [stored[str(number)].max() for number in range(len(channels))]


def linear(stored: np.ndarray, channels: list[Channel], dtype: type = np.float32) -> np.ndarray:
    """Return stored values as an array (cells, channels) of floats, those of logarithmic channels made linear."""
    table = as_table(stored, channels)
    if table is not None and not any(channel.is_log for channel in channels):
        with np.errstate(over="ignore"):
            return table.astype(dtype)
    values = np.empty((len(stored), len(channels)), dtype=dtype)
    for number, channel in enumerate(channels):
        column = stored[str(number)]
        if channel.is_log:
            column = channel.offset * 10 ** (channel.decades * column.astype(np.float64) / channel.range)
        with np.errstate(over="ignore"):
            values[:, number] = column
    return values


def as_table(stored: np.ndarray, channels: list[Channel]) -> np.ndarray | None:
    """Return stored values of one type as an array (cells, channels), which is quicker; None where types differ."""
    kinds = {channel.dtype for channel in channels}
    return stored.view(kinds.pop()).reshape(len(stored), -1) if len(kinds) == 1 else None


def remarks_on(text: FcsText, stored: np.ndarray, channels: list[Channel]) -> list[str]:
    """Return what a user should know of how the file was read, a sentence without a full stop each."""
    found = list(text.remarks)
    if text.number("$NEXTDATA", 0) > 0 or _another_behind(text, stored.nbytes):
        found.append("it holds further data sets, and the first alone is read")
    if log := [channel.name for channel in channels if channel.is_log]:
        found.append(f"logarithmic integers are made linear by $PnE: {', '.join(log)}")
    scales = [text.get(f"$P{number}E", "0,0").replace(" ", "") for number in range(1, len(channels) + 1)]
    ignored = [
        channel.name
        for channel, scale in zip(channels, scales, strict=True)
        if channel.kind != "I" and not scale.startswith(("0,", "0.0,"))
    ]
    if ignored:
        found.append(f"$PnE of floats is ignored, as they are linear by the standard: {', '.join(ignored)}")
    has_integers = any(channel.kind == "I" for channel in channels)
    rounded = rounded_integers(largest_stored(stored, channels), channels) if has_integers else []
    if rounded := [channel.name for channel in rounded]:
        found.append(f"whole numbers above {_EXACT:,} are rounded to 32-bit floats: {', '.join(rounded)}")
    return found


def _another_behind(text: FcsText, size: int) -> bool:
    """Whether a header stands close behind DATA of ``size`` bytes: some programs join files and leave $NEXTDATA 0."""
    with text.path.open("rb") as file:
        file.seek(text.begin + size)
        return re.search(rb"FCS\d\.\d {4}[ \d]{16}", file.read(1 << 16)) is not None
