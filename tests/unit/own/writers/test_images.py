"""Images come back as PNG."""

import pytest
from PIL import Image

from outofsample.files.dataset import check_contract
from tests.unit.own.small_study import COLUMNS, dataset, paths, write_images, written


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_images_come_back_as_png(folder, tmp_path, mode):
    write_images(folder, mode)
    data = dataset(folder, files=["images.csv"], images="pictures", **COLUMNS)
    assert data.kinds == {"images"}
    adata = data.load(paths(data, folder))
    check_contract(adata, "mine")
    assert list(adata.uns["image_shape"]) == [4, 6, 3 if mode == "RGB" else 1]
    found = written(data, folder, tmp_path, change=5.0)
    assert [path.relative_to(tmp_path / "out" / "after").as_posix() for path in found] == [
        "2.png", "sub/5.png", "8.png"
    ]  # fmt: skip
    pixel = Image.open(found[1]).getpixel((0, 0))
    assert pixel == ((55, 5, 12) if mode == "RGB" else 55)
