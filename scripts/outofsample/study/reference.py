"""Reference pages for people: every key of a study and of every entry with its type, default and meaning.

Types and defaults come from the same JSON schemas as ``schemas/study.schema.json``, meanings from the field
descriptions of `outofsample.study.config` and from the docstrings' Attributes sections. ``docs/methods.md``,
``docs/claims.md`` and ``docs/architecture.md`` are written by hand, but for what stands between
``<!-- generated: ... -->`` and ``<!-- end -->``.
"""

import dataclasses
import importlib
import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from pydantic import TypeAdapter

from outofsample import registry
from outofsample.errors import UserError
from outofsample.files.writing import replacing
from outofsample.methods.families.base import uses_chance, why_not
from outofsample.report.claims import read_claims
from outofsample.study.claims_reference import claims_table
from outofsample.study.config import Study
from outofsample.study.python_reference import python_page

ROOT = Path(__file__).parents[3]
CONFIGURATION = ROOT / "docs" / "reference" / "configuration.md"
ENTRIES = ROOT / "docs" / "reference" / "entries.md"
PYTHON = ROOT / "docs" / "reference" / "python.md"
METHODS = ROOT / "docs" / "methods.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
CLAIMS = ROOT / "docs" / "claims.md"
#: Modules whose docstring is the contract of a format, in the order in which a study makes their files.
FORMATS = tuple(
    importlib.import_module(f"outofsample.files.{name}")
    for name in (
        "dataset",
        "task",
        "cohort",
        "fitted",
        "history",
        "classifier",
        "fitted_methods",
        "prediction",
        "handed_back",
        "scores",
        "table",
        "missing",
        "estimator",
    )
)

#: How the parts of a study are headed, by the name of their model, in the order of the page.
PARTS = {
    "Study": "The study",
    "Selection": "run",
    "Entry": "datasets, models, methods",
    "MethodEntry": "entries of methods",
    "Task": "tasks",
    "QueryConfig": "queries of a task",
    "Table": "tables",
    "Column": "columns of a table",
    "Figure": "figures",
    "Evaluation": "evaluation",
    "Tuning": "tuning",
}
NOTE = "<!-- Written by `make reference` from the code: change the descriptions there. -->"
REGION = re.compile(r"(<!-- generated: (\w+)(?: (\w+))? -->\n).*?(<!-- end -->)", re.DOTALL)
WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "null": "`null`",
}


# ---- types, defaults, meanings


def type_words(schema: dict[str, Any]) -> str:
    """Return what a JSON schema allows, in words of Markdown, such as ``list (whole number)``."""
    if "$ref" in schema:
        part = schema["$ref"].rpartition("/")[2]
        return f"[{PARTS[part]}](#{slug(PARTS[part])})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_words(option) for option in schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return " or ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        if "prefixItems" in schema:
            items = dict.fromkeys(type_words(item) for item in schema["prefixItems"])
            return f"list of {len(schema['prefixItems'])} ({', '.join(items)})"
        return f"list ({type_words(schema['items'])})"
    if schema.get("type") == "object":
        # Names that must match a pattern, or any.
        inner = next(iter(schema.get("patternProperties", {}).values()), schema.get("additionalProperties"))
        return f"mapping: name to {type_words(inner)}" if isinstance(inner, dict) and inner else "mapping"
    words = WORDS[schema["type"]] if "type" in schema else "any"
    bounds = [
        f"{said} {schema[key]:g}" for key, said in (("minimum", "at least"), ("maximum", "at most")) if key in schema
    ]
    return ", ".join([words, *bounds])


def value_words(value: Any) -> str:
    """Return a value as one would write it into a study."""
    text = yaml.safe_dump([value], default_flow_style=True, width=10**6, sort_keys=False).strip()
    return text[1:-1]


def attributes(docstring: str | None) -> dict[str, str]:
    """Return name and description of what the Attributes section of a numpy-style docstring lists.

    ``hidden, latent`` above one description gives it to both.
    """
    _, found, section = inspect.cleandoc(docstring or "").partition("\nAttributes\n----------\n")
    meanings: dict[str, str] = {}
    names: list[str] = []
    for line in section.splitlines() if found else []:
        if line and not line.startswith(" "):
            names = [name.strip() for name in line.split(",")]
        elif line.strip():
            for name in names:
                meanings[name] = f"{meanings.get(name, '')} {line.strip()}".strip()
    return meanings


def meanings(settings: type) -> dict[str, str]:
    """Return what each field of a settings dataclass means, by the docstrings of the class and of what it extends."""
    found: dict[str, str] = {}
    for parent in reversed(settings.__mro__):
        found |= attributes(parent.__doc__)
    return {field.name: found.get(field.name, "") for field in dataclasses.fields(settings)}


