"""Fit one model on the training part of one task, for a batch of seeds."""

import argparse
import csv
import json
from pathlib import Path

from outofsample import registry
from outofsample.errors import UserError, run_script
from outofsample.files.writing import replacing, sha256
from outofsample.training.gpus import one_gpu


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True, help="training part of the task")
    parser.add_argument("--model", type=json.loads, required=True, help="JSON: name, uses, settings")
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--checkpoints", type=Path, required=True, help="folder for interrupted training")
    parser.add_argument("--checkpoint-seconds", type=float, default=20.0)
    parser.add_argument("--fitted", type=Path, required=True, help="fitted states to write, one per seed")
    parser.add_argument("--history", type=Path, required=True, help="CSV of losses to write")
    return parser.parse_args()


def fingerprint(arguments: argparse.Namespace) -> str:
    """Return a hash of everything that the fit depends on: data, settings and code."""
    from outofsample.study.imports import files_imported

    model = registry.path_of("models", arguments.model["uses"])
    code = [sha256(path) for path in files_imported([__file__, model])]
    return json.dumps([sha256(arguments.train), arguments.model["settings"], code, arguments.device])


def fit_seeds(arguments: argparse.Namespace) -> tuple[dict, list]:
    """Fit the model for each seed; return the fitted states by seed and the histories (a row per seed and epoch).

    Raises
    ------
    UserError
        If the GPU has too little memory.
    """
    import torch

    from outofsample.study.split import read_training
    from outofsample.training.run import Run

    torch.set_num_threads(arguments.threads)
    data = read_training(arguments.train)
    mark = fingerprint(arguments)
    name, settings = arguments.model["name"], arguments.model["settings"]
    states, history = {}, []
    for seed in arguments.seeds:
        print(f"{name}: seed {seed}, {len(data.X)} cells x {data.X.shape[1]} features", flush=True)
        run = Run(arguments.device, checkpoint_file(arguments, seed), mark, arguments.checkpoint_seconds, progress=True)
        try:
            model = registry.create("models", arguments.model["uses"], settings).fit(data, seed, run)
        except torch.cuda.OutOfMemoryError as error:
            raise UserError(
                f"models.{name}: the GPU has too little memory for batch_size {settings.get('batch_size')} with "
                f"{data.X.shape[1]} features; set a smaller 'batch_size' (models.{name}.batch_size in the study), take "
                f"a GPU with more memory, or 'device: cpu'. CUDA says: {str(error).splitlines()[0]}"
            ) from error
        states[seed] = model.as_tensors()
        history += [{**row, "seed": seed} for row in model.history]
    return states, history


def write_history(path: Path, history: list[dict]) -> None:
    """Write the losses as CSV, a column for each name that any row has."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        # A model that keeps no losses leaves a table without rows.
        names = dict.fromkeys([*(name for row in history for name in row), "seed"])
        writer = csv.DictWriter(file, list(names), lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)


def checkpoint_file(arguments: argparse.Namespace, seed: int) -> Path:
    """Return the file that an interrupted training of a seed goes on from."""
    return arguments.checkpoints / f"seed_{seed}.pt"


def main() -> None:
    """Run the command line."""
    arguments = parse_arguments()
    with one_gpu(arguments.device) as gpu:
        if gpu is not None:
            print(f"On GPU {gpu}.", flush=True)
        states, history = fit_seeds(arguments)

    import torch

    with replacing(arguments.fitted) as fitted, replacing(arguments.history) as table:
        torch.save(states, fitted)
        write_history(table, history)
    for seed in arguments.seeds:
        checkpoint = checkpoint_file(arguments, seed)
        # A model of several networks puts their numbers behind the name.
        for path in [checkpoint, *checkpoint.parent.glob(f"{checkpoint.stem}_*{checkpoint.suffix}")]:
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    run_script(main)
