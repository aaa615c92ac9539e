"""Predict the queries of one task with every method that stands on one model."""

import argparse
import json
import os
from importlib.metadata import version
from pathlib import Path

from outofsample import registry
from outofsample.errors import UserError, run_script


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True, help="training part of the task")
    parser.add_argument("--fitted", type=Path, nargs="*", default=[], help="fitted states; none: fit here")
    parser.add_argument("--model", type=json.loads, required=True, help="JSON: name, uses, settings; or null")
    parser.add_argument("--methods", type=json.loads, required=True, help="JSON list: name, uses, settings, runs")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--in-sample-cells", type=int, default=1000)
    parser.add_argument("--outputs", type=Path, nargs="+", required=True, help="prediction files, one per method")
    return parser.parse_args()


def fitted_models(arguments: argparse.Namespace, data):
    """Yield (seed, model): read from files, or fitted here where the model needs no training."""
    spec = arguments.model
    if spec is None:
        yield 0, None
    elif not arguments.fitted:
        yield 0, registry.create("models", spec["uses"], spec["settings"]).fit(data)
    if arguments.fitted:
        # What is not trained does without torch, whose import is half of such a job.
        import torch

        torch.set_num_threads(arguments.threads)
    for path in arguments.fitted:
        for seed, state in read_states(path).items():
            yield seed, registry.create("models", spec["uses"], spec["settings"]).from_tensors(state)


def read_states(path: Path) -> dict[int, dict]:
    """Return the fitted states, by seed, that ``train_model.py`` wrote.

    Raises
    ------
    UserError
        If it is another file.
    """
    import torch

    try:
        states = torch.load(path, map_location="cpu", weights_only=True)
        ours = all(isinstance(seed, int) and isinstance(state, dict) for seed, state in states.items())
    # What torch raises depends on what the file is; its text would advise to switch the check off.
    except Exception as error:
        raise UserError(f"{path}: this file was not written by train_model.py ({type(error).__name__}).") from error
    if not ours:
        raise UserError(f"{path}: this file was not written by train_model.py; it must hold a state for each seed.")
    return states


def main() -> None:
    """Run the command line."""
    arguments = parse_arguments()
    # POT imports torch in case somebody gives it tensors: longer than the transport itself takes.
    os.environ.setdefault("POT_BACKEND_DISABLE_PYTORCH", "1")
    # Else the compiled percentile edit takes all cores of the machine, whatever the rule was given.
    os.environ.setdefault("NUMBA_NUM_THREADS", str(arguments.threads))

    from outofsample.files.prediction import PredictionWriter, describe_outside
    from outofsample.study.split import read_training

    data = read_training(arguments.train)
    model_name = arguments.model["name"] if arguments.model else None
    writers = [
        PredictionWriter(data, spec["name"], model_name, arguments.in_sample_cells) for spec in arguments.methods
    ]
    backends: dict[str, str] = {}
    for seed, model in fitted_models(arguments, data):
        for spec, writer in zip(arguments.methods, writers, strict=True):
            if not spec["runs"]:
                continue
            entry = registry.find("methods", spec["uses"])
            method = entry(entry.Settings(**spec["settings"]), model).attach(data, seed)
            writer.add_all(method.transform, seed)
            writer.add_own_conditions(method.predict, seed)
            backends[spec["name"]] = method.backend
            print(f"{spec['name']}: seed {seed} done", flush=True)
    for spec, writer, path in zip(arguments.methods, writers, arguments.outputs, strict=True):
        if not spec["runs"]:
            # The rule wants a file for each of its methods; nobody reads this one.
            writer.write(path, not_run="not part of this task")
            continue
        print(*describe_outside(writer), sep="\n", flush=True)
        trained_by = f"torch {version('torch')}" if arguments.fitted else ""
        writer.write(path, backend=", ".join(filter(None, [backends[spec["name"]], trained_by])))


if __name__ == "__main__":
    run_script(main)
