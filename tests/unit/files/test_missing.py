"""Notes on what could not be had."""

import pytest

from outofsample.errors import UserError
from outofsample.files import missing
from outofsample.files.dataset import read_dataset
from outofsample.files.fitted import read_states
from outofsample.files.missing import MissingFile, Note

ONE = MissingFile("one.fcs", "data/one.fcs", "https://host/one.fcs", "one.fcs: 403.")
TWO = MissingFile("two.fcs", "data/two.fcs", "", "two.fcs: the file is missing.")


def test_a_note_comes_back(tmp_path):
    note = Note("cells", "Ask for it", (ONE, TWO))
    missing.write_note(tmp_path / "note.h5ad", note)
    assert missing.read_note(tmp_path / "note.h5ad") == note


@pytest.mark.parametrize("content", [b"", b"FCS3.0 ...", b"outofsample", b"\x89HDF"])
def test_other_files_are_no_notes(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert missing.read_note(tmp_path / "file") is None and missing.read_note(tmp_path / "nowhere") is None


def test_a_job_passes_on_all_that_its_inputs_lack(tmp_path, capsys):
    missing.write_note(tmp_path / "one", Note("cells", "", (ONE,)))
    missing.write_note(tmp_path / "two", Note("cells", "", (TWO, ONE)))
    (tmp_path / "whole").write_bytes(b"cells")
    outputs = [tmp_path / "new" / "train", tmp_path / "truth"]
    assert not missing.pass_on([tmp_path / "whole"], outputs) and not outputs[0].exists()
    assert missing.pass_on([tmp_path / name for name in ("whole", "one", "two")], outputs)
    assert {missing.read_note(path) for path in outputs} == {Note("cells", "", (ONE, TWO))}
    assert "the data of 'cells' could not be had. one.fcs: 403." in capsys.readouterr().out


def test_no_reader_takes_a_note_for_its_own(tmp_path):
    missing.write_note(tmp_path / "note", Note("cells", "", (ONE,)))
    for read in (read_dataset, read_states):
        with pytest.raises(UserError, match="note"):
            read(tmp_path / "note")


def test_failures_are_counted_beside_the_file(tmp_path):
    assert missing.failures(tmp_path / "raw.gz") == 0
    missing.count_failure(tmp_path / "raw.gz")
    missing.count_failure(tmp_path / "raw.gz")
    assert missing.failures(tmp_path / "raw.gz") == 2
