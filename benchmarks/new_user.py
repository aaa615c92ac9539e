"""A new user's path from a folder of FCS files to corrected files: the tutorial's commands, and how long each takes.

Simulated files as in `cohort.py`: a control in two batches and patients in the first, 20 files in all. The repository
as it is committed is cloned into a folder, and there the commands of docs/tutorials/analyst.md are called one by one.
Prints a table for a Markdown page. From the root of the repository:

    python3 benchmarks/new_user.py --install                with `make install`, as on a bare machine
    python benchmarks/new_user.py                           with the environment of this Python
    python benchmarks/new_user.py --files 4 --cells 2000 --channels 8
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: Whose cells they are stands before the number of the patient.
PATTERN = "{domain,control|patient}{number,[^_]*}_{condition}.fcs"
DATA, STUDY = "data/samples", "studies/samples.yaml"


def patients(files: int) -> list[str]:
    """Return the names of the files that are corrected, of so many in all."""
    return [f"patient{number}_batch1.fcs" for number in range(1, files - 1)]


def write_files(arguments: argparse.Namespace) -> None:
    """Write a control in two batches, and patients of the first, into the clone."""
    from cohort_files import CONTROLS, cells_of, in_batch_2

    from outofsample.files import fcs

    folder = arguments.folder / DATA
    folder.mkdir(parents=True)
    metals = [f"M{number:02d}Di" for number in range(arguments.channels)]
    labels = [f"{100 + number}Nd_marker{number}" for number in range(arguments.channels)]
    for number, batch in enumerate(CONTROLS.values()):
        X = cells_of(1000 + number, arguments.cells, arguments.channels, patient=False)
        fcs.write_fcs(folder / f"control_{batch}.fcs", in_batch_2(X) if batch == "batch2" else X, metals, labels)
    for number, name in enumerate(patients(arguments.files)):
        fcs.write_fcs(
            folder / name, cells_of(number, arguments.cells, arguments.channels, patient=True), metals, labels
        )


def check_files(arguments: argparse.Namespace) -> None:
    """Print the methods whose files are all there, with all cells.

    Raises
    ------
    RuntimeError
        If a file or a cell is missing, or there is no method.
    """
    from outofsample.files import fcs

    own = arguments.folder / "results" / "samples" / "own" / "batch"
    methods = sorted(page.name.removesuffix("_changes.html") for page in own.glob("*_changes.html"))
    wanted = dict.fromkeys(patients(arguments.files), arguments.cells)
    for method in methods:
        found = {path.name: len(fcs.read_fcs(path).values) for path in (own / method).rglob("*.fcs")}
        if found != wanted:
            raise RuntimeError(f"{method}: {len(found)} files with {sum(found.values()):,} cells came back.")
    if not methods:
        raise RuntimeError(f"{own}: no page of any method is there.")
    print(f"All cells of {len(wanted)} files came back from {', '.join(methods)}.")


def call(command: list[str], folder: Path, **variables: str) -> str:
    """Run a command in the clone, as in its activated environment; return what it said.

    Raises
    ------
    RuntimeError
        If it fails, with what it said last.
    """
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    environment |= {"PATH": f"{folder / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}", **variables}
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout[-3000:]}")
    return done.stdout


def walk(arguments: argparse.Namespace) -> list[tuple[str, float]]:
    """Call what the user types; return each command with its seconds."""
    folder, rows = arguments.folder, []

    def timed(command: list[str], where: Path, said: str = "") -> None:
        said = said or " ".join(f'"{part}"' if "{" in part else part for part in command)
        start = time.perf_counter()
        call(command, where)
        rows.append((said, time.perf_counter() - start))
        print(f"{rows[-1][1]:6.0f} s  {said}", flush=True)

    timed(["git", "clone", "--quiet", str(ROOT), str(folder)], ROOT, "git clone REPOSITORY")
    if arguments.install:
        timed(["make", "install"], folder)
    else:
        (folder / ".venv").symlink_to(Path(sys.prefix))
    size = [f"--files={arguments.files}", f"--cells={arguments.cells}", f"--channels={arguments.channels}"]
    for_us = ["python", str(Path(__file__).resolve()), f"--folder={folder}", *size]
    call([*for_us, "--only=write"], folder, PYTHONPATH=str(folder / "scripts"))
    new_study = ["python", "scripts/new_study.py", DATA, "--pattern", PATTERN]
    timed([*new_study, "--controls", "control", "--reference", "batch2"], folder)
    timed(["snakemake", "-n", "--configfile", STUDY], folder)
    timed(["snakemake", "--cores", "all", "--configfile", STUDY], folder)
    print("\n" + call([*for_us, "--only=check"], folder, PYTHONPATH=str(folder / "scripts")), flush=True)
    return rows


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=20, help="in all, of which two are controls")
    parser.add_argument("--cells", type=int, default=50_000, help="of each file")
    parser.add_argument("--channels", type=int, default=35)
    parser.add_argument("--install", action="store_true", help="begin with `make install`")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "new_user", help="made anew, for the clone")
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    parser.add_argument("--only", choices=("write", "check"), help="write or check the files of a clone, for itself")
    arguments = parser.parse_args()
    arguments.folder = arguments.folder.resolve()
    if arguments.only:
        return (write_files if arguments.only == "write" else check_files)(arguments)
    if arguments.files < 3:
        parser.error("--files: at least 3")
    if arguments.folder.exists():
        parser.error(f"--folder: {arguments.folder} is there already")
    arguments.folder.parent.mkdir(parents=True, exist_ok=True)
    rows = walk(arguments)
    size = f"{arguments.cells:,} cells x {arguments.channels} channels"
    print(f"{arguments.files} files of {size}, {os.cpu_count()} cores: {len(rows)} commands\n")
    print("| command | minutes |\n| --- | --: |")
    for said, seconds in rows:
        print(f"| `{said}` | {seconds / 60:.1f} |")
    print(f"| all | {sum(seconds for _, seconds in rows) / 60:.1f} |")
    if not arguments.keep:
        shutil.rmtree(arguments.folder)


if __name__ == "__main__":
    main()
