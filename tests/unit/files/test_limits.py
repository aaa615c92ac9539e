"""Small files that become huge ones end in a sentence, before they fill the memory."""

import bz2
import gzip
import io
import lzma
import tracemalloc
import zlib

import pytest

from outofsample.errors import UserError
from outofsample.files import limits
from outofsample.files.limits import check_memory, check_pixels, check_text, check_unpacked, unpack, unpacked


def bomb(path, megabytes, line=True):
    """Write a gzipped table of zeros: one line, or many short ones."""
    block = b"0" * (1 << 20) if line else b"0,0,0,0\n" * (1 << 17)
    with gzip.open(path, "wb") as file:
        file.write(b"a,b,c,d\n")
        for _ in range(megabytes):
            file.write(block)
    return path


@pytest.mark.parametrize(
    ("line", "words"), [(True, "this table has a line"), (False, "this file of .* would unpack to .*gunzip")]
)
def test_a_bomb_is_refused_in_little_memory(tmp_path, line, words):
    path = bomb(tmp_path / "a.csv.gz", 200, line)
    assert path.stat().st_size < 1 << 20
    tracemalloc.start()
    with pytest.raises(UserError, match=rf"a\.csv\.gz: {words}"):
        check_text(path)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_a_line_may_not_be_longer_than_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "LINE", 3 << 20)
    path = tmp_path / "a.csv"
    path.write_bytes((b"0" * (2 << 20) + b"\n") * 5)
    check_text(path)
    path.write_bytes((b"0" * (2 << 20) + b"\r") * 5)
    check_text(path)
    path.write_bytes(b"a,b\n" + b"0" * (5 << 20))
    with pytest.raises(UserError, match=r"a\.csv: this table has a line of more than 3 MB"):
        check_text(path)


def test_compressed_parts_that_follow_each_other_count_together(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(b"".join(gzip.compress(b"1,2\n" * 9) for _ in range(3)) + bytes(512))
    check_text(path)
    assert unpack(path, 100, "") == gzip.decompress(path.read_bytes()) == b"1,2\n" * 27


@pytest.mark.parametrize("packer", [gzip, bz2, lzma])
def test_what_packed_a_file_is_told_by_its_first_bytes(tmp_path, packer):
    path = tmp_path / "a"
    path.write_bytes(packer.compress(b"1,2\n" * 1000))
    assert unpack(path, 100, "") == b"1,2\n" * 1000
    path.write_bytes(packer.compress(bytes(64 << 20)))
    tracemalloc.start()
    with pytest.raises(UserError, match=r"a: this file of .* would unpack to 1\d(\.\d+)? MB, .*; fetch it again\."):
        for _ in unpacked(path, 1, "fetch it again"):
            pass
    assert tracemalloc.get_traced_memory()[1] < 14 << 20
    tracemalloc.stop()
    path.write_bytes(gzip.compress(packer.compress(b"1,2\n" * 1000)))
    with pytest.raises(UserError, match=r"a: what this file unpacks to is packed once more; .* or fetch it again\."):
        unpack(path, 100, "fetch it again")


def test_a_file_that_is_not_packed_may_be_of_any_size(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(bytes(33 << 20))
    assert len(unpack(path, 0, "")) == 33 << 20


def test_a_damaged_gzip_file_is_told_by_its_error(tmp_path):
    path = tmp_path / "a.csv.gz"
    content = io.BytesIO(gzip.compress(b"1,2\n" * 9000)).getvalue()
    path.write_bytes(content[:30] + b"\xff\xff\xff" + content[33:])
    with pytest.raises(zlib.error):
        check_text(path)
    assert issubclass(zlib.error, limits.DAMAGED)


def test_sizes_in_words_and_limits(tmp_path):
    path = tmp_path / "a"
    check_unpacked(path, (16 << 20) + 500, 5, 100, "")
    with pytest.raises(UserError, match=r"this file of 5 bytes would unpack to 16 MB, and at most 100 times its size"):
        check_unpacked(path, (16 << 20) + 501, 5, 100, "x")
    check_pixels(path, 5000, 10_000)
    with pytest.raises(UserError, match=r"a: this image has 20,000 x 20,000 pixels, and at most 50,000,000 in all"):
        check_pixels(path, 20_000, 20_000)
    check_memory(path, 1 << 20, "the values", "")
    with pytest.raises(UserError, match=r"a: the values take 1,000 TB, and this machine has .*; name fewer\."):
        check_memory(path, 1000 << 40, "the values", "name fewer")
