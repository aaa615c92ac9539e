"""Scores of images against known answers and slow transcriptions, and the networks that describe images."""

import json
import math
import sys
from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

import evaluate_task
import train_classifier
from outofsample.errors import UserError
from outofsample.files.writing import sha256
from outofsample.images import morphology
from outofsample.jobs.evaluate import EvaluationSpec
from outofsample.metrics import extractors
from outofsample.metrics import images as module
from outofsample.metrics.evaluation import answers_of
from outofsample.metrics.extractors import Extractor, find_inception, load_classifier, load_inception
from outofsample.metrics.families import Settings
from outofsample.metrics.images import (
    ClassifierScores,
    ImagePopulations,
    InceptionScores,
    PairScores,
    ThicknessScores,
    changed_pixels,
    frechet_distance,
    kernel_distance,
    structural_similarities,
)
from outofsample.networks.classifier import Classifier
from outofsample.training import classifier

SETTINGS = Settings(resamples=30, oracle_halves=3, max_cells=100)


def features(images: int, units: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(images, units)) @ rng.normal(size=(units, units))


def noise(images: int, shape, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (images, math.prod(shape))).astype(np.float32)


def populations(X, Y, shape, answers=None, **extractors) -> ImagePopulations:
    return ImagePopulations(X, Y, X, Y, image_shape=shape, answers=answers, extractors=extractors)


class TestFrechet:
    def test_a_shift_costs_its_squared_length(self):
        A, shift = features(60, 5, 0), np.array([1, -2, 0, 0.5, 3])
        assert frechet_distance(A + shift, A) == pytest.approx((shift**2).sum(), abs=1e-6)

    def test_doubling_the_spread_costs_the_trace_of_the_covariance(self):
        A = features(60, 5, 0)
        A -= A.mean(axis=0)
        assert frechet_distance(2 * A, A) == pytest.approx(np.trace(np.cov(A.T)), rel=1e-9)

    def test_it_is_the_formula(self):
        import scipy.linalg

        A, B = features(60, 5, 0), features(45, 5, 1) + 0.3
        CA, CB = np.cov(A.T), np.cov(B.T)
        root = scipy.linalg.sqrtm(CA @ CB).real
        expected = ((A.mean(0) - B.mean(0)) ** 2).sum() + np.trace(CA + CB - 2 * root)
        assert frechet_distance(A, B) == pytest.approx(expected, rel=1e-9)

    @pytest.mark.parametrize(("n", "m", "units"), [(10, 8, 12), (10, 8, 40)])
    def test_singular_covariances_are_no_problem(self, n, m, units):
        """Both where the span is smaller than the space and where it is not; by the singular values of A B'."""
        A, B = features(n, units, 0), features(m, units, 1)
        apart = A.mean(0) - B.mean(0)
        A0, B0 = (A - A.mean(0)) / np.sqrt(n - 1), (B - B.mean(0)) / np.sqrt(m - 1)
        expected = apart @ apart + (A0**2).sum() + (B0**2).sum() - 2 * np.linalg.norm(A0 @ B0.T, "nuc")
        assert frechet_distance(A, B) == pytest.approx(expected, rel=1e-6)


class TestKernel:
    def test_it_is_the_unbiased_estimate(self):
        A, B = features(12, 3, 0), features(12, 3, 1) + 0.5

        def mean(pairs):
            return np.mean([(x @ y / 3 + 1) ** 3 for x, y in pairs])

        within = [[(P[i], P[j]) for i in range(12) for j in range(12) if i != j] for P in (A, B)]
        expected = mean(within[0]) + mean(within[1]) - 2 * mean([(a, b) for a in A for b in B])
        assert kernel_distance(A, B) == pytest.approx(expected, rel=1e-9)

    def test_populations_may_differ_in_size(self):
        A, B = features(37, 3, 0), features(90, 3, 0)
        same = [kernel_distance(A, B, seed=1) for _ in range(2)]
        assert same[0] == same[1] != kernel_distance(A, B, seed=2)
        assert abs(same[0]) < 0.1 * kernel_distance(A + 3, B)

    def test_large_populations_are_compared_by_subsets(self, monkeypatch):
        monkeypatch.setattr(module, "SUBSET_SIZE", 20)
        A, B = features(40, 3, 0), features(40, 3, 0) + 1
        by_subsets = kernel_distance(A, B)
        monkeypatch.undo()
        assert by_subsets == pytest.approx(kernel_distance(A, B), rel=0.3)

    def test_others_randomness_is_left_alone(self):
        torch.manual_seed(5)
        expected = torch.rand(1)
        torch.manual_seed(5)
        kernel_distance(features(10, 3, 0), features(20, 3, 1))
        assert torch.rand(1) == expected


