"""A study of one's own and its sample sheet, written for a folder of files; their user goes on from there."""

import csv
import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import yaml

from outofsample.errors import UserError, did_you_mean
from outofsample.files.fcs import COFACTORS
from outofsample.files.fcs_text import read_text
from outofsample.files.markers import TECHNICAL
from outofsample.own.readers.support.entries import check_paths, format_of
from outofsample.study.chains import Measured, find_chain, why_no_chain
from outofsample.study.config import as_name
from outofsample.study.file_names import Understood
from outofsample.study.load import read_study
from outofsample.study.plan import Plan

#: The template whose models and methods a study takes, by the format of its files.
TEMPLATES = {"fcs": "my_fcs", "h5ad": "my_h5ad", "table": "my_table", "parquet": "my_table"}


#: What a file is used for that no study reads.
LEFT_OUT = "left out"


@dataclass(frozen=True)
class Proposal:
    """What a study asks for, by the labels of its files.

    Attributes
    ----------
    controls
        Domains that show the changes.
    reference
        The condition that the others are brought to.
    queries
        As a study has them.
    remarks
        What its user should know, a line each.
    uses
        What each file is used for, in words; those that begin with `LEFT_OUT` are not.
    """

    controls: list[str]
    reference: str
    queries: list[dict[str, str]]
    remarks: list[str]
    uses: list[str]


def propose(
    rows: Sequence[dict[str, str]],
    controls: Sequence[str] = (),
    reference: str | None = None,
    truth: Sequence[str] = (),
) -> Proposal:
    """Return queries for all that was not measured in the reference condition.

    What is no control and was measured in the reference needs no correction. It is the truth of a query where the same
    samples were measured in both: of the same domain, with the same other labels.

    Parameters
    ----------
    rows
        ``domain`` and ``condition`` of each file, and other labels than ``path`` that tell samples apart.
    controls
        Domains that show the changes; default: all that were measured in several conditions.
    reference
        Default: the condition that most queries reach, and of these the first by name.
    truth
        Domains whose files in the reference are the samples of their other files, whatever their labels are.

    Raises
    ------
    UserError
        If nothing was measured in two conditions, or a name is none of those of the files.
    """
    pairs = {(row["domain"], row["condition"]) for row in rows}
    domains, conditions = (sorted({pair[place] for pair in pairs}, key=_natural) for place in (0, 1))
    asked = [(option, domains, name) for option, names in (("controls", controls), ("truth", truth)) for name in names]
    asked += [("reference", conditions, reference)] if reference else []
    for option, known, name in asked:
        if name not in known:
            raise UserError(
                f"--{option}: no file is of '{name}'{did_you_mean(name, known)}; known: {', '.join(known)}."
            )
    repeated = [name for name in domains if sum((name, condition) in pairs for condition in conditions) > 1]
    chosen = [name for name in repeated if name in controls or not controls]
    if not chosen:
        raise UserError(
            f"No {'control' if controls else 'domain'} was measured in two conditions, so nothing shows what changes "
            f"between {', '.join(conditions)}; files of the same control need the same {{domain}} in their names."
        )
    measured = {c: frozenset(name for name in chosen if (name, c) in pairs) for c in conditions}
    wanted = [pair for pair in product(domains, conditions) if pair in pairs and pair[0] not in chosen]
    if reference is None:
        reference = max(conditions, key=lambda c: sum(_leads(measured, condition, c) for _, condition in wanted))
    queries, remarks = _queries(wanted, measured, reference)
    if not queries:
        raise UserError(f"Nothing is left to predict in {reference}: all that is no control was measured there alone.")
    true, more = _truth(rows, queries, reference, truth)
    uses = [_use(row, chosen, queries, reference, true) for row in rows]
    return Proposal(chosen, reference, queries, remarks + more, uses)


def _leads(measured: Measured, condition: str, reference: str) -> bool:
    return condition != reference and bool(find_chain(measured, condition, reference))


