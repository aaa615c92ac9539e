"""Small colour faces, drawn from numbers: who a person is, and attributes that can be changed on the same person.

A person (`People`) is sex and everything that is nuisance: skin, background, pose, light, shape of the face. The
attributes (`Attributes`) are hair colour, smile, moustache and glasses. The same people drawn with another attribute
differ in that attribute alone, so the true answer of a translation is known image by image.

Shapes are signed distances (negative inside) in the frame of the head: origin between eyes and nose, x to the right,
y down, one unit is half the image's side where the head has scale 1. A shape covers a pixel by its distance in
pixels, which smooths its edge; images are drawn at twice the size and averaged.
"""

from dataclasses import dataclass

import numpy as np

SEXES = ("male", "female")
HAIR = ("black", "brown", "blond")
GLASSES = ("none", "clear", "dark")

#: Each way of drawing pixels four times costs four times as much; twice is enough, since edges are smooth already.
_SUPERSAMPLING = 2
_BATCH = 64
#: How far what is in front of the head moves when the head turns.
_TURN = 0.06
#: Two shades of each hair colour; a person's hair is between them.
_HAIR = {
    "black": ((0.045, 0.04, 0.05), (0.12, 0.09, 0.085)),
    "brown": ((0.26, 0.15, 0.08), (0.42, 0.26, 0.15)),
    "blond": ((0.90, 0.74, 0.36), (0.98, 0.87, 0.56)),
}
_SKIN = (
    (0.99, 0.87, 0.77),
    (0.96, 0.80, 0.68),
    (0.90, 0.70, 0.54),
    (0.78, 0.56, 0.40),
    (0.62, 0.42, 0.29),
    (0.48, 0.31, 0.21),
)
_IRIS = ((0.30, 0.17, 0.08), (0.20, 0.38, 0.55), (0.28, 0.42, 0.24), (0.42, 0.28, 0.12))
_FRAMES = ((0.05, 0.05, 0.06), (0.30, 0.12, 0.06), (0.45, 0.05, 0.10), (0.08, 0.14, 0.38))


@dataclass(frozen=True)
class People:
    """Who is drawn.

    Attributes
    ----------
    sex
        Array (people,) of words of `SEXES`.
    traits
        Arrays (people,), or (people, 3) for colours (red, green, blue between 0 and 1), by name.
    """

    sex: np.ndarray
    traits: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.sex)

    def __getitem__(self, rows) -> "People":
        return People(self.sex[rows], {name: values[rows] for name, values in self.traits.items()})


@dataclass(frozen=True)
class Attributes:
    """What can be changed on a person: arrays (people,).

    Attributes
    ----------
    hair
        Words of `HAIR`.
    smile, moustache
        Whether there is one.
    glasses
        Words of `GLASSES`.
    """

    hair: np.ndarray
    smile: np.ndarray
    moustache: np.ndarray
    glasses: np.ndarray

    def __getitem__(self, rows) -> "Attributes":
        return Attributes(self.hair[rows], self.smile[rows], self.moustache[rows], self.glasses[rows])