class Recorder:
    """An extractor that returns the images themselves as features, and counts them."""

    def __init__(self):
        self.images = 0

    def __call__(self, X, shape):
        self.images += len(X)
        return X.astype(np.float64)


class TestFeatureScores:
    SHAPE = (2, 2, 1)

    @pytest.mark.parametrize(
        ("family", "names"), [(InceptionScores, ("fid", "kid")), (ClassifierScores, ("frechet_cnn", "kid_cnn"))]
    )
    def test_both_distances_to_the_truth(self, family, names):
        X, Y, seen = noise(20, self.SHAPE, 0), noise(30, self.SHAPE, 1), Recorder()
        scorer = family(populations(X, Y, self.SHAPE, **{family.extractor: seen}), SETTINGS)
        found = [scorer.score(X) for _ in range(2)]
        assert found[0] == found[1] and tuple(found[0]) == names
        assert found[0][names[0]].value == frechet_distance(X, Y)
        assert found[0][names[1]].value == kernel_distance(X, Y)
        assert seen.images == len(Y) + 2 * len(X)

    def test_halves_of_the_truth_are_not_described_again(self):
        Y, seen = noise(30, self.SHAPE, 1), Recorder()
        scorer = InceptionScores(populations(Y, Y, self.SHAPE, inception=seen), SETTINGS)
        order = np.random.default_rng(0).permutation(30)
        found = scorer.score_halves(Y[order[:15]], Y[order[15:]])
        assert found["fid"].value == pytest.approx(frechet_distance(Y[order[:15]], Y[order[15:]]), rel=1e-9)
        assert seen.images == 30

    def test_many_images_are_drawn_from(self, monkeypatch):
        monkeypatch.setattr(module, "MAX_IMAGES", 10)
        Y, seen = noise(30, self.SHAPE, 1), Recorder()
        scorer = InceptionScores(populations(Y, Y, self.SHAPE, inception=seen), SETTINGS)
        assert scorer.score(Y)["fid"].value == pytest.approx(0, abs=0.1) and seen.images == 20
        # Only images that were drawn are known.
        assert scorer.score_halves(Y[:15], Y[15:])["fid"].value > 0 and seen.images == 20

    def test_a_single_image_has_no_distance(self):
        Y = noise(1, self.SHAPE, 1)
        scorer = InceptionScores(populations(Y, Y, self.SHAPE, inception=Recorder()), SETTINGS)
        assert math.isnan(scorer.score(Y)["fid"].value) and "fewer than two" in scorer.score(Y)["kid"].note

    def test_without_an_extractor_or_a_truth_there_are_none(self):
        X = noise(5, self.SHAPE, 0)
        for cells in (populations(X, X, self.SHAPE), populations(X, None, self.SHAPE, inception=Recorder())):
            scorer = InceptionScores(cells, SETTINGS)
            assert scorer.score(X) == scorer.score_halves(X, X) == {}


class StandIn(nn.Module):
    """The interface of Inception's file: bytes of three channels in any size, features where they are asked for."""

    def forward(self, img: Tensor, return_features: bool = False) -> Tensor:
        assert img.shape[1] == 3
        x = img.to(torch.float32)
        features = torch.cat([x.mean(dim=[2, 3]), x.amax(dim=[2, 3])], dim=1)
        return features if return_features else features.softmax(dim=1)


