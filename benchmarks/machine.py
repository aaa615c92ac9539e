"""What a measurement was made on: processor, memory, commit. Shared by the benchmarks that report it."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def processor() -> str:
    """Return the name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def memory_gib() -> float:
    """Return the size of the memory in GiB."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)


def date_and_commit() -> str:
    """Return a sentence with today's date and the commit, and whether ``scripts/`` differs from it."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True)
        return done.stdout.strip()

    changed = " with uncommitted changes in scripts/" if git("status", "--porcelain", "scripts") else ""
    return f"Date: {datetime.now(UTC):%Y-%m-%d}. Commit: {git('rev-parse', '--short', 'HEAD') or 'unknown'}{changed}."
