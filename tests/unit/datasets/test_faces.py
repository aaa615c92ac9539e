"""The dataset of drawn faces."""

import numpy as np
import pytest

from outofsample.datasets import faces
from outofsample.errors import UserError
from outofsample.files import writing
from outofsample.files.dataset import check_contract
from outofsample.images.people import SEXES
from tests.unit.datasets.conftest import pixels, simulated

SMALL_FACES = {"images": 30}


class TestFaces:
    @pytest.mark.parametrize("attribute", list(faces.CONDITIONS))
    def test_conditions_sexes_and_pairs(self, tmp_path, attribute):
        dataset = faces.Dataset(faces.Settings(attribute=attribute, **SMALL_FACES))
        assert dataset.use_simulated(tmp_path) and dataset.raw_files() == []
        adata = simulated(dataset, tmp_path)
        check_contract(adata, "faces")
        before, after = faces.CONDITIONS[attribute]
        assert adata.shape == (120, 32 * 32 * 3) and adata.uns["image_shape"] == [32, 32, 3]
        women = adata.obs[adata.obs["domain"] == "female"]
        pairs = [women.loc[women["condition"] == condition, "pair_id"].tolist() for condition in (before, after)]
        assert pairs[0] == pairs[1] and len(set(pairs[0])) == 30
        assert set(adata.obs.loc[adata.obs["domain"] == "male", "pair_id"]) == {""}
        others = [name for name in ("hair", "smile", "moustache", "glasses") if name != attribute]
        same = [
            women.loc[women["condition"] == condition, others].reset_index(drop=True) for condition in (before, after)
        ]
        assert same[0].equals(same[1])

    def test_a_paired_face_changes_and_an_unpaired_one_is_another(self, tmp_path):
        adata = simulated(faces.Dataset(faces.Settings(attribute="smile", **SMALL_FACES)), tmp_path)
        still = {}
        for sex in SEXES:
            pair = [pixels(adata, domain=sex, condition=c).astype(int) for c in ("neutral", "smile")]
            still[sex] = (np.abs(pair[0] - pair[1]).max(-1) == 0).mean()
        assert still["female"] > 0.8 and still["male"] < 0.1

    def test_half_of_the_glasses_are_dark(self, tmp_path):
        adata = simulated(faces.Dataset(faces.Settings(attribute="glasses", dark_share=0.5, **SMALL_FACES)), tmp_path)
        worn = adata.obs[adata.obs["condition"] == "glasses"]
        assert worn.groupby(["domain", "glasses"]).size().tolist() == [15, 15, 15, 15]
        assert set(adata.obs.loc[adata.obs["condition"] == "none", "glasses"]) == {"none"}

    def test_men_can_be_the_paired_sex(self, tmp_path):
        adata = simulated(faces.Dataset(faces.Settings(paired="male", **SMALL_FACES)), tmp_path)
        assert set(adata.obs.loc[adata.obs["pair_id"] != "", "domain"]) == {"male"}

    def test_the_same_bytes_for_the_same_seed(self, tmp_path):
        for folder, seed in (("one", 0), ("two", 0), ("other", 1)):
            faces.Dataset(faces.Settings(seed=seed, **SMALL_FACES)).simulate(tmp_path / folder)
        for name in (faces.IMAGES, faces.TABLE):
            one, two, other = (writing.sha256(tmp_path / folder / name) for folder in ("one", "two", "other"))
            assert one == two and one != other

    def test_damaged_files_are_refused(self, tmp_path):
        dataset = faces.Dataset(faces.Settings(**SMALL_FACES))
        dataset.simulate(tmp_path)
        paths = {name: tmp_path / name for name in (faces.IMAGES, faces.TABLE)}
        np.save(paths[faces.IMAGES], np.load(paths[faces.IMAGES])[:-1])
        with pytest.raises(UserError, match=r"faces\.npy: it must have one colour image of bytes for each row"):
            dataset.load(paths)
        paths[faces.IMAGES].write_bytes(b"nothing")
        with pytest.raises(UserError, match="cannot be read"):
            dataset.load(paths)
        dataset.simulate(tmp_path)
        paths[faces.TABLE].write_text("sex,condition\n")
        with pytest.raises(UserError, match=r"faces\.csv: the columns glasses, hair"):
            dataset.load(paths)

    @pytest.mark.parametrize(
        "wrong",
        [{"attribute": "hat"}, {"images": 1}, {"size": 33}, {"paired": "both"}, {"dark_share": 2}, {"seed": -1}],
    )
    def test_settings_are_checked(self, wrong):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            faces.Settings(**wrong)
