"""Data of your own: FCS files, h5ad, CSV or Parquet with label columns, or a folder of images with a table.

Which cells are source, target and query is said by the task; here each cell gets its condition and its domain, from
the settings (a file is one condition of one domain, as FCS files are) or from columns of the file.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from outofsample.datasets.support import base, single_cell
from outofsample.errors import UserError
from outofsample.files.cohort import Cohort
from outofsample.files.fcs import COFACTORS
from outofsample.own import scales
from outofsample.own.readers import fcs, h5ad, images, parquet, table
from outofsample.own.readers.support import entries, joining, samples
from outofsample.own.readers.support.drawing import Draw
from outofsample.own.readers.support.labels import check_labels, print_counts
from outofsample.own.readers.support.parts import Part, check_conditions

if TYPE_CHECKING:
    from anndata import AnnData


@dataclass(frozen=True)
class Settings:
    """Which files, what each cell is, and the scale that models see.

    Attributes
    ----------
    files
        Paths relative to ``folder``, or mappings ``{path, condition, domain}``. A folder of FCS files stands for all
        in it; then, and for single FCS files, the domain is the name of the file where none is given. ``obs`` in a
        mapping is {column: text}, which the file's cells have besides.
    samples
        In place of ``files``: a sample sheet, TSV or CSV, with the columns path, condition, domain and any others.
    folder
        The dataset's folder in ``data_dir``.
    scale
        What is done to the values: ``arcsinh`` of x / ``cofactor`` (the default for FCS), ``log1p_counts``
        (log of 1 + counts per 10,000 of the cell), or ``none`` (the default else).
    cofactor
        See ``scale``: 5 for mass cytometry, 150 for fluorescence.
    condition_column, domain_column
        Columns of the table (or of ``obs``) with condition and domain, where the files do not say it.
    name_column
        Column with the names of the cells; default: file and row (for h5ad: the names in ``obs``).
    features
        Channels, genes or columns to use; default: markers by rule (FCS), all (h5ad), all numeric columns (tables).
    exclude
        Features to leave out.
    rename
        What channels, genes or columns that are called differently in some files are to be called: {old: new}.
    layer
        Layer of an h5ad to read, or ``raw`` for its ``.raw``; default: ``X``.
    fit_cells
        At most so many cells of each population (the cells of one domain in one condition) are fitted and scored,
        drawn over all its files; of many populations fewer, so that all together are at most ten times as many (and
        50 of each). Of drawn cells with many features a task is fitted to 600 million values at most, and scored on 40
        million of each population; from an h5ad 3.6 GB are drawn at most. The files that come back hold all cells.
        null: all. Images are never drawn.
    images
        Folder of images, beside the table that lists them; ``files`` is then that table.
    image_column
        Column of the table with the paths of the images, relative to that folder.
    image_size
        Side in pixels that images are scaled to; default: as they are, all of one size.
    images_digest
        Written by `Dataset.complete`: changes when an image does.
    """

    files: tuple[str | dict[str, str | bool | int | float | date | dict[str, str] | None], ...] = ()
    samples: str | None = None
    folder: str = "."
    scale: str | None = None
    cofactor: float = COFACTORS["mass"]
    condition_column: str | None = None
    domain_column: str | None = None
    name_column: str | None = None
    features: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    rename: dict[str, str] = field(default_factory=dict)
    layer: str | None = None
    fit_cells: int | None = 100_000
    images: str | None = None
    image_column: str = "file"
    image_size: int | None = None
    images_digest: str = ""

    def __post_init__(self):
        base.check_settings(self, tuples=("features", "exclude"), at_least_two=("fit_cells",))
        object.__setattr__(self, "files", tuple(entries.as_entry(file) for file in self.files))
        if self.samples is not None and self.files:
            raise ValueError("give either 'files' or 'samples', not both")
        if not self.files and self.samples is None:
            raise ValueError("files must name at least one file, or samples a sheet that does")
        if self.samples is None:
            self._check_files()
            object.__setattr__(self, "scale", self.scale or ("arcsinh" if self.format == "fcs" else "none"))
        if self.scale is not None and self.scale not in scales.SCALES:
            *others, last = scales.SCALES
            raise ValueError(f"scale must be {', '.join(others)} or {last}, not '{self.scale}'")
        if self.image_size is not None and self.image_size < 4:
            raise ValueError(f"image_size must be at least 4, not {self.image_size}")

    def _check_files(self) -> None:
        formats = {entries.format_of(entry["path"]) for entry in self.files}
        if len(formats) > 1:
            raise ValueError(f"files must all be of one kind, and these are {', '.join(sorted(formats))}")
        self._check_labels()

    @property
    def format(self) -> str:
        """What the files are: ``fcs``, ``h5ad``, ``table``, ``parquet`` or ``images``."""
        return "images" if self.images is not None else entries.format_of(self.files[0]["path"])

    def _check_labels(self) -> None:
        fcs_files = self.format == "fcs"
        for entry in self.files:
            path, example = entry["path"], entries.example_of(entry)
            if entry["condition"] is None and (fcs_files or self.condition_column is None):
                remedy = "" if fcs_files else ", or name the column that holds it in 'condition_column'"
                raise ValueError(f"files: '{path}' needs a condition: {example}{remedy}")
            if entry["domain"] is None and not fcs_files and self.domain_column is None:
                raise ValueError(
                    f"files: '{path}' needs a domain: {example}, or name the column that holds it in 'domain_column'"
                )


#: What reads a format: (settings, paths by name, the draw) -> the cells of each file, one file after the other, all of
#: them or those drawn. Images become an AnnData in their reader.
READERS: dict[str, Callable[[Settings, dict[str, Path], Draw], Iterator[Part]]] = {
    "fcs": fcs.read,
    "h5ad": h5ad.read,
    "table": table.read,
    "parquet": parquet.read,
}


class Dataset(base.Dataset):
    """Files of a user; ``obs["file"]`` and ``obs["row"]`` tell where each cell stands, for writing it back.

    ``var["column"]`` is the name of a feature in the first file, ``var["columns"]`` in the others where it differs;
    ``uns["left_out"]`` (JSON) says of columns that are not used why they are not.
    """

    Settings = Settings

    @property
    def kinds(self) -> frozenset[str]:
        """What the data are, by format and scale."""
        if self.settings.format == "images":
            return frozenset({"images"})
        return frozenset({"tabular", "counts"} if self.settings.scale == "log1p_counts" else {"tabular"})

    @property
    def unit(self) -> str:
        """The scale of ``X``, for axes; empty where nothing was done to the values."""
        units = {"arcsinh": f"arcsinh(x/{self.settings.cofactor:g})", "log1p_counts": single_cell.UNIT}
        return units.get(self.settings.scale, "")

    @classmethod
    def complete(cls, values: dict, data_dir: Path) -> dict:
        """Return the settings with what only a look at files can tell: those that a sample sheet or a folder lists.

        Raises
        ------
        UserError
            If a folder holds no FCS file, a folder is given where one file is needed, two paths cannot be told apart,
            or the sample sheet is wrong (`samples.read_samples`).
        """
        settings = cls.Settings(**values)
        root = Path(data_dir) / settings.folder
        if settings.samples is not None:
            values, settings = cls._with_samples(values, settings, root)
        found = []
        for entry in settings.files:
            path = root / entry["path"]
            found += entries.files_in(path, entry, root, settings.format) if os.path.isdir(path) else [entry]
        entries.check_paths([entry["path"] for entry in found])
        completed = {**values, "files": found}
        if settings.images is not None:
            folder = (root / settings.images).resolve()
            if not os.path.isdir(folder):
                raise UserError(f"{root / settings.images}: there is no such folder of images (setting 'images').")
            completed |= {"images": str(folder), "images_digest": entries.folder_digest(folder)}
        return completed

    @classmethod
    def _with_samples(cls, values: dict, settings: Settings, root: Path) -> tuple[dict, Settings]:
        """Return the settings with the files of the sample sheet, which jobs do not read."""
        labelled = {label: getattr(settings, f"{label}_column") is not None for label in samples.LABELS}
        files = samples.read_samples(Path(settings.samples), root, labelled)
        values = {**values, "files": files, "samples": None}
        try:
            return values, cls.Settings(**values)
        except ValueError as error:
            raise UserError(f"{settings.samples}: {error}.") from error

    def raw_files(self) -> list[base.RawFile]:
        """Return the files of the settings, which are in ``data_dir`` alone."""
        return [base.RawFile(entry["path"]) for entry in self.settings.files]

    def load(self, paths: dict[str, Path]) -> "AnnData":
        """Read the files; see `base.Dataset.load`. Warns on standard output where the scale looks wrong.

        Raises
        ------
        UserError
            If a file is missing, empty, damaged or a folder; a column is missing; labels or values are missing; the
            features differ between files; names of cells repeat; labels differ only in case or blanks; or there is
            only one condition.
        """
        from anndata import AnnData

        settings = self.settings
        for entry in settings.files:
            entries.check_file(paths.get(entry["path"], Path(entry["path"])))
        if settings.format == "images":
            return images.load(settings, paths)
        draw, first = Draw(settings.fit_cells, entries.pairs_of(settings.files)), None
        for part in READERS[settings.format](settings, paths, draw):
            # Of the first file no more is kept than of others.
            first = first or replace(part, values=None)
            joining.check_part(part, first, paths)
            if part.file not in draw.cells:
                chosen = draw.choose(part.file, *(part.obs[name].to_numpy(object) for name in ("domain", "condition")))
                part = part if len(chosen) == len(part.obs) else part.at(chosen)
            draw.add(part)
        parts = draw.parts()
        if not draw.drawn:
            joining.check_size(parts, paths)
        joining.add_obs(parts, settings.files)
        obs = joining.joined_obs([part.obs for part in parts])
        check_conditions(obs["condition"], settings)
        check_labels(obs)
        print_counts(draw.populations, draw.kept)
        values = joining.stack(parts)
        scales.warn_of_scale(values, settings.scale)
        values, counts, sizes = scales.to_model_scale(values, settings)
        if sizes is not None:
            obs["size"] = sizes
        layers = {} if counts is None else {"counts": counts}
        left_out = json.dumps({name: why for part in parts for name, why in part.left_out.items()})
        var = joining.var_of(parts)
        # The size of a cell is a sum over all features, whichever of them a task keeps.
        features = [] if counts is None else [*var[["column", "columns"]].itertuples(name=None)]
        populations = [(*pair, size) for pair, size in draw.populations.items()]
        cohort = Cohort(draw.most, draw.cells, populations, features)
        uns = {"left_out": left_out, "cohort": cohort.to_json()}
        return AnnData(values, obs=obs, var=var, layers=layers, uns=uns)
