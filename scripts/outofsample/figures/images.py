"""Grids of images: Neuron Editing 2019, Figure 2, and 2020, Figure 3; trVAE, Figures 3 and 4.

Rows are the original images, the truth and the methods, the same images in each row. A task of images can be large, so
only the rows of a file that are shown or measured are read.
"""

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from outofsample.arrays import Query
from outofsample.errors import UserError, did_you_mean
from outofsample.figures import panels, style
from outofsample.files.prediction import PredictedImages as Predicted
from outofsample.files.rows import Rows
from outofsample.files.task import TrainingRows, TruthRows
from outofsample.texts import marks

#: At most so many images of a population are measured for a distribution.
MEASURED = 2000
#: Sides in inches: digits are readable from 7 mm on, faces from 9 mm on; above 18 mm nothing is gained.
SMALLEST = {"digits": 7 / 25.4, "faces": 9 / 25.4}
LARGEST = 18 / 25.4
#: Height of the grids of a figure in inches, which images above the smallest size keep to: it fits on A4 with its note.
HEIGHT = 9.6
#: Distances in inches: the labels' column, between images, between blocks, before methods and before the controls.
LABELS, GAP, BLOCK_GAP, ROW_GAP = 1.14, 0.03, 0.16, 0.07
#: Heights in inches of a section's head (its title, blocks, columns) and of the axis below distributions.
TITLE, HEAD, AXIS = 0.22, 0.32, 0.34
#: Width in inches of the distributions.
DISTRIBUTION = 1.5
GREY = "#666666"


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
class Brightness:
    """How bright a region is, in each image (images,), and what counts as dark.

    Attributes
    ----------
    values
        ``query``, where measured ``truth``, and the methods by name.
    cut
        Otsu's threshold between dark and bright, on the images before and after the change that training shows.
    label
        What was measured, for the axis.
    """

    values: dict[str, np.ndarray]
    cut: float
    label: str

    def share_dark(self, row: str) -> float:
        """Return the share of a row's images that are darker than the cut."""
        return float((self.values[row] < self.cut).mean())

    def bimodality(self, row: str) -> float:
        """Return Sarle's bimodality coefficient of a row.

        1/3 for a normal distribution, 5/9 for a uniform one, 1 for two points; NaN for fewer than 4 images, or where
        all are alike.
        """
        from scipy.stats import kurtosis, skew

        values = self.values[row].astype(float)
        n = len(values)
        if n < 4 or values.std() < 1e-6:
            return math.nan
        tails = kurtosis(values, bias=False) + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))
        return float((skew(values, bias=False) ** 2 + 1) / tails)


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
        Those of `grid`.
    """

    figure: dict[str, Any]
    shape: tuple[int, int, int]
    blocks: list[Block]
    labels: dict[str, str]
    not_run: dict[str, str]
    seeds: tuple[int, ...]
    brightness: Brightness | None = None
    options: dict[str, Any] = field(default_factory=dict)


class Task:
    """Training part and truth of a task: who is who, and who is the same after the change."""

    def __init__(self, train: str | Path, truth: str | Path):
        self.train = TrainingRows(train).with_images()
        self.truth = TruthRows(truth).with_images()
        self.queries = self.train.queries
        names = ("role", "condition", "domain")
        self._role, self._condition, self._domain = (self.train.column(name) for name in names)

    def source(self, query: Query) -> np.ndarray:
        """Return the training part's rows of S."""
        return np.flatnonzero((self._role == "source") & (self._condition == query.source))

    def target(self, query: Query) -> np.ndarray:
        """Return the training part's rows of T."""
        return np.flatnonzero((self._role == "target") & (self._condition == query.target))

    def query(self, query: Query) -> np.ndarray:
        """Return the training part's rows of X."""
        mask = (self._role == "query") & (self._domain == query.domain) & (self._condition == query.source)
        return np.flatnonzero(mask)

    def after(self, queries: Sequence[Query]) -> np.ndarray:
        """Return the truth's rows of these queries."""
        return np.flatnonzero(np.isin(self.truth.column("query"), [query.name for query in queries]))

    def domains(self, rows: np.ndarray) -> str:
        """Return the domains of rows of the training part, for a title."""
        domains = sorted(set(self._domain[rows]))
        return " + ".join(domains) if len(domains) < 4 else f"{len(domains)} domains"

    def partners(self, rows: np.ndarray, file: Rows, among: np.ndarray) -> np.ndarray:
        """Return, for rows of the training part, those ``among`` a file's with the same ``pair_id``; -1: none."""
        known = {pair: row for row, pair in zip(among, file.column("pair_id")[among], strict=True) if pair}
        return np.array([known.get(pair, -1) for pair in self.train.column("pair_id")[rows]], dtype=int)


