"""What a cohort of FCS files takes: time, memory and disk against the number of files, beside FlowIO and CytoNormPy.

Simulated files: a control in two batches, and patients in the first batch, whose values in the second one are known.
For each number of files, on one core and in one run: our pipeline from the files to the files, job by job; reading and
writing the same files once with FlowIO; CytoNormPy (clusters and quantiles of the controls, then file by file).
Prints tables for a Markdown page. From the root of the repository:

    python benchmarks/cohort.py                                        10, 30 and 100 files of 500,000 cells
    python benchmarks/cohort.py --files 2 4 --cells 20000 --fit-cells 5000
    python benchmarks/cohort.py --h5ad 200000 20000                    an h5ad with so many cells and genes instead
    python benchmarks/cohort.py --h5ad 1000000 20000 --controls 7     of 15 populations in place of three
    python benchmarks/cohort.py --plan 1500                            how long so many files are planned
"""

import argparse
import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "scripts")]

from cohort_files import COFACTOR, CONTROLS, cells_of, controls_of, in_batch_2, write_files, write_h5ad  # noqa: E402

#: Cells of each file whose predictions are compared with the truth, and files.
COMPARED_CELLS, COMPARED_FILES = 20_000, 3
#: Colours of the figure, told apart by colour-blind eyes.
OURS, PEER, RAW = "#2166AC", "#D55E00", "#777777"
#: The methods that are measured, and their settings.
METHODS = {"quantile_mapping": {"control": True}, "stacked_map": {}, "neuron_editing": {"output": "residual"}}


def entries_of(patients: list[str]) -> list[dict]:
    """Return the entries of the controls and of patients, by their files."""
    listed = [{"path": name, "condition": batch, "domain": "control"} for name, batch in CONTROLS.items()]
    return listed + [{"path": name, "condition": "batch1", "domain": "patients"} for name in patients]


def study_of(name: str, data: Path, fit_cells: int, methods: list[str], files: list) -> dict:
    """Return the study that corrects the patients to batch 2."""
    return {
        "study": name,
        "data_dir": str(data),
        "seeds": 1,
        "datasets": {"mine": {"uses": "own", "fit_cells": fit_cells, "files": files}},
        "tasks": {
            "t": {
                "dataset": "mine",
                "source_domains": ["control"],
                "queries": [{"name": "q", "domain": "patients", "source": "batch1", "target": "batch2"}],
            }
        },
        "models": {"autoencoder": {"epochs": 20}},
        "methods": {method: METHODS[method] for method in methods},
    }


def seconds_of(command: list, **options) -> dict[str, float]:
    """Run a command; return its wall and CPU seconds, and what it printed as ``text``.

    Raises
    ------
    RuntimeError
        If it fails.
    """
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, **options)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError((done.stdout + done.stderr)[-3000:])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": wall, "cpu": cpu, "text": done.stdout}


def snakemake(study: Path, *arguments: str) -> dict[str, float]:
    """Run Snakemake on a study; see `seconds_of`."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-m", "snakemake", "--nolock", "--configfile", study, "--quiet", "rules", *arguments]
    return seconds_of(command, cwd=ROOT, env=environment)


def by_rule(results: Path) -> dict[str, dict[str, float]]:
    """Return wall and CPU seconds together, and the largest memory in MB, of the jobs of each rule."""
    found: dict[str, dict[str, float]] = {}
    for path in (results / "benchmarks").rglob("*.tsv"):
        rule = path.relative_to(results / "benchmarks").parts[0].removesuffix(".tsv")
        with path.open() as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        for row in rows:
            one = found.setdefault(rule, {"jobs": 0, "wall": 0.0, "cpu": 0.0, "memory": 0.0})
            one["jobs"] += 1
            # Jobs of less than some seconds have no measurement of their memory.
            numbers = [
                float(row[name]) if row[name] not in ("NA", "-") else 0.0 for name in ("s", "cpu_time", "max_rss")
            ]
            one["wall"] += numbers[0]
            one["cpu"] += numbers[1]
            one["memory"] = max(one["memory"], numbers[2])
    return found


def size_of(folder: Path) -> float:
    """Return how many GB the files of a folder take; links take nothing."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / 1e9


READ_AND_WRITE = """
import sys, array, resource, flowio
folder, out, channels, *names = sys.argv[1:]
for name in names:
    file = flowio.FlowData(f"{folder}/{name}")
    with open(f"{out}/copy.fcs", "wb") as target:
        described = [file.channels[number] for number in sorted(file.channels, key=int)]
        short, labels = ([channel.get(word, "") for channel in described] for word in ("PnN", "PnS"))
        flowio.create_fcs(target, file.events, short, opt_channel_names=labels)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)
"""

