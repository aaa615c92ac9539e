"""Queries whose conditions share no control: predicted along a chain of shared controls, one hop after the other."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from outofsample.arrays import Prediction, Query, TrainingData
from outofsample.methods.families.base import Method
from outofsample.methods.families.blocks import Predict, in_blocks
from outofsample.training.run import Run


class Chain:
    """A method fitted hop by hop: f = f_n o ... o f_1, where f_k is fitted to the controls of hop k.

    The query's cells of hop k are what hop k - 1 made of them, for methods that look at the query. Hops with the same
    number of all queries are one fit; ``fits`` holds them in order. With ``blocks`` each hop predicts in blocks.
    """

    def __init__(self, fits: list[Method], blocks: bool = False):
        self.fits, self.blocks = fits, blocks

    @classmethod
    def attach(cls, create: Callable[[], Method], data: TrainingData, seed: int, run: Run = Run()) -> "Chain":
        """Return the chain of what ``create`` makes, on a model that is fitted to all hops."""
        cells = {query: data.X[data.is_query(query)] for query in data.queries}
        chain = cls([])
        for number in range(max(len(query.steps) for query in data.queries)):
            steps = {query: query.steps[number] for query in data.queries if number < len(query.steps)}
            fit = create().attach(_moved(data, steps, cells) if number else _first(data, steps), seed, run)
            chain.fits.append(fit)
            for query, step in steps.items():
                if number + 1 < len(query.steps):
                    counts = data.counts[data.is_query(query)] if number == 0 and data.counts is not None else None
                    cells[query] = chain.as_cells(fit.transform(cells[query], step, counts).X)
        return chain

    @property
    def backend(self) -> str:
        """What computed it, of all hops."""
        return ", ".join(dict.fromkeys(fit.backend for fit in self.fits if fit.backend))

    def forget_folds(self) -> None:
        """Free what the fits have kept for their folds."""
        for fit in self.fits:
            fit.forget_folds()

    def as_cells(self, X: np.ndarray) -> np.ndarray:
        """Return what a hop predicts as the next one takes it: images are whole pixels."""
        return X if self.fits[0].image_shape is None else np.rint(X).astype(np.uint8)

    def predict(self, X: np.ndarray, query: Query, counts: np.ndarray | None = None) -> Prediction:
        """Predict cells ``X`` (cells, features) of ``query.source`` as they would be in ``query.target``.

        A unit, and a cell, count as outside the source's range in the hop where they are so most.
        """
        found: list[Prediction] = []
        for fit, step in zip(self.fits, query.steps, strict=False):
            cells = self.as_cells(found[-1].X) if found else X
            transform = in_blocks(fit.transform) if self.blocks else fit.transform
            # Nobody has counted what was predicted.
            found.append(transform(cells, step, None if found else counts))
        far = {name: _largest([getattr(hop, name) for hop in found]) for name in ("outside", "outside_per_cell")}
        return replace(found[-1], **far)

    transform = predict

    def whole_state(self) -> dict:
        """Return all that is fitted: what `restored` needs."""
        return {"fits": [fit.whole_state() for fit in self.fits]}


def restored(create: Callable[[], Method], state: dict) -> Method | Chain:
    """Return the fitted method, or the chain, whose ``whole_state`` is given; ``create`` makes one like it."""
    if "fits" not in state:
        return create().take_whole_state(state)
    return Chain([create().take_whole_state(fit) for fit in state["fits"]])


def attached(create: Callable[[], Method], data: TrainingData, seed: int, run: Run = Run()) -> Method | Chain:
    """Return a method fitted to training cells; hop by hop where a query has several and the method needs it."""
    method = create()
    if method.takes_chains or all(len(query.steps) == 1 for query in data.queries):
        return method.attach(data, seed, run)
    return Chain.attach(create, data, seed, run)


def predict_in_blocks(method: Method | Chain) -> Predict:
    """Return how a fitted method predicts in blocks.

    Of a chain each hop does: the largest of shares over cells, hop by hop, is not to be had from those of blocks.
    """
    return Chain(method.fits, blocks=True).predict if isinstance(method, Chain) else in_blocks(method.transform)


def _first(data: TrainingData, steps: dict[Query, Query]) -> TrainingData:
    return replace(data, queries=tuple(steps.values()))


def _moved(data: TrainingData, steps: dict[Query, Query], cells: dict[Query, np.ndarray]) -> TrainingData:
    """Return the training cells of a later hop: those of no query, and the cells of its queries as they are by now."""
    rest = data.role != "query"
    parts = {"X": [data.X[rest]], "names": [data.names[rest]]}
    labels = {name: [getattr(data, name)[rest]] for name in ("role", "condition", "domain")}
    for query, step in steps.items():
        parts["X"].append(cells[query])
        parts["names"].append(data.names[data.is_query(query)])
        for name, label in (("role", "query"), ("condition", step.source), ("domain", step.domain)):
            labels[name].append(np.full(len(cells[query]), label))
    arrays = {name: np.concatenate(values) for name, values in (parts | labels).items()}
    # Nobody has counted what was predicted.
    return replace(data, **arrays, counts=None, scored=None, queries=tuple(steps.values()))


def _largest(values: list[np.ndarray | None]) -> np.ndarray | None:
    """Return the largest of several arrays, place by place; None where one is missing, or they are of other units."""
    if any(value is None for value in values) or len({value.shape for value in values}) > 1:
        return None
    return np.max(values, axis=0)
