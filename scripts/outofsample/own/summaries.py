"""What was predicted of each file of a cohort, in a few numbers, and the table that joins them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.errors import UserError
from outofsample.files.cohort import read_cohort
from outofsample.files.handed_back import FileNumbers, read_handed_back
from outofsample.files.task import TrainingRows
from outofsample.files.writing import replacing
from outofsample.jobs.own import JoinFilesSpec
from outofsample.own.leftovers import keep_alone, list_of, lists_folder

if TYPE_CHECKING:
    import pandas as pd

#: Quantiles that are told of each feature, before and after, and of at most how many cells of a file.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
CELLS = 20_000


@dataclass
class Numbers:
    """What is counted while the cells of one query in one file are predicted, piece by piece.

    Attributes
    ----------
    every
        Quantiles are those of the cells whose row is a multiple of it: the same ones whatever the pieces are.
    """

    every: int
    cells: int = 0
    extrapolated: int = 0
    outside: np.ndarray | float = 0.0
    _before: list[np.ndarray] = field(default_factory=list)
    _after: list[np.ndarray] = field(default_factory=list)

    @classmethod
    def of_file(cls, cells: int) -> "Numbers":
        """Return the numbers of a file with so many cells, none of which is counted yet."""
        return cls(-(-cells // CELLS))

    def add(
        self, rows: np.ndarray, before: np.ndarray, after: np.ndarray, flagged: np.ndarray, outside: np.ndarray
    ) -> None:
        """Count some cells.

        Parameters
        ----------
        rows
            Their rows (cells,) in the file.
        before, after
            Their values (cells, features) on the scale that models see.
        flagged
            Mask (cells,) of those that were extrapolated.
        outside
            Mask (cells, features) of the values outside the range of the source.
        """
        self.cells += len(rows)
        self.extrapolated += int(flagged.sum())
        self.outside = self.outside + outside.sum(axis=0)
        told = rows % self.every == 0
        self._before.append(before[told])
        self._after.append(after[told])

    def summary(self, query: str, file: str, path: str, size: int) -> FileNumbers:
        """Return what is kept: of the file with this name, of which ``path`` with so many bytes was written."""
        quantiles = []
        for values in (self._before, self._after):
            found = np.concatenate(values)
            # A file with few cells of the query may have none in such a row.
            shape = (len(QUANTILES), found.shape[1])
            quantiles.append(np.quantile(found, QUANTILES, axis=0) if len(found) else np.full(shape, np.nan))
        rounded = [[[float(f"{value:.6g}") for value in row] for row in part.tolist()] for part in quantiles]
        share = (np.asarray(self.outside) / max(self.cells, 1)).tolist()
        return FileNumbers(query, file, path, size, self.cells, self.extrapolated, share, *rounded)


def files_table(numbers: Sequence[FileNumbers], features: Sequence[str]) -> "pd.DataFrame":
    """Return a row per query, file and feature.

    Columns: query, file, cells, extrapolated (cells that were), feature, share_outside (of its values, outside the
    source's range), and its quantiles before and after, as ``before_05`` and ``after_50``.
    """
    import pandas as pd

    rows = []
    for found in numbers:
        for place, feature in enumerate(features):
            row = {"query": found.query, "file": found.file, "cells": found.cells, "extrapolated": found.extrapolated}
            row |= {"feature": feature, "share_outside": found.share_outside[place]}
            for word, quantiles in (("before", found.before), ("after", found.after)):
                row |= {
                    f"{word}_{round(100 * at):02d}": values[place]
                    for at, values in zip(QUANTILES, quantiles, strict=True)
                }
            rows.append(row)
    return pd.DataFrame(rows, columns=None if rows else ["query", "file", "cells", "extrapolated", "feature"])


def join_files(spec: JoinFilesSpec, train: Path, output: Path) -> str:
    """Write the table of what a method predicted in each file of a cohort; return a line for the log.

    The predictions are those of the cohort alone then: what other files, or a study that was no cohort yet, have left
    beside them is removed.

    Raises
    ------
    UserError
        If a file that was written is not there any more, or cells of a query were not predicted.
    """
    parts = [read_handed_back(path) for path in spec.parts]
    numbers = [one for part in parts for one in part.methods[spec.method]]
    for one in numbers:
        path = Path(one.path)
        if not path.is_file() or path.stat().st_size != one.size:
            raise UserError(
                f"{path}: this file was written and is not there any more, or has changed; add '--forcerun "
                "predict_files' to Snakemake's command to write it anew."
            )
    rows, cohort = TrainingRows(train), read_cohort(train)
    ran = not any(spec.method in part.not_run for part in parts)
    for query in rows.queries if ran else ():
        found = sum(one.cells for one in numbers if one.query == query.name)
        wanted = cohort.size(query.domain, query.source)
        if found != wanted:
            raise UserError(
                f"{query.name}: {wanted:,} cells of '{query.domain}' in '{query.source}' were given, and {found:,} "
                "were predicted; run the study anew."
            )
    table = files_table(numbers, rows.features)
    with replacing(output) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
    said = "it did not run; what is there is of an earlier run"
    if ran:
        said = f"{len(numbers):,} files with {sum(one.cells for one in numbers):,} cells"
    # Of a method that did not run, R may have been missing for once.
    left = _remove_left(spec.method, numbers, output.parent) if ran else 0
    return f"{spec.method}: {said}{f'; {left:,} files of earlier runs are removed' if left else ''}"


def _remove_left(method: str, numbers: Sequence[FileNumbers], folder: Path) -> int:
    """Remove what is not of these files among a method's predictions; return how many files that were."""
    lists = [list_of(folder, method, one.query, one.file) for one in numbers]
    predicted = keep_alone(folder / method, [Path(one.path) for one in numbers])
    return predicted + keep_alone(lists_folder(folder, method), lists)
