"""Files of tensors whose bytes were changed later are refused; those that are whole are read."""

import pytest
import torch

from outofsample.errors import UserError
from outofsample.files.tensors import read_tensors, write_tensors
from tests.unit.files.full_device import needs_full_device, on_full_device

CONTENT = {0: {"weights": torch.arange(3000.0), "words": ["a", "b"], "number": 1.5}}


@pytest.mark.parametrize("seal", [True, False])
def test_each_changed_byte_of_the_values_is_found(tmp_path, seal):
    path = tmp_path / "a.pt"
    write_tensors(path, CONTENT, seal)
    assert path.with_name(".a.pt.sha256").exists() == seal
    whole = path.read_bytes()
    assert torch.equal(read_tensors(path)[0]["weights"], CONTENT[0]["weights"])
    start = whole.index(CONTENT[0]["weights"].numpy().tobytes())
    for place in (start, start + 5000, start + 11_999):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(UserError, match=r"a\.pt: this file is (damaged|not as it was written)"):
            read_tensors(path)


def test_the_same_content_is_the_same_bytes_whatever_the_process(tmp_path, monkeypatch):
    for number in (7, 123456):
        monkeypatch.setattr("os.getpid", lambda number=number: number)
        write_tensors(tmp_path / f"{number}.pt", CONTENT)
    assert (tmp_path / "7.pt").read_bytes() == (tmp_path / "123456.pt").read_bytes()


@needs_full_device
def test_a_full_device_is_told(tmp_path):
    on_full_device(tmp_path / "a.pt")
    with pytest.raises(UserError, match=r"a\.pt: there is no space left on the device"):
        write_tensors(tmp_path / "a.pt", {"a": torch.zeros(100_000)})


def test_no_code_is_run(tmp_path):
    class Code:
        def __reduce__(self):
            return (exit, (3,))

    torch.save({"a": Code()}, tmp_path / "a.pt")
    with pytest.raises(Exception, match="Weights only load failed"):
        read_tensors(tmp_path / "a.pt")
