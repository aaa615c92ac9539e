"""Handwritten digits with normal, thin and thick strokes (Morpho-MNIST, Castro et al. 2019), or a stand-in.

The digits of the trVAE paper (Section 4.1). They are read as Morpho-MNIST distributes them (``source: morpho``: IDX
files in the folders plain, thin and thic; digit i is the same digit in each), or made here from MNIST itself
(``source: mnist``: IDX files in the folder original) by `outofsample.images.morphology`, which does what Morpho-MNIST
does.
The stand-in needs no file: scikit-learn's 1,797 bundled digits of 8 x 8 pixels, enlarged, in the same form.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from outofsample.datasets.support import base
from outofsample.datasets.support.idx import read_idx, write_idx
from outofsample.errors import UserError
from outofsample.images import image_data, morphology

if TYPE_CHECKING:
    from anndata import AnnData

#: The folder of each condition, by Morpho-MNIST's names.
FOLDERS = {"normal": "plain", "thin": "thin", "thick": "thic"}
ORIGINAL = "original"
DIGITS = tuple("0123456789")
SIDE = 28

_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/{name}"
_SHA256 = {
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
}
#: The stand-in's digits: side after enlarging, and how much thinner they are drawn. Digits of 8 x 8 pixels are bold;
#: so their strokes are about 3 pixels, as MNIST's are, and thick ones leave the loops open.
_STAND_IN_SIDE = 22
_STAND_IN_THINNING = 0.4


@dataclass(frozen=True)
class Settings:
    """Which digits, and where they come from.

    Attributes
    ----------
    folder
        The dataset's folder in ``data_dir``.
    source
        ``morpho``: Morpho-MNIST's files; ``mnist``: MNIST's, and strokes are redrawn here.
    part
        ``t10k`` (10,000 digits) or ``train`` (60,000, the paper's).
    digits_per_class
        At most so many of each digit, drawn with ``seed``, the same in each condition; None: all.
    seed
        Seed of that draw.
    known
        Digits whose domain is called "known", and all others' "new": a task then has one query per condition. None:
        the domain is the digit.
    thinning, thickening
        Disks in halves of the stroke's thickness, where strokes are redrawn here.
    download
        Fetch MNIST's files where they are not in ``data_dir``.
    """

    folder: str = "morpho_mnist_t10k"
    source: Literal["morpho", "mnist"] = "morpho"
    part: Literal["t10k", "train"] = "t10k"
    digits_per_class: int | None = None
    seed: int = 0
    known: tuple[str, ...] = ()
    thinning: float = morphology.THINNING
    thickening: float = morphology.THICKENING
    download: bool = False

    def __post_init__(self):
        object.__setattr__(self, "known", tuple(str(digit) for digit in self.known))
        base.check_settings(self)
        if self.digits_per_class is not None and self.digits_per_class < 1:
            raise ValueError(f"digits_per_class must be at least 1, not {self.digits_per_class}")
        if not set(self.known) < set(DIGITS):
            raise ValueError(f"known must be some of the digits 0 to 9, not {', '.join(self.known)}")
        if not 0 <= self.thinning < 1:
            raise ValueError(f"thinning must be at least 0 and below 1, not {self.thinning}")
        if not self.thickening >= 0:
            raise ValueError(f"thickening must not be negative, not {self.thickening}")
        if self.download and self.source != "mnist":
            raise ValueError("download goes with 'source: mnist'; Morpho-MNIST has no address to fetch files from")


class Dataset(base.Dataset):
    """Three conditions ("normal", "thin", "thick"); the domain is the digit, "0" to "9"."""

    Settings = Settings
    can_simulate = True
    kinds = frozenset({"images"})
    how_to_get = (
        "Morpho-MNIST's archives plain, thin and thic are linked at https://github.com/dccastro/Morpho-MNIST#datasets "
        "(Google Drive, which asks before it sends, so use a browser): unpack each into a folder of its name "
        "in the dataset's folder. With 'source: mnist, download: true' MNIST is fetched, and strokes are redrawn here"
    )

    @property
    def domains(self) -> tuple[str, ...]:
        """The digits, or "known" and "new"."""
        return ("known", "new") if self.settings.known else DIGITS

    def _names(self, folder: str) -> tuple[str, str]:
        """Return the names of the images' and the labels' file in a folder."""
        part = self.settings.part
        return f"{folder}/{part}-images-idx3-ubyte.gz", f"{folder}/{part}-labels-idx1-ubyte.gz"

    def raw_files(self) -> list[base.RawFile]:
        """Return images and labels per condition, without address and digest; or MNIST's two files with both."""
        if self.settings.source == "morpho":
            return [base.RawFile(name) for folder in FOLDERS.values() for name in self._names(folder)]
        short = [(name, Path(name).name) for name in self._names(ORIGINAL)]
        return [base.RawFile(name, _SHA256[file], _URL.format(name=file)) for name, file in short]

    def simulated_files(self) -> list[base.RawFile]:
        """Return the stand-in's files: the same names."""
        return [base.RawFile(file.name) for file in self.raw_files()]

    def simulate(self, folder: Path) -> None:
        """Write scikit-learn's digits in the form of the real files; the same seed gives the same bytes."""
        settings = self.settings
        images, labels = _small_digits()
        rows = self._draw(labels)
        versions = {ORIGINAL: _enlarge(images[rows])}
        if settings.source == "morpho":
            redrawn = morphology.stroke_versions(versions[ORIGINAL], settings.thinning, settings.thickening)
            versions = {FOLDERS[condition]: digits for condition, digits in redrawn.items()}
        for name, digits in versions.items():
            for file, values in zip(self._names(name), (digits, labels[rows]), strict=True):
                write_idx(folder / file, values)

    def load(self, paths: dict[str, Path]) -> "AnnData":
        """Read the files, and redraw strokes where they are MNIST's; see `base.Dataset.load`.

        ``X`` is uint8, ``obs["pair_id"]`` the same for a digit in each condition, ``obs["digit"]`` what it is.
        Images are named CONDITION_PART_NUMBER.
        """
        import pandas as pd

        settings = self.settings
        if settings.source == "morpho":
            versions, labels = self._read_versions(paths)
            rows = self._draw(labels)
            versions = {condition: digits[rows] for condition, digits in versions.items()}
        else:
            digits, labels = _read_digits(*(paths[name] for name in self._names(ORIGINAL)))
            rows = self._draw(labels)
            versions = morphology.stroke_versions(digits[rows], settings.thinning, settings.thickening)
        digit = labels[rows].astype(str)
        domain = np.where(np.isin(digit, settings.known), "known", "new") if settings.known else digit
        pair = [f"{settings.part}_{row}" for row in rows]
        tables = [
            pd.DataFrame(
                {"condition": condition, "domain": domain, "digit": digit, "pair_id": pair},
                index=[f"{condition}_{name}" for name in pair],
            )
            for condition in versions
        ]
        return image_data.to_anndata(np.concatenate(list(versions.values()))[..., None], pd.concat(tables))

    def _draw(self, labels: np.ndarray) -> np.ndarray:
        """Return the rows of the digits that are used."""
        rng = np.random.default_rng(self.settings.seed)
        return image_data.draw_per_group(rng, labels, self.settings.digits_per_class)

    def _read_versions(self, paths: dict[str, Path]) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Read the digits of each condition, and the labels that all of them must have."""
        versions, first = {}, None
        for condition, folder in FOLDERS.items():
            images, labels = self._names(folder)
            versions[condition], found = _read_digits(paths[images], paths[labels])
            if first is None:
                first = found
            elif not np.array_equal(first, found):
                raise UserError(
                    f"{paths[labels]}: its digits must be those of the other conditions, in the same order."
                )
        return versions, first


def _read_digits(images: Path, labels: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return digits (n, 28, 28) uint8 and what they are (n,) uint8."""
    digits, names = read_idx(images, 3), read_idx(labels, 1)
    if digits.shape[1:] != (SIDE, SIDE):
        raise UserError(
            f"{images}: images must have {SIDE} x {SIDE} pixels, not {digits.shape[1]} x {digits.shape[2]}."
        )
    if len(digits) != len(names):
        raise UserError(f"{labels}: it has {len(names)} labels, and {images} has {len(digits)} images.")
    if names.max(initial=0) > 9:
        raise UserError(f"{labels}: labels must be 0 to 9, not {names.max()}.")
    return digits, names


def _small_digits() -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-learn's digits (1797, 8, 8), between 0 and 1, and what they are."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return digits.images / 16, digits.target.astype(np.uint8)


def _enlarge(images: np.ndarray) -> np.ndarray:
    """Return digits (n, 8, 8) as uint8 (n, 28, 28), with a black margin and strokes of about 3 pixels."""
    from skimage.transform import resize

    margin = (SIDE - _STAND_IN_SIDE) // 2
    large = resize(np.moveaxis(images, 0, -1), (_STAND_IN_SIDE, _STAND_IN_SIDE), order=3, anti_aliasing=False)
    large = np.pad(np.moveaxis(np.clip(large, 0, 1), -1, 0), ((0, 0), (margin, margin), (margin, margin)))
    return morphology.stroke_versions(np.rint(255 * large).astype(np.uint8), thinning=_STAND_IN_THINNING)["thin"]
