"""Which images a grid shows, drawn with a seed: from all, alike from each kind, or from dark to bright."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from outofsample.arrays import Query
from outofsample.errors import UserError, did_you_mean
from outofsample.figures.image_task import ImageTask
from outofsample.files.rows import Rows

#: At most so many images of a population are measured for a distribution.
MEASURED = 2000


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


def transformations(known: tuple[Query, ...], names: Sequence[str] | None, figure: str) -> list[list[Query]]:
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


def groups_of(
    task: ImageTask, rows: np.ndarray, file: Rows, partners: np.ndarray | None, choice: Choice, figure: str
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


def sample_rows(rows: np.ndarray, seed: int) -> np.ndarray:
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


def examples(file: Rows, among: np.ndarray, choice: Choice) -> np.ndarray:
    """Return rows of real images in the target condition, from dark to bright where a region's brightness counts."""
    among = sample_rows(among, choice.seed)
    groups = np.zeros(len(among), dtype=int)
    if choice.region is not None:
        groups = quantile_groups(choice.brightness(file.images(among)), choice.images)
    return among[choose(groups, choice.images, choice.seed)]
