"""FCS: the user's file with the values of the predicted channels changed, and all keywords kept."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.files import fcs_data
from outofsample.files.fcs_text import FcsText, assembled, read_text
from outofsample.files.writing import replacing
from outofsample.own.predicted import Predicted

if TYPE_CHECKING:
    from outofsample.datasets.own import Settings


def write(original: Path, path: Path, predicted: Predicted, settings: "Settings") -> None:
    """Write an FCS file with the channels, their order and all keywords of the original; see `stream`."""
    text = read_text(original)
    stored = fcs_data.decode(text, fcs_data.channels_of(text))[predicted.rows]
    with stream(original, path, predicted.columns, settings, predicted.about) as add:
        add(stored, predicted.values)


@contextmanager
def stream(
    original: Path, path: Path, columns: Sequence[str], settings: "Settings", about: dict[str, str]
) -> Iterator[Callable[[np.ndarray, np.ndarray], None]]:
    """Yield what takes cells, as they are stored, with their predicted values; the file is there when all went well.

    Only what must change does: the values of predicted channels, and the keywords that say where the data are, how many
    cells there are, and, where the original does not hold floats, that they are linear 32-bit floats. Nothing is cut
    off: a prediction can be negative, and ``$PnR`` is raised where one passes it, as some readers cut there.

    Parameters
    ----------
    original, path
        The user's file, and the one that is written.
    columns
        Short names of the predicted channels, in the order of the predicted values.
    settings, about
        Not used: an FCS file has no place for what is said of a prediction.
    """
    text = read_text(original)
    channels = fcs_data.channels_of(text)
    names = [channel.name for channel in channels]
    places = [names.index(name) for name in columns]
    big = text.get("$BYTEORD").startswith(("4", "2", "8"))
    largest, cells = np.full(len(channels), -np.inf, dtype=np.float32), 0
    with replacing(path) as temporary, tempfile.TemporaryFile(dir=path.parent) as data:
        # HEADER and TEXT stand before the data and tell of them: the data wait in a file that has no name.
        def add(stored: np.ndarray, predicted: np.ndarray) -> None:
            nonlocal largest, cells
            values = fcs_data.linear(stored, channels)
            values[:, places] = predicted
            largest = np.maximum(largest, values.max(axis=0, initial=-np.inf))
            cells += len(values)
            data.write(values.astype(">f4" if big else "<f4", copy=False).tobytes())

        yield add
        changed = {number for number, channel in enumerate(channels) if channel.is_log or number in places}
        changes = _changes(text, channels, cells, big)
        for number in sorted(changed):
            changes |= _raised_range(text, number + 1, float(largest[number]))
        with temporary.open("wb") as file:
            file.write(assembled(text, changes, data.tell()))
            data.seek(0)
            shutil.copyfileobj(data, file, 1 << 22)
            # No check sum.
            file.write(b"0" * 8)


def _changes(text: FcsText, channels: list[fcs_data.Channel], cells: int, big: bool) -> dict[str, str | int]:
    """Return the keywords that tell how the data are stored in the file that is written."""
    changes = {"$TOT": cells, "$DATATYPE": "F", "$MODE": "L", "$NEXTDATA": 0}
    changes |= {"$BYTEORD": "4,3,2,1" if big else "1,2,3,4"}
    # Segments that are not carried over; keywords of a supplemental TEXT have been put into the primary one.
    changes |= {f"${end}{name}": 0 for name in ("ANALYSIS", "STEXT") for end in ("BEGIN", "END")}
    for number, channel in enumerate(channels, 1):
        changes[f"$P{number}B"] = 32
        if text.get(f"$P{number}DATATYPE"):
            changes[f"$P{number}DATATYPE"] = "F"
        if channel.is_log:
            changes[f"$P{number}E"] = "0,0"
    return changes


def _raised_range(text: FcsText, number: int, largest: float) -> dict[str, int]:
    """Return a ``$PnR`` above the largest value of a channel, where the one it has is not."""
    try:
        known = float(text.get(f"$P{number}R"))
    except ValueError:
        return {}
    # The range is one above the largest value that a reader expects.
    return {f"$P{number}R": int(np.floor(largest)) + 2} if largest > known - 1 else {}