@dataclass(frozen=True)
class Choice:
    """Which images a figure shows: options of the figure.

    Attributes
    ----------
    queries
        Names of the queries; None: all. Those with the same two conditions share a block.
    images
        Images of each block.
    seed
        Seed of the choice.
    in_sample
        Whether there are blocks of images that training showed before and after the change.
    spread
        Column of obs whose values share the images alike (a digit, the kind of glasses), or "brightness": from dark to
        bright in the ``region``; None: drawn from all.
    region
        Top, bottom, left, right of a region whose brightness is measured, as shares of the sides.
    region_name
        What the axis of the brightness calls the region.
    names
        What titles call the domains of ``source`` and ``query``.
    """

    queries: Sequence[str] | None = None
    images: int = 6
    seed: int = 0
    in_sample: bool = False
    spread: str | None = None
    region: Sequence[float] | None = None
    region_name: str = "region"
    names: dict[str, str] = field(default_factory=dict)

    def check(self, figure: str) -> None:
        """Raise `UserError` at a value that is not possible."""
        if self.images < 1:
            raise UserError(f"{figure}: the option 'images' must be at least 1, not {self.images}.")
        if self.spread == "brightness" and self.region is None:
            raise UserError(f"{figure}: 'spread: brightness' needs the option 'region'.")
        box = self.region
        if box is not None and not (len(box) == 4 and 0 <= box[0] < box[1] <= 1 and 0 <= box[2] < box[3] <= 1):
            raise UserError(
                f"{figure}: the option 'region' must be top, bottom, left, right between 0 and 1, not {box}."
            )

    def brightness(self, images: np.ndarray) -> np.ndarray:
        """Return the mean brightness (images,), 0 to 255, of the region in images (images, height, width, channels)."""
        height, width = images.shape[1:3]
        top, bottom, left, right = np.array(self.region) * (height, height, width, width)
        rows, columns = (
            slice(int(low), max(round(high), int(low) + 1)) for low, high in ((top, bottom), (left, right))
        )
        return images[:, rows, columns].mean(axis=(1, 2, 3))


def load_images(figure: dict, train: str | Path, truth: str | Path, predictions: list[str]) -> ImageData:
    """Read what a grid shows; the options of `Choice` are used here, the others are those of `grid`.

    Raises
    ------
    UserError
        If a file is unreadable, holds no images or lacks a prediction, or an option names what there is not.
    """
    options = dict(figure.get("options", {}))
    choice = Choice(**{name: options.pop(name) for name in Choice.__dataclass_fields__ if name in options})
    choice.check(figure["name"])
    task = Task(train, truth)
    files = [Predicted(path, task.train.shape) for path in predictions]
    ran = [file for file in files if not file.not_run]
    groups = _transformations(task.queries, choice.queries, figure["name"])
    blocks = [
        _block(task, ran, queries, role, choice, figure["name"])
        for queries in groups
        for role in (["source", "query"] if choice.in_sample else ["query"])
    ]
    named = {file.method: figure.get("labels", {}).get(file.method, file.method.replace("_", " ")) for file in files}
    return ImageData(
        figure=figure,
        shape=task.train.shape,
        blocks=blocks,
        labels={file.method: named[file.method] for file in ran},
        not_run={named[file.method]: file.not_run for file in files if file.not_run},
        seeds=max((file.seeds for file in ran), key=len, default=()),
        brightness=None if choice.region is None else _brightness(task, ran, groups, choice, figure["name"]),
        options=options,
    )


def _transformations(known: tuple[Query, ...], names: Sequence[str] | None, figure: str) -> list[list[Query]]:
    """Return the queries in groups with the same two conditions, in their order."""
    by_name = {query.name: query for query in known}
    for name in names or ():
        if name not in by_name:
            raise UserError(f"{figure}: no query '{name}'{did_you_mean(name, by_name)}; known: {', '.join(by_name)}.")
    groups: dict[tuple[str, str], list[Query]] = {}
    for name in names or by_name:
        query = by_name[name]
        groups.setdefault((query.source, query.target), []).append(query)
    return list(groups.values())


