"""FCS files: reading and writing them, one panel for several files, markers by rule, arcsinh.

Channels are read by ``$PnN`` (the short name, for mass cytometry the metal) and labelled by ``$PnS`` (the antibody).
Reading by ``$PnS``, the default of fcsparser, is a trap: in a file where these are not unique it silently gives the
``$PnN`` instead, so that files of one panel come out with different names. Values are taken as they are stored:
fluorescence data must be compensated before.
"""

import contextlib
import re
import warnings
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import numpy as np

from outofsample.errors import UserError, did_you_mean
from outofsample.files import writing

#: What ``x`` is divided by before arcsinh.
COFACTORS = {"mass": 5.0, "fluorescence": 150.0}

_ELEMENT = "(?:Y|Rh|Pd|Ag|Cd|In|Sn|I|Te|Xe|Cs|Ba|La|Ce|Pr|Nd|Sm|Eu|Gd|Tb|Dy|Ho|Er|Tm|Yb|Lu|Os|Ir|Pt|Au|Hg|Tl|Pb|Bi)"
#: The metal at the start of a name, alone or before an antibody: "142Nd_CD19", "Nd142Di".
_METAL = re.compile(rf"^(?:\d{{2,3}}{_ELEMENT}|{_ELEMENT}\d{{2,3}})(?:D[id])?(?:$|[_\-\s]+)")

#: Channels that are no markers, searched in ``$PnN`` and in the name of the antibody, without regard to case.
TECHNICAL = re.compile(
    r"""
      ^time$ | ^event(?![a-z]) | ^cell[\W_]?length$ | ^(?:center|offset|width|residual)$   # the run and the pulse
    | ^(?:fsc|ssc)(?![a-z])                                                                # scatter
    | ^dna[\W_]?\d*$ | intercalator | ^ir19[13] | ^19[13]ir                                # DNA
    | bead                                                                                 # normalisation beads
    | viab | live[\W_]?dead | ^dead | cisplatin | zombie                                   # dead cells
    | ^bc[\W_]?\d+$ | barcode | ^pd1\d\d | ^1\d\dpd                                        # barcodes
    | ^(?:empty|blank|unused|none)$ | background | ^bckg                                   # nothing measured
    """,
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True)
class FcsFile:
    """The content of one FCS file.

    Attributes
    ----------
    name
        File name, for messages.
    values
        Array (cells, channels) float32, as stored.
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
    """Read one FCS file.

    Raises
    ------
    UserError
        If the file is missing, a folder, empty, not FCS, truncated or in a form that is not supported, if it holds
        fewer than 2 cells, or values that are not finite. The message is one sentence that names the file.
    """
    import fcsparser

    path = Path(path)
    _check_header(path)
    unsupported = fcsparser.api.ParserFeatureNotImplementedError
    try:
        with warnings.catch_warnings(), _as_before_numpy_2(fcsparser.api):
            # fcsparser warns of what is checked here with better words.
            warnings.simplefilter("ignore")
            meta = fcsparser.parse(str(path), meta_data_only=True, channel_naming="$PnN")
            channels, labels = _check_text(path, meta)
            _, table = fcsparser.parse(str(path), channel_naming="$PnN")
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, unsupported) as error:
        raise UserError(
            f"{path}: this FCS file is damaged or of a kind that cannot be read "
            f"({type(error).__name__}: {error}); export it again as list-mode FCS 3.0 or 3.1."
        ) from error
    values = np.ascontiguousarray(table.to_numpy(dtype=np.float32))
    _check_finite(path, values, channels, labels)
    return FcsFile(path.name, values, channels, labels)


class _Swappable(np.ndarray):
    """An array with the method that numpy 2 took away."""

    def newbyteorder(self) -> np.ndarray:
        return self.view(self.dtype.newbyteorder())


@contextlib.contextmanager
def _as_before_numpy_2(api: ModuleType) -> Iterator[None]:
    """Let fcsparser read files with the highest byte first, as most cytometers write them, under numpy 2 too.

    Its last release (0.2.8, of 2024) calls ``newbyteorder`` of the array that its ``fromfile`` gives; nothing else
    of it needs an older numpy.
    """
    original = api.fromfile
    api.fromfile = lambda *arguments: original(*arguments).view(_Swappable)
    try:
        yield
    finally:
        api.fromfile = original


def _check_header(path: Path) -> None:
    """Raise `UserError` unless ``path`` is a file that begins as FCS and is as long as its header says."""
    if path.is_dir():
        raise UserError(f"{path}: this is a folder; give the path of one FCS file.")
    if not path.is_file():
        raise UserError(f"{path}: this file does not exist; give the path of an FCS file.")
    size = path.stat().st_size
    if size == 0:
        raise UserError(f"{path}: this file is empty (0 bytes); copy or download it again.")
    with path.open("rb") as file:
        header = file.read(58)
    if not re.match(rb"FCS\d\.\d", header):
        raise UserError(f"{path}: this is not an FCS file; it must begin with 'FCS3.0' or the like.")
    text_end = header[18:26].strip()
    if len(header) < 58 or (text_end.isdigit() and int(text_end) >= size):
        raise UserError(f"{path}: this FCS file is truncated (it ends within its header); copy or download it again.")


def _check_text(path: Path, meta: dict) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return ($PnN, $PnS) of all channels; raise `UserError` if the data are cut off, too few or logarithmic."""
    numbers = range(1, meta["$PAR"] + 1)
    channels = tuple(meta[f"$P{n}N"].strip() for n in numbers)
    labels = tuple(meta.get(f"$P{n}S", "").strip() for n in numbers)
    cells = meta["$TOT"]
    bytes_per_cell = sum(meta[f"$P{n}B"] for n in numbers) // 8
    begin = meta["__header__"]["data start"] or int(meta["$BEGINDATA"])
    present = max(path.stat().st_size - begin, 0) // bytes_per_cell
    if present < cells:
        raise UserError(
            f"{path}: this FCS file is truncated (it promises {cells:,} cells and holds {present:,}); "
            "copy or download it again."
        )
    if cells < 2:
        raise UserError(f"{path}: this FCS file holds {cells} cell{'s' * (cells != 1)}; at least 2 are needed.")
    if len(set(channels)) < len(channels):
        twice = sorted({name for name in channels if channels.count(name) > 1})
        raise UserError(f"{path}: the short channel name ($PnN) '{twice[0]}' occurs twice; it must be unique.")
    scales = {channel: meta.get(f"$P{n}E", "0,0") for n, channel in zip(numbers, channels, strict=True)}
    for channel, scale in scales.items():
        if float(scale.split(",")[0]) != 0:
            raise UserError(
                f"{path}: channel '{channel}' is stored on a logarithmic scale ($PnE {scale}); "
                "export the file with linear values."
            )
    return channels, labels