def _queries(
    wanted: Sequence[tuple[str, str]], measured: Measured, reference: str
) -> tuple[list[dict[str, str]], list[str]]:
    """Return a query for each (domain, condition) that can be predicted in the reference, and remarks."""
    queries, remarks, names = [], [], set()
    others = [pair for pair in wanted if pair[1] != reference]
    for condition in sorted({condition for _, condition in others}, key=_natural):
        chain = find_chain(measured, condition, reference)
        if not chain:
            remarks.append(f"not predicted, {condition}: {why_no_chain(measured, condition, reference)}")
        elif len(chain) > 1:
            hops = " -> ".join([condition, *(f"{hop.target} (by {', '.join(hop.controls)})" for hop in chain)])
            remarks.append(f"a chain of controls: {hops}")
    for domain, condition in others:
        if not _leads(measured, condition, reference):
            continue
        alone = sum(other == domain for other, _ in others) == 1
        name = stem = as_name(domain if alone else f"{domain}_{condition}")
        number = 1
        while name in names:
            name, number = f"{stem}_{number + 1}", number + 1
        names.add(name)
        queries.append({"name": name, "domain": domain, "source": condition, "target": reference})
    return queries, remarks


def _truth(
    rows: Sequence[dict[str, str]], queries: Sequence[dict[str, str]], reference: str, named: Sequence[str]
) -> tuple[set[str], list[str]]:
    """Return the domains whose files in the reference are the truth of their queries, and remarks.

    Raises
    ------
    UserError
        If one that is named has no such files, or no query.
    """
    found, remarks = set(), []
    for domain in dict.fromkeys(query["domain"] for query in queries):
        there = _samples(rows, domain, reference)
        if not there:
            continue
        sources = [query["source"] for query in queries if query["domain"] == domain]
        same = len(set(there)) == len(there) and all(_samples(rows, domain, c) == there for c in sources)
        if same or domain in named:
            found.add(domain)
            remarks.append(f"{domain} was measured in {reference} too: taken for its truth, which gives scores")
        else:
            remarks.append(
                f"{domain}: its {len(there):,} file(s) of {reference} are left out, since nothing tells that they are "
                f"the samples of its files in {', '.join(sources)}; where they are, '--truth {domain}' gives scores"
            )
    if lacking := [domain for domain in named if domain not in found]:
        raise UserError(
            f"--truth: nothing of '{lacking[0]}' is predicted in {reference} and was measured there too; it must be no "
            "control, with files in this condition and in others."
        )
    return found, remarks


def _samples(rows: Sequence[dict[str, str]], domain: str, condition: str) -> list[tuple[str, ...]]:
    """Return the labels, sorted, that tell apart the samples of a domain in a condition: one for each file."""
    return sorted(
        tuple(value for name, value in row.items() if name not in ("path", "domain", "condition"))
        for row in rows
        if (row["domain"], row["condition"]) == (domain, condition)
    )


def _use(
    row: dict[str, str], controls: Sequence[str], queries: Sequence[dict[str, str]], reference: str, true: Set[str]
) -> str:
    """Return what a file is used for, in words."""
    domain, condition = row["domain"], row["condition"]
    if domain in controls:
        return "control"
    if any((query["domain"], query["source"]) == (domain, condition) for query in queries):
        return f"predicted in {reference}"
    if condition != reference:
        return f"{LEFT_OUT}: no chain of controls leads to {reference}"
    return f"truth of {domain}" if domain in true else f"{LEFT_OUT}: in {reference} already"


def _natural(text: str) -> list[tuple[int, int, str]]:
    """Return what sorts batch2 before batch10."""
    parts = re.split(r"(\d+)", text)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def write_study(folder: Path, understood: Understood, proposal: Proposal, study: Path) -> list[str]:
    """Write a study (``study``, YAML) and its sample sheet beside it (TSV); return remarks, a line each.

    Raises
    ------
    UserError
        If one of them is there already, its folder is not, or the study is not valid; then nothing is left behind.
    """
    sheet = study.with_suffix(".tsv")
    if not study.parent.is_dir():
        raise UserError(f"{study.parent}: there is no such folder; call this in the folder of the Snakefile.")
    for path in (sheet, study):
        if path.exists():
            raise UserError(f"{path} is there already and is not overwritten; give another --name, or remove it.")
    check_paths([row["path"] for row in understood.rows])
    text, remarks = _study_text(folder, understood, proposal, study)
    try:
        with sheet.open("x", encoding="utf-8", newline="") as file:
            _write_sheet(file, understood.rows, proposal.uses)
        with study.open("x", encoding="utf-8") as file:
            file.write(text)
        Plan(read_study(study))
    except BaseException:
        for path in (sheet, study):
            path.unlink(missing_ok=True)
        raise
    return remarks