def _block(task: Task, ran: list[Predicted], queries: list[Query], role: str, choice: Choice, figure: str) -> Block:
    """Choose images of the queries, or of the source (``role``), and read them as each row shows them."""
    if role == "query":
        candidates = _some(np.concatenate([task.query(query) for query in queries]), choice.seed)
        file, among = task.truth, task.after(queries)
    else:
        candidates = task.source(queries[0])
        kept = [prediction.has(task.train.names[candidates], queries, role) for prediction in ran]
        candidates = _some(candidates[np.all(kept, axis=0)] if kept else candidates, choice.seed)
        file, among = task.train, task.target(queries[0])
    if not len(candidates):
        raise UserError(f"{figure}: there are no images with the role '{role}' that all methods have predicted.")
    partners = task.partners(candidates, file, among)
    paired = bool((partners >= 0).all())
    groups = _groups(task, candidates, file, partners if paired else None, choice, figure)
    chosen = choose(groups, choice.images, choice.seed)
    rows, cells = candidates[chosen], task.train.names[candidates[chosen]]
    shown = {"query": task.train.images(rows)}
    if len(among):
        shown["truth"] = file.images(partners[chosen] if paired else _examples(file, among, choice))
    shown |= {prediction.method: prediction.of(cells, queries, role) for prediction in ran}
    named = choice.spread not in (None, "brightness") and len(set(groups)) > 1
    return Block(
        title=_title(task, queries, role, candidates, choice),
        columns=tuple(str(groups[k]) if named else str(n) for n, k in enumerate(chosen, start=1)),
        rows={name: np.rint(images).clip(0, 255).astype(np.uint8) for name, images in shown.items()},
        paired=paired,
    )


def _title(task: Task, queries: list[Query], role: str, rows: np.ndarray, choice: Choice) -> str:
    """Return the head of a block."""
    where = {"query": "out-of-sample", "source": "in-sample"}[role]
    who = choice.names.get(role, task.domains(rows))
    return f"{where}, {queries[0].source} to {queries[0].target}: {who}"


def _groups(
    task: Task, rows: np.ndarray, file: Rows, partners: np.ndarray | None, choice: Choice, figure: str
) -> np.ndarray:
    """Return the group (rows,) of each row of the training part: those among which the images are shared out.

    What tells them apart can be seen before the change (a digit), or after it alone (the kind of glasses that are put
    on), where the same images are known after it (``partners``, rows of ``file``).
    """
    none = np.zeros(len(rows), dtype=int)
    if choice.spread is None:
        return none
    if choice.spread == "brightness":
        measured = choice.brightness(task.train.images(rows))
        if partners is not None:
            after = choice.brightness(file.images(partners))
            measured = after if after.std() > measured.std() else measured
        return quantile_groups(measured, choice.images)
    known = set(task.train.obs) | set(file.obs)
    if choice.spread not in known:
        raise UserError(f"{figure}: obs has no column '{choice.spread}'{did_you_mean(choice.spread, known)}.")
    before = task.train.column(choice.spread)[rows]
    if len(set(before)) > 1:
        return before
    return none if partners is None else file.column(choice.spread)[partners]


def _some(rows: np.ndarray, seed: int) -> np.ndarray:
    """Return at most `MEASURED` of these rows, drawn with a seed, in their order."""
    return rows[np.sort(np.random.default_rng(seed).permutation(len(rows))[:MEASURED])]


def quantile_groups(values: np.ndarray, groups: int) -> np.ndarray:
    """Return the group (values,) of each value: so many of equal size, by rank."""
    return np.argsort(np.argsort(values, kind="stable"), kind="stable") * groups // len(values)


def choose(groups: np.ndarray, images: int, seed: int) -> np.ndarray:
    """Return the positions of at most so many images, drawn with a seed alike from each group (images,), in its order.

    The first groups give one more where the number cannot be shared out evenly.
    """
    order = np.random.default_rng(seed).permutation(len(groups))
    members = [order[groups[order] == group] for group in np.unique(groups)]
    turns = sorted((turn, g, k) for g, rows in enumerate(members) for turn, k in enumerate(rows[:images]))
    drawn = sorted(turns[:images], key=lambda place: (place[1], place[0]))
    return np.array([k for _, _, k in drawn], dtype=int)


