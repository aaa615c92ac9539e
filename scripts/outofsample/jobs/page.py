"""Making the page of a study."""

import shlex
from dataclasses import dataclass, field

from outofsample.jobs.base import Spec
from outofsample.jobs.figure import ShownTask
from outofsample.jobs.table import MethodRow, TableSpec


@dataclass(frozen=True)
class ShownFigure(Spec):
    """A figure as the page speaks of it; ``task`` is the label of its task, or empty."""

    title: str
    notebook: str
    task: str = ""
    stand_in: bool = False


@dataclass(frozen=True)
class OwnChoice(Spec):
    """Methods of a task on data of the user's own: see `outofsample.jobs.own.ChangesSpec`."""

    cautious: str = ""
    unchanged: str = ""


@dataclass(frozen=True)
class PageSpec(Spec):
    """The page of a study.

    Attributes
    ----------
    study, description, demo_size
        As in the configuration.
    options
        The options of Snakemake that name the study, as ("--configfile", "studies/x.yaml"); none for the demo.
    tasks, methods, tables, figures
        All that the study shows, by name.
    datasets
        The tasks on each dataset whose files are fetched.
    own
        The tasks on data of the user's own.
    """

    study: str
    description: str
    demo_size: bool
    options: tuple[str, ...]
    tasks: dict[str, ShownTask]
    methods: dict[str, MethodRow]
    tables: dict[str, TableSpec]
    figures: dict[str, ShownFigure]
    datasets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    own: dict[str, OwnChoice] = field(default_factory=dict)

    def command(self, target: str = "") -> str:
        """Return the command that makes a target again."""
        # Snakemake would take a target behind --config for a value.
        return shlex.join(["snakemake", "--cores", "all", *filter(None, [target]), *self.options])

    @property
    def compared(self) -> list[str]:
        """The tasks that run at least half of the methods; the others, made for one figure, rank few of them."""
        asked = {
            task: len(self.methods if shown.methods is None else shown.methods) for task, shown in self.tasks.items()
        }
        return [task for task, methods in asked.items() if 2 * methods >= len(self.methods)]

    def task_label(self, task: str) -> str:
        """Return how the page calls a task; one that the study does not run has its name alone.

        A stand-in never carries the label of the real data: tables and figures mark it beside the label.
        """
        if task not in self.tasks:
            return task
        return self.tasks[task].label + (" (stand-in)" if self.tasks[task].stand_in else "")

    def method_label(self, method: str) -> str:
        """Return how the page calls a method; one that the study does not run has its name alone."""
        return self.methods[method].label if method in self.methods else method
