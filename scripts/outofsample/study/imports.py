"""Which files of the package, and of the user's own, a job really imports: Snakemake re-runs it when one changes."""

import ast
import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from outofsample.errors import UserError

PACKAGE = Path(__file__).parents[1]
#: A line for IPython alone: ``%magic``, ``!command``, ``name = !command``, ``?name`` and ``name?``.
MAGIC = re.compile(r"^([ \t]*)(?:[%!?].*|[\w, ]+=[ \t]*[%!].*|[\w.%]+\?{1,2}[ \t]*)$", re.MULTILINE)


@cache
def _imports_of(path: Path) -> tuple[Path, ...]:
    """Return the files that one file names in its import statements, wherever they stand, but for types alone.

    Of the package; and where the file is a user's own, also those in the working directory and, by relative imports,
    beside it. Installed libraries are left out.
    """
    found: list[Path] = []
    own = PACKAGE.parent not in path.parents
    trees = _cells_of(path) if path.suffix == ".ipynb" else [ast.parse(path.read_text(), str(path))]
    for node in (node for tree in trees for node in _running(tree)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [".".join(filter(None, [node.module, alias.name])) for alias in node.names]
        else:
            continue
        level = getattr(node, "level", 0)
        for name in names:
            steps = name.split(".")
            if level:
                found += _files_below(path.parents[level - 1], steps)
            elif steps[0] == PACKAGE.name:
                found += _files_below(PACKAGE, steps[1:])
            elif own:
                found += _files_below(Path.cwd(), steps)
    return tuple(found)


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a tree that can run: what is under ``if TYPE_CHECKING`` never does."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            for other in child.orelse:
                yield from (other, *_running(other))
            continue
        yield child
        yield from _running(child)


def _cells_of(notebook: Path) -> list[ast.Module]:
    """Return the code cells of a notebook without what only IPython understands: ``%magics`` and ``!commands``."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{notebook}: this is not a notebook of Jupyter's format 4 ({error!r}).") from error
    trees = (_parsed(source, f"{notebook}, code cell {number}") for number, source in enumerate(sources, start=1))
    return [tree for tree in trees if tree is not None]


def _parsed(cell: str, place: str) -> ast.Module | None:
    """Return a code cell of a notebook as Python; None where a magic says that it is in another language."""
    try:
        # As it stands first: a line of Python can begin with % too, within brackets.
        return ast.parse(cell)
    except SyntaxError:
        plain = MAGIC.sub(r"\1pass", cell)
    try:
        return ast.parse(plain)
    except SyntaxError as error:
        if cell.lstrip().startswith("%%"):
            return None
        raise UserError(f"{place}: this is not Python ({error.msg}, line {error.lineno}).") from error


def _files_below(folder: Path, steps: list[str]) -> list[Path]:
    """Return the file of a module, named step by step from a folder, and those of the packages around it."""
    files = [folder / "__init__.py"]
    for step in steps:
        if (folder / f"{step}.py").is_file():
            return [*files, folder / f"{step}.py"]
        folder = folder / step
        if not folder.is_dir():
            return files
        files.append(folder / "__init__.py")
    return files


def files_imported(roots: Iterable[str | Path]) -> list[Path]:
    """Return ``roots`` and every file of ours or of the user's that they import, directly or through others, sorted."""
    todo = [Path(root).resolve() for root in roots]
    seen: set[Path] = set()
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo += [file for file in _imports_of(path) if file.is_file()]
    return sorted(seen)


def files_imported_by_notebook(path: str | Path) -> list[Path]:
    """Return every file of ours or of the user's that a notebook's code cells import, as `files_imported`, sorted.

    Raises
    ------
    UserError
        If the file is no notebook, or a code cell is not Python.
    """
    notebook = Path(path).resolve()
    return [file for file in files_imported([notebook]) if file != notebook]
