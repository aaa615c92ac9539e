"""Which files are meant: folders, names of all kinds, and files that cannot be read."""

import os
import re
from datetime import date

import pytest

from outofsample.arrays import Query
from outofsample.errors import UserError
from outofsample.files import fcs
from outofsample.own.readers.support import entries
from outofsample.own.readers.support.entries import as_entry, domains_of, pairs_of
from tests.unit.own.small_study import CHANNELS, LABELS, NAMES, dataset, error, load, needs_parquet, values, written


def test_a_folder_stands_for_all_its_files_and_they_name_their_domains(folder):
    for part in ("day1", "day2"):
        (folder / part).mkdir()
        for person in "ab":
            fcs.write_fcs(folder / part / f"{person}{part}.fcs", values(9, 4), CHANNELS, LABELS)
    files = [{"path": "day1", "condition": "one"}, {"path": "day2", "condition": "two", "domain": "all"}]
    adata = load(folder, files=files)
    groups = adata.obs.groupby(["domain", "condition"]).size().to_dict()
    assert groups == {("aday1", "one"): 9, ("bday1", "one"): 9, ("all", "two"): 18}
    assert adata.obs["file"].unique().tolist() == [f"day{n}/{p}day{n}.fcs" for n in "12" for p in "ab"]


@pytest.mark.parametrize(
    ("paths", "domains"),
    [
        (["one/p.fcs", "two/p.fcs", "two/q.fcs"], ["one/p", "two/p", "q"]),
        (["p.fcs", "p.FCS"], ["p.fcs", "p.FCS"]),
        (["one/p.fcs", "one/p.FCS", "two/p.fcs"], ["one/p.fcs", "one/p.FCS", "two/p.fcs"]),
    ],
)
def test_files_of_one_name_are_domains_of_their_own(folder, paths, domains):
    files = [{"path": path, "condition": condition} for path, condition in zip(paths, "xyx", strict=False)]
    assert domains_of([as_entry(file) for file in files]) == domains
    for path in paths:
        (folder / path).parent.mkdir(exist_ok=True)
        fcs.write_fcs(folder / path, values(9, 4), CHANNELS, LABELS)
    if paths[0] == "one/p.fcs" and len(set(map(str.lower, domains))) == 3:
        assert load(folder, files=files).obs["domain"].unique().tolist() == domains
    else:
        assert "differ only in case or blanks" in error(folder, files=files)


def test_a_domain_that_is_given_is_never_another():
    files = [{"path": "one/p.fcs", "condition": "x", "domain": "p"}, {"path": "two/p.fcs", "condition": "y"}]
    assert domains_of([as_entry(file) for file in files]) == ["p", "p"]
    assert domains_of([as_entry({"path": "a.csv"})]) == [None]


def test_what_a_column_says_is_not_known_before_the_file_is_read():
    files = [
        {"path": "a.fcs", "condition": "before"},
        {"path": "b.csv", "condition": "before", "domain": "d"},
        {"path": "c.csv", "condition": "before"},
        {"path": "d.csv", "domain": "d"},
    ]
    found = pairs_of([as_entry(file) for file in files])
    assert found == {"a.fcs": ("a", "before"), "b.csv": ("d", "before"), "c.csv": None, "d.csv": None}


def test_names_that_are_too_long_are_told_by_the_study_and_long_ones_come_back(folder, tmp_path):
    with pytest.raises(ValueError, match=r"a name of 256 bytes is too long, file systems allow 255; rename 'éé"):
        as_entry({"path": "é" * 126 + ".fcs", "condition": "x"})
    name = "é" * 125 + "x.fcs"
    fcs.write_fcs(folder / name, values(9, 4), CHANNELS, LABELS)
    files = [{"path": name, "condition": "before"}]
    for condition in ("before", "after"):
        fcs.write_fcs(folder / f"{condition}.fcs", values(9, 4), CHANNELS, LABELS)
        files.append({"path": f"{condition}.fcs", "condition": condition, "domain": "control"})
    data, query = dataset(folder, files=files), Query("after", "é" * 125 + "x", "before", "after")
    (path,) = written(data, folder, tmp_path, queries=(query,))
    assert path.name == name and len(fcs.read_fcs(path).values) == 9


def test_a_folder_with_names_of_all_kinds(folder):
    for name in NAMES[1:]:
        (folder / name).parent.mkdir(exist_ok=True)
        fcs.write_fcs(folder / name, values(9, 4), CHANNELS, LABELS)
    (folder / "._-q.fcs").write_bytes(b"what macOS keeps beside a file")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "b.fcs").touch()
    data = dataset(folder, files=[{"path": ".", "condition": "x"}])
    assert sorted(file.name for file in data.raw_files()) == sorted(NAMES[1:])
    os.rename(os.fsencode(folder / "-q.fcs"), os.fsencode(folder) + b"/Pr\xfcfung.fcs")
    with pytest.raises(UserError, match=r"rename 'Pr\\udcfcfung\.fcs': this name is not UTF-8"):
        dataset(folder, files=[{"path": ".", "condition": "x"}])


