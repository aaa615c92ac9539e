"""Several FCS files with one panel: which channels are the same, and which of them all files must have."""

import numpy as np
import pytest

from outofsample.errors import UserError
from outofsample.files import fcs
from outofsample.files.panels import one_panel, read_markers, reconcile
from tests.unit.files.test_fcs import panel


def test_panels_are_brought_into_one_order_with_one_set_of_labels():
    one = panel("one.fcs", ["Time", "Nd142Di", "Nd143Di"], ["", "CD19", ""])
    other = panel("other.fcs", ["beadDist", "Nd143Di", "Nd142Di"], ["", "143Nd_CD4", "142Nd_CD-19"])
    first, second = reconcile([one, other])
    assert first.channels == second.channels == ("Nd142Di", "Nd143Di")
    assert first.labels == second.labels == ("CD19", "143Nd_CD4")
    assert np.array_equal(first.values, one.values[:, [1, 2]])
    assert np.array_equal(second.values, other.values[:, [2, 1]])


def test_a_marker_on_another_channel_is_found_by_its_label():
    one = panel("one.fcs", ["Nd142Di", "Nd143Di"], ["CD19", "CD4"])
    other = panel("other.fcs", ["Nd143Di", "Sm149Di"], ["CD4", "CD19"])
    _, second = reconcile([one, other])
    assert second.channels == ("Nd142Di", "Nd143Di")
    assert np.array_equal(second.values, other.values[:, [1, 0]])


@pytest.mark.parametrize(
    ("channels", "labels", "listed"),
    [
        (["Nd142Di", "Sm149Di"], ["CD19", "CD8"], "one.fcs has Nd143Di (CD4), and other.fcs has Sm149Di (CD8)"),
        (["Nd142Di", "Nd143Di"], ["CD19", "CD8"], "one.fcs has Nd143Di (CD4), and other.fcs has Nd143Di (CD8)"),
        (["Nd142Di"], ["CD19"], "one.fcs has Nd143Di (CD4), and other.fcs has none"),
    ],
)
def test_mixed_panels_are_one_error_that_lists_both(channels, labels, listed):
    one = panel("one.fcs", ["Nd142Di", "Nd143Di"], ["CD19", "CD4"])
    with pytest.raises(UserError) as caught:
        reconcile([one, panel("other.fcs", channels, labels)])
    assert listed in str(caught.value)
    assert "rename" not in str(caught.value)


def test_names_that_differ_in_case_are_proposed_to_be_renamed():
    one = panel("one.fcs", ["PE-Cy7-A", "FITC-A"], ["", ""])
    other = panel("other.fcs", ["PE-CY7-A", "FITC-A"], ["", ""])
    with pytest.raises(UserError, match=r"set rename: \{'PE-CY7-A': 'PE-Cy7-A'\}\); else name"):
        reconcile([one, other])
    first, second = reconcile([fcs.renamed(file, {"PE-CY7-A": "PE-Cy7-A"}) for file in (one, other)])
    assert first.channels == second.channels == ("PE-Cy7-A", "FITC-A")
    with pytest.raises(UserError, match=r"rename: one\.fcs would have two channels 'FITC-A'"):
        fcs.renamed(one, {"PE-Cy7-A": "FITC-A"})


#: Four channels of which two are in both files, CD4 on another metal.
ONE = panel("one.fcs", ["Nd142Di", "Nd143Di", "Sm147Di", "Ir191Di"], ["CD19", "CD4", "CD8", "DNA1"])
OTHER = panel("other.fcs", ["Sm149Di", "Nd142Di", "Sm147Di", "Eu151Di"], ["CD4", "CD19", "CD25", "CD3"])


def test_files_may_have_further_markers_where_the_shared_ones_are_named():
    (one, other), columns, names = one_panel([ONE, OTHER], include=["CD4", "CD19"])
    assert names == ("CD4", "CD19") and [one.channels[column] for column in columns] == ["Nd143Di", "Nd142Di"]
    assert np.array_equal(one.values[:, columns], ONE.values[:, [1, 0]])
    assert np.array_equal(other.values[:, columns], OTHER.values[:, [0, 1]])


def test_files_may_have_further_markers_where_these_are_left_out():
    # By the antibody, by the short name, by the label of either file.
    _, _, names = one_panel([ONE, OTHER], exclude=["CD8", "CD25", "Eu151Di"])
    assert names == ("CD19", "CD4")
    with pytest.raises(UserError, match=r"one\.fcs has none, and other\.fcs has Eu151Di \(CD3\)"):
        one_panel([ONE, OTHER], exclude=["CD8", "CD25"])
    with pytest.raises(UserError, match=r"exclude: there is no channel 'xyzzy' in one\.fcs"):
        one_panel([ONE, OTHER], exclude=["CD8", "CD25", "CD3", "xyzzy"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("CD8", r"other\.fcs has no 'CD8' \(Sm147Di \(CD8\) in one\.fcs; Sm147Di \(CD25\) is another\);"),
        ("Ir191Di", r"other\.fcs has no 'Ir191Di' \(Ir191Di \(DNA1\) in one\.fcs\);"),
        ("CD3", r"there is no channel 'CD3'.* in one\.fcs"),
    ],
)
def test_what_is_named_must_be_in_all_files(name, said):
    with pytest.raises(UserError, match=said):
        one_panel([ONE, OTHER], include=["CD19", name])


def test_a_column_stands_for_one_channel():
    one = panel("one.fcs", ["Nd142Di", "Sm149Di", "Eu151Di"], ["CD4", "CD4", "CD3"])
    # The one CD4 that the other file has is the one of the same name.
    other = panel("other.fcs", ["Sm149Di", "Eu151Di"], ["CD4", "CD3"])
    with pytest.raises(UserError, match=r"one\.fcs has Nd142Di \(CD4\), and other\.fcs has none"):
        reconcile([one, other])
    first, second = reconcile([one, other], include=["CD3"])
    assert first.channels == second.channels == ("Sm149Di", "Eu151Di")
    # Here nothing tells which of the two it is.
    unclear = panel("unclear.fcs", ["Yb171Di", "Eu151Di"], ["CD4", "CD3"])
    with pytest.raises(UserError, match=r"one\.fcs has Nd142Di \(CD4\), Sm149Di \(CD4\), and unclear\.fcs has Yb171Di"):
        reconcile([one, unclear])


def test_markers_are_read_from_files_with_further_ones(tmp_path):
    paths = [tmp_path / file.name for file in (ONE, OTHER)]
    for path, file in zip(paths, (ONE, OTHER), strict=True):
        fcs.write_fcs(path, file.values, file.channels, file.labels)
    (one, other), names = read_markers(paths, 5.0, include=["CD19"])
    assert names == ("CD19",)
    np.testing.assert_allclose(one, np.arcsinh(ONE.values[:, [0]] / 5))
    np.testing.assert_allclose(other, np.arcsinh(OTHER.values[:, [1]] / 5))
