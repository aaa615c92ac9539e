"""FCS files of a user's own: one panel for all, each file one condition of one domain."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.files import fcs
from outofsample.files.markers import why_no_markers
from outofsample.own.readers.support.boundary import reading
from outofsample.own.readers.support.entries import domains_of
from outofsample.own.readers.support.parts import Part, cell_names, check_renamed

if TYPE_CHECKING:
    from outofsample.datasets.own import Settings


def read(settings: "Settings", paths: dict[str, Path]) -> list[Part]:
    """Return the cells of each file, with the markers in the order of the first; values as they are stored.

    Which channels are used, and why the others are not, is printed as a table.

    Raises
    ------
    UserError
        If a file cannot be read, the panels differ, a channel of the settings is not there, or a value is not finite.
    """
    import pandas as pd

    originals = []
    for entry in settings.files:
        with reading(paths[entry["path"]]):
            originals.append(fcs.read_fcs(paths[entry["path"]]))
    check_renamed(settings.rename, [name for file in originals for name in (*file.channels, *file.labels)])
    # What is brought into one order is a row with the number of each column: it then tells which column was taken.
    panels = [
        replace(fcs.renamed(panel, settings.rename), values=np.arange(len(panel.channels))[None]) for panel in originals
    ]
    joined = fcs.reconcile(panels)
    chosen, names = fcs.select_markers(joined[0], settings.features, settings.exclude)
    uses = channel_uses(panels, joined, chosen, names, settings)
    print("\n".join(table_of(uses)), flush=True)
    parts = []
    domains = domains_of(settings.files)
    for entry, domain, panel, same in zip(settings.files, domains, originals, joined, strict=True):
        columns = same.values[0, chosen]
        fcs.check_finite(paths[entry["path"]], panel, columns)
        obs = pd.DataFrame(
            {"condition": entry["condition"], "domain": domain}, index=cell_names(entry["path"], len(panel.values))
        )
        channels = tuple(panel.channels[column] for column in columns)
        left_out = {f"{channel} ({label})" if label else channel: why for channel, label, _, why in uses if why}
        parts.append(Part(entry["path"], panel.values[:, columns], names, channels, obs, left_out))
    return parts


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
