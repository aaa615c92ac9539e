"""What a pattern makes of the names of files."""

import pytest

from outofsample.errors import UserError
from outofsample.study.file_names import compiled, table_lines, understand


def folder_of(tmp_path, *names):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "name", "labels"),
    [
        ("{domain}_{condition}.fcs", "control_batch1.fcs", {"domain": "control", "condition": "batch1"}),
        # As many characters as fit.
        ("{domain}_{condition}.fcs", "a_b_c.fcs", {"domain": "a_b", "condition": "c"}),
        ("{domain,[^_]+}_{condition}.fcs", "a_b_c.fcs", {"domain": "a", "condition": "b_c"}),
        ("*_{condition}_{domain}_*.fcs", "2020_01_ctrl_x.fcs", {"domain": "ctrl", "condition": "01"}),
        ("{condition}/{domain}.fcs", "batch 1/p.fcs", {"domain": "p", "condition": "batch 1"}),
        ("{domain}.{condition}.fcs", "a+b.c.fcs", {"domain": "a+b", "condition": "c"}),
        ("{domain}_{condition}_{donor}.fcs", "a_b_c.fcs", {"domain": "a", "condition": "b", "donor": "c"}),
        ("{domain}_{condition}.fcs", "a-b.fcs", None),
        ("{domain}_{condition}.fcs", "a_b.fcs.bak", None),
        ("{domain}_{condition}.fcs", "a/b_c/d.fcs", None),
    ],
)
def test_a_pattern_matches_whole_names(pattern, name, labels):
    found = compiled(pattern).fullmatch(name)
    assert (found and found.groupdict()) == labels


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("{domain}.fcs", "needs {condition}"),
        ("{condition}_x.fcs", "needs {domain}"),
        ("{domain}_{domain}_{condition}.fcs", "{domain} stands there twice"),
        ("{domain}_{condition}_{path}.fcs", "{path} stands there twice, or for something else"),
        ("{domain}_{condition}_{row}.fcs", "{row} stands there twice, or for something else"),
        ("{domain,(}_{condition}.fcs", "this is no pattern"),
        ("{domain}_{condition}_{1x}.fcs", "this is no pattern"),
    ],
)
def test_a_pattern_that_says_too_little_or_too_much(pattern, words):
    with pytest.raises(UserError) as caught:
        compiled(pattern)
    assert words in str(caught.value) and pattern in str(caught.value)


def test_files_that_match_and_files_that_do_not(tmp_path):
    folder = folder_of(tmp_path, "b_2.fcs", "sub/a_1.fcs", "notes.txt", "odd.fcs", "x_1.xlsx", ".b_1.fcs", ".h/b_1.fcs")
    found = understand(folder, "{domain}_{condition}.fcs")
    assert found.rows == [
        {"path": "b_2.fcs", "domain": "b", "condition": "2"},
        {"path": "sub/a_1.fcs", "domain": "a", "condition": "1"},
    ]
    assert found.unmatched == ["notes.txt", "odd.fcs", "x_1.xlsx"]
    assert table_lines(found) == [
        "file         domain  condition",
        "b_2.fcs      b       2",
        "sub/a_1.fcs  a       1",
        "",
        "3 file(s) do not match the pattern, and are left out:",
        "  notes.txt",
        "  odd.fcs",
        "  x_1.xlsx",
    ]


def test_a_folder_of_which_no_study_can_be_made(tmp_path):
    with pytest.raises(UserError, match="there is no such folder"):
        understand(tmp_path / "gone", "{domain}_{condition}.fcs")
    with pytest.raises(UserError, match=r"none of its 0 files matches the pattern"):
        understand(tmp_path, "{domain}_{condition}.fcs")
    folder_of(tmp_path, "a-1.fcs")
    with pytest.raises(UserError, match=r"none of its 1 files, as 'a-1.fcs', matches"):
        understand(tmp_path, "{domain}_{condition}.fcs")
    folder_of(tmp_path, "a_1.fcs", "a_2.csv")
    with pytest.raises(UserError, match=r"several formats \(fcs, table\)"):
        understand(tmp_path, "{domain}_{condition}*")
    folder_of(tmp_path, "A_1.fcs")
    with pytest.raises(UserError, match=r"The domains 'A' \('A_1.fcs'\) and 'a' \('a_1.fcs'\) differ only in case"):
        understand(tmp_path, "{domain}_{condition}.fcs")
