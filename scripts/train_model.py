"""Fit one model on the training part of one task, for a batch of seeds."""

import argparse
import json
from pathlib import Path

from outofsample import registry
from outofsample.errors import run_script
from outofsample.training.fit import Fit, fit_seeds
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


def main() -> None:
    """Run the command line."""
    arguments = parse_arguments()
    fit = Fit(
        **arguments.model,
        device=arguments.device,
        checkpoints=arguments.checkpoints,
        checkpoint_seconds=arguments.checkpoint_seconds,
    )
    with one_gpu(arguments.device) as gpu:
        if gpu is not None:
            print(f"On GPU {gpu}.", flush=True)

        import torch

        from outofsample.files.task import read_training
        from outofsample.study.imports import files_imported

        torch.set_num_threads(arguments.threads)
        code = files_imported([__file__, registry.path_of("models", fit.uses)])
        data, fingerprint = read_training(arguments.train), fit.fingerprint(arguments.train, code)
        states, history = fit_seeds(fit, data, arguments.seeds, fingerprint)

    from outofsample.files.fitted import write_states
    from outofsample.files.history import write_history

    write_states(arguments.fitted, states)
    write_history(arguments.history, history)
    fit.remove_checkpoints(arguments.seeds)


if __name__ == "__main__":
    run_script(main)
