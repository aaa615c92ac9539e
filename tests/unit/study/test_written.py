"""What YAML would silently change in a study file is told, with its line."""

import pytest

from outofsample.errors import UserError
from outofsample.study.load import read_yaml
from outofsample.study.written import problems_of

STUDY = """
datasets:
  mine: {{uses: own, files: [{{path: a.csv, condition: {0}, domain: b}}]}}
tasks:
  task:
    dataset: mine
    queries:
      - {{domain: b, source: {0}, target: x}}
    held_out: [[b, {0}]]
    conditions: [{0}, x]
    controls: [{0}]
"""


@pytest.mark.parametrize(
    ("written", "label"), [("01", "1"), ("010", "8"), ("0x10", "16"), ("1_000", "1000"), ("+1", "1"), ("1:30", "90")]
)
def test_labels_that_become_others(written, label):
    found = problems_of(STUDY.format(written))
    assert len(found) == 5
    assert found[0] == (
        f"datasets.mine.files.0.condition (line 3): YAML makes '{label}' of {written}; put the label in quotes: "
        f"'{written}'"
    )
    assert found[1].startswith("tasks.task.queries.0.source (line 8): ")
    assert problems_of(STUDY.format(f"'{written}'")) == []


@pytest.mark.parametrize("written", ["1", "10", "2024-03-01", "batch1", "08", "no", "1.10", "~", "1e5"])
def test_labels_that_stay_or_are_told_elsewhere(written):
    assert problems_of(STUDY.format(written)) == []


def test_numbers_that_are_no_labels_are_numbers():
    assert problems_of("seeds: 010\ndatasets: {mine: {cofactor: 0x10}}") == []


def test_keys_that_stand_twice_and_files_that_are_no_text(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("study: a\ntasks:\n  t: {source: x}\n  t: {}\n<<: {}\n")
    with pytest.raises(UserError, match=r"a\.yaml has 1 problem.*\n  - tasks\.t \(line 4\): this key stands twice"):
        read_yaml(path)
    path.write_bytes("study: Größe".encode("latin-1"))
    with pytest.raises(UserError, match=r"a\.yaml: this is no text in UTF-8"):
        read_yaml(path)
    with pytest.raises(UserError, match="this is a folder; give the path of a study file"):
        read_yaml(tmp_path)
    assert problems_of("") == []
