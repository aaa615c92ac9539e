"""Many small colour images that shapes are painted on at once.

Shapes are signed distances (negative inside) in the frame of the head: origin between eyes and nose, x to the right,
y down, one unit is half the image's side where the head has scale 1. A shape covers a pixel by its distance in
pixels, which smooths its edge.
"""

import numpy as np

from outofsample.images.people import People

#: How far what is in front of the head moves when the head turns.
TURN = 0.06


class Canvas:
    """Images (people, 3, side, side) under way, with each pixel's place (people, side, side) in the head's frame."""

    def __init__(self, image: np.ndarray, x: np.ndarray, y: np.ndarray, pixel: np.ndarray):
        self.image, self.x, self.y, self.pixel = image, x, y, pixel

    @classmethod
    def of(cls, people: People, side: int) -> "Canvas":
        """Return an empty canvas, with the frame shifted, tilted and scaled as each head is."""
        t = as_columns(people.traits)
        middle = ((np.arange(side, dtype=np.float32) + 0.5) * 2 / side - 1)[None]
        across, down = middle[:, None, :] - t["x"], middle[:, :, None] - t["y"]
        cos, sin = np.cos(t["tilt"]) / t["scale"], np.sin(t["tilt"]) / t["scale"]
        x, y = across * cos + down * sin, down * cos - across * sin
        image = np.empty((len(people), 3, side, side), np.float32)
        return cls(image, x, y, 2 / side / t["scale"])

    def face(self, t: dict[str, np.ndarray], left: float, right: float, top: float, bottom: float) -> "Canvas":
        """Return the part of the image between these edges (-1 to 1), with the origin moved as the head is turned.

        What is drawn into it is drawn into this canvas; small shapes need no more than a part.
        """
        side = self.x.shape[1]
        ends = [int(np.clip((edge + 1) / 2 * side, 0, side)) for edge in (left, right, top, bottom)]
        columns, rows = slice(ends[0], ends[1]), slice(ends[2], ends[3])
        x = self.x[:, rows, columns] - TURN * t["yaw"]
        return Canvas(self.image[:, :, rows, columns], x, self.y[:, rows, columns], self.pixel)

    def paint(self, distance: np.ndarray, colour: np.ndarray, opacity: np.ndarray | float = 1.0) -> None:
        """Lay a colour, (people, 3) or (people, 3, side, side), over where ``distance`` is negative.

        ``opacity`` is between 0 and 1, one for all or (people, 1, 1).
        """
        if not np.any(opacity):
            return
        cover = np.clip(0.5 - distance / self.pixel, 0, 1) * opacity
        self.image += cover[:, None] * (as_planes(colour) - self.image)


def as_planes(colours: np.ndarray) -> np.ndarray:
    """Return colours (people, 3) as float32 (people, 3, 1, 1), to combine with images; images stay as they are."""
    return (colours[:, :, None, None] if colours.ndim == 2 else colours).astype(np.float32, copy=False)


def as_columns(traits: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the numbers (people,) as float32 (people, 1, 1); colours stay (people, 3)."""
    return {
        name: (values[:, None, None] if values.ndim == 1 else values).astype(np.float32)
        for name, values in traits.items()
    }


def ellipse(x, y, width, height):
    """Return the approximate signed distance to an ellipse with these half axes."""
    near = np.sqrt((x / width) ** 2 + (y / height) ** 2)
    slope = np.sqrt((x / width**2) ** 2 + (y / height**2) ** 2)
    return near * (near - 1) / np.maximum(slope, 1e-6)


def rounded_box(x, y, width, height, corner):
    """Return the signed distance to a box with these half sides and rounded corners."""
    across, down = np.abs(x) - width + corner, np.abs(y) - height + corner
    return np.hypot(np.maximum(across, 0), np.maximum(down, 0)) + np.minimum(np.maximum(across, down), 0) - corner


def bow(x, y, width, upper, lower):
    """Return the distance to what lies between two parabolas, y = upper and lower x (1 - (x / width)^2)."""
    bend = 1 - (x / width) ** 2
    return np.maximum(upper * bend - y, y - lower * bend)
