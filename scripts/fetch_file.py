"""Put one raw file in its place: copied from the data folder, or downloaded, with its checksum verified."""

import argparse

from outofsample.errors import run_script
from outofsample.files.fetch import fetch
from outofsample.jobs.fetch import FetchSpec


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="JSON of a FetchSpec; - is the standard input")
    parser.add_argument("--output", required=True, help="the file to write")
    parser.add_argument("--retries", type=int, default=3, help="attempts after the first (default: 3)")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds to wait for an answer (default: 30)")
    args = parser.parse_args()
    spec = FetchSpec.read(args.spec)
    fetch(spec.name, args.output, spec.local, spec.sha256, spec.url, args.retries, args.timeout, hint=spec.hint)


if __name__ == "__main__":
    run_script(main)
