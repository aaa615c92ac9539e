"""A process that is in the middle of writing a file."""

import os
import subprocess
import sys

from tests.conftest import ROOT

_CODE = """
import sys
from pathlib import Path
from outofsample.errors import run_script
from outofsample.files.writing import replacing

def main():
    with replacing(Path(sys.argv[1])) as temporary:
        temporary.write_text("half")
        print("begun", flush=True)
        sys.stdin.read()

run_script(main)
"""


def begin_to_write(path):
    """Return a process that has written half of a file, and waits until its standard input ends."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", _CODE, str(path)], env=environment, text=True, **pipes)
    assert process.stdout.readline() == "begun\n"
    return process


def kill_a_writer(path):
    """Leave what a process that was killed had written of a file."""
    process = begin_to_write(path)
    process.kill()
    process.communicate()