@pytest.fixture
def inception(tmp_path, monkeypatch):
    path = tmp_path / extractors.INCEPTION
    torch.jit.script(StandIn()).save(path)
    monkeypatch.setattr(extractors, "INCEPTION_SHA256", sha256(path))
    return path


class TestInception:
    @pytest.mark.parametrize("channels", [1, 3])
    def test_features_come_in_order_and_channels_are_repeated(self, inception, channels):
        shape = (4, 5, channels)
        X = noise(70, shape, 0)
        pixels = np.broadcast_to(X.reshape(70, 20, channels), (70, 20, 3))
        expected = np.concatenate([pixels.mean(axis=1), pixels.max(axis=1)], axis=1)
        found = load_inception(find_inception(inception.parent))(X, shape)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, expected, rtol=1e-5)

    def test_predictions_are_rounded_as_if_saved(self, inception):
        X = np.array([[-3.0, 0.4, 254.6, 300.0]] * 3, np.float32)
        expected = load_inception(inception)(np.array([[0, 0, 255, 255]] * 3, np.uint8), (2, 2, 1))
        np.testing.assert_array_equal(load_inception(inception)(X, (2, 2, 1)), expected)

    def test_a_missing_file_gives_the_steps(self, tmp_path):
        for call in (lambda: find_inception(tmp_path), lambda: load_inception(tmp_path / "inception-2015-12-05.pt")):
            with pytest.raises(UserError, match=r"inception-2015-12-05\.pt: .*missing; fetch https://.*put it there"):
                call()

    def test_another_file_is_refused_before_it_is_opened(self, tmp_path):
        path = tmp_path / extractors.INCEPTION
        path.write_bytes(b"something else")
        with pytest.raises(UserError, match="f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4"):
            load_inception(path)


