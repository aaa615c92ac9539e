"""The shell commands of the rules: what reaches a shell is quoted, and cannot be taken for an option."""

import ast
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT

#: Numbers of Snakemake's own.
UNQUOTED = {"threads"}
#: Numbers; paths below results/, none of which starts with a dash.
LISTS = ("input.", "output.", "log", "threads")
#: What a job is told comes on its standard input.
END = re.compile(r" >\{log:q\} 2>&1( <<<\{params\.spec:q\})?")


def commands():
    """Return the shell commands of all rules as (file, command)."""
    found = []
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for block in re.findall(r'^ *shell:\n((?: *".*"\n?)+)', path.read_text(), re.MULTILINE):
            found.append((path.name, ast.literal_eval(f"({block.strip()})")))
    return found


def test_every_shell_command_is_found():
    rules = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    assert len(commands()) == len(re.findall(r"^ *(?:shell|run|script|wrapper|notebook):", rules, re.MULTILINE)) > 10


@pytest.mark.parametrize(("file", "command"), commands())
def test_every_value_is_quoted(file, command):
    for field in re.findall(r"\{(.*?)\}", command):
        assert field in UNQUOTED or re.fullmatch(r"[a-z]+(\.\w+)*:q", field), f"{file}: {{{field}}} in: {command}"
    assert END.search(command).end() == len(command), f"{file}: {command}"


@pytest.mark.parametrize(("file", "command"), commands())
def test_no_value_can_be_taken_for_an_option(file, command):
    for before, field in re.findall(r"(.)\{(.*?)\}", command):
        assert before in "=<" or field.startswith(LISTS), f"{file}: write --option={{{field}}} in: {command}"


def test_settings_of_any_size_reach_a_job(tmp_path):
    """Linux takes 128 KiB of one argument; what stands on the standard input has no such bound."""
    (tmp_path / "Snakefile").write_text(
        "rule job:\n"
        "    output: 'read.txt'\n"
        "    log: 'job.log'\n"
        "    params: spec=lambda wildcards: open('spec.json').read()\n"
        '    shell: \'python -c "import sys; open(sys.argv[1], chr(119)).write(sys.stdin.read())" {output:q} '
        ">{log:q} 2>&1 <<<{params.spec:q}'\n"
    )
    spec = '{"name": "it\'s $(no) `command` \\n"' + "," * 400_000 + "}"
    (tmp_path / "spec.json").write_text(spec)
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--workflow-profile", "none"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "read.txt").read_text() == spec + "\n"
