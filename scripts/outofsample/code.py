"""Which files of the package a job really imports, so that Snakemake re-runs it when one of them changes."""

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent


@cache
def _imports_of(path: Path) -> tuple[Path, ...]:
    """Return the files of the package that one file names in its import statements, wherever they stand."""
    found: list[Path] = []
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            found += _files_of(name)
    return tuple(found)


def _files_of(module: str) -> list[Path]:
    """Return the file of a module of the package and those of the packages around it; none for other modules."""
    package, *steps = module.split(".")
    if package != PACKAGE.name:
        return []
    files, folder = [PACKAGE / "__init__.py"], PACKAGE
    for step in steps:
        if (folder / f"{step}.py").is_file():
            return [*files, folder / f"{step}.py"]
        folder = folder / step
        if not folder.is_dir():
            return files
        files.append(folder / "__init__.py")
    return files


def files_imported(roots: Iterable[str | Path]) -> list[Path]:
    """Return ``roots`` and every file of the package that they import, directly or through others, sorted."""
    todo = [Path(root).resolve() for root in roots]
    seen: set[Path] = set()
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo += [file for file in _imports_of(path) if file.is_file()]
    return sorted(seen)
