"""Datasets of images: digits with thin and thick strokes, drawn faces, CelebA."""

import gzip
import hashlib
import io
import zipfile

import numpy as np
import pytest

from outofsample.arrays import Query
from outofsample.datasets import celeba, faces, morpho_mnist
from outofsample.errors import UserError
from outofsample.files import writing
from outofsample.files.dataset import check_contract
from outofsample.files.task import to_training
from outofsample.images import draw_faces, image_data, morphology
from outofsample.jobs.split import SplitSpec
from outofsample.study.split import split_dataset


def simulated(dataset, folder):
    """Write the stand-in's files and load them."""
    dataset.simulate(folder)
    return dataset.load({file.name: folder / file.name for file in dataset.simulated_files()})


def pixels(adata, **wanted):
    """Return the images (n, height, width, channels) of the rows whose ``obs`` has these values."""
    rows = np.logical_and.reduce([(adata.obs[column] == value).to_numpy() for column, value in wanted.items()])
    return np.asarray(adata.X[rows]).reshape(-1, *adata.uns["image_shape"])


def ring(width):
    """Return a ring with strokes of this width: no ends, where a medial axis branches."""
    distance = np.hypot(*(np.indices((28, 28)) - 13.5))
    return (255 * (np.abs(distance - 8) <= width / 2)).astype(np.uint8)


class TestImageData:
    def test_rows_are_flattened_images(self):
        import pandas as pd

        images = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
        adata = image_data.to_anndata(images, pd.DataFrame(index=["a", "b"]))
        assert adata.uns["image_shape"] == [3, 4, 3] and adata.X.dtype == np.uint8
        assert adata[:, "y2_x1_c0"].X.ravel().tolist() == images[:, 2, 1, 0].tolist()

    def test_draws_at_most_so_many_of_each_group(self):
        groups = np.array(list("abababb"))
        rows = image_data.draw_per_group(np.random.default_rng(0), groups, 3)
        assert (np.diff(rows) > 0).all() and groups[rows].tolist().count("a") == 3 and len(rows) == 6
        assert len(image_data.draw_per_group(np.random.default_rng(0), groups, None)) == 7


class TestMorphology:
    @pytest.mark.parametrize("width", [3, 5, 7])
    def test_thickness_of_a_ring(self, width):
        assert morphology.stroke_thickness(ring(width)[None])[0] == pytest.approx(width, abs=0.5)

    def test_thinning_takes_the_share_of_a_stroke_and_thickening_doubles_it(self):
        ink = {name: digits.sum(dtype=float) for name, digits in morphology.stroke_versions(ring(4)[None]).items()}
        # Radii are whole quarters of a pixel, rounded down.
        assert 1 - 0.7 <= ink["thin"] / ink["normal"] <= 1 - 0.7 + 2 / 16
        assert 2 - 2 / 16 <= ink["thick"] / ink["normal"] <= 2

    def test_the_same_as_erosion_and_dilation_by_disks(self):
        from skimage.morphology import dilation, disk, erosion
        from skimage.transform import pyramid_reduce

        digits = morpho_mnist._enlarge(morpho_mnist._small_digits()[0][:4])
        versions = morphology.stroke_versions(digits)
        for row, (strokes, _, half) in enumerate(morphology._measured(digits)):
            for name, shape in (
                ("thin", erosion(strokes, disk(int(0.7 * half)))),
                ("thick", dilation(strokes, disk(int(half)))),
            ):
                expected = (255 * pyramid_reduce(shape, downscale=4, order=3)).astype(np.uint8)
                assert np.array_equal(versions[name][row], expected)

    def test_a_digit_does_not_depend_on_its_neighbours(self):
        digits = morpho_mnist._enlarge(morpho_mnist._small_digits()[0][:120])
        together, alone = morphology.stroke_versions(digits), morphology.stroke_versions(digits[110:111])
        for name, versions in together.items():
            assert np.array_equal(versions[110], alone[name][0])

    def test_an_empty_image_has_no_thickness_and_stays_empty(self):
        empty = np.zeros((2, 28, 28), np.uint8)
        assert np.isnan(morphology.stroke_thickness(empty)).all()
        assert not any(version.any() for version in morphology.stroke_versions(empty).values())

    def test_predictions_out_of_range_are_measured_as_they_are_shown(self):
        image = ring(4)[None].astype(np.float32)
        assert morphology.stroke_thickness(np.where(image > 0, 300.0, -20.0)) == morphology.stroke_thickness(image)

    def test_agrees_with_the_morpho_mnist_library(self, shared_data):
        folder = shared_data / "morpho_mnist_t10k"
        if not folder.is_dir():
            pytest.skip(f"the digits made by the Morpho-MNIST library are not at {folder}")
        rows = np.arange(0, 10_000, 50)
        read = {
            name: morpho_mnist.read_idx(folder / name / "t10k-images-idx3-ubyte.gz", 3)[rows]
            for name in ("original", "plain", "thin", "thic")
        }
        versions = morphology.stroke_versions(read["original"])
        for condition, name in morpho_mnist.FOLDERS.items():
            theirs, ours = read[name].astype(float), versions[condition].astype(float)
            assert np.abs(theirs - ours).mean() < 0.3, "mean absolute error in grey levels of 255"
            assert np.corrcoef(theirs.ravel(), ours.ravel())[0, 1] > 0.998
            assert (np.abs(theirs - ours).max((1, 2)) == 0).mean() > 0.95, (
                "the others differ by ties in the medial axis"
            )
            measured = np.loadtxt(folder / name / "t10k-morpho.csv", delimiter=",", skiprows=1)[rows[:60], 3]
            assert np.corrcoef(morphology.stroke_thickness(read[name][:60]), measured)[0, 1] > 0.99


