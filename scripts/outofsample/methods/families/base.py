"""The interface of every method: ``fit``, ``transform``, ``save``, ``load``; and what several families need.

A method usually stands on a *model* (`outofsample.models`) that is trained once per task and shared with other
methods: ``fit`` does both steps, `attach` only the method's own with a model that is already fitted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from outofsample import registry
from outofsample.arrays import Prediction, Query, TrainingData
from outofsample.errors import UserError
from outofsample.files.tensors import read_tensors, write_tensors
from outofsample.models.families.base import IMAGES_AT_ONCE, Model, NoSettings, as_arrays, as_tensors
from outofsample.training.run import Run

if TYPE_CHECKING:
    from outofsample.methods.families.out_of_fold import Fold

#: Cells that go through a network at once when predicting; bounds the memory.
CHUNK = 16_384


class Method:
    """Turns a query population into a prediction of it after the change.

    Subclasses set

    - ``Settings``: a frozen dataclass of the method's own options;
    - ``model``: the name of the model it stands on, or None;
    - ``data``: the kinds of data it takes (``tabular``, ``counts``, ``images``);
    - ``directed``: False where the prediction is not meant to move towards the target;
    - ``transductive``: True where fitting and correcting are one step, so that `transform` takes only cells that
      were fitted; others predict any cells of a query, each by its own values, as the files of a cohort need it;
    - ``takes_chains``: True where a query of several hops is predicted by itself: by a model that knows all
      conditions, or hop by hop. Others are fitted hop by hop (`outofsample.methods.families.chain`);
    - ``stochastic``: False where the seed changes nothing, beside what it changes in a model;
    - ``quick_to_hold_out``: True where predicting domains that are left out of the fit costs little beside the fit
      itself, so that every study asks for it; on data of a user's own all methods without a network are asked.
    """

    Settings: ClassVar[type] = NoSettings
    model: ClassVar[str | None] = None
    data: ClassVar[frozenset[str]] = frozenset({"tabular", "images"})
    directed: ClassVar[bool] = True
    transductive: ClassVar[bool] = False
    takes_chains: ClassVar[bool] = False
    stochastic: ClassVar[bool] = True
    quick_to_hold_out: ClassVar[bool] = False
    #: The kind of job that computes it: ``python`` or ``r``.
    job: ClassVar[str] = "python"
    #: The package that computed what is the method's own, with its version, for the tables; set by `learn`, empty where
    #: no package did.
    backend: str = ""

    def __init__(self, settings=None, model: Model | None = None):
        self.settings = settings if settings is not None else self.Settings()
        name = self.model_name(self.settings)
        self.fitted = model if model is not None or name is None else registry.create("models", name, {})
        self.features: tuple[str, ...] | None = None
        self.image_shape: tuple[int, int, int] | None = None
        self.queries: tuple[Query, ...] = ()
        #: How the parts that it fits itself are run, as candidates.
        self.run = Run()

    @classmethod
    def model_name(cls, settings) -> str | None:
        """Return the name of the model that a method with these settings stands on."""
        return getattr(settings, "model", None) or cls.model

    @classmethod
    def parts(cls, settings) -> list[tuple[str, str]]:
        """Return the registry entries (kind, name) that it finds by name while it runs, so that their code counts."""
        return []

    @classmethod
    def is_unbounded(cls, settings) -> bool:
        """Whether with these settings a curve goes on, beyond what the source shows, as far as the query asks."""
        return False

    def fit(self, data: TrainingData, seed: int = 0, run: Run = Run()) -> "Method":
        """Fit the model, then the method's own part, to the training cells; return self.

        Raises
        ------
        UserError
            If the method does not take this kind of data, or a population is empty.
        """
        check(self, data)
        if self.fitted is not None:
            self.fitted.fit(data, seed, run)
        return self.attach(data, seed, run)

    def attach(self, data: TrainingData, seed: int = 0, run: Run = Run()) -> "Method":
        """Fit only the method's own part: the model is fitted already."""
        check(self, data)
        # A checkpoint is that of the one model; networks of parts would take each other's for their own.
        self.run = replace(run, checkpoint=None)
        self.features, self.queries, self.image_shape = data.features, data.queries, data.image_shape
        self.learn(data, seed)
        return self

    def learn(self, data: TrainingData, seed: int) -> None:
        """Fit what is the method's own (an edit, a correction); the model is fitted already."""

    def transform(self, X: np.ndarray, query: Query, counts: np.ndarray | None = None) -> Prediction:
        """Predict cells ``X`` (cells, features) of ``query.source`` as they would be in ``query.target``.

        ``counts`` (cells, features) are the raw counts of the same cells, for methods on counts. The pixels of
        predicted images are cut off at 0 and at 255.

        Raises
        ------
        UserError
            If the number of features differs from training, or the query was not part of the fit.
        """
        if self.features is None:
            raise UserError("This method is not fitted yet: call fit first.")
        if X.ndim != 2 or X.shape[1] != len(self.features):
            raise UserError(
                f"The cells to transform have shape {X.shape}, but the method was fitted on {len(self.features)} "
                "features: give the same features in the same order."
            )
        if (query.source, query.target) not in {(q.source, q.target) for q in self.queries}:
            known = ", ".join(f"{q.source} -> {q.target}" for q in self.queries)
            raise UserError(f"The method was not fitted for {query.source} -> {query.target}; fitted: {known}.")
        prediction = self.predict(X, query, counts)
        return prediction if self.image_shape is None else replace(prediction, X=prediction.X.clip(0, 255))

    def predict(self, X: np.ndarray, query: Query, counts: np.ndarray | None = None) -> Prediction:
        """Do the work of `transform`, whose arguments were checked."""
        raise NotImplementedError

    def out_of_fold(
        self, data: TrainingData, query: Query, folds: Sequence["Fold"], seed: int = 0
    ) -> Iterator[np.ndarray]:
        """Yield for each fold what the method, fitted to the fold's rest, predicts of its cells of S (cells, features).

        The method itself stays as it is, fitted or not.

        Raises
        ------
        UserError
            If it cannot be fitted to what remains.
        """
        for fold in folds:
            model = None if self.fitted is None else type(self.fitted)(self.fitted.settings)
            counts = None if data.counts is None else data.counts[fold.source]
            method = type(self)(self.settings, model).fit(fold.rest, seed, self.run)
            yield method.transform(data.X[fold.source], query, counts).X

    def forget_folds(self) -> None:
        """Free what the fit has kept for `out_of_fold`, which does without it at the price of further fits."""

    def chunks(self, X: np.ndarray):
        """Yield consecutive pieces of ``X``, as many cells or images at once as the memory bears."""
        return chunks(X, CHUNK if self.image_shape is None else IMAGES_AT_ONCE)

    def state(self) -> dict:
        """Return what `load_state` needs of the method's own part."""
        return {}

    def load_state(self, state: dict) -> None:
        """Take over the method's own fitted part."""

    def whole_state(self) -> dict:
        """Return all that is fitted, the model's part too: what `take_whole_state` of a method like this one needs."""
        return {
            "features": list(self.features),
            "image_shape": self.image_shape,
            "queries": [[q.name, q.domain, q.source, q.target] for q in self.queries],
            "model": None if self.fitted is None else self.fitted.state(),
            "method": self.state(),
        }

    def take_whole_state(self, state: dict) -> "Method":
        """Take over what `whole_state` of a method with the same settings gave; return self."""
        self.features, shape = tuple(state["features"]), state["image_shape"]
        self.image_shape = None if shape is None else tuple(shape)
        self.queries = tuple(Query(*fields) for fields in state["queries"])
        if self.fitted is not None:
            self.fitted.load_state(state["model"])
        self.load_state(state["method"])
        return self

    def save(self, path: str | Path) -> None:
        """Write the fitted method to one file: tensors, numbers and strings only, no pickled code."""
        write_tensors(path, {"format": "outofsample-method", **as_tensors(self.whole_state())}, seal=False)

    def load(self, path: str | Path) -> "Method":
        """Take over the file that `save` of a method with the same settings wrote; return self.

        Raises
        ------
        UserError
            If the file is not one of ours, or is damaged.
        """
        try:
            content = read_tensors(path)
            known = content["format"] == "outofsample-method"
        except UserError:
            raise
        except Exception as error:
            raise UserError(
                f"{path}: this is not a fitted method saved by outofsample ({type(error).__name__})."
            ) from error
        if not known:
            raise UserError(f"{path}: this is not a fitted method saved by outofsample.")
        return self.take_whole_state(as_arrays(content))


