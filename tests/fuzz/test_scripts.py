"""Some inputs through the real scripts: right values, or one sentence and exit status 1, in less than 1 GiB."""

import gzip
import subprocess
import sys

import h5py
import numpy as np
import pytest

from outofsample.files.dataset import read_dataset
from outofsample.jobs.dataset import DatasetSpec
from tests.conftest import ROOT
from tests.fuzz.bed import EXAMPLES
from tests.unit.files.fcs_bytes import fcs_bytes
from tests.unit.own.readers.test_images import png_of
from tests.unit.own.small_study import COLUMNS, table, write_fcs_files, write_h5ad, write_images

IMAGES = {"files": ["images.csv"], "images": "pictures", **COLUMNS}


def gigabyte(folder):
    """One line of a gigabyte in a megabyte: parts that follow each other are one file."""
    head = gzip.compress(b"day,person,CD4\nbefore,a,1\nafter,a,")
    (folder / "a.csv.gz").write_bytes(head + gzip.compress(b"1" * (1 << 20)) * 1000)
    return {"files": ["a.csv.gz"], **COLUMNS}


def many_lines(folder):
    (folder / "a.csv.gz").write_bytes(gzip.compress(b"day,person,CD4\n") + gzip.compress(b"a,b,1\n" * 10**6) * 100)
    return {"files": ["a.csv.gz"], **COLUMNS}


def terabytes(folder):
    write_h5ad(folder, "a.h5ad", sparse=False)
    with h5py.File(folder / "a.h5ad", "a") as file:
        del file["X"]
        file.create_dataset("X", (10**7, 10**6), "f8", chunks=(1000, 1000))
    return {"files": ["a.h5ad"], **COLUMNS}


def elsewhere(folder):
    write_h5ad(folder, "a.h5ad")
    with h5py.File(folder / "a.h5ad", "a") as file:
        file["uns/x"] = h5py.ExternalLink("/etc/hostname", "x")
    return {"files": ["a.h5ad"], **COLUMNS}


def wild(folder):
    write_h5ad(folder, "a.h5ad")
    with h5py.File(folder / "a.h5ad", "a") as file:
        file["X/indices"][0] = 2**31 - 1
    return {"files": ["a.h5ad"], **COLUMNS}


def pixels(folder):
    write_images(folder)
    (folder / "pictures" / "2.png").write_bytes(png_of(20_000, 20_000))
    return {**IMAGES, "images": str(folder / "pictures")}


def offsets(folder):
    content = fcs_bytes(np.ones((9, 4)), header=lambda begin, end: (begin + 4, end + 4))
    (folder / "a.fcs").write_bytes(content)
    return {"files": [{"path": "a.fcs", "condition": "x", "domain": "y"}]}


def right(folder):
    table().to_csv(folder / "a.csv", index=False)
    return {"files": ["a.csv"], **COLUMNS}


def right_fcs(folder):
    write_fcs_files(folder)
    paths = sorted(path.name for path in folder.iterdir())
    return {"files": [{"path": path, "condition": f"c{n}", "domain": "d"} for n, path in enumerate(paths)]}


#: Runs a command, whose output goes where errors go, and prints the kilobytes that it held at most. A small process
#: between: the peak of a new process begins at what the one that starts it holds, and pytest holds gigabytes.
MEASURED = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=sys.stderr).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (gigabyte, "a.csv.gz: this table has a line of more than 16 MB"),
        (many_lines, "MB, and at most 50 times its size and 16 MB are read; if that is right, unpack it yourself"),
        (terabytes, "would unpack to 72.76 TB, and at most 100 times its size"),
        (elsewhere, "'/uns/x' is an external link to '/etc/hostname'"),
        (wild, "the sparse matrix '/X' is damaged (an index is 2,147,483,647"),
        (pixels, "2.png: this image has far more than the 50,000,000 pixels"),
        (offsets, "its HEADER says that DATA begin at byte"),
        (right, ""),
        (right_fcs, ""),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_inputs_through_the_script(folder, tmp_path, make, words):
    settings = make(folder)
    names = [file if isinstance(file, str) else file["path"] for file in settings["files"]]
    spec = DatasetSpec("mine", "own", settings, False)
    output, told, job = (tmp_path / name for name in ("out.h5ad", "told", "job.json"))
    job.write_text(spec.to_json())
    command = [sys.executable, ROOT / "scripts" / "preprocess_dataset.py", "--spec", job, "--output", output]
    command += ["--files", *[folder / name for name in names]]
    with told.open("w") as log:
        child = subprocess.run(
            [sys.executable, "-c", MEASURED, *command], stdout=subprocess.PIPE, stderr=log, text=True, check=False
        )
    said = told.read_text()
    assert int(child.stdout) << 10 < 1 << 30 and "Traceback" not in said, said
    assert child.returncode == (1 if words else 0) and output.exists() == (not words), said
    (sentence,) = [line for line in said.splitlines() if line.startswith("error: ")] or [""]
    assert words in sentence
    assert bool(words) or read_dataset(output).n_obs == 60


def test_there_are_enough_examples():
    assert sum(EXAMPLES.values()) >= 2000
