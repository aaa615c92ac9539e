"""What can be imported from ``outofsample``, as a page of Markdown made of the docstrings."""

import inspect
import re
from collections.abc import Iterator

import outofsample
from outofsample.estimator import Extrapolator

INTRODUCTION = "What `from outofsample import ...` gives. [From Python](../python.md) shows how it is used."
SECTION = re.compile(r"^(\w+)\n-{4,}\n", re.MULTILINE)


def python_page(note: str) -> str:
    """Return ``docs/reference/python.md``; ``note`` says that nobody writes it by hand."""
    lines = ["# Python", note, INTRODUCTION]
    for name in outofsample.PUBLIC:
        thing = getattr(outofsample, name)
        lines += [f"## `{name}`", f"`{_signature(name, thing)}`", *_parts(thing)]
        if thing is Extrapolator:
            lines += _methods(thing)
    return "\n\n".join(lines) + "\n"


def _methods(thing: type) -> Iterator[str]:
    """Yield the public methods of a class, those that it overrides too."""
    for name, method in inspect.getmembers(thing, inspect.isroutine):
        if not name.startswith("_") and method.__module__.startswith("outofsample."):
            yield f"### `{thing.__name__}.{name}`"
            yield f"`{_signature(name, method)}`"
            yield from _parts(method)


def _signature(name: str, thing) -> str:
    """Return how something is called, without types."""
    signature = inspect.signature(thing)
    bare = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in signature.parameters.values()
        if parameter.name != "self"
    ]
    return f"{name}{signature.replace(parameters=bare, return_annotation=inspect.Signature.empty)}"


def _parts(thing) -> Iterator[str]:
    """Yield the paragraphs of a docstring, those of its sections as lists."""
    first, *sections = SECTION.split(inspect.getdoc(thing))
    yield from _paragraphs(first)
    for title, content in zip(sections[::2], sections[1::2], strict=True):
        yield f"**{title}**"
        yield from _paragraphs(content) if title == "Notes" else ["\n".join(_items(content))]


def _items(content: str) -> Iterator[str]:
    """Yield a line for each name, or names, that a section describes."""
    for names, meaning in re.findall(r"^(\S.*)\n((?:[ \t]+.*\n?|\n)+)", content.strip() + "\n", re.MULTILINE):
        listed = ", ".join(f"`{name.strip()}`" for name in names.split(","))
        yield f"- {listed}: {_markdown(' '.join(meaning.split()))}"


def _paragraphs(text: str) -> list[str]:
    return [_markdown(" ".join(paragraph.split())) for paragraph in text.strip().split("\n\n")]


def _markdown(text: str) -> str:
    return text.replace("``", "`")