CYTONORMPY = """
import sys, warnings, resource
warnings.simplefilter("ignore")
import pandas as pd, cytonormpy
folder, out, channels, *names = sys.argv[1:]
rows = [("control1.fcs", "ref", 1), ("control2.fcs", "ref", 2)] + [(name, "other", 1) for name in names]
table = pd.DataFrame(rows, columns=["file_name", "reference", "batch"])
norm = cytonormpy.CytoNorm()
norm.add_transformer(cytonormpy.AsinhTransformer(cofactors=5))
markers = [f"M{number:02d}Di" for number in range(int(channels))]
norm.run_fcs_data_setup(table, folder, channels=markers, output_directory=out, truncate_max_range=False)
norm.add_clusterer(cytonormpy.FlowSOM(n_clusters=3, xdim=10, ydim=10, seed=0))
norm.run_clustering(test_cluster_cv=False)
norm.calculate_quantiles(n_quantiles=99)
norm.calculate_splines(goal=2)
norm.normalize_data(file_names=names, batches=[1] * len(names), n_jobs=1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)
"""


def error_of(paths: list[Path], cells: int, channels: int) -> float:
    """Return the mean distance of predicted values to the truth, in units of arcsinh(x / 5), over some files."""
    from outofsample.files import fcs, fcs_data, fcs_text

    found = []
    for number, path in enumerate(paths[:COMPARED_FILES]):
        text = fcs_text.read_text(path)
        described = fcs_data.channels_of(text)
        X = fcs_data.linear(fcs_data.decode(text, described, 0, COMPARED_CELLS), described)[:, :channels]
        truth = in_batch_2(cells_of(number, cells, channels, patient=True)[:COMPARED_CELLS])
        found.append(np.abs(fcs.transform(X, COFACTOR) - fcs.transform(truth, COFACTOR)).mean())
    return float(np.mean(found))


def measure(files: int, arguments: argparse.Namespace) -> dict:
    """Return what so many files take: ours, FlowIO, CytoNormPy."""
    data, cells, channels = arguments.folder / "data", arguments.cells, arguments.channels
    write_files(data, files, cells, channels)
    names = [f"patient{number:04d}.fcs" for number in range(files)]
    listed = entries_of(names)
    name = f"cohort{files}"
    study, results = arguments.folder / f"{name}.json", ROOT / "results" / name
    shutil.rmtree(results, ignore_errors=True)
    study.write_text(json.dumps(study_of(name, data, arguments.fit_cells, arguments.methods, listed)))
    ours = snakemake(study, "--cores", str(arguments.cores))
    written = {m: [results / "own" / "t" / m / "q" / one for one in names] for m in arguments.methods}
    found = {"files": files, "ours": ours, "rules": by_rule(results)}
    found["input"] = sum((data / one).stat().st_size for one in (*CONTROLS, *names)) / 1e9
    found["disk"] = size_of(results)
    found["errors"] = {m: error_of(paths, cells, channels) for m, paths in written.items()}
    found["errors"]["no change"] = error_of([data / one for one in names], cells, channels)
    if not arguments.keep:
        shutil.rmtree(results)
    out = arguments.folder / "out"
    out.mkdir(exist_ok=True)
    for peer, code in (("FlowIO", READ_AND_WRITE), ("CytoNormPy", CYTONORMPY)):
        if peer == "CytoNormPy" and arguments.peer_files is not None and files > arguments.peer_files:
            found[peer] = {"wall": np.nan, "cpu": np.nan, "memory": np.nan}
            continue
        try:
            found[peer] = seconds_of([sys.executable, "-c", code, data, out, channels, *names])
        except RuntimeError as error:
            print(f"{peer} did not end: {str(error).strip().splitlines()[-1]}", flush=True)
            found[peer] = {"wall": np.nan, "cpu": np.nan, "text": "nan"}
        found[peer]["memory"] = float(found[peer].pop("text").split()[-1])
    normalised = [out / f"Norm_{one}" for one in names]
    if all(path.exists() for path in normalised):
        found["errors"]["CytoNormPy"] = error_of(normalised, cells, channels)
    shutil.rmtree(out)
    return found


#: Columns of the files in docs/measured.
MEASURED = ("jobs", "wall s", "CPU s", "peak MB")


