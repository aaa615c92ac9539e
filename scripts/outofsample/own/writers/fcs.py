"""FCS: the user's file with the values of the predicted channels changed, and all keywords kept."""

from pathlib import Path
from typing import TYPE_CHECKING

from outofsample.files import fcs_copy, fcs_data
from outofsample.files.fcs_text import read_text
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
    log = [number for number, channel in enumerate(channels) if channel.is_log]
    stored, changes = fcs_copy.as_floats(text, channels, values, sorted({*columns, *log}))
    with replacing(path) as temporary, temporary.open("wb") as file:
        fcs_copy.write_copy(file, text, changes, stored)
