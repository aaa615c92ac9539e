"""Making a table of scores; labels and directions are filled in."""

from dataclasses import dataclass, field

from outofsample.jobs.base import Spec


@dataclass(frozen=True)
class ColumnSpec(Spec):
    """A score as a column of a table.

    ``better`` is high, low or one (nearest to 1), None where nobody knows. ``paper_column`` puts the paper's value
    beside ours: true, or the name of the paper's column where it is not the score's.
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
class MethodRow(Spec):
    """A method as a row; controls stand after the others. ``unbounded``: its tails go on without bound."""

    name: str
    label: str
    control: bool = False
    unbounded: bool = False


#: The row that the evaluation computes for every query.
ORACLE = MethodRow("oracle", "Oracle", control=True)


@dataclass(frozen=True)
class TableSpec(Spec):
    """What a table shows.

    Attributes
    ----------
    name
        Name of the table and of its files, as ne2020_table2.
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

    name: str
    title: str
    columns: tuple[ColumnSpec, ...]
    methods: tuple[MethodRow, ...]
    tasks: tuple[str, ...]
    task_labels: dict[str, str] = field(default_factory=dict)
    paper: str | None = None
    table: str | dict[str, str] | None = None
    paper_tasks: tuple[str, ...] = ()
    stand_in: dict[str, bool] = field(default_factory=dict)
    rank_by: str | None = None
    notes: tuple[str, ...] = ()

    def ordered_methods(self) -> list[MethodRow]:
        """Return the rows: methods, controls, oracle."""
        methods = [method for method in self.methods if method.name != ORACLE.name]
        oracle = [method for method in self.methods if method.name == ORACLE.name] or [ORACLE]
        return sorted(methods, key=lambda method: method.control) + oracle

    def paper_table(self, task: str) -> str | None:
        """Return the number of the paper's table whose values stand beside those of a task."""
        return self.table.get(task) if isinstance(self.table, dict) else self.table

    def on_other_data(self, task: str) -> bool:
        """Whether the paper's values are for other data than the task's."""
        return bool(self.stand_in.get(task, False)) or task not in self.paper_tasks
