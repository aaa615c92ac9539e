"""Photographs of faces with forty attributes (CelebA, Liu et al. 2015): hair, glasses, smile, moustache.

Neuron Editing learns black to blond hair on men and applies it to black-haired women (and adds and removes moustache
and glasses); trVAE learns a smile on men and applies it to women. The files are read as they are distributed. They may
not be passed on and are for non-commercial research alone, so nothing is downloaded.
"""

import hashlib
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from outofsample.datasets.support import base
from outofsample.errors import UserError
from outofsample.files.limits import ARRAY_RATIO, check_unpacked
from outofsample.images import image_data

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

IMAGES, TABLE = "img_align_celeba.zip", "list_attr_celeba.txt"
#: Digests of the whole set (202,599 images), from torchvision's list.
MD5 = {IMAGES: "00d2c5bc6d35e252742224ab0c1e8fcb", TABLE: "75e246fa4810816ffd6ee81facbd244c"}
#: Width and height of the aligned photographs.
ALIGNED = (178, 218)
#: For each attribute the two conditions, and what CelebA's columns say of them.
CONDITIONS = {
    "hair": {
        "black": {"Black_Hair": True, "Blond_Hair": False},
        "blond": {"Black_Hair": False, "Blond_Hair": True},
    },
    "glasses": {"none": {"Eyeglasses": False}, "glasses": {"Eyeglasses": True}},
    "smile": {"neutral": {"Smiling": False}, "smile": {"Smiling": True}},
    "moustache": {"none": {"Mustache": False}, "moustache": {"Mustache": True}},
}


@dataclass(frozen=True)
class Settings:
    """Which photographs, and how they are cut.

    Attributes
    ----------
    folder
        The dataset's folder in ``data_dir``, with the two files.
    attribute
        What tells the two conditions apart.
    size
        Side of the images in pixels after scaling.
    crop
        Left, top, right and bottom of the part that is used, in pixels of the 178 x 218 photograph. The default is the
        square in the middle, which keeps the hair; (54, 76, 123, 177) is about what trVAE's code cuts out, from brows
        to chin.
    images_per_group
        At most so many images of each sex and condition, drawn with ``seed``; None: all.
    seed
        Seed of that draw.
    full
        Whether the files must be those of the whole set, by their MD5 digests.
    """

    folder: str = "celeba"
    attribute: Literal["hair", "glasses", "smile", "moustache"] = "hair"
    size: int = 64
    crop: tuple[int, int, int, int] = (0, 20, 178, 198)
    images_per_group: int | None = None
    seed: int = 0
    full: bool = False

    def __post_init__(self):
        base.check_settings(self, tuples=("crop",), at_least_two=("images_per_group",))
        if self.attribute not in CONDITIONS:
            raise ValueError(f"attribute must be one of {', '.join(CONDITIONS)}, not {self.attribute}")
        if not 8 <= self.size <= 178:
            raise ValueError(f"size must be between 8 and 178, not {self.size}")
        if len(self.crop) != 4 or not (
            0 <= self.crop[0] < self.crop[2] <= ALIGNED[0] and 0 <= self.crop[1] < self.crop[3] <= ALIGNED[1]
        ):
            raise ValueError(
                f"crop must be left, top, right, bottom within {ALIGNED[0]} x {ALIGNED[1]}, not {self.crop}"
            )