def _examples(file: Rows, among: np.ndarray, choice: Choice) -> np.ndarray:
    """Return rows of real images in the target condition, from dark to bright where a region's brightness counts."""
    among = _some(among, choice.seed)
    groups = np.zeros(len(among), dtype=int)
    if choice.region is not None:
        groups = quantile_groups(choice.brightness(file.images(among)), choice.images)
    return among[choose(groups, choice.images, choice.seed)]


def _brightness(task: Task, ran: list[Predicted], groups: list[list[Query]], choice: Choice, figure: str) -> Brightness:
    """Measure the region in at most `MEASURED` images of the queries, the truth and each prediction."""
    from skimage.filters import threshold_otsu

    if len(groups) != 1:
        raise UserError(
            f"{figure}: the option 'region' needs queries with the same conditions; name them in 'queries'."
        )
    (queries,) = groups
    rows = _some(np.concatenate([task.query(query) for query in queries]), choice.seed)
    values = {"query": choice.brightness(task.train.images(rows))}
    after = _some(task.after(queries), choice.seed)
    if len(after):
        values["truth"] = choice.brightness(task.truth.images(after))
    for prediction in ran:
        values[prediction.method] = choice.brightness(prediction.of(task.train.names[rows], queries, "query"))
    known = [task.train.images(_some(part(queries[0]), choice.seed)) for part in (task.source, task.target)]
    cut = threshold_otsu(np.concatenate([choice.brightness(images) for images in known]))
    return Brightness(values, float(cut), f"brightness of {choice.region_name}")


def describe(data: ImageData) -> str:
    """Return what the notebook shows, one line per block, and one per method."""
    lines = [f"{block.title}: {len(block.columns)} images ({', '.join(block.columns)})" for block in data.blocks]
    for method, label in data.labels.items():
        dark = "" if data.brightness is None else f": {_numbers(data.brightness, method)}"
        lines.append(f"{label}{dark}")
    return "\n".join(lines + [f"{label}: not run: {reason}" for label, reason in data.not_run.items()])


def _numbers(found: Brightness, row: str) -> str:
    """Return what stands beside a distribution."""
    b = found.bimodality(row)
    return f"{found.share_dark(row):.0%} dark" + ("" if math.isnan(b) else f", b {b:.2f}")


@dataclass(frozen=True)
class Section:
    """A grid of a figure: its title ("" for none) and its rows, with the distance in inches above each of them."""

    title: str
    rows: list[str]
    gaps: list[float]

    @property
    def head(self) -> float:
        """Height above the first image, in inches."""
        return (TITLE if self.title else 0) + HEAD

    def height(self, side: float) -> float:
        """Return the height in inches with images of this side."""
        return self.head + sum(self.gaps) + len(self.rows) * (side + GAP)


def grid(data: ImageData, apart: Sequence[str] = (), titles: Sequence[str] = ("", "")) -> Figure:
    """Draw original images, truth and one row per method that ran.

    The methods ``apart`` are left out of the first grid and stand, after the first method, in a second one (2019,
    Figure 2b). ``titles`` are those of the two grids.

    Raises
    ------
    UserError
        If no method ran or the images do not fit side by side.
    """
    sections = _sections(data, apart, titles)
    side = _side(data, sections)
    axis = 0 if data.brightness is None else AXIS
    height = sum(section.height(side) for section in sections) + axis * len(sections) + 0.12 * (len(sections) - 1)
    figure = style.page(data.figure["title"], _note(data), height + 0.08 - style.LEGEND)
    style.settle(figure)
    total = figure.get_size_inches()[1]
    top = total - 0.08 - height
    for section in sections:
        drawn = section.height(side)
        ax = figure.add_axes((0, 1 - (top + drawn) / total, 1, drawn / total))
        ax.set_axis_off()
        _draw(ax, data, section, side)
        # Images set limits of their own; one unit is one inch.
        ax.set(xlim=(0, style.WIDTH), ylim=(drawn, 0))
        if data.brightness is not None:
            _distributions(figure, data, section, side, top)
        top += drawn + axis + 0.12
    return figure