def rows_of(rules: dict[str, dict], ours: dict, more: dict[str, dict]) -> list[list]:
    """Return a row per rule (name, jobs, wall s, CPU s, peak MB), of all together, and of what is beside it."""
    ordered = sorted(rules.items(), key=lambda item: -item[1]["cpu"])
    rows = [[rule, one["jobs"], one["wall"], one["cpu"], one["memory"]] for rule, one in ordered]
    rows.append(["all with Snakemake", "", ours["wall"], ours["cpu"], ""])
    return rows + [[name, 1, one["wall"], one["cpu"], one["memory"]] for name, one in more.items()]


def rows_with_peers(found: dict) -> list[list]:
    """Return the rows of a number of files; behind them FlowIO and CytoNormPy, where they ran."""
    peers = {name: found[name] for name in ("FlowIO", "CytoNormPy") if not np.isnan(found[name]["cpu"])}
    return rows_of(found["rules"], found["ours"], peers)


def write_rows(path: Path | None, key: str, rows_by_key: dict[int, list[list]]) -> None:
    """Write the rows of `rows_of` for each number of files or cells, ``key``; without a path nothing."""
    if path is None:
        return

    def rounded(value, digits: int):
        return value if isinstance(value, str) else "" if np.isnan(value) else f"{value:.{digits}f}"

    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([key, "rule", *MEASURED])
        for number, rows in rows_by_key.items():
            for rule, jobs, wall, cpu, memory in rows:
                writer.writerow([number, rule, jobs, rounded(wall, 0), rounded(cpu, 1), rounded(memory, 0)])


def show(found: dict, cells: int) -> None:
    """Print the table of the jobs for one number of files."""
    files = found["files"]
    print(f"\n{files} files x {cells:,} cells, {found['input']:.2f} GB; written {found['disk']:.2f} GB\n")
    print("| rule | jobs | wall s | CPU s | peak MB |\n| --- | --: | --: | --: | --: |")
    for rule, one in sorted(found["rules"].items(), key=lambda item: -item[1]["cpu"]):
        print(f"| `{rule}` | {one['jobs']} | {one['wall']:.0f} | {one['cpu']:.1f} | {one['memory']:,.0f} |")
    print(f"| all, with Snakemake | | {found['ours']['wall']:.0f} | {found['ours']['cpu']:.1f} | |")
    for peer in ("FlowIO", "CytoNormPy"):
        one = found[peer]
        print(f"| {peer} | 1 | {one['wall']:.0f} | {one['cpu']:.1f} | {one['memory']:,.0f} |")
    errors = ", ".join(f"{name} {value:.3f}" for name, value in found["errors"].items())
    print(f"\nMean distance to the truth, arcsinh(x / 5): {errors}\n", flush=True)


def show_all(runs: list[dict]) -> None:
    """Print the table of all numbers of files."""
    head = [
        "files",
        "CPU s",
        "CPU s per file predicted",
        "largest peak MB",
        "FlowIO CPU s",
        "CytoNormPy CPU s",
        "peak MB",
    ]
    print(f"\n| {' | '.join(head)} |\n|{' --: |' * len(head)}")
    for found in runs:
        predict, rules = found["rules"]["predict_files"]["cpu"], found["rules"].values()
        largest = max(one["memory"] for one in rules)
        print(
            f"| {found['files']} | {found['ours']['cpu']:.0f} | {predict / found['files']:.1f} | {largest:,.0f} | "
            f"{found['FlowIO']['cpu']:.0f} | {found['CytoNormPy']['cpu']:.0f} | {found['CytoNormPy']['memory']:,.0f} |"
        )


