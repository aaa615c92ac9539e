"""Render one figure: run its notebook, and keep PDF, PNG and the executed notebook as HTML."""

import argparse
import contextlib
import json
import os
import re
import sys
import tempfile
from pathlib import Path

from outofsample.errors import UserError, run_script
from outofsample.files.writing import replacing

SCRIPTS = Path(__file__).resolve().parent
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


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notebook", type=Path, required=True)
    parser.add_argument("--figure", type=json.loads, required=True, help="JSON: name, title, task, labels, options ...")
    parser.add_argument("--cells", type=Path, nargs="*", default=[], help="training part and truth of the task, if any")
    parser.add_argument("--predictions", type=Path, nargs="*", default=[], help="prediction files, one per method")
    parser.add_argument("--histories", type=Path, nargs="*", default=[], help="losses of the models that are shown")
    parser.add_argument("--scores", type=Path, nargs="*", default=[], help="scores of the tasks that are shown")
    parser.add_argument("--pdf", type=Path, required=True)
    parser.add_argument("--png", type=Path, required=True)
    parser.add_argument("--html", type=Path, required=True)
    return parser.parse_args()


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


def main() -> None:
    """Run the command line."""
    arguments = parse_arguments()
    with (
        own_jupyter() as folder,
        replacing(arguments.html) as html,
        replacing(arguments.png) as png,
        replacing(arguments.pdf) as pdf,
    ):
        parameters = {
            "figure": arguments.figure,
            **dict(zip(("train", "truth"), map(str, arguments.cells or ("", "")), strict=True)),
            "predictions": [str(path) for path in arguments.predictions],
            "pdf": str(pdf),
            "png": str(png),
        }
        for name in ("histories", "scores"):
            if getattr(arguments, name):
                parameters[name] = [str(path) for path in getattr(arguments, name)]
        execute(arguments.notebook, folder / "executed.ipynb", parameters)
        for path, wanted in ((pdf, arguments.pdf), (png, arguments.png)):
            if not path.is_file():
                raise UserError(f"{arguments.notebook}: the notebook did not write {wanted.name}.")
        real_names = {str(pdf): str(arguments.pdf), str(png): str(arguments.png)}
        to_html(folder / "executed.ipynb", html, arguments.figure["title"], real_names)


if __name__ == "__main__":
    run_script(main)
