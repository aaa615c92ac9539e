"""FCS files: reading and writing them, markers by rule, arcsinh; `panels` brings several to one panel.

Channels are read by ``$PnN`` (the short name, for mass cytometry the metal) and labelled by ``$PnS`` (the antibody).
Reading by ``$PnS``, the default of fcsparser, is a trap: in a file where these are not unique it silently gives the
``$PnN`` instead, so that files of one panel come out with different names. Values are taken as they are stored:
fluorescence data must be compensated before.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from outofsample.errors import UserError, did_you_mean
from outofsample.files import fcs_data, fcs_opinion, fcs_text, writing
from outofsample.files.markers import antibody, why_no_markers

#: What ``x`` is divided by before arcsinh.
COFACTORS = {"mass": 5.0, "fluorescence": 150.0}


@dataclass(frozen=True)
class FcsFile:
    """The content of one FCS file.

    Attributes
    ----------
    name
        File name, for messages.
    values
        Array (cells, channels) float32, as stored; integers on a logarithmic scale are made linear.
    channels
        Short names ($PnN), unique.
    labels
        Antibodies ($PnS), "" where the file has none.
    """

    name: str
    values: np.ndarray
    channels: tuple[str, ...]
    labels: tuple[str, ...]


def read_fcs(path: str | Path) -> FcsFile:
    """Read one FCS file; what is unusual about it is said in a line on standard output each.

    Values that are not finite are read; `check_finite` refuses them in channels that are used.

    Raises
    ------
    UserError
        If the file is missing, a folder, empty, not FCS, truncated or in a form that is not supported, if it holds
        fewer than 2 cells, or if FlowIO reads other values. The message is one sentence that names the file.
    """
    stored = read_stored(path)
    for remark in stored.remarks:
        print(f"note: {path}: {remark}.", flush=True)
    return stored.as_file(fcs_data.linear(stored.values, stored.channels))


@dataclass(frozen=True)
class StoredFcs:
    """One FCS file as it is stored, checked by a second reader.

    Attributes
    ----------
    text
        Its HEADER and TEXT.
    channels
        How each channel is stored.
    values
        Array (cells,) with a field per channel.
    remarks
        What is unusual about it, a sentence without a full stop each.
    """

    text: fcs_text.FcsText
    channels: list[fcs_data.Channel]
    values: np.ndarray
    remarks: list[str]

    def as_file(self, values: np.ndarray) -> FcsFile:
        """Return the file with these values (cells, channels)."""
        names, labels = (tuple(getattr(channel, part) for channel in self.channels) for part in ("name", "label"))
        return FcsFile(self.text.path.name, values, names, labels)


def read_stored(path: str | Path) -> StoredFcs:
    """Read one FCS file as it is stored.

    Raises
    ------
    UserError
        As `read_fcs` does.
    """
    text = fcs_text.read_text(Path(path))
    channels = fcs_data.channels_of(text)
    values = fcs_data.decode(text, channels)
    opinion = fcs_opinion.check_second_opinion(text, values, channels)
    return StoredFcs(text, channels, values, [*filter(None, [opinion, *fcs_data.remarks_on(text, values, channels)])])


def read_panel(path: str | Path) -> FcsFile:
    """Read what an FCS file says of its channels; ``values`` has no rows.

    Raises
    ------
    UserError
        As `read_fcs`, where HEADER or TEXT is wrong.
    """
    channels = fcs_data.channels_of(fcs_text.read_text(Path(path)))
    names, labels = (tuple(getattr(channel, part) for channel in channels) for part in ("name", "label"))
    return FcsFile(Path(path).name, np.empty((0, len(channels)), dtype=np.float32), names, labels)


def check_finite(path: str | Path, file: FcsFile, columns: Sequence[int]) -> None:
    """Complain about values that are not finite in channels that are used; say in a line where others have some.

    Raises
    ------
    UserError
        If one of ``columns`` holds such a value.
    """
    bad = ~np.isfinite(file.values)
    if not bad.any():
        return
    names = [f"'{c}'" + (f" ({label})" if label else "") for c, label in zip(file.channels, file.labels, strict=True)]
    used = np.zeros_like(bad)
    used[:, list(columns)] = bad[:, list(columns)]
    if used.any():
        cell, column = np.argwhere(used)[0]
        raise UserError(
            f"{path}: this FCS file holds NaN or infinite values ({used.sum():,} in all, the first in channel "
            f"{names[column]} of cell {cell + 1:,}); all values that are used must be finite numbers."
        )
    listed = ", ".join(name for name, any_bad in zip(names, bad.any(axis=0), strict=True) if any_bad)
    print(f"note: {path}: NaN or infinite values in channels that are not used: {listed}.", flush=True)


def write_fcs(path: str | Path, values: np.ndarray, channels: Sequence[str], labels: Sequence[str]) -> None:
    """Write ``values`` (cells, channels) as FCS 3.1 in float32, with ``channels`` as $PnN and ``labels`` as $PnS.

    An empty label is left out. ``path`` is replaced when the whole file is written.
    """
    import flowio

    # flowio wants a flat sequence; from an array of the same type it copies, where from numpy it would iterate.
    flat = array("f", np.ascontiguousarray(values, dtype=np.float32).tobytes())
    with writing.replacing(path) as temporary, temporary.open("wb") as file:
        flowio.create_fcs(file, flat, list(channels), opt_channel_names=list(labels))


def is_marker(file: FcsFile) -> np.ndarray:
    """Return a mask (channels,) of the channels that the rule takes for markers; see `why_no_markers`."""
    return np.array([not why for why in why_no_markers(file.channels, file.labels)])


def renamed(file: FcsFile, names: Mapping[str, str]) -> FcsFile:
    """Return the file with some channels called otherwise; ``names`` maps short names or labels to new ones."""
    channels = tuple(names.get(channel, channel) for channel in file.channels)
    labels = tuple(names.get(label, label) for label in file.labels)
    if len(set(channels)) < len(channels):
        twice = next(channel for channel in channels if channels.count(channel) > 1)
        raise UserError(f"rename: {file.name} would have two channels '{twice}'; each needs its own name.")
    return replace(file, channels=channels, labels=labels)


def select_markers(
    file: FcsFile, include: Iterable[str] = (), exclude: Iterable[str] = ()
) -> tuple[list[int], tuple[str, ...]]:
    """Return the columns of the markers and their names.

    Without ``include`` the rule of `is_marker` chooses; with it, these channels are taken in this order, whatever
    the rule says. ``exclude`` takes away. Both hold antibodies, labels or short channel names. A marker is called by
    its antibody, or by its short channel name where there is none or the same antibody occurs twice.

    Raises
    ------
    UserError
        If ``include`` or ``exclude`` holds a name that the file does not have, or no marker is left.
    """
    names = marker_names(file)
    columns = spellings_of(file)
    problems = [
        f"{option}: there is no channel '{name}'{did_you_mean(name, columns)} in {file.name}."
        for option, wanted in (("include", include), ("exclude", exclude))
        for name in wanted
        if name not in columns
    ]
    if problems:
        raise UserError(" ".join(problems))
    chosen = [columns[name] for name in include] or np.flatnonzero(is_marker(file)).tolist()
    dropped = {columns[name] for name in exclude}
    chosen = [column for column in dict.fromkeys(chosen) if column not in dropped]
    if not chosen:
        raise UserError(f"{file.name}: no marker is left; name the channels to use in 'include'.")
    return chosen, tuple(names[column] for column in chosen)


def spellings_of(file: FcsFile) -> dict[str, int]:
    """Return the column of a file by all that its channel can be called; the antibody goes before name and label."""
    columns: dict[str, int] = {}
    for spellings in (marker_names(file), file.channels, file.labels):
        for column, spelling in enumerate(spellings):
            columns.setdefault(spelling, column)
    return columns


def marker_names(file: FcsFile) -> list[str]:
    """Return what each channel is called: its antibody, or its short name where that is missing or not unique."""
    antibodies = [antibody(label) for label in file.labels]
    return [
        name if name and antibodies.count(name) == 1 else channel
        for name, channel in zip(antibodies, file.channels, strict=True)
    ]


def transform(values: np.ndarray, cofactor: float) -> np.ndarray:
    """Return arcsinh(values / cofactor) as float32; see `COFACTORS`."""
    return np.arcsinh(np.asarray(values, dtype=np.float32) / np.float32(cofactor))
