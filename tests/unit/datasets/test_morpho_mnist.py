"""Digits with thin and thick strokes: Morpho-MNIST, MNIST, and the stand-in."""

import gzip

import numpy as np
import pytest

from outofsample.arrays import Query
from outofsample.datasets import morpho_mnist
from outofsample.datasets.support.idx import write_idx
from outofsample.errors import UserError
from outofsample.files import writing
from outofsample.files.dataset import check_contract
from outofsample.files.task import to_training
from outofsample.images import morphology
from outofsample.jobs.split import SplitSpec
from outofsample.study.split import split_dataset
from tests.unit.datasets.conftest import pixels, simulated

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
        labels.write_bytes(gzip.compress(bytes(50 << 20)))
        with pytest.raises(UserError, match=r"t10k-labels-idx1-ubyte\.gz: this file of .* would unpack to .*MB"):
            dataset.load(paths)
        write_idx(labels, np.arange(9)[::-1])
        with pytest.raises(UserError, match=r"has 9 labels, and .* has 10 images"):
            dataset.load(paths)
        write_idx(labels, np.arange(10)[::-1])
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
