"""What all datasets share."""

import re

from outofsample.datasets.support.base import RawFile
from tests.unit.own.small_study import (
    NAMES,
)


def test_our_copy_of_a_file_has_a_plain_name_of_its_own():
    stored = [RawFile(name).stored for name in [*NAMES, "../a.csv", "/a.csv", ".a", "é" * 120, "a" * 250]]
    assert stored[0] == "a.csv" and RawFile("thin/images-1_2.gz").stored == "thin/images-1_2.gz"
    assert len(set(stored)) == len(stored)
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}", name) for name in stored)
    assert stored[1].endswith("_Batch_1_Tube_1.fcs")
