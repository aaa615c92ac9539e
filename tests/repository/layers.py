"""The imports of a tree of modules, and what is wrong with them by an order of layers."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PACKAGE = "outofsample"
#: What modules of some rooms must do without when they are imported.
HEAVY = {"anndata", "pandas", "scanpy"}


@dataclass(frozen=True)
class Arrow:
    """An import: who imports what, and whether it runs as soon as the importer is imported."""

    importer: str
    imported: str
    at_top: bool


def read_layers(page: str) -> dict[str, int]:
    """Return the layer of each room from the rows ``| 3 | `files/` | ... |`` of a page, the lowest first.

    A room is a folder of the package, or a single module.
    """
    rows = re.findall(r"^\| (\d+) \| `([\w/]+?)(?:/|\.py)?` \|", page, re.MULTILINE)
    return {room.replace("/", "."): int(layer) for layer, room in rows}


def modules_below(root: Path) -> dict[str, Path]:
    """Return the file of each module below a folder by its dotted name."""
    files = sorted(root.rglob("*.py"))
    return {".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path for path in files}


def _imported_names(path: Path, root: Path) -> Iterator[tuple[str, bool]]:
    """Yield all that a file imports, with whether this happens at its top.

    What stands under ``if TYPE_CHECKING`` never runs: it is no import here.
    """

    def within(node: ast.AST, at_top: bool) -> Iterator[tuple[str, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from ((alias.name, at_top) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                folder = list(path.relative_to(root).parts[: -child.level]) if child.level else []
                start = ".".join([*folder, *filter(None, [child.module])])
                yield from ((f"{start}.{alias.name}", at_top) for alias in child.names)
            elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
                yield from within(ast.Module(child.orelse, []), at_top)
            else:
                yield from within(child, at_top and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))

    return within(ast.parse(path.read_text(), str(path)), True)


def read_arrows(root: Path) -> list[Arrow]:
    """Return the imports of the modules below ``root`` among themselves, and those of heavy packages."""
    modules, arrows = modules_below(root), []
    for importer, path in modules.items():
        for name, at_top in _imported_names(path, root):
            target = name
            while target and target not in modules:
                target = target.rpartition(".")[0]
            heavy = name.partition(".")[0]
            if target not in ("", PACKAGE, importer):
                arrows.append(Arrow(importer, target, at_top))
            elif heavy in HEAVY:
                arrows.append(Arrow(importer, heavy, at_top))
    return list(dict.fromkeys(arrows))


def room_of(module: str, layers: Iterable[str]) -> str | None:
    """Return the room of a module: the longest name of a layer that it begins with; None where it has none."""
    if module != PACKAGE and not module.startswith(f"{PACKAGE}."):
        return "scripts"
    inside = module.removeprefix(f"{PACKAGE}.")
    return max((room for room in layers if f"{inside}.".startswith(f"{room}.")), key=len, default=None)


def climbing(arrows: list[Arrow], layers: dict[str, int]) -> list[str]:
    """Return a line for each import that does not lead into the own room or down."""
    lines = []
    for arrow in arrows:
        above, below = (room_of(name, layers) for name in (arrow.importer, arrow.imported))
        if arrow.imported not in HEAVY and above != below and layers[above] <= layers[below]:
            lines.append(
                f"{arrow.importer} (layer {layers[above]}, {above}) imports {arrow.imported} "
                f"(layer {layers[below]}, {below})"
            )
    return lines


def circle(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Return the names along one circle of importers and imported; an empty list where none closes."""
    graph: dict[str, set[str]] = {}
    for importer, imported in pairs:
        if importer != imported:
            graph.setdefault(importer, set()).add(imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def heavy_at_top(arrows: list[Arrow], rooms: set[str], layers: dict[str, int]) -> list[str]:
    """Return a line for each module of ``rooms`` that imports a heavy package at its top, or through what it imports.

    The line has the way there: ``metrics.evaluation > files.scores > pandas``.
    """
    at_top: dict[str, list[str]] = {}
    for arrow in arrows:
        if arrow.at_top:
            at_top.setdefault(arrow.importer, []).append(arrow.imported)
    lines = []
    for start in at_top:
        ways, seen = [[start]] if room_of(start, layers) in rooms else [], set()
        while ways:
            way = ways.pop(0)
            if way[-1] in HEAVY:
                lines.append(" > ".join(way))
            elif way[-1] not in seen:
                seen.add(way[-1])
                ways += [[*way, imported] for imported in at_top.get(way[-1], [])]
    return lines


def long_functions(root: Path, most: int) -> list[str]:
    """Return ``module.function: lines`` for each function below ``root`` of more than ``most`` lines."""
    return [
        f"{module}.{node.name}: {node.end_lineno - node.lineno + 1}"
        for module, path in modules_below(root).items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno - node.lineno + 1 > most
    ]


def long_files(paths: Iterable[Path], most: int) -> list[str]:
    """Return ``file: lines`` for each file of more than ``most`` lines."""
    lengths = {path: len(path.read_text().splitlines()) for path in paths}
    return [f"{path}: {length}" for path, length in lengths.items() if length > most]