def draw_people(rng: np.random.Generator, sex: np.ndarray) -> People:
    """Draw one person for each entry of ``sex`` (people,): the sexes differ in jaw, brows, lips and length of hair."""
    n = len(sex)
    female = (sex == "female").astype(float)

    def around(middle, spread):
        return middle + spread * rng.uniform(-1, 1, n)

    def one_of(colours, jitter):
        return np.clip(np.array(colours)[rng.integers(len(colours), size=n)] + rng.normal(0, jitter, (n, 3)), 0, 1)

    traits = {
        "skin": _between(np.array(_SKIN), rng.beta(1.2, 1.6, n)) * around(1, 0.03)[:, None],
        "background": np.clip(rng.uniform(0.15, 0.85, (n, 1)) + rng.normal(0, 0.12, (n, 3)), 0.05, 0.95),
        "background_slope": rng.uniform(-0.15, 0.15, (n, 1)) + rng.normal(0, 0.04, (n, 3)),
        "background_angle": rng.uniform(0, 2 * np.pi, n),
        "clothes": np.clip(rng.uniform(0.1, 0.8, (n, 1)) + rng.normal(0, 0.18, (n, 3)), 0.03, 0.95),
        "neckline": around(0.12, 0.05) + 0.08 * female,
        "x": around(0, 0.06),
        "y": around(0.05, 0.05),
        "scale": around(1.0, 0.06),
        "tilt": np.deg2rad(around(0, 8)),
        "yaw": around(0, 1),
        "light_angle": rng.uniform(0, 2 * np.pi, n),
        "light": rng.uniform(0.03, 0.2, n),
        "brightness": around(1.0, 0.1),
        "warmth": around(0, 0.035),
        "width": around(0.56, 0.035) - 0.02 * female,
        "height": around(0.70, 0.035) - 0.01 * female,
        "taper": around(0.12, 0.08) + 0.13 * female,
        "hair_shade": rng.uniform(0, 1, n),
        "hair_volume": around(0.09, 0.03) + 0.03 * female,
        "hair_length": around(0.72, 0.13),
        "hair_wave": rng.uniform(0, 0.035, n) * female,
        "hair_phase": rng.uniform(0, 2 * np.pi, n),
        "hairline": around(-0.42, 0.06),
        "parting": around(0, 0.18),
        "brow": around(0.042, 0.009) - 0.014 * female,
        "brow_angle": around(0.0, 0.035) + 0.01 * female,
        "brow_colour": one_of(((0.13, 0.09, 0.06), (0.26, 0.17, 0.1)), 0.02),
        "eye_x": around(0.235, 0.02),
        "eye": around(0.1, 0.01) + 0.012 * female,
        "iris": one_of(_IRIS, 0.03),
        "gaze": around(0, 0.025),
        "nose": around(0.2, 0.03) - 0.02 * female,
        "mouth_y": around(0.40, 0.025),
        "mouth": around(0.21, 0.02),
        "lips": one_of(((0.72, 0.36, 0.33),), 0.03) + female[:, None] * np.array((0.06, -0.15, -0.08)),
        "moustache": around(0.24, 0.025),
        "moustache_droop": around(0.07, 0.03),
        "frame": one_of(_FRAMES, 0.02),
        "lens": around(0.185, 0.012),
        "lens_height": around(0.145, 0.018),
        "lens_round": rng.uniform(0.05, 0.13, n),
        "dark_lens": one_of(((0.03, 0.03, 0.04), (0.10, 0.06, 0.03)), 0.01),
    }
    return People(sex, traits)


