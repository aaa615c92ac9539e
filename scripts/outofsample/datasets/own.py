"""Data of your own: FCS files, h5ad, CSV or Parquet with label columns, or a folder of images with a table.

Which cells are source, target and query is said by the task; here each cell gets its condition and its domain, from
the settings (a file is one condition of one domain, as FCS files are) or from columns of the file.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from outofsample.datasets.support import base, single_cell
from outofsample.errors import NotAvailable, UserError, did_you_mean
from outofsample.files import fcs
from outofsample.images import image_data

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from scipy.sparse import csr_matrix

SCALES = ("arcsinh", "log1p_counts", "none")
#: Which cells were extrapolated, beside the files that are written back.
EXTRAPOLATED = "extrapolated.csv"
#: What a file is, by the ending of its name (without .gz).
FORMATS = {".fcs": "fcs", ".h5ad": "h5ad", ".csv": "table", ".tsv": "table", ".parquet": "parquet", ".pq": "parquet"}
#: Whole numbers above this are taken for counts: logarithms of counts stay below it.
_LARGEST_LOG = 20
#: Features or cells that a message lists at most.
_LISTED = 10
#: Cells that the guess about counts and logarithms looks at.
_GUESSED_ON = 2000


@dataclass(frozen=True)
class Settings:
    """Which files, what each cell is, and the scale that models see.

    Attributes
    ----------
    files
        Paths relative to ``folder``, or mappings ``{path, condition, domain}``. A folder of FCS files stands for all
        in it; then, and for single FCS files, the domain is the name of the file where none is given.
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
    layer
        Layer of an h5ad to read; default: ``X``.
    images
        Folder of images, beside the table that lists them; ``files`` is then that table.
    image_column
        Column of the table with the paths of the images, relative to that folder.
    image_size
        Side in pixels that images are scaled to; default: as they are, all of one size.
    images_digest
        Written by `Dataset.complete`: changes when an image does.
    """

    files: tuple[str | dict[str, str | int | None], ...]
    folder: str = "."
    scale: str | None = None
    cofactor: float = fcs.COFACTORS["mass"]
    condition_column: str | None = None
    domain_column: str | None = None
    name_column: str | None = None
    features: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    layer: str | None = None
    images: str | None = None
    image_column: str = "file"
    image_size: int | None = None
    images_digest: str = ""

    def __post_init__(self):
        base.check_settings(self, tuples=("features", "exclude"))
        object.__setattr__(self, "files", tuple(_entry(file) for file in self.files))
        if not self.files:
            raise ValueError("files must name at least one file")
        formats = {self.format_of(entry["path"]) for entry in self.files}
        if len(formats) > 1:
            raise ValueError(f"files must all be of one kind, and these are {', '.join(sorted(formats))}")
        object.__setattr__(self, "scale", self.scale or ("arcsinh" if self.format == "fcs" else "none"))
        if self.scale not in SCALES:
            raise ValueError(f"scale must be {', '.join(SCALES[:-1])} or {SCALES[-1]}, not '{self.scale}'")
        if self.image_size is not None and self.image_size < 4:
            raise ValueError(f"image_size must be at least 4, not {self.image_size}")
        self._check_labels()

    @property
    def format(self) -> str:
        """What the files are: ``fcs``, ``h5ad``, ``table``, ``parquet`` or ``images``."""
        return "images" if self.images is not None else self.format_of(self.files[0]["path"])

    @staticmethod
    def format_of(path: str) -> str:
        """Return what a file is, by its name; a name without a known ending is a folder of FCS files."""
        name = path.lower().removesuffix(".gz")
        suffix = PurePosixPath(name).suffix
        return FORMATS.get(suffix, "fcs")

    def _check_labels(self) -> None:
        fcs_files = self.format == "fcs"
        for entry in self.files:
            if entry["condition"] is None and (fcs_files or self.condition_column is None):
                remedy = "" if fcs_files else ", or name the column that holds it in 'condition_column'"
                raise ValueError(f"files: '{entry['path']}' needs a condition: {_example(entry)}{remedy}")
            if entry["domain"] is None and not fcs_files and self.domain_column is None:
                raise ValueError(
                    f"files: '{entry['path']}' needs a domain: {_example(entry)}, or name the column that holds it "
                    "in 'domain_column'"
                )


def _example(entry: dict) -> str:
    return (
        f"{{path: {entry['path']}, condition: {entry['condition'] or 'before'}, domain: {entry['domain'] or 'day1'}}}"
    )


def _entry(file: str | dict) -> dict[str, str | None]:
    """Return path, condition and domain of an entry of ``files``.

    Raises
    ------
    ValueError
        If a key is unknown, or the path is missing or leads out of the folder.
    """
    given: dict[str, Any] = {"path": file} if isinstance(file, str) else dict(file)
    known = ("path", "condition", "domain")
    for key in given:
        if key not in known:
            raise ValueError(f"files: unknown key '{key}'{did_you_mean(key, known)}; known here: {', '.join(known)}")
    if not given.get("path"):
        raise ValueError("files: each entry needs a 'path', relative to 'folder'")
    entry = {key: None if given.get(key) is None else str(given[key]) for key in known}
    path = PurePosixPath(entry["path"])
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(
            f"files: '{path}' must lie within the dataset's folder; give it relative to 'folder', without '..'"
        )
    if EXTRAPOLATED in path.parts:
        raise ValueError(f"files: rename '{path}': the results have a file of this name")
    return {**entry, "path": str(path)}


@dataclass
class Part:
    """The cells of one file: values (cells, features), feature names and their columns in the file, obs (cells,)."""

    file: str
    values: Any
    features: tuple[str, ...]
    columns: tuple[str, ...]
    obs: "pd.DataFrame"


class Dataset(base.Dataset):
    """Files of a user; ``obs["file"]`` and ``obs["row"]`` tell where each cell stands, for writing it back.

    ``var["column"]`` is the name of a feature in the first file, ``var["columns"]`` in the others where it differs.
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
        """Return the settings with what only a look into ``data_dir`` can tell: the files that a folder holds.

        Raises
        ------
        UserError
            If a folder holds no FCS file, a folder is given where one file is needed, or two paths cannot be told
            apart.
        """
        settings = cls.Settings(**values)
        root = Path(data_dir) / settings.folder
        found = []
        for entry in settings.files:
            path = root / entry["path"]
            found += _files_in(path, entry, root, settings) if path.is_dir() else [entry]
        _check_paths([entry["path"] for entry in found])
        completed = {**values, "files": found}
        if settings.images is not None:
            folder = (root / settings.images).resolve()
            if not folder.is_dir():
                raise UserError(f"{root / settings.images}: there is no such folder of images (setting 'images').")
            completed |= {"images": str(folder), "images_digest": _folder_digest(folder)}
        return completed

    def raw_files(self) -> list[base.RawFile]:
        """Return the files of the settings, which are in ``data_dir`` alone."""
        return [base.RawFile(entry["path"]) for entry in self.settings.files]

    def load(self, paths: dict[str, Path]) -> "AnnData":
        """Read the files; see `base.Dataset.load`. Warns on standard output where the scale looks wrong.

        Raises
        ------
        UserError
            If a file is missing, empty, damaged or a folder; a column is missing; labels or values are missing; the
            features differ between files; names of cells repeat; or there is only one condition.
        """
        from anndata import AnnData

        settings = self.settings
        for entry in settings.files:
            check_file(paths.get(entry["path"], Path(entry["path"])))
        if settings.format == "images":
            return _load_images(settings, paths)
        readers = {"fcs": _read_fcs, "h5ad": _read_h5ads, "table": _read_tables, "parquet": _read_tables}
        parts = readers[settings.format](settings, paths)
        _check_parts(parts, paths)
        obs = _joined_obs([part.obs for part in parts])
        _check_conditions(obs["condition"], settings)
        values = _stack([part.values for part in parts])
        counts = None
        warn_of_scale(values, settings.scale)
        if settings.scale == "arcsinh":
            values = fcs.transform(_dense(values), settings.cofactor)
        elif settings.scale == "log1p_counts":
            counts = _as_counts(values)
            obs["size"] = np.asarray(counts.sum(axis=1)).ravel()
            values = _log_of(counts, obs["size"].to_numpy())
        return AnnData(values, obs=obs, var=_var(parts), layers={} if counts is None else {"counts": counts})


