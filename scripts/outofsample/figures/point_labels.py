"""Labels beside points, which keep out of each other's way."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

#: Points between a point and the end of the line from its label.
LINE_GAP = 2.5


def label_points(ax: Axes, points: np.ndarray, labels: Sequence[str], avoid: np.ndarray) -> None:
    """Write labels beside points (n, 2), where they cover neither each other nor the points ``avoid`` (m, 2).

    The layout must be final: positions are tried in the order of the points, nearest first, and a label that
    fits nowhere is left out.
    """
    obstacles = ax.transData.transform(avoid)
    frame = ax.get_window_extent()
    taken: list[Bbox] = []
    angles = np.deg2rad([0, 180, 90, 270, 45, 315, 135, 225])
    for point, label in zip(points, labels, strict=True):
        # Measured once: a label that is drawn to be measured, with its line, costs a hundred times the arithmetic.
        text = _label(ax, point, label, 0, 0)
        size = text.get_window_extent().size
        text.remove()
        for radius, angle in [(radius, angle) for radius in (5, 11, 18, 26, 36) for angle in angles]:
            box = _box(ax, point, size, radius, angle)
            inside = frame.containsx(box.x0) and frame.containsx(box.x1)
            inside &= frame.containsy(box.y0) and frame.containsy(box.y1)
            if inside and not box.count_contains(obstacles) and not box.count_overlaps(taken):
                taken.append(box)
                _label(ax, point, label, radius, angle)
                break


def _alignment(angle: float) -> tuple[int, int]:
    """Return on which side, across and up (-1, 0 or 1), a label lies that stands in this direction of its point."""
    return tuple(0 if abs(part) <= 0.1 else int(math.copysign(1, part)) for part in (math.cos(angle), math.sin(angle)))


def _has_line(radius: float) -> bool:
    """Whether a label so many points from its own point needs a line to it."""
    return radius > 6


def _box(ax: Axes, point: np.ndarray, size: np.ndarray, radius: float, angle: float) -> Bbox:
    """Return what a label of this size (2,) in pixels covers, with its line, and a pixel around it."""
    anchor = ax.transData.transform(point)
    direction = np.array([math.cos(angle), math.sin(angle)])
    place = anchor + radius * ax.figure.dpi / 72 * direction
    centre = place + np.array(_alignment(angle)) * size / 2
    corners = [centre - size / 2, centre + size / 2]
    if _has_line(radius):
        towards = (centre - anchor) / np.hypot(*(centre - anchor))
        corners.append(anchor + LINE_GAP * ax.figure.dpi / 72 * towards)
    return Bbox([np.min(corners, axis=0) - 1, np.max(corners, axis=0) + 1])


def _label(ax: Axes, point: np.ndarray, label: str, radius: float, angle: float):
    """Return a label at ``radius`` points from a point (2,), with a thin line to it where it stands far off."""
    across, up = _alignment(angle)
    line = {"arrowstyle": "-", "lw": 0.5, "color": "#555555", "shrinkB": LINE_GAP}
    return ax.annotate(
        label,
        point,
        (radius * math.cos(angle), radius * math.sin(angle)),
        textcoords="offset points",
        ha=("right", "center", "left")[across + 1],
        va=("top", "center", "bottom")[up + 1],
        arrowprops=line if _has_line(radius) else None,
        zorder=6,
    )
