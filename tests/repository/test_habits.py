"""What runs before a commit and on GitHub is what people run, with the locked versions; the changelog has a date."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import outofsample
from tests.conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CHECK_FILES = ROOT / "setup" / "check_files.py"


def hooks() -> list[dict]:
    return [hook for repo in read(ROOT / ".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]


def read(path: Path) -> dict:
    return yaml.safe_load(path.read_text())


def locked() -> set[str]:
    return {line.partition("==")[0] for line in (ROOT / "requirements.lock").read_text().splitlines()}


def test_hooks_are_local_and_take_the_locked_tools():
    assert {repo["repo"] for repo in read(ROOT / ".pre-commit-config.yaml")["repos"]} == {"local"}
    assert [hook["id"] for hook in hooks()] == ["ruff", "ruff-format", "snakefmt", "files"]
    for hook in hooks():
        tool, *arguments = hook["entry"].split()
        assert hook["language"] == "system" and tool.startswith(".venv/bin/"), hook
        name = Path(tool).name
        assert name in locked() or (name == "python" and (ROOT / arguments[0]).is_file()), hook


def test_hooks_check_the_style_that_make_lint_checks():
    lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    entries = " ".join(hook["entry"] for hook in hooks())
    for command in ("ruff check", "ruff format", "snakefmt"):
        assert command in lint and command in entries


def test_snakefmt_gets_every_file_of_rules():
    (pattern,) = [hook["files"] for hook in hooks() if hook["id"] == "snakefmt"]
    names = ["Snakefile", *(f"rules/{path.name}" for path in (ROOT / "rules").glob("*.smk"))]
    assert [name for name in names if not re.search(pattern, name)] == []
    assert not re.search(pattern, "rules/notes.md")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_run_real_commands_on_a_stated_python_within_a_limit(path):
    workflow = read(path)
    # YAML 1.1 reads the key `on` as true.
    assert set(workflow[True]) == {"push", "pull_request"} and workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] == 90 and not job["runs-on"].endswith("latest")
        used = [step["uses"] for step in job["steps"] if "uses" in step]
        assert used and all(re.fullmatch(r"actions/[a-z-]+@v\d+", action) for action in used)
        (python,) = [step["with"] for step in job["steps"] if "setup-python" in step.get("uses", "")]
        assert python["python-version"] == "3.11" and python["cache"] == "pip"
        assert list(ROOT.glob(python["cache-dependency-path"]))


def test_workflows_call_what_people_call():
    steps = {
        p.stem: [s["run"] for job in read(p)["jobs"].values() for s in job["steps"] if "run" in s] for p in WORKFLOWS
    }
    assert steps == {"ci": [".ci/run"], "docs": ["make docs"]}
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^docs:", makefile, re.MULTILINE) and "exec make test" in (ROOT / ".ci" / "run").read_text()


def test_tracked_files_pass_the_check():
    if not (ROOT / ".git").exists():
        pytest.skip("no repository: nobody says which files are tracked")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [path for path in map(ROOT.joinpath, filter(None, names.split("\0"))) if path.is_file()]
    assert len(paths) > 100
    for path in paths:
        content = path.read_bytes()
        assert len(content) <= 500_000, path
        assert b"\0" in content or not content.strip() or re.search(rb"[^\r\n]\n\Z", content), path


@pytest.mark.parametrize(
    ("content", "after", "status"),
    [
        (b"a\n", b"a\n", 0),
        (b"a", b"a\n", 1),
        (b"a\n\n\n", b"a\n", 1),
        (b"", b"", 0),
        (b"\x00a", b"\x00a", 0),
        (b"a\n" * 250_001, b"a\n" * 250_001, 1),
    ],
    ids=["right", "no newline", "three", "empty", "binary", "large"],
)
def test_the_end_of_a_file_is_mended_and_a_large_file_told(tmp_path, content, after, status):
    path = tmp_path / "file"
    path.write_bytes(content)
    run = subprocess.run([sys.executable, str(CHECK_FILES), str(path)], capture_output=True, text=True)
    assert (run.returncode, path.read_bytes()) == (status, after)
    assert bool(run.stderr) == bool(status)


def test_the_changelog_has_this_version_with_a_date():
    headings = re.findall(r"^## (.*)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert re.fullmatch(rf"\[{re.escape(outofsample.__version__)}\] - \d{{4}}-\d\d-\d\d", headings[1])
