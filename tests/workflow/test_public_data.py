"""The study of public data as an outsider runs it: nothing in data_dir, all files from their addresses.

A web server on this machine takes the place of the public ones (``OUTOFSAMPLE_MIRROR``) and serves small generated
files in the public form, whose digests take the place of the public ones in the copy of the working tree; of CytoNorm's
controls it serves the real ones, where they are at hand.
"""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd
import pytest
import yaml

from outofsample.datasets import cytonorm, hela, kang, morpho_mnist
from outofsample.files import fcs
from tests.conftest import SHARED_DATA
from tests.unit.datasets.r_files import HELA_COLUMNS, Matrix, hela_matrix, write_rdata
from tests.workflow.conftest import Workflow

pytestmark = pytest.mark.slow
STUDY = "studies/public_small.yaml"
METHODS = ["neuron_editing", "trvae", "cvae", "no_change", "mean_shift"]
TASKS = ["cytonorm", "hela", "kang.NK", "digits"]


def study(root, tasks):
    """Return ``studies/open_data.yaml`` at smoke size."""
    public = yaml.safe_load((root / "studies" / "open_data.yaml").read_text())
    smoke = yaml.safe_load((root / "studies" / "smoke.yaml").read_text())
    changes = {"kang": {"variable_features": 150, "cells_per_group": 60}, "digits": {"cells_per_group": 20}}
    changed = {name: {**public["tasks"][name], **change, "models": {}} for name, change in changes.items()}
    return {
        "study": "public_small",
        "extends": "studies/open_data.yaml",
        "seeds": 1,
        "tasks": changed,
        "models": smoke["models"],
        "evaluation": {"resamples": 20, "oracle_halves": 5, "max_cells": 200},
        "run": {**public["run"], "tasks": tasks, "methods": METHODS},
    }


class PublicServers:
    """What the public servers send, by host and path: bytes, or the number of an error."""

    def __init__(self):
        self.answers: dict[str, bytes | int] = {}
        servers = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                answer = servers.answers.get(self.path, 404)
                if isinstance(answer, int):
                    self.send_error(answer)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


def write_cytonorm(folder):
    for number, file in enumerate(cytonorm.Dataset().raw_files()):
        rng = np.random.default_rng(number)
        values = rng.gamma(1.0, 20.0 + 3 * number, (80, len(cytonorm.MARKERS))).astype(np.float32)
        channels = [f"X{column}Di" for column in range(len(cytonorm.MARKERS))]
        fcs.write_fcs(folder / file.name, values, channels, list(cytonorm.MARKERS))


#: The datasets, and how small files in their public form are written into a folder.
DATASETS = {
    "hela": (
        hela.Dataset(),
        lambda folder: write_rdata(folder / hela.FILES["rdata"][0], m=Matrix(hela_matrix(400), HELA_COLUMNS)),
    ),
    "cytonorm": (cytonorm.Dataset(), write_cytonorm),
    "kang": (
        kang.Dataset(kang.Settings(download=True)),
        lambda folder: kang.Dataset(kang.Settings(cells=700, genes=200)).simulate(folder),
    ),
    "morpho_mnist": (
        morpho_mnist.Dataset(morpho_mnist.Settings(source="mnist", part="train", download=True)),
        lambda folder: morpho_mnist.Dataset(
            morpho_mnist.Settings(source="mnist", part="train", digits_per_class=6)
        ).simulate(folder),
    ),
}


class Outsider(Workflow):
    """A copy of the working tree, and servers with files that it takes for the public ones."""

    def __init__(self, folder, files):
        super().__init__(folder)
        self.servers, self.paths = PublicServers(), {}
        for name, (dataset, write) in DATASETS.items():
            (files / name).mkdir(parents=True)
            write(files / name)
            module = folder / "scripts" / "outofsample" / "datasets" / f"{name}.py"
            code = module.read_text()
            for raw in dataset.raw_files():
                real = SHARED_DATA / dataset.settings.folder / raw.name
                content = (real if real.is_file() else files / name / raw.name).read_bytes()
                assert raw.sha256 in code
                code = code.replace(raw.sha256, hashlib.sha256(content).hexdigest())
                self.paths[raw.name] = "/" + raw.url.partition("://")[2]
                self.servers.answers[self.paths[raw.name]] = content
            module.write_text(code)

    def run(self, tasks, *arguments):
        changed = study(self.folder, tasks)
        changed["datasets"] = {"kang": {"label": "PBMC", "download": True}}
        (self.folder / STUDY).write_text(yaml.safe_dump(changed))
        run = self.snakemake(*arguments, study=STUDY)
        assert run.returncode == 0, run.stdout[-6000:]
        return run.stdout

    def result(self, *parts):
        return self.folder.joinpath("results", "public_small", *parts)

    def scores(self, task):
        return pd.read_csv(self.result("scores", f"{task}.csv"), keep_default_na=False)


