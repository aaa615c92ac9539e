"""What a study was made with: versions, machine, precision and commit; and the times and memory of its jobs."""

import contextlib
import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path

import pandas as pd

from outofsample.files.history import read_history
from outofsample.files.missing import read_note
from outofsample.jobs.page import PageSpec

PACKAGES = (
    *("anndata", "cytonormpy", "jinja2", "matplotlib", "numpy", "pandas", "pot", "pydantic", "rpy2", "scanpy"),
    *("scikit-image", "scikit-learn", "scipy", "scranpy", "scvi-tools", "seaborn", "snakemake", "torch"),
    *("torchmetrics", "umap-learn"),
)


def backends(study: PageSpec, scores: pd.DataFrame) -> list[tuple[str, str]]:
    """Return what computed the predictions, with its version, and the labels of the methods."""
    pairs = scores.loc[scores["backend"] != "", ["backend", "method"]].drop_duplicates()
    return [
        (backend, "; ".join(study.method_label(method) for method in of_backend["method"]))
        for backend, of_backend in pairs.groupby("backend")
    ]


def packages() -> list[tuple[str, str]]:
    """Return the main packages that are installed where the page is made, with their versions."""
    found = []
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found.append((name, metadata.version(name)))
    return found


def machine() -> list[tuple[str, str]]:
    """Return what is known of the machine that made the page."""
    found = re.search(r"^model name\s*:\s*(.+)$", _text(Path("/proc/cpuinfo")), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return [
        ("Python", platform.python_version()),
        ("system", platform.platform()),
        ("processor", f"{found[1] if found else platform.machine()}, {os.cpu_count()} cores"),
        ("memory", f"{memory:.0f} GiB"),
    ]


def precisions(folder: Path) -> list[tuple[str, list[str]]]:
    """Return, for each precision of matrix products, the models that were trained in it; ``folder`` has their losses.

    One model can be under two of them, where its trainings ran on different machines.
    """
    models: dict[str, set[str]] = {}
    for path in folder.glob("*/*/history_*.csv"):
        if read_note(path):
            continue
        for precision in set(read_history(path).get("precision", ())):
            models.setdefault(precision, set()).add(path.parent.name)
    return [(precision, sorted(names)) for precision, names in sorted(models.items())]


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def commit(root: Path) -> str:
    """Return the commit of the project's own git repository, and whether files differ from it; empty without one."""
    if not (root / ".git").exists():
        return ""
    answers = []
    for command in (["rev-parse", "--short=12", "HEAD"], ["status", "--porcelain", "--untracked-files=no"]):
        try:
            done = subprocess.run(["git", "-C", str(root), *command], capture_output=True, text=True, timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            return ""
        if done.returncode:
            return ""
        answers.append(done.stdout.strip())
    return answers[0] + (", with changes that are not committed" if answers[1] else "")


def times(folder: Path) -> list[dict]:
    """Return, for each rule: jobs, seconds (sum, median, max) and peak memory in MB (median, max; NaN if unknown)."""
    frames = [
        pd.read_csv(path, sep="\t", na_values=["-", "NA"]).assign(rule=path.relative_to(folder).parts[0])
        for path in sorted(folder.rglob("*.tsv"))
    ]
    if not frames:
        return []
    runs = pd.concat(frames, ignore_index=True)
    runs["rule"] = runs["rule"].str.removesuffix(".tsv")
    return [
        {
            "rule": rule,
            "jobs": len(of_rule),
            **{how: getattr(of_rule["s"], how)() for how in ("sum", "median", "max")},
            **{f"memory_{how}": getattr(of_rule["max_rss"].dropna(), how)() for how in ("median", "max")},
        }
        for rule, of_rule in runs.groupby("rule")
    ]
