"""What was predicted of files goes through JSON; numbers that are not there become null."""

import math

import pytest

from outofsample.errors import UserError
from outofsample.files.handed_back import FileNumbers, HandedBack, read_handed_back, write_handed_back


def test_what_is_written_is_read(tmp_path):
    one = FileNumbers("q", "a.fcs", "own/a.fcs", 10, 3, 1, [0.5], [[1.0]] * 5, [[math.nan]] * 5)
    write_handed_back(tmp_path / "1-1.json", HandedBack(["CD4"], {"m": [one]}))
    found = read_handed_back(tmp_path / "1-1.json")
    assert found.features == ["CD4"] and found.methods["m"][0].after == [[None]] * 5
    assert found.methods["m"][0].before == one.before and found.methods["m"][0].path == "own/a.fcs"


@pytest.mark.parametrize("text", ["", "{}", '{"features": [1], "methods": {}}'])
def test_other_files_are_refused(tmp_path, text):
    (tmp_path / "1-1.json").write_text(text)
    with pytest.raises(UserError, match=r"1-1\.json: this does not say what was predicted"):
        read_handed_back(tmp_path / "1-1.json")
