"""Predictions in the format of the user's own files: FCS, h5ad, CSV, Parquet, PNG.

What a method did not predict stays as it was: other channels, columns and keywords, ``obs`` and ``var``. The predicted
values are put back on the scale of the file (`own.to_file_scale`). A file holds the cells of one query, in their order
in the original file.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from outofsample.arrays import Query
from outofsample.datasets import own
from outofsample.errors import UserError
from outofsample.files import fcs
from outofsample.files.prediction import PredictionFile
from outofsample.files.task import TrainingRows
from outofsample.files.writing import replacing
from outofsample.own.extrapolation import Extrapolated, in_features, in_units

if TYPE_CHECKING:
    import pandas as pd

#: Name of the layer with the prediction in an h5ad.
LAYER = "prediction"
#: The header of an FCS file holds offsets of at most eight digits.
_LARGEST_OFFSET = 99_999_999


@dataclass(frozen=True)
class Predicted:
    """What is predicted of the cells of one file.

    Attributes
    ----------
    rows
        Array (cells,) of rows in the original file, ascending.
    values
        Array (cells, features) float32 on the scale of the file.
    columns
        The name (features,) of each feature in the file.
    about
        Query, method and seed, for formats that can say so.
    """

    rows: np.ndarray
    values: np.ndarray
    columns: tuple[str, ...]
    about: dict[str, str]


def write_back(
    prediction: Path,
    train: Path,
    dataset: "own.Dataset",
    originals: dict[str, Path],
    folder: Path,
    seed: int | None = None,
) -> list[Path]:
    """Write each query of a prediction file as ``folder``/QUERY/FILE, and return the paths.

    Parameters
    ----------
    prediction, train
        The prediction of one method, and the training part of its task (docs/architecture.md).
    dataset
        The dataset with its settings.
    originals
        The user's files by name, as `own.Dataset.raw_files` lists them.
    seed
        Which seed to write; default: the first one.

    Raises
    ------
    UserError
        If the task's data are not the user's own, the seed was not run, an original is missing, or the disk is full.
    """
    cells = TrainingRows(train)
    if not {"file", "row"} <= set(cells.obs):
        raise UserError(f"{train}: these are not data of your own (obs has no 'file' and 'row'; dataset 'own' has).")
    predicted = PredictionFile(prediction, ("outside",))
    if predicted.not_run or not len(predicted.obs):
        print(f"{predicted.method}: nothing to write, it did not run ({predicted.not_run}).", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        return []
    seed, features = _seed(predicted, seed), cells.var.loc[list(predicted.features)]
    kind, parts = dataset.settings.format, {query: predicted.part(query.name, seed) for query in cells.queries}
    files = {query: cells.obs.loc[part.cells, "file"].astype(str) for query, part in parts.items()}
    pairs = [(query.name, file) for query in parts for file in (*dict.fromkeys(files[query]), None)]
    # All are known to be right before the first is written.
    paths = output_paths(folder, pairs, kind)
    written = []
    for query, part in parts.items():
        obs = cells.obs.loc[part.cells]
        about = {"query": query.name, "method": predicted.method, "seed": str(seed)}
        for file in obs["file"].unique():
            mask = (obs["file"] == file).to_numpy()
            path = paths[query.name, file]
            if kind == "images":
                _write_image(path, part.X[mask][0], predicted.shape)
            else:
                one = _predicted(part.X[mask], obs[mask], features, dataset.settings, about)
                WRITERS[kind](_original(originals, file), path, one, dataset.settings)
            written.append(path)
        found = in_units(part.outside, predicted.model) or _in_features(cells, obs.index, query)
        _write_extrapolated(paths[query.name, None], obs, found)
        print(
            f"{query.name}: {len(obs):,} cells in {obs['file'].nunique():,} file(s), "
            f"{int(found.flagged.sum()):,} flagged as extrapolated",
            flush=True,
        )
    return written


def output_paths(
    folder: Path, pairs: Sequence[tuple[str, str | None]], kind: str
) -> dict[tuple[str, str | None], Path]:
    """Return where the prediction of each (query, file) is written: ``folder``/QUERY/FILE.

    The names are a user's, and nothing else makes a path of them. File None stands for the list of extrapolated cells;
    ``kind`` is the format of the files.

    Raises
    ------
    UserError
        If a path leads out of ``folder``, by itself or through a link, or two predictions would be written to one.
    """
    root = folder.resolve()
    paths: dict[tuple[str, str | None], Path] = {}
    taken: dict[PurePosixPath, str] = {}
    folders: dict[PurePosixPath, str] = {}
    for query, file in pairs:
        name = PurePosixPath(query, own.EXTRAPOLATED if file is None else own.written_as(file, kind))
        path = folder / name
        if name.is_absolute() or ".." in name.parts or not path.resolve().is_relative_to(root):
            raise UserError(
                f"{path}: the prediction of '{file}' (query '{query}') would be written outside {folder}; name the "
                "file relative to the data's folder in 'files' (or in 'image_column'), without '..', and put no link "
                "into the results."
            )
        # A folder is as much in the way as a file.
        other = next((taken[place] for place in (name, *name.parents) if place in taken), folders.get(name))
        if other is not None:
            raise UserError(
                f"{path}: the predictions of '{other}' and '{file}' (query '{query}') would be written to one path; "
                "rename one of the two in 'files' (or in 'image_column')."
            )
        taken[name] = file or own.EXTRAPOLATED
        folders |= dict.fromkeys(name.parents, taken[name])
        paths[query, file] = path
    return paths


def _seed(predicted: PredictionFile, seed: int | None) -> int:
    """Return the seed that is written: the one asked for, which must have been run, or the first."""
    if seed is not None and seed not in predicted.seeds:
        listed = ", ".join(map(str, sorted(predicted.seeds)))
        raise UserError(f"{predicted.method}: seed {seed} was not run; run were {listed}.")
    return predicted.seeds[0] if seed is None else seed


def _in_features(cells: TrainingRows, names: "pd.Index", query: Query) -> Extrapolated:
    """Return how far some cells of the training part, by name, are from the source of a query."""
    source = (cells.column("role") == "source") & (cells.column("condition") == query.source)
    return in_features(cells.values(cells.obs.index.get_indexer(names)), cells.values(np.flatnonzero(source)))


def _write_extrapolated(path: Path, obs: "pd.DataFrame", found: Extrapolated) -> None:
    """Write which cells of a query (rows of ``obs``) were extrapolated, in the order of the files."""
    import pandas as pd

    table = pd.DataFrame(
        {
            "file": obs["file"].to_numpy(),
            "row": obs["row"].to_numpy(),
            "cell": obs.index,
            "share_outside": found.share,
            "of": found.of,
            "extrapolated": found.flagged,
        }
    )
    with replacing(path) as temporary:
        table.sort_values(["file", "row"]).to_csv(temporary, index=False, float_format="%.4g", lineterminator="\n")


def _original(originals: dict[str, Path], file: str) -> Path:
    if file not in originals:
        raise UserError(f"The original file '{file}' is not among those given: {', '.join(sorted(originals))}.")
    own.check_file(originals[file])
    return originals[file]


def _predicted(
    X: np.ndarray, obs: "pd.DataFrame", features: "pd.DataFrame", settings: "own.Settings", about: dict[str, str]
) -> Predicted:
    """Return what is predicted (X) of the cells (rows of ``obs``) of one file, on the scale of the file.

    The features' columns ``column`` and ``columns`` say what they are called in the file.
    """
    rows = obs["row"].to_numpy()
    order = np.argsort(rows)
    sizes = obs["size"].to_numpy()[order] if "size" in obs else None
    values = own.to_file_scale(X[order], settings, sizes)
    names, file = features[["column", "columns"]].to_numpy(str), obs["file"].iloc[0]
    columns = tuple(json.loads(others).get(file, name) for name, others in names)
    return Predicted(rows[order], values, columns, about)


# ---- FCS


def write_fcs(original: Path, path: Path, predicted: Predicted, settings: "own.Settings") -> None:
    """Write an FCS file with the channels, their order and all keywords of the original.

    Only what must change does: the values of predicted channels, and the keywords that say where the data are, how many
    cells there are, and, where the original does not hold floats, that they are 32-bit floats. Such values have no
    bounds, so nothing is cut off: a prediction can be negative, and can exceed ``$PnR``, which FCS 3.1 allows.
    """
    panel = fcs.read_fcs(original)
    values = panel.values[predicted.rows]
    values[:, [panel.channels.index(name) for name in predicted.columns]] = predicted.values
    header, text = _text_segment(original)
    big = _keyword(text, "$BYTEORD") == b"4,3,2,1"
    changes = {"$TOT": len(values), "$DATATYPE": "F", "$NEXTDATA": 0, "$BYTEORD": "4,3,2,1" if big else "1,2,3,4"}
    changes |= {f"$P{number}B": 32 for number in range(1, len(panel.channels) + 1)}
    # Segments that are not carried over; keywords of a supplemental TEXT have been put into the primary one.
    changes |= {f"${end}{name}": 0 for name in ("ANALYSIS", "STEXT") for end in ("BEGIN", "END")}
    for keyword, value in changes.items():
        text = _with_keyword(text, keyword, str(value))
    data = values.astype(">f4" if big else "<f4").tobytes()
    header, text = _with_offsets(header, text, len(data))
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(header + text + data)
        # No check sum.
        file.write(b"0" * 8)


def _text_segment(path: Path) -> tuple[bytes, bytes]:
    """Return what stands before the TEXT segment, and that segment, with the supplemental TEXT put behind it."""
    with path.open("rb") as file:
        head = file.read(58)
        begin, end = int(head[10:18]), int(head[18:26])
        file.seek(0)
        before = file.read(begin)
        # Some writers let TEXT end where DATA begins.
        text = file.read(end - begin + (end != int(head[26:34] or 0)))
        delimiter = text[:1]
        if not text.endswith(delimiter):
            text = text.rstrip(b" \r\n\0").removesuffix(delimiter) + delimiter
        start, stop = (int(_keyword(text, key) or 0) for key in ("$BEGINSTEXT", "$ENDSTEXT"))
        if 0 < start < stop and (start, stop) != (begin, end):
            file.seek(start)
            text += file.read(stop - start + 1).strip().removeprefix(delimiter).removesuffix(delimiter) + delimiter
    return before, text


def _pattern(text: bytes, keyword: str) -> re.Pattern[bytes]:
    """Return the pattern of a keyword and its value, for keywords whose value never holds the delimiter."""
    delimiter = re.escape(text[:1])
    return re.compile(b"(%b%b%b)([^%b]*)(?=%b)" % (delimiter, re.escape(keyword.encode()), *[delimiter] * 3), re.I)


def _keyword(text: bytes, keyword: str) -> bytes | None:
    found = _pattern(text, keyword).search(text)
    return found and found[2].strip()


def _with_keyword(text: bytes, keyword: str, value: str) -> bytes:
    """Return the TEXT segment with another value of a keyword; it stays byte for byte where the value is the same."""
    found = _keyword(text, keyword)
    if found == value.encode():
        return text
    if found is None:
        # Optional keywords that FCS 2.0 does not know: zero is what their absence means.
        return text if value == "0" else text + keyword.encode() + text[:1] + value.encode() + text[:1]
    return _pattern(text, keyword).sub(lambda match: match[1] + value.encode(), text, count=1)


def _with_offsets(header: bytes, text: bytes, size: int) -> tuple[bytes, bytes]:
    """Return header and TEXT segment with the places of the segments, for data of ``size`` bytes behind them."""
    begin = 0
    # The offsets are part of the text and change its length; they settle at once or after some rounds.
    while begin != len(header) + len(text):
        begin = len(header) + len(text)
        text = _with_keyword(text, "$BEGINDATA", str(begin))
        text = _with_keyword(text, "$ENDDATA", str(begin + size - 1))
    places = [len(header), begin - 1, begin, begin + size - 1, 0, 0]
    if places[3] > _LARGEST_OFFSET:
        places[2:4] = [0, 0]
    written = b"".join(b"%8d" % place for place in places)
    return header[:10] + written + header[58:], text


# ---- h5ad, tables


def write_h5ad(original: Path, path: Path, predicted: Predicted, settings: "own.Settings") -> None:
    """Write the query's cells of an h5ad with the prediction in ``layers["prediction"]``; all else is as it was.

    The layer is on the scale of the values that were read; features that were not predicted are as they were read.
    """
    import anndata

    adata = anndata.read_h5ad(original)[predicted.rows].copy()
    read = adata.X if settings.layer is None else adata.layers[settings.layer]
    layer = np.array(read.toarray() if hasattr(read, "toarray") else read, dtype=np.float32)
    layer[:, adata.var_names.get_indexer(predicted.columns)] = predicted.values
    adata.layers[LAYER] = layer
    adata.uns["outofsample"] = predicted.about
    with replacing(path) as temporary:
        adata.write_h5ad(temporary, compression="lzf")


def write_csv(original: Path, path: Path, predicted: Predicted, settings: "own.Settings") -> None:
    """Write the query's rows of a CSV or TSV with the same columns; the text of other columns is as it was."""
    import pandas as pd

    separator = own.separator_of(original)
    # The header is a row like others here: a column without a name keeps having none.
    table = pd.read_csv(original, sep=separator, header=None, dtype=str, keep_default_na=False)
    header, table = table.iloc[[0]], table.iloc[predicted.rows + 1].copy()
    names = header.iloc[0].tolist()
    table[[names.index(name) for name in predicted.columns]] = predicted.values.astype(str)
    with replacing(path) as temporary:
        pd.concat([header, table]).to_csv(temporary, sep=separator, index=False, header=False)