SMALL_DIGITS = {"digits_per_class": 4}


class TestMorphoMnist:
    @pytest.mark.parametrize("source", ["morpho", "mnist"])
    def test_the_stand_in_has_three_conditions_of_the_same_digits(self, tmp_path, source):
        adata = simulated(morpho_mnist.Dataset(morpho_mnist.Settings(source=source, **SMALL_DIGITS)), tmp_path)
        check_contract(adata, "digits")
        assert adata.shape == (3 * 40, 784) and adata.uns["image_shape"] == [28, 28, 1]
        parts = [adata[adata.obs["condition"] == name] for name in ("normal", "thin", "thick")]
        assert len({tuple(part.obs["pair_id"]) for part in parts}) == 1
        assert len({tuple(part.obs["domain"]) for part in parts}) == 1
        means = [morphology.stroke_thickness(np.asarray(part.X).reshape(-1, 28, 28)).mean() for part in parts]
        assert means[1] < 0.75 * means[0] and means[2] > 1.5 * means[0]

    def test_the_task_of_the_paper(self, tmp_path):
        settings = morpho_mnist.Settings(known=("1", "3", "6", "7"), **SMALL_DIGITS)
        dataset = morpho_mnist.Dataset(settings)
        adata = simulated(dataset, tmp_path)
        adata.uns.update(dataset="digits", stand_in=True)
        queries = tuple(Query(name, "new", "normal", name) for name in ("thin", "thick"))
        train, truth = split_dataset(adata, SplitSpec("digits", queries, ()))
        data = to_training(train)
        assert data.kinds == {"images"} and data.X.dtype == np.uint8 and data.image_shape == (28, 28, 1)
        seen = train.obs[train.obs["condition"] != "normal"]
        assert set(seen["digit"]) == set(settings.known) and len(seen) == 2 * 16
        for name in ("thin", "thick"):
            asked = train.obs.loc[train.obs["role"] == "query", "pair_id"]
            assert truth.obs.loc[truth.obs["query"] == name, "pair_id"].tolist() == asked.tolist()
        assert dataset.domains == ("known", "new") and morpho_mnist.Dataset().domains == tuple("0123456789")

    def test_the_same_bytes_for_the_same_seed(self, tmp_path):
        for folder, seed in (("one", 0), ("two", 0), ("other", 1)):
            morpho_mnist.Dataset(morpho_mnist.Settings(digits_per_class=2, seed=seed)).simulate(tmp_path / folder)
        names = [file.name for file in morpho_mnist.Dataset().simulated_files()]
        sums = {f: [writing.sha256(tmp_path / f / name) for name in names] for f in ("one", "two", "other")}
        assert sums["one"] == sums["two"] and sums["one"] != sums["other"]

    def test_morpho_mnist_files_are_read(self, shared_data):
        folder = shared_data / "morpho_mnist_t10k"
        if not folder.is_dir():
            pytest.skip(f"Morpho-MNIST's files are not at {folder}")
        dataset = morpho_mnist.Dataset(morpho_mnist.Settings(digits_per_class=10))
        assert not dataset.use_simulated(shared_data)
        adata = dataset.load({file.name: folder / file.name for file in dataset.raw_files()})
        check_contract(adata, "digits")
        assert adata.obs.groupby(["condition", "domain"]).size().tolist() == [10] * 30
        means = {
            c: morphology.stroke_thickness(pixels(adata, condition=c)[..., 0]).mean() for c in morpho_mnist.FOLDERS
        }
        assert means == pytest.approx({"normal": 2.6, "thin": 1.4, "thick": 5.1}, rel=0.1)

    def test_mnist_has_digests_and_addresses(self, shared_data):
        dataset = morpho_mnist.Dataset(morpho_mnist.Settings(source="mnist", download=True))
        assert not dataset.use_simulated(shared_data / "nowhere")
        folder = shared_data / "morpho_mnist_t10k"
        for file in dataset.raw_files():
            assert file.url == f"https://ossci-datasets.s3.amazonaws.com/mnist/{file.name.removeprefix('original/')}"
            if folder.is_dir():
                assert writing.sha256(folder / file.name) == file.sha256

    def test_damaged_files_are_named(self, tmp_path):
        dataset = morpho_mnist.Dataset(morpho_mnist.Settings(digits_per_class=1))
        dataset.simulate(tmp_path)
        paths = {file.name: tmp_path / file.name for file in dataset.raw_files()}
        labels = paths["thin/t10k-labels-idx1-ubyte.gz"]
        good = labels.read_bytes()
        for content, sentence in (
            (good[:-9], "not a whole gzipped IDX file"),
            (gzip.compress(gzip.decompress(good)[:-2]), "ends after 8 of 10 values"),
            (gzip.compress(b"\0\0\x0d\1\0\0\0\0"), "must be an IDX file of unsigned bytes with 1 dim"),
        ):
            labels.write_bytes(content)
            with pytest.raises(UserError, match=f"thin/t10k-labels-idx1-ubyte.gz.*{sentence}"):
                dataset.load(paths)
        morpho_mnist.write_idx(labels, np.arange(9)[::-1])
        with pytest.raises(UserError, match=r"has 9 labels, and .* has 10 images"):
            dataset.load(paths)
        morpho_mnist.write_idx(labels, np.arange(10)[::-1])
        with pytest.raises(UserError, match="digits must be those of the other conditions"):
            dataset.load(paths)

    @pytest.mark.parametrize(
        "wrong",
        [{"digits_per_class": 0}, {"seed": -1}, {"known": ["x"]}, {"thinning": 1.0}, {"thickening": -1}],
    )
    def test_settings_are_checked(self, wrong):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            morpho_mnist.Settings(**wrong)

    def test_only_mnist_can_be_downloaded(self):
        with pytest.raises(ValueError, match="source: mnist"):
            morpho_mnist.Settings(download=True)


