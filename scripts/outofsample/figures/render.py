"""Render one figure: run its notebook, and keep PDF, PNG and the executed notebook as HTML."""

import contextlib
import json
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from outofsample.errors import UserError
from outofsample.files.writing import replacing
from outofsample.jobs.base import as_plain
from outofsample.jobs.figure import FigureSpec

SCRIPTS = Path(__file__).resolve().parents[2]
KERNEL = "python3"
#: Nothing is loaded from the network, and code is there for those who open it.
TEMPLATE = """
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block jupyter_widgets -%}{%- endblock -%}
{%- block input_group -%}
<details style="margin-left: 5em"><summary>code</summary>{{ super() }}</details>
{%- endblock -%}
"""


@contextlib.contextmanager
def own_jupyter():
    """Let Jupyter use this interpreter and this package, and nothing that a user has installed or configured.

    A kernel called python3 can belong to another environment; kernels do not inherit ``sys.path``; and kernels that
    run side by side block each other on the history in a shared IPython folder.
    """
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="jupyter-") as folder:
        kernel = Path(folder, "kernels", KERNEL, "kernel.json")
        kernel.parent.mkdir(parents=True)
        start = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        kernel.write_text(json.dumps({"argv": start, "display_name": "Python 3", "language": "python"}))
        paths = [str(SCRIPTS), *filter(None, [before.get("PYTHONPATH")])]
        os.environ |= {
            "PYTHONPATH": os.pathsep.join(paths),
            "JUPYTER_PATH": folder,
            "JUPYTER_PLATFORM_DIRS": "1",
            "MPLBACKEND": "agg",
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        }
        for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"):
            os.environ[name] = str(Path(folder, name.lower()))
            Path(os.environ[name]).mkdir()
        try:
            yield Path(folder)
        finally:
            os.environ.clear()
            os.environ.update(before)


def execute(notebook: Path, output: Path, parameters: dict) -> None:
    """Run a notebook with its parameters.

    Raises
    ------
    UserError
        If the notebook does not exist, or a cell fails; the message has the cell's traceback.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    if not notebook.is_file():
        raise UserError(f"{notebook}: there is no such notebook.")
    # Sockets in the file system: kernels that start at the same moment cannot ask for the same port.
    config = Config({"KernelManager": {"transport": "ipc"}})
    quiet = {"progress_bar": False, "log_output": False, "config": config}
    try:
        papermill.execute_notebook(notebook, output, parameters, kernel_name=KERNEL, cwd=os.getcwd(), **quiet)
    except PapermillExecutionError as error:
        trace = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error.traceback))
        raise UserError(f"{notebook}: cell In[{error.exec_count}] failed.\n{trace}") from error


def to_html(executed: Path, html: Path, title: str, real_names: dict[str, str]) -> None:
    """Write an executed notebook as one HTML file, with the real names of files instead of temporary ones."""
    import nbformat
    from jinja2 import DictLoader
    from nbconvert import HTMLExporter

    notebook = nbformat.read(executed, as_version=4)
    notebook.metadata["title"] = title
    for cell in notebook.cells:
        for temporary, real in real_names.items():
            cell.source = cell.source.replace(temporary, real)
    exporter = HTMLExporter(
        extra_loaders=[DictLoader({"figure.html.j2": TEMPLATE})], template_file="figure.html.j2", embed_images=True
    )
    html.write_text(exporter.from_notebook_node(notebook)[0], encoding="utf-8")


@dataclass(frozen=True)
class Shown:
    """The files that a notebook reads.

    Attributes
    ----------
    cells
        Training part and truth of the task; empty where the figure shows scores alone.
    predictions, histories, scores
        Prediction files, one per method; losses of the models; scores of the tasks.
    """

    cells: list[Path]
    predictions: list[Path]
    histories: list[Path]
    scores: list[Path]


def render(spec: FigureSpec, notebook: Path, shown: Shown, pdf: Path, png: Path, html: Path) -> None:
    """Run the notebook of a figure, which writes ``pdf`` and ``png``; keep the executed notebook as ``html``.

    Raises
    ------
    UserError
        If the notebook does not exist, fails, or does not write both files; then none of the three is left.
    """
    with own_jupyter() as folder, replacing(html) as new_html, replacing(png) as new_png, replacing(pdf) as new_pdf:
        parameters = {
            # Plain: papermill would write a tuple as text.
            "figure": as_plain(spec),
            **dict(zip(("train", "truth"), map(str, shown.cells or ("", "")), strict=True)),
            "predictions": [str(path) for path in shown.predictions],
            "pdf": str(new_pdf),
            "png": str(new_png),
        }
        for name in ("histories", "scores"):
            if getattr(shown, name):
                parameters[name] = [str(path) for path in getattr(shown, name)]
        execute(notebook, folder / "executed.ipynb", parameters)
        for new, wanted in ((new_pdf, pdf), (new_png, png)):
            if not new.is_file():
                raise UserError(f"{notebook}: the notebook did not write {wanted.name}.")
        real_names = {str(new_pdf): str(pdf), str(new_png): str(png)}
        to_html(folder / "executed.ipynb", new_html, spec.title, real_names)
