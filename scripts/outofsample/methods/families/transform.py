"""Predicting the queries of one task with every method that stands on one model."""

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from outofsample import registry
from outofsample.arrays import TrainingData
from outofsample.files.fitted import read_states
from outofsample.files.prediction import PredictionWriter, describe_outside


def fitted_models(spec: dict[str, Any] | None, fitted: Sequence[Path], data: TrainingData, threads: int) -> Iterator:
    """Yield (seed, model): read from files, or fitted here where the model needs no training; None without a model.

    ``spec`` has the keys name, uses and settings.
    """
    if spec is None:
        yield 0, None
    elif not fitted:
        yield 0, registry.create("models", spec["uses"], spec["settings"]).fit(data)
    if fitted:
        # What is not trained does without torch, whose import is half of such a job.
        import torch

        torch.set_num_threads(threads)
    for path in fitted:
        for seed, state in read_states(path).items():
            yield seed, registry.create("models", spec["uses"], spec["settings"]).from_tensors(state)


def transform_all(
    data: TrainingData,
    model: dict[str, Any] | None,
    methods: Sequence[dict[str, Any]],
    fitted: Sequence[Path],
    outputs: Sequence[Path],
    threads: int = 1,
    in_sample_cells: int = 1000,
) -> None:
    """Predict with each method and write its file.

    Parameters
    ----------
    data
        The training part of the task.
    model
        Keys name, uses, settings; None for methods that stand on no model.
    methods
        Keys name, uses, settings, and runs: whether the task asks for it.
    fitted
        Files with fitted states of the model; none: it is fitted here.
    outputs
        The file of each method.
    threads
        Threads of torch.
    in_sample_cells
        At most so many transformed source cells are kept.

    Raises
    ------
    UserError
        If a file with fitted states is another file, or the disk is full.
    """
    name = model["name"] if model else None
    writers = [PredictionWriter(data, method["name"], name, in_sample_cells) for method in methods]
    backends: dict[str, str] = {}
    for seed, fitted_model in fitted_models(model, fitted, data, threads):
        for spec, writer in zip(methods, writers, strict=True):
            if not spec["runs"]:
                continue
            entry = registry.find("methods", spec["uses"])
            method = entry(entry.Settings(**spec["settings"]), fitted_model).attach(data, seed)
            writer.add_all(method.transform, seed)
            writer.add_own_conditions(method.predict, seed)
            backends[spec["name"]] = method.backend
            print(f"{spec['name']}: seed {seed} done", flush=True)
    trained_by = f"torch {version('torch')}" if fitted else ""
    for spec, writer, path in zip(methods, writers, outputs, strict=True):
        if not spec["runs"]:
            # The rule wants a file for each of its methods; nobody reads this one.
            writer.write(path, not_run="not part of this task")
            continue
        print(*describe_outside(writer), sep="\n", flush=True)
        writer.write(path, backend=", ".join(filter(None, [backends[spec["name"]], trained_by])))
