"""Which files of the package, and of the user's own, a job really imports: Snakemake re-runs it when one changes."""

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


@cache
def _imports_of(path: Path) -> tuple[Path, ...]:
    """Return the files that one file names in its import statements, wherever they stand.

    Of the package; and where the file is a user's own, also those in the working directory and, by relative imports,
    beside it. Installed libraries are left out.
    """
    found: list[Path] = []
    own = PACKAGE.parent not in path.parents
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
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