# ---- files


def check_file(path: Path) -> None:
    """Raise `UserError` unless ``path`` is a file with something in it."""
    if path.is_dir():
        raise UserError(f"{path}: this is a folder; give the path of one file.")
    if not path.is_file():
        raise UserError(f"{path}: this file does not exist; check 'folder' and 'files' of the dataset.")
    if path.stat().st_size == 0:
        raise UserError(f"{path}: this file is empty (0 bytes); copy or export it again.")


def _files_in(path: Path, entry: dict, root: Path, settings: Settings) -> list[dict]:
    if settings.format != "fcs":
        raise UserError(f"{path}: this is a folder; give the path of one file (only FCS files are read by folder).")
    # What macOS keeps beside a file on other disks is called like it, with '._' before.
    found = sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() == ".fcs"
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    if not found:
        raise UserError(f"{path}: this folder holds no FCS file (a name that ends in .fcs).")
    return [_entry({**entry, "path": file.relative_to(root).as_posix()}) for file in found]


def _check_paths(paths: Sequence[str]) -> None:
    """Raise `UserError` where a path comes twice, or is the end of another: jobs tell files apart by these names.

    Nor can a name be written into a table that is not text, as names from older systems are not.
    """
    for path in paths:
        try:
            path.encode()
        except UnicodeEncodeError as error:
            raise UserError(f"files: rename {path!a}: this name is not UTF-8, as names and texts must be.") from error
    if twice := sorted({path for path in paths if paths.count(path) > 1}):
        raise UserError(f"files: '{twice[0]}' is named twice; name each file once.")
    for one, other in permutations(paths, 2):
        if other.endswith(f"/{one}"):
            raise UserError(f"files: '{one}' and '{other}' have the same name; rename one of them.")


