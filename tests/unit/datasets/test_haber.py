"""Haber's gut cells: GEO's file, how real the stand-in looks."""

import csv

import numpy as np
import pytest

from outofsample.datasets import haber
from outofsample.errors import UserError
from tests.unit.datasets.conftest import cells_of, scores_of_controls, write_text


class TestHaberStandIn:
    def test_size_conditions_types_and_mice(self, gut):
        assert gut.shape == (3000, 400)
        assert set(gut.obs["condition"]) == set(haber.EXPECTED) and set(gut.obs["domain"]) == set(haber.CELL_TYPES)
        assert gut.obs.groupby("condition", observed=True)["mouse"].unique().map(set).to_dict() == {
            name: set(mice) for name, mice in haber.MICE.items()
        }
        assert gut.obs.groupby(["domain", "condition"], observed=True).size().min() >= 40

    def test_the_effect_in_tuft_cells_is_small_and_partly_that_of_others(self, gut):
        scores = scores_of_controls(gut, "Tuft", "Control", "Hpoly.Day10")
        assert scores["no_change"] == pytest.approx(0.91, abs=0.03)
        assert scores["mean_shift"] == pytest.approx(0.955, abs=0.02)
        assert 0.55 < scores["change"] < 0.85
        assert scores["oracle"] > 0.95
        assert scores["quantile_variances"] < scores["variances"] - 0.15
        early = scores_of_controls(gut, "Tuft", "Control", "Hpoly.Day3")
        assert early["no_change"] > scores["no_change"] + 0.02

    def test_defa24_changes_most_in_tuft_cells(self, gut):
        means = [cells_of(gut, "Tuft", name).mean(0) for name in ("Control", "Hpoly.Day10")]
        assert gut.var_names[np.argmax(means[1] - means[0])] == "Defa24"
        assert set(gut.var_names) >= {"Dclk1", "Reg3b", "Reg3g", "Lyz1"}


HABER_NAMES = [
    "B1_AAACATACCACAAC_Control_Enterocyte.Progenitor",
    "B7_AC_Hpoly.Day10_Tuft",
    "B10_GT_Salmonella_TA.Early",
]
HABER_ROWS = ["Defa24\t1\t2\t0\n", "nan\t0\t0\t5\n", "Lyz1\t3\t0\t0\n"]


@pytest.fixture
def write_gut(tmp_path):
    """Return a function that writes a file in GEO's format from its lines and returns its path by name."""

    def write(*lines):
        write_text(tmp_path / haber.COUNTS, "".join(lines))
        return {haber.COUNTS: tmp_path / haber.COUNTS}

    return write


class TestHaberFromGeo:
    @pytest.mark.parametrize("corner", ["", "\t", "gene\t"])
    def test_names_of_cells_are_taken_apart(self, write_gut, corner, monkeypatch):
        monkeypatch.setattr(haber, "_ROWS_AT_ONCE", 2)
        adata = haber.Dataset().load(write_gut(corner, "\t".join(HABER_NAMES), "\n", *HABER_ROWS))
        assert adata.obs_names.tolist() == HABER_NAMES
        assert adata.obs["domain"].tolist() == ["Enterocyte.Progenitor", "Tuft", "TA.Early"]
        assert adata.obs["condition"].tolist() == ["Control", "Hpoly.Day10", "Salmonella"]
        assert adata.obs["mouse"].tolist() == ["B1", "B7", "B10"]
        assert adata.var_names.tolist() == ["Defa24", "nan", "Lyz1"]
        assert adata.layers["counts"].toarray().tolist() == [[1, 0, 3], [2, 0, 0], [0, 5, 0]]

    def test_numbers_that_are_not_the_published_ones_are_said(self, write_gut, capsys):
        haber.Dataset().load(write_gut("\t".join(HABER_NAMES), "\n", *HABER_ROWS))
        (line,) = capsys.readouterr().out.splitlines()
        assert line.startswith("warning: haber: ") and "Hpoly.Day10 Tuft 1 (expected 217)" in line

    def test_the_expected_numbers_are_those_of_the_table(self, shared_data):
        path = shared_data / "haber2017_cell_counts" / "cells_per_type_condition_mouse.csv"
        if not path.is_file():
            pytest.skip(f"the table is not at {path}")
        with path.open() as file:
            rows = list(csv.DictReader(file))
        assert sum(map(sum, haber.EXPECTED.values())) == 9842
        for condition, numbers in haber.EXPECTED.items():
            mine = [row for row in rows if row["condition"] == condition]
            assert {row["mouse"] for row in mine} == set(haber.MICE[condition])
            assert tuple(sum(int(row[name]) for row in mine) for name in haber.CELL_TYPES) == numbers

    @pytest.mark.parametrize(
        ("lines", "sentence"),
        [
            (["B1_AA_Control\tB1_CC_Control_Tuft\n", "Lyz1\t1\t2\n"], "'B1_AA_Control' in the first line is no name"),
            (["gene\n", "Lyz1\t1\t2\n"], "'' in the first line is no name of a cell"),
            (["B1_CC_Control_Tuft\tB1_CC\n", "Lyz1\t1\t2\n"], "'B1_CC' in the first line is no name of a cell"),
            (["B1_AA_Control_Tuft\tB1_AA_Control_Tuft\n", "Lyz1\t1\t2\n"], "'B1_AA_Control_Tuft' occurs twice"),
            (["B1_AA_Control_Tuft\tB1_CC_Control_Tuft\n", "Lyz1\t1\n"], "a line has 1 counts"),
            (["B1_AA_Control_Tuft\n", "Lyz1\tmany\n"], "cannot be read"),
            (["B1_AA_Control_Tuft\n", "Lyz1\t0.5\n"], "must be raw counts"),
        ],
    )
    def test_files_of_another_form_are_refused(self, write_gut, lines, sentence):
        with pytest.raises(UserError, match=sentence):
            haber.Dataset().load(write_gut(*lines))

    def test_a_damaged_file_is_named(self, write_gut):
        paths = write_gut("\t".join(HABER_NAMES), "\n", *HABER_ROWS * 3000)
        whole = paths[haber.COUNTS].read_bytes()
        paths[haber.COUNTS].write_bytes(whole[: len(whole) // 2])
        with pytest.raises(UserError, match=f"{haber.COUNTS}: the file cannot be read"):
            haber.Dataset().load(paths)

    def test_a_file_that_unpacks_to_too_much_is_refused(self, write_gut):
        paths = write_gut("\t".join(HABER_NAMES), "\n", *HABER_ROWS * 1_000_000)
        with pytest.raises(
            UserError, match=rf"{haber.COUNTS}: this file of .* would unpack to .*, and at most 50 times"
        ):
            haber.Dataset().load(paths)