def text_of(thing: Any) -> str:
    """Return a docstring as Markdown, without its sections."""
    text = inspect.cleandoc(thing.__doc__ or "")
    text = re.split(r"\n\w+\n-{4,}\n", text)[0].strip()
    return "\n\n".join(as_markdown(paragraph) for paragraph in text.split("\n\n"))


def as_markdown(text: str) -> str:
    """Return docstring text in one line, with code between single backticks."""
    return " ".join(text.replace("``", "`").split())


def slug(heading: str) -> str:
    """Return the anchor of a heading, as GitHub and MkDocs both make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def settings_schema(settings: type) -> dict[str, Any]:
    """Return the JSON schema of each field of a settings dataclass."""
    properties = TypeAdapter(settings).json_schema().get("properties", {})
    # Pydantic leaves out defaults that are made anew each time, as those of dictionaries are.
    made = {f.name: f.default_factory() for f in dataclasses.fields(settings) if callable(f.default_factory)}
    return {name: schema | ({"default": made[name]} if name in made else {}) for name, schema in properties.items()}


def table(properties: dict[str, dict], described: dict[str, str], needed: list[str]) -> str:
    """Return a table of keys with type, default and meaning."""
    rows = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    first: dict[str, str] = {}
    for name, schema in properties.items():
        meaning = re.sub(r"\bNone\b", "`null`", as_markdown(described[name]))
        # Keys that share a description have it once.
        if meaning and first.setdefault(meaning, name) != name:
            meaning = f"see `{first[meaning]}`"
        default = "needed" if name in needed or "default" not in schema else f"`{value_words(schema['default'])}`"
        if "$ref" in schema and default != "needed":
            default = "see there"
        cells = (f"`{name}`", type_words(schema), default, meaning)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


# ---- pages


def configuration_page() -> str:
    """Return the page of the keys of a study."""
    schema = Study.model_json_schema()
    parts = {"Study": schema, **schema["$defs"]}
    sections = [
        "# Configuration",
        NOTE,
        "A study is a YAML file. `config.yaml` is the demo, `studies/` holds others, and `extends: config.yaml` takes "
        "over the definitions of another one (never what it runs: say that under `run`). Every problem is told before "
        "any job starts, with the nearest known key. The settings of each dataset, model and method are on "
        "[their own page](entries.md). Editors that know `schemas/study.schema.json` complete keys while you type.",
    ]
    for name, heading in PARTS.items():
        part = parts[name]
        described = {key: value.get("description", "") for key, value in part["properties"].items()}
        text = as_markdown(part.get("description", ""))
        sections += [f"## {heading}", text, table(part["properties"], described, part.get("required", []))]
    return "\n\n".join(sections) + "\n"


def entries_page() -> str:
    """Return the page of the settings of every dataset, model, method and edit."""
    sections = [
        "# Datasets, models, methods",
        NOTE,
        "What comes with the package. In a study, `NAME: {KEY: VALUE}` under `datasets`, `models` or `methods` sets a "
        "key; `MINE: {uses: NAME, KEY: VALUE}` makes a second entry of the same kind. Besides its own keys each has "
        "`uses`, `label` and `control` ([configuration](configuration.md#datasets-models-methods)).",
    ]
    for kind in ("methods", "models", "datasets"):
        sections.append(f"## {kind.capitalize()}")
        for name in registry.available(kind):
            sections += _entry(kind, name)
    sections += ["## Edits", "What `edit` and `edit_options` of a latent edit can be."]
    for name, edit in _edits().items():
        sections += [f"### Edit `{name}`", text_of(edit), _settings_table(edit)]
    return "\n\n".join(sections) + "\n"


def _edits() -> dict[str, type]:
    """Return every edit by its name."""
    return {name: registry.find("edits", name) for name in registry.available("edits")}


def _entry(kind: str, name: str) -> list[str]:
    entry = registry.find(kind, name)
    facts = [f"File: `{registry.path_of(kind, name).relative_to(ROOT).as_posix()}`."]
    if kind == "methods":
        facts.append(f"Equation and limits: [methods](../methods.md#{slug(name)}).")
    return [
        f"### {registry.KINDS[kind]} `{name}`",
        text_of(sys.modules[entry.__module__]),
        text_of(entry),
        " ".join(facts),
        _settings_table(entry.Settings),
    ]


def _settings_table(settings: type) -> str:
    properties = settings_schema(settings)
    return table(properties, meanings(settings), []) if properties else "It has no settings."


def _with_regions(page: str, text: str, make: Callable[[str, str | None], str | None], known: str) -> str:
    """Return a page with its generated regions made anew; ``make`` returns None for one that nobody generates.

    Raises
    ------
    UserError
        If the page has such a region; the message says which are ``known``.
    """

    def fill(match: re.Match) -> str:
        start, kind, name, end = match.groups()
        content = make(kind, name)
        if content is None:
            raise UserError(f"{page}: nobody generates '{kind} {name or ''}'; known: {known}.")
        return f"{start}\n{content}\n\n{end}"

    return REGION.sub(fill, text)


def methods_page(text: str) -> str:
    """Return ``docs/methods.md`` with its generated parts as the code has them now."""

    def make(kind: str, name: str | None) -> str | None:
        if kind == "summary":
            return _summary()
        return _facts(name) if kind == "facts" and name in registry.available("methods") else None

    return _with_regions("docs/methods.md", text, make, "summary, facts METHOD")


def architecture_page(text: str) -> str:
    """Return ``docs/architecture.md`` with the formats of the files as their modules' docstrings have them."""

    def make(kind: str, name: str | None) -> str | None:
        return "\n\n".join(map(_format, FORMATS)) if kind == "formats" and not name else None

    return _with_regions("docs/architecture.md", text, make, "formats")


