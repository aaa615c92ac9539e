"""What Figures 5 and 6 of trVAE show: measured cells, and which scores belong where."""

import numpy as np
import pytest

from outofsample.errors import UserError
from outofsample.figures import perturbation_data
from tests.unit.figures.kang import GENES, load, score_rows, scores_of


def test_measured_cells_are_of_both_files_and_dense(kang_files, batch_files):
    measured = perturbation_data.read_measured(kang_files / "train.h5ad", kang_files / "truth.h5ad", cells=100)
    assert isinstance(measured.X, np.ndarray) and measured.X.shape == (100, len(GENES))
    assert 0 < measured.held_out.sum() < 100 and measured.task == "kang"
    assert set(measured.condition[measured.held_out]) == {"day10"} and set(measured.kind[measured.held_out]) == {"NK"}
    files = (batch_files / "train.h5ad", batch_files / "truth.h5ad")
    of_another = perturbation_data.read_measured(*files, shown=kang_files / "train.h5ad")
    assert of_another.task == "kang" and of_another.X.shape != measured.X.shape
    with pytest.raises(UserError, match="not a readable h5ad file"):
        perturbation_data.read_measured(kang_files / "none.h5ad", kang_files / "truth.h5ad")


def test_a_task_of_a_family_is_among_the_cell_types(kang_files, tmp_path, quick):
    data = load(kang_files)
    measured = perturbation_data.read_measured(kang_files / "train.h5ad", kang_files / "truth.h5ad")
    family = [score_rows(f"kang.{kind}") for kind in ("NK", "T")]
    parts = {
        task: perturbation_data.Perturbation.of(
            data, perturbation_data.Measured(*list(vars(measured).values())[:-1], task), scores_of(tmp_path, *family)
        )
        for task in ("kang.NK", "kang")
    }
    assert all(set(part.by_type["task"]) == {"kang.NK", "kang.T"} for part in parts.values())
    assert set(parts["kang.NK"].scores["task"]) == {"kang.NK"} and parts["kang"].scores.empty