def _check_finite(path: Path, values: np.ndarray, channels: Sequence[str], labels: Sequence[str]) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        cell, column = np.argwhere(bad)[0]
        label = f" ({labels[column]})" if labels[column] else ""
        raise UserError(
            f"{path}: this FCS file holds NaN or infinite values ({bad.sum():,} in all, the first in channel "
            f"'{channels[column]}'{label} of cell {cell + 1:,}); all values must be finite numbers."
        )


def write_fcs(path: str | Path, values: np.ndarray, channels: Sequence[str], labels: Sequence[str]) -> None:
    """Write ``values`` (cells, channels) as FCS 3.1 in float32, with ``channels`` as $PnN and ``labels`` as $PnS.

    An empty label is left out. ``path`` is replaced when the whole file is written.
    """
    import flowio

    # flowio wants a flat sequence; from an array of the same type it copies, where from numpy it would iterate.
    flat = array("f", np.ascontiguousarray(values, dtype=np.float32).tobytes())
    with writing.replacing(path) as temporary, temporary.open("wb") as file:
        flowio.create_fcs(file, flat, list(channels), opt_channel_names=list(labels))


def antibody(label: str) -> str:
    """Return the antibody in a $PnS without the metal ("142Nd_CD19" -> "CD19"); "" where there is only the metal."""
    return _METAL.sub("", label.strip())


def _same_antibody(one: str, other: str) -> bool:
    """Whether two labels name one antibody: case, metal and punctuation do not count; no label fits any."""
    keys = {re.sub(r"[\W_]", "", antibody(label)).casefold() for label in (one, other)} - {""}
    return len(keys) < 2


