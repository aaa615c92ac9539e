"""What is known of the files that cells were drawn from goes through JSON, and other files say nothing."""

import anndata
import numpy as np
import pytest

from outofsample.errors import UserError
from outofsample.files.cohort import Cohort, read_cohort

COHORT = Cohort(10, {"a.fcs": 7, "b.fcs": 9}, [["x", "before", 16]], [["CD4", "Nd142Di", "{}"]])


def test_what_is_written_is_read(tmp_path):
    anndata.AnnData(np.zeros((1, 1)), uns={"cohort": COHORT.to_json()}).write_h5ad(tmp_path / "a.h5ad")
    assert read_cohort(tmp_path / "a.h5ad") == COHORT
    assert COHORT.size("x", "before") == 16 and COHORT.size("x", "after") == 0


def test_other_data_have_none(tmp_path):
    anndata.AnnData(np.zeros((1, 1))).write_h5ad(tmp_path / "a.h5ad")
    assert read_cohort(tmp_path / "a.h5ad") is None
    (tmp_path / "b.h5ad").write_text("text")
    with pytest.raises(UserError, match=r"b\.h5ad: this is not a readable h5ad"):
        read_cohort(tmp_path / "b.h5ad")


@pytest.mark.parametrize(("most", "drawn"), [(None, False), (16, False), (15, True)])
def test_cells_are_drawn_where_a_population_has_more(most, drawn):
    assert Cohort(most, {}, [["x", "before", 16]], []).drawn == drawn
