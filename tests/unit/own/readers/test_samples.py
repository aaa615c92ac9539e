"""A sample sheet: what it says of the files, and the sentence with line and column where it is wrong."""

import pytest

from outofsample.errors import UserError
from outofsample.own.readers.support.samples import read_samples
from tests.unit.own.small_study import COLUMNS, FCS_FILES, dataset, load, table, write_fcs_files

NEEDED = {"condition": False, "domain": False}
HEADER = "path\tcondition\tdomain\n"
GOOD = HEADER + "".join(f"{file['path']}\t{file['condition']}\t{file['domain']}\n" for file in FCS_FILES)


@pytest.fixture
def root(folder):
    """A folder of three FCS files."""
    write_fcs_files(folder)
    return folder


def sheet_of(folder, text, name="samples.tsv"):
    path = folder.parent / name
    path.write_text(text)
    return path


def read(root, text, name="samples.tsv", labelled=NEEDED):
    return read_samples(sheet_of(root, text, name), root, labelled)


def told(root, text, name="samples.tsv", labelled=NEEDED):
    """Return the one sentence that reading ends with, without the folder."""
    with pytest.raises(UserError) as caught:
        read(root, text, name, labelled)
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message
    return message.replace(f"{root.parent}/", "")


def test_a_sheet_says_what_files_says(root):
    assert read(root, GOOD) == FCS_FILES
    assert read(root, GOOD.replace("\t", ","), "samples.csv") == FCS_FILES


def test_labels_and_further_columns_are_text_as_it_is_written(root):
    rows = ["control_before.fcs\t01\tNA\t1.10", "control_after.fcs\t1\tNA\t", "patient_before.fcs\t01\tnull\tx y"]
    found = read(root, "path\tcondition\tdomain\tdose\n" + "\n".join(rows))
    assert [entry["condition"] for entry in found] == ["01", "1", "01"]
    assert [entry["domain"] for entry in found] == ["NA", "NA", "null"]
    assert [entry["obs"] for entry in found] == [{"dose": "1.10"}, {"dose": ""}, {"dose": "x y"}]


def test_comments_empty_lines_quotes_and_a_byte_order_mark(root):
    (root / "a\tb.fcs").write_bytes((root / "control_before.fcs").read_bytes())
    found = read(root, '\ufeff# mine\npath\tcondition\tdomain\n\n"a\tb.fcs"\tx\t"say ""y"""\n\t\t\n')
    assert found == [{"path": "a\tb.fcs", "condition": "x", "domain": 'say "y"'}]


def test_a_glob_stands_for_the_files_that_match_in_their_order(root):
    (root / "sub").mkdir()
    for name in ("b.fcs", "a.fcs", ".hidden.fcs"):
        (root / "sub" / name).write_bytes((root / "control_before.fcs").read_bytes())
    found = read(root, HEADER + "sub/*.fcs\tx\tp\n")
    assert found == [{"path": f"sub/{name}", "condition": "x", "domain": "p"} for name in ("a.fcs", "b.fcs")]
    assert len(read(root, HEADER + "**/*.fcs\tx\tp\n")) == 5
    assert read(root, HEADER + "sub\tx\tp\n") == found