def is_marker(file: FcsFile) -> np.ndarray:
    """Return a mask (channels,) of the channels that the rule takes for markers.

    A marker is a channel that does not match `TECHNICAL` and has an antibody in its label. In a file without any
    label an empty channel can't be told from a marker, and so all that are not technical count.
    """
    names = [antibody(label) for label in file.labels]
    technical = np.array(
        [bool(TECHNICAL.search(c) or TECHNICAL.search(n)) for c, n in zip(file.channels, names, strict=True)]
    )
    labelled = np.array([bool(name) for name in names])
    return ~technical & (labelled if (labelled & ~technical).any() else True)


def reconcile(panels: Sequence[FcsFile]) -> list[FcsFile]:
    """Return the files with the same channels and labels, in the order of the first one.

    Channels are the same where $PnN is and the labels name one antibody (or one has none), and also where $PnN
    differs and the antibody is the same. Channels that are no markers and not in all files are dropped.

    Raises
    ------
    UserError
        If a marker of one file is not in another; the message lists what differs in both.
    """
    first = panels[0]
    labels = list(first.labels)
    columns = [np.arange(len(first.channels))]
    for other in panels[1:]:
        match = np.array([_find(channel, label, other) for channel, label in zip(first.channels, labels, strict=True)])
        _check_panels(first, other, match)
        columns.append(match)
        labels = [label or (other.labels[at] if at >= 0 else "") for label, at in zip(labels, match, strict=True)]
    shared = np.all([match >= 0 for match in columns], axis=0)
    channels = tuple(np.array(first.channels)[shared].tolist())
    labels = tuple(np.array(labels)[shared].tolist())
    return [
        replace(panel, values=panel.values[:, match[shared]], channels=channels, labels=labels)
        for panel, match in zip(panels, columns, strict=True)
    ]


def _find(channel: str, label: str, other: FcsFile) -> int:
    """Return the column of ``other`` that measures the same, or -1."""
    if channel in other.channels:
        column = other.channels.index(channel)
        return column if _same_antibody(label, other.labels[column]) else -1
    same = [n for n, name in enumerate(other.labels) if antibody(label) and name and _same_antibody(label, name)]
    return same[0] if len(same) == 1 else -1


def _check_panels(first: FcsFile, other: FcsFile, match: np.ndarray) -> None:
    lonely = [
        (first, np.flatnonzero(is_marker(first) & (match < 0))),
        (other, np.setdiff1d(np.flatnonzero(is_marker(other)), match)),
    ]
    if any(len(columns) for _, columns in lonely):
        listed = [
            f"{file.name} has " + (", ".join(f"{file.channels[n]} ({file.labels[n]})" for n in columns) or "none")
            for file, columns in lonely
        ]
        raise UserError(
            f"{first.name} and {other.name} were not measured with the same panel: of the markers that differ, "
            f"{listed[0]}, and {listed[1]}; the channel names ($PnN) and labels ($PnS) of all files must agree."
        )


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
    antibodies = [antibody(label) for label in file.labels]
    names = [
        name if name and antibodies.count(name) == 1 else channel
        for name, channel in zip(antibodies, file.channels, strict=True)
    ]
    columns = {}
    for spellings in (names, file.channels, file.labels):
        for column, spelling in enumerate(spellings):
            columns.setdefault(spelling, column)
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


def transform(values: np.ndarray, cofactor: float) -> np.ndarray:
    """Return arcsinh(values / cofactor) as float32; see `COFACTORS`."""
    return np.arcsinh(np.asarray(values, dtype=np.float32) / np.float32(cofactor))


def read_markers(
    paths: Sequence[Path], cofactor: float, include: Iterable[str] = (), exclude: Iterable[str] = ()
) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """Read files of one panel: per file an array (cells, markers) after arcsinh, and the names of the markers.

    Raises
    ------
    UserError
        As `read_fcs`, `reconcile` and `select_markers` do.
    """
    panels = reconcile([read_fcs(path) for path in paths])
    columns, names = select_markers(panels[0], include, exclude)
    return [transform(panel.values[:, columns], cofactor) for panel in panels], names