def _sections(data: ImageData, apart: Sequence[str], titles: Sequence[str]) -> list[Section]:
    """Return the grids with their rows."""
    methods = list(data.labels)
    if not methods:
        raise UserError(f"{data.figure['name']}: no method ran, so there is nothing to show.")
    for method in apart:
        if method not in methods and method not in data.figure.get("labels", {}):
            raise UserError(f"{data.figure['name']}: no method '{method}'{did_you_mean(method, methods)} ('apart').")
    second = [method for method in methods if method in apart]
    first = [method for method in methods if method not in apart]
    parts = [first, [*first[:1], *second]] if first and second else [methods]
    letters = panels.letters()
    heads = [f"{next(letters)}   {title}" if title else "" for title in titles]
    return [_section(data, head, part) for head, part in zip(heads, parts, strict=False)]


def _section(data: ImageData, title: str, methods: list[str]) -> Section:
    truth = ["truth"] if any("truth" in block.rows for block in data.blocks) else []
    rows = ["query", *truth, *methods]
    controls = set(data.figure.get("controls", []))
    gaps = [0.0] * len(rows)
    gaps[1 + len(truth)] = ROW_GAP
    first_control = next((k for k, row in enumerate(rows) if row in controls), 0)
    gaps[first_control] = ROW_GAP if first_control else gaps[0]
    return Section(title, rows, gaps)


def _side(data: ImageData, sections: list[Section]) -> float:
    """Return the side of an image in inches: as large as the width of the page and the height of one allow.

    Raises
    ------
    UserError
        If images would be too small to read.
    """
    smallest = SMALLEST["digits" if max(data.shape[:2]) <= 28 else "faces"]
    images = sum(len(block.columns) for block in data.blocks)
    room = style.WIDTH - LABELS - BLOCK_GAP * len(data.blocks) - (DISTRIBUTION if data.brightness else 0)
    across = room / images - GAP
    if across < smallest:
        fit = int(room / (smallest + GAP)) // len(data.blocks)
        raise UserError(f"{data.figure['name']}: at most {fit} images fit into a block; lower the option 'images'.")
    fixed = sum(section.height(0) for section in sections)
    down = (HEIGHT - fixed) / sum(len(section.rows) for section in sections)
    return min(across, LARGEST, max(down, smallest))


def _note(data: ImageData) -> str:
    """Return what stands below the title."""
    examples = any(not block.paired and "truth" in block.rows for block in data.blocks)
    parts = [
        marks(data.figure["stand_in"], data.figure["demo_size"]).capitalize(),
        f"Task {data.figure['task']}; each column is one image, the same in all rows",
        f"Seed {data.seeds[0]}, the first of {len(data.seeds)}, where chance plays a part"
        if len(data.seeds) > 1
        else "",
        "Dashed frame: real images with the target condition, of others, since the true answer is not known"
        if examples
        else "",
    ]
    if data.brightness is not None:
        count = len(data.brightness.values["query"])
        parts.append(
            f"Right: brightness of the region in {count:,} images; grey line: the cut between dark and bright in "
            "training (Otsu), with the share of images that are darker; b: bimodality coefficient (normal 0.33, "
            "uniform 0.56, two points 1); black outline: truth"
        )
    parts += [f"Not run: {label} ({reason.rstrip('.')})" for label, reason in data.not_run.items()]
    return ". ".join(part for part in parts if part) + "."


def _places(data: ImageData, side: float) -> Iterator[tuple[Block, float]]:
    """Yield each block with the place of its left edge, in inches."""
    left = LABELS
    for block in data.blocks:
        yield block, left
        left += len(block.columns) * (side + GAP) - GAP + BLOCK_GAP


def _tops(section: Section, side: float) -> list[float]:
    """Return the upper edge of each row, in inches from the upper edge of the section."""
    steps = np.cumsum(section.gaps) + np.arange(len(section.rows)) * (side + GAP)
    return list(section.head + steps)


def _draw(ax: Axes, data: ImageData, section: Section, side: float) -> None:
    """Draw labels and images; coordinates are inches from the upper left corner."""
    if section.title:
        ax.text(0.06, 0.02, section.title, va="top", size=8, weight="bold")
    for block, left in _places(data, side):
        _head(ax, block, left, section.head, side)
    for row, top in zip(section.rows, _tops(section, side), strict=True):
        label = {"query": "original", "truth": "truth"}.get(row) or data.labels[row]
        weight = "bold" if row in ("query", "truth") else "normal"
        wrapped = textwrap.fill(label, 18, max_lines=3, placeholder=" ...")
        ax.text(LABELS - 0.08, top + side / 2, wrapped, ha="right", va="center", weight=weight, linespacing=1.05)
        for block, left in _places(data, side):
            _row(ax, block, row, left, top, side)