@pytest.fixture(scope="module")
def outsider(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        made = Outsider(tmp_path_factory.mktemp("outsider"), tmp_path_factory.mktemp("public"))
        patch.setenv("OUTOFSAMPLE_MIRROR", made.servers.url)
        patch.setenv("no_proxy", "127.0.0.1")
        yield made
        made.servers.http.shutdown()
        made.servers.http.server_close()


@pytest.fixture(scope="module")
def refused(outsider):
    """A run in which three servers do not send what they should, and of a task whose data have no address."""
    answers = dict(outsider.servers.answers)
    outsider.servers.answers |= {
        outsider.paths["heladatamatrix.rdata"]: 403,
        outsider.paths["GSM2560249_2.2.mtx.gz"]: 404,
        outsider.paths["original/train-images-idx3-ubyte.gz"]: b"<html>Sign in</html>",
    }
    output = outsider.run([*TASKS, "celeba_hair"])
    page = outsider.result("page.html").read_text()
    scores = {task: outsider.scores(task) for task in [*TASKS, "celeba_hair"]}
    outsider.servers.answers = answers
    return output, page, scores


@pytest.fixture(scope="module")
def mended(outsider, refused):
    """A run after the servers have come to their senses."""
    return outsider.run(TASKS)


def test_what_can_run_runs_and_the_last_line_counts_the_others(refused):
    output, _, scores = refused
    assert output.rstrip().splitlines()[-1] == (
        "4 of 5 tasks could not run, since their data could not be had: hela, kang.NK, digits, celeba_hair. "
        "What is missing, and what adds it: results/public_small/page.html."
    )
    numbers = scores["cytonorm"].query("score == 'energy_distance'")
    assert set(numbers["method"]) == {*METHODS, "oracle"}
    for task in ("hela", "kang.NK", "digits", "celeba_hair"):
        assert set(scores[task]["note"]) == {"its data could not be had"} and set(scores[task]["score"]) == {""}
        assert set(scores[task]["method"]) == {*METHODS, "oracle"}


def test_the_page_says_what_is_missing_where_it_is_to_be_had_and_what_adds_it(refused):
    _, page, _ = refused
    missing = page[page.index('id="missing"') : page.index('id="times"')]
    for words in (
        "HTTP Error 403",
        "HTTP Error 404",
        "has the SHA-256 digest",
        "curl --fail --location --create-dirs --output data/drugnem_hela_cytof/heladatamatrix.rdata https://raw.github",
        "CelebA is not downloaded automatically",
        "install -D /where/it/is/img_align_celeba.zip data/celeba/img_align_celeba.zip",
        f"snakemake --cores all --configfile {STUDY}",
    ):
        assert words in missing, words
    assert "Left out:" in page and "All 5 pairs of method and task ran" in missing


def test_nothing_is_trained_for_data_without_an_address(outsider, refused):
    assert not outsider.result("models", "celeba_hair").exists()
    assert not outsider.result("predictions", "celeba_hair").exists()


def test_tables_and_figures_of_what_is_missing_say_so(outsider, refused):
    """Looked at after the second run, they are whole: the first one's are in the page."""
    _, page, _ = refused
    assert page.count("not run: its data could not be had") >= 3 * len(METHODS)


def test_the_next_run_has_all_tasks(outsider, mended):
    assert "could not run" not in mended
    for task in TASKS:
        numbers = outsider.scores(task).query("score == 'energy_distance'")
        assert set(numbers["method"]) == {*METHODS, "oracle"} and (numbers["value"] != "").all(), task
    page = outsider.result("page.html").read_text()
    shown = page[page.index('id="summary"') : page.index('id="score-card"')] + page[page.index('id="times"') :]
    assert 'id="missing"' not in page and "stand-in" not in shown and 'id="tables"' in shown
    for figure in ("kang_fig6", "digits_fig3", "hela_fig6", "open_summary"):
        assert "Not drawn" not in outsider.result("figures", f"{figure}.html").read_text()


def test_then_nothing_is_left_to_do(outsider, mended):
    assert outsider.planned(study=STUDY) == {}


def test_a_missing_file_of_one_s_own_is_an_error(outsider):
    own = {
        "study": "mine",
        "datasets": {
            "mine": {"uses": "own", "scale": "none", "files": [{"path": "a.csv", "condition": "x", "domain": "y"}]}
        },
        "tasks": {"t": {"dataset": "mine", "queries": [{"domain": "y", "source": "x", "target": "z"}]}},
        "methods": {"no_change": {"control": True}},
    }
    (outsider.folder / "studies" / "mine.yaml").write_text(yaml.safe_dump(own))
    run = outsider.snakemake(study="studies/mine.yaml")
    assert run.returncode != 0 and "a.csv" in run.stdout