class TestPairScores:
    SHAPE = (14, 16, 3)

    @pytest.fixture
    def cells(self):
        """Images of which all but the second are paired, in another order; half of the picture changes."""
        X = noise(6, self.SHAPE, 0)
        answers = np.array([4, -1, 0, 1, 3, 2])
        Y = noise(5, self.SHAPE, 1)
        known = np.flatnonzero(answers >= 0)
        left = np.zeros(self.SHAPE, bool)
        left[:, :8] = True
        Y[answers[known]] = np.where(left.ravel(), 255 - X[known], X[known])
        return populations(X, Y, self.SHAPE, answers)

    def test_the_truth_itself_is_perfect(self, cells):
        predicted = cells.X.copy()
        known = cells.answers >= 0
        predicted[known] = cells.Y[cells.answers[known]]
        scores = {name: score.value for name, score in PairScores(cells, SETTINGS).score(predicted).items()}
        assert scores == pytest.approx({"image_rmse": 0, "ssim": 1, "rmse_changed": 0, "rmse_kept": 0})

    def test_errors_are_those_of_loops(self, cells):
        predicted = noise(6, self.SHAPE, 2)
        sums = {"image_rmse": [], "rmse_changed": [], "rmse_kept": []}
        for row, answer in enumerate(cells.answers):
            if answer < 0:
                continue
            before, after, found = (part.reshape(-1, 3) for part in (cells.X[row], cells.Y[answer], predicted[row]))
            for x, y, p in zip(before, after, found, strict=True):
                squares = [((a - b) / 255) ** 2 for a, b in zip(p.tolist(), y.tolist(), strict=True)]
                region = "rmse_changed" if max(abs(x - y)) > 25.5 else "rmse_kept"
                sums["image_rmse"] += squares
                sums[region] += squares
        scores = PairScores(cells, SETTINGS).score(predicted)
        assert tuple(scores) == PairScores.scores
        for name, squares in sums.items():
            assert scores[name].value == pytest.approx(np.sqrt(np.mean(squares)), rel=1e-5)
            assert scores[name].low < scores[name].high and scores[name].sd > 0

    def test_an_error_where_nothing_changes_is_seen_there_alone(self, cells):
        predicted = cells.Y[np.maximum(cells.answers, 0)].reshape(-1, *self.SHAPE).copy()
        predicted[:, :, 8:] += 51
        scores = PairScores(cells, SETTINGS).score(predicted.reshape(6, -1))
        assert scores["rmse_kept"].value > 0.9 * 0.2
        assert scores["rmse_changed"].value == pytest.approx(0, abs=1e-6)

    def test_ssim_is_that_of_single_images(self):
        from skimage.metrics import structural_similarity

        A = noise(5, self.SHAPE, 0)
        B = np.clip(A + np.random.default_rng(1).normal(0, 40, A.shape), 0, 255).astype(np.float32)
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
        pairs = zip(*(part.astype(float).reshape(-1, *self.SHAPE) for part in (A, B)), strict=True)
        expected = [structural_similarity(a, b, channel_axis=-1, **options) for a, b in pairs]
        np.testing.assert_allclose(structural_similarities(A, B, self.SHAPE), expected, rtol=1e-9)

    def test_ssim_in_several_pieces(self, monkeypatch):
        A, B = noise(7, (12, 12, 1), 0), noise(7, (12, 12, 1), 1)
        whole = structural_similarities(A, B, (12, 12, 1))
        monkeypatch.setattr(module, "_TOGETHER", 3)
        np.testing.assert_allclose(structural_similarities(A, B, (12, 12, 1)), whole, rtol=1e-12)

    def test_a_pixel_changes_by_more_than_a_tenth_in_any_channel(self):
        X = np.zeros((1, 3 * 3), np.float32)
        Y = np.array([[0, 0, 25, 0, 26, 0, 255, 255, 255]], np.float32)
        assert changed_pixels(X, Y, (1, 3, 3)).tolist() == [[False, True, True]]

    def test_regions_without_pixels_and_small_images_are_undefined(self):
        X = noise(4, (5, 5, 1), 0)
        scores = PairScores(populations(X, X, (5, 5, 1), np.arange(4)), SETTINGS).score(X)
        assert math.isnan(scores["rmse_changed"].value) and "no pixel changes" in scores["rmse_changed"].note
        assert math.isnan(scores["ssim"].value) and "11 x 11" in scores["ssim"].note
        assert scores["rmse_kept"].value == 0
        scores = PairScores(populations(X, X + 100, (5, 5, 1), np.arange(4)), SETTINGS).score(X)
        assert math.isnan(scores["rmse_kept"].value) and "every pixel changes" in scores["rmse_kept"].note

    def test_at_most_so_many_images_are_compared(self, cells):
        assert len(PairScores(cells, replace(SETTINGS, max_cells=3)).rows) == 3

    def test_no_pairs_no_scores_and_no_oracle(self, cells):
        for answers in (None, np.full(6, -1)):
            scorer = PairScores(replace(cells, answers=answers), SETTINGS)
            assert scorer.score(cells.X) == scorer.score_halves(cells.Y[:2], cells.Y[2:]) == {}
        halves = PairScores(cells, SETTINGS).score_halves(cells.Y[:2], cells.Y[2:])
        assert {score.note for score in halves.values()} == {"no oracle: each image has one truth"}
        assert all(math.isnan(score.value) for score in halves.values())


def bars(widths) -> np.ndarray:
    """Digits of one horizontal bar each, so many pixels thick."""
    digits = np.zeros((len(widths), 28, 28), np.float32)
    for digit, width in zip(digits, widths, strict=True):
        digit[10 : 10 + width, 4:24] = 255
    return digits.reshape(len(widths), -1)


