"""Seconds per epoch and peak memory of every model that is trained, beside scvi-tools, scArches and pertpy.

Each model is measured in a process of its own, on one thread of one core. The models take turns: a round measures each
of them once, so that whatever else the machine does hits all alike. What is reported are medians over rounds.
Rounds also time the matrix products of trVAE and of the variational autoencoder alone, the floor for their training.
"""

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import machine  # noqa: E402

from outofsample import registry  # noqa: E402
from outofsample.errors import UserError, run_script  # noqa: E402
from outofsample.files.writing import replacing  # noqa: E402

PEERS = {"scvi_tools_scvi": "scvi-tools' scVI", "scarches_trvae": "scArches' trVAE", "pertpy_scgen": "pertpy's scGen"}
#: The options that name the interpreters of peers with an environment of their own.
INTERPRETERS = {"scarches_trvae": "peer_python", "pertpy_scgen": "scgen_python"}
#: What is measured right after a model: variants of it, its matrix products alone, a peer's.
BESIDE = {
    "cyclegan": ("style_gan",),
    "scvi": ("scvi_tools_scvi",),
    "trvae": ("trvae_products", "trvae_bfloat16", "scarches_trvae"),
    "vae": ("vae_512", "vae_512_products", "vae_512_bfloat16", "pertpy_scgen"),
}
PRODUCTS = ("trvae_products", "vae_512_products")
#: Whose matrix products in float32 are a model's floor, and the multiple of their time that it may take at most.
FLOORS = {
    "trvae": ("trvae_products", 1.3),
    "trvae_bfloat16": ("trvae_products", 1.0),
    "vae_512": ("vae_512_products", 1.3),
    "vae_512_bfloat16": ("vae_512_products", 1.0),
}
#: Pairs (ours, peer) of the same method, and the share of the peer's wall time that ours may take at most, if any.
PAIRS = (
    ("trvae", "scarches_trvae", 1 / 3),
    ("trvae_bfloat16", "scarches_trvae", 1 / 3),
    ("vae_512", "pertpy_scgen", 1 / 3),
    ("vae_512_bfloat16", "pertpy_scgen", 1 / 3),
    ("scvi", "scvi_tools_scvi", None),
)
FIELDS = (
    *("round", "model", "batch_size", "steps", "cells", "wall", "cpu", "training_wall", "training_cpu"),
    *("memory_before", "memory_peak", "products", "gflop", "layers", "versions"),
)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--cells", type=int, default=13500)
    parser.add_argument("--features", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0, help="of the synthetic data")
    parser.add_argument("--rounds", type=int, default=3, help="processes per model")
    parser.add_argument("--epochs", type=int, default=1, help="measured epochs per process")
    parser.add_argument("--warm-up", type=int, default=1, help="epochs before them")
    parser.add_argument("--models", nargs="+", help="these alone; without it, all that are trained on tables")
    parser.add_argument("--peer-python", type=Path, help="interpreter with scArches, of setup_peers.sh")
    parser.add_argument("--scgen-python", type=Path, help="interpreter with pertpy, of setup_peers.sh")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds that one process may take")
    parser.add_argument("--output", type=Path, default=ROOT / "results/benchmarks", help="folder for CSV and Markdown")
    arguments = parser.parse_args()
    for option in INTERPRETERS.values():
        path = getattr(arguments, option)
        if path is not None and not path.is_file():
            raise UserError(
                f"--{option.replace('_', '-')}: '{path}' does not exist; benchmarks/setup_peers.sh makes it."
            )
    return arguments


def trained_models() -> list[str]:
    """Return the names of our models that are trained on tables or counts, each followed by what is `BESIDE` it."""
    classes = {name: registry.find("models", name) for name in registry.available("models")}
    names = [name for name, model in classes.items() if model.trains and model.data & {"tabular", "counts"}]
    return [each for name in names for each in (name, *BESIDE.get(name, ()))]


def call(python: str | Path, timeout: float, *options: object) -> str:
    """Run ``measure.py`` in a process of its own, on one thread and without a GPU; return what it printed.

    Raises
    ------
    UserError
        If it fails or takes longer than ``timeout`` seconds.
    """
    # This process must stay small: on Linux a child's peak memory starts from that of the process that started it.
    one = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "NUMBA")}
    environment = {**os.environ, **one, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT / "scripts")}
    command = [str(python), str(Path(__file__).with_name("measure.py")), *map(str, options)]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired as error:
        raise UserError(f"{options[0]}: not ready after {timeout:g} s; raise --timeout.") from error
    if done.returncode:
        raise UserError(
            f"{options[0]}: failed under {python}: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"
        )
    return done.stdout


