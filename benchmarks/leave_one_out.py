"""The table to beat: how often a method can be relied on, over all queries of ``studies/leave_one_out.yaml``.

    snakemake --cores all --configfile studies/leave_one_out.yaml --config data_dir=data
    python benchmarks/leave_one_out.py

reads ``results/leave_one_out/scores`` and writes ``leave_one_out.csv`` (a row per half of the queries and method) and
``leave_one_out_queries.csv`` (a row per query, the energy distance of each method, the mean over its seeds) to
``results/benchmarks``. With ``--kept docs/leave_one_out_queries.csv`` methods that were not run keep the distances of
that table. Settings of the stacked map were chosen on the first half of the queries; the other half took no
part in any choice. Forms of the stacked map (``studies/stack_forms.yaml``) are not ranked against each other.
"""

import argparse
import csv
import sys
from collections.abc import Iterable
from pathlib import Path
from statistics import mean

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from outofsample.errors import UserError, run_script  # noqa: E402
from outofsample.files.scores import read_scores  # noqa: E402
from outofsample.files.writing import replacing  # noqa: E402

SCORE = "energy_distance"
#: Parts of names of tasks whose queries took part in the choice of settings: the cell types that earlier choices had
#: seen, and B cells and monocytes; volunteer 1 as spike-in; HeLa's first cluster.
CHOSEN_ON = (".NK", ".B", ".CD14_Mono", ".CD4_T", "from_021", "from_026", "from_028", "hela")
HALVES = {"chosen on": True, "reported on": False}
#: They see the truth, or are what others are compared with, so they have no rank of their own.
NOT_RANKED = ("oracle",)
#: The stacked map, and how the names of all its settings begin.
STACK, STACKED = "stacked_map", "stacked_"
#: A ratio to the best is taken over queries whose best distance is above this part of doing nothing's: below it the
#: noise of a few cells decides.
LEAST_BEST = 0.01
COLUMNS = (
    "half",
    "method",
    "queries",
    "mean_rank",
    "worse_than_no_change",
    "worse_than_mean_shift",
    "worst_ratio_to_best",
    "worst_query",
    "mean_ratio_to_no_change",
)


def is_chosen_on(task: str) -> bool:
    """Whether settings were chosen with a look at this task's queries."""
    return any(task.endswith(name) if name.startswith(".") else task == name for name in CHOSEN_ON)


def distances(scores: Iterable[Path]) -> dict[tuple[str, str], dict[str, float]]:
    """Return the mean energy distance over seeds by (task, query) and method, of methods that ran.

    Raises
    ------
    UserError
        If there are no scores, or a method lacks some of the queries.
    """
    found: dict[tuple[str, str], dict[str, list[float]]] = {}
    paths = sorted(scores)
    if not paths:
        raise UserError("There are no scores: run studies/leave_one_out.yaml first (its head says how).")
    table = read_scores(paths)
    for row in table[table["score"] == SCORE].itertuples():
        found.setdefault((row.task, row.query), {}).setdefault(row.method, []).append(float(row.value))
    # As they are written, so that ranks follow from the table by question.
    means = {query: {name: round(mean(values), 4) for name, values in each.items()} for query, each in found.items()}
    methods = {name for each in means.values() for name in each}
    for query, each in means.items():
        if missing := sorted(methods - set(each)):
            raise UserError(f"{' '.join(query)}: no energy distance of {', '.join(missing)}.")
    return means


def with_kept(
    means: dict[tuple[str, str], dict[str, float]], kept: list[dict[str, str]]
) -> dict[tuple[str, str], dict[str, float]]:
    """Return the distances, and of methods that were not run those of the rows of an earlier table.

    Raises
    ------
    UserError
        If the earlier table lacks a query.
    """
    before = {(row.pop("task"), row.pop("query")): row for row in map(dict, kept)}
    if missing := sorted(" ".join(query) for query in set(means) - set(before)):
        raise UserError(f"The earlier table has no row of {', '.join(missing)}: run all methods for it.")
    return {
        query: {name: float(value) for name, value in before[query].items()} | each for query, each in means.items()
    }


