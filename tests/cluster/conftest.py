"""The same study run twice: on this machine alone, and on a SLURM whose jobs are disturbed."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.cluster.slurm import CannotRun, Slurm, kill
from tests.workflow.conftest import Workflow

#: A cut of the smoke study: two networks that train, one control, the way to a table and a figure.
STUDY = """
study: cluster
extends: studies/smoke.yaml
seeds: 1
models:
  autoencoder: {hidden: [64, 32], latent: 16, epochs: 800, patience: null}
  vae: {batch_size: 256, epochs: 400, hidden: [64, 32], latent: 10, patience: null}
evaluation: {resamples: 20, oracle_halves: 2, max_cells: 100}
run:
  tasks: [dengue]
  methods: [neuron_editing, scgen, mean_shift]
  tables: [ne2020_table2]
  figures: [ne2020_fig4]
"""
FILE = "studies/cluster.yaml"
#: What a user fills in, here on the command line, and a quicker look at the jobs than on a busy cluster.
FILLED_IN = (
    "--profile=profiles/slurm",
    "--slurm-init-seconds-before-status-checks=2",
    "--default-resources",
    "slurm_account=nobody",
    "slurm_partition=main",
    "gpu_partition=gpu",
)


class Copy:
    """A copy of the working tree with the study, in which one Snakemake runs."""

    def __init__(self, folder: Path, study: str = STUDY):
        self.folder = Workflow(folder).folder
        (self.folder / ".venv").symlink_to(Path(sys.prefix))
        (self.folder / FILE).write_text(study)
        self.log = self.folder / "snakemake.out"

    def start(self, *arguments: str, within: tuple[str, ...] = ()) -> None:
        """Start Snakemake, perhaps within a command that runs it; what it says stands in `output`."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [*within, sys.executable, "-m", "snakemake", "--configfile", FILE, *arguments],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """What Snakemake has said so far."""
        return self.log.read_text()

    def finish(self, seconds: float) -> None:
        """Wait for Snakemake to end well."""
        try:
            self.process.wait(seconds)
        finally:
            self.stop()
        assert self.process.returncode == 0, self.output[-8000:]

    def stop(self) -> None:
        """End Snakemake, which does not heed a polite request while it waits for jobs."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def path(self, *parts: str) -> Path:
        """Return a path in the study's results."""
        return self.folder.joinpath("results", "cluster", *parts)


class Story:
    """A run on SLURM in which jobs are killed and a node is lost, and what SLURM then knows of its jobs."""

    def __init__(self, copy: Copy, slurm: Slurm):
        self.copy, self.slurm = copy, slurm
        self.events: list[str] = []
        self.began = time.monotonic()

    def note(self, event: str) -> None:
        """Write down what happened, and when."""
        self.events.append(f"{time.monotonic() - self.began:4.0f} s  {event}")

    def stop_trainings(self, says: str, *models: str) -> list[str]:
        """Stop the process of each training as soon as its log says something; return their SLURM jobs.

        A process that is stopped stays in its job until SLURM ends it, however fast this machine is.
        """
        jobs: dict[str, str] = {}

        def all_stopped():
            assert self.copy.process.poll() is None, f"Snakemake ended early:\n{self.copy.output[-8000:]}"
            for model in set(models) - set(jobs):
                log = self.copy.path("logs", "train_model", "dengue", f"{model}_0.log")
                if not log.exists() or says not in log.read_text():
                    continue
                found = self.slurm.find_process("python scripts/train_model.py", f"/dengue/{model}/", self.copy.folder)
                if found is not None:
                    process, jobs[model] = found
                    kill(process, signal.SIGSTOP)
                    self.note(f"job {jobs[model]} trains {model} and says '{says}'")
            return len(jobs) == len(models)

        self.slurm.wait_for(all_stopped, 300, f"the training of {' and '.join(models)} to say '{says}'")
        return [jobs[model] for model in models]

    def run(self) -> None:
        """Cancel one training and let it lose its node the next time; let another reach its time limit."""
        self.copy.start(*FILLED_IN, "--set-resources", "train_model:gpu=1", "train_model:slurm_partition=gpu")
        self.cancelled, self.timed_out = self.stop_trainings("epoch", "autoencoder", "vae")
        self.slurm.ask("scancel", self.cancelled)
        self.note(f"scancel {self.cancelled}")
        # SLURM looks at time limits every 30 s; a limit of whole minutes would only take longer.
        self.slurm.ask("scontrol", "update", f"jobid={self.timed_out}", "endtime=now+1")
        self.note(f"job {self.timed_out} is at its time limit")
        (self.on_lost_node,) = self.stop_trainings("Resumed", "autoencoder")
        self.lost_node = self.slurm.jobs()[self.on_lost_node]["NodeList"]
        self.slurm.lose_node(self.lost_node)
        self.note(f"{self.lost_node} goes down under job {self.on_lost_node}")
        self.copy.finish(600)
        self.note("Snakemake ends")
        self.jobs = self.slurm.jobs()


@pytest.fixture(scope="session")
def slurm():
    """A SLURM with two nodes on this machine."""
    with tempfile.TemporaryDirectory(prefix="outofsample-slurm-") as folder:
        running = Slurm(Path(folder))
        try:
            yield running.start()
        except CannotRun as reason:
            pytest.skip(str(reason))
        finally:
            running.stop()


@pytest.fixture(scope="session")
def begun(tmp_path_factory, slurm):
    """The study while it runs without a cluster."""
    copy = Copy(tmp_path_factory.mktemp("local"))
    copy.start("--cores", "1")
    yield copy
    copy.stop()


@pytest.fixture(scope="session")
def local(begun, story) -> Copy:
    """The study after a run without a cluster."""
    begun.finish(600)
    return begun


@pytest.fixture(scope="session")
def story(tmp_path_factory, slurm, begun, pytestconfig):
    """The study after a disturbed run on SLURM; the run without a cluster goes on beside it."""
    told = Story(Copy(tmp_path_factory.mktemp("cluster")), slurm)
    try:
        told.run()
    finally:
        told.copy.stop()
        with pytestconfig.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            print("\n" + "\n".join(told.events))
    return told
