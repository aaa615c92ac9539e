"""Drawn faces with the attributes that the papers change in CelebA: hair, glasses, smile, moustache.

No file is needed, and the truth is known face by face: the people of one sex are drawn twice, with and without the
attribute (`outofsample.images.draw_faces`). The other sex shows the change in different people, as photographs would.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from outofsample.datasets.support import base
from outofsample.errors import UserError
from outofsample.files import writing
from outofsample.images import draw_faces, image_data
from outofsample.images.people import GLASSES, HAIR, SEXES, Attributes, draw_people

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

#: The two conditions of each attribute.
CONDITIONS = {
    "hair": ("black", "blond"),
    "glasses": ("none", "glasses"),
    "smile": ("neutral", "smile"),
    "moustache": ("none", "moustache"),
}
IMAGES, TABLE = "faces.npy", "faces.csv"
#: How often people have the attributes that are not asked for.
_SMILE = 0.5
_MOUSTACHE = {"male": 0.2, "female": 0.0}
_GLASSES = (0.8, 0.12, 0.08)


@dataclass(frozen=True)
class Settings:
    """What is drawn.

    Attributes
    ----------
    folder
        The dataset's folder in ``data_dir``; nothing is read from it.
    attribute
        What changes between the two conditions; the other attributes vary from person to person.
    images
        Faces of each sex and condition.
    size
        Side of the images in pixels.
    paired
        The sex of which the same people are drawn in both conditions: that of the query.
    dark_share
        Share of dark glasses among the faces with glasses, where glasses are the attribute.
    seed
        Seed of the people.
    """

    folder: str = "faces"
    attribute: Literal["hair", "glasses", "smile", "moustache"] = "hair"
    images: int = 500
    size: Literal[32, 64] = 32
    paired: Literal["female", "male"] = "female"
    dark_share: float = 0.5
    seed: int = 0

    def __post_init__(self):
        base.check_settings(self, at_least_two=("images",))
        if self.attribute not in CONDITIONS:
            raise ValueError(f"attribute must be one of {', '.join(CONDITIONS)}, not {self.attribute}")
        if self.paired not in SEXES:
            raise ValueError(f"paired must be male or female, not {self.paired}")
        if self.size not in (32, 64):
            raise ValueError(f"size must be 32 or 64, not {self.size}")
        if not 0 <= self.dark_share <= 1:
            raise ValueError(f"dark_share must be between 0 and 1, not {self.dark_share}")


class Dataset(base.Dataset):
    """Two conditions, with and without the attribute (`CONDITIONS`); domains "male" and "female"."""

    Settings = Settings
    can_simulate = True
    kinds = frozenset({"images"})
    domains = SEXES

    def raw_files(self) -> list[base.RawFile]:
        """Return nothing: all faces are drawn."""
        return []

    def simulated_files(self) -> list[base.RawFile]:
        """Return the images and the table of their attributes."""
        return [base.RawFile(IMAGES), base.RawFile(TABLE)]

    def simulate(self, folder: Path) -> None:
        """Draw the faces; the same seed gives the same bytes."""
        import pandas as pd

        settings = self.settings
        images, tables = [], []
        streams = np.random.default_rng(settings.seed).spawn(len(SEXES))
        for sex, rng in zip(SEXES, streams, strict=True):
            drawn = None
            for condition in CONDITIONS[settings.attribute]:
                if drawn is None or sex != settings.paired:
                    drawn = self._draw(rng, sex)
                people, attributes, dark = drawn
                changed = self._change(attributes, condition, dark)
                images.append(draw_faces.render(people, changed, settings.size))
                tables.append(self._table(sex, condition, changed))
        with writing.replacing(folder / IMAGES) as temporary:
            np.save(temporary, np.concatenate(images))
        with writing.replacing(folder / TABLE) as temporary:
            pd.concat(tables).to_csv(temporary, index=False)

    def _draw(self, rng: np.random.Generator, sex: str):
        """Draw people of a sex, their attributes, and who would wear dark glasses (people,)."""
        n = self.settings.images
        attributes = Attributes(
            hair=rng.choice(HAIR, n),
            smile=rng.random(n) < _SMILE,
            moustache=rng.random(n) < _MOUSTACHE[sex],
            glasses=rng.choice(GLASSES, n, p=_GLASSES),
        )
        dark = rng.permutation(n) < round(self.settings.dark_share * n)
        return draw_people(rng, np.repeat(sex, n)), attributes, dark

    def _change(self, attributes: Attributes, condition: str, dark: np.ndarray) -> Attributes:
        """Return the attributes with the one that is asked for as the condition says."""
        attribute = self.settings.attribute
        before = condition == CONDITIONS[attribute][0]
        if attribute == "hair":
            values = np.full(len(dark), condition)
        elif attribute == "glasses":
            values = np.where(before, "none", np.where(dark, "dark", "clear"))
        else:
            values = np.full(len(dark), not before)
        return Attributes(**{**vars(attributes), attribute: values})

    def _table(self, sex: str, condition: str, attributes: Attributes) -> "pd.DataFrame":
        """Return the rows of `TABLE` for one sex and condition."""
        import pandas as pd

        paired = sex == self.settings.paired
        numbers = range(self.settings.images)
        person = [f"{sex}_{number}" if paired else "" for number in numbers]
        return pd.DataFrame({"sex": sex, "condition": condition, "pair_id": person, **vars(attributes)})

    def load(self, paths: dict[str, Path]) -> "AnnData":
        """Read the faces; see `base.Dataset.load`.

        ``X`` is uint8; ``obs["pair_id"]`` is the same for a person in both conditions and "" for the sex whose
        people differ; ``obs`` also has ``hair``, ``smile``, ``moustache`` and ``glasses`` ("none", "clear", "dark").
        Images are named SEX_CONDITION_NUMBER.
        """
        import pandas as pd

        try:
            images = np.load(paths[IMAGES], allow_pickle=False)
            table = pd.read_csv(paths[TABLE], keep_default_na=False)
        except (OSError, ValueError, EOFError) as error:
            raise UserError(
                f"{paths[IMAGES].parent}: the drawn faces cannot be read ({error}); delete them."
            ) from error
        missing = {"sex", "condition", "pair_id", "hair", "smile", "moustache", "glasses"} - set(table.columns)
        if missing:
            raise UserError(f"{paths[TABLE]}: the columns {', '.join(sorted(missing))} are missing.")
        if images.dtype != np.uint8 or images.ndim != 4 or len(images) != len(table):
            raise UserError(f"{paths[IMAGES]}: it must have one colour image of bytes for each row of {TABLE}.")
        table = table.rename(columns={"sex": "domain"})
        number = table.groupby(["domain", "condition"]).cumcount().astype(str)
        table.index = (table["domain"] + "_" + table["condition"] + "_" + number).to_numpy()
        return image_data.to_anndata(images, table)
