"""The tutorials are run as they are written: commands, code and files are taken from the pages."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import ROOT
from tests.unit.files.fcs_bytes import fcs_bytes
from tests.workflow.conftest import Workflow

TUTORIALS = ROOT / "docs" / "tutorials"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str, section: str, language: str = "") -> list[str]:
    """Return the code blocks of a section of a tutorial."""
    text = (TUTORIALS / page).read_text()
    part = re.search(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return [code for found, code in BLOCK.findall(part[1]) if found == language]


def run(folder: Path, commands: str) -> subprocess.CompletedProcess:
    """Run commands in a shell, in the environment that a reader has activated."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["timeout", "-k", "5", "1800", "bash", "-euc", commands],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """A copy of the working tree in which a reader has just arrived."""
    return Workflow(tmp_path_factory.mktemp("tutorials")).folder


@pytest.fixture(scope="module")
def toy(clone) -> tuple[Path, str]:
    """The clone after section 2 of the analyst's tutorial, and what the commands printed."""
    section = "2. Try it on a table of random numbers"
    (code,) = blocks("analyst.md", section, "python")
    (clone / "toy.py").write_text(code)
    done = run(clone, blocks("analyst.md", section)[0])
    assert done.returncode == 0, done.stdout[-4000:]
    return clone, done.stdout


@pytest.mark.slow
def test_the_toy_table_comes_back_as_the_analyst_is_told(toy):
    folder, _ = toy
    section = "2. Try it on a table of random numbers"
    paths = blocks("analyst.md", section)[1].split()
    assert len(paths) > 1
    text = (TUTORIALS / "analyst.md").read_text()
    low, high = map(float, re.search(r"\(([\d.]+) to ([\d.]+):", text).groups())
    for path in paths:
        cells = pd.read_csv(folder / path)
        means = cells.filter(like="marker").mean()
        assert len(cells) == 500 and means.between(low, high).all(), (path, means)
    pages = re.findall(r"`(\w+_changes\.html)`", text)
    assert pages
    for name in pages:
        assert (folder / "results/my_table/own/treatment" / name).is_file()


@pytest.mark.slow
def test_a_folder_of_fcs_files_becomes_the_study_that_is_shown(clone):
    command, printed, *_ = blocks("analyst.md", "3. Your files")
    names = re.findall(r"^(\S+\.fcs) ", printed, re.MULTILINE)
    assert len(names) == 3
    (clone / "data" / "mine").mkdir(parents=True)
    values = np.random.default_rng(0).gamma(2, 20, (60, 4)).astype("<f4")
    for name in names:
        (clone / "data" / "mine" / name).write_bytes(fcs_bytes(values))
    done = run(clone, command)
    assert done.returncode == 0, done.stdout
    assert [line.rstrip() for line in done.stdout.strip().splitlines()] == [
        line.rstrip() for line in printed.strip().splitlines()
    ]
    dry = run(clone, next(line for line in printed.splitlines() if "snakemake -n" in line))
    assert dry.returncode == 0 and "preprocess_dataset" in dry.stdout, dry.stdout[-3000:]


@pytest.mark.slow
def test_a_changed_study_of_the_reader_is_valid(clone):
    section = "6. Change something"
    (study,) = blocks("reader.md", section, "yaml")
    (clone / "studies" / "changed.yaml").write_text(study)
    (command,) = blocks("reader.md", section)
    done = run(clone, command.strip().replace("studies/mine.yaml", "studies/changed.yaml") + " -n")
    assert done.returncode == 0 and "train_model" in done.stdout, done.stdout[-3000:]


@pytest.mark.slow
def test_the_readers_names_of_tables_and_figures_can_be_asked_for(clone):
    lines = blocks("reader.md", "2. One table, one figure")[0].splitlines()
    commands = [line.split("#")[0].strip() for line in lines if line.startswith("snakemake")]
    assert len(commands) >= 3
    for command in commands:
        done = run(clone, command if "--list" in command else f"{command} -n")
        assert done.returncode == 0, (command, done.stdout[-3000:])
