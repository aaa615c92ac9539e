"""setup/install.sh on machines made of stubs: no Python of the right version, no R, no root, interruptions."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = [
    "bash",
    "cat",
    "chmod",
    "dirname",
    "env",
    "grep",
    "mkdir",
    "mktemp",
    "paste",
    "rm",
    "sed",
    "sha256sum",
    "tail",
    "touch",
]

# Answers what the script asks of an interpreter, makes a .venv with itself in it, and writes down each call of pip.
PYTHON = """#!/usr/bin/env bash
case "$*" in
    "-c import sys"*) echo "${VERSION:-3.11}" ;;
    "-c import ensurepip, venv") [ -z "${NO_VENV:-}" ] ;;
    "-m venv "*) mkdir -p "$3/bin"; cat "$0" >"$3/bin/python"; chmod +x "$3/bin/python"
        echo "#!$3/bin/python" >"$3/bin/pip"; echo "venv" >>"$CALLS" ;;
    "-m pip check") [ -z "${MISFITS:-}" ] || { printf '%b\\n' "$MISFITS"; exit 1; } ;;
    "-m pip install "*) echo "pip $* RPY2_CFFI_MODE=${RPY2_CFFI_MODE:-}" >>"$CALLS"
        case "$*" in *" ${FAIL:-nothing}"*) echo "ERROR: no network" >&2; exit 1 ;; esac ;;
    *) echo "unexpected: $*" >&2; exit 64 ;;
esac
"""


class Machine:
    """A clone of the project and a PATH with nothing but what the script needs."""

    def __init__(self, folder):
        self.project, self.bin, self.calls_file = folder / "project", folder / "bin", folder / "calls"
        (self.project / "setup").mkdir(parents=True)
        self.bin.mkdir()
        shutil.copy(ROOT / "setup" / "install.sh", self.project / "setup")
        (self.project / "requirements.lock").write_text("numpy==1\ntorch==2.13.0\n")
        (self.project / "requirements-r.lock").write_text("rpy2==3.5.17\n")
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        self.add("python3.11", PYTHON)
        self.add("id", "#!/bin/sh\necho ${USER_ID:-1000}\n")

    def add(self, name, text):
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def install(self, **environment):
        self.calls_file.write_text("")
        variables = {"PATH": str(self.bin), "CALLS": str(self.calls_file), "TMPDIR": os.environ.get("TMPDIR", "/tmp")}
        command = [str(self.bin / "bash"), str(self.project / "setup" / "install.sh")]
        return subprocess.run(command, env=variables | environment, capture_output=True, text=True, timeout=60)

    @property
    def calls(self):
        return self.calls_file.read_text().splitlines()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


RSCRIPT = '#!/bin/sh\nprintf "%s" "$MISSING"\n'
APT = """#!/usr/bin/env bash
echo "apt-get $*" >>"$CALLS"
case "$*" in
    *" install "*) [ -z "${APT_FAILS:-}" ] || { echo "E: Unable to locate package" >&2; exit 100; }
        echo '#!/bin/sh' >"${0%/*}/Rscript"; chmod +x "${0%/*}/Rscript" ;;
