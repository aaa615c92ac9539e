"""What earlier runs have left is removed, and nothing else."""

from outofsample.own.leftovers import keep_alone, list_of, remove


def test_what_is_not_wanted_is_removed_and_folders_that_are_empty_then(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.fcs").write_text("a user's file")
    folder = tmp_path / "results"
    files = [folder / name for name in ("q/a.fcs", "q/b.fcs", "q/deep/c.fcs", "old/a.fcs", "old/.a.part.fcs")]
    for path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (folder / "q" / "link.fcs").symlink_to(tmp_path / "data" / "x.fcs")
    (folder / "empty").mkdir()
    assert keep_alone(folder, [files[0]]) == 4
    left = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    # What has a hidden name is no result: a file that is being written, or one of Snakemake.
    assert left == ["old", "old/.a.part.fcs", "q", "q/a.fcs"]
    assert (tmp_path / "data" / "x.fcs").read_text() == "a user's file"
    assert keep_alone(tmp_path / "missing", []) == 0


def test_a_wanted_file_may_be_a_link_and_a_folder_that_is_one_is_left_alone(tmp_path):
    (tmp_path / "archive").mkdir()
    for name in ("a.fcs", "mine.txt"):
        (tmp_path / "archive" / name).write_text("kept")
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "a.fcs").symlink_to(tmp_path / "archive" / "a.fcs")
    assert keep_alone(folder, [folder / "a.fcs"]) == 0 and (folder / "a.fcs").read_text() == "kept"
    (tmp_path / "link").symlink_to(tmp_path / "archive")
    assert keep_alone(tmp_path / "link", []) == 0
    assert sorted(path.name for path in (tmp_path / "archive").iterdir()) == ["a.fcs", "mine.txt"]


def test_files_and_folders_are_removed_and_no_link_is_followed(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "c").touch()
    (tmp_path / "d").symlink_to(tmp_path / "data")
    remove([str(tmp_path / name) for name in ("a", "c", "d", "missing")])
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_lists_of_cells_have_names_that_file_systems_hold(tmp_path):
    assert list_of(tmp_path, "m", "q", "day1/a.fcs") == tmp_path / "m_extrapolated" / "q" / "day1" / "a.fcs.csv"
    for file in ("a" * 251 + ".fcs", "é" * 125 + ".fcs", "a" * 252 + ".pq"):
        name = list_of(tmp_path, "m", "q", file).name
        assert 250 <= len(name.encode()) <= 255 and name.endswith(".csv")
