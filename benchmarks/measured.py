"""The tables of real data in the documents, from the scores of a study.

    snakemake --cores all --configfile studies/sample_data.yaml --config data_dir=data
    python benchmarks/measured.py results/sample_data

rewrites, for each question whose scores are there, its table in ``docs/measured``, its column of
``docs/measured/all_real.csv``, and the rows of the table that stands after ``<!-- measured: NAME -->`` in
``docs/real_data.md``. Mean ranks are made anew: of a task's questions first, then of tasks; the two files of Kang's
cells count as one task. What was not run keeps its numbers, with ``--keep-methods`` also a method of a question that
was run. The table after ``<!-- steps -->`` is made of
``docs/trvae_steps.csv``, which ``benchmarks/step_curve.py`` writes.
"""

import argparse
import csv
import sys
from dataclasses import dataclass
from math import inf, isnan
from pathlib import Path
from statistics import mean, stdev

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from outofsample.errors import run_script  # noqa: E402
from outofsample.files.scores import read_scores  # noqa: E402
from outofsample.files.writing import replacing  # noqa: E402
from outofsample.metrics.directions import distance_to_best  # noqa: E402
from outofsample.texts import as_label  # noqa: E402

DOCS = ROOT / "docs"
ALL = "all_real.csv"
CELLS = {"change_of_means_r": "r of changes", "sd_ratio": "SD ratio", "energy_distance": "energy distance"}
GENES = {
    "pr_auc": "area under precision and recall",
    "precision_at_N": "precision at N",
    "de_direction_match": "right direction",
}
KANG = {"means_r2": "R² of means", "variances_r2": "R² of variances", **CELLS, **GENES}
HELA = {
    "means_r": "r of means",
    "variances_r": "r of variances",
    "change_of_means_r": "r of changes",
    "top_sign": "right sign",
    "sd_ratio": "SD ratio",
    "energy_distance": "energy distance",
}
BATCHES = {
    "spike_in_r": "r with spike-in shift",
    "change_r": "r with true change",
    "rmse_medians": "RMSE of medians",
    "means_r": "r of means",
    "variances_r": "r of variances",
    "energy_distance": "energy distance",
}
PHOTOGRAPHS = {"frechet_cnn": "Fréchet distance (CNN)", "kid_cnn": "kernel distance (CNN)", **CELLS}
DIGITS = {
    "image_rmse": "RMSE per image",
    "rmse_changed": "RMSE where it changes",
    "rmse_kept": "RMSE elsewhere",
    "ssim": "SSIM",
    "thickness_error": "thickness error, pixels",
    "frechet_cnn": "Fréchet distance (CNN)",
}


@dataclass(frozen=True)
class Question:
    """A query of a task: its scores and their headings, the column of all questions, and the task that it counts for.

    ``sorted_by`` is the score that sorts the table.
    """

    task: str
    query: str
    columns: dict[str, str]
    heading: str
    counts_for: str
    sorted_by: str = "energy_distance"


QUESTIONS = {
    "cytonorm_026": Question("cytonorm", "021_to_026", BATCHES, "CytoNorm controls, 026", "cytonorm"),
    "cytonorm_028": Question("cytonorm", "021_to_028", BATCHES, "CytoNorm controls, 028", "cytonorm"),
    "hela_gsk": Question("hela", "GSK", HELA, "HeLa, GSK", "hela"),
    "hela_gdc": Question("hela", "GDC", HELA, "HeLa, GDC", "hela"),
    "kang_pooled": Question("kang_pooled.NK", "stimulated", KANG, "PBMC, NK", "kang"),
    "kang_sample": Question("kang_sample.NK", "stimulated", KANG, "PBMC (sample), NK", "kang"),
    "digits_thin": Question("digits", "thin", DIGITS, "digits, thin", "digits", "image_rmse"),
    "digits_thick": Question("digits", "thick", DIGITS, "digits, thick", "digits", "image_rmse"),
    "celeba_smile": Question("celeba_sample_smile", "women", PHOTOGRAPHS, "CelebA, smile", "smile", "kid_cnn"),
    "celeba_hair": Question("celeba_sample_hair", "men", PHOTOGRAPHS, "CelebA, hair", "hair", "kid_cnn"),
}
#: The task of each column of `ALL`.
TASKS = {question.heading: question.counts_for for question in QUESTIONS.values()}

