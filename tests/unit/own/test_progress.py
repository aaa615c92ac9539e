"""How far a cohort is, in words: from the files that are done and when they were."""

import os

import pytest

from outofsample.own.progress import LOG, begin, progress, tell, times_of


@pytest.mark.parametrize(
    ("times", "total", "now", "expected"),
    [
        ([], 5, 0, "file 0 of 5 is written"),
        ([100], 5, 160, "file 1 of 5 is written"),
        ([100, 160], 5, 160, "file 2 of 5 is written, about 3 minutes left"),
        ([100, 101], 5, 101, "file 2 of 5 is written, under a minute left"),
        ([100, 130], 4, 130, "file 2 of 4 is written, about 1 minute left"),
        ([100, 160], 2, 160, "file 2 of 2 is written"),
        # Of a run that was interrupted for long, the latest files tell.
        ([0, *range(100_000, 100_020)], 81, 100_019, "file 21 of 81 is written, about 1 minute left"),
    ],
)
def test_a_line_says_how_many_are_done_and_how_long_the_rest_takes(times, total, now, expected):
    assert str(progress(times, total, now)) == expected


def touch(path, moment: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    os.utime(path, (moment, moment))


def test_files_of_whole_jobs_and_of_jobs_that_run_are_counted(tmp_path):
    touch(tmp_path / "methods" / "t" / "pca.pt", 50)
    touch(tmp_path / "cohort" / "t" / "pca" / "1-3.json", 60)
    touch(tmp_path / "cohort" / "t" / "pca" / ".2-4" / "abc.json", 70)
    # Made with an earlier fit: it will be made anew.
    touch(tmp_path / "cohort" / "t" / "pca" / "3-2.json", 40)
    assert sorted(times_of(tmp_path / "cohort", tmp_path / "methods")) == [60, 60, 60, 70]


def test_the_file_of_a_study_goes_on_from_its_first_line(tmp_path, capfd):
    assert (
        begin(tmp_path, "mine", 1200, 5_000_000) == "mine: 1,200 files are to be written, with 5,000,000 cells in all"
    )
    touch(tmp_path / "cohort" / "t" / "pca" / "1-1.json", 60)
    line = "mine: file 1 of 1,200 is written"
    with (tmp_path / "terminal").open("w") as terminal:
        tell(tmp_path, "mine", terminal.fileno())
    assert capfd.readouterr().out == f"{line}\n" and (tmp_path / "terminal").read_text() == f"{line}\n"
    first, second = (tmp_path / LOG).read_text().splitlines()
    assert first.endswith("5,000,000 cells in all") and second.endswith(f"  {line}")