def claims_page(text: str) -> str:
    """Return ``docs/claims.md`` with the claims of ``docs/claims.yaml``.

    Raises
    ------
    UserError
        If the claims cannot be read.
    """
    table = claims_table(read_claims(CLAIMS.with_suffix(".yaml")))
    return REGION.sub(lambda match: f"{match[1]}\n{table}\n\n{match[4]}", text)


def _format(module: ModuleType) -> str:
    """Return the contract of a format: its docstring, under a heading of the first line."""
    title, _, contract = inspect.cleandoc(module.__doc__).replace("``", "`").partition("\n\n")
    path = Path(module.__file__).relative_to(ROOT).as_posix()
    return f"### {title.removesuffix('.')}\n\n{contract}\n\nWritten, read and checked by `{path}`."


def _summary() -> str:
    rows = ["| method | trained | data | chance | what it does |", "| --- | --- | --- | --- | --- |"]
    for name in registry.available("methods"):
        method = registry.find("methods", name)
        model = method.model_name(method.Settings())
        trained = f"[`{model}`](reference/entries.md#model-{slug(model)})" if model else "-"
        chance = "seeds" if uses_chance(method, model) else "none"
        first = text_of(method).split("\n\n")[0]
        rows.append(f"| [`{name}`](#{slug(name)}) | {trained} | {_data_words(method)} | {chance} | {first} |")
    return "\n".join(rows)


def _data_words(method: type) -> str:
    kinds = {"tables": {"tabular"}, "counts": {"tabular", "counts"}, "images": {"images"}}
    return ", ".join(word for word, kind in kinds.items() if why_not(method, frozenset(kind)) is None)


def _facts(name: str) -> str:
    method = registry.find("methods", name)
    model = method.model_name(method.Settings())
    chance = "differs between seeds" if uses_chance(method, model) else "is the same for every seed"
    lines = [
        f"- **Data:** {_data_words(method)}; the prediction {chance}.",
        f"- **Defaults** ([`{name}`](reference/entries.md#method-{slug(name)})): {_defaults_of(method.Settings)}.",
    ]
    if model:
        settings = registry.find("models", model).Settings
        lines.append(f"- **Model** [`{model}`](reference/entries.md#model-{slug(model)}): {_defaults_of(settings)}.")
    return "\n".join(lines)


def _defaults_of(settings: type) -> str:
    """Return the defaults that say something: not what is off, and not the long list of kernel widths."""
    defaults = {name: schema["default"] for name, schema in settings_schema(settings).items() if "default" in schema}
    telling = {
        name: value
        for name, value in defaults.items()
        if value not in (None, False, "none") and not (isinstance(value, list) and len(value) > 6)
    }
    return ", ".join(f"`{name}: {value_words(value)}`" for name, value in telling.items()) or "no settings"


def pages() -> dict[Path, str]:
    """Return every generated page by its file."""
    return {
        CONFIGURATION: configuration_page(),
        ENTRIES: entries_page(),
        PYTHON: python_page(NOTE),
        METHODS: methods_page(METHODS.read_text()),
        ARCHITECTURE: architecture_page(ARCHITECTURE.read_text()),
        CLAIMS: claims_page(CLAIMS.read_text()),
    }


def undescribed() -> list[str]:
    """Return the keys that nobody describes, as ``kind.name.key``."""
    schema = Study.model_json_schema()
    missing = [
        f"{part}.{key}"
        for part, content in {"Study": schema, **schema["$defs"]}.items()
        for key, value in content["properties"].items()
        if not value.get("description")
    ]
    settings = {f"edits.{name}": edit for name, edit in _edits().items()}
    for kind in registry.KINDS:
        settings |= {f"{kind}.{name}": registry.find(kind, name).Settings for name in registry.available(kind)}
    described = {where: meanings(each).items() for where, each in settings.items()}
    return missing + [f"{where}.{key}" for where, keys in described.items() for key, meaning in keys if not meaning]


def main() -> None:
    """Write the pages."""
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_text(text)


if __name__ == "__main__":
    main()
