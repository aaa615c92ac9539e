"""Copies of FCS files with other values."""

import io

import numpy as np
import pytest

from outofsample.files import fcs_copy, fcs_data, fcs_text
from tests.unit.files.fcs_bytes import fcs_bytes

VALUES = np.arange(40, dtype=np.float32).reshape(10, 4)


def read(folder, **how):
    path = folder / "a.fcs"
    path.write_bytes(fcs_bytes(VALUES, **how))
    text = fcs_text.read_text(path)
    return text, fcs_data.channels_of(text)


@pytest.mark.parametrize(("double", "bits"), [(False, 32), (True, 64)])
def test_integers_become_floats_of_either_size(tmp_path, double, bits):
    text, channels = read(tmp_path, kind="I", bits=16, order=">")
    stored, changes = fcs_copy.as_floats(text, channels, VALUES + 0.5, [], double)
    buffer = io.BytesIO()
    fcs_copy.write_copy(buffer, text, changes, stored)
    (tmp_path / "b.fcs").write_bytes(buffer.getvalue())
    again = fcs_text.read_text(tmp_path / "b.fcs")
    assert [again.get(f"$P{number}B") for number in (1, 2, 3, 4)] == [str(bits)] * 4
    assert again.get("$BYTEORD") == "4,3,2,1"
    decoded = fcs_data.linear(fcs_data.decode(again, fcs_data.channels_of(again)), fcs_data.channels_of(again))
    assert np.array_equal(decoded, VALUES + 0.5)


def test_a_range_is_raised_where_a_value_passes_it(tmp_path):
    text, _ = read(tmp_path, changes={"$P2R": "30", "$P3R": "39", "$P4R": "words"})
    values = np.where(VALUES == 38, np.nan, VALUES)
    # Of channel 2 the largest value is 37, and of channel 3 it is 34, but for one that is none.
    assert fcs_copy.raised_ranges(text, values, [1, 2, 3]) == {"$P2R": 39}
    assert fcs_copy.raised_ranges(text, np.full((2, 4), np.inf), [1]) == {}


def test_values_that_integers_cannot_hold_are_not_encoded(tmp_path):
    _, channels = read(tmp_path, kind="I", bits=16, changes={"$P1R": "64"})
    assert np.array_equal(fcs_data.linear(fcs_data.encode(VALUES, channels), channels), VALUES)
    for value in (0.5, -1, 64, np.nan, np.inf):
        changed = VALUES.copy()
        changed[3, 0] = value
        assert fcs_data.encode(changed, channels) is None
