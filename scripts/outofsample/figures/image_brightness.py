"""How bright a region of images is, such as eyes behind glasses: how many are dark, and whether there are two peaks."""

import math
from dataclasses import dataclass

import numpy as np

from outofsample.arrays import Query
from outofsample.errors import UserError
from outofsample.figures.image_choice import Choice, sample_rows
from outofsample.figures.image_task import ImageTask
from outofsample.files.prediction import PredictedImages


@dataclass(frozen=True)
class Brightness:
    """How bright a region is, in each image (images,), and what counts as dark.

    Attributes
    ----------
    values
        ``query``, where measured ``truth``, and the methods by name.
    cut
        Otsu's threshold between dark and bright, on the images before and after the change that training shows.
    label
        What was measured, for the axis.
    """

    values: dict[str, np.ndarray]
    cut: float
    label: str

    def share_dark(self, row: str) -> float:
        """Return the share of a row's images that are darker than the cut."""
        return float((self.values[row] < self.cut).mean())

    def bimodality(self, row: str) -> float:
        """Return Sarle's bimodality coefficient of a row.

        1/3 for a normal distribution, 5/9 for a uniform one, 1 for two points; NaN for fewer than 4 images, or where
        all are alike.
        """
        from scipy.stats import kurtosis, skew

        values = self.values[row].astype(float)
        n = len(values)
        if n < 4 or values.std() < 1e-6:
            return math.nan
        tails = kurtosis(values, bias=False) + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))
        return float((skew(values, bias=False) ** 2 + 1) / tails)


def measure(
    task: ImageTask, ran: list[PredictedImages], groups: list[list[Query]], choice: Choice, figure: str
) -> Brightness:
    """Measure the region in at most `MEASURED` images of the queries, the truth and each prediction."""
    from skimage.filters import threshold_otsu

    if len(groups) != 1:
        raise UserError(
            f"{figure}: the option 'region' needs queries with the same conditions; name them in 'queries'."
        )
    (queries,) = groups
    rows = sample_rows(np.concatenate([task.query(query) for query in queries]), choice.seed)
    values = {"query": choice.brightness(task.train.images(rows))}
    after = sample_rows(task.after(queries), choice.seed)
    if len(after):
        values["truth"] = choice.brightness(task.truth.images(after))
    for prediction in ran:
        values[prediction.method] = choice.brightness(prediction.of(task.train.names[rows], queries, "query"))
    known = [task.train.images(sample_rows(part(queries[0]), choice.seed)) for part in (task.source, task.target)]
    cut = threshold_otsu(np.concatenate([choice.brightness(images) for images in known]))
    return Brightness(values, float(cut), f"brightness of {choice.region_name}")


def in_words(found: Brightness, row: str) -> str:
    """Return what stands beside a distribution."""
    b = found.bimodality(row)
    return f"{found.share_dark(row):.0%} dark" + ("" if math.isnan(b) else f", b {b:.2f}")
