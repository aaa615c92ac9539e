"""A study for a folder of files: what it asks for, that it is valid, and that nothing is overwritten."""

import shutil
import subprocess
import sys

import anndata
import numpy as np
import pandas as pd
import pytest
import yaml

from outofsample.errors import UserError
from outofsample.files import fcs
from outofsample.study.file_names import understand
from outofsample.study.load import read_study
from outofsample.study.new_study import propose, write_study
from outofsample.study.plan import Plan
from tests.conftest import ROOT

PATTERN = "{domain}_{condition}.fcs"


def rows_of(*names):
    """Return rows of files, each named by domain and condition."""
    return [dict(zip(("domain", "condition"), name.split("_"), strict=True)) for name in names]


def test_all_that_was_measured_in_several_conditions_is_a_control_and_the_rest_is_asked_for():
    found = propose(rows_of("c_b1", "c_b2", "p_b1", "q_b2"))
    assert (found.controls, found.reference) == (["c"], "b1")
    assert found.queries == [{"name": "q", "domain": "q", "source": "b2", "target": "b1"}]
    found = propose(rows_of("c_b1", "c_b2", "p_b1", "q_b2"), reference="b2")
    assert found.queries == [{"name": "p", "domain": "p", "source": "b1", "target": "b2"}]
    assert found.uses == ["control", "control", "predicted in b2", "left out: in b2 already"]


def test_the_reference_is_what_most_queries_reach_and_of_these_the_first_by_number():
    assert propose(rows_of("c_b2", "c_b10", "p_b2", "p_b10", "q_b2"), ["c"]).reference == "b10"
    assert propose(rows_of("c_b2", "c_b10", "p_b2", "q_b10")).reference == "b2"


def test_a_sample_that_was_measured_in_the_reference_too_gives_scores():
    found = propose(rows_of("c_b1", "c_b2", "p_b1", "p_b2"), ["c"], "b1")
    assert found.queries == [{"name": "p", "domain": "p", "source": "b2", "target": "b1"}]
    assert found.remarks == ["p was measured in b1 too: taken for its truth, which gives scores"]
    assert found.uses == ["control", "control", "truth of p", "predicted in b1"]


def samples(*names):
    """Return rows of files, each named by domain, number and condition."""
    return [dict(zip(("domain", "number", "condition"), name.split("_"), strict=True)) for name in names]


#: Different patients in each batch.
OTHERS = samples("c__b1", "c__b2", "p_1_b1", "p_2_b1", "p_3_b2", "p_4_b2")


def test_other_samples_in_the_reference_are_no_truth_and_are_left_out():
    found = propose(OTHERS, ["c"], "b1")
    assert found.queries == [{"name": "p", "domain": "p", "source": "b2", "target": "b1"}]
    assert found.uses == ["control"] * 2 + ["left out: in b1 already"] * 2 + ["predicted in b1"] * 2
    assert found.remarks == [
        "p: its 2 file(s) of b1 are left out, since nothing tells that they are the samples of its files in b2; where "
        "they are, '--truth p' gives scores"
    ]


def test_what_the_user_calls_the_truth_is_the_truth():
    found = propose(OTHERS, ["c"], "b1", ["p"])
    assert found.uses == ["control"] * 2 + ["truth of p"] * 2 + ["predicted in b1"] * 2
    with pytest.raises(UserError, match="--truth: nothing of 'c' is predicted in b1 and was measured there too"):
        propose(OTHERS, ["c"], "b1", ["c"])


@pytest.mark.parametrize(
    ("names", "true"),
    [
        # The same patients in both batches; one of two is another; two files of which nobody knows which is which.
        (("p_1_b1", "p_2_b1", "p_2_b2", "p_1_b2"), True),
        (("p_1_b1", "p_2_b1", "p_2_b2", "p_3_b2"), False),
        (("p_1_b1", "p_1_b1", "p_1_b2", "p_1_b2"), False),
        # The query of a third batch would be scored against it too.
        (("p_1_b1", "p_1_b2", "p_2_b3"), False),
    ],
)
def test_the_truth_is_of_the_same_samples(names, true):
    rows = samples("c__b1", "c__b2", "c__b3", *names)
    uses = propose(rows, ["c"], "b1").uses
    wanted = "truth of p" if true else "left out: in b1 already"
    assert {use for use, row in zip(uses, rows, strict=True) if (row["domain"], row["condition"]) == ("p", "b1")} == {
        wanted
    }


