"""One run of the smoke study in a copy of the working tree, which the workflow tests look at."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


class Workflow:
    """A copy of the working tree in which Snakemake runs."""

    def __init__(self, folder: Path):
        self.folder = folder
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in listed.stdout.splitlines():
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)

    def snakemake(self, *arguments: str, study: str | None = "studies/smoke.yaml") -> subprocess.CompletedProcess:
        """Run Snakemake and return the finished process, with its output as text."""
        options = ["--configfile", study] if study else []
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        # Snakemake ignores a polite end while it waits for jobs.
        return subprocess.run(
            ["timeout", "-k", "5", "2400", sys.executable, "-m", "snakemake", "--cores", "2", *arguments, *options],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def planned(self, *arguments: str, **keywords) -> dict[str, int]:
        """Return how many jobs of each rule would run."""
        run = self.snakemake("-n", *arguments, **keywords)
        assert run.returncode == 0, run.stdout
        if "Nothing to be done" in run.stdout:
            return {}
        table = run.stdout.split("Job stats:")[1].split("\n\n")[0]
        return {name: int(count) for name, count in re.findall(r"^(\S+) +(\d+)$", table, re.MULTILINE)}

    def path(self, *parts: str) -> Path:
        """Return a path in the smoke study's results."""
        return self.folder.joinpath("results", "smoke", *parts)


@pytest.fixture(scope="session")
def workflow(tmp_path_factory) -> Workflow:
    """A copy of the working tree in which nothing has run."""
    return Workflow(tmp_path_factory.mktemp("workflow"))


@pytest.fixture(scope="session")
def smoke(workflow) -> Workflow:
    """The copy after a whole run of the smoke study."""
    run = workflow.snakemake()
    assert run.returncode == 0, run.stdout[-6000:]
    return workflow
