"""Fit one model on the training part of one task, for a batch of seeds."""

import argparse
from pathlib import Path

from outofsample import registry
from outofsample.errors import run_script
from outofsample.files.missing import pass_on
from outofsample.jobs.train import TrainSpec
from outofsample.training.fit import Fit, fit_seeds
from outofsample.training.gpus import one_gpu


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="JSON of a TrainSpec; - is the standard input")
    parser.add_argument("--train", type=Path, required=True, help="training part of the task")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--checkpoints", type=Path, required=True, help="folder for interrupted training")
    parser.add_argument("--checkpoint-seconds", type=float, default=20.0)
    parser.add_argument("--fitted", type=Path, required=True, help="fitted states to write, one per seed")
    parser.add_argument("--history", type=Path, required=True, help="CSV of losses to write")
    return parser.parse_args()


def main() -> None:
    """Run the command line."""
    args = parse_arguments()
    spec = TrainSpec.read(args.spec)
    if pass_on([args.train], [args.fitted, args.history]):
        return
    fit = Fit(spec.model, spec.device, args.checkpoints, args.checkpoint_seconds)
    with one_gpu(spec.device) as gpu:
        if gpu is not None:
            print(f"On GPU {gpu}.", flush=True)

        import torch

        from outofsample.files.task import read_training
        from outofsample.study.imports import files_imported

        torch.set_num_threads(args.threads)
        code = files_imported([__file__, registry.path_of("models", spec.model.uses)])
        counts = registry.find("models", spec.model.uses).uses_counts
        data, fingerprint = read_training(args.train, counts), fit.fingerprint(args.train, code)
        states, history = fit_seeds(fit, data, spec.seeds, fingerprint)

    from outofsample.files.fitted import write_states
    from outofsample.files.history import write_history

    write_states(args.fitted, states)
    write_history(args.history, history)
    fit.remove_checkpoints(spec.seeds)


if __name__ == "__main__":
    run_script(main)
