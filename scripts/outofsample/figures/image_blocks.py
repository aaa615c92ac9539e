"""What a grid of images shows: blocks of images before the change, after it, and as each method predicts them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from outofsample.arrays import Query
from outofsample.errors import UserError
from outofsample.figures.image_brightness import Brightness, in_words, measure
from outofsample.figures.image_choice import Choice, choose, examples, groups_of, sample_rows, transformations
from outofsample.figures.image_task import ImageTask
from outofsample.files.prediction import PredictedImages
from outofsample.texts import as_label


@dataclass(frozen=True)
class Block:
    """Columns of images that were asked the same.

    Attributes
    ----------
    title
        Which images, and what is asked: "out-of-sample, black to blond: female".
    columns
        One label per image.
    rows
        ``query``, ``truth`` and methods by name: arrays (images, height, width, channels) of bytes; without ``truth``
        where nobody measured it.
    paired
        Whether the truth shows the same images after the change; else other images in the target condition.
    """

    title: str
    columns: tuple[str, ...]
    rows: dict[str, np.ndarray]
    paired: bool


@dataclass(frozen=True)
class ImageData:
    """All that a grid shows.

    Attributes
    ----------
    figure
        The notebook's parameter: name, title, task, stand_in, demo_size, labels, options.
    shape
        Height, width and channels of an image.
    blocks
        From left to right.
    labels
        The methods that ran, by name, with how figures call them.
    not_run
        The reason, by label, of each method that did not run.
    seeds
        All seeds of the method with most; the first is shown.
    brightness
        Distributions of a region's brightness, where asked for.
    options
        Those of `image_grid.grid`.
    """

    figure: dict[str, Any]
    shape: tuple[int, int, int]
    blocks: list[Block]
    labels: dict[str, str]
    not_run: dict[str, str]
    seeds: tuple[int, ...]
    brightness: Brightness | None = None
    options: dict[str, Any] = field(default_factory=dict)


def load_images(figure: dict, train: str | Path, truth: str | Path, predictions: list[str]) -> ImageData:
    """Read what a grid shows; the options of `Choice` are used here, the others are those of `image_grid.grid`.

    Raises
    ------
    UserError
        If a file is unreadable, holds no images or lacks a prediction, or an option names what there is not.
    """
    options = dict(figure.get("options", {}))
    choice = Choice(**{name: options.pop(name) for name in Choice.__dataclass_fields__ if name in options})
    choice.check(figure["name"])
    task = ImageTask(train, truth)
    files = [PredictedImages(path, task.train.shape) for path in predictions]
    ran = [file for file in files if not file.not_run]
    groups = transformations(task.queries, choice.queries, figure["name"])
    blocks = [
        _block(task, ran, queries, role, choice, figure["name"])
        for queries in groups
        for role in (["source", "query"] if choice.in_sample else ["query"])
    ]
    named = {file.method: figure.get("labels", {}).get(file.method, as_label(file.method)) for file in files}
    return ImageData(
        figure=figure,
        shape=task.train.shape,
        blocks=blocks,
        labels={file.method: named[file.method] for file in ran},
        not_run={named[file.method]: file.not_run for file in files if file.not_run},
        seeds=max((file.seeds for file in ran), key=len, default=()),
        brightness=None if choice.region is None else measure(task, ran, groups, choice, figure["name"]),
        options=options,
    )


def _block(
    task: ImageTask, ran: list[PredictedImages], queries: list[Query], role: str, choice: Choice, figure: str
) -> Block:
    """Choose images of the queries, or of the source (``role``), and read them as each row shows them."""
    if role == "query":
        candidates = sample_rows(np.concatenate([task.query(query) for query in queries]), choice.seed)
        file, among = task.truth, task.after(queries)
    else:
        candidates = task.source(queries[0])
        kept = [prediction.has(task.train.names[candidates], queries, role) for prediction in ran]
        candidates = sample_rows(candidates[np.all(kept, axis=0)] if kept else candidates, choice.seed)
        file, among = task.train, task.target(queries[0])
    if not len(candidates):
        raise UserError(f"{figure}: there are no images with the role '{role}' that all methods have predicted.")
    partners = task.partners(candidates, file, among)
    paired = bool((partners >= 0).all())
    groups = groups_of(task, candidates, file, partners if paired else None, choice, figure)
    chosen = choose(groups, choice.images, choice.seed)
    rows, cells = candidates[chosen], task.train.names[candidates[chosen]]
    shown = {"query": task.train.images(rows)}
    if len(among):
        shown["truth"] = file.images(partners[chosen] if paired else examples(file, among, choice))
    shown |= {prediction.method: prediction.of(cells, queries, role) for prediction in ran}
    named = choice.spread not in (None, "brightness") and len(set(groups)) > 1
    return Block(
        title=_title(task, queries, role, candidates, choice),
        columns=tuple(str(groups[k]) if named else str(n) for n, k in enumerate(chosen, start=1)),
        rows={name: np.rint(images).clip(0, 255).astype(np.uint8) for name, images in shown.items()},
        paired=paired,
    )


def _title(task: ImageTask, queries: list[Query], role: str, rows: np.ndarray, choice: Choice) -> str:
    """Return the head of a block."""
    where = {"query": "out-of-sample", "source": "in-sample"}[role]
    who = choice.names.get(role, task.domains(rows))
    return f"{where}, {queries[0].source} to {queries[0].target}: {who}"


def describe(data: ImageData) -> str:
    """Return what the notebook shows, one line per block, and one per method."""
    lines = [f"{block.title}: {len(block.columns)} images ({', '.join(block.columns)})" for block in data.blocks]
    for method, label in data.labels.items():
        dark = "" if data.brightness is None else f": {in_words(data.brightness, method)}"
        lines.append(f"{label}{dark}")
    return "\n".join(lines + [f"{label}: not run: {reason}" for label, reason in data.not_run.items()])
