"""Seconds per epoch and peak memory of every model that is trained, beside scvi-tools' scVI and scArches' trVAE.

Each model is measured in a process of its own, on one thread of a CPU. The models take turns: a round measures each
of them once, so that whatever else the machine does hits all alike. What is reported are medians over rounds.
"""

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from outofsample import registry  # noqa: E402
from outofsample.errors import UserError, run_script  # noqa: E402
from outofsample.files import replacing  # noqa: E402

PEERS = {"scvi_tools_scvi": "scvi-tools' scVI", "scarches_trvae": "scArches' trVAE"}
#: Pairs (ours, peer) of the same method, and the share of the peer's wall time that ours may take at most, if any.
PAIRS = (("trvae", "scarches_trvae", 0.5), ("scvi", "scvi_tools_scvi", None))
FIELDS = ("round", "model", "batch_size", "steps", "cells", "wall", "cpu", "memory_before", "memory_peak", "torch")


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
    parser.add_argument("--peer-python", type=Path, help="interpreter of the environment of setup_peers.sh")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds that one process may take")
    parser.add_argument("--output", type=Path, default=ROOT / "results/benchmarks", help="folder for CSV and Markdown")
    arguments = parser.parse_args()
    if arguments.peer_python is not None and not arguments.peer_python.is_file():
        raise UserError(f"--peer-python: '{arguments.peer_python}' does not exist; benchmarks/setup_peers.sh makes it.")
    return arguments


def trained_models() -> list[str]:
    """Return the names of our models that are trained on tables or counts, and the peers, each after its like."""
    classes = {name: registry.find("models", name) for name in registry.available("models")}
    names = [name for name, model in classes.items() if model.trains and model.data & {"tabular", "counts"}]
    names.insert(names.index("cyclegan") + 1, "style_gan")
    for ours, peer, _ in PAIRS:
        names.insert(names.index(ours) + 1, peer)
    return names


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


def measure_once(arguments: argparse.Namespace, names: list[str], folder: Path, turn: int) -> list[dict]:
    """Return the rows of one round: a row per model and measured epoch."""
    rows = []
    for name in names:
        python = arguments.peer_python if name == "scarches_trvae" else sys.executable
        if python is None:
            continue
        options = ("--folder", folder, "--warm-up", arguments.warm_up, "--epochs", arguments.epochs)
        result = json.loads(call(python, arguments.timeout, name, *options))
        epochs = result.pop("epochs")
        rows += [{"round": turn, "model": name, **result, **epoch} for epoch in epochs]
        wall, cpu = rows[-1]["wall"], rows[-1]["cpu"]
        print(f"round {turn}: {name}: {wall:.2f} s per epoch, {cpu:.2f} s of CPU", file=sys.stderr, flush=True)
    return rows


def table(rows: list[dict], names: list[str], cells: int) -> list[str]:
    """Return the lines of the Markdown table, a line per model: medians of times, maxima of memory."""
    lines = [
        "| model | batch size | steps per epoch | cells drawn per epoch | wall s per epoch | CPU s per epoch "
        f"| wall s per {cells:,} cells | CPU s per {cells:,} cells | peak RSS, MiB | before training, MiB |",
        "| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for name in names:
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


def comparisons(rows: list[dict]) -> list[str]:
    """Return a sentence per pair of ours and a peer's: ratios of seconds per cell, formed within each round."""
    sentences = []
    for ours, peer, bound in PAIRS:
        ratios = {clock: _ratios(rows, ours, peer, clock) for clock in ("wall", "cpu")}
        if not ratios["wall"]:
            sentences.append(f"- `{ours}` against {PEERS[peer]}: not measured.")
            continue
        parts = [
            f"{median(values):.2f} of the {'wall' if clock == 'wall' else 'CPU'} time (rounds: "
            f"{', '.join(f'{value:.2f}' for value in values)})"
            for clock, values in ratios.items()
        ]
        verdict = ""
        if bound is not None:
            kept = "kept" if median(ratios["wall"]) <= bound else "not kept"
            verdict = f" The requirement, at most {bound:g} of the wall time, is {kept}."
        sentences.append(f"- `{ours}` takes {' and '.join(parts)} of {PEERS[peer]}, per cell drawn.{verdict}")
    return sentences


def _ratios(rows: list[dict], ours: str, peer: str, clock: str) -> list[float]:
    """Return, per round, the ratio of median seconds per cell; an empty list where either was not measured."""

    def per_cell(turn: int, model: str) -> list[float]:
        return [row[clock] / row["cells"] for row in rows if row["round"] == turn and row["model"] == model]

    pairs = [(per_cell(turn, ours), per_cell(turn, peer)) for turn in sorted({row["round"] for row in rows})]
    return [median(own) / median(other) for own, other in pairs if own and other]


def provenance(rows: list[dict], arguments: argparse.Namespace) -> list[str]:
    """Return sentences on machine, date, commit and versions."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True)
        return done.stdout.strip()

    changed = " with uncommitted changes in scripts/" if git("status", "--porcelain", "scripts") else ""
    versions = " and ".join(sorted({f"torch {row['torch']}" for row in rows}))
    method = (
        f"{arguments.cells:,} cells x {arguments.features:,} features, seed {arguments.seed}; "
        f"{rows[-1]['round']} rounds of {arguments.warm_up} warm-up and {arguments.epochs} measured epochs; "
        "one thread; medians."
    )
    return [
        f"- Machine: {_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB.",
        f"- Date: {datetime.now(UTC):%Y-%m-%d}. Commit: {git('rev-parse', '--short', 'HEAD') or 'unknown'}{changed}.",
        f"- Python {platform.python_version()}, {versions}.",
        f"- {method}",
    ]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _memory_gib() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)


def write(rows: list[dict], names: list[str], arguments: argparse.Namespace) -> str:
    """Write ``epoch_time.csv`` and ``epoch_time.md``; return the text of the latter."""
    with replacing(arguments.output / "epoch_time.csv") as path, open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    lines = [*table(rows, names, arguments.cells), "", *comparisons(rows), "", *provenance(rows, arguments)]
    text = "\n".join(lines) + "\n"
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
