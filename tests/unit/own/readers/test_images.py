"""Images of one's own: within their folder, of one size, each listed once."""

import os
import struct
import zlib

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.unit.own.small_study import COLUMNS, dataset, error, load, paths, write_images, written


def test_images_of_several_sizes_need_one(folder):
    write_images(folder)
    Image.new("RGB", (5, 5)).save(folder / "pictures" / "2.png")
    settings = {"files": ["images.csv"], "images": "pictures", **COLUMNS}
    assert "2.png: this image has 5 x 5 pixels, and the first has 6 x 4; set 'image_size'" in error(folder, **settings)
    assert load(folder, image_size=8, **settings).n_vars == 8 * 8 * 3


def test_bad_images(folder):
    write_images(folder)
    settings = {"files": ["images.csv"], "images": "pictures", **COLUMNS}
    before = dataset(folder, **settings).settings.images_digest
    (folder / "pictures" / "0.png").write_text("no image")
    assert dataset(folder, **settings).settings.images_digest != before
    assert "0.png: this image cannot be read" in error(folder, **settings)
    (folder / "pictures" / "0.png").unlink()
    assert "0.png: this file does not exist" in error(folder, **settings)
    text = (folder / "images.csv").read_text()
    for outside in ("../../secret.png", str(folder / "secret.png"), "sub/..", str(folder / "pictures"), "/", ".."):
        (folder / "images.csv").write_text(text.replace("0.png", outside, 1))
        message = error(folder, **settings)
        assert f"images.csv: the path '{outside}' in the column 'file' leads out of the folder of images" in message
    (folder / "secret.png").touch()
    (folder / "pictures" / "0.png").symlink_to(folder / "secret.png")
    (folder / "images.csv").write_text(text)
    assert "the path '0.png' in the column 'file' leads out of the folder" in error(folder, **settings)
    assert "no such folder of images" in error(folder, **{**settings, "images": "picture"})


def png_of(width, height):
    """Return a PNG that says that it has so many pixels, in a few bytes."""

    def part(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1 << 20))
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", pixels) + part(b"IEND", b"")


def deep(path, mode):
    Image.fromarray(np.arange(24).reshape(4, 6).astype(np.uint16 if mode == "I;16" else np.float32)).save(path, "TIFF")


def film(path):
    one, two = (Image.new("L", (6, 4), grey) for grey in (0, 9))
    one.save(path, "GIF", save_all=True, append_images=[two])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_bytes(png_of(9000, 9000)), "has 9,000 x 9,000 pixels, and at most 50,000,000"),
        (lambda path: path.write_bytes(png_of(20_000, 20_000)), "far more than the 50,000,000 pixels"),
        (lambda path: path.write_bytes(png_of(6, 4)[:40]), "cannot be read"),
        (lambda path: deep(path, "I;16"), "has more than 8 bits per channel (mode I;16)"),
        (lambda path: deep(path, "F"), "has more than 8 bits per channel (mode F)"),
        (lambda path: path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 6 4\n"), "export it again as PNG"),
        (film, "this file holds 2 images"),
    ],
)
def test_images_that_would_lose_something_or_fill_the_memory(folder, make, words):
    write_images(folder)
    make(folder / "pictures" / "2.png")
    message = error(folder, files=["images.csv"], images="pictures", image_size=4, **COLUMNS)
    assert "2.png: " in message and words in message


def test_colours_among_grey_images_are_not_lost(folder):
    write_images(folder, mode="L")
    settings = {"files": ["images.csv"], "images": "pictures", **COLUMNS}
    assert load(folder, **settings).n_vars == 24
    Image.new("RGB", (6, 4)).save(folder / "pictures" / "2.png")
    assert "2.png: this image has colours, and the first one is grey" in error(folder, **settings)


def test_photographs_are_read_as_they_are_seen(folder):
    write_images(folder)
    settings = {"files": ["images.csv"], "images": "pictures", **COLUMNS}
    # Held upright, the camera wrote 4 x 6 pixels on their side.
    pixels = np.arange(72, dtype=np.uint8).reshape(4, 6, 3)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(pixels)).save(folder / "pictures" / "2.png", exif=exif)
    adata = load(folder, **settings)
    np.testing.assert_array_equal(adata.X[adata.obs["file"] == "2.png"].reshape(4, 6, 3), pixels)


