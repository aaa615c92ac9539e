"""Who is drawn: people with all that is nuisance, and attributes that can be changed on the same person.

A person (`People`) is sex and everything that is nuisance: skin, background, pose, light, shape of the face. The
attributes (`Attributes`) are hair colour, smile, moustache and glasses.
"""

from dataclasses import dataclass

import numpy as np

SEXES = ("male", "female")
HAIR = ("black", "brown", "blond")
GLASSES = ("none", "clear", "dark")

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


def _between(colours: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return the colours (n, 3) at places 0 to 1 (n,) along a row of colours (m, 3)."""
    steps = np.linspace(0, 1, len(colours))
    return np.stack([np.interp(place, steps, channel) for channel in colours.T], axis=1)
