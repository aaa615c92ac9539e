"""Files appear whole or not at all, and a full disk is told in one sentence."""

from types import SimpleNamespace

import pytest
from PIL import Image

from outofsample.errors import UserError
from outofsample.files.writing import check_outside, replacing
from tests.unit.files.full_device import needs_full_device, on_full_device
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
