"""Names that mean something to a shell, to Snakemake, to HTML or to matplotlib: all that a user names is text."""

import re
import shutil

import anndata
import numpy as np
import pandas as pd
import pytest
import yaml
from markupsafe import escape
from PIL import Image

from outofsample.files import fcs

#: A command in a name would leave a file of this name somewhere.
MARKER = "executed"
#: Each is a part of names of files, folders, channels, conditions, domains and values of columns.
HOSTILE = [
    "$(touch executed)",
    "`touch executed`",
    "a;touch executed;b",
    "a&touch executed&",
    "|touch executed|",
    "-q",
    "--output=executed",
    'donor\'s "sample"',
    "'; touch executed; '",
    '"; touch executed; "',
    "two\nlines; touch executed",
    "<b>bold</b><img src=x onerror=alert(1)>",
    "{task}{dataset}{{x}}{0!r}",
    "<results>",
    "%s%(x)d%%",
    "*?[a-z]~ #!",
    "Größe µ 細胞 é",
    "$x_{$ and $\\frac{$",
    "a\\tb\\",
    "{{ 7 * 7 }}{% raw %}",
]
BEFORE, AFTER, CONTROL, PATIENT = (f"{word}{''.join(HOSTILE)}" for word in ("before", "after", "control", "patient"))
#: Files cannot hold a slash, nor more than 255 bytes.
FILES = [name.replace("/", "|") for name in HOSTILE]


def study(name, dataset, features):
    """Return a study of the dataset 'own' that asks for the patient's cells."""
    query = {"domain": PATIENT, "source": BEFORE, "target": AFTER}
    return {
        "study": name,
        "description": HOSTILE[12],
        "data_dir": f"data {FILES[0]} {FILES[12]}",
        "seeds": 1,
        "datasets": {"cells": {"uses": "own", "folder": FILES[13] + FILES[7], **dataset}},
        "tasks": {"task": {"dataset": "cells", "label": HOSTILE[11] + HOSTILE[12], "queries": [query], **features}},
        "methods": {"mean_shift": {"label": HOSTILE[0] + HOSTILE[11] + HOSTILE[17]}},
    }


def run(workflow, settings):
    """Run a study to its end; return the folder of what was written back."""
    path = workflow.folder / f"{settings['study']}.yaml"
    path.write_text(yaml.safe_dump(settings, allow_unicode=True))
    done = workflow.snakemake(study=path.name)
    logs = workflow.folder / "results" / settings["study"] / "logs"
    told = "\n".join(log.read_text() for log in sorted(logs.rglob("*.log")) if "rror" in log.read_text())
    assert done.returncode == 0, done.stdout[-3000:] + told
    executed = [path for path in workflow.folder.rglob("*") if path.name == MARKER]
    assert executed == []
    made = workflow.folder / "results" / settings["study"] / "own" / "task" / "mean_shift"
    check_pages(made.parent / "mean_shift_changes.html", made.parents[2] / "page.html")
    (query,) = (path for path in made.iterdir() if path.is_dir())
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", query.name)
    return query


def check_pages(changes, page):
    """Names are in the pages, as text alone."""
    for path in (changes, page):
        text = path.read_text()
        assert "<b>bold" not in text and "<img src=x" not in text
        assert escape(f"{HOSTILE[11]}{HOSTILE[12]}") in text
    assert escape(PATIENT) in changes.read_text()