def interpreter(arguments: argparse.Namespace, name: str) -> str | Path | None:
    """Return the Python that measures a model; None for a peer whose interpreter was not named."""
    return getattr(arguments, INTERPRETERS[name]) if name in INTERPRETERS else sys.executable


def measure_once(arguments: argparse.Namespace, names: list[str], folder: Path, turn: int) -> list[dict]:
    """Return the rows of one round: a row per model and measured epoch, and per precision of matrix products."""
    rows = []
    for name in names:
        python = interpreter(arguments, name)
        if python is None:
            continue
        options = ("--folder", folder, "--warm-up", arguments.warm_up, "--epochs", arguments.epochs)
        result = json.loads(call(python, arguments.timeout, name, *options))
        for epoch in result.pop("epochs"):
            row = {"round": turn, "model": name, **result, **epoch}
            rows.append(row)
            done = f"round {turn}: {row['model']}: {row['wall']:.2f} s per epoch, {row['cpu']:.2f} s of CPU"
            print(done, file=sys.stderr, flush=True)
    return rows


def table(rows: list[dict], names: list[str], cells: int) -> list[str]:
    """Return the lines of the Markdown table, a line per model: medians of times, maxima of memory."""
    lines = [
        "| model | batch size | steps per epoch | cells drawn per epoch | wall s per epoch | CPU s per epoch "
        f"| wall s per {cells:,} cells | CPU s per {cells:,} cells | peak RSS, MiB | before training, MiB |",
        "| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for name in (name for name in names if name not in PRODUCTS):
        own = [row for row in rows if row["model"] == name]
        label = PEERS.get(name, f"`{name}`")
        if not own:
            lines.append(f"| {label} | not measured |" + " |" * 8)
            continue
        drawn = own[0]["cells"]
        wall, cpu = (median(row[clock] for row in own) for clock in ("wall", "cpu"))
        peak, before = (max(row[memory] for row in own) for memory in ("memory_peak", "memory_before"))
        lines.append(
            f"| {label} | {own[0]['batch_size']} | {own[0]['steps']} | {drawn:,} | {wall:.2f} | {cpu:.2f} "
            f"| {wall * cells / drawn:.2f} | {cpu * cells / drawn:.2f} | {peak:,.0f} | {before:,.0f} |"
        )
    return lines


def products_table(rows: list[dict]) -> list[str]:
    """Return the lines of a Markdown table of matrix products alone, and the sizes of the layers behind them."""
    measured = list(dict.fromkeys(row["model"] for row in rows if "gflop" in row))
    if not measured:
        return ["Matrix products alone: not measured."]
    lines = [
        "| matrix products of | in | products per step | GFLOP per step | steps per epoch | s per epoch | GFLOP/s |",
        "| --- | --- | --: | --: | --: | --: | --: |",
    ]
    layers = []
    for model in measured:
        own = [row for row in rows if row["model"] == model]
        name, precision = model.split("_products_")
        first, wall = own[0], median(row["wall"] for row in own)
        lines.append(
            f"| `{name}` | {precision} | {first['products']} | {first['gflop']:.3g} | {first['steps']} | {wall:.2f} "
            f"| {first['gflop'] * first['steps'] / wall:.0f} |"
        )
        if precision == "float32":
            layers.append(f"- Linear layers of `{name}`, cells x inputs x outputs: {first['layers']}.")
    return [*lines, "", *layers]


def floors(rows: list[dict]) -> list[str]:
    """Return a sentence per model of `FLOORS`: its time as a multiple of its products', formed within each round."""
    sentences = []
    for ours, (_, bound) in FLOORS.items():
        training = _floor_ratios(rows, ours, "training_wall")
        if not training:
            sentences.append(f"- `{ours}` against its matrix products: not measured.")
            continue
        whole, cpu = (_floor_ratios(rows, ours, clock) for clock in ("wall", "training_cpu"))
        kept = "kept" if median(training) <= bound else "not kept"
        sentences.append(
            f"- `{ours}` takes {_listed(training)} times the wall time of its matrix products in float32 without the "
            f"validation pass, {_listed(whole)} with it; {_listed(cpu)} times the CPU time without it. The "
            f"requirement, at most {bound:g} times the wall time without the validation pass, is {kept}."
        )
    return sentences


def comparisons(rows: list[dict]) -> list[str]:
    """Return a sentence per pair of ours and a peer's: ratios of seconds per cell, formed within each round."""
    sentences = []
    for ours, peer, bound in PAIRS:
        wall, cpu = (_ratios(rows, ours, peer, clock) for clock in ("wall", "cpu"))
        if not wall:
            sentences.append(f"- `{ours}` against {PEERS[peer]}: not measured.")
            continue
        verdict = "" if bound is None else _verdict(rows, ours, median(wall), bound)
        sentences.append(
            f"- `{ours}` takes {_listed(wall)} of the wall time and {_listed(cpu)} of the CPU time of {PEERS[peer]}, "
            f"per cell drawn.{verdict}"
        )
    return sentences


def _verdict(rows: list[dict], ours: str, share: float, bound: float) -> str:
    """Return a sentence on the requirement: at most that share of a peer's wall time, or at the floor."""
    at_floor = median(_floor_ratios(rows, ours, "training_wall") or [float("inf")]) <= FLOORS[ours][1]
    kept = "kept" if share <= bound else "kept: it is at the floor" if at_floor else "not kept"
    return f" {1 / share:.1f} times as fast; the requirement, at least {1 / bound:g} times or at the floor, is {kept}."


def _listed(ratios: list[float]) -> str:
    """Return the median of the ratios, and each round's."""
    return f"{median(ratios):.2f} (rounds: {', '.join(f'{ratio:.2f}' for ratio in ratios)})"


def _floor_ratios(rows: list[dict], ours: str, clock: str) -> list[float]:
    """Return, per round, the time as a multiple of that of its matrix products in float32."""
    return _ratios(rows, ours, f"{FLOORS[ours][0]}_float32", clock)


def _ratios(rows: list[dict], ours: str, other: str, clock: str) -> list[float]:
    """Return, per round, the ratio of median seconds per cell; an empty list where either was not measured."""

    def per_cell(turn: int, model: str) -> list[float]:
        return [row[clock] / row["cells"] for row in rows if row["round"] == turn and row["model"] == model]

    pairs = [(per_cell(turn, ours), per_cell(turn, other)) for turn in sorted({row["round"] for row in rows})]
    return [median(own) / median(others) for own, others in pairs if own and others]


def provenance(rows: list[dict], arguments: argparse.Namespace) -> list[str]:
    """Return sentences on machine, date, commit and versions."""
    versions = ", ".join(sorted({version for row in rows for version in row["versions"].split(", ")}))
    method = (
        f"{arguments.cells:,} cells x {arguments.features:,} features, seed {arguments.seed}; "
        f"{rows[-1]['round']} rounds of {arguments.warm_up} warm-up and {arguments.epochs} measured epochs; "
        "one thread of one core; medians."
    )
    return [
        f"- Machine: {machine.processor()}, {os.cpu_count()} cores, {machine.memory_gib():.0f} GiB; {_bfloat16()}.",
        f"- {machine.date_and_commit()}",
        f"- Python {platform.python_version()}, {versions}.",
        f"- {method}",
    ]


def _bfloat16() -> str:
    """Return by which instructions the processor multiplies bfloat16, as Linux says."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return "instructions for bfloat16 unknown"
    found = sorted(flags & {"avx512_bf16", "amx_bf16"})
    return f"bfloat16 by {' and '.join(found)}" if found else "no instructions for bfloat16"


def write(rows: list[dict], names: list[str], arguments: argparse.Namespace) -> str:
    """Write ``epoch_time.csv`` and ``epoch_time.md``; return the text of the latter."""
    with replacing(arguments.output / "epoch_time.csv") as path, open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    parts = (
        *(table(rows, names, arguments.cells), products_table(rows)),
        *(floors(rows), comparisons(rows), provenance(rows, arguments)),
    )
    text = "\n\n".join("\n".join(part) for part in parts) + "\n"
    with replacing(arguments.output / "epoch_time.md") as path:
        path.write_text(text)
    return text


def main() -> None:
    """Run the command line."""
    arguments = parse_arguments()
    known = trained_models()
    unknown = set(arguments.models or ()) - set(known)
    if unknown:
        raise UserError(f"--models: there is no {', '.join(sorted(unknown))}; known: {', '.join(known)}.")
    names = [name for name in known if arguments.models is None or name in arguments.models]
    if not any(interpreter(arguments, name) for name in names):
        options = " and ".join(sorted({f"--{INTERPRETERS[name].replace('_', '-')}" for name in names}))
        raise UserError(f"--models: {', '.join(names)} cannot be measured without {options}.")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        sizes = ("--cells", arguments.cells, "--features", arguments.features, "--seed", arguments.seed)
        call(sys.executable, arguments.timeout, "data", "--folder", folder, *sizes)
        for turn in range(1, arguments.rounds + 1):
            rows += measure_once(arguments, names, Path(folder), turn)
            # After each round: a run that is stopped leaves what it has.
            text = write(rows, names, arguments)
    print(text)


if __name__ == "__main__":
    run_script(main)
