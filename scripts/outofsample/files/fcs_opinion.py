"""The second opinion on an FCS file: what FlowIO, or else fcsparser, makes of it must be what was read."""

import logging
import warnings
from pathlib import Path

import numpy as np

from outofsample.errors import UserError
from outofsample.files.fcs_data import Channel, as_table
from outofsample.files.fcs_text import FcsText

#: Whole numbers up to this are float64 exactly.
_EXACT_DOUBLE = 2**53
#: Values that a reader which takes them one by one is asked about at most.
_ONE_BY_ONE = 5_000_000


def check_second_opinion(text: FcsText, stored: np.ndarray, channels: list[Channel]) -> str:
    """Compare the stored values with what FlowIO, or else fcsparser, makes of the file.

    Returns a remark where neither can read the file.

    Raises
    ------
    UserError
        If the other reader reads other values; the message says where.
    """
    if any(text.get(f"$P{number}DATATYPE") for number in range(1, len(channels) + 1)):
        return "it is read without a second opinion: other readers do not know $PnDATATYPE"
    readers = {"FlowIO": _by_flowio, "fcsparser": _by_fcsparser}
    # fcsparser takes masks of integers through floats, which do not hold 64 bits.
    if any(channel.range > _EXACT_DOUBLE for channel in channels):
        readers.pop("fcsparser")
    # FlowIO takes masked integers, and those of several widths, one by one through Python.
    one_by_one = len({channel.dtype for channel in channels}) > 1 or any(
        channel.mask is not None for channel in channels
    )
    if one_by_one and len(stored) * len(channels) > _ONE_BY_ONE:
        readers.pop("FlowIO")
    for reader, read in readers.items():
        other = read(text.path, len(channels))
        if other is not None:
            _check_same(text.path, stored, channels, other, reader)
            return ""
    return "it is read without a second opinion: no other reader can read it"


def _check_same(path: Path, stored: np.ndarray, channels: list[Channel], other: np.ndarray, reader: str) -> None:
    advice = "export it again as list-mode FCS 3.0 or 3.1 with floats"
    if len(other) != len(stored):
        raise UserError(
            f"{path}: this FCS file can be read in two ways: its HEADER and TEXT promise {len(stored):,} cells, and "
            f"{reader} reads {len(other):,}; {advice}."
        )
    table = as_table(stored, channels)
    if table is not None and np.array_equal(table, other):
        return
    for number, channel in enumerate(channels):
        ours, theirs = stored[str(number)], other[:, number]
        same = (ours == theirs) | ((ours != ours) & (theirs != theirs))
        if not same.all():
            cell = int(np.argmin(same))
            raise UserError(
                f"{path}: this FCS file can be read in two ways: '{channel.name}' of cell {cell + 1:,} is {ours[cell]} "
                f"by its HEADER and TEXT, and {theirs[cell]} as {reader} reads it; {advice}."
            )


def _by_flowio(path: Path, channels: int) -> np.ndarray | None:
    """Return the values (cells, channels) that FlowIO reads; None where it cannot read the file."""
    import flowio

    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # An offset: else a file with several data sets is refused.
            events = flowio.FlowData(file, nextdata_offset=0).events
        return None if events is None else np.asarray(events).reshape(-1, channels)
    # Any reader fails in its own ways on files that it does not know.
    except Exception:
        return None


def _by_fcsparser(path: Path, channels: int) -> np.ndarray | None:
    """Return the values (cells, channels) that fcsparser reads; None where it cannot, or is not installed."""
    try:
        import fcsparser
    except ImportError:
        return None
    logging.getLogger("fcsparser").setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _, table = fcsparser.parse(str(path), channel_naming="$PnN")
        values = table.to_numpy()
        return values if values.shape[1] == channels else None
    except Exception:
        return None