def test_a_name_with_brackets_is_the_file_of_this_name(root):
    (root / "a[1].fcs").write_bytes((root / "control_before.fcs").read_bytes())
    (root / "a1.fcs").write_bytes((root / "control_before.fcs").read_bytes())
    assert [entry["path"] for entry in read(root, HEADER + "a[1].fcs\tx\tp\n")] == ["a[1].fcs"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "samples.tsv: this sample sheet lists no file"),
        (HEADER, "samples.tsv: this sample sheet lists no file"),
        ("path\tcondition\na.fcs\tx\n", "samples.tsv: the column 'domain' is missing; the sheet has path, condition,"),
        (
            "path\tcondtion\tdomain\na.fcs\tx\ty\n",
            "samples.tsv: the column 'condition' is missing (did you mean 'condtion'?)",
        ),
        ("path,condition,domain\na.fcs,x,y\n", "and needs path, condition, domain, separated by tabs"),
        ("path\tcondition\tdomain\tpath\na\tb\tc\td\n", "line 1: each column needs a name of its own, and 'path'"),
        ("path\tcondition\tdomain\t\na\tb\tc\td\n", "line 1: each column needs a name of its own, and ''"),
        ("path\tcondition\tdomain\trow\na\tb\tc\td\n", "rename the column 'row'"),
        (GOOD + "x.fcs\ty\n", "samples.tsv, line 5: it has 2 fields, and the header 3 (path, condition, domain)."),
        (
            HEADER + "# c\n\ncontrol_before.fcs\t \ty\n",
            "samples.tsv, line 4, column 'condition': this value is missing.",
        ),
        (HEADER + "\tx\ty\n", "line 2, column 'path': this value is missing."),
        (GOOD + "gone.fcs\tx\ty\n", "samples.tsv, line 5, column 'path': there is no file 'gone.fcs' in mine."),
        (GOOD + "gone*.fcs\tx\ty\n", "line 5, column 'path': no file in mine matches 'gone*.fcs'."),
        (
            GOOD + "./control_after.fcs\tafter\tcontrol\n",
            "line 5, column 'path': the file 'control_after.fcs' comes twice, first in line 3.",
        ),
        (
            GOOD + "control*\tafter\tcontrol\n",
            "column 'path': the file 'control_after.fcs' comes twice, first in line 3",
        ),
        (GOOD + "../x.fcs\tx\ty\n", "line 5, column 'path': '../x.fcs' must lie within the dataset's folder"),
        (GOOD + "x.xlsx\tx\ty\n", "line 5, column 'path': 'x.xlsx' is a workbook; save its sheet as CSV."),
        (
            GOOD.replace("patient_before.fcs\tbefore", "patient_before.fcs\tBefore"),
            "line 4, column 'condition': 'Before' and 'before' (line 2) differ only in case or blanks",
        ),
        (
            GOOD.replace("after\tcontrol", "after\tcontrol "),
            "line 3, column 'domain': 'control ' and 'control' (line 2)",
        ),
    ],
)
def test_what_is_wrong_is_told_with_line_and_column(root, text, words):
    assert words in told(root, text)


def test_a_sheet_that_is_not_there_or_no_text(root):
    assert "samples.xlsx: the name of a sample sheet must end in .tsv or .csv" in told(root, "x", "samples.xlsx")
    sheet = sheet_of(root, "")
    sheet.unlink()
    with pytest.raises(UserError, match="there is no such sample sheet"):
        read_samples(sheet, root, NEEDED)
    sheet.write_bytes(b"path\tcondition\tdomain\n\xff\xfe\x00\t1\t2\n")
    with pytest.raises(UserError, match="cannot be read as text"):
        read_samples(sheet, root, NEEDED)
    assert "cannot be read as text" in told(root, HEADER + '"a\tx\ty\n')


def test_labels_that_columns_of_the_files_hold_need_no_column_in_the_sheet(folder):
    table().to_csv(folder / "cells.csv", index=False)
    labelled = {"condition": True, "domain": True}
    (entry,) = read(folder, "path\tsite\ncells.csv\tParis\n", labelled=labelled)
    assert entry == {"path": "cells.csv", "condition": None, "domain": None, "obs": {"site": "Paris"}}
    assert "unknown column 'Domain' (did you mean 'domain'?)" in told(
        folder, "path\tDomain\ncells.csv\tx\n", labelled=labelled
    )
    adata = load(folder, samples=str(sheet_of(folder, "path\tsite\ncells.csv\tParis\n")), **COLUMNS)
    assert set(adata.obs["site"]) == {"Paris"} and set(adata.obs["condition"]) == {"before", "after"}


def test_a_dataset_reads_what_the_sheet_lists_with_its_columns(root):
    lines = GOOD.splitlines()
    text = "\n".join([f"{lines[0]}\tdonor", *(f"{line}\td{number}" for number, line in enumerate(lines[1:]))])
    adata = load(root, samples=str(sheet_of(root, text)))
    by_files = load(root, files=FCS_FILES)
    assert (adata.X == by_files.X).all() and list(adata.obs_names) == list(by_files.obs_names)
    assert dict(zip(adata.obs["file"], adata.obs["donor"], strict=True)) == {
        file["path"]: f"d{number}" for number, file in enumerate(FCS_FILES)
    }


def test_jobs_see_the_files_and_not_the_sheet(root):
    sheet = sheet_of(root, GOOD)
    data = dataset(root, samples=str(sheet))
    assert data.settings.samples is None and list(data.settings.files) == FCS_FILES
    # A comment changes no job.
    sheet.write_text("# a comment\n" + GOOD)
    assert dataset(root, samples=str(sheet)).settings == data.settings


def test_files_of_two_kinds_are_told_with_the_sheet(root):
    (root / "a.csv").write_text("x\n1\n")
    with pytest.raises(UserError, match=r"samples.tsv: files must all be of one kind"):
        dataset(root, samples=str(sheet_of(root, GOOD + "a.csv\tx\ty\n")))


def test_a_folder_without_fcs_files_is_told_with_the_line(root):
    (root / "empty").mkdir()
    assert "samples.tsv, line 5, column 'path': mine/empty: this folder holds no FCS file" in told(
        root, GOOD + "empty\tx\ty\n"
    )