def write_parquet(original: Path, path: Path, predicted: Predicted, settings: "own.Settings") -> None:
    """Write the query's rows of a Parquet file with the same columns and types; whole numbers become float32."""
    import pyarrow
    from pyarrow import parquet

    table = parquet.read_table(original).take(predicted.rows)
    for number, name in enumerate(predicted.columns):
        place = table.column_names.index(name)
        kind = table.schema.field(place).type
        kind = kind if pyarrow.types.is_floating(kind) else pyarrow.float32()
        column = pyarrow.array(predicted.values[:, number]).cast(kind)
        table = table.set_column(place, pyarrow.field(name, kind), column)
    with replacing(path) as temporary:
        parquet.write_table(table, temporary)


def _write_image(path: Path, pixels: np.ndarray, shape: list[int]) -> None:
    """Write one image, flattened (height x width x channels), as PNG."""
    from PIL import Image

    image = np.rint(pixels).clip(0, 255).astype(np.uint8).reshape(*(int(side) for side in shape))
    with replacing(path) as temporary:
        Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(temporary, "PNG")


#: What writes a format: (original, path, predicted, settings).
WRITERS: dict[str, Callable[[Path, Path, Predicted, "own.Settings"], None]] = {
    "fcs": write_fcs,
    "h5ad": write_h5ad,
    "table": write_csv,
    "parquet": write_parquet,
}