def test_queries_have_names_of_their_own():
    rows = rows_of("c_b1", "c_b2", "c_b3", "p q_b2", "p.q_b2", "p-q_b2", "p/q_b2", "r_b2", "r_b3")
    names = [query["name"] for query in propose(rows, ["c"], "b1").queries]
    assert sorted(names) == ["p-q", "p.q", "p_q", "p_q_2", "r_b2", "r_b3"]


def test_chains_and_what_no_chain_reaches_are_told():
    rows = rows_of("a_b1", "a_b2", "c_b2", "c_b3", "p_b3", "p_b4")
    found = propose(rows, ["a", "c"], "b1")
    assert [query["source"] for query in found.queries] == ["b3"]
    assert found.remarks[0] == "a chain of controls: b3 -> b2 (by c) -> b1 (by a)"
    assert found.uses[-2:] == ["predicted in b1", "left out: no chain of controls leads to b1"]
    assert found.remarks[1].startswith("not predicted, b4: no chain of shared controls leads from b4 to b1")


@pytest.mark.parametrize(
    ("names", "options", "words"),
    [
        (("a_b1", "b_b2"), {}, "No domain was measured in two conditions"),
        (("a_b1", "a_b2", "c_b1"), {"controls": ["c"]}, "No control was measured in two conditions"),
        (("aa_b1", "aa_b2"), {"controls": ["a"]}, "--controls: no file is of 'a' (did you mean 'aa'?); known: aa."),
        (("a_b1", "a_b2"), {"reference": "x"}, "--reference: no file is of 'x'; known: b1, b2."),
        (("a_b1", "a_b2", "p_b1"), {"reference": "b1"}, "Nothing is left to predict in b1"),
    ],
)
def test_files_of_which_nothing_can_be_made(names, options, words):
    with pytest.raises(UserError) as caught:
        propose(rows_of(*names), **options)
    assert words in str(caught.value)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder with the templates, and three FCS files in data/mine."""
    (tmp_path / "studies").mkdir()
    for name in ("my_fcs", "my_h5ad", "my_table"):
        shutil.copy(ROOT / "studies" / f"{name}.yaml", tmp_path / "studies")
    (tmp_path / "data" / "mine").mkdir(parents=True)
    for name in ("no_01", "no_1.10", "p {x}_01"):
        write_cells(tmp_path / "data" / "mine" / f"{name}.fcs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_cells(path, channels=("Time", "Nd142Di")):
    cells = np.random.default_rng(0).gamma(1, 20, (20, 2)).astype(np.float32)
    fcs.write_fcs(path, cells, channels, ("", "142Nd_CD19"))


def written(root, pattern=PATTERN, folder="data/mine", **options):
    folder = (root / folder).relative_to(root)
    found = understand(folder, pattern)
    study = root.joinpath("studies", "mine.yaml").relative_to(root)
    return study, write_study(folder, found, propose(found.rows, **options), study)


def test_the_study_is_valid_with_labels_as_the_names_have_them(root):
    path, remarks = written(root)
    study = read_study(path)
    assert (study.study, study.data_dir) == ("mine", "data")
    task = study.tasks["batch"]
    assert task.controls == ["no"]
    assert [(q.name, q.domain, q.source, q.target) for q in task.queries] == [("p_x_", "p {x}", "01", "1.10")]
    plan = Plan(study)
    found = {(file["domain"], file["condition"]) for file in plan.dataset("mine").settings.files}
    assert found == {("no", "01"), ("no", "1.10"), ("p {x}", "01")}
    template = yaml.safe_load((ROOT / "studies" / "my_fcs.yaml").read_text())
    assert {key: yaml.safe_load(path.read_text())[key] for key in ("models", "methods")} == {
        key: template[key] for key in ("models", "methods")
    }
    assert remarks == ["cofactor: 5 (no_01.fcs: it has no scatter channel, so it is taken for mass cytometry)"]


def test_the_first_file_tells_the_cofactor(root):
    write_cells(root / "data" / "mine" / "no_01.fcs", ("FSC-A", "FITC-A"))
    path, (remark,) = written(root)
    assert read_study(path).datasets["mine"].settings["cofactor"] == 150
    assert "scatter channel FSC-A" in remark


@pytest.mark.parametrize("suffix", [".csv", ".h5ad"])
def test_other_formats_have_their_template(root, suffix):
    values = pd.DataFrame(np.ones((4, 3), np.float32), columns=["a", "b", "c"])
    values.index = values.index.astype(str)
    for name in ("c_1", "c_2", "p_1"):
        path = root / "data" / "mine" / f"{name}{suffix}"
        values.to_csv(path) if suffix == ".csv" else anndata.AnnData(values).write_h5ad(path)
    path, remarks = written(root, "{domain}_{condition}" + suffix)
    study = read_study(path)
    assert study.datasets["mine"].settings["scale"] == "none" and "scale: none" in remarks[0]
    assert study.tasks["treatment"].variable_features == (2000 if suffix == ".h5ad" else None)


def test_files_that_are_left_out_are_comments_of_the_sheet(root):
    write_cells(root / "data" / "mine" / "q_1.10.fcs")
    path, _ = written(root, reference="1.10")
    assert ("q", "1.10") not in {
        (file["domain"], file["condition"]) for file in Plan(read_study(path)).dataset("mine").settings.files
    }
    sheet = path.with_suffix(".tsv")
    assert "# q_1.10.fcs\t1.10\tq\n" in sheet.read_text()
    sheet.write_text(sheet.read_text().replace("# q", "q"))
    files = Plan(read_study(path)).dataset("mine").settings.files
    assert ("q", "1.10") in {(file["domain"], file["condition"]) for file in files}


def test_a_file_whose_name_begins_like_a_comment(root):
    write_cells(root / "data" / "mine" / "#q_01.fcs")
    path, _ = written(root)
    files = Plan(read_study(path)).dataset("mine").settings.files
    assert ("#q", "01") in {(file["domain"], file["condition"]) for file in files}


@pytest.mark.parametrize("name", ["mine.yaml", "mine.tsv"])
def test_nothing_is_overwritten(root, name):
    (root / "studies" / name).write_text("mine\n")
    with pytest.raises(UserError, match=f"studies/{name} is there already and is not overwritten"):
        written(root)
    assert (root / "studies" / name).read_text() == "mine\n"
    assert len(list((root / "studies").iterdir())) == 4


def test_what_is_not_valid_leaves_nothing_behind(root, monkeypatch):
    def refuse(study):
        raise UserError("no.")

    monkeypatch.setattr("outofsample.study.new_study.Plan", refuse)
    with pytest.raises(UserError, match="no"):
        written(root)
    assert sorted(path.name for path in (root / "studies").iterdir()) == [
        "my_fcs.yaml",
        "my_h5ad.yaml",
        "my_table.yaml",
    ]


def test_elsewhere_than_beside_the_snakefile(root):
    shutil.rmtree(root / "studies")
    with pytest.raises(UserError, match="studies: there is no such folder; call this in the folder of the Snakefile"):
        written(root)


def test_the_script_says_what_it_understood(root):
    command = [sys.executable, ROOT / "scripts" / "new_study.py", "data/mine/", "--pattern", PATTERN]
    run = subprocess.run([*map(str, command)], cwd=root, capture_output=True, text=True, check=True)
    for words in (
        "p {x}_01.fcs  p {x}   01         predicted in 1.10",
        "controls: no; reference: 1.10",
        "Written: studies/mine.tsv and studies/mine",
    ):
        assert words in run.stdout
    again = subprocess.run([*map(str, command)], cwd=root, capture_output=True, text=True, check=False)
    other = subprocess.run(
        [*map(str, command), "--reference", "01"], cwd=root, capture_output=True, text=True, check=False
    )
    assert "p {x}_01.fcs  p {x}   01\n" in other.stdout and "Nothing is left to predict in 01" in other.stderr
    assert again.returncode == 1 and again.stderr.startswith("error: studies/mine.tsv is there already")