def draw(runs: list[dict], path: Path) -> None:
    """Draw time and memory against the number of files."""
    from matplotlib.figure import Figure

    files = [found["files"] for found in runs]
    figure = Figure(figsize=(7, 2.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, label, colour in (
        ("CytoNormPy", "CytoNormPy", PEER),
        ("ours", "this pipeline", OURS),
        ("FlowIO", "FlowIO", RAW),
    ):
        left.plot(files, [found[name]["cpu"] for found in runs], "o-", ms=4, label=label, color=colour)
    right.plot(files, [found["CytoNormPy"]["memory"] for found in runs], "o-", ms=4, label="CytoNormPy", color=PEER)
    for rule, label, style in (
        ("preprocess_dataset", "drawing cells", "s--"),
        ("predict_files", "predicting files", "o-"),
    ):
        memory = [found["rules"][rule]["memory"] for found in runs]
        right.plot(files, memory, style, ms=4, label=f"this pipeline, {label}", color=OURS)
    left.set(xlabel="files", ylabel="CPU seconds", ylim=(0, None))
    right.set(xlabel="files", ylabel="peak memory, MB", ylim=(0, None))
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, fontsize=7, loc="center right")
    figure.savefig(path, dpi=150)


def measure_h5ad(cells: int, genes: int, arguments: argparse.Namespace) -> None:
    """Print what an h5ad takes, job by job."""
    data = arguments.folder / "data"
    path = data / f"cells_{cells}_{genes}_{arguments.controls}.h5ad"
    if not path.exists():
        write_h5ad(path, cells, genes, arguments.controls)
    name = f"cohort_h5ad_{cells}"
    values = study_of(name, data, arguments.fit_cells, arguments.methods, [path.name])
    values["datasets"]["mine"] |= {"scale": "log1p_counts", "condition_column": "day", "domain_column": "person"}
    values["tasks"]["t"] |= {"variable_features": 2000, "source_domains": controls_of(arguments.controls)}
    study, results = arguments.folder / f"{name}.json", ROOT / "results" / name
    shutil.rmtree(results, ignore_errors=True)
    study.write_text(json.dumps(values))
    ours = snakemake(study, "--cores", str(arguments.cores))
    print(
        f"\n{cells:,} cells x {genes:,} genes, {path.stat().st_size / 1e9:.2f} GB; written {size_of(results):.2f} GB\n"
    )
    print("| rule | jobs | wall s | CPU s | peak MB |\n| --- | --: | --: | --: | --: |")
    for rule, one in sorted(by_rule(results).items(), key=lambda item: -item[1]["cpu"]):
        print(f"| `{rule}` | {one['jobs']} | {one['wall']:.0f} | {one['cpu']:.1f} | {one['memory']:,.0f} |")
    print(f"| all, with Snakemake | | {ours['wall']:.0f} | {ours['cpu']:.1f} | |")
    write_rows(arguments.csv, "cells", {cells: rows_of(by_rule(results), ours, {})})
    if not arguments.keep:
        shutil.rmtree(results)


def measure_plan(files: int, arguments: argparse.Namespace) -> None:
    """Print how long so many files are planned."""
    data = arguments.folder / "plan"
    data.mkdir(parents=True, exist_ok=True)
    write_files(data, files, 200, arguments.channels)
    listed = entries_of([f"patient{number:04d}.fcs" for number in range(files)])
    study = arguments.folder / "plan.json"
    study.write_text(json.dumps(study_of("cohort_plan", data, 1000, arguments.methods, listed)))
    found = snakemake(study, "--dry-run")
    print(f"{files:,} files are planned in {found['wall']:.0f} s ({found['cpu']:.0f} s of CPU).")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, nargs="+", default=[10, 30, 100])
    parser.add_argument("--cells", type=int, default=500_000, help="of each file")
    parser.add_argument("--channels", type=int, default=35)
    parser.add_argument("--fit-cells", type=int, default=100_000)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("build/cohort"), help="for the simulated files")
    parser.add_argument("--figure", type=Path, help="where to draw time and memory")
    parser.add_argument("--csv", type=Path, help="where to write what each rule takes")
    parser.add_argument("--peer-files", type=int, help="CytoNormPy runs with at most so many files; default: with all")
    parser.add_argument("--keep", action="store_true", help="keep the results")
    parser.add_argument("--h5ad", type=int, nargs=2, metavar=("CELLS", "GENES"), help="measure an h5ad instead")
    parser.add_argument("--controls", type=int, default=1, help="of the h5ad, each in both batches")
    parser.add_argument("--plan", type=int, metavar="FILES", help="measure the plan of so many files instead")
    arguments = parser.parse_args()
    arguments.folder = arguments.folder.resolve()
    (arguments.folder / "data").mkdir(parents=True, exist_ok=True)
    if arguments.plan:
        measure_plan(arguments.plan, arguments)
    elif arguments.h5ad:
        measure_h5ad(*arguments.h5ad, arguments)
    else:
        runs = []
        for files in arguments.files:
            runs.append(measure(files, arguments))
            show(runs[-1], arguments.cells)
            write_rows(arguments.csv, "files", {run["files"]: rows_with_peers(run) for run in runs})
        show_all(runs)
        if arguments.figure:
            draw(runs, arguments.figure)


if __name__ == "__main__":
    main()
