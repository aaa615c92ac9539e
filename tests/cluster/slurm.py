"""A real SLURM with two nodes on this machine, for as long as a test runs."""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

#: Jobs find their configuration here alone: the plugin takes SLURM_CONF out of their environment.
CONFIGURATION = Path("/etc/slurm")
MARK = "# Written by tests/cluster of outofsample; removed when the tests end."
CLUSTER = "outofsample"
PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel", "sinfo", "setpriv")
#: The nodes, and the device file that stands for the GPU of each; SLURM hands it out and never opens it. With one GPU
#: a node, two trainings that ask for one never share a node.
NODES = {"node1": "/dev/null", "node2": "/dev/zero"}
TEMPLATE = """{mark}
ClusterName={cluster}
SlurmctldHost=localhost
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# A job that is requeued starts again when its old credentials have expired; 120 s is usual.
AuthInfo=socket={folder}/munge/socket,cred_expire=20
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
GresTypes=gpu
ReturnToService=1
MinJobAge=900
KillWait=20
SlurmctldTimeout=10
SlurmdTimeout=30
SchedulerParameters=sched_interval=1,bf_interval=1
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=ALL MaxTime=INFINITE State=UP
"""


class CannotRun(Exception):
    """SLURM cannot run here; the message is the reason."""


def install() -> None:
    """Get Debian's packages of SLURM where they are missing and can be had.

    Raises
    ------
    CannotRun
        With the reason.
    """
    if os.geteuid() != 0:
        raise CannotRun("SLURM's daemons and /etc/slurm need root")
    if not missing_programs():
        return
    if shutil.which("apt-get") is None:
        raise CannotRun(f"no {', '.join(missing_programs())} here, and no apt-get to install Debian's packages")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1"}
    apt = ["apt-get", "-y", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    for command in (["update"], ["install", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run([*apt, *command], env=environment, capture_output=True, text=True, timeout=300)
    if done.returncode or missing_programs():
        lines = [line for line in done.stderr.splitlines() if line.startswith("E:")]
        raise CannotRun(f"apt-get cannot install {' '.join(PACKAGES)}: {' '.join(lines) or 'no reason given'}")


def missing_programs() -> list[str]:
    """Return the programs of SLURM that are not installed."""
    # Daemons stand in folders that are not on everybody's PATH.
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    return [name for name in PROGRAMS if shutil.which(name, path=path) is None]


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback device that nobody uses."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Slurm:
    """munged, slurmctld and a slurmd per node; everything that they write is in one folder, but for /etc/slurm."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.daemons: dict[str, subprocess.Popen] = {}
        self.lock = None

    def start(self) -> "Slurm":
        """Start the daemons and wait until both nodes take jobs.

        Raises
        ------
        CannotRun
            If this machine has a SLURM of its own, another run of these tests uses it, or the nodes do not come up.
        """
        file = CONFIGURATION / "slurm.conf"
        if file.exists() and MARK not in file.read_text():
            raise CannotRun(f"{file} is there and belongs to a SLURM of this machine")
        install()
        CONFIGURATION.mkdir(parents=True, exist_ok=True)
        lock = open(CONFIGURATION / ".outofsample.lock", "w")  # noqa: SIM115 (held until the end)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise CannotRun("another run of these tests uses SLURM") from error
        self.lock = lock
        self.configure()
        self.start_munge()
        self.daemons["slurmctld"] = self.spawn("slurmctld", "-D")
        for node in NODES:
            self.start_node(node)
        try:
            self.wait_for(self.takes_jobs, 60, "nodes to be idle")
        except AssertionError as error:
            raise CannotRun(f"SLURM was started, but its nodes take no jobs here: {self.complaints()}") from error
        return self

    def takes_jobs(self) -> bool:
        """Whether both nodes are idle; a daemon that has ended already will not come up."""
        ended = [name for name, daemon in self.daemons.items() if daemon.poll() is not None]
        if ended:
            raise CannotRun(f"{', '.join(ended)} of SLURM cannot start here: {self.complaints()}")
        return self.states() == ["idle"] * len(NODES)

    def complaints(self) -> str:
        """Return the first errors that the daemons logged."""
        lines = [line for path in sorted(self.folder.glob("*.log")) for line in path.read_text().splitlines()]
        found = dict.fromkeys(line.partition("] ")[2] for line in lines if "error:" in line or "fatal:" in line)
        return "; ".join(list(found)[:3]) or "they log no error"

    def configure(self) -> None:
        """Write /etc/slurm."""
        for name in ("state", "munge", *NODES):
            (self.folder / name).mkdir(parents=True)
        # munged refuses a socket in a folder that others cannot enter.
        (self.folder / "munge").chmod(0o755)
        controller, *ports = free_ports(1 + len(NODES))
        nodes = "\n".join(
            f"NodeName={node} NodeHostname=localhost Port={port} CPUs=4 RealMemory=64000 Gres=gpu:1"
            for node, port in zip(NODES, ports, strict=True)
        )
        text = TEMPLATE.format(mark=MARK, cluster=CLUSTER, folder=self.folder, port=controller, nodes=nodes)
        (CONFIGURATION / "slurm.conf").write_text(text)
        gpus = [f"NodeName={node} Name=gpu File={file}" for node, file in NODES.items()]
        (CONFIGURATION / "gres.conf").write_text("\n".join([MARK, *gpus, ""]))

    def start_munge(self) -> None:
        """Start munged with a key and a socket of its own."""
        folder = self.folder / "munge"
        key = folder / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        files = {"key": key, "socket": folder / "socket", "pid": folder / "pid", "log": folder / "log"}
        options = [f"--{name}-file={file}" for name, file in files.items() if name != "socket"]
        options += [f"--socket={files['socket']}", f"--seed-file={folder / 'seed'}", "--force", "--foreground"]
        self.daemons["munged"] = self.spawn("munged", *options)
        self.wait_for(files["socket"].exists, 20, "munged")

    def start_node(self, node: str) -> None:
        """Start the slurmd of a node."""
        self.daemons[node] = self.spawn("slurmd", "-D", "-N", node)

    def spawn(self, program: str, *arguments: str) -> subprocess.Popen:
        """Start a daemon that ends with this process, even where that is killed."""
        log = open(self.folder / f"{program}.out", "a")  # noqa: SIM115 (the daemon's)
        path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", program, *arguments],
            env=os.environ | {"PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def stop(self) -> None:
        """End all jobs and daemons and remove the configuration, where `start` came so far as to write one."""
        if self.lock is None:
            return
        with contextlib.suppress(RuntimeError, subprocess.TimeoutExpired):
            for job in self.running():
                self.kill_steps(job)
        for name in reversed(list(self.daemons)):
            self.daemons[name].terminate()
            try:
                self.daemons[name].wait(20)
            except subprocess.TimeoutExpired:
                self.daemons[name].kill()
                self.daemons[name].wait()
        for name in ("slurm.conf", "gres.conf", ".outofsample.lock"):
            (CONFIGURATION / name).unlink(missing_ok=True)
        self.lock.close()

    # ---- looking at it and disturbing it

    def ask(self, *command: str) -> str:
        """Return what one of SLURM's commands prints."""
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def states(self) -> list[str]:
        """Return the state of each node; none while the controller starts."""
        try:
            return self.ask("sinfo", "--noheader", "--partition=main", "--Node", "--format=%T").split()
        except RuntimeError:
            return []

    def jobs(self) -> dict[str, dict[str, str]]:
        """Return all jobs, finished ones too, as SLURM knows them: {id: {field: value}}."""
        text = self.ask("scontrol", "--oneliner", "show", "jobs", "--details")
        found = [dict(re.findall(r"(\w[\w:/]*)=(\S*)", line)) for line in text.splitlines() if "JobId=" in line]
        # What is started by hand has no comment.
        return {fields["JobId"]: {"Comment": ""} | fields for fields in found}

    def running(self) -> list[str]:
        """Return the ids of running jobs."""
        return self.ask("squeue", "--noheader", "--states=RUNNING,COMPLETING", "--format=%i").split()

    @staticmethod
    def processes(folder: Path | None = None) -> Iterator[tuple[int, str, str]]:
        """Yield id, job and command line of all processes in jobs of this SLURM, or of those that run in a folder."""
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                variables = dict(part.partition(b"=")[::2] for part in (entry / "environ").read_bytes().split(b"\0"))
                if variables.get(b"SLURM_CLUSTER_NAME") != CLUSTER.encode() or b"SLURM_JOB_ID" not in variables:
                    continue
                if folder is None or (entry / "cwd").resolve() == folder.resolve():
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    yield int(entry.name), variables[b"SLURM_JOB_ID"].decode(), line
            except OSError:  # it has ended, or is not ours
                continue

    def find_process(self, start: str, word: str, folder: Path) -> tuple[int, str] | None:
        """Return id and job of the process whose command line starts so and holds a word, or None."""
        found = (
            (process, job) for process, job, line in self.processes(folder) if line.startswith(start) and word in line
        )
        return next(found, None)

    def kill_steps(self, job: str) -> None:
        """Kill the processes of a job and the daemons that watch over them, as when a machine loses its power."""
        for line in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                watches = line.read_bytes().startswith(f"slurmstepd: [{job}.".encode())
            except OSError:  # it has ended, or is not ours
                continue
            if watches:
                kill(int(line.parent.name))
        for process, of_job, _ in self.processes():
            if of_job == job:
                kill(process)

    def lose_node(self, node: str) -> None:
        """Let a node go down, with all that runs there."""
        jobs = self.jobs().items()
        here = [job for job, fields in jobs if fields["JobState"] == "RUNNING" and fields["NodeList"] == node]
        self.daemons[node].kill()
        self.daemons[node].wait()
        for job in here:
            self.kill_steps(job)
        self.ask("scontrol", "update", f"nodename={node}", "state=down", "reason=test")

    @staticmethod
    def wait_for(condition, seconds: float, what: str):
        """Return the first true value of a condition; AssertionError if there is none in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := condition():
                return value
            time.sleep(0.1)
        raise AssertionError(f"waited {seconds} s for {what}")


def kill(process: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to a process that may have ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)
