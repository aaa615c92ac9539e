"""HEADER and TEXT of an FCS file: the one parser that reading and writing share.

Keywords are compared without regard to case, as the standard has it. A value may be empty, which the standard forbids
and many programs write: as no value begins with a delimiter, two delimiters behind a keyword are an empty value, and
two within a value stand for one that belongs to it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path

from outofsample.errors import UserError

#: Bytes of the HEADER that are read: version and the places of TEXT, DATA and ANALYSIS.
HEADER = 58
#: The header holds offsets of at most eight digits.
_LARGEST_OFFSET = 99_999_999


@dataclass(frozen=True)
class FcsText:
    """What HEADER and TEXT of a file say.

    Attributes
    ----------
    path
        The file.
    before
        What stands before the TEXT segment, the header first.
    delimiter
        One byte.
    pairs
        Keywords and values as they stand in the file, those of a supplemental TEXT last.
    begin
        First byte of DATA.
    ends
        The last byte of DATA by HEADER and by ``$ENDDATA``, 0 where they do not say.
    remarks
        What a user should know, a sentence without a full stop each.
    """

    path: Path
    before: bytes
    delimiter: bytes
    pairs: tuple[tuple[bytes, bytes], ...]
    begin: int
    ends: tuple[int, int]
    remarks: tuple[str, ...]

    @cached_property
    def _values(self) -> dict[bytes, bytes]:
        """The value of each keyword as it stands in the file; of a keyword that comes twice the first."""
        return {_normal(key): value for key, value in reversed(self.pairs)}

    def get(self, keyword: str, default: str = "") -> str:
        """Return the value of a keyword without blanks around it; ``default`` where it has none."""
        found = self._values.get(_normal(keyword.encode()), b"")
        return _decoded(found.replace(self.delimiter * 2, self.delimiter)).strip(" \r\n\t\0") or default

    def number(self, keyword: str, default: int | None = None) -> int:
        """Return the value of a keyword that is a whole number, exactly.

        Raises
        ------
        UserError
            If it is none, or is missing and has no default.
        """
        return self.whole(keyword, self.get(keyword), default)

    def whole(self, keyword: str, text: str, default: int | None = None) -> int:
        """Return a text, which is the value of ``keyword``, as a whole number; see `number`."""
        if not text and default is not None:
            return default
        # Some programs write ranges as 262144.0 or 2.62144E5.
        if re.fullmatch(r"[+-]?\d{1,24}(?:\.\d{0,24})?(?:[eE]\+?\d{1,2})?", text):
            exact = Decimal(text)
            if exact == exact.to_integral_value():
                return int(exact)
        raise damaged(self.path, f"{keyword} is '{text}', which is no whole number" if text else f"it has no {keyword}")

    def keywords(self) -> dict[str, str]:
        """Return all keywords, in capitals, with their values."""
        return {_decoded(_normal(key)): self.get(_decoded(key)) for key, _ in self.pairs}


def damaged(path: Path, what: str) -> UserError:
    """Return the error for a file whose HEADER, TEXT and DATA do not go together."""
    return UserError(f"{path}: this FCS file is damaged ({what}); export it again as list-mode FCS 3.0 or 3.1.")


def read_text(path: Path) -> FcsText:
    """Read HEADER and TEXT, with the supplemental TEXT where there is one.

    Raises
    ------
    UserError
        If the file is missing, a folder, empty or not FCS, ends within its TEXT, or HEADER and TEXT name different
        places for the data. The message is one sentence that names the file.
    """
    _check_file(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        header = file.read(HEADER)
        begin, end, data_begin, data_end = (_offset(path, header[at : at + 8]) for at in (10, 18, 26, 34))
        if len(header) < HEADER or end >= size:
            raise UserError(
                f"{path}: this FCS file is truncated (it ends within its header); copy or download it again."
            )
        if not HEADER <= begin < end:
            raise damaged(path, f"by its HEADER, TEXT reaches from byte {begin:,} to {end:,}")
        file.seek(begin)
        segment = file.read(end - begin + 1)
        delimiter, (pairs, length) = segment[:1], _pairs(segment)
        length += _missing(path, segment, length, file.read(1))
        _check_twice(path, pairs)
        text = FcsText(path, header, delimiter, pairs, 0, (0, 0), ())
        places = [text.number(f"${name}DATA", 0) for name in ("BEGIN", "END")]
        data_begin = _one_place(path, data_begin, places[0])
        if begin < data_begin < begin + length:
            raise damaged(path, f"DATA begin at byte {data_begin}, and TEXT ends at byte {begin + length - 1}")
        ends = (data_end, places[1])
        supplement, remark = _supplement(file, text, (begin, end), (data_begin, max(ends)), size)
        file.seek(0)
        before = file.read(begin) if begin < data_begin else header
    remarks = (remark,) if remark else ()
    return FcsText(path, before, delimiter, pairs + supplement, data_begin, ends, remarks)


def to_bytes(text: FcsText) -> tuple[bytes, bytes]:
    """Return what stands before the TEXT segment, and the segment, from which `from_bytes` makes the same pairs."""
    parts = b"".join(key + text.delimiter + value + text.delimiter for key, value in text.pairs)
    return text.before, text.delimiter + parts


def from_bytes(path: Path, before: bytes, segment: bytes) -> FcsText:
    """Return HEADER and TEXT of a file that may be gone, from what `to_bytes` gave; nothing is said of its DATA."""
    return FcsText(path, before, segment[:1], _pairs(segment)[0], 0, (0, 0), ())


def _check_file(path: Path) -> None:
    """Raise `UserError` unless ``path`` is a file that begins as FCS."""
    if path.is_dir():
        raise UserError(f"{path}: this is a folder; give the path of one FCS file.")
    if not path.is_file():
        raise UserError(f"{path}: this file does not exist; give the path of an FCS file.")
    if path.stat().st_size == 0:
        raise UserError(f"{path}: this file is empty (0 bytes); copy or download it again.")
    with path.open("rb") as file:
        if not re.match(rb"FCS\d\.\d", file.read(6)):
            raise UserError(f"{path}: this is not an FCS file; it must begin with 'FCS3.0' or the like.")


def _offset(path: Path, field: bytes) -> int:
    """Return an offset of the HEADER; 0 where it is blank."""
    stripped = field.strip(b" \0")
    if stripped in (b"", b"-1"):
        return 0
    if not stripped.isdigit():
        raise damaged(path, f"an offset in its HEADER is {stripped.decode('latin-1')!r}")
    return int(stripped)


def _one_place(path: Path, header: int, text: int) -> int:
    """Return where DATA begin, which HEADER and TEXT both say, or one of them."""
    if header > 0 and text > 0 and header != text:
        raise damaged(path, f"its HEADER says that DATA begin at byte {header}, and $BEGINDATA says {text}")
    if max(header, text) <= 0:
        raise damaged(path, "neither its HEADER nor $BEGINDATA says where DATA begin")
    return max(header, text)


def _pairs(segment: bytes) -> tuple[tuple[tuple[bytes, bytes], ...], int]:
    """Return keywords and values of a TEXT segment as they stand there, and how many bytes they take.

    The segment begins with its delimiter.
    """
    delimiter = segment[:1]
    text = segment[1:].rstrip(_blanks(delimiter))
    while text.endswith(delimiter * 2):
        text = text[:-1]
    no = re.escape(delimiter)
    pattern = re.compile(b"([^%b]+)%b([^%b]+(?:%b%b[^%b]*)*|)(?:%b|$)" % ((no,) * 7), re.DOTALL)
    pairs, place = [], 0
    # What stands behind the last pair has no value: a byte of DATA where a writer counted one too many.
    while found := pattern.match(text, place):
        pairs.append((found[1], found[2]))
        place = found.end()
    return tuple(pairs), 1 + place


def _missing(path: Path, segment: bytes, length: int, behind: bytes) -> int:
    """Return how many bytes of TEXT, 0 or its last delimiter, stand behind the place that HEADER gives it.

    Raises
    ------
    UserError
        If TEXT ends within a keyword or a value: its rest, or a digit of an offset, is missing.
    """
    delimiter, blanks = segment[:1], _blanks(segment[:1])
    rest = segment[length:].strip(blanks)
    # One byte of DATA more, or one delimiter less, come from counting from one.
    closed = segment[:length].rstrip(blanks).endswith(delimiter)
    if not (closed or behind == delimiter) or len(rest) > 1:
        raise damaged(path, "its TEXT ends within a keyword or its value")
    return int(not closed)


def _blanks(delimiter: bytes) -> bytes:
    """Return what fills up a segment: no delimiter, which may be a tab or the end of a line."""
    return b" \r\n\t\0".replace(delimiter, b"")


def _normal(keyword: bytes) -> bytes:
    return keyword.strip(b" \r\n\t\0").upper()


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _check_twice(path: Path, pairs: tuple[tuple[bytes, bytes], ...]) -> None:
    """Raise `UserError` where a keyword of the standard has two values."""
    known: dict[bytes, bytes] = {}
    for key, value in pairs:
        if known.setdefault(_normal(key), value).strip() != value.strip() and key.startswith(b"$"):
            raise damaged(path, f"{_decoded(key)} has two values, {_decoded(known[_normal(key)])!r} and another")


def _supplement(file, text: FcsText, primary: tuple[int, int], data: tuple[int, int], size: int):
    """Return the pairs of the supplemental TEXT that are new, and what to say where it is passed over."""
    begin, end = (text.number(f"${name}STEXT", 0) for name in ("BEGIN", "END"))
    if not 0 < begin < end or (begin, end) == primary:
        return (), ""
    where = f"its supplemental TEXT (bytes {begin:,} to {end:,}) is passed over: it"
    for (first, last), name in ((primary, "TEXT"), (data, "DATA")):
        if begin <= last and end >= first:
            return (), f"{where} lies within {name}"
    if end >= size:
        return (), f"{where} lies behind the end of the file"
    file.seek(begin)
    segment = file.read(end - begin + 1).strip(_blanks(text.delimiter))
    try:
        readable = segment.decode().replace("\n", " ").replace("\r", " ").replace("\t", " ")
    except UnicodeDecodeError:
        return (), f"{where} is no text"
    if segment[:1] != text.delimiter or not readable.replace(text.delimiter.decode("latin-1"), "").isprintable():
        return (), f"{where} is no text"
    known = {_normal(key) for key, _ in text.pairs}
    return tuple(pair for pair in _pairs(segment)[0] if _normal(pair[0]) not in known), ""


def assembled(text: FcsText, changes: Mapping[str, str | int], size: int) -> bytes:
    """Return header and TEXT segment of a file with ``size`` bytes of DATA right behind them.

    Pairs stay byte for byte what they were unless ``changes`` names the keyword; the supplemental TEXT is part of the
    one TEXT. Keywords without a value are left out: most readers take the next keyword for the value.
    """
    changes = {keyword.upper().encode(): str(value).encode() for keyword, value in changes.items()}
    begin, segment = _settled(text, changes, size)
    offsets = [len(text.before), begin - 1, begin, begin + size - 1, 0, 0]
    if offsets[3] > _LARGEST_OFFSET:
        offsets[2:4] = [0, 0]
    header = text.before[:10] + b"".join(b"%8d" % place for place in offsets) + text.before[HEADER:]
    return header + segment


def _settled(text: FcsText, changes: dict[bytes, bytes], size: int) -> tuple[int, bytes]:
    """Return where DATA begin, and the TEXT segment that says so.

    The offsets are part of the text and change its length; they settle at once or after some rounds.
    """
    begin, rounds = 0, 0
    while True:
        places = {b"$BEGINDATA": b"%d" % begin, b"$ENDDATA": b"%d" % (begin + size - 1)}
        # An offset with blanks around it stays as it is where it is right, which can make it wrong: then without them.
        segment = _segment(text, {**changes, **places}, keep=rounds < 10)
        if begin == len(text.before) + len(segment):
            return begin, segment
        begin, rounds = len(text.before) + len(segment), rounds + 1


def _segment(text: FcsText, changes: dict[bytes, bytes], keep: bool) -> bytes:
    """Return the TEXT segment; with ``keep``, values that change in blanks alone stay as they are."""
    pairs, left = [], dict(changes)
    for key, value in text.pairs:
        new = left.pop(_normal(key), None)
        pairs.append((key, value if new is None or (keep and value.strip() == new) else new))
    # A new keyword that says zero says what its absence means.
    needed = (b"$NEXTDATA", b"$BEGINDATA", b"$ENDDATA", b"$TOT")
    pairs += [(key, value) for key, value in left.items() if value != b"0" or key in needed]
    parts = [part for key, value in pairs if value for part in (key, value)]
    return text.delimiter + b"".join(part + text.delimiter for part in parts)
