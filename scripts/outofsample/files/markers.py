"""Which channels of a cytometer are markers, by rule, from their short name ($PnN) and label ($PnS)."""

import re
from collections.abc import Sequence

_ELEMENT = "(?:Y|Rh|Pd|Ag|Cd|In|Sn|I|Te|Xe|Cs|Ba|La|Ce|Pr|Nd|Sm|Eu|Gd|Tb|Dy|Ho|Er|Tm|Yb|Lu|Os|Ir|Pt|Au|Hg|Tl|Pb|Bi)"
#: The metal at the start of a name, alone or before an antibody: "142Nd_CD19", "Nd142Di".
_METAL = re.compile(rf"^(?:\d{{2,3}}{_ELEMENT}|{_ELEMENT}\d{{2,3}})(?:D[id])?(?:$|[_\-\s]+)")

#: Channels that are no markers: what they are, and how they are called in ``$PnN`` or as an antibody, in any case.
TECHNICAL = {
    reason: re.compile(pattern, re.VERBOSE | re.IGNORECASE)
    for reason, pattern in {
        "time": r"^time(?![a-z]) | ^t[lm]sw$",
        "the event and its pulse": r"""
            ^event(?![a-z]) | ^hdr(?:$|[\W_]) | ^cell[\W_]?length$ | ^(?:center|offset|width|residual|amplitude)$
          | ^pulse[\W_]?width | ^(?:cell|event|sample|file|row)[\W_]?(?:id|number|no|index)$""",
        "sorting": r"^sort(?![a-z]) | ^classif",
        "scatter": r"^(?:fsc|ssc)(?![a-z]) | ^(?:fs|ss)(?:$|[\W_]) | ^(?:forward|side)[\W_]?scatter",
        "DNA": r"^dna[\W_]?\d*$ | intercalator | ^ir19[13] | ^19[13]ir",
        "normalisation beads": r"bead | ^eq\d*(?:$|[\W_])",
        "dead cells": r"viab | live[\W_]?dead | ^dead | cisplatin | zombie",
        "barcodes": r"^bc[\W_]?\d+$ | barcode | ^pd1\d\d | ^1\d\dpd",
        "nothing measured": r"^(?:empty|blank|unused|none)$ | background | ^bckg",
    }.items()
}


def antibody(label: str) -> str:
    """Return the antibody in a $PnS without the metal ("142Nd_CD19" -> "CD19"); "" where there is only the metal."""
    return _METAL.sub("", label.strip())


def same_antibody(one: str, other: str) -> bool:
    """Whether two labels name one antibody: case, metal and punctuation do not count; no label fits any."""
    keys = {plain(antibody(label)) for label in (one, other)} - {""}
    return len(keys) < 2


def plain(name: str) -> str:
    """Return a name without case and punctuation."""
    return re.sub(r"[\W_]", "", name).casefold()


def why_no_markers(channels: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Return for each channel why the rule leaves it out; "" for markers.

    A marker is a channel that does not match `TECHNICAL` and has an antibody in its label. In a file without any
    label an empty channel can't be told from a marker, and so all that are not technical count.
    """
    names = [antibody(label) for label in labels]
    reasons = [
        next((why for why, pattern in TECHNICAL.items() if pattern.search(channel) or pattern.search(name)), "")
        for channel, name in zip(channels, names, strict=True)
    ]
    if not any(name and not why for name, why in zip(names, reasons, strict=True)):
        return reasons
    return [why or ("" if name else "no antibody in $PnS") for name, why in zip(names, reasons, strict=True)]