class Dataset(base.Dataset):
    """Two conditions, with and without the attribute (`CONDITIONS`); domains "male" and "female"."""

    Settings = Settings
    kinds = frozenset({"images"})
    domains = ("male", "female")
    how_to_get = (
        "CelebA is not downloaded automatically: agree to its terms at "
        "http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html (non-commercial research alone), take img_align_celeba.zip "
        "(folder Img) and list_attr_celeba.txt (folder Anno) from the drives linked there, and put both, unchanged, "
        "into the folder 'celeba' (setting 'folder') of data_dir"
    )

    @property
    def papers_data(self) -> bool:
        """Whether all photographs of the whole set are read."""
        return self.settings.full and self.settings.images_per_group is None

    def raw_files(self) -> list[base.RawFile]:
        """Return the two files, without address; digests are checked by `load` where ``full`` is set."""
        return [base.RawFile(IMAGES), base.RawFile(TABLE)]

    def load(self, paths: dict[str, Path]) -> "AnnData":
        """Read the photographs straight from the archive; see `base.Dataset.load`.

        ``X`` is uint8: all 202,599 images of 64 x 64 take 2.5 GB. ``obs`` has all attributes as True or False. Who
        would look how after a change is not known, so there is no ``pair_id``. Images are named as in the archive,
        without suffix.
        """
        settings = self.settings
        for name in (IMAGES, TABLE):
            if name not in paths or not paths[name].is_file():
                raise UserError(f"{paths.get(name, name)}: the file is missing; {self.how_to_get}.")
            if settings.full and (found := _md5(paths[name])) != MD5[name]:
                raise UserError(f"{paths[name]}: the MD5 digest of the whole set's file is {MD5[name]}, not {found}.")
        table = _label(_read_attributes(paths[TABLE]), settings.attribute)
        groups = (table["domain"] + "_" + table["condition"]).to_numpy(str)
        rng = np.random.default_rng(settings.seed)
        table = table.iloc[image_data.draw_per_group(rng, groups, settings.images_per_group)]
        images = _read_images(paths[IMAGES], list(table.index), settings.crop, settings.size)
        table.index = [name.removesuffix(".jpg") for name in table.index]
        return image_data.to_anndata(images, table)


def _md5(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _read_attributes(path: Path) -> "pd.DataFrame":
    """Read the attributes, True or False, by name of the image.

    The first line of the file is the number of images, the second the names of the attributes, the others NAME and a
    value -1 or 1 per attribute.
    """
    import pandas as pd

    hint = f"it must be CelebA's {TABLE} as distributed"
    try:
        with open(path) as file:
            announced = int(file.readline())
        table = pd.read_csv(path, sep=r"\s+", skiprows=1)
    except (ValueError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UserError(f"{path}: {hint} ({' '.join(str(error).split())}).") from error
    if announced != len(table):
        raise UserError(f"{path}: it announces {announced} images and has {len(table)}; {hint}.")
    wanted = {"Male", *(column for sides in CONDITIONS.values() for said in sides.values() for column in said)}
    if missing := wanted - set(table.columns):
        raise UserError(f"{path}: the attributes {', '.join(sorted(missing))} are missing; {hint}.")
    if not table.isin([-1, 1]).all(axis=None):
        raise UserError(f"{path}: attributes must be -1 or 1; {hint}.")
    return table == 1


def _label(attributes: "pd.DataFrame", attribute: str) -> "pd.DataFrame":
    """Return the images that are in one of the two conditions, with domain and condition before their attributes."""
    condition = np.full(len(attributes), "", dtype=object)
    for name, said in CONDITIONS[attribute].items():
        condition[np.logical_and.reduce([attributes[column] == value for column, value in said.items()])] = name
    table = attributes.copy()
    table.insert(0, "domain", np.where(attributes["Male"], "male", "female"))
    table.insert(0, "condition", condition)
    return table[condition != ""]


def _read_images(path: Path, names: list[str], crop: tuple[int, int, int, int], size: int) -> np.ndarray:
    """Return the named images of the archive, cut and scaled, as uint8 (images, size, size, 3)."""
    from PIL import Image

    images = np.empty((len(names), size, size, 3), np.uint8)
    try:
        with zipfile.ZipFile(path) as archive:
            known = set(archive.namelist())
            if outside := [name for name in known if name.startswith("/") or ".." in name.split("/")]:
                raise UserError(f"{path}: it holds '{min(outside)}', a path outside of its folder; fetch it again.")
            inside = [f"{path.stem}/{name}" for name in names]
            if absent := [name for name in inside if name not in known]:
                raise UserError(
                    f"{path}: {len(absent)} images that {TABLE} names are missing, the first is {absent[0]}."
                )
            for row, name in enumerate(inside):
                said = archive.getinfo(name)
                check_unpacked(path / name, said.file_size, said.compress_size, ARRAY_RATIO, "fetch the archive again")
                with archive.open(name) as file, Image.open(file, formats=["JPEG"]) as image:
                    if image.size != ALIGNED:
                        raise UserError(f"{path}: {name} has {image.size[0]} x {image.size[1]} pixels, not 178 x 218.")
                    cut = image.convert("RGB").crop(crop).resize((size, size), Image.Resampling.BICUBIC)
                    images[row] = np.asarray(cut)
    except (zipfile.BadZipFile, OSError, RuntimeError, ValueError, zlib.error, Image.DecompressionBombError) as error:
        raise UserError(f"{path} is damaged ({error}); fetch it again.") from error
    return images
