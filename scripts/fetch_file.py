"""Put one raw file in its place: copied from the data folder, or downloaded, with its checksum verified."""

import argparse

from outofsample.errors import run_script
from outofsample.files.fetch import fetch


def main() -> None:
    """Parse the command line and fetch the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="name of the file, for messages")
    parser.add_argument("--local", required=True, help="where the file may be already (DATA_DIR/FOLDER/NAME)")
    parser.add_argument("--output", required=True, help="the file to write")
    parser.add_argument("--sha256", help="expected digest; without it any content is taken")
    parser.add_argument("--url", help="where to download it from")
    parser.add_argument("--hint", help="what to do where the file is missing and has no address")
    parser.add_argument("--retries", type=int, default=3, help="attempts after the first (default: 3)")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds to wait for an answer (default: 30)")
    args = parser.parse_args()
    # A rule writes '' where a digest or an address is not known.
    known = args.sha256 or None, args.url or None
    fetch(args.name, args.output, args.local, *known, args.retries, args.timeout, hint=args.hint or "")


if __name__ == "__main__":
    run_script(main)