def test_a_file_beside_the_images_may_have_any_name(folder):
    write_images(folder)
    with open(os.fsencode(folder / "pictures") + b"/\xff.png", "wb"):
        pass
    assert load(folder, files=["images.csv"], images="pictures", **COLUMNS).n_obs == 9


@pytest.mark.parametrize(("mode", "colour"), [("RGBA", (9, 9, 9)), ("LA", (9,)), ("P", (0,))])
def test_transparent_parts_are_not_lost_without_a_word(folder, mode, colour):
    write_images(folder, mode="L" if mode == "LA" else "RGB")
    settings, path = {"files": ["images.csv"], "images": "pictures", **COLUMNS}, folder / "pictures" / "2.png"
    image = Image.new(mode, (6, 4), colour[0] if mode == "P" else (*colour, 255))
    image.save(path)
    assert load(folder, **settings).n_obs == 9
    if mode != "P":
        image.putpixel((1, 1), (*colour, 254))
    image.save(path, **({"transparency": 0} if mode == "P" else {}))
    assert "2.png: parts of this image are transparent" in error(folder, **settings)


def test_more_images_than_the_memory_holds(folder, monkeypatch):
    write_images(folder)
    monkeypatch.setattr("os.sysconf", lambda name: 1 if name == "SC_PAGE_SIZE" else 1000)
    message = error(folder, files=["images.csv"], images="pictures", **COLUMNS)
    assert "9 images of 6 x 4 pixels take 2.531 kB, and this machine has 1,000 bytes; set 'image_size'" in message


def test_a_name_that_would_be_too_long_as_png(folder):
    write_images(folder)
    name = "a" * 252
    Image.new("RGB", (6, 4)).save(folder / "pictures" / name, "PNG")
    text = (folder / "images.csv").read_text()
    (folder / "images.csv").write_text(text.replace("0.png", name, 1))
    message = error(folder, files=["images.csv"], images="pictures", **COLUMNS)
    assert "images.csv: files: a name of 256 bytes is too long" in message


def test_images_may_be_named_by_their_whole_path(folder, tmp_path):
    write_images(folder)
    frame = pd.read_csv(folder / "images.csv")
    # Another way to the same folder, as a mount has.
    (tmp_path / "link").symlink_to(folder / "pictures")
    ways = [str(folder / "pictures"), str(tmp_path / "link"), str(folder / "pictures" / "sub" / "..")]
    frame["file"] = [f"{ways[row % 3]}/{name}" for row, name in enumerate(frame["file"])]
    frame.to_csv(folder / "images.csv", index=False)
    data = dataset(folder, files=["images.csv"], images="pictures", **COLUMNS)
    assert data.load(paths(data, folder)).obs["file"].tolist()[:3] == ["0.png", "sub/1.png", "2.png"]
    found = written(data, folder, tmp_path)
    assert [path.relative_to(tmp_path / "out" / "after").as_posix() for path in found] == [
        "2.png", "sub/5.png", "8.png"
    ]  # fmt: skip


def test_images_that_would_come_back_as_one(folder):
    write_images(folder)
    settings = {"files": ["images.csv"], "images": "pictures", **COLUMNS, "name_column": "name"}
    frame = pd.read_csv(folder / "images.csv").assign(name=range(9))
    Image.new("RGB", (6, 4)).save(folder / "pictures" / "2.jpg")
    frame.assign(file=frame["file"].replace("8.png", "2.jpg")).to_csv(folder / "images.csv", index=False)
    assert "'2.png' and '2.jpg' in the column 'file' would both be written back as '2.png'; rename one" in error(
        folder, **settings
    )
    frame.assign(file=frame["file"].replace("8.png", "2.png")).to_csv(folder / "images.csv", index=False)
    assert "the image '2.png' is listed twice" in error(folder, **settings)
    frame.assign(name="same").to_csv(folder / "images.csv", index=False)
    assert "the name 'same' is given to two images" in error(folder, **settings)
