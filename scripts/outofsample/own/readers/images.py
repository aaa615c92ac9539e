"""Images of a user's own: a folder of them, and a table that lists them with their labels."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from outofsample.errors import UserError
from outofsample.files.limits import PIXELS, check_memory, check_pixels
from outofsample.images import image_data
from outofsample.own.readers import parquet, table
from outofsample.own.readers.support.boundary import reading
from outofsample.own.readers.support.entries import check_file, check_length, format_of
from outofsample.own.readers.support.labels import check_labels, print_counts, sizes_of
from outofsample.own.readers.support.output_names import written_as
from outofsample.own.readers.support.parts import check_conditions, column_of, labels_of

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from PIL.Image import Image

    from outofsample.datasets.own import Settings


#: Formats that are read: pictures alone, no documents that other programs are called for.
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM", "JPEG2000")


def load(settings: "Settings", paths: dict[str, Path]) -> "AnnData":
    """Return the images that the tables list (images, pixels), with the path of each in ``obs["file"]``.

    Raises
    ------
    UserError
        If a table lacks a column or a label, lists an image twice or two that would come back as one, a name repeats,
        there is only one condition, or an image is missing, damaged, outside of the folder or of another size.
    """
    import pandas as pd

    tables = []
    first = paths[settings.files[0]["path"]]
    folder = first.parent / settings.images
    root = folder.resolve()
    for entry in settings.files:
        path = paths[entry["path"]]
        # As text: numbers can be names.
        is_parquet = format_of(entry["path"]) == "parquet"
        listed = parquet.read_table(path) if is_parquet else table.read_table(path)
        obs = labels_of(listed, entry, settings, path, "the table")
        names = column_of(listed, settings.image_column, "image_column", path, "the table")
        obs["file"] = [_within(root, name, path, settings.image_column) for name in names]
        tables.append(obs)
    obs = pd.concat(tables)
    _check_images(obs["file"], first, settings.image_column)
    obs["row"] = np.arange(len(obs))
    if settings.name_column is None:
        obs.index = [PurePosixPath(name).with_suffix("").as_posix() for name in obs["file"]]
    if not obs.index.is_unique:
        repeated = obs.index[obs.index.duplicated()][0]
        raise UserError(f"{first}: the name '{repeated}' is given to two images; give each its own ('name_column').")
    check_conditions(obs["condition"], settings)
    check_labels(obs)
    print_counts(sizes_of(obs))
    return image_data.to_anndata(_read_images(folder, obs["file"], settings.image_size), obs)


def _within(root: Path, name: str, table: Path, column: str) -> str:
    """Return the path of an image relative to the (resolved) folder of images: by it the prediction is written.

    Raises
    ------
    UserError
        If the image is not in that folder.
    """
    # An absolute path is all right where it leads into the folder.
    path = root / name
    place = path.parent.resolve() / path.name
    if path.name == ".." or place == root or not all(p.is_relative_to(root) for p in (place, path.resolve())):
        raise UserError(
            f"{table}: the path '{name}' in the column '{column}' leads out of the folder of images {root}; images "
            "must be within it, with paths relative to it."
        )
    return place.relative_to(root).as_posix()


def _check_images(names: "pd.Series", table: Path, column: str) -> None:
    """Raise `UserError` where two rows would be written back as the same PNG."""
    written: dict[str, str] = {}
    for name in names:
        path = written_as(name, "images")
        try:
            check_length(PurePosixPath(path))
        except ValueError as error:
            raise UserError(f"{table}: {error} (column '{column}').") from error
        if written.get(path) == name:
            raise UserError(f"{table}: the image '{name}' is listed twice; list each image once.")
        if path in written:
            raise UserError(
                f"{table}: '{written[path]}' and '{name}' in the column '{column}' would both be written back as "
                f"'{path}'; rename one of them."
            )
        written[path] = name


def _check_kind(path: Path, image: "Image", mode: str) -> None:
    """Raise `UserError` where bringing an image to 8 bits of ``mode`` would lose what it shows.

    ``mode`` is that of the first image, "" for the first itself.
    """
    if image.mode.startswith(("I", "F")):
        raise UserError(
            f"{path}: this image has more than 8 bits per channel (mode {image.mode}), of which larger values would be "
            "cut off; scale its values to 0 to 255 and export it with 8 bits."
        )
    if (frames := getattr(image, "n_frames", 1)) > 1:
        raise UserError(f"{path}: this file holds {frames:,} images; give each a file of its own.")
    shown = image.convert("RGBA") if "transparency" in image.info else image
    if "A" in shown.getbands() and shown.getchannel("A").getextrema()[0] < 255:
        raise UserError(
            f"{path}: parts of this image are transparent, and what is to be seen there is not known; export it again "
            "with a background."
        )
    if mode == "L" and image.mode not in ("L", "1", "LA"):
        raise UserError(f"{path}: this image has colours, and the first one is grey; give all as grey or all as RGB.")


def _read_images(folder: Path, names: Sequence[str], size: int | None) -> np.ndarray:
    """Return images (images, height, width, channels) uint8; grey ones have one channel, others three.

    Raises
    ------
    UserError
        If an image is missing, damaged or of another size than the first.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    images, mode, shape = None, "", (0, 0)
    for row, name in enumerate(names):
        path = folder / name
        check_file(path)
        with reading(path):
            try:
                with Image.open(path, formats=FORMATS) as image:
                    check_pixels(path, *image.size)
                    _check_kind(path, image, mode)
                    mode = mode or ("L" if image.mode in ("L", "1") else "RGB")
                    # Cameras note how they were held: people see the image upright.
                    image = ImageOps.exif_transpose(image).convert(mode)
                    pixels = np.asarray(image if size is None else image.resize((size, size), Image.Resampling.BICUBIC))
            except Image.DecompressionBombError as error:
                raise UserError(
                    f"{path}: this image has far more than the {PIXELS:,} pixels that are read; scale it down."
                ) from error
            except (UnidentifiedImageError, OSError, SyntaxError) as error:
                raise UserError(
                    f"{path}: this image cannot be read ({error}); export it again as PNG, JPEG or TIFF."
                ) from error
        if images is None:
            shape = pixels.shape[:2]
            what = f"{len(names):,} images of {shape[1]:,} x {shape[0]:,} pixels"
            check_memory(path, len(names) * pixels.size * 4, what, "set 'image_size' to scale them down")
            images = np.empty((len(names), *shape, 1 if mode == "L" else 3), np.uint8)
        if pixels.shape[:2] != shape:
            raise UserError(
                f"{path}: this image has {pixels.shape[1]} x {pixels.shape[0]} pixels, and the first has "
                f"{shape[1]} x {shape[0]}; set 'image_size' to scale all to one size."
            )
        images[row] = pixels.reshape(images.shape[1:])
    return images