def _folder_digest(folder: Path) -> str:
    """Return a digest of names, sizes and times of the files of a folder: reading them all would take too long."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        status = path.stat()
        digest.update(f"{path.relative_to(folder)}|{status.st_size}|{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _cell_names(file: str, rows: int) -> list[str]:
    return [f"{PurePosixPath(file).with_suffix('')}_{row}" for row in range(rows)]


# ---- readers, one per format


def _read_fcs(settings: Settings, paths: dict[str, Path]) -> list[Part]:
    import pandas as pd

    panels = [fcs.read_fcs(paths[entry["path"]]) for entry in settings.files]
    # What is brought into one order is a row with the number of each column: it then tells which column was taken.
    numbered = [replace(panel, values=np.arange(len(panel.channels))[None]) for panel in panels]
    joined = fcs.reconcile(numbered)
    chosen, names = fcs.select_markers(joined[0], settings.features, settings.exclude)
    parts = []
    for entry, panel, same in zip(settings.files, panels, joined, strict=True):
        columns = same.values[0, chosen]
        domain = entry["domain"] or PurePosixPath(entry["path"]).stem
        obs = pd.DataFrame(
            {"condition": entry["condition"], "domain": domain}, index=_cell_names(entry["path"], len(panel.values))
        )
        channels = tuple(panel.channels[column] for column in columns)
        parts.append(Part(entry["path"], panel.values[:, columns], names, channels, obs))
    return parts


def _read_h5ads(settings: Settings, paths: dict[str, Path]) -> list[Part]:
    import anndata

    parts = []
    for entry in settings.files:
        path = paths[entry["path"]]
        adata = single_cell.read(path, anndata.read_h5ad)
        obs = _labels(adata.obs, entry, settings, path, "obs")
        if settings.name_column is None:
            obs.index = adata.obs_names.astype(str)
        names = _choose(list(adata.var_names), list(adata.var_names), settings, path)
        if len(set(adata.var_names)) < adata.n_vars:
            raise UserError(f"{path}: names in var repeat; call adata.var_names_make_unique() and write it again.")
        if settings.layer is not None and settings.layer not in adata.layers:
            listed = ", ".join(adata.layers) or "none"
            raise UserError(
                f"{path}: there is no layer '{settings.layer}'{did_you_mean(settings.layer, adata.layers)}; "
                f"it has: {listed}."
            )
        columns = adata.var_names.get_indexer(names)
        matrix = adata.X if settings.layer is None else adata.layers[settings.layer]
        if matrix is None:
            raise UserError(f"{path}: X is empty; name the layer to read in 'layer'.")
        parts.append(Part(entry["path"], matrix[:, columns], tuple(names), tuple(names), obs))
    return parts


def _read_tables(settings: Settings, paths: dict[str, Path]) -> list[Part]:
    parts = []
    for entry in settings.files:
        path = paths[entry["path"]]
        table = read_table(path, settings.format)
        obs = _labels(table, entry, settings, path, "the table")
        labels = {settings.condition_column, settings.domain_column, settings.name_column}
        # A column without a name is the index that pandas or R wrote.
        numeric = [c for c in table.select_dtypes("number") if c not in labels and not c.startswith("Unnamed: ")]
        names = _choose(list(table.columns), numeric, settings, path)
        if text := [name for name in names if name not in numeric]:
            raise UserError(
                f"{path}: the column '{text[0]}' does not hold numbers alone (the first is "
                f"{table[text[0]].iloc[0]!r}); put it into 'exclude', or write its numbers with a decimal point."
            )
        values = table[names].to_numpy(dtype=np.float64, na_value=np.nan)
        parts.append(Part(entry["path"], values, tuple(names), tuple(names), obs))
    return parts


def read_table(path: Path, kind: str, **options) -> "pd.DataFrame":
    """Read a CSV, TSV or Parquet file; the separator of a CSV is the commonest of comma, semicolon and tab.

    Raises
    ------
    UserError
        If the file cannot be read as such a table, its rows are longer than its header, or a column name occurs twice.
    """
    import pandas as pd

    try:
        if kind == "parquet":
            table = pd.read_parquet(path)
        else:
            separator = separator_of(path)
            header = pd.read_csv(path, sep=separator, header=None, nrows=1, dtype=str, keep_default_na=False)
            table = pd.read_csv(path, sep=separator, **options)
            _check_header(path, header.iloc[0].tolist(), table)
    except ImportError as error:
        raise NotAvailable("Parquet files need pyarrow", "pip install pyarrow, or export the table as CSV") from error
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path}: this table cannot be read ({' '.join(str(error).split())}).") from error
    table.columns = table.columns.astype(str)
    return table


def _check_header(path: Path, names: list[str], table: "pd.DataFrame") -> None:
    import pandas as pd

    # pandas makes an index of the first fields where rows have more fields than the header.
    if not isinstance(table.index, pd.RangeIndex):
        raise UserError(
            f"{path}: the rows have {table.index.nlevels} more field(s) than the header; give each column a name (R's "
            "write.table: with 'row.names = FALSE', or with 'col.names = NA'), and end no line in a separator."
        )
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"{path}: the column '{twice[0]}' occurs twice; column names must be unique.")


def separator_of(path: Path) -> str:
    """Return the commonest of comma, semicolon and tab in the first line of a text file, gzipped or not."""
    import gzip

    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        line = file.readline()
    return max(",;\t", key=line.count)


def _labels(table: "pd.DataFrame", entry: dict, settings: Settings, path: Path, place: str) -> "pd.DataFrame":
    """Return condition and domain (cells,) of a file, with the names of the cells."""
    import pandas as pd

    if not len(table):
        raise UserError(f"{path}: this file holds no cells.")
    obs = pd.DataFrame(index=_cell_names(entry["path"], len(table)))
    for label in ("condition", "domain"):
        column = getattr(settings, f"{label}_column")
        obs[label] = (
            entry[label] if entry[label] is not None else _column(table, column, f"{label}_column", path, place)
        )
    if settings.name_column is not None:
        obs.index = _column(table, settings.name_column, "name_column", path, place)
    return obs


def _column(table: "pd.DataFrame", name: str, setting: str, path: Path, place: str) -> np.ndarray:
    """Return a column as strings (cells,).

    Raises
    ------
    UserError
        If the column is missing, or a cell has no value in it.
    """
    if name not in table.columns:
        listed = ", ".join(map(str, table.columns[:_LISTED])) + (", ..." if len(table.columns) > _LISTED else "")
        raise UserError(
            f"{path}: {place} has no column '{name}'{did_you_mean(name, table.columns)}, which '{setting}' names; "
            f"it has {listed or 'none'}."
        )
    column = table[name]
    if column.isna().any():
        row = int(np.flatnonzero(column.isna())[0])
        raise UserError(
            f"{path}: the column '{name}' ('{setting}') has no value in {column.isna().sum():,} cells, the first is "
            f"cell {row + 1:,}; fill it or remove these cells."
        )
    return column.astype(str).to_numpy()


def _choose(known: list[str], default: list[str], settings: Settings, path: Path) -> list[str]:
    """Return the features of a file: those that the settings name, or the default ones, without the excluded."""
    for setting in ("features", "exclude"):
        for name in getattr(settings, setting):
            if name not in known:
                raise UserError(f"{path}: there is no '{name}'{did_you_mean(name, known)}, which '{setting}' names.")
    names = [name for name in (settings.features or default) if name not in settings.exclude]
    if not names:
        raise UserError(f"{path}: no feature is left; name the columns with numbers in 'features'.")
    return names


# ---- joining


def _dense(values) -> np.ndarray:
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=np.float32)


def _stack(values: list):
    """Return the values of all files below each other, float32; sparse where all are."""
    import scipy.sparse

    if all(scipy.sparse.issparse(part) for part in values):
        return scipy.sparse.csr_matrix(scipy.sparse.vstack(values), dtype=np.float32)
    return np.concatenate([_dense(part) for part in values])


def _check_parts(parts: list[Part], paths: dict[str, Path]) -> None:
    first = parts[0]
    for part in parts[1:]:
        if set(part.features) != set(first.features):
            raise UserError(_difference(paths[first.file], first.features, paths[part.file], part.features))
        if part.features != first.features:
            order = [part.features.index(name) for name in first.features]
            part.values, part.features = part.values[:, order], first.features
            part.columns = tuple(part.columns[column] for column in order)
    for part in parts:
        _check_finite(part, paths[part.file])
        part.obs["file"] = part.file
        part.obs["row"] = np.arange(len(part.obs))
        if not part.obs.index.is_unique:
            repeated = part.obs.index[part.obs.index.duplicated()]
            raise UserError(
                f"{paths[part.file]}: the cell name '{repeated[0]}' occurs twice ({len(repeated):,} names repeat); "
                "give each cell its own name (adata.obs_names_make_unique(), or another 'name_column')."
            )


def _difference(one_file, one: Sequence[str], other_file, other: Sequence[str]) -> str:
    def listed(here, there):
        lonely = [name for name in here if name not in set(there)]
        more = f" and {len(lonely) - _LISTED:,} more" if len(lonely) > _LISTED else ""
        return ", ".join(lonely[:_LISTED]) + more if lonely else "nothing"

    return (
        f"{one_file} and {other_file} do not have the same features: only the first has {listed(one, other)}, and only "
        f"the second has {listed(other, one)}; name the shared ones in 'features'."
    )


def _check_finite(part: Part, path: Path) -> None:
    """Raise `UserError` that names the first value that is not finite as float32."""
    sparse = hasattr(part.values, "tocoo")
    values = part.values.tocoo() if sparse else np.asarray(part.values)
    with np.errstate(over="ignore"):
        bad = ~np.isfinite((values.data if sparse else values).astype(np.float32))
    if not bad.any():
        return
    place = np.argwhere(bad)[0]
    row, column = (values.row[place[0]], values.col[place[0]]) if sparse else place
    raise UserError(
        f"{path}: {bad.sum():,} values are missing (NaN) or infinite, the first is '{part.columns[column]}' of cell "
        f"{row + 1:,}; all values must be finite numbers."
    )


def _joined_obs(tables: list["pd.DataFrame"]) -> "pd.DataFrame":
    """Return the tables of all files; where names of cells repeat between files, the file is put before them."""
    import pandas as pd

    obs = pd.concat(tables)
    if not obs.index.is_unique:
        obs.index = obs["file"] + ":" + obs.index
    return obs


def _check_conditions(condition: "pd.Series", settings: Settings) -> None:
    if condition.nunique() < 2:
        where = f"the column '{settings.condition_column}'" if settings.condition_column else "'files'"
        raise UserError(
            f"All cells have the one condition '{condition.iloc[0]}' (by {where}): source and target must be two."
        )


def _var(parts: list[Part]) -> "pd.DataFrame":
    import json

    import pandas as pd

    first, *others = parts
    columns = [
        {part.file: part.columns[number] for part in others if part.columns[number] != name}
        for number, name in enumerate(first.columns)
    ]
    table = {"column": list(first.columns), "columns": [json.dumps(column) for column in columns]}
    return pd.DataFrame(table, index=list(first.features))


# ---- scales


def looks_like_counts(values) -> bool:
    """Whether values (cells, features), dense or sparse, are whole numbers from 0 up, some above any logarithm."""
    entries = _entries(values)
    return bool(entries.size and _is_whole(entries) and entries.max() > _LARGEST_LOG)


def _entries(values) -> np.ndarray:
    part = values[:_GUESSED_ON]
    return np.asarray(part.data if hasattr(part, "tocsr") else part)


def _is_whole(entries: np.ndarray) -> bool:
    return bool((entries >= 0).all() and (entries % 1 == 0).all())


def warn_of_scale(values, scale: str) -> None:
    """Print one line where the values do not look like what the scale expects."""
    entries = _entries(values)
    if not entries.size:
        return
    small = entries.max() <= _LARGEST_LOG
    if scale == "none" and looks_like_counts(values):
        print("warning: the values look like raw counts, and scale is 'none'; set scale: log1p_counts.", flush=True)
    elif scale == "log1p_counts" and not _is_whole(entries):
        what = "logarithms already; set scale: none" if small else "no counts (they are not whole numbers)"
        print(f"warning: scale is 'log1p_counts', and the values look like {what}.", flush=True)
    elif scale == "arcsinh" and small and not _is_whole(entries):
        print(
            f"warning: scale is 'arcsinh', and no value is above {entries.max():.3g}: they look transformed already; "
            "set scale: none.",
            flush=True,
        )


def _as_counts(values) -> "csr_matrix":
    from scipy.sparse import csr_matrix

    counts = csr_matrix(values, dtype=np.float32)
    if (counts.data < 0).any():
        raise UserError("scale: log1p_counts needs counts, and some values are negative; set scale: none.")
    return counts


def _log_of(counts: "csr_matrix", sizes: np.ndarray) -> "csr_matrix":
    """Return log(1 + counts per 10,000 of the cell); cells without any count stay zero."""
    from scipy.sparse import csr_matrix, diags

    factors = single_cell.TARGET_SUM / np.where(sizes > 0, sizes, 1)
    return csr_matrix(diags(factors.astype(np.float32)) @ counts, dtype=np.float32).log1p()


def to_file_scale(values: np.ndarray, settings: Settings, sizes: np.ndarray | None = None) -> np.ndarray:
    """Return predictions (cells, features) on the scale that the files have, float32; the inverse of ``scale``.

    ``sizes`` (cells,) are the counts of each cell, for ``log1p_counts``: a prediction then keeps the size of its cell,
    and values below zero, which no count has, are cut off.
    """
    values = np.asarray(values, dtype=np.float64)
    if settings.scale == "arcsinh":
        values = np.sinh(values) * settings.cofactor
    elif settings.scale == "log1p_counts":
        values = np.expm1(np.maximum(values, 0)) * (sizes[:, None] / single_cell.TARGET_SUM)
    return np.clip(values, -np.finfo(np.float32).max, np.finfo(np.float32).max).astype(np.float32)


# ---- images


def _load_images(settings: Settings, paths: dict[str, Path]) -> "AnnData":
    import pandas as pd

    tables = []
    first = paths[settings.files[0]["path"]]
    folder = first.parent / settings.images
    root = folder.resolve()
    for entry in settings.files:
        path = paths[entry["path"]]
        kind = settings.format_of(entry["path"])
        table = read_table(path, kind, **({} if kind == "parquet" else {"dtype": str}))
        obs = _labels(table, entry, settings, path, "the table")
        names = _column(table, settings.image_column, "image_column", path, "the table")
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
    _check_conditions(obs["condition"], settings)
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
        if written.get(path) == name:
            raise UserError(f"{table}: the image '{name}' is listed twice; list each image once.")
        if path in written:
            raise UserError(
                f"{table}: '{written[path]}' and '{name}' in the column '{column}' would both be written back as "
                f"'{path}'; rename one of them."
            )
        written[path] = name


def written_as(file: str, kind: str) -> str:
    """Return the name that a prediction has within the folder of its query, for the file (or image) that it is of."""
    path = PurePosixPath(file)
    return path.with_suffix(".png").as_posix() if kind == "images" and path.name else file


def _read_images(folder: Path, names: Sequence[str], size: int | None) -> np.ndarray:
    """Return images (images, height, width, channels) uint8; grey ones have one channel, others three.

    Raises
    ------
    UserError
        If an image is missing, damaged or of another size than the first.
    """
    from PIL import Image, UnidentifiedImageError

    images, mode, shape = None, "", (0, 0)
    for row, name in enumerate(names):
        path = folder / name
        try:
            check_file(path)
            with Image.open(path) as image:
                mode = mode or ("L" if image.mode in ("L", "1") else "RGB")
                image = image.convert(mode)
                pixels = np.asarray(image if size is None else image.resize((size, size), Image.Resampling.BICUBIC))
        except (UnidentifiedImageError, OSError, SyntaxError) as error:
            raise UserError(f"{path}: this image cannot be read ({error}); export it again.") from error
        if images is None:
            shape = pixels.shape[:2]
            images = np.empty((len(names), *shape, 1 if mode == "L" else 3), np.uint8)
        if pixels.shape[:2] != shape:
            raise UserError(
                f"{path}: this image has {pixels.shape[1]} x {pixels.shape[0]} pixels, and the first has "
                f"{shape[1]} x {shape[0]}; set 'image_size' to scale all to one size."
            )
        images[row] = pixels.reshape(images.shape[1:])
    return images
