"""docs/python.md does what it says: its blocks run one after another, on small cells of the kinds that they name."""

import re

import anndata
import numpy as np
import pandas as pd

from outofsample.files.fcs import read_fcs, write_fcs
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "python.md"
CHANNELS = ("Time", "Nd142Di", "Nd143Di", "Sm147Di")
LABELS = ("", "142Nd_CD19", "143Nd_CD4", "147Sm_CD20")


def cells(seed: int, factor: float) -> np.ndarray:
    """Return values of mass cytometry (cells, channels), the first of them the time."""
    values = np.random.default_rng(seed).gamma(2, 20, size=(200, 4)).astype(np.float32)
    return values * [1, *[factor] * 3]


def typed(values: np.ndarray, types: str) -> anndata.AnnData:
    """Return cells of several types as AnnData."""
    obs = pd.DataFrame({"cell_type": np.resize(list(types), len(values))}, index=np.arange(len(values)).astype(str))
    return anndata.AnnData(np.arcsinh(values / 5), obs=obs)


def test_every_block_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = {"control_batch1": cells(0, 1), "control_batch2": cells(1, 2), "patient_batch1": cells(2, 1)}
    for name, values in given.items():
        write_fcs(f"{name}.fcs", values, CHANNELS, LABELS)
    given |= {
        "S_cells": typed(cells(3, 1), "abc"),
        "T_cells": typed(cells(4, 2), "abc"),
        "X_cells": typed(cells(5, 1), "de"),
    }
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 6
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), given)
    assert given["far"].shape == (200,) and len(given["predictions"]) == 5
    before, after = (read_fcs(tmp_path / f"patient_{name}.fcs").values for name in ("batch1", "corrected"))
    assert np.array_equal(after[:, 0], before[:, 0])
    assert set(given["by_type"].expected_error_) == {"d", "e"}
    # The control is twice as bright in batch 2.
    assert 1.7 < np.median(after[:, 1:] / before[:, 1:]) < 2.3