#: The methods of the table of scores against steps.
STEPPED = {
    "trvae": "trVAE",
    "cvae": "CVAE",
    "mmd_cvae": "MMD-CVAE",
    "scgen": "scGen",
    "scvi": "scVI",
    "saucie": "SAUCIE",
    "style_gan": "Style transfer GAN",
    "trvae_residual": "trVAE, residual",
    "cvae_residual": "CVAE, residual",
    "mean_shift": "Mean shift",
    "no_change": "No change",
    "oracle": "Oracle",
}


def number(value: float) -> str:
    """Return a number with three decimals, or one where it is large."""
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"


def cell(values: list[float]) -> str:
    """Return the mean over seeds, with the standard deviation where they differ; nothing of no values."""
    spread = [stdev(values)] if len(set(values)) > 1 else []
    return " ± ".join(map(number, [mean(values), *spread])) if values else ""


def first_number(text: str) -> float | None:
    """Return the mean that a cell of a table says."""
    return float(text.split(" ")[0]) if text else None


def table_of(scores, question: Question, labels: dict[str, str]) -> list[dict[str, str]]:
    """Return a row of texts per method: a cell per heading of the question, and the energy distance for `ALL`."""
    rows = []
    columns = question.columns | {"energy_distance": "energy distance"}
    of_query = scores[(scores["task"] == question.task) & (scores["query"] == question.query)]
    for method, block in of_query.groupby("method", sort=False):
        values = {
            score: block.loc[block["score"] == score, "value"].dropna().astype(float).tolist() for score in columns
        }
        if method == "oracle":
            values = {score: [mean(found)] if found else [] for score, found in values.items()}
        if any(values.values()):
            texts = {heading: cell(values[score]) for score, heading in columns.items()}
            rows.append({"method": labels.get(method, as_label(method).capitalize()), **texts})
    return in_order(rows, question)


def in_order(rows: list[dict[str, str]], question: Question) -> list[dict[str, str]]:
    """Return the rows from the best to the worst; those without a number last."""

    def distance(row: dict[str, str]) -> float:
        value = first_number(row[question.columns[question.sorted_by]])
        return inf if value is None else distance_to_best(question.sorted_by, value)

    return sorted(rows, key=distance)


def with_kept(rows: list[dict[str, str]], kept: list[dict[str, str]], question: Question) -> list[dict[str, str]]:
    """Return the rows, and in their places those of methods that they lack.

    Distances by a classifier are not kept: it was trained anew, and its features are others.
    """
    found = {row["method"] for row in rows}
    anew = {heading: "" for score, heading in question.columns.items() if score.endswith("_cnn")}
    return in_order([*rows, *({**row, **anew} for row in kept if row["method"] not in found)], question)


def read_table(path: Path) -> list[dict[str, str]]:
    """Read a table of texts."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_table(path: Path, rows: list[dict[str, str]], columns: list[str]) -> None:
    """Write a table of texts."""
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n", restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def with_column(
    table: list[dict[str, str]], heading: str, rows: list[dict[str, str]], keep: bool = False
) -> list[dict[str, str]]:
    """Return the table of all questions with one column made anew; methods that are new to it come last.

    With ``keep`` a method that is not among the rows keeps what stood there.
    """
    distances = {row["method"]: row["energy distance"] for row in rows}
    known = {row["method"] for row in table}
    table = [*table, *({"method": method, "mean rank": ""} for method in distances if method not in known)]
    return [{**row, heading: distances.get(row["method"], row.get(heading, "") if keep else "")} for row in table]


def ranked(table: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the table of all questions with mean ranks, in their order; how many tasks, where not all have one."""
    ranks: dict[str, dict[str, list[int]]] = {row["method"]: {} for row in table}
    for heading, task in TASKS.items():
        found = {row["method"]: first_number(row.get(heading, "")) for row in table if row["method"] != "Oracle"}
        order = sorted((value, method) for method, value in found.items() if value is not None)
        for place, (_, method) in enumerate(order, start=1):
            ranks[method].setdefault(task, []).append(place)
    all_tasks = len(set(TASKS.values()))
    means = {method: mean(map(mean, found.values())) if found else -1.0 for method, found in ranks.items()}
    for row in table:
        tasks = len(ranks[row["method"]])
        some = f" ({tasks})" if tasks < all_tasks else ""
        row["mean rank"] = f"{means[row['method']]:.1f}{some}" if tasks else ""
    return sorted(table, key=lambda row: means[row["method"]])


