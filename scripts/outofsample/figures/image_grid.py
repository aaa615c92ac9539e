"""Grids of images: Neuron Editing 2019, Figure 2, and 2020, Figure 3; trVAE, Figures 3 and 4.

Rows are the original images, the truth and the methods, the same images in each row.
"""

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from outofsample.errors import UserError, did_you_mean
from outofsample.figures import panels, style
from outofsample.figures.image_blocks import Block, ImageData
from outofsample.figures.image_brightness import Brightness, in_words
from outofsample.texts import marks

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
    ax.text(left, bottom - 0.19, _fitting(block.title, max(int(width / 0.061), 20)), va="bottom", size=7.5)
    ax.plot([left, left + width], [bottom - 0.165] * 2, color="black", linewidth=0.6)
    for k, label in enumerate(block.columns):
        middle = left + k * (side + GAP) + side / 2
        ax.text(middle, bottom - 0.035, label, ha="center", va="bottom", color=GREY)


def _fitting(title: str, most: int) -> str:
    """Return the title of a block in at most so many characters: who is shown goes first, as the columns name them."""
    if len(title) > most:
        title = title.rpartition(": ")[0] or title
    return textwrap.shorten(title, most, placeholder=" ...")


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
    ax.text(0.02, 0.98, in_words(found, row), va="top", transform=ax.transAxes, size=6.5)
