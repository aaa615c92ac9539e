"""Images as AnnData."""

import numpy as np

from outofsample.images import image_data


class TestImageData:
    def test_rows_are_flattened_images(self):
        import pandas as pd

        images = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
        adata = image_data.to_anndata(images, pd.DataFrame(index=["a", "b"]))
        assert adata.uns["image_shape"] == [3, 4, 3] and adata.X.dtype == np.uint8
        assert adata[:, "y2_x1_c0"].X.ravel().tolist() == images[:, 2, 1, 0].tolist()

    def test_draws_at_most_so_many_of_each_group(self):
        groups = np.array(list("abababb"))
        rows = image_data.draw_per_group(np.random.default_rng(0), groups, 3)
        assert (np.diff(rows) > 0).all() and groups[rows].tolist().count("a") == 3 and len(rows) == 6
        assert len(image_data.draw_per_group(np.random.default_rng(0), groups, None)) == 7
