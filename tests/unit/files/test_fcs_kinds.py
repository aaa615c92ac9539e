"""FCS files in the forms that programs write them: right values, checked by other readers, or one sentence."""

import re
import sys

import fcsparser
import flowio
import numpy as np
import pytest

from outofsample.errors import UserError
from outofsample.files import fcs
from outofsample.files.panels import read_markers
from tests.unit.files.fcs_bytes import CHANNELS, LABELS, fcs_bytes

FLOATS = np.random.default_rng(0).gamma(1, 20, (30, 4)).astype(np.float32)
WHOLE = np.random.default_rng(0).integers(0, 250, (30, 4))


def lower(pairs):
    return [(key.lower(), value) for key, value in pairs]


def labels_last(pairs):
    """Labels behind all others, and those that are missing as empty values."""
    labels = {f"$P{n}S": label for n, label in enumerate(LABELS, 1)}
    return [pair for pair in pairs if pair[0] not in labels] + list(labels.items())


def empty_in_place(pairs):
    return [more for pair in pairs for more in (pair, *([("$P1S", "")] if pair[0] == "$P1E" else []))]


def log_e(number, said):
    return {f"$P{number}E": said}


#: What a file is like -> how it is made, a word of the line that is said, and whether FlowIO and fcsparser read it.
READABLE = {
    "as others": ({}, "", True, True),
    "blank header": ({"header": lambda begin, end: (" " * 8, " " * 8)}, "", False, True),
    "zero header": ({"header": lambda begin, end: (0, 0)}, "", False, True),
    "without $BEGINDATA": ({"version": "FCS2.0", "changes": {"$BEGINDATA": None, "$ENDDATA": None}}, "", True, True),
    "lower case": ({"text": lower}, "", True, False),
    "no $NEXTDATA": ({"changes": {"$NEXTDATA": None}}, "", True, False),
    "no $MODE": ({"changes": {"$MODE": None}}, "without a second opinion", False, False),
    "empty values last": ({"text": labels_last}, "", True, True),
    "empty value": ({"text": empty_in_place}, "", None, None),
    "floats with $PnE": ({"changes": log_e(2, "4.07918,1")}, "$PnE of floats is ignored", True, None),
    # fcsparser turns bytes around with what numpy 2 has no more.
    "big endian": ({"order": ">"}, "", True, False),
    "doubles": ({"kind": "D", "bits": 64}, "", True, True),
    "further data": ({"changes": {"$NEXTDATA": "4000"}, "behind": b"\0" * 5000}, "the first alone is read", None, True),
    "joined files": ({"behind": b"0" * 8 + fcs_bytes(FLOATS)}, "the first alone is read", True, True),
    "end off by one": ({"header": lambda begin, end: (begin, end + 1)}, "", False, True),
    "supplement in TEXT": ({"changes": {"$BEGINSTEXT": "60", "$ENDSTEXT": "300"}}, "lies within TEXT", True, None),
    "supplement in DATA": ({"changes": {"$BEGINSTEXT": "900", "$ENDSTEXT": "950"}}, "passed over", True, None),
    "supplement behind": ({"changes": {"$BEGINSTEXT": "90000", "$ENDSTEXT": "90100"}}, "passed over", True, None),
    "other delimiter": ({"delimiter": "\f"}, "", True, True),
    "tab as delimiter": ({"delimiter": "\t"}, "", True, True),
    "end of line as delimiter": ({"delimiter": "\n"}, "", True, True),
    "negative $NEXTDATA": ({"changes": {"$NEXTDATA": "-1"}}, "", None, None),
}  # fmt: skip


@pytest.mark.parametrize("kind", READABLE)
def test_floats_are_read_as_they_are(tmp_path, capsys, kind):
    options, word, by_flowio, by_fcsparser = READABLE[kind]
    path = tmp_path / "a.fcs"
    path.write_bytes(fcs_bytes(FLOATS, **options))
    read = fcs.read_fcs(path)
    assert np.array_equal(read.values, FLOATS) and (read.channels, read.labels) == (CHANNELS, LABELS)
    said = capsys.readouterr().out
    assert word in said and ("without a second opinion" in said) == (word == "without a second opinion")
    if by_flowio:
        events = flowio.FlowData(str(path)).events
        assert np.array_equal(np.reshape(events, (-1, 4)).astype(np.float32), FLOATS)
    if by_fcsparser:
        _, table = fcsparser.parse(str(path), channel_naming="$PnN")
        assert np.array_equal(table.to_numpy(np.float32), FLOATS)


