"""Getting raw files: from the data folder without network, else from a server that may misbehave."""

import hashlib
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from outofsample.errors import UserError
from outofsample.files import missing
from outofsample.files.fetch import CannotBeHad, fetch, mirrored
from outofsample.jobs.fetch import FetchSpec
from tests.conftest import run_script
from tests.unit.files.full_device import needs_full_device, on_full_device

CONTENT = b"a raw file\n" * 20_000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server:
    """An HTTP server on 127.0.0.1 that gives the answers of a list, one per request, the last one for ever."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                answer = server.answers[min(server.requests, len(server.answers) - 1)]
                server.requests += 1
                if isinstance(answer, int):
                    self.send_error(answer)
                    return
                announced, body = answer if isinstance(answer, tuple) else (len(answer), answer)
                self.send_response(200)
                self.send_header("Content-Length", str(announced))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/raw.fcs"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


@pytest.fixture
def serve(monkeypatch):
    """Return a function that starts a `Server` with the answers given."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    started = []

    def start(*answers):
        started.append(Server(*answers))
        return started[-1]

    yield start
    for server in started:
        server.http.shutdown()
        server.http.server_close()


CUT = (len(CONTENT), CONTENT[:1000])


def test_a_file_in_the_data_folder_is_copied_without_network(tmp_path, serve):
    server = serve(500)
    local = tmp_path / "data" / "raw.fcs"
    local.parent.mkdir()
    local.write_bytes(CONTENT)
    fetch("raw.fcs", tmp_path / "out" / "raw.fcs", local, DIGEST, server.url)
    assert (tmp_path / "out" / "raw.fcs").read_bytes() == CONTENT
    assert server.requests == 0


def test_without_a_known_digest_the_local_file_is_taken(tmp_path):
    local = tmp_path / "raw.fcs"
    local.write_bytes(CONTENT)
    fetch("raw.fcs", tmp_path / "out.fcs", local)
    assert (tmp_path / "out.fcs").read_bytes() == CONTENT


def test_a_file_of_a_cohort_is_linked_to(tmp_path):
    local = tmp_path / "raw.fcs"
    local.write_bytes(CONTENT)
    target = tmp_path / "results" / "out.fcs"
    spec = FetchSpec("raw.fcs", str(local), required=True, link=True)
    assert run_script("fetch_file.py", spec, f"--output={target}").returncode == 0
    assert target.is_symlink() and target.resolve() == local.resolve() and target.read_bytes() == CONTENT
    local.unlink()
    done = run_script("fetch_file.py", spec, f"--output={tmp_path / 'other.fcs'}")
    assert done.returncode == 1 and "put it at" in done.stderr


@pytest.mark.parametrize("answers", [[CONTENT], [500, CONTENT], [CUT, 503, CONTENT]])
def test_a_download_survives_passing_errors(tmp_path, serve, answers, capsys):
    server = serve(*answers)
    fetch("raw.fcs", tmp_path / "out.fcs", tmp_path / "none.fcs", DIGEST, server.url, pause=0.01)
    assert (tmp_path / "out.fcs").read_bytes() == CONTENT
    assert server.requests == len(answers)
    assert capsys.readouterr().out.count("trying again") == len(answers) - 1


def test_a_wrong_local_file_is_reported_and_replaced_by_a_download(tmp_path, serve, capsys):
    local = tmp_path / "raw.fcs"
    local.write_bytes(b"something else")
    fetch("raw.fcs", tmp_path / "out.fcs", local, DIGEST, serve(CONTENT).url)
    assert (tmp_path / "out.fcs").read_bytes() == CONTENT
    assert local.read_bytes() == b"something else"
    assert f"{local} has the SHA-256 digest" in capsys.readouterr().out


def assert_fails(tmp_path, words, *args, **kwargs):
    target = tmp_path / "out" / "raw.fcs"
    with pytest.raises(UserError) as caught:
        fetch("raw.fcs", target, *args, pause=0.01, **kwargs)
    for word in words:
        assert word in str(caught.value)
    assert not target.exists()
    assert not target.parent.is_dir() or not any(target.parent.iterdir())


def test_a_download_with_the_wrong_digest_is_refused(tmp_path, serve):
    url = serve(b"something else").url
    found = hashlib.sha256(b"something else").hexdigest()
    local = tmp_path / "raw.fcs"
    assert_fails(tmp_path, ["raw.fcs", found, DIGEST, str(local)], local, DIGEST, url)


@pytest.mark.parametrize(("answer", "requests", "word"), [(500, 3, "500"), (CUT, 3, "1,000 of"), (404, 1, "404")])
def test_a_server_that_never_recovers(tmp_path, serve, answer, requests, word):
    server = serve(answer)
    assert_fails(tmp_path, [word, f"{requests} attempt"], tmp_path / "raw.fcs", DIGEST, server.url, retries=2)
    assert server.requests == requests


def test_an_address_where_nobody_answers(tmp_path, serve):
    server = serve(CONTENT)
    server.http.shutdown()
    server.http.server_close()
    assert_fails(tmp_path, [server.url, "2 attempts"], tmp_path / "raw.fcs", DIGEST, server.url, retries=1)


def test_a_missing_file_without_address_says_where_to_put_it(tmp_path):
    local = tmp_path / "dengue" / "Control1.fcs"
    assert_fails(tmp_path, [f"put it at {local}"], local, None, None)


def test_a_wrong_local_file_without_address_names_both_digests(tmp_path):
    local = tmp_path / "raw.fcs"
    local.write_bytes(CONTENT)
    assert_fails(tmp_path, [str(local), DIGEST, "0" * 64], local, "0" * 64, None)


