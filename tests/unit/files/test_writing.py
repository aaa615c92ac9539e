"""Files appear whole or not at all, and a full disk is told in one sentence."""

import os
from types import SimpleNamespace

import pytest
from PIL import Image

from outofsample.errors import UserError
from outofsample.files import writing
from outofsample.files.writing import check_outside, replacing, temporary_of
from tests.unit.files.full_device import needs_full_device, on_full_device
from tests.unit.files.killed_writer import begin_to_write, kill_a_writer
from tests.unit.own.small_study import needs_parquet, table


@pytest.mark.parametrize("place", ["inside", "linked", "link"])
def test_data_in_the_results_are_refused(tmp_path, place):
    """Snakemake deletes what a job is about to write, before the job."""
    results, outside = tmp_path / "results" / "mine", tmp_path / "data"
    (results / "raw").mkdir(parents=True)
    outside.mkdir()
    (outside / "a.csv").touch()
    check_outside(outside / "a.csv", results)
    path = results / "raw" / "a.csv"
    if place == "linked":
        path.symlink_to(outside / "a.csv")
    elif place == "link":
        path.touch()
        path = outside / "b.csv"
        path.symlink_to(results / "raw" / "a.csv")
    with pytest.raises(UserError, match=rf"{path}: this lies in {results}, whose files are made anew; keep your data"):
        check_outside(path, results)


@pytest.mark.parametrize("kind", [OSError, RuntimeError])
def test_hdf5_tells_of_a_full_disk_in_its_text_and_other_errors_pass(tmp_path, kind):
    with pytest.raises(UserError, match="no space left"), replacing(tmp_path / "a"):
        raise kind("Can't write data (file write failed: errno = 28, error message = 'No space left on device')")
    with pytest.raises(PermissionError), replacing(tmp_path / "a"):
        raise PermissionError("no")
    with pytest.raises(RuntimeError, match="errno = 5"), replacing(tmp_path / "a"):
        raise RuntimeError("Can't write data (file write failed: errno = 5)")


@needs_full_device
@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.txt", lambda path: path.write_text("text")),
        ("a.csv", lambda path: table().to_csv(path)),
        pytest.param("a.parquet", lambda path: table().to_parquet(path), marks=needs_parquet),
        ("a.png", lambda path: Image.new("RGB", (60, 60)).save(path, "PNG")),
        ("a.fcs", lambda path: path.write_bytes(b"FCS3.0")),
    ],
)
def test_every_writer_says_that_the_device_is_full(tmp_path, name, write):
    on_full_device(tmp_path / name)
    with (
        pytest.raises(UserError, match=rf"{name}: there is no space left on the device"),
        replacing(tmp_path / name) as temporary,
    ):
        write(temporary)
    assert list(tmp_path.iterdir()) == []


@needs_full_device
@pytest.mark.parametrize("free", [0, 1 << 30])
def test_torch_gives_no_reason_so_the_device_is_asked(tmp_path, monkeypatch, free):
    import torch

    monkeypatch.setattr("outofsample.files.writing.shutil.disk_usage", lambda folder: SimpleNamespace(free=free))
    on_full_device(tmp_path / "a.pt")
    wanted = (UserError, "no space left") if free == 0 else (RuntimeError, "inline_container")
    with pytest.raises(wanted[0], match=wanted[1]), replacing(tmp_path / "a.pt") as temporary:
        torch.save({"a": torch.zeros(100_000)}, temporary)


needs_proc = pytest.mark.skipif(not writing._BOOT.exists(), reason="this system does not tell its boot in /proc")


@needs_proc
def test_what_killed_writers_left_is_removed_and_nothing_of_a_living_one(tmp_path):
    kill_a_writer(tmp_path / "a.txt")
    assert [path.name.startswith(".a.") for path in tmp_path.iterdir()] == [True]
    # Of any file of the folder.
    kill_a_writer(tmp_path / "two\nlines.csv.gz")
    assert [path.name.startswith(".two\nlines.csv.") for path in tmp_path.iterdir()] == [True]
    living = begin_to_write(tmp_path / "a.txt")
    begun = [path.name for path in tmp_path.iterdir()]
    assert len(begun) == 1 and str(living.pid) in begun[0]
    # A number that no process has here, on another machine.
    other = tmp_path / begun[0].replace(writing._machine(), "0" * 12).replace(str(living.pid), str(2**31 - 1))
    other.write_text("half")
    mine = tmp_path / ".a.part.txt"
    mine.write_text("a user's file")
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("of this process")
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", begun[0], other.name, mine.name}
    living.communicate("")
    assert (living.returncode, (tmp_path / "a.txt").read_text()) == (0, "half")


def test_nothing_is_removed_where_the_machine_cannot_be_told(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "_BOOT", tmp_path / "missing")
    writing._machine.cache_clear()
    try:
        left = temporary_of(tmp_path / "a.txt")
        left = left.with_name(left.name.replace(str(os.getpid()), str(2**31 - 1)))
        left.write_text("half")
        with replacing(tmp_path / "a.txt") as temporary:
            temporary.write_text("whole")
        assert {path.name for path in tmp_path.iterdir()} == {"a.txt", left.name}
    finally:
        writing._machine.cache_clear()


def test_a_process_that_is_asked_to_end_leaves_nothing(tmp_path):
    writer = begin_to_write(tmp_path / "a.txt")
    writer.terminate()
    writer.communicate()
    assert writer.returncode == 143 and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a" * 251 + ".fcs", "é" * 125 + ".fcs", "a." + "é" * 126])
def test_names_as_long_as_file_systems_allow_can_be_written(tmp_path, name):
    with replacing(tmp_path / name) as temporary:
        temporary.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == [name]
