"""FCS files as AnnData, there and back, for Python without Snakemake.

What `read_fcs` gives:

- ``X`` (cells, channels): values as they are stored, integers on a logarithmic scale made linear; float32, or float64
  where the file holds more digits.
- ``var``: called by the antibody, or by the short name where there is none; ``channel`` ($PnN), ``label`` ($PnS), and
  ``marker``, whether the rule of `outofsample.files.markers` takes it for one.
- ``uns["fcs"]``: what `write_fcs` needs to write the file once more: ``path``, ``header`` and ``text`` (bytes as
  uint8), ``largest`` (channels,), the largest finite values, and ``keywords``, a table with the column ``value``, whose
  changes are written.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.errors import InputError, NotAvailable
from outofsample.files import fcs, fcs_copy, fcs_data, fcs_text
from outofsample.files.writing import replacing

if TYPE_CHECKING:
    from anndata import AnnData

#: Keywords that say how values are stored, which the writer alone knows.
_OF_DATA = re.compile(
    r"\$(?:(?:BEGIN|END)(?:DATA|STEXT|ANALYSIS)|NEXTDATA|BYTEORD|DATATYPE|MODE|PAR|TOT|P\d+(?:B|E|R|N|DATATYPE))"
)


def read_fcs(path: str | Path) -> "AnnData":
    """Read one FCS file as AnnData; what is unusual about it is said in a line on standard output each.

    Raises
    ------
    UserError
        As `outofsample.files.fcs.read_fcs` does, and where anndata or flowio is not installed.
    """
    try:
        import pandas as pd
        from anndata import AnnData

        stored = fcs.read_stored(path)
    except ModuleNotFoundError as error:
        raise _not_installed("read_fcs", error) from error
    for remark in stored.remarks:
        print(f"note: {path}: {remark}.", flush=True)
    double = fcs_data.needs_double(fcs_data.largest_stored(stored.values, stored.channels), stored.channels)
    values = fcs_data.linear(stored.values, stored.channels, np.float64 if double else np.float32)
    file = stored.as_file(values)
    columns = {"channel": list(file.channels), "label": list(file.labels), "marker": fcs.is_marker(file)}
    header, segment = (np.frombuffer(part, np.uint8) for part in fcs_text.to_bytes(stored.text))
    keywords = pd.DataFrame({"value": stored.text.keywords()}, dtype=object)
    origin = {"path": str(Path(path).resolve()), "header": header, "text": segment, "largest": _largest(values)}
    return AnnData(
        values,
        obs=pd.DataFrame(index=np.arange(len(values)).astype(str)),
        var=pd.DataFrame(columns, index=_unique(fcs.marker_names(file), file.channels)),
        uns={"fcs": {**origin, "keywords": keywords}},
    )


def write_fcs(path: str | Path, cells: "AnnData", overwrite: bool = False) -> None:
    """Write AnnData as an FCS file.

    Cells that `read_fcs` gave are written as their file: the same keywords, channels and order, and values stored
    alike, so that what was not changed has the same bits. Integers become floats where one of the values is none any
    more. Other cells become FCS 3.1 with 32-bit floats; ``channel`` and ``label`` of ``var`` name the channels, else
    the names of ``var`` do.

    Parameters
    ----------
    path
        The new file. The one that the cells were read from is never written to.
    cells
        Values (cells, channels), on the scale of the file.
    overwrite
        Whether another file at this place may be replaced.

    Raises
    ------
    UserError
        If there is a file, there are no cells, channels of the file are missing, or a keyword that says how values are
        stored was changed.
    """
    path, origin = Path(path), cells.uns.get("fcs")
    _check_place(path, origin, overwrite)
    values = cells.X.toarray() if hasattr(cells.X, "toarray") else np.asarray(cells.X)
    if 0 in values.shape:
        raise InputError(f"{path}: there are no cells or no channels to write (the shape is {values.shape}).")
    names = [str(name) for name in cells.var.get("channel", cells.var_names)]
    if origin is None:
        labels = [str(label) for label in cells.var["label"]] if "label" in cells.var else [""] * len(names)
        _write_new(path, values, names, labels)
    else:
        _write_again(path, values, names, origin)


def _write_again(path: Path, values: np.ndarray, names: list[str], origin: Mapping) -> None:
    """Write the file of ``uns["fcs"]`` with these values (cells, channels); ``names`` are those of the channels."""
    header, segment = (np.asarray(origin[part], np.uint8).tobytes() for part in ("header", "text"))
    text = fcs_text.from_bytes(Path(str(origin["path"])), header, segment)
    channels = fcs_data.channels_of(text)
    values = values[:, _order(path, names, [channel.name for channel in channels])]
    changes = _changed_keywords(path, text, origin["keywords"]["value"])
    stored = fcs_data.encode(values, channels)
    # Files of floats hold values above $PnR: what was not changed is no reason to change a keyword.
    raised = set(np.flatnonzero(_largest(values) > np.asarray(origin["largest"])).tolist())
    if stored is None:
        raised |= {number for number, channel in enumerate(channels) if channel.is_log}
        double = fcs_data.needs_double(_largest(np.abs(values)), channels)
        stored, said = fcs_copy.as_floats(text, channels, values, sorted(raised), double)
    else:
        said = fcs_copy.raised_ranges(text, values, sorted(raised))
    with replacing(path) as temporary, temporary.open("wb") as file:
        fcs_copy.write_copy(file, text, changes | said, stored)


def _largest(values: np.ndarray) -> np.ndarray:
    """Return the largest finite value (channels,) of each channel."""
    return np.where(np.isfinite(values), values, -np.inf).max(axis=0)


def _check_place(path: Path, origin: Mapping | None, overwrite: bool) -> None:
    """Raise `InputError` where ``path`` is the file that the cells were read from, or another that is not to go."""
    if not path.exists():
        return
    source = None if origin is None else Path(str(origin["path"]))
    if source is not None and source.exists() and path.samefile(source):
        raise InputError(f"{path}: the cells were read from this file, which stays as it is; give another place.")
    if path.is_dir() or not overwrite:
        what = "a folder" if path.is_dir() else "a file already; overwrite=True replaces it"
        raise InputError(f"{path}: there is {what}; or give another place.")


def _write_new(path: Path, values: np.ndarray, names: list[str], labels: list[str]) -> None:
    """Write cells that no FCS file was read for."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{path}: the channel '{twice[0]}' occurs twice in var; each needs its own name.")
    try:
        fcs.write_fcs(path, values, names, labels)
    except ModuleNotFoundError as error:
        raise _not_installed("write_fcs", error) from error