def _write_sheet(file, rows: Sequence[dict[str, str]], uses: Sequence[str]) -> None:
    """Write a row per file; those of files that are left out are comments, which their user can take in."""
    names = ["path", "condition", "domain", *(key for key in rows[0] if key not in ("path", "condition", "domain"))]
    writer = csv.writer(file, delimiter="\t", lineterminator="\n")
    writer.writerow(names)
    for row, use in zip(rows, uses, strict=True):
        # A line that begins with # is a comment.
        first = f"./{row['path']}" if row["path"].startswith("#") else row["path"]
        comment = "# " if use.startswith(LEFT_OUT) else ""
        writer.writerow([comment + first, *(row[name] for name in names[1:])])


def _study_text(folder: Path, understood: Understood, proposal: Proposal, study: Path) -> tuple[str, list[str]]:
    """Return the text of a study, and remarks."""
    kind = format_of(understood.rows[0]["path"])
    scale, remarks = _scale_of(kind, folder / understood.rows[0]["path"])
    template = (study.parent / f"{TEMPLATES[kind]}.yaml").read_text(encoding="utf-8")
    queries = "".join(f"      - {_flow(query)}\n" for query in proposal.queries)
    # Genes that hardly vary say nothing of a change.
    variable = "    variable_features: 2000\n" if kind == "h5ad" else ""
    text = f"""\
# yaml-language-server: $schema=../schemas/study.schema.json
# Written by scripts/new_study.py; change what is not right. docs/own_data.md explains the keys.
study: {_flow(study.stem)}
data_dir: {_flow(str(folder.parent))}
seeds: 1

datasets:
  mine:
    uses: own
    folder: {_flow(folder.name or ".")}
    # Which file is what: a row per file (or glob), with its condition and domain.
    samples: {_flow(str(study.with_suffix(".tsv")))}
{scale}
tasks:
  {proposal_name(kind)}:
    dataset: mine
    # Measured in several conditions: these show what changes.
    controls: {_flow(proposal.controls)}
{variable}    # One folder of results for each; all are brought to {_flow(proposal.reference)}.
    queries:
{queries}"""
    return text + template[template.index("\nmodels:\n") :], remarks


def proposal_name(kind: str) -> str:
    """Return what the task of a study is called, by the format of its files: as in the template."""
    return "batch" if kind == "fcs" else "treatment"


def _flow(value) -> str:
    """Return a value as YAML on one line: labels that YAML would take for numbers or truth values in quotes."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=float("inf"))
    return text.removesuffix("\n...\n").removesuffix("\n")


def _scale_of(kind: str, first: Path) -> tuple[str, list[str]]:
    """Return the lines of a study that say the scale of the values, and why in words."""
    if kind != "fcs":
        return "    # arcsinh (with cofactor) or log1p_counts change the scale inside.\n    scale: none\n", [
            "scale: none (values are used as they are; log1p_counts for raw counts)"
        ]
    text = read_text(first)
    channels = [text.get(f"$P{number}N") for number in range(1, text.number("$PAR") + 1)]
    scatter = [channel for channel in channels if TECHNICAL["scatter"].search(channel)]
    what, why = "mass", "it has no scatter channel, so it is taken for mass cytometry"
    if scatter:
        what = "fluorescence"
        why = f"it has the scatter channel {scatter[0]}, so it is flow cytometry: values must be compensated"
    comment = "    # arcsinh(x / cofactor): 5 for mass cytometry, 150 for fluorescence (compensated and linear).\n"
    return f"{comment}    cofactor: {COFACTORS[what]:g}\n", [f"cofactor: {COFACTORS[what]:g} ({first.name}: {why})"]