esac
"""


def test_without_r_and_root_one_line_says_so_and_python_goes_on(machine):
    machine.add("sudo", "#!/bin/sh\nexit 1\n")
    machine.add("apt-get", APT)
    done = machine.install()
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    (line,) = [line for line in done.stdout.splitlines() if "not run: R missing" in line]
    assert line.startswith("Missing: R, sva, limma, Seurat.")
    assert "sudo apt-get install --no-install-recommends r-base-core r-bioc-sva r-bioc-limma r-cran-seurat" in line
    assert len(done.stdout.splitlines()) == 2
    assert machine.calls[0] == "venv"
    torch, lock = machine.calls[1:]
    assert "torch==2.13.0 --constraint requirements.lock" in torch
    assert "--no-deps --requirement requirements.lock" in lock


def test_second_call_does_nothing_but_say_what_is_missing(machine):
    machine.install()
    done = machine.install()
    assert done.returncode == 0
    assert machine.calls == []
    assert len(done.stdout.splitlines()) == 1


def test_another_lock_file_is_installed_into_the_same_environment(machine):
    machine.install()
    (machine.project / "requirements.lock").write_text("numpy==2\ntorch==2.13.0\n")
    assert machine.install().returncode == 0
    assert "venv" not in machine.calls
    assert len(machine.calls) == 2


def test_interrupted_installation_starts_again(machine):
    failed = machine.install(FAIL="--requirement requirements.lock")
    assert failed.returncode != 0
    assert "ERROR: no network" in failed.stderr
    done = machine.install()
    assert done.returncode == 0
    assert machine.calls[0] == "venv"
    assert len(machine.calls) == 3


def test_packages_that_do_not_fit_together_are_an_error(machine):
    misfit = "scipy 1 has requirement numpy>=2, but you have numpy 1."
    done = machine.install(MISFITS=misfit)
    assert done.returncode != 0
    assert done.stderr.startswith(f"{misfit}\nrequirements.lock does not fit")
    assert machine.install().returncode == 0 and machine.calls[0] == "venv"


def test_what_the_lock_marks_may_have_metadata_that_do_not_fit(machine):
    with (machine.project / "requirements.lock").open("a") as lock:
        lock.write("fcsparser==0.2.8  # --no-deps\n")
    known = "fcsparser 0.2.8 has requirement numpy<2, but you have numpy 2."
    assert machine.install(MISFITS=known).returncode == 0
    (machine.project / ".venv" / ".stamp-requirements.lock").unlink()
    done = machine.install(MISFITS=f"{known}\nfcsparser 0.2.8 requires pandas, which is not installed.")
    assert done.returncode != 0
    assert done.stderr.splitlines()[0] == "fcsparser 0.2.8 requires pandas, which is not installed."


def test_moved_environment_is_made_again(machine):
    machine.install()
    machine.project = machine.project.rename(machine.project.with_name("moved"))
    assert machine.install().returncode == 0
    assert machine.calls[0] == "venv"


def test_no_supported_python_is_one_sentence(machine):
    (machine.bin / "python3.11").rename(machine.bin / "python3")
    done = machine.install(VERSION="3.9")
    assert done.returncode != 0
    assert done.stderr.startswith("Python 3.11 to 3.13 is needed, found 3.9; ")
    assert len(done.stderr.splitlines()) == 1
    assert not (machine.project / ".venv").exists()


def test_no_python_at_all_is_one_sentence(machine):
    (machine.bin / "python3.11").unlink()
    done = machine.install()
    assert done.returncode != 0
    assert done.stderr.startswith("Python 3.11 to 3.13 is needed, found none; ")


def test_python_is_taken_from_the_environment_variable(machine):
    (machine.bin / "python3.11").rename(machine.project / "mine")
    assert machine.install(PYTHON=str(machine.project / "mine"), VERSION="3.13").returncode == 0


def test_missing_venv_module_is_one_line(machine):
    done = machine.install(NO_VENV="1")
    assert done.returncode != 0
    assert done.stderr == "python3.11 cannot make virtual environments: sudo apt-get install python3.11-venv\n"


def test_rpy2_is_installed_where_r_is_complete(machine):
    machine.add("Rscript", RSCRIPT)
    done = machine.install()
    assert done.returncode == 0
    assert "R missing" not in done.stdout
    assert "--requirement requirements-r.lock RPY2_CFFI_MODE=ABI" in machine.calls[-1]
    machine.install()
    assert machine.calls == []


def test_r_without_seurat_gets_rpy2_and_the_line_names_seurat(machine):
    machine.add("Rscript", RSCRIPT)
    done = machine.install(MISSING="Seurat")
    assert done.returncode == 0
    assert "Missing: Seurat. " in done.stdout
    assert "requirements-r.lock" in machine.calls[-1]


@pytest.mark.parametrize("user", ["root", "sudo"])
def test_r_packages_are_installed_by_root_and_with_passwordless_sudo(machine, user):
    machine.add("apt-get", APT)
    machine.add("dpkg", "#!/bin/sh\n")
    if user == "sudo":
        machine.add("sudo", '#!/bin/sh\nshift\n[ "$1" = true ] || exec "$@"\n')
    done = machine.install(USER_ID="0" if user == "root" else "1000")
    assert done.returncode == 0, done.stderr
    assert "R missing" not in done.stdout
    update, install = [call for call in machine.calls if call.startswith("apt-get")]
    assert update.endswith(" update")
    assert install.endswith("--no-install-recommends r-base-core r-bioc-sva r-bioc-limma r-cran-seurat")
    assert "requirements-r.lock" in machine.calls[-1]


def test_failing_apt_leaves_the_line_and_the_python_part(machine):
    machine.add("apt-get", APT)
    machine.add("dpkg", "#!/bin/sh\n")
    done = machine.install(USER_ID="0", APT_FAILS="1")
    assert done.returncode == 0
    assert "E: Unable to locate package" in done.stderr
    assert "not run: R missing" in done.stdout


def test_r_is_left_alone_on_request(machine):
    machine.add("apt-get", APT)
    done = machine.install(SKIP_R="1", USER_ID="0")
    assert done.returncode == 0
    assert "R missing" not in done.stdout
    assert not [call for call in machine.calls if "apt-get" in call or "requirements-r" in call]
