"""A finished study of two tasks, small enough to be written by hand, and the command that makes its page."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from outofsample.files.scores import Row, read_scores, write_scores
from outofsample.report import tables
from tests.conftest import ROOT

PAPER_VALUES = ROOT / "docs" / "paper_values.csv"
BENCHMARK = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
#: What must be text on the page, wherever it stands.
HOSTILE = "<img src=x onerror=alert(1)> & \"quotes\" 'single'"
METHODS = {
    "neuron_editing": {"label": "Neuron editing", "control": False},
    "gan": {"label": "GAN", "control": False},
    "cca": {"label": "CCA", "control": False},
    "no_change": {"label": "No change", "control": True},
}
TABLE = {
    "title": "Spike-in batch correction",
    "paper": "ne2020",
    "table": "2",
    "columns": [
        {"score": "spike_in_r", "label": "spike-in r", "better": "high", "paper_column": True},
        {"score": "energy_distance", "label": "energy distance", "better": "low", "paper_column": False},
    ],
    "paper_tasks": ["dengue"],
    "rank_by": "energy_distance",
    "tasks": ["dengue"],
    "notes": [HOSTILE],
}
FIGURE = {"title": "Points", "notebook": "points", "task": "dengue", "stand_in": False}


def rows_of(task: str, query: str) -> list[Row]:
    """Return scores: Neuron Editing near the paper's, the GAN far from it, CCA did not run."""
    rows = [Row(task, query, "neuron_editing", s, "spike_in_r", 0.95 + 0.01 * s, n_cells=9) for s in range(3)]
    rows += [Row(task, query, "gan", s, "spike_in_r", 0.1 + 0.01 * s, n_cells=9) for s in range(3)]
    for method, distance in (("neuron_editing", 0.1), ("gan", 0.9), ("no_change", 0.5), ("oracle", 0.01)):
        rows.append(Row(task, query, method, 0, "energy_distance", distance, backend=f"torch <{method}>"))
    return [*rows, Row(task, query, "cca", note="not run: R missing")]


@dataclass
class SmallStudy:
    """The files of a study in a folder; attributes say what is in it before `write`."""

    folder: Path
    study: dict = field(default_factory=dict)
    rows: list[Row] | None = None
    own: str = ""

    def __post_init__(self):
        defaults = {
            "study": "small",
            "description": HOSTILE,
            "demo_size": False,
            "options": ["--configfile", "studies/small.yaml"],
            "tasks": {
                "dengue": {"label": "dengue", "stand_in": False, "methods": None},
                "second": {"label": "second, of its name", "stand_in": False, "methods": ["gan", "no_change"]},
            },
            "methods": METHODS,
            "tables": {"t2": TABLE},
            "figures": {"points": FIGURE, "summary": FIGURE | {"notebook": "summary", "task": ""}},
        }
        self.study = defaults | self.study
        if self.rows is None:
            second = [row for row in rows_of("second", "q") if row.method in ("gan", "no_change", "oracle")]
            self.rows = [*rows_of("dengue", "sample1"), *second]

    def write(self) -> "SmallStudy":
        """Write scores, tables, figures, benchmarks and pages on own data."""
        for task in self.study["tasks"]:
            write_scores([row for row in self.rows if row.task == task], self.folder / "scores" / f"{task}.csv")
        for name, spec in self.study["tables"].items():
            self._write_table(name, spec)
        for name in self.study["figures"]:
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

    def _write_table(self, name: str, spec: dict) -> None:
        methods = [{"name": method, **entry} for method, entry in self.study["methods"].items()]
        stand_in = {task: self.study["tasks"][task]["stand_in"] for task in spec["tasks"]}
        # As `table_json` of the rules does.
        real = [task for task in spec["paper_tasks"] if not stand_in[task]]
        self.study["tables"] = self.study["tables"] | {name: spec | {"paper_tasks": real}}
        read = tables.read_spec(json.dumps(spec | {"methods": methods, "stand_in": stand_in, "paper_tasks": real}))
        scores = read_scores(sorted((self.folder / "scores").glob("*.csv")))
        tidy = tables.tidy_table(name, read, scores, tables.read_paper_values(PAPER_VALUES))
        paths = [self.folder / "tables" / f"{name}.{suffix}" for suffix in ("csv", "md", "tex")]
        tables.write_table(tidy, read, *paths)

    @staticmethod
    def _write_figure(path: Path) -> None:
        from PIL import Image

        path.parent.mkdir(exist_ok=True)
        Image.linear_gradient("L").resize((600, 200)).save(path)

    def make(self) -> subprocess.CompletedProcess:
        """Run `make_page.py`, which writes page.html."""
        command = [sys.executable, str(ROOT / "scripts" / "make_page.py"), "--study", json.dumps(self.study)]
        for kind, pattern in (("scores", "*.csv"), ("tables", "*.csv"), ("figures", "*.png"), ("own", "*/*.html")):
            command += [f"--{kind}", *map(str, sorted((self.folder / kind).glob(pattern)))]
        command += ["--benchmarks", str(self.folder / "benchmarks"), "--paper-values", str(PAPER_VALUES)]
        command += ["--output", str(self.page)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    @property
    def page(self) -> Path:
        """The page that `make` writes."""
        return self.folder / "page.html"
