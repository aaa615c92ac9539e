"""Tables of scores over runs: tidy CSV, Markdown and LaTeX, with the papers' own values beside ours.

A table is described by a specification (JSON, see `Spec`); it has one block per task and query, one row per method.
"""

import json
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path

import numpy as np
import pandas as pd

from outofsample.errors import UserError, did_you_mean
from outofsample.files.columns import read_csv
from outofsample.files.table import COLUMNS, write_tidy
from outofsample.files.writing import replacing
from outofsample.metrics.directions import DIRECTIONS, DISTANCE_TO_BEST
from outofsample.texts import DASH, STAND_IN, number

PAPER_COLUMNS = ["paper", "table", "row", "column", "value", "sd", "source", "note"]
NO_TRUTH = "needs a truth, and none was measured"
NOT_IN_STUDY = "not in this study"


@dataclass(frozen=True)
class Column:
    """A score as a column.

    ``better`` is high, low or one (nearest to 1), as `outofsample.metrics.directions` says; None where that does not
    know the score. ``paper_column`` puts the paper's value beside ours: true, or the name of the paper's column where
    it is not the score's.
    """

    score: str
    label: str
    better: str | None = None
    paper_column: bool | str = False
    digits: int = 3

    @property
    def in_paper(self) -> str:
        """Name of the column of the paper's values."""
        return self.paper_column if isinstance(self.paper_column, str) else self.score


@dataclass(frozen=True)
class MethodRow:
    """A method as a row; controls stand after the others."""

    name: str
    label: str
    control: bool = False


#: The row that the evaluation computes for every query (`outofsample.metrics.evaluation`).
ORACLE = MethodRow("oracle", "Oracle", control=True)


@dataclass(frozen=True)
class Spec:
    """What a table shows.

    Attributes
    ----------
    title
        Title, without a word on stand-ins: that is added.
    columns, methods, tasks
        What is shown, in this order; the oracle follows by itself.
    task_labels
        What a task is called, by task.
    paper, table
        Where to look in the paper's values, as "ne2020" and "2"; ``table`` may be a mapping by task.
    paper_tasks
        Tasks on the paper's own data; on all others the paper's column is headed 'paper (other data)'.
    stand_in
        Whether a task's data are a simulated stand-in, by task.
    rank_by
        Score (of a column with a ``better``) that the methods are ranked by, or None.
    notes
        Sentences for the foot of each block.
    """

    title: str
    columns: tuple[Column, ...]
    methods: tuple[MethodRow, ...]
    tasks: tuple[str, ...]
    task_labels: dict = field(default_factory=dict)
    paper: str | None = None
    table: str | dict | None = None
    paper_tasks: tuple[str, ...] = ()
    stand_in: dict = field(default_factory=dict)
    rank_by: str | None = None
    notes: tuple[str, ...] = ()

    def ordered_methods(self) -> list[MethodRow]:
        """Return the rows: methods, controls, oracle."""
        methods = [method for method in self.methods if method.name != "oracle"]
        oracle = [method for method in self.methods if method.name == "oracle"] or [ORACLE]
        return sorted(methods, key=lambda method: method.control) + oracle

    def paper_table(self, task: str) -> str | None:
        """Return the number of the paper's table whose values stand beside those of a task."""
        return self.table.get(task) if isinstance(self.table, dict) else self.table

    def on_other_data(self, task: str) -> bool:
        """Whether the paper's values are for other data than the task's."""
        return bool(self.stand_in.get(task, False)) or task not in self.paper_tasks