def run(tmp_path, *arguments, **settings):
    """Run the script as a rule does, for a file without known digest and address where nothing else is given."""
    spec = FetchSpec("raw.fcs", str(tmp_path / "raw.fcs"), **settings)
    return run_script("fetch_file.py", spec, "--output", tmp_path / "out.fcs", *arguments)


def test_where_a_file_is_required_the_script_ends_with_one_sentence(tmp_path):
    done = run(tmp_path, required=True)
    assert done.returncode == 1 and not (tmp_path / "out.fcs").exists()
    assert done.stderr.startswith("error: raw.fcs: the file is missing") and "Traceback" not in done.stderr


def test_a_note_takes_the_place_of_a_file_without_address(tmp_path):
    done = run(tmp_path, dataset="cells", hint="Ask for it")
    assert done.returncode == 0 and "What rests on it is left out" in done.stdout
    note = missing.read_note(tmp_path / "out.fcs")
    assert (note.dataset, note.hint) == ("cells", "Ask for it")
    (file,) = note.files
    assert (file.name, file.local, file.url) == ("raw.fcs", str(tmp_path / "raw.fcs"), "")
    assert file.reason.startswith("raw.fcs: the file is missing") and missing.failures(tmp_path / "out.fcs") == 1


@pytest.mark.parametrize(("answer", "word"), [(403, "403"), (b"something else", "digest")])
def test_a_note_says_what_a_server_did_and_failures_are_counted(tmp_path, serve, answer, word):
    url = serve(answer).url
    for number in (1, 2):
        assert run(tmp_path, "--retries", "0", sha256=DIGEST, url=url).returncode == 0
        (file,) = missing.read_note(tmp_path / "out.fcs").files
        assert file.url == url and word in file.reason
        assert missing.failures(tmp_path / "out.fcs") == number
    (tmp_path / "raw.fcs").write_bytes(CONTENT)
    assert run(tmp_path, sha256=DIGEST, url=url).returncode == 0
    assert (tmp_path / "out.fcs").read_bytes() == CONTENT


def test_a_mirror_takes_the_place_of_the_host(tmp_path, serve, monkeypatch):
    mirror = serve(CONTENT).url.removesuffix("/raw.fcs")
    assert mirrored("https://host/a/b.gz") == "https://host/a/b.gz"
    monkeypatch.setenv("OUTOFSAMPLE_MIRROR", f"{mirror}/")
    assert mirrored("https://host/a/b.gz") == f"{mirror}/host/a/b.gz"
    fetch("raw.fcs", tmp_path / "out.fcs", tmp_path / "none.fcs", DIGEST, "https://nowhere.invalid/raw.fcs")
    assert (tmp_path / "out.fcs").read_bytes() == CONTENT


def test_the_script_copies_a_local_file(tmp_path):
    (tmp_path / "raw.fcs").write_bytes(CONTENT)
    assert run(tmp_path).returncode == 0
    assert (tmp_path / "out.fcs").read_bytes() == CONTENT


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_in_the_place_of_a_link_leaves_the_original_alone(tmp_path, kind):
    """Results of an earlier run may be links or hard links to somebody's files."""
    original, target = tmp_path / "original.csv", tmp_path / "raw" / "a.csv"
    original.write_text("old")
    target.parent.mkdir()
    target.symlink_to(original) if kind == "file" else os.link(original, target)
    (tmp_path / "new.csv").write_text("new")
    fetch("a.csv", target, tmp_path / "new.csv")
    assert (original.read_text(), target.read_text()) == ("old", "new") and not target.is_symlink()


@needs_full_device
@pytest.mark.parametrize("there", [True, False])
def test_a_full_device_is_no_reason_to_try_a_download_again(tmp_path, there, capsys):
    (tmp_path / "local").write_bytes(b"x" * 100)
    on_full_device(tmp_path / "target")
    local, url = (tmp_path / "local", None) if there else (tmp_path / "none", (tmp_path / "local").as_uri())
    with pytest.raises(UserError, match=r"target: there is no space left on the device"):
        fetch("file", tmp_path / "target", local, url=url, pause=0)
    assert "trying again" not in capsys.readouterr().out


def test_a_download_is_kept_for_the_day_without_network(tmp_path, serve):
    target, kept = tmp_path / "raw" / "raw.fcs", tmp_path / "raw" / ".raw.fcs.kept"
    server = serve(CONTENT, 403)
    for _ in range(2):
        fetch("raw.fcs", target, tmp_path / "none", DIGEST, server.url, kept=kept)
        assert target.read_bytes() == kept.read_bytes() == CONTENT and server.requests == 1
        target.unlink()
    kept.write_bytes(b"something else")
    assert_fails(tmp_path, ["403"], tmp_path / "none", DIGEST, server.url, retries=0, kept=tmp_path / "no" / "where")
    with pytest.raises(CannotBeHad, match="403"):
        fetch("raw.fcs", target, tmp_path / "none", DIGEST, server.url, kept=kept)


def test_without_a_digest_what_was_kept_is_taken_where_the_address_no_longer_answers(tmp_path, serve):
    target, kept = tmp_path / "raw.fcs", tmp_path / ".raw.fcs.kept"
    server = serve(CONTENT, b"newer", 403)
    for content in (CONTENT, b"newer", b"newer"):
        fetch("raw.fcs", target, tmp_path / "none", None, server.url, kept=kept)
        assert target.read_bytes() == content