def ranks(each: dict[str, float]) -> dict[str, float]:
    """Return the rank of each method, 1 is best; equal ones share the mean of their ranks.

    Settings of the stacked map other than its default have the rank that they would have in its place.
    """
    values = {name: value for name, value in each.items() if name not in NOT_RANKED}
    found = {}
    for name, value in values.items():
        stacked = name if name.startswith(STACKED) else STACK
        others = [v for other, v in values.items() if other not in (name, stacked) and not other.startswith(STACKED)]
        others += [values[stacked]] if stacked in values and stacked != name else []
        found[name] = 1 + sum(other < value for other in others) + sum(other == value for other in others) / 2
    return found


def ratio_to_best(each: dict[str, float], method: str) -> float:
    """Return the method's distance by the least of all methods; both count at least `LEAST_BEST` of doing nothing."""
    least = LEAST_BEST * each["no_change"]
    best = min(value for name, value in each.items() if name not in NOT_RANKED and not name.startswith(STACKED))
    best = min(best, each.get(STACK, best), each[method])
    return max(each[method], least) / max(best, least)


def summary(means: dict[tuple[str, str], dict[str, float]]) -> list[dict]:
    """Return the rows of the table, by half and mean rank."""
    rows = []
    for half, chosen in HALVES.items():
        part = {query: each for query, each in means.items() if is_chosen_on(query[0]) == chosen}
        ranked = {query: ranks(each) for query, each in part.items()}
        names = next(iter(part.values()), {})
        found = [_row(half, name, part, ranked) for name in names]
        rows += sorted(found, key=lambda row: (row["mean_rank"] == "", row["mean_rank"]))
    return rows


def _row(half: str, name: str, part: dict, ranked: dict) -> dict:
    ratios = {query: ratio_to_best(each, name) for query, each in part.items()}
    worst = max(ratios, key=ratios.get)
    return {
        "half": half,
        "method": name,
        "queries": len(part),
        "mean_rank": "" if name in NOT_RANKED else round(mean(each[name] for each in ranked.values()), 2),
        "worse_than_no_change": share(each[name] > each["no_change"] for each in part.values()),
        "worse_than_mean_shift": share(each[name] > each["mean_shift"] for each in part.values()),
        "worst_ratio_to_best": "" if name in NOT_RANKED else round(ratios[worst], 2),
        "worst_query": "" if name in NOT_RANKED else " ".join(worst),
        "mean_ratio_to_no_change": round(mean(each[name] / each["no_change"] for each in part.values()), 3),
    }


def share(answers: Iterable[bool]) -> float:
    """Return the share of answers that are yes."""
    return round(mean(map(float, answers)), 3)


def write_rows(path: Path, head: Iterable[str], rows: list[dict]) -> None:
    """Write a CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, list(head), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", type=Path, default=ROOT / "results/leave_one_out/scores", help="folder of scores")
    parser.add_argument("--output", type=Path, default=ROOT / "results/benchmarks", help="folder to write to")
    parser.add_argument("--kept", type=Path, help="table by question whose methods are kept where they were not run")
    args = parser.parse_args()
    means = distances(args.scores.glob("*.csv"))
    if args.kept:
        with open(args.kept, newline="", encoding="utf-8") as file:
            means = with_kept(means, list(csv.DictReader(file)))
    rows = summary(means)
    write_rows(args.output / "leave_one_out.csv", COLUMNS, rows)
    queries = [{"task": task, "query": query} | each for (task, query), each in means.items()]
    write_rows(args.output / "leave_one_out_queries.csv", queries[0], queries)
    for row in rows:
        print(*(row[column] for column in COLUMNS), sep="\t")


if __name__ == "__main__":
    run_script(main)
