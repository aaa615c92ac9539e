"""What YAML silently makes of what is written in a study file: labels that become other text, keys that stand twice."""

import re
from collections.abc import Iterator

import yaml

from outofsample.texts import label_text

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: Where conditions and domains stand.
_LABELS = re.compile(
    r"datasets/[^/]+/files/\d+/(condition|domain)"
    r"|tasks/[^/]+/(queries/\d+/(domain|source|target)|source|(domains|targets|conditions|source_domains|controls)/\d+"
    r"|(held_out|reference)/\d+/\d+)"
)


def problems_of(text: str) -> list[str]:
    """Return a sentence, without a full stop, for each label and each key of a study file that YAML changes or drops.

    The text is valid YAML.
    """
    node = yaml.compose(text, Loader=_LOADER)
    return [] if node is None else list(_problems(node, ()))


def _problems(node: yaml.Node, place: tuple[str, ...]) -> Iterator[str]:
    if isinstance(node, yaml.MappingNode):
        known = set()
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name in known and name != "<<":
                yield (
                    f"{'.'.join((*place, name))} (line {key.start_mark.line + 1}): this key stands twice, and YAML "
                    "would keep the second one alone; give each its own name"
                )
            known.add(name)
            yield from _problems(value, (*place, name))
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _problems(value, (*place, str(number)))
    elif not node.style and _LABELS.fullmatch("/".join(place)) and (other := _changed(node.value)) is not None:
        yield (
            f"{'.'.join(place)} (line {node.start_mark.line + 1}): YAML makes '{other}' of {node.value}; put the label "
            f"in quotes: '{node.value}'"
        )


def _changed(written: str) -> str | None:
    """Return the label that a plain word would become; None if that is the word, or an error that others tell."""
    try:
        label = label_text(yaml.load(written, Loader=_LOADER))
    except ValueError:
        return None
    return label if isinstance(label, str) and label != written else None
