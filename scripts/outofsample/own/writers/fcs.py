"""FCS: the user's file with the values of the predicted channels changed, and all keywords kept."""

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
    """Write an FCS file with the channels, their order and all keywords of the original.

    Only what must change does: the values of predicted channels, and the keywords that say where the data are, how many
    cells there are, and, where the original does not hold floats, that they are linear 32-bit floats. Nothing is cut
    off: a prediction can be negative, and ``$PnR`` is raised where one passes it, as some readers cut there.
    """
    text = read_text(original)
    channels = fcs_data.channels_of(text)
    values = fcs_data.linear(fcs_data.decode(text, channels)[predicted.rows], channels)
    names = [channel.name for channel in channels]
    columns = [names.index(name) for name in predicted.columns]
    values[:, columns] = predicted.values
    big = text.get("$BYTEORD").startswith(("4", "2", "8"))
    changes = {"$TOT": len(values), "$DATATYPE": "F", "$MODE": "L", "$NEXTDATA": 0}
    changes |= {"$BYTEORD": "4,3,2,1" if big else "1,2,3,4"}
    # Segments that are not carried over; keywords of a supplemental TEXT have been put into the primary one.
    changes |= {f"${end}{name}": 0 for name in ("ANALYSIS", "STEXT") for end in ("BEGIN", "END")}
    for number, channel in enumerate(channels, 1):
        changes[f"$P{number}B"] = 32
        if text.get(f"$P{number}DATATYPE"):
            changes[f"$P{number}DATATYPE"] = "F"
        if channel.is_log:
            changes[f"$P{number}E"] = "0,0"
        if channel.is_log or number - 1 in columns:
            changes |= _raised_range(text, number, values[:, number - 1])
    data = values.astype(">f4" if big else "<f4").tobytes()
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(assembled(text, changes, len(data)) + data)
        # No check sum.
        file.write(b"0" * 8)


def _raised_range(text: FcsText, number: int, values: np.ndarray) -> dict[str, int]:
    """Return a ``$PnR`` above all values (cells,) of a channel, where the one it has is not."""
    try:
        known = float(text.get(f"$P{number}R"))
    except ValueError:
        return {}
    largest = float(values.max())
    # The range is one above the largest value that a reader expects.
    return {f"$P{number}R": int(np.floor(largest)) + 2} if largest > known - 1 else {}
