"""Check files before they are committed: text ends with one newline (mended), and no file is large (told)."""

import sys
from pathlib import Path

#: Bytes. Larger files of the project are results, which are made, or data, which are fetched.
MOST = 500_000


def mended(content: bytes) -> bytes:
    """Return text that ends with one newline; binary and empty files as they are."""
    if b"\0" in content or not content.strip():
        return content
    return content.rstrip(b"\r\n") + b"\n"


def main(names: list[str]) -> int:
    """Check the files, and return 1 where one was mended or is large."""
    status = 0
    for path in map(Path, names):
        content = path.read_bytes()
        if len(content) > MOST:
            print(f"{path}: {len(content):,} bytes; the repository takes files of at most {MOST:,}", file=sys.stderr)
            status = 1
        elif mended(content) != content:
            path.write_bytes(mended(content))
            print(f"{path}: now ends with one newline", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