class TestThickness:
    SHAPE = (28, 28, 1)
    WIDTHS = (2, 3, 4, 5, 6)

    def scorer(self, answers=None, settings=SETTINGS):
        X, Y = bars([1] * 5), bars(self.WIDTHS)
        return ThicknessScores(populations(X, Y, self.SHAPE, np.arange(5) if answers is None else answers), settings)

    def test_known_thickness(self):
        """One pixel more everywhere, as the measure of the bars themselves says."""
        measured = morphology.stroke_thickness(bars([2, 3, 4, 5, 6, 7]).reshape(-1, 28, 28))
        scores = self.scorer().score(bars([3, 4, 5, 6, 7]))
        assert scores["thickness_error"].value == pytest.approx(np.abs(np.diff(measured)).mean())
        assert scores["thickness_error"].value == pytest.approx(1, abs=0.4)
        assert scores["thickness_ratio"].value == pytest.approx(measured[1:].sum() / measured[:-1].sum())
        assert scores["thickness_error"].low <= scores["thickness_error"].high
        same = self.scorer().score(bars(self.WIDTHS))
        assert (same["thickness_error"].value, same["thickness_ratio"].value) == (0, 1)

    def test_errors_of_opposite_sign_do_not_cancel(self):
        scores = self.scorer().score(bars(self.WIDTHS[::-1]))
        assert scores["thickness_error"].value > 1 and scores["thickness_ratio"].value == pytest.approx(1)

    def test_an_empty_prediction_has_strokes_of_no_thickness(self):
        scores = self.scorer().score(np.zeros((5, 784), np.float32))
        assert scores["thickness_ratio"].value == 0
        assert scores["thickness_error"].value == pytest.approx(module.thickness(bars(self.WIDTHS)).mean())

    def test_each_is_compared_with_its_own_truth(self):
        scores = self.scorer(np.array([4, -1, 2, 1, 0])).score(bars([6, 9, 4, 3, 2]))
        assert scores["thickness_error"].value == 0

    def test_at_most_so_many_are_measured(self, monkeypatch):
        monkeypatch.setattr(ThicknessScores, "most", 2)
        assert len(self.scorer().rows) == 2

    def test_oracle_has_the_ratio_of_halves(self):
        scorer, Y = self.scorer(), bars(self.WIDTHS)
        halves = scorer.score_halves(Y[:2], Y[2:])
        measured = module.thickness(Y)
        assert halves["thickness_ratio"].value == pytest.approx(measured[:2].mean() / measured[2:].mean())
        assert math.isnan(halves["thickness_error"].value) and "no oracle" in halves["thickness_error"].note

    def test_only_digits_have_strokes(self):
        X = noise(4, (28, 28, 3), 0)
        scorer = ThicknessScores(populations(X, X, (28, 28, 3), np.arange(4)), SETTINGS)
        assert scorer.score(X) == scorer.score_halves(X, X) == {}


def coloured(people: int, seed: int, **changes) -> np.ndarray:
    """Noisy images (people, 12, 12, 3) whose top half is red after the change, and whose bottom is lit in men."""
    images = np.random.default_rng(seed).integers(0, 80, (people, 12, 12, 3))
    if changes.get("red"):
        images[:, :6, :, 0] += 150
    if changes.get("lit"):
        images[:, 6:] += 120
    return images.astype(np.uint8)


