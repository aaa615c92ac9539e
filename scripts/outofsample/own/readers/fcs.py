"""FCS files of a user's own: one panel for all, each file one condition of one domain."""

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from outofsample.files import fcs
from outofsample.own.readers.support.parts import Part, cell_names

if TYPE_CHECKING:
    from outofsample.datasets.own import Settings


def read(settings: "Settings", paths: dict[str, Path]) -> list[Part]:
    """Return the cells of each file, with the markers in the order of the first; values as they are stored.

    Raises
    ------
    UserError
        If a file cannot be read, the panels differ, or a channel of the settings is not there.
    """
    import pandas as pd

    panels = [fcs.read_fcs(paths[entry["path"]]) for entry in settings.files]
    # What is brought into one order is a row with the number of each column: it then tells which column was taken.
    numbered = [replace(panel, values=np.arange(len(panel.channels))[None]) for panel in panels]
    joined = fcs.reconcile(numbered)
    chosen, names = fcs.select_markers(joined[0], settings.features, settings.exclude)
    parts = []
    for entry, panel, same in zip(settings.files, panels, joined, strict=True):
        columns = same.values[0, chosen]
        domain = entry["domain"] or PurePosixPath(entry["path"]).stem
        obs = pd.DataFrame(
            {"condition": entry["condition"], "domain": domain}, index=cell_names(entry["path"], len(panel.values))
        )
        channels = tuple(panel.channels[column] for column in columns)
        parts.append(Part(entry["path"], panel.values[:, columns], names, channels, obs))
    return parts
