"""FCS files of a user's own: one panel for all, each file one condition of one domain."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.files import fcs, fcs_data, fcs_text
from outofsample.files.markers import why_no_markers
from outofsample.files.panels import one_panel
from outofsample.own.readers.support.boundary import reading
from outofsample.own.readers.support.drawing import Draw
from outofsample.own.readers.support.entries import domains_of
from outofsample.own.readers.support.joining import check_finite
from outofsample.own.readers.support.parts import Part, cell_names, check_renamed
from outofsample.own.readers.support.pieces import PIECE, Piece

if TYPE_CHECKING:
    from outofsample.datasets.own import Settings


def read(settings: "Settings", paths: dict[str, Path], draw: Draw) -> Iterator[Part]:
    """Yield the cells of each file, with the markers in the order of the first; values as they are stored.

    Which channels are used, and why the others are not, is printed as a table before the first file is read.

    Raises
    ------
    UserError
        If a file cannot be read, the panels differ, a channel of the settings is not there, or a value is not finite.
    """
    import pandas as pd

    originals = []
    for entry in settings.files:
        with reading(paths[entry["path"]]):
            originals.append(fcs.read_panel(paths[entry["path"]]))
    check_renamed(settings.rename, [name for file in originals for name in (*file.channels, *file.labels)])
    # What is brought into one order is a row with the number of each column: it then tells which column was taken.
    panels = [
        replace(fcs.renamed(panel, settings.rename), values=np.arange(len(panel.channels))[None]) for panel in originals
    ]
    joined, chosen, names = one_panel(panels, settings.features, settings.exclude)
    uses = channel_uses(panels, joined, chosen, names, settings)
    print("\n".join(table_of(uses)), flush=True)
    left_out = {f"{channel} ({label})" if label else channel: why for channel, label, _, why in uses if why}
    for entry, domain, same in zip(settings.files, domains_of(settings.files), joined, strict=True):
        path, columns = paths[entry["path"]], same.values[0, chosen]
        with reading(path):
            file = fcs.read_fcs(path)
        fcs.check_finite(path, file, columns)
        labels = {"condition": entry["condition"], "domain": domain}
        every = (np.full(len(file.values), labels[name], dtype=object) for name in ("domain", "condition"))
        rows = draw.choose(entry["path"], *every)
        obs = pd.DataFrame(labels, index=cell_names(entry["path"], rows)).assign(row=rows)
        channels = tuple(file.channels[column] for column in columns)
        yield Part(entry["path"], file.values[np.ix_(rows, columns)], names, channels, obs, left_out)


def channel_uses(
    panels: Sequence[fcs.FcsFile],
    joined: Sequence[fcs.FcsFile],
    chosen: Sequence[int],
    names: Sequence[str],
    settings: "Settings",
) -> list[tuple[str, str, str, str]]:
    """Return a row per channel of any file: $PnN, $PnS, the feature that it is (or ""), why it is left out (or "").

    Parameters
    ----------
    panels, joined
        The files as they are, and with one order of channels, whose values are the columns that were taken.
    chosen, names
        The columns of ``joined`` that are used, and the features' names.
    """
    first, columns = panels[0], joined[0].values[0]
    features = dict(zip(columns[list(chosen)].tolist(), names, strict=True))
    rule = dict(zip(columns.tolist(), why_no_markers(joined[0].channels, joined[0].labels), strict=True))
    rows = []
    for column, (channel, label) in enumerate(zip(first.channels, first.labels, strict=True)):
        if column in features:
            why = ""
        elif column not in rule:
            why = "not in all files"
        elif settings.features and not rule[column]:
            why = "'features' does not name it"
        else:
            why = rule[column] or "'exclude' names it"
        rows.append((channel, label, features.get(column, ""), why))
    for panel, same in zip(panels[1:], joined[1:], strict=True):
        for column in np.setdiff1d(np.arange(len(panel.channels)), same.values[0]).tolist():
            row = (panel.channels[column], panel.labels[column], "", "not in all files")
            rows += [] if row in rows else [row]
    return rows


def table_of(uses: Sequence[tuple[str, str, str, str]]) -> list[str]:
    """Return the lines of the log on which channels are used."""
    used = [row for row in uses if row[2]]
    left = [row for row in uses if not row[2]]
    widths = [max(len(row[place]) for row in uses) for place in (0, 1)]
    lines = [f"channels: {len(used)} used, {len(left)} left out ('features' and 'exclude' choose others)"]
    for channel, label, name, why in (*used, *left):
        said = f"used as {name}" if name else f"left out: {why}"
        lines.append(f"  {channel:{widths[0]}}  {label:{widths[1]}}  {said}")
    return lines


def count(path: Path) -> int:
    """Return how many cells a file says that it has, without reading them.

    Raises
    ------
    UserError
        If HEADER or TEXT is wrong, or the file is cut off.
    """
    text = fcs_text.read_text(path)
    return fcs_data.cells_of(text, fcs_data.channels_of(text))


def pieces(
    path: Path, entry: dict, columns: Sequence[str], settings: "Settings", cells: int = PIECE
) -> Iterator[Piece]:
    """Yield the cells of a file, so many at a time, with the values of some of its channels.

    ``stored`` is what `fcs_data.decode` gives. The entry names the domain: it can rest on the names of other files.

    Raises
    ------
    UserError
        If the file cannot be read, or a value is not finite.
    """
    text = fcs_text.read_text(path)
    channels = fcs_data.channels_of(text)
    names = [channel.name for channel in channels]
    taken = [names.index(name) for name in columns]
    for begin in range(0, fcs_data.cells_of(text, channels), cells):
        stored = fcs_data.decode(text, channels, begin, cells)
        values = fcs_data.linear(stored, channels)[:, taken]
        check_finite(values, columns, path, begin)
        labels = (np.full(len(values), label, dtype=object) for label in (entry["domain"], entry["condition"]))
        yield Piece(begin, values, *labels, stored)
