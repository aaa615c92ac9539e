"""The first page of a study's report: one HTML file that needs nothing beside it and no network.

`gather` reads the finished files of a study, `render` writes the page, and `embed` puts Snakemake's own report into it.
The template and the style stand beside this file.
"""

import base64
import contextlib
import gzip
import html
import json
import os
import platform
import re
import shlex
import struct
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib import metadata
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from outofsample import texts
from outofsample.errors import UserError
from outofsample.files.scores import read_scores
from outofsample.files.table import read_tidy
from outofsample.metrics.directions import distance_to_best
from outofsample.report import ranks, score_card, tables
from outofsample.report.tables import Spec

TEMPLATE = Path(__file__).with_name("page.html.j2")
STYLE = Path(__file__).with_name("page.css")
#: What the summary ranks by: every kind of data has it.
SUMMARY_SCORE = "energy_distance"
PACKAGES = (
    *("anndata", "cytonormpy", "jinja2", "matplotlib", "numpy", "pandas", "pot", "pydantic", "rpy2", "scanpy"),
    *("scikit-image", "scikit-learn", "scipy", "scranpy", "scvi-tools", "seaborn", "snakemake", "torch"),
    *("torchmetrics", "umap-learn"),
)
PAPERS = {"ne2020": "Neuron Editing (2020)", "trvae2020": "trVAE (2020)"}
#: Between these `embed` puts Snakemake's report.
MARKS = ("<!-- Snakemake's report: begins -->", "<!-- Snakemake's report: ends -->")
#: Snakemake's buttons are links to '#', which browsers refuse to follow in a page that was unpacked into memory.
_NO_HASH = """<script>addEventListener("click", event => {
  if (event.target.closest('a[href="#"]')) event.preventDefault();
}, true);</script>"""
_OPTIONS = re.compile(r'<meta name="snakemake-options" content="([^"]*)">')
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Study:
    """What the configuration says of a study.

    Attributes
    ----------
    study, description, demo_size
        As in the configuration.
    options
        The options of Snakemake that name the study, as ["--configfile", "studies/x.yaml"]; none for the demo.
    tasks
        Of each task: label, stand_in, and the methods that it asks for (None: all).
    methods
        Of each method: label, control.
    tables
        Of each table what `outofsample.report.tables.Spec` holds, but for methods, labels and stand-ins of tasks.
    figures
        Of each figure: title, notebook, task (its label, or empty) and stand_in.
    """

    study: str
    description: str
    demo_size: bool
    options: list[str]
    tasks: dict[str, dict]
    methods: dict[str, dict]
    tables: dict[str, dict]
    figures: dict[str, dict]

    def command(self, target: str = "") -> str:
        """Return the command that makes a target again."""
        # Snakemake would take a target behind --config for a value.
        return shlex.join(["snakemake", "--cores", "all", *filter(None, [target]), *self.options])

    def spec(self, name: str, tidy: pd.DataFrame) -> Spec:
        """Return the specification of a table, completed with the methods of its tidy values."""
        rows = tidy.drop_duplicates("method").query("method != 'oracle'")
        methods = [
            {key: row[key] for key in ("label", "control")} | {"name": row["method"]} for row in rows.to_dict("records")
        ]
        tasks = self.tables[name]["tasks"]
        completed = {
            "methods": methods,
            "task_labels": {task: self.task_label(task) for task in tasks},
            "stand_in": {task: self.tasks.get(task, {}).get("stand_in", False) for task in tasks},
        }
        return tables.read_spec(json.dumps(self.tables[name] | completed))

    def task_label(self, task: str) -> str:
        """Return how tables and figures call a task."""
        return self.tasks.get(task, {}).get("label", task)

    def method_label(self, method: str) -> str:
        """Return how tables and figures call a method."""
        return self.methods.get(method, {}).get("label", method)


@dataclass(frozen=True)
class Files:
    """The finished files of a study that the page shows; folder ``benchmarks`` holds a TSV per job."""

    scores: list[Path]
    tables: list[Path]
    figures: list[Path]
    own: list[Path]
    benchmarks: Path
    paper_values: Path


