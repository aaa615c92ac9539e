"""FCS files as bytes, right or wrong in one place each."""

import numpy as np

CHANNELS = ("Time", "Nd142Di", "Nd143Di", "Ir191Di")
LABELS = ("", "142Nd_CD19", "143Nd_CD4", "191Ir_DNA1")
_TYPES = {"I": "u", "F": "f", "D": "f"}


def fcs_bytes(
    values,
    kind="F",
    bits=32,
    order="<",
    changes=None,
    channels=CHANNELS,
    labels=LABELS,
    text=None,
    header=None,
    supplement="",
    version="FCS3.0",
    data=None,
    behind=b"",
    delimiter="|",
    cut=0,
):
    """Return an FCS file of ``values`` (cells, channels).

    Parameters
    ----------
    changes
        Keywords with other values, or None to leave them out.
    text
        Changes the list of (keyword, value) before it is written.
    header
        Offsets of the data in HEADER; default: as in TEXT.
    cut
        By so many bytes HEADER lets TEXT end too early.
    data
        Bytes of DATA; default: ``values`` as ``kind`` in ``bits``.
    """
    if data is None:
        data = np.asarray(values).astype(f"{order}{_TYPES[kind]}{bits // 8}").tobytes()
    pairs = {
        "$BEGINANALYSIS": "0", "$ENDANALYSIS": "0", "$BEGINSTEXT": "0", "$ENDSTEXT": "0", "$MODE": "L",
        "$DATATYPE": kind, "$BYTEORD": "1,2,3,4" if order == "<" else "4,3,2,1", "$PAR": str(len(channels)),
        "$TOT": str(len(values)), "$NEXTDATA": "0",
    }  # fmt: skip
    for number, (channel, label) in enumerate(zip(channels, labels, strict=True), 1):
        pairs |= {f"$P{number}N": channel, f"$P{number}B": str(bits), f"$P{number}R": str(2 ** min(bits, 18))}
        pairs |= {f"$P{number}E": "0,0"} | ({f"$P{number}S": label} if label else {})
    pairs |= changes or {}
    listed = [(key, value) for key, value in pairs.items() if value is not None]
    listed = listed if text is None else text(listed)

    def segment(places):
        return delimiter + "".join(f"{key}{delimiter}{value}{delimiter}" for key, value in [*listed, *places.items()])

    placeholder = {key: " " * 8 for key in ("$BEGINDATA", "$ENDDATA") if key not in dict(listed)}
    stext = 58 + len(segment(placeholder).encode("latin-1"))
    begin = stext + len(supplement)
    end = begin + len(data) - 1
    if supplement:
        listed = [(k, {"$BEGINSTEXT": f"{stext:1d}", "$ENDSTEXT": f"{begin - 1:1d}"}.get(k, v)) for k, v in listed]
        # The offsets have more digits than the zeros that they replace.
        grown = len(segment(placeholder)) + 58 - stext
        stext, begin, end = stext + grown, begin + grown, end + grown
        listed = [(k, {"$BEGINSTEXT": str(stext), "$ENDSTEXT": str(begin - 1)}.get(k, v)) for k, v in listed]
    places = {key: f"{place:8d}" for key, place in zip(("$BEGINDATA", "$ENDDATA"), (begin, end), strict=True)}
    body = segment({key: places[key] for key in placeholder})
    offsets = [58, stext - 1 - cut, *((begin, end) if header is None else header(begin, end)), 0, 0]
    fields = "".join(offset if isinstance(offset, str) else f"{offset:8d}" for offset in offsets)
    return f"{version}    {fields}{body}{supplement}".encode("latin-1") + data + behind
