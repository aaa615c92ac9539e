"""Turn the raw files of a dataset into one AnnData file, and check what the rest of the pipeline relies on."""

import argparse
import json
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from outofsample import registry
from outofsample.errors import UserError, run_script
from outofsample.files import writing

if TYPE_CHECKING:
    from anndata import AnnData


def check_contract(adata: "AnnData", name: str) -> None:
    """Check what ``docs/architecture.md`` promises of ``datasets/D.h5ad``.

    Raises
    ------
    UserError
        If ``X`` is not a finite float32 matrix (uint8 for images), names are not unique, or condition or domain is
        missing; the message lists every problem.
    """
    import numpy as np

    values = getattr(adata.X, "data", adata.X) if not isinstance(adata.X, np.ndarray) else adata.X
    problems = []
    wanted = np.uint8 if "image_shape" in adata.uns else np.float32
    if values.dtype != wanted:
        problems.append(f"X must be {np.dtype(wanted)}, not {values.dtype}")
    elif not np.isfinite(values).all():
        problems.append("X must be finite")
    problems += [
        f"{axis} must be unique"
        for axis, names in (("var_names", adata.var_names), ("obs_names", adata.obs_names))
        if not names.is_unique
    ]
    for column in ("condition", "domain"):
        if column not in adata.obs:
            problems.append(f"obs['{column}'] is missing")
        elif adata.obs[column].isna().any():
            problems.append(f"obs['{column}'] has cells without a value")
    if problems:
        raise UserError(f"dataset '{name}' does not keep the contract of datasets: {'; '.join(problems)}.")


def _ends_in(path: Path, names: tuple[str, ...]) -> bool:
    """Whether a path ends in one of the names, which may have folders; `Path.match` would read them as patterns."""
    return any(path.parts[-len(parts) :] == parts for parts in (PurePosixPath(name).parts for name in names))


def main() -> None:
    """Parse the command line, read the files and write the dataset."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help="the dataset's file name in outofsample/datasets, or a path")
    parser.add_argument("--name", required=True, help="what the study calls it")
    parser.add_argument("--settings", default="{}", help="the dataset's settings as JSON")
    parser.add_argument("--files", required=True, nargs="+", type=Path, help="the raw files")
    parser.add_argument("--simulated", action="store_true", help="the files are the stand-in, not real data")
    parser.add_argument("--output", required=True, help="the AnnData file to write")
    args = parser.parse_args()
    try:
        dataset = registry.create("datasets", args.dataset, json.loads(args.settings))
    except (TypeError, ValueError) as error:
        raise UserError(f"the settings of dataset '{args.dataset}' are wrong: {error}.") from error
    wanted = dataset.simulated_files() if args.simulated else dataset.raw_files()
    paths = {file.name: path for file in wanted for path in args.files if _ends_in(path, (file.name, file.stored))}
    if missing := [file.name for file in wanted if file.name not in paths]:
        raise UserError(f"dataset '{args.name}' needs more files in --files: {', '.join(missing)}.")
    adata = dataset.load(paths)
    adata.uns["dataset"] = args.name
    adata.uns["stand_in"] = args.simulated
    check_contract(adata, args.name)
    with writing.replacing(args.output) as temporary:
        adata.write_h5ad(temporary)
    print(f"{args.name}: {adata.n_obs:,} cells, {adata.n_vars} features", flush=True)


if __name__ == "__main__":
    run_script(main)
