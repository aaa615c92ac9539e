"""Images of one's own: within their folder, of one size, each listed once."""

import pandas as pd
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
