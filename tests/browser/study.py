"""A finished study of two tasks, small enough to be written by hand, and the command that makes its page."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from outofsample.files.scores import Row, read_scores, write_scores
from outofsample.jobs.figure import ShownTask
from outofsample.jobs.page import PageSpec, ShownFigure
from outofsample.jobs.table import ColumnSpec, MethodRow, TableSpec
from outofsample.report.paper_values import read_paper_values
from outofsample.report.table_formats import write_table
from outofsample.report.tables import tidy_table
from tests.conftest import ROOT

PAPER_VALUES = ROOT / "docs" / "paper_values.csv"
CLAIMS = ROOT / "docs" / "claims.yaml"
BENCHMARK = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
#: What must be text on the page, wherever it stands.
HOSTILE = "<img src=x onerror=alert(1)> & \"quotes\" 'single'"
METHODS = {
    "neuron_editing": MethodRow("neuron_editing", "Neuron editing"),
    "gan": MethodRow("gan", "GAN"),
    "cca": MethodRow("cca", "CCA"),
    "no_change": MethodRow("no_change", "No change", control=True),
}
DENGUE = ShownTask("dengue")
#: A table before a study fills in its methods, labels and stand-ins (`SmallStudy`).
TABLE = TableSpec(
    name="t2",
    title="Spike-in batch correction",
    columns=(
        ColumnSpec("spike_in_r", "spike-in r", "high", paper_column=True),
        ColumnSpec("energy_distance", "energy distance", "low"),
    ),
    methods=(),
    tasks=("dengue",),
    paper="ne2020",
    table="2",
    paper_tasks=("dengue",),
    rank_by="energy_distance",
    notes=(HOSTILE,),
)
FIGURE = ShownFigure("Points", "points", "dengue")
SPEC = PageSpec(
    study="small",
    description=HOSTILE,
    demo_size=False,
    options=("--configfile", "studies/small.yaml"),
    tasks={"dengue": DENGUE, "second": ShownTask("second, of its name", methods=("gan", "no_change"))},
    methods=METHODS,
    tables={"t2": TABLE},
    figures={"points": FIGURE, "summary": replace(FIGURE, notebook="summary", task="")},
)


def rows_of(task: str, query: str) -> list[Row]:
    """Return scores: Neuron Editing near the paper's, the GAN far from it, CCA did not run."""
    rows = [Row(task, query, "neuron_editing", s, "spike_in_r", 0.95 + 0.01 * s, n_cells=9) for s in range(3)]
    rows += [Row(task, query, "gan", s, "spike_in_r", 0.1 + 0.01 * s, n_cells=9) for s in range(3)]
    for method, distance in (("neuron_editing", 0.1), ("gan", 0.9), ("no_change", 0.5), ("oracle", 0.01)):
        rows.append(Row(task, query, method, 0, "energy_distance", distance, backend=f"torch <{method}>"))
    return [*rows, Row(task, query, "cca", note="not run: R missing")]


def filled_in(table: TableSpec, spec: PageSpec) -> TableSpec:
    """Return a table with methods, labels and stand-ins, as `outofsample.study.presentation` makes it."""
    stand_in = {task: spec.tasks[task].stand_in for task in table.tasks}
    return replace(
        table,
        methods=tuple(spec.methods.values()),
        task_labels={task: spec.tasks[task].label for task in table.tasks},
        stand_in=stand_in,
        paper_tasks=tuple(task for task in table.paper_tasks if not stand_in[task]),
    )


@dataclass
class SmallStudy:
    """The files of a study in a folder; attributes say what is in it before `write`.

    ``changes`` are fields of `SPEC` that differ.
    """

    folder: Path
    changes: InitVar[Mapping[str, Any]] = MappingProxyType({})
    rows: list[Row] | None = None
    own: str = ""
    predictions: list[Path] = field(default_factory=list)
    spec: PageSpec = field(init=False)

    def __post_init__(self, changes):
        spec = replace(SPEC, **changes)
        self.spec = replace(spec, tables={name: filled_in(table, spec) for name, table in spec.tables.items()})
        if self.rows is None:
            second = [row for row in rows_of("second", "q") if row.method in ("gan", "no_change", "oracle")]
            self.rows = [*rows_of("dengue", "sample1"), *second]

    def write(self) -> "SmallStudy":
        """Write scores, tables, figures, benchmarks and pages on own data."""
        for task in self.spec.tasks:
            write_scores([row for row in self.rows if row.task == task], self.folder / "scores" / f"{task}.csv")
        for table in self.spec.tables.values():
            self._write_table(table)
        for name in self.spec.figures:
            self._write_figure(self.folder / "figures" / f"{name}.png")
        for number, rule in enumerate(("train_model/a", "train_model/b", "make_table")):
            path = self.folder / "benchmarks" / f"{rule}.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            memory = "-" if rule == "make_table" else 100 * (number + 1)
            path.write_text(BENCHMARK + f"{10 * (number + 1)}\t0:00:10\t{memory}\t1\t1\t1\t0\t0\t1\t1\n")
        if self.own:
            (self.folder / "own" / "task").mkdir(parents=True)
            (self.folder / "own" / "task" / "mine_changes.html").write_text(self.own)
        return self

    def _write_table(self, spec: TableSpec) -> None:
        scores = read_scores(sorted((self.folder / "scores").glob("*.csv")))
        tidy = tidy_table(spec, scores, read_paper_values(PAPER_VALUES))
        write_table(tidy, spec, *(self.folder / "tables" / f"{spec.name}.{suffix}" for suffix in ("csv", "md", "tex")))

    @staticmethod
    def _write_figure(path: Path) -> None:
        from PIL import Image

        path.parent.mkdir(exist_ok=True)
        Image.linear_gradient("L").resize((600, 200)).save(path)

    def make(self, spec: str | None = None) -> subprocess.CompletedProcess:
        """Run `make_page.py`, which writes page.html, with the study's specification or another one (JSON)."""
        command = [sys.executable, str(ROOT / "scripts" / "make_page.py"), "--spec", "-"]
        for kind, pattern in (("scores", "*.csv"), ("tables", "*.csv"), ("figures", "*.png"), ("own", "*/*.html")):
            command += [f"--{kind}", *map(str, sorted((self.folder / kind).glob(pattern)))]
        command += ["--predictions", *map(str, self.predictions)]
        command += ["--benchmarks", str(self.folder / "benchmarks"), "--paper-values", str(PAPER_VALUES)]
        command += ["--claims", str(CLAIMS)]
        command += ["--output", str(self.page)]
        text = self.spec.to_json() if spec is None else spec
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=120)

    @property
    def page(self) -> Path:
        """The page that `make` writes."""
        return self.folder / "page.html"