def folder_of(workflow, settings):
    folder = workflow.folder / settings["data_dir"] / settings["datasets"]["cells"]["folder"]
    shutil.rmtree(workflow.folder / settings["data_dir"], ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def cells(number, seed):
    return np.random.default_rng(seed).normal(5, 1, (number, len(HOSTILE))).astype(np.float32)


@pytest.fixture(scope="module")
def values():
    """The cells (cells, features) of each group, by (domain, condition)."""
    before = {(domain, BEFORE): cells(40, seed) for seed, domain in enumerate((CONTROL, PATIENT))}
    return before | {(CONTROL, AFTER): before[CONTROL, BEFORE] + np.arange(len(HOSTILE), dtype=np.float32)}


def test_fcs_files(workflow, values):
    channels = [f"{name}-{number}" for number, name in enumerate(HOSTILE)]
    files = [
        {"path": f"folder {FILES[10]}", "condition": BEFORE, "domain": CONTROL},
        *({"path": f"{name}.fcs", "condition": BEFORE, "domain": PATIENT} for name in FILES),
        {"path": "-after.fcs", "condition": AFTER, "domain": CONTROL},
    ]
    settings = study("hostile_fcs", {"files": files, "scale": "none", "features": channels}, {})
    folder = folder_of(workflow, settings)
    of_patient = np.array_split(values[PATIENT, BEFORE], len(FILES))
    written = {f"{name}.fcs": part for name, part in zip(FILES, of_patient, strict=True)}
    written |= {"-after.fcs": values[CONTROL, AFTER], f"folder {FILES[10]}/-{FILES[0]}.fcs": values[CONTROL, BEFORE]}
    for name, part in written.items():
        (folder / name).parent.mkdir(exist_ok=True)
        fcs.write_fcs(folder / name, part, channels, [""] * len(channels))
    query = run(workflow, settings)
    back = {path.relative_to(query).as_posix() for path in query.rglob("*.fcs")}
    assert back == {f"{name}.fcs" for name in FILES}
    for name, part in zip(FILES, of_patient, strict=True):
        found = fcs.read_fcs(query / f"{name}.fcs")
        assert list(found.channels) == channels
        np.testing.assert_allclose(found.values, part + np.arange(len(HOSTILE)), atol=1e-4)


def frame(values):
    """Return all cells as a table with labels."""
    blocks = []
    for (domain, condition), part in values.items():
        block = pd.DataFrame(part, columns=HOSTILE)
        blocks.append(block.assign(**{HOSTILE[0] + "day": condition, HOSTILE[5] + "person": domain}))
    return pd.concat(blocks, ignore_index=True)


COLUMNS = {"condition_column": HOSTILE[0] + "day", "domain_column": HOSTILE[5] + "person"}


def test_tables(workflow, values):
    name = f"{FILES[3]} {FILES[7]}.csv"
    settings = study("hostile_table", {"files": [name], **COLUMNS}, {"keep_features": [HOSTILE[0]]})
    folder = folder_of(workflow, settings)
    table = frame(values)
    table.to_csv(folder / name, index=False)
    query = run(workflow, settings)
    found = pd.read_csv(query / name)
    assert list(found.columns) == list(table.columns)
    wanted = values[PATIENT, BEFORE] + np.arange(len(HOSTILE))
    np.testing.assert_allclose(found[HOSTILE], wanted, atol=1e-4)
    assert set(found[COLUMNS["domain_column"]]) == {PATIENT}
    assert set(pd.read_csv(query / "extrapolated.csv")["file"]) == {name}


def test_h5ad(workflow, values):
    name = f"{FILES[1]}{FILES[11]}.h5ad"
    settings = study("hostile_h5ad", {"files": [name], "condition_column": "day", "domain_column": "person"}, {})
    folder = folder_of(workflow, settings)
    table = frame(values)
    obs = table[list(COLUMNS.values())].set_axis(["day", "person"], axis=1)
    obs.index = [f"{HOSTILE[row % len(HOSTILE)]}{row}" for row in range(len(obs))]
    anndata.AnnData(table[HOSTILE].to_numpy(), obs=obs, var=pd.DataFrame(index=HOSTILE)).write_h5ad(folder / name)
    found = anndata.read_h5ad(run(workflow, settings) / name)
    assert found.var_names.tolist() == HOSTILE and found.obs_names.isin(obs.index).all() and found.n_obs == 40
    np.testing.assert_allclose(found.layers["prediction"], values[PATIENT, BEFORE] + np.arange(len(HOSTILE)), atol=1e-4)


def test_images(workflow, values):
    """Absolute paths, which once let the predictions replace the photographs."""
    settings = study(
        "hostile_images", {"files": ["-t.csv"], "images": FILES[9], "image_column": HOSTILE[3], **COLUMNS}, {}
    )
    folder = folder_of(workflow, settings)
    (folder / FILES[9]).mkdir()
    rows = []
    for (domain, condition), grey in {(CONTROL, BEFORE): 50, (CONTROL, AFTER): 70, (PATIENT, BEFORE): 90}.items():
        for number, name in enumerate(FILES):
            path = folder / FILES[9] / f"{name}-{grey}.png"
            Image.new("L", (32, 32), grey + number % 3).save(path)
            rows.append((str(path), condition, domain))
    pd.DataFrame(rows, columns=[HOSTILE[3], *COLUMNS.values()]).to_csv(folder / "-t.csv", index=False)
    before = {path: path.read_bytes() for path in folder.rglob("*.png")}
    query = run(workflow, settings)
    assert {path: path.read_bytes() for path in folder.rglob("*.png")} == before
    assert {path.name for path in query.glob("*.png")} == {f"{name}-90.png" for name in FILES}
    for number, name in enumerate(FILES):
        assert Image.open(query / f"{name}-90.png").getpixel((0, 0)) == 110 + number % 3


def test_data_in_the_results_are_refused(workflow):
    """Their copies, and the deletion of these, would be in the same place."""
    settings = study("hostile_place", {"files": ["a.csv"], **COLUMNS}, {}) | {"data_dir": "results/hostile_place/raw"}
    path = folder_of(workflow, settings) / "a.csv"
    path.write_text("a")
    (workflow.folder / "place.yaml").write_text(yaml.safe_dump(settings))
    done = workflow.snakemake(study="place.yaml")
    assert done.returncode == 1 and "this lies in results/hostile_place, whose files are made anew" in done.stdout
    assert path.read_text() == "a"
