"""FCS: the user's file with the values of the predicted channels changed, and all keywords kept."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.files import fcs_copy, fcs_data
from outofsample.files.fcs_text import read_text
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
    cells there are, and, where the original does not hold floats, that they are linear floats: of 64 bits where the
    other channels could lose digits else, and of 32 if not. Nothing is cut off: a prediction can be negative, and
    ``$PnR`` is raised where one passes it, as some readers cut there.

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
    new = sorted({*places, *(number for number, channel in enumerate(channels) if channel.is_log)})
    others = [channel for number, channel in enumerate(channels) if number not in places]
    double = fcs_data.needs_double(fcs_data.largest_possible(others), others)
    kind = np.float64 if double else np.float32
    largest, cells = np.full((1, len(channels)), -np.inf, dtype=kind), 0
    changes: dict[str, str | int] = {}
    with replacing(path) as temporary, tempfile.TemporaryFile(dir=path.parent) as data:
        # HEADER and TEXT stand before the data and tell of them: the data wait in a file that has no name.
        def add(stored: np.ndarray, predicted: np.ndarray) -> None:
            nonlocal largest, cells, changes
            values = fcs_data.linear(stored, channels, kind)
            values[:, places] = predicted
            floats, changes = fcs_copy.as_floats(text, channels, values, (), double)
            largest = np.maximum(largest, _largest(values))
            cells += len(values)
            data.write(floats.data)

        yield add
        changes |= fcs_copy.raised_ranges(text, largest, new)
        with temporary.open("wb") as file:
            file.write(fcs_copy.head_of_copy(text, changes, cells, data.tell()))
            data.seek(0)
            shutil.copyfileobj(data, file, 1 << 22)
            file.write(fcs_copy.END)


def _largest(values: np.ndarray) -> np.ndarray:
    """Return the largest finite one (1, channels) of values (cells, channels) in each channel."""
    found = values.max(axis=0, initial=-np.inf, keepdims=True)
    if np.isfinite(found).all():
        return found
    return np.where(np.isfinite(values), values, -np.inf).max(axis=0, initial=-np.inf, keepdims=True)
