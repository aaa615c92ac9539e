"""FCS files of one's own are read with one panel."""

import json

import numpy as np

from outofsample.files import fcs
from outofsample.files.dataset import check_contract
from tests.unit.own.small_study import FCS_FILES, GROUPS, error, load, values, write_fcs_files


def test_fcs_files_become_one_table(folder):
    write_fcs_files(folder)
    adata = load(folder, files=FCS_FILES)
    check_contract(adata, "mine")
    assert adata.var_names.tolist() == ["CD19", "CD4"] and adata.var["column"].tolist() == ["Nd142Di", "Nd143Di"]
    assert adata.obs.groupby(["domain", "condition"]).size().to_dict() == dict.fromkeys(GROUPS, 20)
    np.testing.assert_allclose(adata.X[:20], np.arcsinh(values(20, 4, 0)[:, 1:3] / 5), rtol=1e-6)
    assert adata.obs["row"].tolist() == [*range(20)] * 3


def write_another_panel(folder):
    """Write the file of the patient with CD4 on another metal, with CD3, and without DNA."""
    channels, labels = ("Eu151Di", "Sm149Di", "Nd142Di"), ("151Eu_CD3", "149Sm_CD4", "142Nd_CD19")
    fcs.write_fcs(folder / "patient_before.fcs", values(20, 3, 2), channels, labels)


def test_further_channels_are_left_out_and_listed_where_features_names_the_shared_ones(folder, capsys):
    write_fcs_files(folder)
    write_another_panel(folder)
    adata = load(folder, files=FCS_FILES, features=["CD4"])
    assert adata.var_names.tolist() == ["CD4"] and adata.var["column"].tolist() == ["Nd143Di"]
    assert json.loads(adata.var["columns"].iloc[0]) == {"patient_before.fcs": "Sm149Di"}
    np.testing.assert_allclose(adata.X[40:, 0], np.arcsinh(values(20, 3, 2)[:, 1] / 5), rtol=1e-6)
    left_out = json.loads(adata.uns["left_out"])
    assert left_out["Eu151Di (151Eu_CD3)"] == left_out["Ir191Di (191Ir_DNA1)"] == "not in all files"
    assert left_out["Nd142Di (142Nd_CD19)"] == "'features' does not name it"
    assert "Eu151Di  151Eu_CD3   left out: not in all files" in capsys.readouterr().out


def test_a_marker_that_a_file_lacks_is_named_with_the_file(folder):
    write_fcs_files(folder)
    write_another_panel(folder)
    assert "patient_before.fcs has no 'DNA1' (Ir191Di (191Ir_DNA1) in control_before.fcs)" in error(
        folder, files=FCS_FILES, features=["CD4", "DNA1"]
    )
    assert "patient_before.fcs has Eu151Di (151Eu_CD3); " in error(folder, files=FCS_FILES)