def people(n=40, sex="female", seed=0):
    return draw_faces.draw_people(np.random.default_rng(seed), np.repeat(sex, n))


def plain(n=40, **changed):
    """Return attributes: black hair and nothing else, but for ``changed``."""
    values = {"hair": "black", "smile": False, "moustache": False, "glasses": "none", **changed}
    return draw_faces.Attributes(**{name: np.repeat(value, n) for name, value in values.items()})


class TestDrawFaces:
    def test_a_face_does_not_depend_on_the_others(self):
        group = people(150)
        together = draw_faces.render(group, plain(150, glasses="clear", smile=True))
        alone = draw_faces.render(group[97:98], plain(1, glasses="clear", smile=True))
        assert np.array_equal(together[97], alone[0])

    @pytest.mark.parametrize("sex", draw_faces.SEXES)
    @pytest.mark.parametrize(
        ("changed", "rows"),
        [
            ({"hair": "blond"}, (0, 32)),
            ({"smile": True}, (14, 31)),
            ({"moustache": True}, (14, 28)),
            ({"glasses": "clear"}, (7, 25)),
            ({"glasses": "dark"}, (7, 25)),
        ],
    )
    def test_an_attribute_changes_its_own_part_of_the_face(self, sex, changed, rows):
        before, after = (draw_faces.render(people(sex=sex), plain(**c)).astype(int) for c in ({}, changed))
        change = np.abs(after - before).max(-1)
        assert (change.max((1, 2)) > 60).all(), "every face changes visibly"
        assert not change[:, : rows[0]].any() and not change[:, rows[1] :].any()
        assert ((change > 0).mean((1, 2)) < 0.55).all(), "most of the image stays"

    def test_hair_is_black_or_blond_and_longer_for_women(self):
        changed = {}
        for sex in draw_faces.SEXES:
            black, blond = (draw_faces.render(people(sex=sex), plain(hair=h)).astype(int) for h in ("black", "blond"))
            hair = np.abs(blond - black).max(-1) > 60
            assert black[hair].mean() < 60 and blond[hair][:, 0].mean() > 180
            assert (blond[hair][:, 0] > blond[hair][:, 2]).mean() > 0.95, "yellow"
            changed[sex] = hair[:, 20:].mean()
        assert changed["female"] > 5 * changed["male"]

    def test_glasses_are_dark_or_clear(self):
        none, clear, dark = (draw_faces.render(people(), plain(glasses=g)).astype(int) for g in draw_faces.GLASSES)
        lens = (none - dark).max(-1) > 60
        assert dark[lens].mean() < 70
        assert clear[lens].mean() > dark[lens].mean() + 60

    @pytest.mark.parametrize("size", [32, 64])
    def test_nothing_is_cut_off_at_the_edge_of_a_part(self, monkeypatch, size):
        attributes = plain(smile=True, moustache=True, glasses="clear")
        parts = draw_faces.render(people(seed=3), attributes, size)
        whole = draw_faces._Canvas.face
        monkeypatch.setattr(draw_faces._Canvas, "face", lambda canvas, t, *_: whole(canvas, t, -1, 1, -1, 1))
        assert np.array_equal(parts, draw_faces.render(people(seed=3), attributes, size))

    def test_sizes_show_the_same_face(self):
        small, large = (draw_faces.render(people(), plain(), size) for size in (32, 64))
        halved = large.reshape(40, 32, 2, 32, 2, 3).mean((2, 4))
        assert large.shape == (40, 64, 64, 3) and np.abs(halved - small).mean() < 4


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
        for sex in draw_faces.SEXES:
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
