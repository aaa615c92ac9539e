"""Controls measured in two batches (CytoNorm)."""

import numpy as np
import pytest

from outofsample.datasets import cytonorm
from outofsample.files import writing
from tests.unit.datasets.conftest import DATA, change, paths_of


class TestCytonorm:
    def test_markers_conditions_and_domains(self, loaded):
        _, adata = loaded("cytonorm")
        assert tuple(adata.var_names) == cytonorm.MARKERS
        sizes = adata.obs.groupby(["condition", "domain"], observed=True).size()
        assert sizes.index.get_level_values("condition").unique().tolist() == ["PTLG021", "PTLG026", "PTLG028"]
        assert sizes.tolist() == [200] * 6

    def test_the_change_of_volunteer_1_tells_that_of_volunteer_2(self):
        dataset = cytonorm.Dataset()
        adata = dataset.load(paths_of(dataset, None))
        assert adata.n_obs == 6000
        changes = [change(adata, f"volunteer{n}", "PTLG021", "PTLG028") for n in (1, 2)]
        assert np.corrcoef(changes)[0, 1] > 0.9

    def test_raw_files_have_digest_and_address(self):
        raw = {file.name: file for file in cytonorm.Dataset().raw_files()}
        assert len(raw) == 6
        one = raw["Gates_PTLG026_Unstim_Control_2.fcs"]
        assert one.url == (
            "https://raw.githubusercontent.com/saeyslab/CytoNorm/73114c215fec52ca2b861b93ccfd6ba86b361453"
            "/inst/extdata/Gates_PTLG026_Unstim_Control_2.fcs"
        )
        folder = DATA / "cytonorm_controls"
        if not folder.is_dir():
            pytest.skip(f"the real files are not at {folder}")
        for name, file in raw.items():
            assert writing.sha256(folder / name) == file.sha256

    @pytest.mark.parametrize("wrong", [{"cofactor": 0}, {"cells_per_file": 1}, {"seed": -1}])
    def test_settings_are_checked(self, wrong):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            cytonorm.Settings(**wrong)
