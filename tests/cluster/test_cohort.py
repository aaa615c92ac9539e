"""A cohort on a real SLURM: files are predicted some to a job, and a job that is killed loses only what it was at."""

import json
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from outofsample.files import fcs
from tests.cluster.conftest import FILLED_IN, Copy
from tests.cluster.slurm import kill

# Two calls on a SLURM, and one beside it; on a busy machine it takes longer.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

#: Cells of the files to be predicted: two to a job, of which the second takes so long that the job can be killed in it.
FILES = {"first.fcs": 400, "second.fcs": 1_000_000, "third.fcs": 400, "fourth.fcs": 1_000_000}
CELLS_PER_JOB = 1_000_500
TABLE = "results/cluster/own/t/quantile_mapping_files.csv"
CHANNELS, LABELS = ("Nd142Di", "Nd143Di", "Nd144Di"), ("CD19", "CD4", "CD8")


def write_cohort(folder: Path) -> list[dict[str, str]]:
    """Write two controls and the files to be predicted; return their entries."""
    entries = [{"path": f"control{n}.fcs", "condition": f"b{n}", "domain": "control"} for n in (1, 2)]
    entries += [{"path": name, "condition": "b1", "domain": "patients"} for name in FILES]
    for seed, entry in enumerate(entries):
        rng = np.random.default_rng(seed)
        X = rng.gamma(1, 20 if entry["condition"] == "b1" else 30, (FILES.get(entry["path"], 2000), len(CHANNELS)))
        fcs.write_fcs(folder / entry["path"], X, CHANNELS, LABELS)
    return entries


def study_of(entries: list[dict[str, str]]) -> str:
    query = {"name": "q", "domain": "patients", "source": "b1", "target": "b2"}
    study = {
        "study": "cluster",
        "data_dir": "mine",
        "seeds": 1,
        "datasets": {"mine": {"uses": "own", "fit_cells": 1000, "files": entries}},
        "tasks": {"t": {"dataset": "mine", "controls": ["control"], "queries": [query]}},
        "methods": {"quantile_mapping": {}},
    }
    return json.dumps(study)


class Killed:
    """A cohort whose first job is killed while it predicts its second file, and the call after that.

    Attributes
    ----------
    left
        The files and notes that were there when the first call had ended, with the times at which they were written.
    log
        What the job said that was killed.
    """

    def __init__(self, folder: Path, slurm):
        (folder / "mine").mkdir(parents=True)
        self.copy, self.slurm = Copy(folder, study_of(write_cohort(folder / "mine"))), slurm
        code = self.copy.folder / "scripts" / "outofsample" / "study" / "cohorts.py"
        before = code.read_text()
        code.write_text(before.replace("CELLS_PER_JOB = 4_000_000", f"CELLS_PER_JOB = {CELLS_PER_JOB}"))
        assert code.read_text() != before
        self.files = self.copy.path("own", "t", "quantile_mapping", "q")

    def run(self) -> None:
        """Call Snakemake, kill the first job in the middle, and call it again, from within a job of this SLURM."""
        # A killed job is sent again where the profile says so; here the first call is to end with it.
        arguments = (*FILLED_IN, "--retries=0", TABLE)
        self.copy.start(*arguments)
        process, self.job = self.slurm.wait_for(self.in_the_middle, 900, "the first job to be at its second file")
        kill(process)
        self.copy.process.wait(900)
        self.first_call = self.copy.process.returncode
        self.left = {path.name: path.stat().st_mtime_ns for path in self.files.rglob("*.fcs")}
        self.parts = sorted(path.name for path in self.copy.path("cohort", "t", "identity").glob("*.json"))
        self.copy.start(*arguments, within=("srun", "--partition=main", "--ntasks=1", "--mem=1000"))
        self.copy.finish(900)

    def in_the_middle(self) -> tuple[int, str] | None:
        """Return process and SLURM job of the first job, stopped, once it has written its first file."""
        assert self.copy.process.poll() is None, f"Snakemake ended early:\n{self.copy.output[-8000:]}"
        log = self.copy.path("logs", "predict_files", "t", "identity_1-2.log")
        if not log.exists() or "first.fcs: " not in log.read_text():
            return None
        found = self.slurm.find_process("python scripts/predict_files.py", "/1-2.json", self.copy.folder)
        if found is not None:
            kill(found[0], signal.SIGSTOP)
            assert "second.fcs: " not in log.read_text()
        return found


@pytest.fixture(scope="module")
def killed(tmp_path_factory, slurm):
    """The cohort after both calls."""
    story = Killed(tmp_path_factory.mktemp("cohort"), slurm)
    try:
        story.run()
    finally:
        story.copy.stop()
    return story


def test_the_job_was_killed_and_the_rest_went_on(killed):
    assert killed.first_call != 0 and killed.slurm.jobs()[killed.job]["JobState"] == "FAILED"
    assert set(killed.left) == {"first.fcs", "third.fcs", "fourth.fcs"} and killed.parts == ["2-2.json"]


def test_files_are_predicted_some_to_a_job(killed):
    jobs = [fields for fields in killed.slurm.jobs().values() if "rule_predict_files" in fields["Comment"]]
    mine = [fields for fields in jobs if fields["WorkDir"] == str(killed.copy.folder)]
    assert sorted(fields["JobState"] for fields in mine) == ["COMPLETED", "COMPLETED", "FAILED"]
    assert {fields["MinMemoryNode"] for fields in mine} == {"4000M"}


def test_a_second_call_writes_what_is_missing_and_nothing_else(killed):
    now = {path.name: path.stat().st_mtime_ns for path in killed.files.rglob("*.fcs")}
    assert set(now) == set(FILES) and {name: now[name] for name in killed.left} == killed.left
    cells = pd.read_csv(killed.copy.folder / TABLE).groupby("file")["cells"].first().to_dict()
    assert cells == FILES
    assert not list(killed.files.rglob(".*"))


def test_the_second_call_was_a_job_itself(killed):
    """A shell of `srun --pty bash`, say. Plugins before 2.7.0 could wait there for ever."""
    assert "You are running snakemake in a SLURM job context" in killed.copy.output


def test_the_files_are_those_of_a_run_without_a_cluster(killed):
    written = {path.name: path.read_bytes() for path in killed.files.rglob("*.fcs")}
    for path in killed.files.rglob("*.fcs"):
        path.unlink()
    killed.copy.start("--forcerun=predict_files", "--cores=1", TABLE)
    killed.copy.finish(900)
    assert {path.name: path.read_bytes() for path in killed.files.rglob("*.fcs")} == written