def gather(study: Study, files: Files) -> dict:
    """Return all that the template shows.

    Raises
    ------
    UserError
        If a file of a table or a figure cannot be read.
    """
    tidy = {path.stem: read_tidy(path) for path in files.tables}
    specs = {name: study.spec(name, tidy[name]) for name in study.tables}
    scores = read_scores(files.scores)
    papers = tables.read_paper_values(files.paper_values)
    shown = figures(study, files.figures)
    cells = []
    if any(spec.paper for spec in specs.values()):
        cells = score_card.score_card(papers, specs, tidy, study.demo_size)
    return {
        "study": study,
        "stand_ins": [task["label"] for task in study.tasks.values() if task["stand_in"]],
        "cells": [(paper, list(of_table)) for paper, of_table in groupby(cells, key=_heading)],
        "counts": score_card.counts(cells),
        "papers": PAPERS,
        "summary": summary(study, scores),
        "summary_figures": [figure for figure in shown if figure["notebook"] == "summary"],
        "tables": [table(name, specs[name], tidy[name], study) for name in specs],
        "figures": [figure for figure in shown if figure["notebook"] != "summary"],
        "own": [attachment(path) for path in files.own],
        "not_run": not_run(study, scores),
        "pairs": len(study.methods) * len(study.tasks),
        "no_truth": no_truth(study, scores),
        "backends": backends(study, scores),
        "packages": packages(),
        "machine": machine(),
        "commit": commit(Path(__file__).parents[3]),
        "times": times(files.benchmarks),
        "made": datetime.now(UTC),
    }


def _heading(cell: score_card.Cell) -> tuple[str, str]:
    return cell.paper, cell.table


# ---- the summary


def summary(study: Study, scores: pd.DataFrame) -> dict | None:
    """Return rank and mean score of each method (rows, best mean rank first) for each query; None without any truth."""
    found = ranks.rank_methods(scores, dict.fromkeys(scores["task"], SUMMARY_SCORE))
    values = found.values
    if values.empty:
        return None
    key = partial(distance_to_best, SUMMARY_SCORE)
    unchanged = values.loc["no_change"] if "no_change" in values.index else pd.Series(np.nan, values.columns)
    rows = [
        {
            "label": study.method_label(method),
            "control": study.methods.get(method, {}).get("control", False),
            "mean_rank": mean_rank,
            "tasks": found.of_tasks.loc[method].count(),
            "cells": [
                {
                    "value": values.loc[method, c],
                    "rank": found.of_queries.loc[method, c],
                    "worse": key(values.loc[method, c]) > key(unchanged[c]),
                }
                for c in values.columns
            ],
        }
        for method, mean_rank in found.mean.items()
    ]
    several = values.columns.get_level_values(0).value_counts()
    heads = [
        {
            "label": study.task_label(task) + (f": {query}" if several[task] > 1 else ""),
            "stand_in": study.tasks.get(task, {}).get("stand_in", False),
        }
        for task, query in values.columns
    ]
    return {"heads": heads, "rows": rows, "oracle": list(found.oracle), "tasks": len(several)}


# ---- tables and figures


def table(name: str, spec: Spec, tidy: pd.DataFrame, study: Study) -> dict:
    """Return a table as heads and rows of cells; equal cells beside each other ('not run: ...') are one."""
    return {
        "name": name,
        "title": tables.full_title(spec),
        "command": study.command(name),
        "blocks": [
            {
                "title": block.title,
                "head": block.head,
                "rows": [_merged(cells, bold) for cells, bold in zip(block.cells, block.bold, strict=True)],
                "first_control": block.first_control,
                "feet": block.feet,
            }
            for block in tables.blocks(tidy, spec)
        ],
    }


def _merged(cells: list[str], bold: list[bool]) -> list[dict]:
    """Return the cells of a row as text, whether bold, and columns that they cover."""
    merged: list[dict] = []
    for text, is_bold in zip(cells, bold, strict=True):
        if merged and text.startswith("not run") and merged[-1]["text"] == text:
            merged[-1]["columns"] += 1
        else:
            merged.append({"text": text, "bold": is_bold, "columns": 1})
    return merged


def figures(study: Study, paths: list[Path]) -> list[dict]:
    """Return the figures, each with its picture, caption, alternative text and the command that makes it again."""
    shown = []
    for path in paths:
        entry = study.figures[path.stem]
        marks = [f"task {entry['task']}" if entry["task"] else "", texts.marks(entry["stand_in"], study.demo_size)]
        width, height = png_size(path)
        shown.append(
            {
                "name": path.stem,
                "title": entry["title"],
                "notebook": entry["notebook"],
                "marks": ", ".join(filter(None, marks)),
                "picture": "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode(),
                "width": width,
                "height": height,
                "files": [str(path.with_suffix(suffix)) for suffix in (".pdf", ".html")],
                "command": study.command(path.stem),
            }
        )
    return shown