class Task:
    """Files of a task of images in which men turn red, and women are asked for; women are paired."""

    PEOPLE = 60

    def __init__(self, folder):
        self.folder, self.train, self.truth = folder, folder / "train.h5ad", folder / "truth.h5ad"
        n = self.PEOPLE
        parts = [coloured(n, 0, lit=True), coloured(n, 1, lit=True, red=True), coloured(n, 2)]
        self.Y = coloured(n, 2, red=True)
        obs = pd.DataFrame({"role": np.repeat(["source", "target", "query"], n)})
        obs["condition"] = np.where(obs["role"] == "target", "red", "plain")
        obs["domain"] = np.where(obs["role"] == "query", "women", "men")
        obs["pair_id"] = [""] * 2 * n + [f"w{i}" for i in range(n)]
        obs["parity"], obs["height"], obs["only"] = np.arange(len(obs)) % 2, 0.5, "one"
        obs.index = [f"image{i}" for i in range(len(obs))]
        self.obs, self.names = obs, obs.index[obs["role"] == "query"]
        query = {"name": "q", "domain": "women", "source": "plain", "target": "red"}
        uns = {"task": "t", "queries": json.dumps([query]), "image_shape": [12, 12, 3]}
        self.write(self.train, np.concatenate(parts), obs, uns)
        # The truth comes in another order.
        self.order = np.random.default_rng(3).permutation(n)
        truth = pd.DataFrame({"query": "q", "pair_id": [f"w{i}" for i in self.order]}, index=self.order.astype(str))
        self.write(self.truth, self.Y[self.order], truth, {})

    def write(self, path, images, obs, uns):
        var = pd.DataFrame(index=[f"v{i}" for i in range(12 * 12 * 3)])
        anndata.AnnData(images.reshape(len(images), -1), obs=obs, var=var, uns=uns).write_h5ad(path)

    def predict(self, method, images):
        obs = pd.DataFrame({"query": "q", "seed": 0, "role": "query", "cell": self.names}, index=self.names)
        path = self.folder / f"{method}.h5ad"
        self.write(path, images.astype(np.float32), obs, {"method": method, "not_run": ""})
        return path

    def fit(self, monkeypatch, output="classifier.pt"):
        path = self.folder / output
        arguments = ["train_classifier.py", "--train", self.train, "--output", path]
        monkeypatch.setattr(sys, "argv", list(map(str, arguments)))
        train_classifier.main()
        return path

    def scores(self, monkeypatch, *predictions, **files):
        """Return the rows of the script, by method and score."""
        options = [part for name, path in files.items() for part in (f"--{name}", path)]
        arguments = ["--train", self.train, "--truth", self.truth, "--output", self.folder / "t.csv", *options]
        spec = self.folder / "spec.json"
        spec.write_text(EvaluationSpec(resamples=5, oracle_halves=2).to_json())
        arguments += ["--predictions", *predictions, "--spec", spec]
        monkeypatch.setattr(sys, "argv", ["evaluate_task.py", *map(str, arguments)])
        evaluate_task.main()
        return pd.read_csv(self.folder / "t.csv", keep_default_na=False)


@pytest.fixture
def task(tmp_path, monkeypatch):
    monkeypatch.setattr(classifier, "STEPS", 60)
    return Task(tmp_path)


class TestClassifier:
    def test_labels_are_what_has_a_few_values(self, task):
        labels = classifier.labels_of(task.obs)
        assert {name: classes for name, (classes, _) in labels.items()} == {
            "condition": ["plain", "red"],
            "domain": ["men", "women"],
            "parity": ["0", "1"],
        }
        assert labels["domain"][1].tolist() == [0] * 120 + [1] * 60

    def test_it_learns_what_can_be_learned(self, task, monkeypatch, capsys):
        task.fit(monkeypatch)
        said = capsys.readouterr().out
        assert "condition (2 classes): accuracy 1.000" in said and "domain (2 classes): accuracy 1.000" in said
        assert "parity (2 classes)" in said

    def test_the_same_seed_gives_the_same_bits(self, task, monkeypatch):
        first, second = (task.fit(monkeypatch, name) for name in ("a.pt", "b.pt"))
        X = coloured(10, 5).reshape(10, -1)
        found = [load_classifier(path)(X, (12, 12, 3)) for path in (first, second)]
        assert found[0].shape == (10, 64)
        np.testing.assert_array_equal(*found)

    def test_features_have_variance_one_over_the_training_images(self, task, monkeypatch):
        X = anndata.read_h5ad(task.train).X
        found = load_classifier(task.fit(monkeypatch))(X, (12, 12, 3))
        np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-4)
        np.testing.assert_allclose(found.std(axis=0, ddof=1), 1, rtol=1e-2)

    def test_reference_images_are_not_learned_from(self, task, monkeypatch, capsys):
        adata = anndata.read_h5ad(task.train)
        adata.obs["role"] = adata.obs["role"].astype(str)
        adata.obs.loc[adata.obs["domain"] == "men", "role"] = "reference"
        adata.write_h5ad(task.train)
        task.fit(monkeypatch)
        assert capsys.readouterr().out.startswith("parity (2 classes)")

    def test_files_and_images_that_do_not_fit_are_refused(self, task, monkeypatch):
        path = task.fit(monkeypatch)
        with pytest.raises(UserError, match=r"shape \(28, 28, 1\), and the classifier was trained on \(12, 12, 3\)"):
            load_classifier(path)(noise(2, (28, 28, 1), 0), (28, 28, 1))
        for content in (b"text", None):
            other = task.folder / "other.pt"
            torch.save({"network": {}}, other) if content is None else other.write_bytes(content)
            with pytest.raises(UserError, match=r"other\.pt"):
                load_classifier(other)
        adata = anndata.read_h5ad(task.train)
        del adata.uns["image_shape"]
        adata.write_h5ad(task.train)
        with pytest.raises(UserError, match="image_shape"):
            task.fit(monkeypatch)

    def test_images_must_have_eight_pixels(self):
        with pytest.raises(UserError, match="5 x 9 pixels"):
            Classifier((5, 9, 1), [2])


