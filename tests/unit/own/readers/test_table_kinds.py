"""Tables in the forms that programs write them: labels as text, right values, or one sentence."""

import gzip

import numpy as np
import pytest

from tests.unit.own.small_study import COLUMNS, dataset, error, load, written

NUMBERS = [[1.5, 10.0], [2.25, 20.0], [3.0, 30.0]]


def lines(separator=",", labels=None, columns=("CD4", "CD19")):
    """Return a table of the three groups, with two rows each."""
    labels = labels or [("control", "before"), ("control", "after"), ("patient", "before")]
    rows = [[*map(str, numbers), *pair] for pair, numbers in zip(labels, NUMBERS, strict=True) for _ in range(2)]
    return [separator.join(row) for row in ([*columns, "person", "day"], *rows)]


def write(folder, text, name="a.csv"):
    content = ("\n".join(text) + "\n").encode()
    (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return {"files": [name], **COLUMNS}


@pytest.mark.parametrize("label", ["01", "1.10", "NA", "None", "nan", "null", "1e5", "true", "-"])
@pytest.mark.parametrize("column", ["person", "day"])
def test_labels_are_text(folder, label, column):
    labels = [("control", "before"), ("control", "after"), ("patient", "before")]
    changed = {"person": ("patient", label), "day": ("after", label)}[column]
    labels = [tuple(changed[1] if part == changed[0] else part for part in pair) for pair in labels]
    adata = load(folder, **write(folder, lines(labels=labels)))
    assert label in set(adata.obs[{"person": "domain", "day": "condition"}[column]])


def test_labels_that_are_one_number_stay_two(folder):
    labels = [("1", "before"), ("1", "after"), ("01", "before")]
    adata = load(folder, **write(folder, lines(labels=labels)))
    assert adata.obs["domain"].value_counts().to_dict() == {"1": 4, "01": 2}


@pytest.mark.parametrize("other", ["Control", "control ", " control", "con trol", "CONTROL"])
def test_labels_that_differ_in_case_or_blanks_are_an_error_with_both(folder, other):
    labels = [("control", "before"), ("control", "after"), (other, "before")]
    message = error(folder, **write(folder, lines(labels=labels)))
    assert f"'control' (4 cells) and '{other}' (2 cells) differ only in case or blanks" in message


@pytest.mark.parametrize(
    "value", ["<0.1", "> 100", "3,126.0", "1'000", "12 %", "LOD", "n.d.", "1,5", "2.5*", "1.000,5", "#VALUE!"]
)
def test_a_column_that_is_nearly_numeric_is_an_error_that_names_column_and_value(folder, value):
    text = lines(";")
    text[4] = ";".join([value, *text[4].split(";")[1:]])
    message = error(folder, **write(folder, text))
    assert (
        f"a.csv: the column 'CD4' does not hold numbers alone (1 of 6 values are none, the first is {value!r}"
        in message
    )
    assert "of cell 4)" in message
    assert load(folder, **write(folder, text), exclude=["CD4"]).var_names.tolist() == ["CD19"]


@pytest.mark.parametrize(
    "value",
    [
        "\u22121.5",
        "\u20131.5",
        "(1.5)",
        "1\u00a0234.5",
        "1\u202f234",
        "1\u2019234",
        "1.5D+03",
        "1.5E\u221203",
        "\u2248 2",
    ],
)
def test_a_column_whose_every_number_is_written_otherwise_is_an_error(folder, value):
    text = lines(";")
    text[1:] = [";".join([value, *line.split(";")[1:]]) for line in text[1:]]
    message = error(folder, **write(folder, text))
    assert f"the column 'CD4' does not hold numbers alone (6 of 6 values are none, the first is {value!r}" in message


def test_decimal_commas_are_an_error(folder):
    text = [line.replace(".", ",") for line in lines(";")]
    assert "the column 'CD4' does not hold numbers alone (6 of 6" in error(folder, **write(folder, text))


def test_missing_numbers_are_an_error(folder):
    text = lines()
    text[2] = "NA" + text[2][3:]
    assert "1 values are missing (NaN) or infinite, the first is 'CD4' of cell 2" in error(
        folder, **write(folder, text)
    )


def test_text_and_bookkeeping_are_left_out_and_said(folder, capsys):
    text = lines()
    names = "CellId,Time,note,when,ok,rank," + text[0]
    rows = [f"{n + 7},{n * 10},a{n},01.02.2024,True,{n},{line}" for n, line in enumerate(text[1:])]
    adata = load(folder, **write(folder, [names, *rows]))
    assert adata.var_names.tolist() == ["CD4", "CD19"]
    said = capsys.readouterr().out
    assert "columns of a.csv: 2 used; left out: CellId (by its name it is no measurement)" in said
    assert "note (no numbers)" in said and "rank (it counts the rows)" in said
    assert load(folder, **write(folder, [names, *rows]), features=["Time"]).var_names.tolist() == ["Time"]


DIALECTS = {
    "commas in names": (lines(";", columns=("CD4, clone SK7, BV", "CD19, x")), "a.csv", 0),
    "sep line": (["sep=;", *lines(";")], "a.csv", 1),
    "quoted sep line": (['"sep=\t"', *lines("\t")], "a.csv", 1),
    "title": (["Exported from FlowJo 10.8", *lines()], "a.csv", 1),
    "titles of a spreadsheet": (["Plate 7,,,", "", *lines()], "a.csv", 2),
    "tabs as text": (lines("\t"), "a.txt", 0),
    "text, gzipped": (lines("\t"), "a.txt.gz", 0),
    "bars": (lines("|"), "a.csv", 0),
    "byte order mark": (["\ufeff" + lines()[0], *lines()[1:]], "a.csv", 0),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_dialects_are_read_and_come_back_as_they_were(folder, tmp_path, dialect):
    text, name, before = DIALECTS[dialect]
    settings = write(folder, text, name)
    adata = load(folder, **settings)
    assert adata.n_vars == 2 and adata.var_names[0].startswith("CD4")
    np.testing.assert_allclose(adata.X, np.repeat(NUMBERS, 2, axis=0))
    (path,) = written(dataset(folder, **settings), folder, tmp_path)
    content = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    after = content.decode("utf-8-sig").splitlines()
    assert after[: before + 1] == [line.removeprefix("\ufeff") for line in text[: before + 1]]
    assert len(after) == before + 3 and after[before + 1].startswith("4.0")


def test_a_column_that_is_called_otherwise_in_one_file_comes_back_as_it_was(folder, tmp_path):
    first, second = lines(columns=("CD4", "CD19")), lines(columns=("cd-4", "CD19"))
    write(folder, [first[0], *first[3:5]], "a.csv")
    settings = write(folder, [second[0], *second[1:3], *second[5:]], "b.csv")
    settings |= {"files": ["a.csv", "b.csv"], "rename": {"cd-4": "CD4"}}
    assert load(folder, **settings).var_names.tolist() == ["CD4", "CD19"]
    (path,) = written(dataset(folder, **settings), folder, tmp_path)
    assert path.read_text().splitlines()[0] == second[0]
    assert "rename: there is no 'cd-5'" in error(folder, **{**settings, "rename": {"cd-4": "CD4", "cd-5": "x"}})
    assert "'rename' calls both 'cd-4' and 'CD19' 'CD19'" in error(folder, **{**settings, "rename": {"cd-4": "CD19"}})


def test_a_file_whose_reader_fails_in_its_own_way_is_a_sentence(folder, monkeypatch):
    settings = write(folder, lines())
    monkeypatch.setattr("outofsample.own.readers.table.dialect_of", lambda path: 1 / 0)
    message = error(folder, **settings)
    assert "a.csv: this file cannot be read (ZeroDivisionError: division by zero); it may be damaged" in message
