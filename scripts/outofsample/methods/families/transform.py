"""Predicting the queries of one task with every method that stands on one model."""

from collections.abc import Iterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path

from outofsample import registry
from outofsample.arrays import TrainingData
from outofsample.files.fitted import read_states
from outofsample.files.fitted_methods import write_methods
from outofsample.files.prediction import PredictionWriter, describe_outside
from outofsample.jobs.predict import TransformSpec
from outofsample.methods.families.base import trains_parts, uses_chance
from outofsample.methods.families.chain import attached, predict_in_blocks
from outofsample.methods.families.held_out import hold_out_domains
from outofsample.models.families.base import as_tensors
from outofsample.training.run import Run


def fitted_models(asked: TransformSpec, fitted: Sequence[Path], data: TrainingData, threads: int) -> Iterator:
    """Yield (seed, model): read from files, or fitted here where the model needs no training; None without a model."""
    spec, model = asked.model, None
    if not fitted:
        for seed in asked.seeds:
            if spec and (model is None or model.stochastic):
                model = registry.create("models", spec.uses, spec.settings).fit(data.with_steps(), seed)
            yield seed, model
        return
    # What is not trained does without torch, whose import is half of such a job.
    import torch

    torch.set_num_threads(threads)
    for path in fitted:
        for seed, state in read_states(path).items():
            yield seed, registry.create("models", spec.uses, spec.settings).from_tensors(state)


def needs_counts(spec: TransformSpec) -> bool:
    """Whether a model that takes part looks at counts; as arrays they take as much memory as the cells themselves."""
    entries = [("models", spec.model.uses)] if spec.model else []
    for asked in spec.methods:
        entry = registry.find("methods", asked.uses)
        entries += entry.parts(entry.Settings(**asked.settings))
    return any(registry.find(kind, name).uses_counts for kind, name in entries if kind == "models")


def trains_here(spec: TransformSpec) -> bool:
    """Whether a method trains networks while it predicts, as candidates."""
    entries = [(registry.find("methods", asked.uses), asked.settings) for asked in spec.methods if asked.runs]
    return any(trains_parts(entry, entry.Settings(**settings)) for entry, settings in entries)


def transform_all(
    spec: TransformSpec,
    data: TrainingData,
    fitted: Sequence[Path],
    outputs: Sequence[Path],
    threads: int = 1,
    keep: Path | None = None,
    drawn: bool = False,
) -> None:
    """Predict with each method and write its file.

    Parameters
    ----------
    spec
        The model and the methods, and how many transformed cells of S are kept.
    data
        The training part of the task.
    fitted
        Files with fitted states of the model; none: it is fitted here.
    outputs
        The file of each method.
    threads
        Threads of torch.
    keep
        The file that the fitted methods of the first seed are kept in, if any.
    drawn
        Whether more cells are predicted in the end, so that these must come out as they will then.

    Raises
    ------
    UserError
        If a file with fitted states is another file, or the disk is full.
    """
    name = spec.model.name if spec.model else None
    writers = [PredictionWriter(data, method.name, name, spec.in_sample_cells) for method in spec.methods]
    backends: dict[str, str] = {}
    kept: dict[int, dict[str, dict]] = {}
    run = Run(spec.device)
    for seed, model in fitted_models(spec, fitted, data, threads):
        for asked, writer in zip(spec.methods, writers, strict=True):
            entry = registry.find("methods", asked.uses)
            repeats = seed != spec.seeds[0] and not uses_chance(entry, spec.model and spec.model.uses)
            if repeats or not asked.runs:
                continue
            method = attached(partial(entry, entry.Settings(**asked.settings), model), data, seed, run)
            predict = predict_in_blocks(method) if drawn else method.transform
            writer.add_all(predict, seed, one_by_one=drawn and not entry.transductive)
            writer.add_own_conditions(method.predict, seed)
            if (spec.held_out or entry.quick_to_hold_out) and not writer.held_out:
                writer.held_out = hold_out_domains(method, data, seed)
            backends[asked.name] = method.backend
            # What predicts only the cells of its fit has nothing to predict others with.
            if keep is not None and not entry.transductive and seed == next(iter(kept), seed):
                kept.setdefault(seed, {})[asked.name] = as_tensors(method.whole_state())
            print(f"{asked.name}: seed {seed} done", flush=True)
    if keep is not None:
        write_methods(keep, *next(iter(kept.items()), (0, {})))
    _write(spec, writers, outputs, backends, f"torch {version('torch')}" if fitted else "")


def _write(
    spec: TransformSpec,
    writers: Sequence[PredictionWriter],
    outputs: Sequence[Path],
    backends: dict[str, str],
    trained_by: str,
) -> None:
    """Write the file of each method, with what computed it."""
    for asked, writer, path in zip(spec.methods, writers, outputs, strict=True):
        if not asked.runs:
            # The rule wants a file for each of its methods; nobody reads this one.
            writer.write(path, not_run="not part of this task")
            continue
        print(*describe_outside(writer), sep="\n", flush=True)
        writer.write(path, backend=", ".join(filter(None, [backends[asked.name], trained_by])))
