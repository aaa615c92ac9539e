"""CelebA as it is distributed."""

import hashlib
import io
import zipfile

import numpy as np
import pytest

from outofsample.datasets import celeba
from outofsample.errors import UserError
from outofsample.files.dataset import check_contract
from tests.unit.datasets.conftest import pixels

CELEBA_COLUMNS = ("Male", "Black_Hair", "Blond_Hair", "Eyeglasses", "Mustache", "Smiling")


@pytest.fixture
def drawn_celeba(tmp_path):
    """Write files of CelebA's form with eight plain-coloured images, and return their paths."""
    from PIL import Image

    lines = ["8", " ".join(CELEBA_COLUMNS) + " "]
    with zipfile.ZipFile(tmp_path / celeba.IMAGES, "w") as archive:
        for number in range(8):
            bits = [number & 1, number & 2, not number & 2, number & 4, 0, number & 1]
            lines.append(f"{number:06d}.jpg " + " ".join(" 1" if bit else "-1" for bit in bits))
            data = io.BytesIO()
            Image.new("RGB", celeba.ALIGNED, (20 * number, 100, 200)).save(data, "JPEG")
            archive.writestr(f"img_align_celeba/{number:06d}.jpg", data.getvalue())
    (tmp_path / celeba.TABLE).write_text("\n".join(lines) + "\n")
    return {name: tmp_path / name for name in (celeba.IMAGES, celeba.TABLE)}