def with_rows(text: str, name: str, rows: list[dict[str, str]]) -> str:
    """Return a page whose table after the marker of a question has its numbers; its methods and headings stay."""
    marker = f"<!-- measured: {name} -->\n\n"
    before, found, after = text.partition(marker)
    if not found:
        return text
    old, gap, rest = after.partition("\n\n")
    headings, rule, *lines = old.splitlines()
    columns = [heading.strip() for heading in headings.strip("|").split("|")]
    shown = [line.strip("|").split("|")[0].strip() for line in lines]
    of_method = {row["method"]: row for row in rows}
    order = [row["method"] for row in rows if row["method"] in shown]
    new = [f"| {' | '.join(of_method[method].get(column, '') or '-' for column in columns)} |" for method in order]
    return before + found + "\n".join([headings, rule, *new]) + gap + rest


def with_steps(text: str, runs: list[dict[str, str]]) -> str:
    """Return a page whose table of scores against steps has the means over the seeds of all runs."""
    scores = {"means_r2": "R² of means", **CELLS}
    headings = ["steps", "method", "seeds", *scores.values()]
    lines = [f"| {' | '.join(headings)} |", "| --: | --- | " + " | ".join(["--:"] * (len(headings) - 2)) + " |"]
    order = [*sorted({int(run["steps"]) for run in runs if run["steps"]}), ""]
    for steps in order:
        for method, label in STEPPED.items():
            found = [run for run in runs if run["method"] == method and run["steps"] == str(steps)]
            if found:
                values = [[float(run[score]) for run in found] for score in scores]
                texts = ["-" if any(map(isnan, each)) else cell(each) for each in values]
                told = [f"{steps:,}", label, str(len(found))] if steps else ["-", label, "-"]
                lines.append(f"| {' | '.join(told + texts)} |")
    before, marker, after = text.partition("<!-- steps -->\n\n")
    _, gap, rest = after.partition("\n\n")
    return before + marker + "\n".join(lines) + gap + rest.lstrip("\n")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="*", help="results folder of a study, with scores/TASK.csv")
    parser.add_argument("--keep-methods", action="store_true", help="methods that were not run keep their numbers")
    parser.add_argument("--configfile", default="studies/sample_data.yaml", help="names the methods (%(default)s)")
    arguments = parser.parse_args()

    from outofsample.study.load import read_study

    study = read_study(ROOT / arguments.configfile)
    labels = {name: method.label or as_label(name) for name, method in study.methods.items()} | {"oracle": "Oracle"}
    everything, page = read_table(DOCS / "measured" / ALL), (DOCS / "real_data.md").read_text(encoding="utf-8")
    for folder in arguments.results:
        for name, question in QUESTIONS.items():
            if (path := folder / "scores" / f"{question.task}.csv").is_file():
                rows, table = table_of(read_scores([path]), question, labels), DOCS / "measured" / f"{name}.csv"
                everything = with_column(everything, question.heading, rows, arguments.keep_methods)
                if arguments.keep_methods:
                    rows = with_kept(rows, read_table(table), question)
                write_table(table, rows, ["method", *question.columns.values()])
                page = with_rows(page, name, rows)
    page = with_steps(page, read_table(DOCS / "trvae_steps.csv"))
    write_table(DOCS / "measured" / ALL, ranked(everything), ["method", "mean rank", *TASKS])
    with replacing(DOCS / "real_data.md") as temporary:
        temporary.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    run_script(main)