def test_a_file_that_flowio_cannot_read_is_read_without_fcsparser_too(tmp_path, capsys, monkeypatch):
    """As after `pip install '.[data]'`: fcsparser's metadata want numpy<2."""
    path = tmp_path / "a.fcs"
    path.write_bytes(fcs_bytes(FLOATS, header=lambda begin, end: (0, 0)))
    monkeypatch.setitem(sys.modules, "fcsparser", None)
    assert np.array_equal(fcs.read_fcs(path).values, FLOATS)
    assert "without a second opinion: no other reader can read it" in capsys.readouterr().out


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [8, 16, 32, 64])
@pytest.mark.parametrize("largest", [256, 200, 1024, 2**32, 2**64, 2**64 - 1, "1024.0", "2.56E2"])
def test_integers_are_exact_and_bits_that_do_not_count_are_masked(tmp_path, bits, order, largest):
    path = tmp_path / "a.fcs"
    stored = WHOLE.astype(np.uint64)
    exponent = (int(float(largest)) - 1).bit_length()
    if exponent < bits:
        stored = stored | np.uint64(1 << (bits - 1))
    changes = {f"$P{n}R": str(largest) for n in range(1, 5)}
    path.write_bytes(fcs_bytes(stored, "I", bits, order, changes))
    assert np.array_equal(fcs.read_fcs(path).values, WHOLE)


def test_integers_of_several_widths(tmp_path):
    path = tmp_path / "a.fcs"
    kinds = np.dtype([("0", "<u4"), ("1", "u1"), ("2", "<u2"), ("3", "<u8")])
    stored = np.empty(len(WHOLE), kinds)
    for number in range(4):
        stored[str(number)] = WHOLE[:, number]
    changes = {f"$P{n}B": str(bits) for n, bits in enumerate((32, 8, 16, 64), 1)}
    path.write_bytes(fcs_bytes(WHOLE, "I", 16, changes=changes, data=stored.tobytes()))
    assert np.array_equal(fcs.read_fcs(path).values, WHOLE)


def test_the_data_type_of_one_channel_is_honoured(tmp_path):
    path = tmp_path / "a.fcs"
    stored = FLOATS.copy()
    stored.view(np.uint32)[:, 1] = WHOLE[:, 1]
    path.write_bytes(fcs_bytes(FLOATS, data=stored.tobytes(), version="FCS3.2", changes={"$P2DATATYPE": "I"}))
    read = fcs.read_fcs(path).values
    assert np.array_equal(read[:, 1], WHOLE[:, 1]) and np.array_equal(read[:, 0], FLOATS[:, 0])


@pytest.mark.parametrize("offset", ["1", "0"])
def test_logarithmic_integers_are_made_linear(tmp_path, capsys, offset):
    path = tmp_path / "a.fcs"
    path.write_bytes(fcs_bytes(WHOLE, "I", 16, changes={"$P2E": f"4,{offset}", "$P2R": "1024"}))
    read = fcs.read_fcs(path).values
    np.testing.assert_allclose(read[:, 1], 10 ** (4 * WHOLE[:, 1] / 1024), rtol=1e-6)
    assert np.array_equal(read[:, [0, 2, 3]], WHOLE[:, [0, 2, 3]])
    assert "made linear by $PnE: Nd142Di" in capsys.readouterr().out


def test_a_supplement_has_its_new_keywords_alone(tmp_path):
    path = tmp_path / "a.fcs"
    path.write_bytes(fcs_bytes(FLOATS, labels=("",) * 4, supplement="|$P2S|142Nd_CD19|$TOT|7|$DATATYPE|I|"))
    read = fcs.read_fcs(path)
    assert read.labels == ("", "142Nd_CD19", "", "") and np.array_equal(read.values, FLOATS)


