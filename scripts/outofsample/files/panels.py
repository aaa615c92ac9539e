"""One panel for several FCS files: which channels are the same, which of them are used, and what they are called."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from outofsample.errors import UserError
from outofsample.files.fcs import (
    FcsFile,
    check_finite,
    is_marker,
    marker_names,
    read_fcs,
    select_markers,
    spellings_of,
    transform,
)
from outofsample.files.markers import antibody, plain, same_antibody


def one_panel(
    panels: Sequence[FcsFile], include: Iterable[str] = (), exclude: Iterable[str] = ()
) -> tuple[list[FcsFile], list[int], tuple[str, ...]]:
    """Return the files with the same channels, the columns that are used, and what these are called.

    ``include`` and ``exclude`` are those of `select_markers`. Of channels that are not in all files those that are
    used count: ``include`` names them, or else they are markers that ``exclude`` does not name.

    Raises
    ------
    UserError
        As `reconcile` and `select_markers` do.
    """
    include, exclude = list(include), list(exclude)
    joined = reconcile(panels, include, exclude)
    here, known = set(spellings_of(joined[0])), {name for panel in panels for name in spellings_of(panel)}
    # What is not in all files is left out already.
    exclude = [name for name in exclude if name in here or name not in known]
    return joined, *select_markers(joined[0], include, exclude)


def reconcile(panels: Sequence[FcsFile], include: Sequence[str] = (), exclude: Sequence[str] = ()) -> list[FcsFile]:
    """Return the files with the same channels and labels, in the order of the first one.

    Channels are the same where $PnN is and the labels name one antibody (or one has none), and also where $PnN
    differs and the antibody is the same. Channels that are not in all files are dropped.

    Parameters
    ----------
    panels
        The files.
    include
        What must be in all files, by antibody, label or short name of the channel; none: all markers.
    exclude
        Markers that need not be in all files.

    Raises
    ------
    UserError
        If a channel that must be in all files is not; without ``include`` the message lists what differs in both.
    """
    first = panels[0]
    labels = list(first.labels)
    columns = [np.arange(len(first.channels))]
    for other in panels[1:]:
        match = _match(replace(first, labels=tuple(labels)), other)
        if not include:
            _check_panels(first, other, match, exclude)
        columns.append(match)
        labels = [label or (other.labels[at] if at >= 0 else "") for label, at in zip(labels, match, strict=True)]
    shared = np.all([match >= 0 for match in columns], axis=0)
    channels = tuple(np.array(first.channels)[shared].tolist())
    joined = [
        replace(panel, values=panel.values[:, match[shared]], channels=channels, labels=_taken(labels, shared))
        for panel, match in zip(panels, columns, strict=True)
    ]
    _check_included(include, joined[0], replace(first, labels=tuple(labels)), list(zip(panels, columns, strict=True)))
    return joined


def _taken(labels: Sequence[str], shared: np.ndarray) -> tuple[str, ...]:
    return tuple(label for label, taken in zip(labels, shared, strict=True) if taken)


def _match(first: FcsFile, other: FcsFile) -> np.ndarray:
    """Return for each channel of ``first`` the column of ``other`` that measures the same, or -1; each once at most."""
    match = np.array([_named(first, n, other) for n in range(len(first.channels))])
    free = sorted({*range(len(other.channels))} - {*match.tolist()})
    for n in np.flatnonzero(match < 0):
        if antibody(first.labels[n]):
            same = [at for at in free if other.labels[at] and same_antibody(first.labels[n], other.labels[at])]
            match[n] = same[0] if len(same) == 1 else -1
    # Where two channels of the first file fit, nothing tells which of them it is.
    taken = match[match >= 0]
    twice = np.isin(match, [at for at in taken if (taken == at).sum() > 1])
    return np.where(twice, -1, match)


def _named(first: FcsFile, n: int, other: FcsFile) -> int:
    """Return the column of ``other`` with the short name of a channel, where the labels allow it; else -1."""
    if first.channels[n] not in other.channels:
        return -1
    column = other.channels.index(first.channels[n])
    return column if same_antibody(first.labels[n], other.labels[column]) else -1


def _check_included(
    include: Sequence[str], joined: FcsFile, first: FcsFile, files: Sequence[tuple[FcsFile, np.ndarray]]
) -> None:
    """Raise `UserError` that names the first file without a channel which is to be used; see `reconcile`.

    ``files`` are all of them, with the columns that the channels of ``first`` have in them.
    """
    here, known = spellings_of(joined), spellings_of(first)
    for name in include:
        if name in here or name not in known:
            continue
        column = known[name]
        other = next(file for file, match in files if match[column] < 0)
        channel, shown = first.channels[column], " ".join(_shown(first, column))
        same = [" ".join(_shown(other, other.channels.index(channel)))] if channel in other.channels else []
        raise UserError(
            f"{other.name} has no '{name}' ({shown} in {first.name}{''.join(f'; {one} is another' for one in same)}); "
            "name in 'features' what all files have, and in 'rename' what is called differently in some."
        )


def _check_panels(first: FcsFile, other: FcsFile, match: np.ndarray, exclude: Sequence[str]) -> None:
    lonely = [
        (first, _wanted(first, np.flatnonzero(is_marker(first) & (match < 0)), exclude)),
        (other, _wanted(other, np.setdiff1d(np.flatnonzero(is_marker(other)), match), exclude)),
    ]
    if any(len(columns) for _, columns in lonely):
        listed = [
            f"{file.name} has " + (", ".join(" ".join(_shown(file, n)) for n in columns) or "none")
            for file, columns in lonely
        ]
        raise UserError(
            f"{first.name} and {other.name} were not measured with the same panel: of the markers that differ, "
            f"{listed[0]}, and {listed[1]}; the channel names ($PnN) and labels ($PnS) of all files must agree"
            f"{_proposal(*lonely)}; else name the channels to use in 'features'."
        )


def _wanted(file: FcsFile, columns: np.ndarray, exclude: Sequence[str]) -> np.ndarray:
    """Return the columns without those that are left out by any of their names."""
    names = marker_names(file)
    named = [bool({names[n], file.channels[n], file.labels[n]} & {*exclude}) for n in columns]
    return columns[~np.array(named, dtype=bool)]


def _proposal(first: tuple[FcsFile, np.ndarray], other: tuple[FcsFile, np.ndarray]) -> str:
    """Return what to set where names of the two files differ in case and punctuation alone; "" where none do."""
    pairs = {}
    for one in first[1]:
        for two in other[1]:
            for wanted, found in zip(_names(first[0], one), _names(other[0], two), strict=True):
                if wanted != found and plain(wanted) == plain(found) != "":
                    pairs[found] = wanted
    listed = ", ".join(f"'{found}': '{wanted}'" for found, wanted in pairs.items())
    return f" (where they are the same, set rename: {{{listed}}})" if listed else ""


def _shown(file: FcsFile, column: int) -> tuple[str, ...]:
    label = file.labels[column]
    return (file.channels[column], *([f"({label})"] if label else []))


def _names(file: FcsFile, column: int) -> tuple[str, str]:
    return file.channels[column], file.labels[column]


def read_markers(
    paths: Sequence[Path], cofactor: float, include: Iterable[str] = (), exclude: Iterable[str] = ()
) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """Read files of one panel: per file an array (cells, markers) after arcsinh, and the names of the markers.

    Raises
    ------
    UserError
        As `read_fcs` and `one_panel` do.
    """
    panels, columns, names = one_panel([read_fcs(path) for path in paths], include, exclude)
    for path, panel in zip(paths, panels, strict=True):
        check_finite(path, panel, columns)
    return [transform(panel.values[:, columns], cofactor) for panel in panels], names