def uses_chance(method: type[Method], model: str | None) -> bool:
    """Whether a method's predictions differ between seeds: through its own part, or through the model it stands on."""
    return method.stochastic or (model is not None and registry.find("models", model).stochastic)


def trains_parts(method: type[Method], settings) -> bool:
    """Whether a method trains networks besides that of the model that it stands on, as a candidate's."""
    return any(registry.find(kind, name).trains for kind, name in method.parts(settings) if kind == "models")


def why_not(method: type[Method], kinds: frozenset[str]) -> str | None:
    """Return why a method cannot run on data of these kinds, or None where it can."""
    if method.data & kinds:
        return None
    if "images" in kinds:
        return "not for images"
    return "no counts" if method.data == {"counts"} else f"needs {' or '.join(sorted(method.data))} data"


def check(method: Method, data: TrainingData) -> None:
    """Raise `UserError` where a method cannot be fitted to these cells."""
    reason = why_not(type(method), data.kinds)
    if reason:
        raise UserError(f"{type(method).__module__.rpartition('.')[2]} cannot run on this task: {reason}.")
    for query in data.queries:
        for word, mask in (("source", data.is_source(query)), ("target", data.is_target(query))):
            if not mask.any():
                raise UserError(f"Query '{query.name}': the {word} population is empty; check the task's conditions.")


def residual_floor(data: TrainingData) -> float | None:
    """Return the bound below which residual predictions are cut off: zero where all training data are non-negative."""
    return 0.0 if data.X.min() >= 0 else None


def residual(X: np.ndarray, after: np.ndarray, before: np.ndarray, floor: float | None) -> np.ndarray:
    """Return cells (cells, features) moved by what decoding says that changes, cut off at the floor if there is one."""
    moved = X + (after - before)
    return moved if floor is None else np.maximum(moved, floor)


def draw(mask: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Return the sorted positions of the cells in ``mask`` (cells,), or of so many of them, drawn at random."""
    cells = np.flatnonzero(mask)
    return cells if len(cells) <= most else np.sort(rng.choice(cells, most, replace=False))


def chunks(X: np.ndarray, cells: int = CHUNK):
    """Yield consecutive pieces of at most so many rows; an empty array gives one empty piece."""
    for start in range(0, max(len(X), 1), cells):
        yield X[start : start + cells]