class TestCelebA:
    def test_reads_the_distributed_form(self, drawn_celeba):
        adata = celeba.Dataset(celeba.Settings(attribute="glasses", size=16)).load(drawn_celeba)
        check_contract(adata, "celeba")
        assert adata.shape == (8, 16 * 16 * 3) and "pair_id" not in adata.obs
        assert adata.obs["domain"].tolist() == ["female", "male"] * 4
        assert adata.obs["condition"].tolist() == ["none"] * 4 + ["glasses"] * 4
        assert adata.obs["Smiling"].tolist() == [False, True] * 4 and adata.obs_names[3] == "000003"
        assert np.abs(adata.X.reshape(8, -1, 3) - np.array([[20 * n, 100, 200] for n in range(8)])[:, None]).max() < 5

    def test_the_cut_is_the_one_asked_for(self, drawn_celeba):
        from PIL import Image

        image = np.zeros((218, 178, 3), np.uint8)
        image[76:177, 54:123] = 255
        data = io.BytesIO()
        Image.fromarray(image).save(data, "JPEG", quality=100, subsampling=0)
        with zipfile.ZipFile(drawn_celeba[celeba.IMAGES], "w") as archive:
            for number in range(8):
                archive.writestr(f"img_align_celeba/{number:06d}.jpg", data.getvalue())
        settings = celeba.Settings(attribute="smile", crop=(54, 76, 123, 177), size=32)
        assert celeba.Dataset(settings).load(drawn_celeba).X.min() > 245
        middle = celeba.Dataset(celeba.Settings(attribute="smile", size=32)).load(drawn_celeba)
        assert middle.X.mean() == pytest.approx(255 * 69 * 101 / 178**2, abs=2)

    def test_a_missing_file_gives_the_steps(self, drawn_celeba, tmp_path):
        drawn_celeba[celeba.IMAGES].unlink()
        with pytest.raises(UserError, match=r"img_align_celeba\.zip: the file is missing; .*mmlab.*data_dir\.$"):
            celeba.Dataset().load(drawn_celeba)
        assert not celeba.Dataset().use_simulated(tmp_path) and all(f.url is None for f in celeba.Dataset().raw_files())

    def test_the_whole_set_is_known_by_its_digests(self, drawn_celeba, monkeypatch):
        dataset = celeba.Dataset(celeba.Settings(full=True))
        with pytest.raises(UserError, match="00d2c5bc6d35e252742224ab0c1e8fcb"):
            dataset.load(drawn_celeba)
        sums = {name: hashlib.md5(path.read_bytes()).hexdigest() for name, path in drawn_celeba.items()}
        monkeypatch.setattr(celeba, "MD5", sums)
        assert dataset.load(drawn_celeba).n_obs == 8

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            (lambda text: text.replace("8\n", "9\n", 1), "announces 9 images and has 8"),
            (lambda text: text.replace("Smiling", "Smirking"), "the attributes Smiling are missing"),
            (lambda text: text.replace("-1", "0", 1), "attributes must be -1 or 1"),
            (lambda text: text.replace("8\n", "", 1), "as distributed"),
            (
                lambda text: text.replace("000007", "000077"),
                r"1 images that .* the first is img_align_celeba/000077\.jpg",
            ),
        ],
    )
    def test_a_wrong_table_is_told(self, drawn_celeba, change, sentence):
        path = drawn_celeba[celeba.TABLE]
        path.write_text(change(path.read_text()))
        with pytest.raises(UserError, match=sentence):
            celeba.Dataset(celeba.Settings(attribute="glasses")).load(drawn_celeba)

    def test_a_damaged_archive_is_told(self, drawn_celeba):
        path = drawn_celeba[celeba.IMAGES]
        path.write_bytes(path.read_bytes()[:-400])
        with pytest.raises(UserError, match="is damaged"):
            celeba.Dataset().load(drawn_celeba)
        with zipfile.ZipFile(path, "w") as archive:
            for number in range(8):
                archive.writestr(f"img_align_celeba/{number:06d}.jpg", b"no picture")
        with pytest.raises(UserError, match="is damaged"):
            celeba.Dataset().load(drawn_celeba)

    def test_an_image_that_unpacks_to_too_much_is_refused(self, drawn_celeba):
        with zipfile.ZipFile(drawn_celeba[celeba.IMAGES]) as archive:
            images = {name: archive.read(name) for name in archive.namelist()}
        images["img_align_celeba/000003.jpg"] += bytes(60 << 20)
        with zipfile.ZipFile(drawn_celeba[celeba.IMAGES], "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in images.items():
                archive.writestr(name, content)
        with pytest.raises(UserError, match=r"img_align_celeba/000003\.jpg: this file of .* would unpack to 60 MB"):
            celeba.Dataset().load(drawn_celeba)

    def test_an_image_of_another_format_is_refused(self, drawn_celeba):
        """A document in PostScript would be handed to another program."""
        with zipfile.ZipFile(drawn_celeba[celeba.IMAGES], "w") as archive:
            for number in range(8):
                archive.writestr(f"img_align_celeba/{number:06d}.jpg", "%!PS-Adobe-3.0 EPSF-3.0\n")
        with pytest.raises(UserError, match=r"img_align_celeba\.zip is damaged \(cannot identify image file"):
            celeba.Dataset().load(drawn_celeba)

    @pytest.mark.parametrize("name", ["../evil.jpg", "img_align_celeba/../../evil.jpg", "/evil.jpg"])
    def test_an_archive_with_a_path_outside_its_folder_is_refused(self, drawn_celeba, name):
        with zipfile.ZipFile(drawn_celeba[celeba.IMAGES], "a") as archive:
            archive.writestr(name, b"x")
        with pytest.raises(UserError, match=rf"it holds '{name}', a path outside of its folder"):
            celeba.Dataset(celeba.Settings(attribute="glasses")).load(drawn_celeba)

    @pytest.mark.parametrize(
        ("attribute", "sizes"),
        [
            ("hair", {"female_black": 100, "female_blond": 100, "male_black": 100, "male_blond": 37}),
            ("smile", {f"{sex}_{c}": 100 for sex in ("female", "male") for c in ("neutral", "smile")}),
        ],
    )
    def test_the_sample(self, shared_data, attribute, sizes):
        folder = shared_data / "celeba_sample"
        if not folder.is_dir():
            pytest.skip(f"the sample of CelebA is not at {folder}")
        settings = celeba.Settings(folder="celeba_sample", attribute=attribute, size=32, images_per_group=100)
        dataset = celeba.Dataset(settings)
        adata = dataset.load({file.name: folder / file.name for file in dataset.raw_files()})
        check_contract(adata, "celeba")
        groups = (adata.obs["domain"] + "_" + adata.obs["condition"]).value_counts().to_dict()
        assert groups == sizes
        if attribute == "hair":
            above = {c: pixels(adata, condition=c)[:, :4, 10:22].mean() for c in ("black", "blond")}
            assert above["blond"] > above["black"] + 20, "blond hair is brighter"

    @pytest.mark.parametrize(
        "wrong",
        [{"attribute": "hat"}, {"size": 4}, {"crop": (0, 0, 0, 9)}, {"images_per_group": 1}, {"seed": -1}],
    )
    def test_settings_are_checked(self, wrong):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            celeba.Settings(**wrong)
