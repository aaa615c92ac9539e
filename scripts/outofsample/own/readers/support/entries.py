"""The entries of ``files``: which file each is, of which format, and what its cells are."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from outofsample.errors import UserError, did_you_mean
from outofsample.files.shares import Pair
from outofsample.own.readers.support.output_names import EXTRAPOLATED
from outofsample.texts import label_text

#: What a file is, by the ending of its name (without .gz).
FORMATS = {
    ".fcs": "fcs",
    ".h5ad": "h5ad",
    ".csv": "table",
    ".tsv": "table",
    ".txt": "table",
    ".parquet": "parquet",
    ".pq": "parquet",
}
#: What to do with files that are not read, by the ending of their name.
ADVICE = {
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".ods"), "a workbook; save its sheet as CSV"),
    **dict.fromkeys(
        (".h5", ".hdf5", ".loom", ".mtx"),
        "not read as it is; read it with scanpy (read_10x_h5, read_loom, read_10x_mtx), add the columns with condition "
        "and domain to obs, and write it with write_h5ad",
    ),
    **dict.fromkeys((".rds", ".rda", ".rdata"), "R's own format; write it from R as CSV, FCS or h5ad"),
    **dict.fromkeys((".zip", ".tar", ".tgz", ".bz2", ".xz", ".zst", ".7z"), "an archive; unpack it"),
    **dict.fromkeys((".wsp", ".wspt", ".jo", ".acs"), "a workspace; give the FCS files themselves"),
    **dict.fromkeys((".json", ".xml", ".pkl", ".pickle", ".npy", ".npz"), "not read; write its values as CSV"),
}


#: Bytes of a name at most.
LONGEST = 255
#: Entries of a folder that a link leads to which are looked at, at most: it can be a whole file system.
LINKED = 1000
#: Columns of ``obs`` that have a meaning of their own.
TAKEN = ("condition", "domain", "file", "row", "size", "role", "query", "pair_id")


def format_of(path: str) -> str:
    """Return what a file is, by its name; a name without a known ending is a folder of FCS files."""
    name = path.lower().removesuffix(".gz")
    suffix = PurePosixPath(name).suffix
    return FORMATS.get(suffix, "fcs")


def example_of(entry: dict) -> str:
    """Return an entry with all that it can say, for messages."""
    return (
        f"{{path: {entry['path']}, condition: {entry['condition'] or 'before'}, domain: {entry['domain'] or 'day1'}}}"
    )


def as_entry(file: str | dict) -> dict[str, Any]:
    """Return path, condition and domain of an entry of ``files``, and ``obs`` where it says more of its cells.

    Raises
    ------
    ValueError
        If a key is unknown, the path is missing or leads out of the folder, or ``obs`` has a name that is taken.
    """
    given: dict[str, Any] = {"path": file} if isinstance(file, str) else dict(file)
    known = ("path", "condition", "domain", "obs")
    for key in given:
        if key not in known:
            raise ValueError(f"files: unknown key '{key}'{did_you_mean(key, known)}; known here: {', '.join(known)}")
    if not given.get("path"):
        raise ValueError("files: each entry needs a 'path', relative to 'folder'")
    entry: dict[str, Any] = {"path": str(given["path"]), "condition": None, "domain": None}
    for key in ("condition", "domain"):
        if given.get(key) is not None:
            try:
                entry[key] = label_text(given[key])
            except ValueError as error:
                raise ValueError(f"files: the {key} of '{given['path']}': {error}") from error
    path = PurePosixPath(entry["path"])
    _check_ending(path)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(
            f"files: '{path}' must lie within the dataset's folder; give it relative to 'folder', without '..'"
        )
    check_length(path)
    if EXTRAPOLATED in path.parts:
        raise ValueError(f"files: rename '{path}': the results have a file of this name")
    more = dict(given.get("obs") or {})
    if taken := [name for name in more if name in TAKEN]:
        raise ValueError(f"files: rename '{taken[0]}' in the obs of '{path}': cells have one that means another thing")
    return {**entry, "path": str(path), **({"obs": more} if more else {})}


def domains_of(files: Sequence[Mapping[str, str | None]]) -> list[str | None]:
    """Return the domain of each entry: the one it names, or, for FCS files, the name of the file.

    Files of one name in several folders are domains of their own, called by folder and name. None for files of other
    formats, where a column holds it.
    """
    names = [PurePosixPath(file["path"]) for file in files]
    spellings = ([name.stem for name in names], [str(name.with_suffix("")) for name in names], list(map(str, names)))
    # Of all at once: cohorts have thousands of files.
    alike: dict[str, list[int]] = {}
    for place, file in enumerate(files):
        if file["domain"] is None:
            alike.setdefault(spellings[0][place], []).append(place)
    found = [file["domain"] for file in files]
    for places in alike.values():
        unique = (spelling for spelling in spellings if len({spelling[place] for place in places}) == len(places))
        chosen = next(unique, spellings[-1])
        for place in places:
            if format_of(files[place]["path"]) == "fcs":
                found[place] = chosen[place]
    return found


def pairs_of(files: Sequence[Mapping[str, Any]]) -> dict[str, Pair | None]:
    """Return domain and condition of the cells of each file, by its name; None where a column says one of them."""
    return {
        entry["path"]: None if domain is None or entry["condition"] is None else (domain, entry["condition"])
        for entry, domain in zip(files, domains_of(files), strict=True)
    }


def check_length(path: PurePosixPath) -> None:
    """Raise `ValueError` where a part of a path is longer than file systems allow."""
    for part in path.parts:
        if (size := len(part.encode(errors="surrogateescape"))) > LONGEST:
            raise ValueError(
                f"files: a name of {size} bytes is too long, file systems allow {LONGEST}; rename '{part[:60]}...'"
            )


def _check_ending(path: PurePosixPath) -> None:
    """Raise `ValueError` for files that are known not to be read; the message says what to do."""
    suffix = path.suffix.lower()
    if suffix in ADVICE:
        raise ValueError(f"files: '{path}' is {ADVICE[suffix]}")
    if suffix == ".gz" and format_of(path.name) != "table":
        raise ValueError(f"files: '{path}' is compressed; unpack it (tables alone are read with the ending .gz)")


def check_file(path: Path) -> None:
    """Raise `UserError` unless ``path`` is a file with something in it."""
    if path.is_dir():
        raise UserError(f"{path}: this is a folder; give the path of one file.")
    if not path.is_file():
        raise UserError(f"{path}: this file does not exist; check 'folder' and 'files' of the dataset.")
    if path.stat().st_size == 0:
        raise UserError(f"{path}: this file is empty (0 bytes); copy or export it again.")


def files_in(path: Path, entry: dict, root: Path, kind: str) -> list[dict]:
    """Return an entry for each FCS file of the folder ``path``, with what ``entry`` says of it.

    Parameters
    ----------
    root
        The dataset's folder, to which paths are relative.
    kind
        The format of the dataset's files.

    Raises
    ------
    UserError
        If the folder holds no FCS file, a link in it leads to none, or to a folder with some or with more than `LINKED`
        entries, or the format is another.
    """
    if kind != "fcs":
        raise UserError(f"{path}: this is a folder; give the path of one file (only FCS files are read by folder).")
    found = []
    for file in sorted(path.rglob("*")):
        # What macOS keeps beside a file on other disks is called like it, with '._' before.
        if any(part.startswith(".") for part in file.relative_to(path).parts):
            continue
        if file.is_symlink():
            _check_link(file)
        if _is_fcs(file) and file.is_file():
            found.append(file)
    if not found:
        raise UserError(f"{path}: this folder holds no FCS file (a name that ends in .fcs).")
    return [as_entry({**entry, "path": file.relative_to(root).as_posix()}) for file in found]


def _is_fcs(file: Path) -> bool:
    return file.suffix.lower() == ".fcs"


def _check_link(link: Path) -> None:
    """Raise `UserError` where the files that a link stands for would be passed over without a word."""
    if _is_fcs(link) and not link.exists():
        raise UserError(f"{link}: this link leads nowhere; mend or remove it.")
    if not link.is_dir():
        return
    for number, file in enumerate(link.rglob("*")):
        if number == LINKED or _is_fcs(file):
            held = "FCS files" if number < LINKED else f"more than {LINKED:,} entries, which may be FCS files"
            raise UserError(
                f"{link}: this is a link to a folder with {held}, and links to folders are not followed; name the "
                "folders one by one in 'files', or put links to the files themselves here."
            )


def check_paths(paths: Sequence[str]) -> None:
    """Raise `UserError` where a path comes twice, or is the end of another: jobs tell files apart by these names.

    Nor can a name be written into a table that is not text, as names from older systems are not.
    """
    for path in paths:
        try:
            path.encode()
        except UnicodeEncodeError as error:
            raise UserError(f"files: rename {path!a}: this name is not UTF-8, as names and texts must be.") from error
    times = Counter(paths)
    if twice := sorted(path for path, number in times.items() if number > 1):
        raise UserError(f"files: '{twice[0]}' is named twice; name each file once.")
    # In steps that grow with the number of files, since cohorts have thousands.
    for other in paths:
        for place in range(other.count("/")):
            if (one := other.split("/", place + 1)[-1]) in times:
                raise UserError(f"files: '{one}' and '{other}' have the same name; rename one of them.")


def folder_digest(folder: Path) -> str:
    """Return a digest of names, sizes and times of the files of a folder: reading them all would take too long."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        status = path.stat()
        digest.update(
            f"{path.relative_to(folder)}|{status.st_size}|{status.st_mtime_ns}\n".encode(errors="surrogateescape")
        )
    return digest.hexdigest()[:16]
