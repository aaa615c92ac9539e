"""Rendering a figure: the parameters of its notebook."""

from dataclasses import dataclass, field
from typing import Any

from outofsample.jobs.base import Spec


@dataclass(frozen=True)
class ShownTask(Spec):
    """A task as figures and pages speak of it; ``methods`` are those that it asks for (None: all)."""

    label: str
    stand_in: bool = False
    methods: tuple[str, ...] | None = None


@dataclass(frozen=True)
class FigureSpec(Spec):
    """The parameters of a figure's notebook, but for its files.

    Attributes
    ----------
    name, title
        Name of the figure and of its files, and its heading.
    task
        Label of the task whose cells it shows; empty where it shows scores alone.
    stand_in
        Whether any data that it shows are simulated.
    demo_size
        Whether networks and data have demo size.
    labels
        How methods are called, by method.
    controls
        The methods that are controls.
    scores_of
        The tasks whose scores it shows.
    unit
        What the values of the task are measured in.
    options
        Further parameters of the notebook.
    """

    name: str
    title: str
    task: str = ""
    stand_in: bool = False
    demo_size: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    controls: tuple[str, ...] = ()
    scores_of: dict[str, ShownTask] = field(default_factory=dict)
    unit: str = ""
    options: dict[str, Any] = field(default_factory=dict)