def _order(path: Path, names: list[str], wanted: list[str]) -> list[int]:
    """Return the columns of the channels ``wanted``, which are all that there must be."""
    if sorted(names) != sorted(wanted):
        missing, more = (", ".join(sorted(set(a) - set(b))) or "none" for a, b in ((wanted, names), (names, wanted)))
        raise InputError(
            f"{path}: the channels are not those of the file that the cells were read from (missing: {missing}; more: "
            f"{more}); write all of them, or delete uns['fcs'] to write a new file with the channels that there are."
        )
    return [names.index(name) for name in wanted]


def _changed_keywords(path: Path, text: fcs_text.FcsText, values: Mapping) -> dict[str, str]:
    """Return the keywords whose values are not those of the file; "" for those that were taken away.

    Raises
    ------
    InputError
        If one of them says how values are stored, or cannot stand in the file.
    """
    before = text.keywords()
    now = {str(keyword).upper(): str(value) for keyword, value in values.items()}
    delimiter, changes = text.delimiter.decode("latin-1"), {}
    for keyword in {**before, **now}:
        value = now.get(keyword, "")
        if value == before.get(keyword, ""):
            continue
        if _OF_DATA.fullmatch(keyword):
            raise InputError(f"{path}: the keyword {keyword} says how values are stored, and cannot be set; leave it.")
        if delimiter in keyword or value.startswith(delimiter):
            raise InputError(f"{path}: the keyword '{keyword}' or its value holds the file's delimiter '{delimiter}'.")
        changes[keyword] = value.replace(delimiter, delimiter * 2)
    return changes


def _unique(names: Sequence[str], channels: Sequence[str]) -> list[str]:
    """Return names, with the channel's in place of one that another channel has too."""
    return [channel if names.count(name) > 1 else name for name, channel in zip(names, channels, strict=True)]


def _not_installed(function: str, error: ModuleNotFoundError) -> NotAvailable:
    return NotAvailable(f"{function} needs the package '{error.name}'", "pip install 'outofsample[data]'")
