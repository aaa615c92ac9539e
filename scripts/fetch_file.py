"""Put one raw file in its place: copied from the data folder, or downloaded, with its checksum verified.

Where it cannot be had, a note of that takes its place (`outofsample.files.missing`), unless the file is required.
"""

import argparse
from pathlib import Path

from outofsample.errors import run_script
from outofsample.files.fetch import CannotBeHad, fetch, link
from outofsample.files.missing import MissingFile, Note, count_failure, write_note
from outofsample.jobs.fetch import FetchSpec


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="JSON of a FetchSpec; - is the standard input")
    parser.add_argument("--output", type=Path, required=True, help="the file to write")
    parser.add_argument("--retries", type=int, default=3, help="attempts after the first (default: 3)")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds to wait for an answer (default: 30)")
    args = parser.parse_args()
    spec = FetchSpec.read(args.spec)
    if spec.link and Path(spec.local).is_file():
        link(args.output, spec.local)
        return
    # Snakemake deletes an output before it is made again, and the network may be gone by then.
    kept = args.output.with_name(f".{args.output.name}.kept")
    options = {"retries": args.retries, "timeout": args.timeout, "hint": spec.hint if spec.required else ""}
    try:
        fetch(spec.name, args.output, spec.local, spec.sha256, spec.url, **options, kept=kept)
    except CannotBeHad as error:
        if spec.required:
            raise
        write_note(args.output, Note(spec.dataset, spec.hint, (_missing(spec, error),)))
        count_failure(args.output)
        print(f"{error} What rests on it is left out.")


def _missing(spec: FetchSpec, error: CannotBeHad) -> MissingFile:
    return MissingFile(spec.name, spec.local, spec.url or "", str(error))


if __name__ == "__main__":
    run_script(main)