def test_links_in_a_folder_are_never_passed_over_without_a_word(folder, tmp_path):
    files = [{"path": "batch", "condition": "x"}]
    (folder / "batch").mkdir()
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    for path in (folder / "batch" / "a.fcs", tmp_path / "elsewhere" / "deep" / "b.FCS"):
        fcs.write_fcs(path, values(9, 4), CHANNELS, LABELS)
    (folder / "batch" / "c.fcs").symlink_to(folder / "batch" / "a.fcs")
    (tmp_path / "notes").mkdir()
    (folder / "batch" / "notes").symlink_to(tmp_path / "notes")
    names = [file.name for file in dataset(folder, files=files).raw_files()]
    assert names == ["batch/a.fcs", "batch/c.fcs"]
    for target in ("nothing.fcs", "broken.fcs"):
        (folder / "batch" / "broken.fcs").symlink_to(target)
        with pytest.raises(UserError, match=r"batch/broken\.fcs: this link leads nowhere; mend or remove it\."):
            dataset(folder, files=files)
        (folder / "batch" / "broken.fcs").unlink()
    (folder / "batch" / "more").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match=r"batch/more: this is a link to a folder with FCS files"):
        dataset(folder, files=files)
    # Named itself, it is read.
    assert [file.name for file in dataset(folder, files=[{"path": "batch/more", "condition": "x"}]).raw_files()] == [
        "batch/more/deep/b.FCS"
    ]


def test_a_link_is_not_looked_into_without_end(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(entries, "LINKED", 3)
    (folder / "batch").mkdir()
    fcs.write_fcs(folder / "batch" / "a.fcs", values(9, 4), CHANNELS, LABELS)
    (tmp_path / "notes").mkdir()
    (folder / "batch" / "notes").symlink_to(tmp_path / "notes")
    files = [{"path": "batch", "condition": "x"}]
    for number in range(3):
        (tmp_path / "notes" / f"{number}.txt").touch()
    assert [file.name for file in dataset(folder, files=files).raw_files()] == ["batch/a.fcs"]
    (tmp_path / "notes" / "3.txt").touch()
    with pytest.raises(UserError, match=r"batch/notes: this is a link to a folder with more than 3 entries"):
        dataset(folder, files=files)


def test_one_name_for_two_files(folder):
    assert "'a.fcs' is named twice" in error(folder, files=[{"path": "a.fcs", "condition": c} for c in "xy"])
    files = [{"path": path, "condition": path} for path in ("a.fcs", "sub/a.fcs")]
    assert "have the same name" in error(folder, files=files)


@pytest.mark.parametrize(
    "name", ["a.fcs", "a.h5ad", "a.csv", "a.csv.gz", pytest.param("a.parquet", marks=needs_parquet)]
)
def test_empty_missing_and_damaged_files_and_folders(folder, name):
    files = [{"path": name, "condition": "before", "domain": "day1"}]
    assert f"{name}: this file does not exist" in error(folder, files=files)
    (folder / name).touch()
    assert f"{name}: this file is empty (0 bytes)" in error(folder, files=files)
    (folder / name).write_bytes(b"\x01\x02 nonsense \xff" * 9)
    assert str(folder / name) in error(folder, files=files)
    (folder / name).unlink()
    (folder / name).mkdir()
    assert "folder" in error(folder, files=files)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.xlsx", "is a workbook; save its sheet as CSV"),
        ("a.h5", "read it with scanpy"),
        ("a.rds", "R's own format"),
        ("a.zip", "is an archive; unpack it"),
        ("a.fcs.gz", "is compressed; unpack it"),
        ("a.h5ad.gz", "is compressed; unpack it"),
        ("a.wsp", "is a workspace; give the FCS files themselves"),
    ],
)
def test_endings_that_are_not_read_have_advice(name, words):
    with pytest.raises(ValueError, match=f"files: '{re.escape(name)}' .*{re.escape(words)}"):
        as_entry({"path": name, "condition": "before", "domain": "a"})


@pytest.mark.parametrize(("given", "label"), [(0, "0"), (7, "7"), (date(2024, 3, 1), "2024-03-01"), ("01", "01")])
def test_numbers_and_dates_are_labels_as_they_are_written(given, label):
    assert as_entry({"path": "a.fcs", "condition": given})["condition"] == label


@pytest.mark.parametrize("given", [False, True, 1.1])
def test_what_yaml_made_something_else_of_is_to_be_quoted(given):
    with pytest.raises(ValueError, match=r"files: the condition of 'a\.fcs': YAML takes .*in quotes"):
        as_entry({"path": "a.fcs", "condition": given})