TWO_PLACES = r"DATA begin at byte \d+, and \$BEGINDATA says \d+"
#: What is wrong -> how it is made, and words of the sentence.
REFUSED = {
    "header four too early": ({"header": lambda begin, end: (begin - 4, end)}, TWO_PLACES),
    "header one too early": ({"header": lambda begin, end: (begin - 1, end)}, TWO_PLACES),
    "end elsewhere": ({"header": lambda begin, end: (begin, end - 16)}, r"DATA end at byte \d+, and \$ENDDATA says"),
    "ten bits": ({"changes": {"$P2B": "10"}, "kind": "I", "bits": 16}, r"'Nd142Di' is stored in 10 bits \(\$P2B\)"),
    "floats in 16 bits": ({"changes": {"$P2B": "16"}}, "'Nd142Di' is stored in 16 bits"),
    "text": ({"changes": {"$DATATYPE": "A"}}, "stored as \\$DATATYPE 'A', which is not supported"),
    "another type": ({"changes": {"$P2DATATYPE": "X"}}, "stored as \\$P2DATATYPE 'X'"),
    "histogram": ({"changes": {"$MODE": "C"}}, "holds a histogram"),
    "mixed byte order": ({"changes": {"$BYTEORD": "3,4,1,2"}}, "\\$BYTEORD '3,4,1,2' is not supported"),
    "more cells": ({"changes": {"$TOT": "20"}}, "room for 30 cells, and \\$TOT says 20"),
    "no name": ({"changes": {"$P2N": None}}, "it has no \\$P2N"),
    "no channels": ({"changes": {"$PAR": "0"}}, "\\$PAR is 0"),
    "words": ({"changes": {"$PAR": "four"}}, "\\$PAR is 'four', which is no whole number"),
    "two values": ({"text": lambda pairs: [*pairs, ("$TOT", "29")]}, "\\$TOT has two values"),
    "cut in TEXT": ({"cut": 3}, "its TEXT ends within a keyword or its value"),
    "wild header": ({"header": lambda begin, end: ("  -12x  ", end)}, "an offset in its HEADER"),
    "wild scale": ({"changes": {"$P2E": "a,b"}, "kind": "I", "bits": 16}, "\\$P2E of channel 'Nd142Di' is 'a,b'"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_can_be_read_in_two_ways_is_one_sentence(tmp_path, kind):
    options, words = REFUSED[kind]
    path = tmp_path / "a.fcs"
    path.write_bytes(fcs_bytes(WHOLE, **options))
    with pytest.raises(UserError) as caught:
        fcs.read_fcs(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and message.endswith(".") and "\n" not in message
    assert re.search(words, message), message


def test_a_file_that_another_reader_reads_otherwise_is_an_error_that_says_where(tmp_path, monkeypatch):
    path = tmp_path / "a.fcs"
    path.write_bytes(fcs_bytes(FLOATS))
    other = FLOATS.copy()
    other[6, 2] += 1
    monkeypatch.setattr("outofsample.files.fcs_opinion._by_flowio", lambda *_: other)
    with pytest.raises(UserError, match=r"a\.fcs: .* in two ways: 'Nd143Di' of cell 7 is .* as FlowIO reads it"):
        fcs.read_fcs(path)


def test_values_that_are_missing_matter_in_channels_that_are_used(tmp_path, capsys):
    path = tmp_path / "a.fcs"
    values = FLOATS.copy()
    values[3, 0] = np.nan
    path.write_bytes(fcs_bytes(values))
    (X,), names = read_markers([path], 5)
    assert names == ("CD19", "CD4") and np.isfinite(X).all()
    assert "NaN or infinite values in channels that are not used: 'Time'" in capsys.readouterr().out
    values[3, 2] = np.inf
    path.write_bytes(fcs_bytes(values))
    with pytest.raises(UserError, match=r"1 in all, the first in channel 'Nd143Di' \(143Nd_CD4\) of cell 4"):
        read_markers([path], 5)
