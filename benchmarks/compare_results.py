"""Whether two runs of a study gave the same: scores, tables and predictions, bit by bit.

For a change that must not change any result. From the root, with the folders of the two runs:

    python benchmarks/compare_results.py ../before/results/demo results/demo

Prints a line per file that differs and ends with status 1 if any does. Which program computed a prediction and when
is no result, so it is left out.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

#: What is compared, by folder; figures and pages hold times and paths.
PATTERNS = ("scores/*.csv", "tables/*.csv", "predictions/*/*.h5ad", "tasks/*/*.h5ad", "own/**/*.csv", "tuning/*.csv")


def differences_of_tables(one: Path, two: Path) -> Iterator[str]:
    """Yield what differs between two CSV files, as text: not one digit may."""
    first, second = (pd.read_csv(path, dtype=str, keep_default_na=False) for path in (one, two))
    if list(first.columns) != list(second.columns) or len(first) != len(second):
        yield f"{first.shape} and {second.shape} rows and columns, or other names"
        return
    for name in first.columns:
        if count := int((first[name] != second[name]).sum()):
            yield f"column '{name}' in {count} of {len(first)} rows"


def arrays_of(file: h5py.File) -> dict[str, np.ndarray]:
    """Return all arrays of an HDF5 file by their paths."""
    found = {}
    file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def differences_of_arrays(one: Path, two: Path) -> Iterator[str]:
    """Yield what differs between two HDF5 files."""
    with h5py.File(one) as first, h5py.File(two) as second:
        left, right = arrays_of(first), arrays_of(second)
    for name in sorted({*left, *right} - {"uns/backend"}):
        if name not in left or name not in right:
            yield f"'{name}' is in one alone"
        elif np.asarray(left[name]).tobytes() != np.asarray(right[name]).tobytes():
            same = np.array_equal(np.asarray(left[name]).astype(str), np.asarray(right[name]).astype(str))
            if not same:
                yield f"array '{name}'"


def differences(one: Path, two: Path) -> Iterator[str]:
    """Yield a line for each file that is in one run alone, or differs."""
    for pattern in PATTERNS:
        names = {path.relative_to(folder) for folder in (one, two) for path in folder.glob(pattern)}
        for name in sorted(names):
            if not ((one / name).exists() and (two / name).exists()):
                yield f"{name}: in {one if (one / name).exists() else two} alone"
                continue
            compare = differences_of_tables if name.suffix == ".csv" else differences_of_arrays
            yield from (f"{name}: {line}" for line in compare(one / name, two / name))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("one", type=Path, help="results/STUDY of one run")
    parser.add_argument("two", type=Path, help="results/STUDY of the other")
    args = parser.parse_args()
    for folder in (args.one, args.two):
        if not folder.is_dir():
            sys.exit(f"error: {folder}: there is no such folder.")
    found = list(differences(args.one, args.two))
    files = sum(len(list(args.one.glob(pattern))) for pattern in PATTERNS)
    print(*found, f"{files} files compared, {len(found)} difference(s)", sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
