"""Files of images: those that do not fit."""

import anndata
import numpy as np
import pytest

from outofsample.arrays import Query
from outofsample.errors import UserError
from outofsample.files.prediction import PredictedImages
from outofsample.files.rows import Rows
from tests.unit.figures.glasses import SHAPE


def test_files_that_do_not_fit_are_named(glasses_files, tmp_path):
    small = anndata.read_h5ad(glasses_files / "no_change.h5ad")
    small[:, :5].copy().write_h5ad(tmp_path / "small.h5ad")
    with pytest.raises(UserError, match=r"small.h5ad: X must have images of \(4, 6, 3\)"):
        PredictedImages(tmp_path / "small.h5ad", SHAPE)
    small[small.obs["role"] == "source"].copy().write_h5ad(tmp_path / "part.h5ad")
    part = PredictedImages(tmp_path / "part.h5ad", SHAPE)
    with pytest.raises(UserError, match=r"part.h5ad: there is no prediction with the role 'query' for 1 of 1 images"):
        part.of(np.array(["0"]), [Query("women", "female", "none", "glasses")], "query")
    small.X[0, 0] = np.nan
    small.write_h5ad(tmp_path / "nan.h5ad")
    with pytest.raises(UserError, match="not finite"):
        PredictedImages(tmp_path / "nan.h5ad", SHAPE).images(np.array([0]))
    with pytest.raises(UserError, match="not a readable h5ad"):
        Rows(tmp_path / "absent.h5ad")