def render(people: People, attributes: Attributes, size: int = 32) -> np.ndarray:
    """Draw people with these attributes.

    Returns uint8 (people, size, size, 3), red, green, blue. A face depends on its own entries alone, so the same
    person gives the same pixels whoever is drawn beside it.
    """
    images = np.empty((len(people), size, size, 3), np.uint8)
    for start in range(0, len(people), _BATCH):
        rows = slice(start, start + _BATCH)
        canvas = _Canvas.of(people[rows], size * _SUPERSAMPLING)
        _draw(canvas, people[rows], attributes[rows])
        lit = _light(canvas, people[rows].traits)
        blocks = lit.reshape(-1, 3, size, _SUPERSAMPLING, size, _SUPERSAMPLING).mean((3, 5))
        images[rows] = np.clip(np.rint(255 * blocks), 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
    return images


class _Canvas:
    """Images (people, 3, side, side) under way, with each pixel's place (people, side, side) in the head's frame."""

    def __init__(self, image: np.ndarray, x: np.ndarray, y: np.ndarray, pixel: np.ndarray):
        self.image, self.x, self.y, self.pixel = image, x, y, pixel

    @classmethod
    def of(cls, people: People, side: int) -> "_Canvas":
        """Return an empty canvas, with the frame shifted, tilted and scaled as each head is."""
        t = _columns(people.traits)
        middle = ((np.arange(side, dtype=np.float32) + 0.5) * 2 / side - 1)[None]
        across, down = middle[:, None, :] - t["x"], middle[:, :, None] - t["y"]
        cos, sin = np.cos(t["tilt"]) / t["scale"], np.sin(t["tilt"]) / t["scale"]
        x, y = across * cos + down * sin, down * cos - across * sin
        image = np.empty((len(people), 3, side, side), np.float32)
        return cls(image, x, y, 2 / side / t["scale"])

    def face(self, t: dict[str, np.ndarray], left: float, right: float, top: float, bottom: float) -> "_Canvas":
        """Return the part of the image between these edges (-1 to 1), with the origin moved as the head is turned.

        What is drawn into it is drawn into this canvas; small shapes need no more than a part.
        """
        side = self.x.shape[1]
        ends = [int(np.clip((edge + 1) / 2 * side, 0, side)) for edge in (left, right, top, bottom)]
        columns, rows = slice(ends[0], ends[1]), slice(ends[2], ends[3])
        x = self.x[:, rows, columns] - _TURN * t["yaw"]
        return _Canvas(self.image[:, :, rows, columns], x, self.y[:, rows, columns], self.pixel)

    def paint(self, distance: np.ndarray, colour: np.ndarray, opacity: np.ndarray | float = 1.0) -> None:
        """Lay a colour, (people, 3) or (people, 3, side, side), over where ``distance`` is negative.

        ``opacity`` is between 0 and 1, one for all or (people, 1, 1).
        """
        if not np.any(opacity):
            return
        cover = np.clip(0.5 - distance / self.pixel, 0, 1) * opacity
        self.image += cover[:, None] * (_planes(colour) - self.image)


def _planes(colours: np.ndarray) -> np.ndarray:
    """Return colours (people, 3) as float32 (people, 3, 1, 1), to combine with images; images stay as they are."""
    return (colours[:, :, None, None] if colours.ndim == 2 else colours).astype(np.float32, copy=False)


def _columns(traits: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the numbers (people,) as float32 (people, 1, 1); colours stay (people, 3)."""
    return {
        name: (values[:, None, None] if values.ndim == 1 else values).astype(np.float32)
        for name, values in traits.items()
    }


def _between(colours: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return the colours (n, 3) at places 0 to 1 (n,) along a row of colours (m, 3)."""
    steps = np.linspace(0, 1, len(colours))
    return np.stack([np.interp(place, steps, channel) for channel in colours.T], axis=1)


def _ellipse(x, y, width, height):
    """Return the approximate signed distance to an ellipse with these half axes."""
    near = np.sqrt((x / width) ** 2 + (y / height) ** 2)
    slope = np.sqrt((x / width**2) ** 2 + (y / height**2) ** 2)
    return near * (near - 1) / np.maximum(slope, 1e-6)


def _box(x, y, width, height, corner):
    """Return the signed distance to a box with these half sides and rounded corners."""
    across, down = np.abs(x) - width + corner, np.abs(y) - height + corner
    return np.hypot(np.maximum(across, 0), np.maximum(down, 0)) + np.minimum(np.maximum(across, down), 0) - corner


def _bow(x, y, width, upper, lower):
    """Return the distance to what lies between two parabolas, y = upper and lower x (1 - (x / width)^2)."""
    bend = 1 - (x / width) ** 2
    return np.maximum(upper * bend - y, y - lower * bend)


def _chosen(words: np.ndarray, word: str) -> np.ndarray:
    """Return 1 where the word is chosen, else 0, as opacity (people, 1, 1)."""
    return (words == word).astype(np.float32)[:, None, None]


def _draw(canvas: _Canvas, people: People, attributes: Attributes) -> None:
    """Draw all layers, from back to front."""
    t = _columns(people.traits)
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


def _draw_background(canvas: _Canvas, t: dict[str, np.ndarray]) -> None:
    """Fill the canvas with a colour that changes slowly along a direction."""
    along = canvas.x * np.cos(t["background_angle"]) + canvas.y * np.sin(t["background_angle"])
    canvas.image[:] = _planes(t["background"]) + along[:, None] * _planes(t["background_slope"])
    np.clip(canvas.image, 0.02, 0.98, out=canvas.image)


def _hair_colour(canvas: _Canvas, t: dict[str, np.ndarray], attributes: Attributes) -> np.ndarray:
    """Return the colour (people, 3, side, side) of hair at each pixel: strands, and a sheen on the top."""
    colour = np.zeros((len(attributes.hair), 3), np.float32)
    for name, (dark, light) in _HAIR.items():
        rows = attributes.hair == name
        shade = t["hair_shade"][rows, 0]
        colour[rows] = np.array(dark) * (1 - shade) + np.array(light) * shade
    strands = np.sin(34 * canvas.x + 5 * np.sin(3 * canvas.y + t["hair_phase"]) + t["hair_phase"])
    sheen = np.exp(-(((canvas.y + 0.62) / 0.12) ** 2) - ((canvas.x - 0.15) / 0.3) ** 2)
    lit = 1 + 0.07 * strands - 0.12 * np.maximum(canvas.y, 0)
    return np.clip(_planes(colour) * lit[:, None] + 0.08 * sheen[:, None], 0, 1)


def _draw_body(canvas: _Canvas, t: dict[str, np.ndarray], female: np.ndarray, hair: np.ndarray) -> None:
    """Draw shoulders, the hair behind the neck, and the neck."""
    x, y = canvas.x, canvas.y
    canvas.paint(_ellipse(x, y - 1.32, 0.95, 0.5), t["clothes"])
    long = t["width"] + t["hair_volume"] + 0.06 * y + t["hair_wave"] * np.sin(9 * y + t["hair_phase"])
    behind = _box(x, y - t["hair_length"] / 2 + 0.05, long, t["hair_length"] / 2 + 0.1, 0.12)
    canvas.paint(behind, hair * 0.82, female)
    shadow = t["skin"] * 0.8
    canvas.paint(_box(x, y - 0.75, 0.21 - 0.03 * female, 0.3, 0.04), shadow)
    canvas.paint(_ellipse(x, y - 0.95, 0.24, t["neckline"]), shadow)


def _draw_head(canvas: _Canvas, t: dict[str, np.ndarray], female: np.ndarray, hair: np.ndarray) -> None:
    """Draw ears, the head, and the hair on it: short for men; parted and down to the shoulders for women."""
    x, y, width, height = canvas.x, canvas.y, t["width"], t["height"]
    for side in (-1, 1):
        canvas.paint(_ellipse(x - side * (width + 0.01), y - 0.03, 0.075, 0.125), t["skin"] * 0.88, 1 - female)
    skull = _ellipse(x / (1 - t["taper"] * np.maximum(y, 0) / height), y, width, height)
    round_off = np.clip(1 + skull / 0.45, 0, 1) ** 2
    canvas.paint(skull, _planes(t["skin"]) * (1.04 - 0.22 * round_off)[:, None])
    for side in (-1, 1):
        blush = t["skin"] * np.array((1.02, 0.78, 0.76), np.float32)
        canvas.paint(_ellipse(x - side * 0.3, y - 0.24, 0.15, 0.1), blush, 0.25 + 0.25 * female)
    volume = t["hair_volume"]
    scalp = _ellipse(x, y + 0.05, width + volume, height + volume)
    top = x - _TURN * t["yaw"]
    short = np.maximum(scalp, y - t["hairline"] - 0.25 * (top - t["parting"] * 0.4) ** 2 - 0.55 * np.abs(top) ** 3)
    sides = np.maximum(np.maximum(scalp, 0.93 * width - np.abs(x)), y + 0.1)
    canvas.paint(np.minimum(short, sides), hair, 1 - female)
    opening = _ellipse(top - 0.35 * t["parting"], y - 0.3, width * 0.84, 0.74 + t["hairline"] * 0.1)
    beside = np.maximum(np.abs(x) - width - volume - 0.03 * y, np.abs(y - 0.25) - t["hair_length"] + 0.35)
    around = np.minimum(scalp, np.maximum(beside, 0.8 * width - np.abs(x)))
    canvas.paint(np.maximum(around, -opening), hair, female)


def _draw_eye(part: _Canvas, t: dict[str, np.ndarray], female: np.ndarray, side: int) -> None:
    """Draw the left (-1) or right (1) eye with its lid, darker for women, and the brow."""
    x, y = part.x - side * t["eye_x"], part.y + 0.06
    white = _ellipse(x, y, t["eye"] * (1 + 0.08 * side * t["yaw"]), t["eye"] * 0.6)
    part.paint(white, np.full((len(part.image), 3), 0.96))
    for radius, colour in ((0.062, t["iris"]), (0.032, t["iris"] * 0.1)):
        part.paint(np.maximum(np.hypot(x - t["gaze"], y) - radius, white), colour)
    lid = np.maximum(np.abs(white) - 0.014 - 0.012 * female, y + 0.01)
    part.paint(lid, t["brow_colour"] * 0.5)
    fall = 2.2 * x**2 + t["brow_angle"] * side * x / 0.15
    brow = np.maximum(np.abs(y + 0.165 + 0.2 * t["brow"] - fall) - t["brow"], np.abs(x) - 0.15)
    part.paint(brow, t["brow_colour"])


def _draw_nose(face: _Canvas, t: dict[str, np.ndarray]) -> None:
    """Draw the shadow beside and below the nose."""
    x, y = face.x - 0.02 * t["yaw"], face.y
    away = np.where(np.cos(t["light_angle"]) > 0, -1.0, 1.0).astype(np.float32)
    face.paint(_ellipse(x - 0.045 * away, y - t["nose"] * 0.5, 0.028, t["nose"] * 0.6), t["skin"] * 0.78, 0.7)
    face.paint(_ellipse(x, y - t["nose"] - 0.01, 0.085, 0.03), t["skin"] * 0.66, 0.85)


def _draw_mouth(face: _Canvas, t: dict[str, np.ndarray], attributes: Attributes) -> None:
    """Draw closed lips, or a smile that shows the teeth."""
    x, y = face.x, face.y - t["mouth_y"]
    smile = attributes.smile.astype(np.float32)[:, None, None]
    resting = y + 0.03 * (x / t["mouth"]) ** 2
    lips = np.clip(t["lips"], 0, 1) * np.clip(t["skin"] + 0.25, 0, 1)
    face.paint(_bow(x, resting - 0.01, t["mouth"], -0.055, 0.07), lips, 1 - smile)
    face.paint(_bow(x, resting, t["mouth"], -0.008, 0.018), lips * 0.45, 1 - smile)
    wide = t["mouth"] * 1.45
    face.paint(_bow(x, y + 0.07, wide + 0.03, 0.005, 0.25), lips, smile)
    face.paint(_bow(x, y + 0.07, wide - 0.03, 0.055, 0.2), np.full((len(lips), 3), 0.99), smile)
    for side in (-1, 1):
        face.paint(_ellipse(x - side * (wide + 0.03), y + 0.06, 0.022, 0.055), t["skin"] * 0.7, 0.7 * smile)


def _draw_moustache(face: _Canvas, t: dict[str, np.ndarray], attributes: Attributes) -> None:
    """Draw a moustache between nose and mouth, thick in the middle of each half."""
    x, y = face.x, face.y - t["nose"] - 0.055
    along = np.abs(x) / t["moustache"]
    middle = 0.02 + t["moustache_droop"] * along**2
    thick = 0.062 * np.sqrt(np.clip(1 - along**3, 0, 1)) * (0.75 + 0.25 * np.minimum(along * 3, 1))
    distance = np.maximum(np.abs(y - middle) - thick, np.abs(x) - t["moustache"])
    face.paint(distance, t["brow_colour"] * 0.75, attributes.moustache.astype(np.float32)[:, None, None])


def _draw_glasses(face: _Canvas, t: dict[str, np.ndarray], female: np.ndarray, attributes: Attributes) -> None:
    """Draw glasses: thin frames with clear lenses, or large dark ones."""
    clear, dark = _chosen(attributes.glasses, "clear"), _chosen(attributes.glasses, "dark")
    worn = clear + dark
    x, y = face.x, face.y + 0.05
    grown = 0.02 * dark
    lens = np.full_like(x, np.inf)
    for side in (-1, 1):
        box = _box(x - side * (t["eye_x"] + 0.02), y, t["lens"] + grown, t["lens_height"] + grown, t["lens_round"])
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


def _light(canvas: _Canvas, t: dict[str, np.ndarray]) -> np.ndarray:
    """Return the images (people, 3, side, side) under each person's light, from a side, bright or dim, warm or cold."""
    t = _columns(t)
    towards = canvas.x * np.cos(t["light_angle"]) + canvas.y * np.sin(t["light_angle"])
    strength = t["brightness"] * (1 + t["light"] * towards)
    tint = 1 + t["warmth"][:, 0] * np.array((1.0, 0.0, -1.0), np.float32)
    return canvas.image * strength[:, None] * _planes(tint)