def _head(ax: Axes, block: Block, left: float, bottom: float, side: float) -> None:
    """Write the title of a block over a line, and the label of each column."""
    width = len(block.columns) * (side + GAP) - GAP
    title = textwrap.shorten(block.title, max(int(width / 0.061), 20), placeholder=" ...")
    ax.text(left, bottom - 0.19, title, va="bottom", size=7.5)
    ax.plot([left, left + width], [bottom - 0.165] * 2, color="black", linewidth=0.6)
    for k, label in enumerate(block.columns):
        middle = left + k * (side + GAP) + side / 2
        ax.text(middle, bottom - 0.035, label, ha="center", va="bottom", color=GREY)


def _row(ax: Axes, block: Block, row: str, left: float, top: float, side: float) -> None:
    """Draw the images of one row of a block."""
    width = len(block.columns) * (side + GAP) - GAP
    if row not in block.rows:
        ax.text(left + width / 2, top + side / 2, "not measured", ha="center", va="center", color=GREY)
        return
    for k, image in enumerate(block.rows[row]):
        place = left + k * (side + GAP)
        shown = {"cmap": "gray", "vmin": 0, "vmax": 255, "aspect": "auto", "interpolation": "antialiased"}
        ax.imshow(enlarged(image), extent=(place, place + side, top + side, top), **shown)
    if row == "truth" and not block.paired:
        frame = {"fill": False, "edgecolor": "black", "linestyle": (0, (3, 2)), "linewidth": 0.8, "clip_on": False}
        ax.add_patch(Rectangle((left - 0.015, top - 0.015), width + 0.03, side + 0.03, **frame))


def enlarged(image: np.ndarray) -> np.ndarray:
    """Return an image (height, width, channels) with each pixel as a square; without channels where it has but one.

    It is larger than on paper: made smaller from this, pixels keep their equal sizes, which they lose where 32 of them
    become 95 dots.
    """
    factor = math.ceil(300 / max(image.shape[:2]))
    large = image.repeat(factor, axis=0).repeat(factor, axis=1)
    return large[..., 0] if large.shape[-1] == 1 else large


def _distributions(figure: Figure, data: ImageData, section: Section, side: float, top: float) -> None:
    """Draw, to the right of each row, how bright the region is in its images, with the truth as an outline."""
    found = data.brightness
    total = figure.get_size_inches()[1]
    *_, (block, left) = _places(data, side)
    left += len(block.columns) * (side + GAP) - GAP + BLOCK_GAP
    width = min(style.WIDTH - left - 0.1, 1.6)
    measured = [found.values[name] for name in ("query", "truth") if name in found.values]
    extent = panels.limits(measured, [found.values[row] for row in section.rows])
    tops = _tops(section, side)
    for row, edge in zip(section.rows, tops, strict=True):
        place = (left / style.WIDTH, 1 - (top + edge + side) / total, width / style.WIDTH, side / total)
        ax = figure.add_axes(place)
        _distribution(ax, found, row, extent)
        last = row == section.rows[-1]
        ax.tick_params(left=False, labelleft=False, labelbottom=last)
        if last:
            ax.set_xlabel(found.label)


def _distribution(ax: Axes, found: Brightness, row: str, extent: tuple[float, float]) -> None:
    """Draw one row's brightness and, for a method, the truth's."""
    name = row if row in ("query", "truth") else "prediction"
    ax.axvline(found.cut, ymax=0.7, color="#999999", linewidth=0.7)
    panels.density(ax, found.values[row], extent, name, "-")
    ax.fill_between(*ax.lines[-1].get_data(), color=style.COLOURS[name], alpha=0.25, linewidth=0)
    if name == "prediction" and "truth" in found.values:
        panels.density(ax, found.values["truth"], extent, "truth", "-")
    ax.set(xlim=extent, ylim=(0, 1.5 * max(line.get_ydata().max() for line in ax.lines[1:])), yticks=[])
    ax.spines["left"].set_visible(False)
    ax.text(0.02, 0.98, _numbers(found, row), va="top", transform=ax.transAxes, size=6.5)