def read_spec(text: str) -> Spec:
    """Read a specification: JSON text, or the path of a file with it.

    Raises
    ------
    UserError
        If it is no JSON, if keys are unknown or missing, if a direction is unknown or not the score's, or if `rank_by`
        is unknown.
    """
    where = "the table's specification" if text.lstrip().startswith("{") else text
    try:
        content = json.loads(text if where != text else Path(text).read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{where}: this is not readable JSON ({error}).") from error
    spec = _build(Spec, content, where)
    columns = tuple(_with_direction(_build(Column, entry, f"{where}, columns"), where) for entry in spec.columns)
    methods = tuple(_build(MethodRow, entry, f"{where}, methods") for entry in spec.methods)
    if spec.rank_by is not None and not any(column.score == spec.rank_by and column.better for column in columns):
        raise UserError(f"{where}: rank_by: '{spec.rank_by}' is not a column that says which values are better.")
    return Spec(**{**vars(spec), "columns": columns, "methods": methods})


def _with_direction(column: Column, where: str) -> Column:
    """Return the column with the direction of its score; one that was given must be that."""
    if column.better not in (*DISTANCE_TO_BEST, None):
        known = ", ".join(DISTANCE_TO_BEST)
        raise UserError(f"{where}: '{column.score}': better is one of {known} or null, not {column.better!r}.")
    better = DIRECTIONS.get(column.score, column.better)
    if column.better not in (better, None):
        raise UserError(f"{where}: '{column.score}': better is {better} for this score, not {column.better}.")
    return replace(column, better=better)


def _build(cls: type, entry, where: str):
    """Make a dataclass from a dictionary."""
    if not isinstance(entry, dict):
        raise UserError(f"{where}: expected keys and values, got {entry!r}.")
    known = [item.name for item in fields(cls)]
    required = {item.name for item in fields(cls) if item.default is MISSING and item.default_factory is MISSING}
    problems = [f"unknown key '{key}'{did_you_mean(key, known)}" for key in entry if key not in known]
    problems += [f"the key '{key}' is missing" for key in sorted(required - set(entry))]
    if problems:
        raise UserError(f"{where}: {'; '.join(problems)}.")
    return cls(**entry)


def read_paper_values(path: Path) -> pd.DataFrame:
    """Read the papers' values (`PAPER_COLUMNS`)."""
    values = read_csv(path, "a table of the papers' values", PAPER_COLUMNS, text=("table",))
    return values.assign(table=values["table"].astype(str))


def summarise_runs(runs: pd.DataFrame, method: str) -> dict:
    """Return mean, sd, low, high, n and what the spread is over, of the runs (rows) of one method and score.

    - several seeds: sd over the seeds; low and high are the ends of the cells' interval, averaged over the seeds;
    - one run: sd, low and high over resampled cells, where the score has them;
    - oracle: sd and 95 % range over its halves.
    """
    values = runs["value"].dropna().to_numpy(dtype=float)
    summary = {"mean": np.nan, "sd": np.nan, "low": np.nan, "high": np.nan, "n": len(values), "spread": ""}
    if len(values) == 0:
        return summary
    summary["mean"] = values.mean()
    summary |= {end: runs[end].astype(float).mean() for end in ("low", "high")}
    if len(values) > 1:
        summary |= {"sd": values.std(ddof=1), "spread": "seeds"}
        if method == "oracle":
            low, high = np.percentile(values, [2.5, 97.5])
            summary |= {"spread": "halves", "low": low, "high": high}
    elif runs["sd"].notna().any():
        summary |= {"sd": float(runs["sd"].dropna().iloc[0]), "spread": "cells"}
    return summary


def tidy_table(name: str, spec: Spec, scores: pd.DataFrame, papers: pd.DataFrame) -> pd.DataFrame:
    """Return one row per task, query, method and score, with our numbers and the paper's.

    Raises
    ------
    UserError
        If a task of the specification has no scores.
    """
    rows = []
    for task in spec.tasks:
        of_task = scores[scores["task"] == task]
        if of_task.empty:
            raise UserError(
                f"Table '{name}': there are no scores of task '{task}'{did_you_mean(task, scores['task'])}."
            )
        for query in of_task["query"].unique():
            block = of_task[of_task["query"] == query]
            rows += _with_ranks(spec, _block_rows(spec, task, block, papers))
    return pd.DataFrame(rows).assign(table=name)[list(COLUMNS)]


def _block_rows(spec: Spec, task: str, block: pd.DataFrame, papers: pd.DataFrame) -> list[dict]:
    rows = []
    for method in spec.ordered_methods():
        of_method = block[block["method"] == method.name]
        for column in spec.columns:
            runs = of_method[of_method["score"] == column.score]
            status, note = _status(of_method, runs)
            published = _published(spec, task, method.name, column, papers)
            rows.append(
                {"task": task, "query": block["query"].iloc[0], "method": method.name, "label": method.label}
                | {"control": method.control or method.name == "oracle", "score": column.score}
                | summarise_runs(runs, method.name)
                | {"paper_value": published[0], "paper_sd": published[1]}
                | {"paper_other_data": spec.on_other_data(task), "stand_in": bool(spec.stand_in.get(task, False))}
                | {"status": status, "note": note, "backend": "".join(of_method["backend"].unique()[:1])}
            )
    return rows


def _status(of_method: pd.DataFrame, runs: pd.DataFrame) -> tuple[str, str]:
    """Return (status, note): status is ok, undefined, no truth or not run."""
    if of_method.empty:
        return "not run", NOT_IN_STUDY
    if (of_method["score"] == "").all():
        return "not run", "; ".join(of_method["note"].unique()).removeprefix("not run: ")
    if runs.empty:
        return "no truth", NO_TRUTH
    note = "; ".join(note for note in runs["note"].unique() if note)
    return ("ok" if runs["value"].notna().any() else "undefined"), note


def _published(spec: Spec, task: str, method: str, column: Column, papers: pd.DataFrame) -> tuple[float, float]:
    """Return the paper's value and its sd, NaN where it has none."""
    wanted = {"paper": spec.paper, "table": spec.paper_table(task), "row": method, "column": column.in_paper}
    found = papers[np.logical_and.reduce([papers[key] == value for key, value in wanted.items()])]
    if not column.paper_column or found.empty:
        return np.nan, np.nan
    return float(found["value"].iloc[0]), float(found["sd"].iloc[0])


def _with_ranks(spec: Spec, rows: list[dict]) -> list[dict]:
    """Add the rank (1 is best) of each method, controls included, by the score `rank_by`; the oracle has none."""
    ranked = [row for row in rows if row["score"] == spec.rank_by and row["method"] != "oracle"]
    better = next((column.better for column in spec.columns if column.score == spec.rank_by), None)
    keys = {row["method"]: DISTANCE_TO_BEST[better](row["mean"]) for row in ranked if np.isfinite(row["mean"])}
    ranks = {method: 1 + sum(other < key for other in keys.values()) for method, key in keys.items()}
    return [row | {"rank": ranks.get(row["method"], np.nan)} for row in rows]


@dataclass(frozen=True)
class Block:
    """A block as text: ``cells[i][j]`` belongs to the head ``head[j]`` and is bold where ``bold[i][j]``."""

    title: str
    head: list[str]
    cells: list[list[str]]
    bold: list[list[bool]]
    first_control: int
    feet: list[str]


def blocks(tidy: pd.DataFrame, spec: Spec) -> list[Block]:
    """Return the blocks of a tidy table, one per task and query."""
    return [_block(part, spec) for _, part in tidy.groupby(["task", "query"], sort=False)]


def _block(part: pd.DataFrame, spec: Spec) -> Block:
    paper_head = "paper (other data)" if part["paper_other_data"].iloc[0] else "paper"
    head = ["method"]
    for column in spec.columns:
        head += [column.label, paper_head] if column.paper_column else [column.label]
    head += ["runs", "rank"] if spec.rank_by else ["runs"]
    best = {column.score: _best(part, column) for column in spec.columns}
    cells, bold, controls = [], [], []
    for _, of_method in part.groupby("method", sort=False):
        row = _row(of_method, spec, best)
        cells.append([text for text, _ in row])
        bold.append([is_bold for _, is_bold in row])
        controls.append(bool(of_method["control"].iloc[0]))
    first_control = controls.index(True) if True in controls else len(controls)
    return Block(_block_title(part, spec), head, cells, bold, first_control, _feet(part, spec))


def _block_title(part: pd.DataFrame, spec: Spec) -> str:
    first = part.iloc[0]
    return f"{spec.task_labels.get(first['task'], first['task'])}, query {first['query']}" + (
        f" ({STAND_IN})" if first["stand_in"] else ""
    )


def _best(part: pd.DataFrame, column: Column) -> str | None:
    """Return the best mean of a column as it is printed, among methods that are no controls."""
    means = part.loc[(part["score"] == column.score) & ~part["control"], "mean"].dropna()
    if column.better is None or means.empty:
        return None
    return f"{min(means, key=DISTANCE_TO_BEST[column.better]):.{column.digits}f}"


def _row(of_method: pd.DataFrame, spec: Spec, best: dict) -> list[tuple[str, bool]]:
    """Return (text, bold) of each cell of one method."""
    first = of_method.iloc[0]
    is_control = first["control"] and first["method"] != "oracle"
    row = [(first["label"] + (" (control)" if is_control else ""), False)]
    for column, (_, entry) in zip(spec.columns, of_method.iterrows(), strict=True):
        mean = f"{entry['mean']:.{column.digits}f}"
        row.append((_cell(entry, column.digits), not entry["control"] and mean == best[column.score]))
        if column.paper_column:
            row.append((number(entry["paper_value"], column.digits, entry["paper_sd"]), False))
    row.append((_runs(of_method), False))
    if spec.rank_by:
        row.append((number(first["rank"], 0), False))
    return row


def _cell(entry: pd.Series, digits: int) -> str:
    if entry["status"] == "ok":
        return number(entry["mean"], digits, entry["sd"])
    return {"not run": f"not run: {entry['note']}", "undefined": "undefined", "no truth": DASH}[entry["status"]]


def _runs(of_method: pd.DataFrame) -> str:
    runs, spreads = of_method["n"].max(), set(of_method["spread"])
    if runs == 0:
        return DASH
    if "halves" in spreads:
        return f"{runs} halves"
    if runs > 1:
        return f"{runs} seeds"
    return "1†" if "cells" in spreads else "1"


def _feet(part: pd.DataFrame, spec: Spec) -> list[str]:
    """Return the sentences that explain what stands in the cells of this block."""
    spreads = set(part["spread"])
    feet = [
        ("seeds" in spreads, "±: standard deviation over seeds."),
        ("cells" in spreads, "† One run: ± is the standard deviation over resampled cells."),
        (
            "halves" in spreads,
            "Oracle: random halves of the truth against the other halves, the best that the data allow.",
        ),
        (any(column.better for column in spec.columns), "Bold: best of the methods that are no controls."),
        (part["rank"].notna().any(), f"Rank: by {_label(spec)}, controls included."),
        (any(column.paper_column for column in spec.columns), _paper_foot(part, spec)),
        ((part["status"] == "no truth").any(), f"{DASH}: {NO_TRUTH}."),
    ]
    notes = part[part["status"].isin(["ok", "undefined"]) & (part["note"] != "")]
    for note, of_note in notes.groupby("note", sort=False):
        feet.append((True, f"{', '.join(of_note['label'].unique())}: {note}."))
    computed = part.loc[part["backend"] != "", ["label", "backend"]].drop_duplicates()
    for backend, of_backend in computed.groupby("backend", sort=False):
        feet.append((True, f"{', '.join(of_backend['label'])}: computed by {backend}."))
    return [text for shown, text in feet if shown] + list(spec.notes)


def _label(spec: Spec) -> str:
    return next((column.label for column in spec.columns if column.score == spec.rank_by), "")


def _paper_foot(part: pd.DataFrame, spec: Spec) -> str:
    where = f"{spec.paper}, table {spec.paper_table(part['task'].iloc[0])}"
    if part["paper_other_data"].iloc[0]:
        return f"Paper: published values ({where}) for the paper's own data, which are not these."
    return f"Paper: published values ({where})."


def full_title(spec: Spec) -> str:
    """Return the title, with the tasks whose data are simulated."""
    simulated = [spec.task_labels.get(task, task) for task in spec.tasks if spec.stand_in.get(task, False)]
    return spec.title + (f" ({STAND_IN}: {', '.join(simulated)})" if simulated else "")


def to_markdown(tidy: pd.DataFrame, spec: Spec) -> str:
    """Return the table as Markdown, columns aligned."""
    lines = [f"# {_escape_markdown(full_title(spec))}"]
    for block in blocks(tidy, spec):
        texts = [[_escape_markdown(text) for text in row] for row in [block.head, *block.cells]]
        for row, bold in zip(texts[1:], block.bold, strict=True):
            row[:] = [f"**{text}**" if is_bold else text for text, is_bold in zip(row, bold, strict=True)]
        widths = [max(3, *(len(row[j]) for row in texts)) for j in range(len(block.head))]
        lines += ["", f"## {_escape_markdown(block.title)}", ""]
        rule = ["-" * width for width in widths]
        for row in [texts[0], rule, *texts[1:]]:
            lines.append("| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |")
        lines += [""] + [f"- {_escape_markdown(foot)}" for foot in block.feet]
    return "\n".join(lines) + "\n"


def _escape_markdown(text: str) -> str:
    return " ".join(text.split()).translate(str.maketrans({mark: f"\\{mark}" for mark in "\\|*_<`"}))


_LATEX = {mark: f"\\{mark}" for mark in "&%$#_{}"}
_LATEX |= {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_LATEX |= {"<": r"\textless{}", ">": r"\textgreater{}", "±": r"$\pm$", "†": r"$^{\dagger}$", "–": "--"}


def escape_latex(text: str) -> str:
    """Return text in which no character means anything to LaTeX."""
    return " ".join(text.split()).translate(str.maketrans(_LATEX))


def to_latex(tidy: pd.DataFrame, spec: Spec) -> str:
    r"""Return the table as LaTeX, to be read with ``\input``; it needs the packages booktabs and adjustbox."""
    lines = [r"% \usepackage{booktabs,adjustbox}"]
    for block in blocks(tidy, spec):
        body = [
            " & ".join(
                rf"\textbf{{{escape_latex(text)}}}" if is_bold else escape_latex(text)
                for text, is_bold in zip(row, bold, strict=True)
            )
            for row, bold in zip(block.cells, block.bold, strict=True)
        ]
        body = [rf"{row} \\" for row in body]
        if 0 < block.first_control < len(body):
            body.insert(block.first_control, r"\midrule")
        lines += [
            r"\begin{table}[htbp]",
            r"\centering",
            rf"\caption{{{escape_latex(f'{spec.title}: {block.title}')}}}",
            r"\begin{adjustbox}{max width=\textwidth}",
            rf"\begin{{tabular}}{{l{'r' * (len(block.head) - 1)}}}",
            r"\toprule",
            " & ".join(map(escape_latex, block.head)) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{adjustbox}",
            r"\par\smallskip\footnotesize\raggedright",
            *map(escape_latex, block.feet),
            r"\end{table}",
        ]
    return "\n".join(lines) + "\n"


def write_table(tidy: pd.DataFrame, spec: Spec, csv: Path, markdown: Path, latex: Path) -> None:
    """Write the three files of a table."""
    write_tidy(csv, tidy)
    for path, text in ((markdown, to_markdown(tidy, spec)), (latex, to_latex(tidy, spec))):
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
