"""Predictions in the format of the user's own files: FCS, h5ad, CSV, Parquet, PNG.

What a method did not predict stays as it was: other channels, columns and keywords, ``obs`` and ``var``. The predicted
values are put back on the scale of the file (`scales.to_file_scale`). A file holds the cells of one query, in their
order in the original file. Each format has a writer in ``own/writers/``.
"""

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from outofsample.arrays import Query
from outofsample.errors import UserError
from outofsample.files.prediction import PredictionFile
from outofsample.files.task import TrainingRows
from outofsample.files.writing import replacing
from outofsample.own.extrapolation import Extrapolated, in_features, in_units
from outofsample.own.predicted import Predicted, predicted_of
from outofsample.own.readers.support.boundary import reading
from outofsample.own.readers.support.entries import check_file
from outofsample.own.readers.support.output_names import EXTRAPOLATED, written_as
from outofsample.own.writers import fcs, h5ad, images, parquet, table

if TYPE_CHECKING:
    import pandas as pd

    from outofsample.datasets.own import Dataset, Settings

#: What writes a format: (original, path, predicted, settings).
WRITERS: dict[str, Callable[[Path, Path, Predicted, "Settings"], None]] = {
    "fcs": fcs.write,
    "h5ad": h5ad.write,
    "table": table.write,
    "parquet": parquet.write,
}


def write_back(
    prediction: Path,
    train: Path,
    dataset: "Dataset",
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
        The user's files by name, as `datasets.own.Dataset.raw_files` lists them.
    seed
        Which seed to write; default: the first one.

    Raises
    ------
    UserError
        If the task's data are not the user's own, the seed was not run, an original is missing, or the disk is full.
    """
    cells = _own_rows(train)
    predicted = PredictionFile(prediction, ("outside",))
    if predicted.not_run or not len(predicted.obs):
        print(f"{predicted.method}: nothing to write, it did not run ({predicted.not_run}).", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        return []
    seed, features = _seed(predicted, seed), cells.var.loc[list(predicted.features)]
    settings, kind = dataset.settings, dataset.settings.format
    parts = {query: predicted.part(query.name, seed) for query in cells.queries}
    for query, part in parts.items():
        _check_all_there(cells, query, part.cells)
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
                images.write(path, part.X[mask][0], predicted.shape)
            else:
                one = predicted_of(part.X[mask], obs[mask], features, settings, about)
                original = _original(originals, file)
                with reading(original):
                    WRITERS[kind](original, path, one, settings)
            written.append(path)
        found = in_units(part.outside, predicted.model) or _in_features(cells, obs.index, query)
        _write_extrapolated(paths[query.name, None], obs, found)
        print(f"{query.name}: {_summary(obs, found)}", flush=True)
    return written


def _check_all_there(cells: TrainingRows, query: Query, predicted: "pd.Index") -> None:
    """Raise `UserError` unless the cells of a query that were given are those that were predicted, each once."""
    asked = (cells.column("domain") == query.domain) & (cells.column("condition") == query.source)
    given, found = set(cells.names[asked]), list(map(str, predicted))
    if given != set(found) or len(found) != len(given):
        raise UserError(
            f"{query.name}: {len(given):,} cells of '{query.domain}' in '{query.source}' were given, and "
            f"{len(found):,} were predicted; run the study anew."
        )


def _own_rows(train: Path) -> TrainingRows:
    """Return the rows of a training part, which must be of data of one's own."""
    cells = TrainingRows(train)
    if not {"file", "row"} <= set(cells.obs):
        raise UserError(f"{train}: these are not data of your own (obs has no 'file' and 'row'; dataset 'own' has).")
    return cells


def _summary(obs: "pd.DataFrame", found: Extrapolated) -> str:
    """Return the line of the log on the cells of a query (rows of ``obs``)."""
    files, flagged = obs["file"].nunique(), int(found.flagged.sum())
    return f"{len(obs):,} cells in {files:,} file(s), {flagged:,} flagged as extrapolated"


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
        name = PurePosixPath(query, EXTRAPOLATED if file is None else written_as(file, kind))
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
        taken[name] = file or EXTRAPOLATED
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
    return in_features(cells.values(cells.obs.index.get_indexer(names)), cells.ends_of_source(query))


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
    check_file(originals[file])
    return originals[file]
