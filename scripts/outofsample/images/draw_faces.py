"""Small colour faces, drawn from numbers: who a person is, and attributes that can be changed on the same person.

The same people (`outofsample.images.people`) drawn with another attribute differ in that attribute alone, so the true
answer of a translation is known image by image. Images are drawn at twice the size and averaged.
"""

import numpy as np

from outofsample.images.canvas import TURN, Canvas, as_columns, as_planes, bow, ellipse, rounded_box
from outofsample.images.people import Attributes, People

#: Each way of drawing pixels four times costs four times as much; twice is enough, since edges are smooth already.
_SUPERSAMPLING = 2
_BATCH = 64
#: Two shades of each hair colour; a person's hair is between them.
_HAIR = {
    "black": ((0.045, 0.04, 0.05), (0.12, 0.09, 0.085)),
    "brown": ((0.26, 0.15, 0.08), (0.42, 0.26, 0.15)),
    "blond": ((0.90, 0.74, 0.36), (0.98, 0.87, 0.56)),
}


def render(people: People, attributes: Attributes, size: int = 32) -> np.ndarray:
    """Draw people with these attributes.

    Returns uint8 (people, size, size, 3), red, green, blue. A face depends on its own entries alone, so the same
    person gives the same pixels whoever is drawn beside it.
    """
    images = np.empty((len(people), size, size, 3), np.uint8)
    for start in range(0, len(people), _BATCH):
        rows = slice(start, start + _BATCH)
        canvas = Canvas.of(people[rows], size * _SUPERSAMPLING)
        _draw(canvas, people[rows], attributes[rows])
        lit = _light(canvas, people[rows].traits)
        blocks = lit.reshape(-1, 3, size, _SUPERSAMPLING, size, _SUPERSAMPLING).mean((3, 5))
        images[rows] = np.clip(np.rint(255 * blocks), 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
    return images


def _chosen(words: np.ndarray, word: str) -> np.ndarray:
    """Return 1 where the word is chosen, else 0, as opacity (people, 1, 1)."""
    return (words == word).astype(np.float32)[:, None, None]


def _draw(canvas: Canvas, people: People, attributes: Attributes) -> None:
    """Draw all layers, from back to front."""
    t = as_columns(people.traits)
    female = _chosen(people.sex, "female")
    hair = _hair_colour(canvas, t, attributes)
    _draw_background(canvas, t)
    _draw_body(canvas, t, female, hair)
    _draw_head(canvas, t, female, hair)
    _draw_nose(canvas.face(t, -0.4, 0.4, -0.2, 0.5), t)
    _draw_mouth(canvas.face(t, -0.7, 0.7, 0.1, 0.9), t, attributes)
    _draw_moustache(canvas.face(t, -0.6, 0.6, 0.0, 0.7), t, attributes)
    _draw_eye(canvas.face(t, -0.7, 0.2, -0.45, 0.3), t, female, -1)
    _draw_eye(canvas.face(t, -0.2, 0.7, -0.45, 0.3), t, female, 1)
    _draw_glasses(canvas.face(t, -0.9, 0.9, -0.5, 0.5), t, female, attributes)


def _draw_background(canvas: Canvas, t: dict[str, np.ndarray]) -> None:
    """Fill the canvas with a colour that changes slowly along a direction."""
    along = canvas.x * np.cos(t["background_angle"]) + canvas.y * np.sin(t["background_angle"])
    canvas.image[:] = as_planes(t["background"]) + along[:, None] * as_planes(t["background_slope"])
    np.clip(canvas.image, 0.02, 0.98, out=canvas.image)


def _hair_colour(canvas: Canvas, t: dict[str, np.ndarray], attributes: Attributes) -> np.ndarray:
    """Return the colour (people, 3, side, side) of hair at each pixel: strands, and a sheen on the top."""
    colour = np.zeros((len(attributes.hair), 3), np.float32)
    for name, (dark, light) in _HAIR.items():
        rows = attributes.hair == name
        shade = t["hair_shade"][rows, 0]
        colour[rows] = np.array(dark) * (1 - shade) + np.array(light) * shade
    strands = np.sin(34 * canvas.x + 5 * np.sin(3 * canvas.y + t["hair_phase"]) + t["hair_phase"])
    sheen = np.exp(-(((canvas.y + 0.62) / 0.12) ** 2) - ((canvas.x - 0.15) / 0.3) ** 2)
    lit = 1 + 0.07 * strands - 0.12 * np.maximum(canvas.y, 0)
    return np.clip(as_planes(colour) * lit[:, None] + 0.08 * sheen[:, None], 0, 1)


def _draw_body(canvas: Canvas, t: dict[str, np.ndarray], female: np.ndarray, hair: np.ndarray) -> None:
    """Draw shoulders, the hair behind the neck, and the neck."""
    x, y = canvas.x, canvas.y
    canvas.paint(ellipse(x, y - 1.32, 0.95, 0.5), t["clothes"])
    long = t["width"] + t["hair_volume"] + 0.06 * y + t["hair_wave"] * np.sin(9 * y + t["hair_phase"])
    behind = rounded_box(x, y - t["hair_length"] / 2 + 0.05, long, t["hair_length"] / 2 + 0.1, 0.12)
    canvas.paint(behind, hair * 0.82, female)
    shadow = t["skin"] * 0.8
    canvas.paint(rounded_box(x, y - 0.75, 0.21 - 0.03 * female, 0.3, 0.04), shadow)
    canvas.paint(ellipse(x, y - 0.95, 0.24, t["neckline"]), shadow)


def _draw_head(canvas: Canvas, t: dict[str, np.ndarray], female: np.ndarray, hair: np.ndarray) -> None:
    """Draw ears, the head, and the hair on it: short for men; parted and down to the shoulders for women."""
    x, y, width, height = canvas.x, canvas.y, t["width"], t["height"]
    for side in (-1, 1):
        canvas.paint(ellipse(x - side * (width + 0.01), y - 0.03, 0.075, 0.125), t["skin"] * 0.88, 1 - female)
    skull = ellipse(x / (1 - t["taper"] * np.maximum(y, 0) / height), y, width, height)
    round_off = np.clip(1 + skull / 0.45, 0, 1) ** 2
    canvas.paint(skull, as_planes(t["skin"]) * (1.04 - 0.22 * round_off)[:, None])
    for side in (-1, 1):
        blush = t["skin"] * np.array((1.02, 0.78, 0.76), np.float32)
        canvas.paint(ellipse(x - side * 0.3, y - 0.24, 0.15, 0.1), blush, 0.25 + 0.25 * female)
    volume = t["hair_volume"]
    scalp = ellipse(x, y + 0.05, width + volume, height + volume)
    top = x - TURN * t["yaw"]
    short = np.maximum(scalp, y - t["hairline"] - 0.25 * (top - t["parting"] * 0.4) ** 2 - 0.55 * np.abs(top) ** 3)
    sides = np.maximum(np.maximum(scalp, 0.93 * width - np.abs(x)), y + 0.1)
    canvas.paint(np.minimum(short, sides), hair, 1 - female)
    opening = ellipse(top - 0.35 * t["parting"], y - 0.3, width * 0.84, 0.74 + t["hairline"] * 0.1)
    beside = np.maximum(np.abs(x) - width - volume - 0.03 * y, np.abs(y - 0.25) - t["hair_length"] + 0.35)
    around = np.minimum(scalp, np.maximum(beside, 0.8 * width - np.abs(x)))
    canvas.paint(np.maximum(around, -opening), hair, female)


def _draw_eye(part: Canvas, t: dict[str, np.ndarray], female: np.ndarray, side: int) -> None:
    """Draw the left (-1) or right (1) eye with its lid, darker for women, and the brow."""
    x, y = part.x - side * t["eye_x"], part.y + 0.06
    white = ellipse(x, y, t["eye"] * (1 + 0.08 * side * t["yaw"]), t["eye"] * 0.6)
    part.paint(white, np.full((len(part.image), 3), 0.96))
    for radius, colour in ((0.062, t["iris"]), (0.032, t["iris"] * 0.1)):
        part.paint(np.maximum(np.hypot(x - t["gaze"], y) - radius, white), colour)
    lid = np.maximum(np.abs(white) - 0.014 - 0.012 * female, y + 0.01)
    part.paint(lid, t["brow_colour"] * 0.5)
    fall = 2.2 * x**2 + t["brow_angle"] * side * x / 0.15
    brow = np.maximum(np.abs(y + 0.165 + 0.2 * t["brow"] - fall) - t["brow"], np.abs(x) - 0.15)
    part.paint(brow, t["brow_colour"])


def _draw_nose(face: Canvas, t: dict[str, np.ndarray]) -> None:
    """Draw the shadow beside and below the nose."""
    x, y = face.x - 0.02 * t["yaw"], face.y
    away = np.where(np.cos(t["light_angle"]) > 0, -1.0, 1.0).astype(np.float32)
    face.paint(ellipse(x - 0.045 * away, y - t["nose"] * 0.5, 0.028, t["nose"] * 0.6), t["skin"] * 0.78, 0.7)
    face.paint(ellipse(x, y - t["nose"] - 0.01, 0.085, 0.03), t["skin"] * 0.66, 0.85)


def _draw_mouth(face: Canvas, t: dict[str, np.ndarray], attributes: Attributes) -> None:
    """Draw closed lips, or a smile that shows the teeth."""
    x, y = face.x, face.y - t["mouth_y"]
    smile = attributes.smile.astype(np.float32)[:, None, None]
    resting = y + 0.03 * (x / t["mouth"]) ** 2
    lips = np.clip(t["lips"], 0, 1) * np.clip(t["skin"] + 0.25, 0, 1)
    face.paint(bow(x, resting - 0.01, t["mouth"], -0.055, 0.07), lips, 1 - smile)
    face.paint(bow(x, resting, t["mouth"], -0.008, 0.018), lips * 0.45, 1 - smile)
    wide = t["mouth"] * 1.45
    face.paint(bow(x, y + 0.07, wide + 0.03, 0.005, 0.25), lips, smile)
    face.paint(bow(x, y + 0.07, wide - 0.03, 0.055, 0.2), np.full((len(lips), 3), 0.99), smile)
    for side in (-1, 1):
        face.paint(ellipse(x - side * (wide + 0.03), y + 0.06, 0.022, 0.055), t["skin"] * 0.7, 0.7 * smile)


def _draw_moustache(face: Canvas, t: dict[str, np.ndarray], attributes: Attributes) -> None:
    """Draw a moustache between nose and mouth, thick in the middle of each half."""
    x, y = face.x, face.y - t["nose"] - 0.055
    along = np.abs(x) / t["moustache"]
    middle = 0.02 + t["moustache_droop"] * along**2
    thick = 0.062 * np.sqrt(np.clip(1 - along**3, 0, 1)) * (0.75 + 0.25 * np.minimum(along * 3, 1))
    distance = np.maximum(np.abs(y - middle) - thick, np.abs(x) - t["moustache"])
    face.paint(distance, t["brow_colour"] * 0.75, attributes.moustache.astype(np.float32)[:, None, None])


def _draw_glasses(face: Canvas, t: dict[str, np.ndarray], female: np.ndarray, attributes: Attributes) -> None:
    """Draw glasses: thin frames with clear lenses, or large dark ones."""
    clear, dark = _chosen(attributes.glasses, "clear"), _chosen(attributes.glasses, "dark")
    worn = clear + dark
    x, y = face.x, face.y + 0.05
    grown = 0.02 * dark
    lens = np.full_like(x, np.inf)
    for side in (-1, 1):
        box = rounded_box(
            x - side * (t["eye_x"] + 0.02), y, t["lens"] + grown, t["lens_height"] + grown, t["lens_round"]
        )
        lens = np.minimum(lens, box)
    face.paint(lens, t["dark_lens"], 0.97 * dark)
    face.paint(lens, np.full((len(t["skin"]), 3), 1.0), 0.16 * clear)
    glint = np.maximum(np.abs(np.mod(x + 0.7 * y + 0.02, 0.51) - 0.12) - 0.02, lens + 0.03)
    face.paint(glint, np.full((len(t["skin"]), 3), 1.0), 0.5 * clear + 0.22 * dark)
    bridge = np.maximum(np.abs(y + 0.03 - 0.6 * x**2) - 0.022, np.abs(x) - t["eye_x"] + t["lens"] - 0.03)
    ends = t["eye_x"] + t["lens"]
    arms = np.maximum(
        np.maximum(np.abs(y + 0.04) - 0.022, ends - np.abs(x)), np.abs(x) - t["width"] * (1 - 0.14 * female)
    )
    frame = np.minimum(np.minimum(np.abs(lens) - 0.024, bridge), arms)
    face.paint(frame, np.where(dark[:, 0] > 0, t["dark_lens"], t["frame"]), worn)


def _light(canvas: Canvas, t: dict[str, np.ndarray]) -> np.ndarray:
    """Return the images (people, 3, side, side) under each person's light, from a side, bright or dim, warm or cold."""
    t = as_columns(t)
    towards = canvas.x * np.cos(t["light_angle"]) + canvas.y * np.sin(t["light_angle"])
    strength = t["brightness"] * (1 + t["light"] * towards)
    tint = 1 + t["warmth"][:, 0] * np.array((1.0, 0.0, -1.0), np.float32)
    return canvas.image * strength[:, None] * as_planes(tint)
