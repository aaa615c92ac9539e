"""axe-core, which finds what keeps people from using a page: from npm, into a folder for the time of the tests."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from tests.browser.chromium import CannotRun, Tab

PACKAGE = "axe-core@4.10.3"
#: The rules' results, with the first element of each: what a reader of a failed test needs.
RUN = """axe.run(document, {resultTypes: ["violations"]}).then(found => JSON.stringify({
  passes: found.passes.length,
  violations: found.violations.map(one => `${one.id}, ${one.nodes.length} times: ${one.nodes[0].html.slice(0, 300)}`),
}))"""


def install(folder: Path) -> str:
    """Install axe-core into a folder and return its script.

    Raises
    ------
    CannotRun
        If npm is not here or cannot get it.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise CannotRun("no npm here, which gets axe-core (Debian: apt-get install npm)")
    command = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE]
    environment = os.environ | {"npm_config_fetch_retries": "1", "npm_config_update_notifier": "false"}
    try:
        done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        raise CannotRun(f"npm did not get {PACKAGE} within two minutes") from None
    if done.returncode:
        raise CannotRun(f"npm cannot get {PACKAGE}: {done.stderr.strip().splitlines()[0] if done.stderr else ''}")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def examine(tab: Tab, script: str) -> dict:
    """Return how many rules a page keeps (``passes``) and which it breaks (``violations``)."""
    tab.evaluate(f"{script}; 0")
    return json.loads(tab.evaluate(RUN))