def png_size(path: Path) -> tuple[int, int]:
    """Return width and height of a PNG in pixels, from its head."""
    try:
        with open(path, "rb") as file:
            head = file.read(24)
    except OSError as error:
        raise UserError(f"{path}: this picture cannot be read ({error}).") from error
    if not head.startswith(_PNG) or len(head) < 24:
        raise UserError(f"{path}: this is not a PNG picture.")
    return struct.unpack(">II", head[16:24])


# ---- completeness, versions, times


def not_run(study: Study, scores: pd.DataFrame) -> list[dict]:
    """Return the methods that did not run: label, reason, labels of the tasks, and how many these are."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for method in study.methods:
        for task, entry in study.tasks.items():
            rows = scores[(scores["method"] == method) & (scores["task"] == task)]
            if entry["methods"] is not None and method not in entry["methods"]:
                reason = "this task does not ask for it"
            elif rows.empty:
                reason = "no scores of it were written"
            elif (rows["score"] == "").any():
                reason = "; ".join(rows.loc[rows["score"] == "", "note"].unique()).removeprefix("not run: ")
            else:
                continue
            reasons.setdefault((method, reason), []).append(entry["label"])
    return [
        {"label": study.method_label(method), "reason": reason, "tasks": labels, "count": len(labels)}
        for (method, reason), labels in reasons.items()
    ]


def no_truth(study: Study, scores: pd.DataFrame) -> list[str]:
    """Return the queries whose truth nobody measured: no oracle has a number there."""
    named = []
    for (task, query), rows in scores.groupby(["task", "query"], sort=False):
        if rows.loc[rows["method"] == "oracle", "value"].isna().all():
            named.append(f"{study.task_label(task)}: {query}")
    return named


def backends(study: Study, scores: pd.DataFrame) -> list[tuple[str, str]]:
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


# ---- writing it


def attachment(path: Path) -> dict:
    """Return a whole HTML file to be carried within the page, packed."""
    return {
        "id": f"own-{'-'.join(path.parts[-2:]).removesuffix('.html')}",
        "name": path.name,
        "title": f"{path.parent.name}: {path.stem.removesuffix('_changes')}",
        "packed": packed(read(path)),
    }


def read(path: Path) -> str:
    """Return the text of a file.

    Raises
    ------
    UserError
        If it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: this file cannot be read ({error}).") from error


def packed(text: str) -> str:
    """Return text as gzip in base64."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def duration(seconds: float) -> str:
    """Return seconds as people write them: 4.2 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 100:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def render(content: dict) -> str:
    """Return the page as HTML; all text from files is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": texts.shortened, "duration": duration}
    return environment.get_template(TEMPLATE.name).render(
        **content,
        style=STYLE.read_text(encoding="utf-8"),
        marks=MARKS,
        options=json.dumps(content["study"].options),
        rule={"tolerances": score_card.TOLERANCES, "deviations": score_card.DEVIATIONS},
        verdicts=score_card.VERDICTS,
        summary_score=SUMMARY_SCORE.replace("_", " "),
        mean_rank_rule=ranks.RULE,
    )


def read_options(page: Path) -> list[str]:
    """Return the options of Snakemake that a page was made with.

    Raises
    ------
    UserError
        If the file cannot be read, or is no page that `render` wrote.
    """
    found = _OPTIONS.search(read(page))
    if not found:
        raise UserError(f"{page}: this is not a page that make_page.py wrote.")
    return json.loads(html.unescape(found[1]))


def embed(page: str, report: Path) -> str:
    """Return the page with Snakemake's own report inside.

    Raises
    ------
    UserError
        If the page has no place for it.
    """
    before, begins, rest = page.partition(MARKS[0])
    _, ends, after = rest.partition(MARKS[1])
    if not begins or not ends:
        raise UserError("the page has no place for Snakemake's report: make_page.py did not write it.")
    inner = read(report).replace("<head>", f"<head>{_NO_HASH}", 1)
    inside = (
        '<p><button type="button" data-opens="snakemake-report">Open Snakemake’s report</button> '
        '<span role="status"></span></p>\n'
        f'<script type="text/plain" id="snakemake-report" data-name="snakemake_report.html">{packed(inner)}</script>'
    )
    return f"{before}{MARKS[0]}\n{inside}\n{MARKS[1]}{after}"
