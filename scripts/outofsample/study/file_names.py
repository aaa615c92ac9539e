"""What the names of files say of them: conditions, domains and anything else, by a pattern as Snakemake writes them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from outofsample.errors import UserError
from outofsample.own.readers.support.entries import FORMATS, TAKEN, format_of
from outofsample.own.readers.support.labels import label_key

#: A part of a pattern that stands for a label, with what it may be behind a comma.
_WILDCARD = re.compile(r"\{(\w+)(?:,([^{}]+))?\}|(\*)")
LABELS = ("domain", "condition")


@dataclass(frozen=True)
class Understood:
    """Files of a folder.

    Attributes
    ----------
    rows
        Of each file that matches: ``path``, ``domain``, ``condition`` and the other labels, by name.
    unmatched
        The other files, by name.
    """

    rows: list[dict[str, str]]
    unmatched: list[str]


def compiled(pattern: str) -> re.Pattern[str]:
    """Return a pattern of names as a regular expression.

    ``{name}`` stands for one or more characters, as many as fit, ``{name,regex}`` for what a regular expression
    matches, and ``*`` for any characters; none of them for a ``/``.

    Raises
    ------
    UserError
        If it lacks ``{domain}`` or ``{condition}``, names a label twice or by a word that is taken, or is no pattern.
    """
    parts, last, names = [], 0, []
    for found in _WILDCARD.finditer(pattern):
        name, regex, _ = found.groups()
        parts.append(re.escape(pattern[last : found.start()]))
        parts.append(f"(?P<{name}>{regex or '[^/]+'})" if name else "[^/]*")
        names += [name] if name else []
        last = found.end()
    where = f"--pattern '{pattern}'"
    if lacking := [name for name in LABELS if name not in names]:
        raise UserError(f"{where}: it needs {{{lacking[0]}}}, as in '{{domain}}_{{condition}}.fcs'.")
    if taken := [name for name in names if names.count(name) > 1 or name == "path" or name in set(TAKEN) - set(LABELS)]:
        raise UserError(f"{where}: {{{taken[0]}}} stands there twice, or for something else; give it another name.")
    try:
        return re.compile("".join([*parts, re.escape(pattern[last:])]))
    except re.error as error:
        raise UserError(f"{where}: this is no pattern ({error}).") from error


def understand(folder: Path, pattern: str) -> Understood:
    """Return what a pattern makes of the files of a folder and of those in it, but for hidden ones.

    A pattern with folders (``{condition}/{domain}.fcs``) is held against as many of the folders that a file is in.

    Raises
    ------
    UserError
        If there is no such folder, no file in it matches, those that do are of several formats, or two labels differ
        only in case or blanks.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder.")
    expression, depth = compiled(pattern), pattern.count("/") + 1
    rows, unmatched = [], []
    for path in sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file()):
        if any(part.startswith(".") for part in path.parts):
            continue
        found = expression.fullmatch("/".join(path.parts[-depth:])) if _is_read(path.name) else None
        if found:
            rows.append({"path": path.as_posix(), **found.groupdict()})
        else:
            unmatched.append(path.as_posix())
    if not rows:
        example = f", as '{unmatched[0]}'," if unmatched else ""
        raise UserError(f"{folder}: none of its {len(unmatched):,} files{example} matches the pattern '{pattern}'.")
    if len(kinds := {format_of(row["path"]) for row in rows}) > 1:
        raise UserError(f"{folder}: the files that match are of several formats ({', '.join(sorted(kinds))}).")
    _check_alike(rows)
    return Understood(rows, unmatched)


def _is_read(name: str) -> bool:
    return PurePosixPath(name.lower().removesuffix(".gz")).suffix in FORMATS


def _check_alike(rows: Sequence[dict[str, str]]) -> None:
    for name in LABELS:
        known: dict[str, dict[str, str]] = {}
        for row in rows:
            first = known.setdefault(label_key(row[name]), row)
            if first[name] != row[name]:
                raise UserError(
                    f"The {name}s '{first[name]}' ('{first['path']}') and '{row[name]}' ('{row['path']}') differ only "
                    "in case or blanks; rename one of the files."
                )


def table_lines(understood: Understood, uses: Sequence[str] | None = None) -> list[str]:
    """Return what was understood as lines: a row per file, and the files that do not match.

    ``uses`` says what each file is used for.
    """
    names = ["path", *LABELS, *(name for name in understood.rows[0] if name not in ("path", *LABELS))]
    cells = [["file", *names[1:]], *([row[name] for name in names] for row in understood.rows)]
    if uses is not None:
        cells = [[*row, use] for row, use in zip(cells, ["used as", *uses], strict=True)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    if understood.unmatched:
        lines += ["", f"{len(understood.unmatched):,} file(s) do not match the pattern, and are left out:"]
        lines += [f"  {name}" for name in understood.unmatched]
    return lines
