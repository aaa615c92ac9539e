"""A report as large as the demo's: below ten megabytes, and open in less than two seconds."""

import io
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from outofsample.files.scores import Row
from outofsample.jobs.figure import ShownTask
from outofsample.jobs.table import ColumnSpec, MethodRow
from outofsample.metrics.directions import DIRECTIONS
from tests.browser.study import FIGURE, TABLE, SmallStudy

#: The demo's figures, pixels of one, blocks of its tables, methods, and scores of a table.
FIGURES, PIXELS, TASKS, METHODS, SCORES = 14, (1418, 1700), 11, 28, 9
MEGABYTES, SECONDS = 10, 2
#: A report of that size takes twenty seconds of a processor to make.
pytestmark = pytest.mark.slow


class LargeStudy(SmallStudy):
    """A study whose figures are points and images in many colours."""

    @staticmethod
    def _write_figure(path):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(_figure())


@cache
def _figure() -> bytes:
    from PIL import Image, ImageDraw

    rng = np.random.default_rng(0)
    picture = Image.new("RGB", PIXELS, "white")
    draw = ImageDraw.Draw(picture)
    for x, y, red, green, blue in rng.integers(0, [*PIXELS, 256, 256, 256], (10_000, 5)).tolist():
        draw.ellipse([x, y, x + 6, y + 6], (red, green, blue))
    for x in range(0, PIXELS[0] - 64, 60):
        image = Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8))
        picture.paste(image.resize((64, 64), Image.Resampling.BICUBIC), (x, x % 1500))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """The page of a study of the demo's size."""
    rng = np.random.default_rng(0)
    names = ["no_change", "mean_shift", *(f"method{number}" for number in range(METHODS - 2))]
    scores = ["energy_distance", *(score for score in DIRECTIONS if score != "energy_distance")][:SCORES]
    tasks = {f"task{number}": ShownTask(f"task {number}") for number in range(TASKS)}
    rows = [
        Row(task, "q", method, seed, score, float(rng.gamma(2, 0.2)))
        for task in tasks
        for method in [*names, "oracle"]
        for seed in range(3)
        for score in scores
    ]
    columns = tuple(ColumnSpec(score, score, DIRECTIONS[score]) for score in scores)
    content = {
        "tasks": tasks,
        "methods": {name: MethodRow(name, name, control=name in names[:2]) for name in names},
        "tables": {"all": replace(TABLE, name="all", columns=columns, tasks=tuple(tasks), paper_tasks=())},
        "figures": {f"figure{'x' * number}": FIGURE for number in range(FIGURES)},
    }
    study = LargeStudy(tmp_path_factory.mktemp("large"), content, rows).write()
    made = study.make()
    assert made.returncode == 0, made.stderr
    return study


def test_it_is_small(large):
    figures = sum(path.stat().st_size for path in (large.folder / "figures").glob("*.png"))
    # As heavy as the demo's.
    assert figures > 8e6
    assert large.page.stat().st_size < MEGABYTES * 1e6


def test_it_opens_at_once(chromium, large):
    """The best of three: other work on the machine is not the page's."""
    times = []
    for _ in range(3):
        tab = chromium.open(large.page)
        times.append(tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd") / 1000)
        assert tab.evaluate("document.images.length") == FIGURES
        chromium.call("Target.closeTarget", targetId=tab.target)
    assert 0 < min(times) < SECONDS
