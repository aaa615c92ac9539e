"""FCS: the user's file with the values of the predicted channels changed, and all keywords kept."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from outofsample.files import fcs
from outofsample.files.writing import replacing
from outofsample.own.predicted import Predicted

if TYPE_CHECKING:
    from outofsample.datasets.own import Settings

#: The header of an FCS file holds offsets of at most eight digits.
_LARGEST_OFFSET = 99_999_999


def write(original: Path, path: Path, predicted: Predicted, settings: "Settings") -> None:
    """Write an FCS file with the channels, their order and all keywords of the original.

    Only what must change does: the values of predicted channels, and the keywords that say where the data are, how many
    cells there are, and, where the original does not hold floats, that they are 32-bit floats. Such values have no
    bounds, so nothing is cut off: a prediction can be negative, and can exceed ``$PnR``, which FCS 3.1 allows.
    """
    panel = fcs.read_fcs(original)
    values = panel.values[predicted.rows]
    values[:, [panel.channels.index(name) for name in predicted.columns]] = predicted.values
    header, text = _text_segment(original)
    big = _keyword(text, "$BYTEORD") == b"4,3,2,1"
    changes = {"$TOT": len(values), "$DATATYPE": "F", "$NEXTDATA": 0, "$BYTEORD": "4,3,2,1" if big else "1,2,3,4"}
    changes |= {f"$P{number}B": 32 for number in range(1, len(panel.channels) + 1)}
    # Segments that are not carried over; keywords of a supplemental TEXT have been put into the primary one.
    changes |= {f"${end}{name}": 0 for name in ("ANALYSIS", "STEXT") for end in ("BEGIN", "END")}
    for keyword, value in changes.items():
        text = _with_keyword(text, keyword, str(value))
    data = values.astype(">f4" if big else "<f4").tobytes()
    header, text = _with_offsets(header, text, len(data))
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(header + text + data)
        # No check sum.
        file.write(b"0" * 8)


def _text_segment(path: Path) -> tuple[bytes, bytes]:
    """Return what stands before the TEXT segment, and that segment, with the supplemental TEXT put behind it."""
    with path.open("rb") as file:
        head = file.read(58)
        begin, end = int(head[10:18]), int(head[18:26])
        file.seek(0)
        before = file.read(begin)
        # Some writers let TEXT end where DATA begins.
        text = file.read(end - begin + (end != int(head[26:34] or 0)))
        delimiter = text[:1]
        if not text.endswith(delimiter):
            text = text.rstrip(b" \r\n\0").removesuffix(delimiter) + delimiter
        start, stop = (int(_keyword(text, key) or 0) for key in ("$BEGINSTEXT", "$ENDSTEXT"))
        if 0 < start < stop and (start, stop) != (begin, end):
            file.seek(start)
            text += file.read(stop - start + 1).strip().removeprefix(delimiter).removesuffix(delimiter) + delimiter
    return before, text


def _pattern(text: bytes, keyword: str) -> re.Pattern[bytes]:
    """Return the pattern of a keyword and its value, for keywords whose value never holds the delimiter."""
    delimiter = re.escape(text[:1])
    return re.compile(b"(%b%b%b)([^%b]*)(?=%b)" % (delimiter, re.escape(keyword.encode()), *[delimiter] * 3), re.I)


def _keyword(text: bytes, keyword: str) -> bytes | None:
    found = _pattern(text, keyword).search(text)
    return found and found[2].strip()


def _with_keyword(text: bytes, keyword: str, value: str) -> bytes:
    """Return the TEXT segment with another value of a keyword; it stays byte for byte where the value is the same."""
    found = _keyword(text, keyword)
    if found == value.encode():
        return text
    if found is None:
        # Optional keywords that FCS 2.0 does not know: zero is what their absence means.
        return text if value == "0" else text + keyword.encode() + text[:1] + value.encode() + text[:1]
    return _pattern(text, keyword).sub(lambda match: match[1] + value.encode(), text, count=1)


def _with_offsets(header: bytes, text: bytes, size: int) -> tuple[bytes, bytes]:
    """Return header and TEXT segment with the places of the segments, for data of ``size`` bytes behind them."""
    begin = 0
    # The offsets are part of the text and change its length; they settle at once or after some rounds.
    while begin != len(header) + len(text):
        begin = len(header) + len(text)
        text = _with_keyword(text, "$BEGINDATA", str(begin))
        text = _with_keyword(text, "$ENDDATA", str(begin + size - 1))
    places = [len(header), begin - 1, begin, begin + size - 1, 0, 0]
    if places[3] > _LARGEST_OFFSET:
        places[2:4] = [0, 0]
    written = b"".join(b"%8d" % place for place in places)
    return header[:10] + written + header[58:], text
