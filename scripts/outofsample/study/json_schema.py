"""The JSON schema of studies, for editors: the pydantic models joined with every entry's own settings."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from outofsample import registry
from outofsample.study.config import Entry, MethodEntry, Study

SCHEMA = Path(__file__).parents[3] / "schemas" / "study.schema.json"


def study_schema() -> dict[str, Any]:
    """Return the JSON schema of a study file.

    An entry that is called as the file that it uses is checked key by key; one with another name (and ``uses``) is
    checked by `outofsample.study.checks` alone, since JSON schema cannot look up the file.
    """
    schema = Study.model_json_schema()
    schema["title"] = "Study"
    # A study that extends another leaves out what it takes over.
    schema["required"] = ["study"]
    definitions = schema["$defs"]
    for kind in registry.KINDS:
        general = (MethodEntry if kind == "methods" else Entry).model_json_schema()["properties"]
        properties = {}
        for name in registry.available(kind):
            settings = TypeAdapter(registry.find(kind, name).Settings).json_schema()
            definitions |= settings.pop("$defs", {})
            settings = {"properties": {}, **settings, "title": f"{kind}.{name}", "additionalProperties": False}
            settings["properties"] = {**general, **settings["properties"]}
            settings.pop("required", None)
            properties[name] = settings
        schema["properties"][kind]["properties"] = properties
    return schema


def main() -> None:
    """Write the schema file."""
    SCHEMA.write_text(json.dumps(study_schema(), indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