class TestWholeFiles:
    def test_a_right_prediction_is_better_in_every_score(self, task, monkeypatch, inception):
        """The right answer up to noise against no change."""
        right = np.clip(task.Y + np.random.default_rng(0).normal(0, 3, task.Y.shape), 0, 255)
        paths = task.predict("right", right), task.predict("same", coloured(task.PEOPLE, 2))
        table = task.scores(monkeypatch, *paths, classifier=task.fit(monkeypatch), inception=inception)
        values = {name: part.set_index("score")["value"] for name, part in table.groupby("method")}
        for score in ("fid", "kid", "frechet_cnn", "kid_cnn", "image_rmse", "rmse_changed"):
            assert float(values["right"][score]) < 0.2 * float(values["same"][score]), score
        assert float(values["right"]["ssim"]) > float(values["same"]["ssim"])
        assert float(values["right"]["image_rmse"]) == pytest.approx(3 / 255, rel=0.1)
        # Only the top changes: the rest of the picture is as it was.
        assert float(values["same"]["rmse_kept"]) == 0 < float(values["right"]["rmse_kept"])
        oracle = table[table["method"] == "oracle"]
        assert (oracle.loc[oracle["score"] == "fid", "value"] != "").all()
        assert set(oracle.loc[oracle["score"] == "ssim", "note"]) == {"no oracle: each image has one truth"}

    def test_without_networks_their_scores_are_left_out(self, task, monkeypatch):
        table = task.scores(monkeypatch, task.predict("m", task.Y))
        assert {"image_rmse", "ssim"} <= set(table["score"]) and not {"fid", "frechet_cnn"} & set(table["score"])

    def test_the_truth_of_each_image_is_left_out_of_distances_between_images(self, task, monkeypatch):
        """The truth as prediction, in another order than the file of the truth: both populations are the same."""
        table = task.scores(monkeypatch, task.predict("m", task.Y))
        values = table[table["method"] == "m"].set_index("score")["value"]
        # Images are hundreds of grey levels apart; in float32 their distances have six digits.
        assert float(values["energy_distance"]) == pytest.approx(0, abs=1e-2)
        assert float(values["mmd"]) == pytest.approx(0, abs=1e-5)

    def test_a_pair_must_be_one_image(self, task, monkeypatch):
        adata = anndata.read_h5ad(task.truth)
        adata.obs["pair_id"] = "w1"
        adata.write_h5ad(task.truth)
        with pytest.raises(UserError, match=r"truth\.h5ad: query 'q': a name in obs\[\"pair_id\"\]"):
            task.scores(monkeypatch, task.predict("m", task.Y))

    def test_images_without_pairs_have_none_of_their_scores(self, task, monkeypatch):
        adata = anndata.read_h5ad(task.truth)
        del adata.obs["pair_id"]
        adata.write_h5ad(task.truth)
        table = task.scores(monkeypatch, task.predict("m", task.Y))
        assert not {"image_rmse", "ssim", "thickness_error"} & set(table["score"])

    def test_no_truth_no_answers(self):
        assert answers_of(None, np.array(["a"]), None, None) is None


def test_extractors_work_in_batches():
    shape, X = (2, 3, 2), noise(7, (2, 3, 2), 0)
    sizes = []

    def flat(maps):
        sizes.append(len(maps))
        return maps.permute(0, 2, 3, 1).flatten(1)

    np.testing.assert_array_equal(Extractor(flat, batch=3)(X, shape), X)
    assert sizes == [3, 3, 1]
