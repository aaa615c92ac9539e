"""Data of one's own: read, predicted, and written back in the format that they came in; and bad input."""

import errno
import io
import json
import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import anndata
import fcsparser
import flowio
import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from outofsample import registry
from outofsample.arrays import Prediction, Query
from outofsample.datasets import own
from outofsample.datasets.support.base import RawFile
from outofsample.errors import UserError
from outofsample.files import fcs
from outofsample.files.dataset import check_contract
from outofsample.files.fetch import fetch
from outofsample.files.prediction import PredictionWriter
from outofsample.files.task import read_training
from outofsample.files.writing import check_outside, replacing
from outofsample.jobs.own import WriteBackSpec
from outofsample.jobs.split import SplitSpec
from outofsample.methods.no_change import Method as NoChange
from outofsample.own.scales import to_file_scale
from outofsample.own.write_back import write_back
from outofsample.study.load import load_study, read_study
from outofsample.study.split import split_dataset
from tests.conftest import ROOT, run_script

try:
    import pyarrow
except ImportError as problem:
    pyarrow, why_no_parquet = None, str(problem)
needs_parquet = pytest.mark.skipif(pyarrow is None, reason=f"no Parquet: {why_no_parquet if not pyarrow else ''}")

QUERY = Query("after", "patient", "before", "after")
CHANNELS = ("Time", "Nd142Di", "Nd143Di", "Ir191Di")
LABELS = ("", "142Nd_CD19", "143Nd_CD4", "191Ir_DNA1")
#: The four groups of a small study: (domain, condition).
GROUPS = [("control", "before"), ("control", "after"), ("patient", "before")]
FCS_FILES = [
    {"path": f"{domain}_{condition}.fcs", "condition": condition, "domain": domain} for domain, condition in GROUPS
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data" / "mine").mkdir(parents=True)
    return tmp_path / "data" / "mine"


def dataset(folder, **settings):
    """Return the dataset as the workflow makes it: with its folders listed."""
    completed = own.Dataset.complete({"folder": folder.name, **settings}, folder.parent)
    return registry.create("datasets", "own", json.loads(json.dumps(completed)))


def paths(data, folder):
    return {file.name: folder / file.name for file in data.raw_files()}


def load(folder, **settings):
    data = dataset(folder, **settings)
    return data.load(paths(data, folder))


def error(folder, **settings):
    """Return the one sentence that reading ends with."""
    with pytest.raises(UserError) as caught:
        load(folder, **settings)
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message
    return message


def values(cells, features=2, seed=0):
    return np.random.default_rng(seed).gamma(1, 20, (cells, features)).astype(np.float32)


def write_fcs_files(folder, cells=20):
    for seed, file in enumerate(FCS_FILES):
        fcs.write_fcs(folder / file["path"], values(cells, 4, seed), CHANNELS, LABELS)


def table(cells=20, features=("CD4", "CD19")):
    blocks = []
    for seed, (domain, condition) in enumerate(GROUPS):
        block = pd.DataFrame(values(cells, len(features), seed), columns=list(features))
        block.insert(0, "id", [f"{domain}-{condition}-{row:03d}" for row in range(cells)])
        blocks.append(block.assign(day=condition, person=domain, note="a, b"))
    # Shuffled, so that a file's rows are not those of the query in one piece.
    return pd.concat(blocks, ignore_index=True).sample(frac=1, random_state=0).reset_index(drop=True)


COLUMNS = {"condition_column": "day", "domain_column": "person"}


def predict(data, adata, tmp_path, change=1.0, queries=(QUERY,), features=None, seeds=(0,)):
    """Write train.h5ad and a prediction that adds ``change`` to every value; return their paths."""
    adata.uns |= {"dataset": "mine", "stand_in": False}
    split = SplitSpec("task", queries, ((queries[0].domain, queries[0].target),))
    train, _ = split_dataset(adata if features is None else adata[:, features].copy(), split)
    train.write_h5ad(tmp_path / "train.h5ad")
    training = read_training(tmp_path / "train.h5ad")
    writer = PredictionWriter(training, "mine_method")
    method = NoChange().attach(training)
    for seed in seeds:
        writer.add_all(lambda *a, seed=seed: Prediction(method.transform(*a).X + np.float32(change + seed)), seed)
    writer.write(tmp_path / "prediction.h5ad")
    return tmp_path / "prediction.h5ad", tmp_path / "train.h5ad"


def written(data, folder, tmp_path, change=1.0, seed=None, **options):
    """Read, predict and write back; return the files that were written."""
    adata = data.load(paths(data, folder))
    files = predict(data, adata, tmp_path, change, **options)
    return write_back(*files, data, paths(data, folder), tmp_path / "out", seed)


# ---- FCS


def test_fcs_files_become_one_table(folder):
    write_fcs_files(folder)
    adata = load(folder, files=FCS_FILES)
    check_contract(adata, "mine")
    assert adata.var_names.tolist() == ["CD19", "CD4"] and adata.var["column"].tolist() == ["Nd142Di", "Nd143Di"]
    assert adata.obs.groupby(["domain", "condition"]).size().to_dict() == dict.fromkeys(GROUPS, 20)
    np.testing.assert_allclose(adata.X[:20], np.arcsinh(values(20, 4, 0)[:, 1:3] / 5), rtol=1e-6)
    assert adata.obs["row"].tolist() == [*range(20)] * 3


def test_a_folder_stands_for_all_its_files_and_they_name_their_domains(folder):
    for part in ("day1", "day2"):
        (folder / part).mkdir()
        for person in "ab":
            fcs.write_fcs(folder / part / f"{person}{part}.fcs", values(9, 4), CHANNELS, LABELS)
    files = [{"path": "day1", "condition": "one"}, {"path": "day2", "condition": "two", "domain": "all"}]
    adata = load(folder, files=files)
    groups = adata.obs.groupby(["domain", "condition"]).size().to_dict()
    assert groups == {("aday1", "one"): 9, ("bday1", "one"): 9, ("all", "two"): 18}
    assert adata.obs["file"].unique().tolist() == [f"day{n}/{p}day{n}.fcs" for n in "12" for p in "ab"]


def as_flowio_reads(path):
    """Return the values (cells, channels) as another reader than ours sees them."""
    flow = flowio.FlowData(str(path))
    return np.reshape(flow.events, (-1, flow.channel_count))


def keywords(path):
    meta = fcsparser.parse(str(path), meta_data_only=True, channel_naming="$PnN")
    return {key: value for key, value in meta.items() if key not in ("__header__", "$BEGINDATA", "$ENDDATA", "$TOT")}


def test_fcs_comes_back_with_the_predicted_channels_changed_alone(folder, tmp_path):
    write_fcs_files(folder)
    (path,) = written(dataset(folder, files=FCS_FILES), folder, tmp_path)
    assert path == tmp_path / "out" / "after" / "patient_before.fcs"
    before, after = fcs.read_fcs(folder / path.name), fcs.read_fcs(path)
    assert (after.channels, after.labels) == (before.channels, before.labels)
    assert np.array_equal(after.values[:, [0, 3]], before.values[:, [0, 3]])
    expected = np.sinh(np.arcsinh(before.values[:, 1:3] / 5) + 1) * 5
    np.testing.assert_allclose(after.values[:, 1:3], expected, rtol=1e-4)


def test_values_below_zero_are_kept_in_fcs(folder, tmp_path):
    write_fcs_files(folder)
    (path,) = written(dataset(folder, files=FCS_FILES), folder, tmp_path, change=-3.0)
    assert (fcs.read_fcs(path).values[:, 1:3] < 0).any()


def test_a_panel_in_another_order_is_written_to_the_right_channels(folder, tmp_path):
    write_fcs_files(folder)
    other = values(20, 4, 2)
    # CD4 stands first here, on another metal.
    channels, labels = ("Sm149Di", "Nd142Di", "Time", "Ir191Di"), ("149Sm_CD4", "142Nd_CD19", "", "191Ir_DNA1")
    fcs.write_fcs(folder / "patient_before.fcs", other, channels, labels)
    (path,) = written(dataset(folder, files=FCS_FILES), folder, tmp_path)
    after = fcs.read_fcs(path)
    assert after.channels == channels
    assert np.array_equal(after.values[:, 2:], other[:, 2:])
    np.testing.assert_allclose(after.values[:, :2], np.sinh(np.arcsinh(other[:, :2] / 5) + 1) * 5, rtol=1e-4)


def test_some_rows_of_an_fcs_file(folder, tmp_path):
    write_fcs_files(folder)
    data = dataset(folder, files=FCS_FILES)
    adata = data.load(paths(data, folder))
    kept = adata[~((adata.obs["domain"] == "patient") & (adata.obs["row"] % 3 > 0)).to_numpy()].copy()
    (path,) = write_back(*predict(data, kept, tmp_path, change=0.0), data, paths(data, folder), tmp_path / "out")
    before, after = fcs.read_fcs(folder / path.name), fcs.read_fcs(path)
    np.testing.assert_allclose(after.values, before.values[::3], rtol=1e-5)
    assert len(after.values) == 7
    np.testing.assert_allclose(as_flowio_reads(path), after.values)


def fcs_bytes(kind, values, extra="", supplemental=""):
    """Return an FCS 3.0 file of 16-bit integers ("I") or doubles ("D"), big endian, delimiter | and free keywords."""
    size = {"I": 2, "D": 8}[kind]
    data = values.astype({"I": ">u2", "D": ">f8"}[kind]).tobytes()
    begin, stext = 58 + 1200, 58 + 1000
    pairs = {
        "$BEGINANALYSIS": 0, "$ENDANALYSIS": 0, "$BEGINDATA": begin, "$ENDDATA": begin + len(data) - 1,
        "$BEGINSTEXT": stext if supplemental else 0, "$ENDSTEXT": stext + len(supplemental) - 1 if supplemental else 0,
        "$BYTEORD": "4,3,2,1", "$DATATYPE": kind, "$MODE": "L", "$NEXTDATA": 0, "$PAR": 4, "$TOT": len(values),
    }  # fmt: skip
    for number, (channel, label) in enumerate(zip(CHANNELS, LABELS, strict=True), 1):
        pairs |= {f"$P{number}B": 8 * size, f"$P{number}E": "0,0", f"$P{number}N": channel, f"$P{number}R": 65536}
        pairs |= {f"$P{number}S": label} if label else {}
    text = "|" + "".join(f"{key}|{value}|" for key, value in pairs.items()) + extra
    header = "FCS3.0    " + "".join(f"{n:8d}" for n in (58, 57 + len(text), begin, begin + len(data) - 1, 0, 0))
    body = (header + text).ljust(stext) + supplemental
    return body.ljust(begin).encode() + data


@pytest.mark.parametrize("kind", ["I", "D"])
def test_other_kinds_of_numbers_are_written_as_floats_with_all_keywords(folder, tmp_path, kind):
    whole = np.round(values(20, 4, 1))
    write_fcs_files(folder)
    extra = "Sample Name|blood a||b|My_Key|spaces  and CASE|"
    (folder / "patient_before.fcs").write_bytes(fcs_bytes(kind, whole, extra))
    (path,) = written(dataset(folder, files=FCS_FILES), folder, tmp_path)
    after = fcs.read_fcs(path)
    assert np.array_equal(after.values[:, [0, 3]], whole[:, [0, 3]])
    np.testing.assert_allclose(after.values[:, 1:3], np.sinh(np.arcsinh(whole[:, 1:3] / 5) + 1) * 5, rtol=1e-4)
    before, meta = keywords(folder / path.name), keywords(path)
    changed = {key for key in before if before[key] != meta[key]} - {"$DATATYPE"}
    assert changed == {f"$P{number}B" for number in range(1, 5)}
    assert meta["My_Key"] == "spaces  and CASE" and meta["$DATATYPE"] == "F"
    np.testing.assert_allclose(as_flowio_reads(path), after.values)


def test_a_supplemental_text_is_kept(folder, tmp_path):
    write_fcs_files(folder)
    content = fcs_bytes("D", np.round(values(20, 4, 1)), supplemental="|Operator|somebody|")
    (folder / "patient_before.fcs").write_bytes(content)
    (path,) = written(dataset(folder, files=FCS_FILES), folder, tmp_path)
    assert keywords(path)["Operator"] == "somebody"


def test_the_real_controls_come_back(tmp_path, shared_data):
    controls = shared_data / "cytonorm_controls"
    if not controls.is_dir():
        pytest.skip(f"the control files are not at {controls}")
    name = "Gates_PTLG{batch}_Unstim_Control_{person}.fcs"
    files = [
        {"path": name.format(batch=batch, person=person), "condition": condition, "domain": domain}
        for batch, person, condition, domain in [
            ("021", 1, "before", "control"),
            ("028", 1, "after", "control"),
            ("021", 2, "before", "patient"),
        ]
    ]
    data = dataset(controls, files=files)
    (path,) = written(data, controls, tmp_path)
    before, after = fcs.read_fcs(controls / path.name), fcs.read_fcs(path)
    columns, markers = fcs.select_markers(before)
    others = np.setdiff1d(np.arange(55), columns)
    assert after.channels == before.channels and after.labels == before.labels
    assert len(markers) == 37 and np.array_equal(after.values[:, others], before.values[:, others])
    expected = np.sinh(np.arcsinh(before.values[:, columns] / 5) + 1) * 5
    np.testing.assert_allclose(after.values[:, columns], expected, rtol=1e-4)
    assert keywords(path) == keywords(controls / path.name)
    # The same text, byte for byte: only data differ.
    old, new = (controls / path.name).read_bytes(), path.read_bytes()
    assert len(old) == len(new) and old[:5599] == new[:5599]
    np.testing.assert_allclose(as_flowio_reads(path), after.values)


# ---- h5ad


def write_h5ad(folder, name="cells.h5ad", counts=False, sparse=True):
    from scipy.sparse import csr_matrix

    frame = table().set_index("id")
    X = np.round(frame[["CD4", "CD19"]].to_numpy()) if counts else frame[["CD4", "CD19"]].to_numpy()
    obs = frame[["day", "person", "note"]].astype("category")
    var = pd.DataFrame({"length": [7, 8]}, index=["CD4", "CD19"])
    adata = anndata.AnnData(csr_matrix(X) if sparse else X, obs=obs, var=var, uns={"kept": 1})
    adata.write_h5ad(folder / name)
    return adata


@pytest.mark.parametrize("sparse", [False, True])
def test_h5ad_comes_back_with_the_prediction_in_a_layer(folder, tmp_path, sparse):
    original = write_h5ad(folder, sparse=sparse)
    (path,) = written(dataset(folder, files=["cells.h5ad"], **COLUMNS), folder, tmp_path)
    back = anndata.read_h5ad(path)
    wanted = original[((original.obs["day"] == "before") & (original.obs["person"] == "patient")).to_numpy()]
    assert back.obs_names.equals(wanted.obs_names)
    assert back.obs.astype(str).equals(wanted.obs.astype(str)) and back.var.equals(original.var)
    assert (back.X != wanted.X).sum() == 0 and back.uns["kept"] == 1
    dense = wanted.X.toarray() if sparse else wanted.X
    np.testing.assert_allclose(back.layers["prediction"], dense + 1, rtol=1e-6)
    assert back.uns["outofsample"] == {"query": "after", "method": "mine_method", "seed": "0"}


def test_counts_are_normalised_and_come_back_as_counts(folder, tmp_path):
    original = write_h5ad(folder, counts=True)
    data = dataset(folder, files=["cells.h5ad"], scale="log1p_counts", **COLUMNS)
    assert data.kinds == {"tabular", "counts"}
    adata = data.load(paths(data, folder))
    counts = original.X.toarray()
    # A cell without any count keeps its zeros.
    sizes = np.maximum(counts.sum(1, keepdims=True), 1)
    np.testing.assert_allclose(adata.X.toarray(), np.log1p(1e4 * counts / sizes), rtol=1e-5)
    assert (adata.layers["counts"] != original.X).sum() == 0
    (path,) = written(data, folder, tmp_path, change=0.0)
    back = anndata.read_h5ad(path)
    np.testing.assert_allclose(back.layers["prediction"], back.X.toarray(), rtol=1e-4)
    assert (to_file_scale(np.full((1, 2), -1.0), data.settings, np.ones(1)) == 0).all()


def test_the_kang_cells_and_a_csv_of_them_come_back_alike(tmp_path, shared_data):
    kang = shared_data / "kang2018_pbmc"
    if not kang.is_dir():
        pytest.skip(f"the cells of Kang et al. are not at {kang}")
    name = "kang_trvae_layout_counts.h5ad"
    genes = ["ISG15", "CXCL10", "CD74", "FTL", "B2M"]
    columns = {"condition_column": "condition", "domain_column": "cell_type"}
    query = Query("NK", "NK", "control", "stimulated")
    data = dataset(kang, files=[name], scale="log1p_counts", **columns)
    adata = data.load(paths(data, kang))
    files = predict(data, adata, tmp_path, 0.5, (query,), genes)
    (path,) = write_back(*files, data, paths(data, kang), tmp_path / "out")
    original, back = anndata.read_h5ad(kang / name), anndata.read_h5ad(path)
    cells = (original.obs["cell_type"] == "NK") & (original.obs["condition"] == "control")
    assert back.obs_names.equals(original.obs_names[cells]) and back.var_names.equals(original.var_names)
    assert (original.X[cells.to_numpy()] != back.X).nnz == 0
    changed = np.flatnonzero((back.layers["prediction"] != back.X.toarray()).any(axis=0))
    assert set(back.var_names[changed]) == set(genes)

    folder = tmp_path / "csv"
    folder.mkdir()
    small = original[:, genes]
    text = pd.DataFrame(small.X.toarray(), columns=genes, index=original.obs_names)
    text.join(original.obs[["condition", "cell_type"]]).to_csv(folder / "kang.csv")
    data = dataset(folder, files=["kang.csv"], **columns)
    (tmp_path / "two").mkdir()
    (path,) = written(data, folder, tmp_path / "two", 0.5, queries=(query,))
    table = pd.read_csv(path, index_col=0)
    np.testing.assert_allclose(table[genes], small.X.toarray()[cells] + 0.5)
    assert table.index.tolist() == back.obs_names.tolist()


# ---- tables


@pytest.mark.parametrize("name", ["cells.csv", "cells.tsv", "cells.csv.gz", "european.csv"])
def test_a_table_of_text_comes_back_with_the_same_columns(folder, tmp_path, name):
    separator = {"cells.tsv": "\t", "european.csv": ";"}.get(name, ",")
    table().to_csv(folder / name, sep=separator, index=False)
    data = dataset(folder, files=[name], name_column="id", **COLUMNS)
    (path,) = written(data, folder, tmp_path)
    before = pd.read_csv(folder / name, sep=separator)
    before = before[(before["day"] == "before") & (before["person"] == "patient")]
    after = pd.read_csv(path, sep=separator)
    assert after.columns.tolist() == before.columns.tolist()
    assert after[["id", "day", "person", "note"]].equals(before[["id", "day", "person", "note"]].reset_index(drop=True))
    np.testing.assert_allclose(after[["CD4", "CD19"]], before[["CD4", "CD19"]] + 1, rtol=1e-5)


def test_text_of_other_columns_is_not_touched(folder, tmp_path):
    lines = ["code,CD4,day,person", *(f"00{row}.50,{row},{day},{who}" for row, (who, day) in enumerate(GROUPS * 3))]
    (folder / "cells.csv").write_text("\n".join(lines) + "\n")
    data = dataset(folder, files=["cells.csv"], features=["CD4"], **COLUMNS)
    (path,) = written(data, folder, tmp_path)
    assert path.read_text().splitlines()[:2] == ["code,CD4,day,person", "002.50,3.0,before,patient"]


@needs_parquet
def test_parquet_comes_back_with_the_same_types(folder, tmp_path):
    from pyarrow import parquet

    frame = table().astype({"CD4": "float64", "day": "category"})
    frame.to_parquet(folder / "cells.parquet", index=False)
    (path,) = written(dataset(folder, files=["cells.parquet"], **COLUMNS), folder, tmp_path)
    assert parquet.read_schema(path).equals(parquet.read_schema(folder / "cells.parquet"))
    before = frame[(frame["day"] == "before") & (frame["person"] == "patient")]
    np.testing.assert_allclose(pd.read_parquet(path)["CD4"], before["CD4"] + 1, rtol=1e-5)


def test_parquet_without_pyarrow_says_how_to_get_it(folder, monkeypatch):
    (folder / "a.parquet").write_bytes(b"PAR1")
    # What an import of a package that is not there finds.
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "Parquet files need pyarrow: pip install" in error(folder, files=["a.parquet"], **COLUMNS)


def test_several_queries_and_files_come_back_each_in_its_place(folder, tmp_path):
    frame = table()
    second = frame[frame["person"] == "patient"].assign(person="patient2")
    frame.to_csv(folder / "a.csv", index=False)
    second.to_csv(folder / "b.csv", index=False)
    queries = (QUERY, Query("second", "patient2", "before", "after"))
    data = dataset(folder, files=["a.csv", "b.csv"], name_column="id", **COLUMNS)
    adata = data.load(paths(data, folder))
    assert adata.obs_names.is_unique and adata.obs_names[0].startswith("a.csv:")
    found = written(data, folder, tmp_path, queries=queries)
    assert found == [tmp_path / "out" / "after" / "a.csv", tmp_path / "out" / "second" / "b.csv"]


def test_the_seed_that_is_written(folder, tmp_path):
    table().to_csv(folder / "a.csv", index=False)
    data = dataset(folder, files=["a.csv"], **COLUMNS)
    (first,) = written(data, folder, tmp_path, seeds=(3, 5))
    low = pd.read_csv(first)["CD4"]
    (second,) = written(data, folder, tmp_path, seeds=(3, 5), seed=5)
    np.testing.assert_allclose(pd.read_csv(second)["CD4"], low + 2, rtol=1e-5)
    with pytest.raises(UserError, match="seed 7 was not run; run were 3, 5"):
        written(data, folder, tmp_path, seeds=(3, 5), seed=7)


# ---- images


def write_images(folder, mode="RGB", size=(6, 4)):
    (folder / "pictures" / "sub").mkdir(parents=True)
    rows = []
    for number, (domain, condition) in enumerate(GROUPS * 3):
        name = f"sub/{number}.png" if number % 2 else f"{number}.png"
        Image.new(mode, size, 10 * number if mode == "L" else (10 * number, 0, 7)).save(folder / "pictures" / name)
        rows.append((name, condition, domain))
    pd.DataFrame(rows, columns=["file", "day", "person"]).to_csv(folder / "images.csv", index=False)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_images_come_back_as_png(folder, tmp_path, mode):
    write_images(folder, mode)
    data = dataset(folder, files=["images.csv"], images="pictures", **COLUMNS)
    assert data.kinds == {"images"}
    adata = data.load(paths(data, folder))
    check_contract(adata, "mine")
    assert list(adata.uns["image_shape"]) == [4, 6, 3 if mode == "RGB" else 1]
    found = written(data, folder, tmp_path, change=5.0)
    assert [path.relative_to(tmp_path / "out" / "after").as_posix() for path in found] == [
        "2.png", "sub/5.png", "8.png"
    ]  # fmt: skip
    pixel = Image.open(found[1]).getpixel((0, 0))
    assert pixel == ((55, 5, 12) if mode == "RGB" else 55)


def test_images_of_several_sizes_need_one(folder):
    write_images(folder)
    Image.new("RGB", (5, 5)).save(folder / "pictures" / "2.png")
    settings = {"files": ["images.csv"], "images": "pictures", **COLUMNS}
    assert "2.png: this image has 5 x 5 pixels, and the first has 6 x 4; set 'image_size'" in error(folder, **settings)
    assert load(folder, image_size=8, **settings).n_vars == 8 * 8 * 3


def test_bad_images(folder):
    write_images(folder)
    settings = {"files": ["images.csv"], "images": "pictures", **COLUMNS}
    before = dataset(folder, **settings).settings.images_digest
    (folder / "pictures" / "0.png").write_text("no image")
    assert dataset(folder, **settings).settings.images_digest != before
    assert "0.png: this image cannot be read" in error(folder, **settings)
    (folder / "pictures" / "0.png").unlink()
    assert "0.png: this file does not exist" in error(folder, **settings)
    text = (folder / "images.csv").read_text()
    for outside in ("../../secret.png", str(folder / "secret.png"), "sub/..", str(folder / "pictures"), "/", ".."):
        (folder / "images.csv").write_text(text.replace("0.png", outside, 1))
        message = error(folder, **settings)
        assert f"images.csv: the path '{outside}' in the column 'file' leads out of the folder of images" in message
    (folder / "secret.png").touch()
    (folder / "pictures" / "0.png").symlink_to(folder / "secret.png")
    (folder / "images.csv").write_text(text)
    assert "the path '0.png' in the column 'file' leads out of the folder" in error(folder, **settings)
    assert "no such folder of images" in error(folder, **{**settings, "images": "picture"})


def test_images_may_be_named_by_their_whole_path(folder, tmp_path):
    write_images(folder)
    frame = pd.read_csv(folder / "images.csv")
    # Another way to the same folder, as a mount has.
    (tmp_path / "link").symlink_to(folder / "pictures")
    ways = [str(folder / "pictures"), str(tmp_path / "link"), str(folder / "pictures" / "sub" / "..")]
    frame["file"] = [f"{ways[row % 3]}/{name}" for row, name in enumerate(frame["file"])]
    frame.to_csv(folder / "images.csv", index=False)
    data = dataset(folder, files=["images.csv"], images="pictures", **COLUMNS)
    assert data.load(paths(data, folder)).obs["file"].tolist()[:3] == ["0.png", "sub/1.png", "2.png"]
    found = written(data, folder, tmp_path)
    assert [path.relative_to(tmp_path / "out" / "after").as_posix() for path in found] == [
        "2.png", "sub/5.png", "8.png"
    ]  # fmt: skip


def test_images_that_would_come_back_as_one(folder):
    write_images(folder)
    settings = {"files": ["images.csv"], "images": "pictures", **COLUMNS, "name_column": "name"}
    frame = pd.read_csv(folder / "images.csv").assign(name=range(9))
    Image.new("RGB", (6, 4)).save(folder / "pictures" / "2.jpg")
    frame.assign(file=frame["file"].replace("8.png", "2.jpg")).to_csv(folder / "images.csv", index=False)
    assert "'2.png' and '2.jpg' in the column 'file' would both be written back as '2.png'; rename one" in error(
        folder, **settings
    )
    frame.assign(file=frame["file"].replace("8.png", "2.png")).to_csv(folder / "images.csv", index=False)
    assert "the image '2.png' is listed twice" in error(folder, **settings)
    frame.assign(name="same").to_csv(folder / "images.csv", index=False)
    assert "the name 'same' is given to two images" in error(folder, **settings)


# ---- nothing but the results is written


def inputs_of(folder, kind):
    """Write a small input of a format, and return its settings."""
    if kind == "fcs":
        write_fcs_files(folder)
        return {"files": FCS_FILES}
    if kind == "images":
        write_images(folder)
        return {"files": ["images.csv"], "images": "pictures", **COLUMNS}
    name = {"h5ad": "cells.h5ad", "table": "cells.csv", "parquet": "cells.parquet"}[kind]
    if kind == "h5ad":
        write_h5ad(folder, name)
    elif kind == "table":
        table().to_csv(folder / name, index=False)
    else:
        table().to_parquet(folder / name)
    return {"files": [name], **COLUMNS}


def state_of(folder):
    """Return content and times of all in a folder; the times of folders tell of files that came and went."""
    found = sorted([folder, *folder.rglob("*")])
    return {path: (path.stat().st_mtime_ns, path.is_file() and path.read_bytes()) for path in found}


KINDS = ["fcs", "h5ad", "table", pytest.param("parquet", marks=needs_parquet), "images"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_folder_of_the_inputs_is_only_read(folder, tmp_path, kind):
    settings = inputs_of(folder, kind)
    before = state_of(folder)
    modes = []
    watched = str(folder)

    def watch(event, arguments):
        if event == "open" and watched and str(arguments[0]).startswith(watched):
            modes.append(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC))

    # Such a hook stays for good: it is told to look no more.
    sys.addaudithook(watch)
    found = written(dataset(folder, **settings), folder, tmp_path)
    watched = ""
    assert found and all(path.is_relative_to(tmp_path / "out") for path in found)
    assert state_of(folder) == before and not any(modes)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", ["absolute", "parent", "link", "one_path"])
def test_a_path_that_leaves_the_results_is_refused_before_anything_is_written(folder, tmp_path, kind, wrong):
    """What reading refuses already is refused again, by a train.h5ad that was made otherwise."""
    settings = inputs_of(folder, kind)
    data = dataset(folder, **settings)
    adata = data.load(paths(data, folder))
    originals, name = paths(data, folder), adata.obs["file"].iloc[-1]
    original = folder / ("pictures" if kind == "images" else "") / name
    files = adata.obs["file"].astype(str).to_numpy(dtype=object)
    query = ((adata.obs["domain"] == "patient") & (adata.obs["condition"] == "before")).to_numpy()
    out = tmp_path / "out"
    sentence = f"the prediction of '.*' \\(query 'after'\\) would be written outside {out};"
    if wrong == "absolute":
        files[query] = str(original)
    elif wrong == "parent":
        files[query] = f"../../{original.relative_to(tmp_path)}"
    elif wrong == "link":
        (out / "after").parent.mkdir()
        (out / "after").symlink_to(original.parent)
    else:
        rows = np.flatnonzero(query)
        files[rows[0]], files[rows[1:]] = "extrapolated.csv/x.png", "extrapolated.csv/x.jpg"
        sentence = "would be written to one path; rename one of the two"
    adata.obs["file"] = files
    originals |= dict.fromkeys(files, original)
    prediction = predict(data, adata, tmp_path)
    before = state_of(folder)
    with pytest.raises(UserError, match=sentence) as caught:
        write_back(*prediction, data, originals, out)
    assert "\n" not in str(caught.value)
    assert state_of(folder) == before
    assert not out.exists() or list(out.rglob("*")) == ([out / "after"] if wrong == "link" else [])


@pytest.mark.parametrize("place", ["inside", "linked", "link"])
def test_data_in_the_results_are_refused(tmp_path, place):
    """Snakemake deletes what a job is about to write, before the job."""
    results, outside = tmp_path / "results" / "mine", tmp_path / "data"
    (results / "raw").mkdir(parents=True)
    outside.mkdir()
    (outside / "a.csv").touch()
    check_outside(outside / "a.csv", results)
    path = results / "raw" / "a.csv"
    if place == "linked":
        path.symlink_to(outside / "a.csv")
    elif place == "link":
        path.touch()
        path = outside / "b.csv"
        path.symlink_to(results / "raw" / "a.csv")
    with pytest.raises(UserError, match=rf"{path}: this lies in {results}, whose files are made anew; keep your data"):
        check_outside(path, results)


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


# ---- names


NAMES = [
    "a.csv",
    "Batch 1/Tube 1.fcs",
    "-q.fcs",
    "donor's.fcs",
    "p$(touch X).fcs",
    "a<b>.fcs",
    "{task}.fcs",
    "Zelle\n.fcs",
]


def test_our_copy_of_a_file_has_a_plain_name_of_its_own():
    stored = [RawFile(name).stored for name in [*NAMES, "../a.csv", "/a.csv", ".a", "é" * 120, "a" * 250]]
    assert stored[0] == "a.csv" and RawFile("thin/images-1_2.gz").stored == "thin/images-1_2.gz"
    assert len(set(stored)) == len(stored)
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}", name) for name in stored)
    assert stored[1].endswith("_Batch_1_Tube_1.fcs")


def test_a_folder_with_names_of_all_kinds(folder):
    for name in NAMES[1:]:
        (folder / name).parent.mkdir(exist_ok=True)
        fcs.write_fcs(folder / name, values(9, 4), CHANNELS, LABELS)
    (folder / "._-q.fcs").write_bytes(b"what macOS keeps beside a file")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "b.fcs").touch()
    data = dataset(folder, files=[{"path": ".", "condition": "x"}])
    assert sorted(file.name for file in data.raw_files()) == sorted(NAMES[1:])
    os.rename(os.fsencode(folder / "-q.fcs"), os.fsencode(folder) + b"/Pr\xfcfung.fcs")
    with pytest.raises(UserError, match=r"rename 'Pr\\udcfcfung\.fcs': this name is not UTF-8"):
        dataset(folder, files=[{"path": ".", "condition": "x"}])


# ---- bad input


def test_a_column_that_is_missing_is_named_with_the_nearest(folder):
    table().to_csv(folder / "a.csv", index=False)
    message = error(folder, files=["a.csv"], condition_column="dya", domain_column="person")
    assert "a.csv: the table has no column 'dya' (did you mean 'day'?), which 'condition_column' names" in message
    write_h5ad(folder)
    message = error(folder, files=["cells.h5ad"], condition_column="day", domain_column="persn")
    assert "cells.h5ad: obs has no column 'persn' (did you mean 'person'?)" in message
    assert "did you mean 'CD4'" in error(folder, files=["a.csv"], features=["CD44"], **COLUMNS)
    assert "there is no layer 'logs'" in error(folder, files=["cells.h5ad"], layer="logs", **COLUMNS)


def test_only_one_condition(folder):
    table().assign(day="before").to_csv(folder / "a.csv", index=False)
    message = error(folder, files=["a.csv"], **COLUMNS)
    assert message == "All cells have the one condition 'before' (by the column 'day'): source and target must be two."


def test_no_cells(folder):
    table().iloc[:0].to_csv(folder / "a.csv", index=False)
    assert "a.csv: this file holds no cells" in error(folder, files=["a.csv"], **COLUMNS)


def test_an_empty_query_is_told_by_the_split(folder):
    write_fcs_files(folder)
    adata = load(folder, files=FCS_FILES)
    adata.uns |= {"dataset": "mine", "stand_in": False}
    with pytest.raises(UserError, match=r"no domain 'patent' .did you mean 'patient'"):
        split_dataset(adata, SplitSpec("task", (Query("q", "patent", "before", "after"),), ()))
    told = "the query population has no cells; 'patient' has none in 'after', but in before"
    with pytest.raises(UserError, match=told):
        split_dataset(adata, SplitSpec("task", (Query("q", "patient", "after", "before"),), ()))


def test_features_that_differ_are_listed(folder):
    table().to_csv(folder / "a.csv", index=False)
    table(features=("CD4", "CD8", "CD3")).to_csv(folder / "b.csv", index=False)
    message = error(folder, files=["a.csv", "b.csv"], **COLUMNS)
    assert "only the first has CD19, and only the second has CD8, CD3; name the shared ones in 'features'" in message
    assert load(folder, files=["a.csv", "b.csv"], features=["CD4"], **COLUMNS).n_vars == 1


def test_features_in_another_order_are_no_difference(folder):
    table().to_csv(folder / "a.csv", index=False)
    table()[["CD19", "day", "person", "CD4"]].to_csv(folder / "b.csv", index=False)
    adata = load(folder, files=["a.csv", "b.csv"], **COLUMNS)
    assert np.array_equal(adata.X[:60], adata.X[60:])


@pytest.mark.parametrize(
    ("name", "files", "settings", "warned"),
    [
        ("counts", True, {}, "look like raw counts, and scale is 'none'; set scale: log1p_counts"),
        ("logs", False, {"scale": "log1p_counts"}, "look like logarithms already; set scale: none"),
        ("transformed", False, {"scale": "arcsinh"}, "they look transformed already; set scale: none"),
    ],
)
def test_the_wrong_scale_is_warned_of(folder, capsys, name, files, settings, warned):
    frame = table()
    markers = ["CD4", "CD19"]
    frame[markers] = np.round(frame[markers]) if files else np.log1p(frame[markers])
    frame.to_csv(folder / "a.csv", index=False)
    load(folder, files=["a.csv"], **settings, **COLUMNS)
    assert warned in capsys.readouterr().out


def test_the_right_scale_is_not_warned_of(folder, capsys):
    write_fcs_files(folder)
    load(folder, files=FCS_FILES)
    write_h5ad(folder, counts=True)
    load(folder, files=["cells.h5ad"], scale="log1p_counts", **COLUMNS)
    assert "warning" not in capsys.readouterr().out


@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinite"), (1e300, "infinite")])
def test_values_that_are_not_finite_are_named(folder, value, word):
    frame = table().astype({"CD19": float})
    frame.loc[4, "CD19"] = value
    frame.to_csv(folder / "a.csv", index=False)
    message = error(folder, files=["a.csv"], **COLUMNS)
    assert "a.csv: 1 values are missing" in message and word in message and "'CD19' of cell 5" in message


def test_a_sparse_matrix_with_a_missing_value(folder):
    adata = write_h5ad(folder)
    adata.X.data[3] = np.nan
    adata.write_h5ad(folder / "cells.h5ad")
    assert "the first is 'CD19' of cell 2" in error(folder, files=["cells.h5ad"], **COLUMNS)


@pytest.mark.filterwarnings("ignore:Observation names are not unique")
def test_names_of_cells_that_repeat(folder):
    frame = table()
    frame.loc[3, "id"] = frame.loc[0, "id"]
    frame.to_csv(folder / "a.csv", index=False)
    message = error(folder, files=["a.csv"], name_column="id", **COLUMNS)
    assert f"the cell name '{frame.loc[0, 'id']}' occurs twice (1 names repeat)" in message
    adata = write_h5ad(folder)
    adata.obs_names = ["x", *adata.obs_names[1:-1], "x"]
    adata.write_h5ad(folder / "cells.h5ad")
    assert "the cell name 'x' occurs twice" in error(folder, files=["cells.h5ad"], **COLUMNS)


def test_labels_and_numbers_that_are_missing(folder):
    frame = table()
    frame.loc[2, "person"] = None
    frame.to_csv(folder / "a.csv", index=False)
    assert "the column 'person' ('domain_column') has no value in 1 cells, the first is cell 3" in error(
        folder, files=["a.csv"], **COLUMNS
    )
    table().to_csv(folder / "b.csv", index=False, decimal=",", sep=";")
    message = error(folder, files=["b.csv"], features=["CD4"], **COLUMNS)
    assert "b.csv: the column 'CD4' does not hold numbers alone" in message and "decimal point" in message
    (folder / "c.csv").write_text("day,person,CD4,CD4\na,b,1,2\n")
    assert "c.csv: the column 'CD4' occurs twice" in error(folder, files=["c.csv"], **COLUMNS)


@pytest.mark.parametrize(("name", "separator"), [("a.csv", ","), ("a.tsv", "\t")])
def test_rows_that_are_longer_than_the_header(folder, name, separator):
    """R's write.table leaves the column of row names without a name; some programs end lines in a separator."""
    table().to_csv(folder / name, sep=separator, index_label=False)
    message = error(folder, files=[name], **COLUMNS)
    assert message.startswith(
        f"{folder / name}: the rows have 1 more field(s) than the header; give each column a name"
    )
    header, *rows = table().to_csv(sep=separator, index=False).splitlines()
    (folder / name).write_text("\n".join([header, *(row + separator for row in rows)]))
    assert "end no line in a separator" in error(folder, files=[name], **COLUMNS)


@pytest.mark.parametrize(
    "name", ["a.fcs", "a.h5ad", "a.csv", "a.csv.gz", pytest.param("a.parquet", marks=needs_parquet)]
)
def test_empty_missing_and_damaged_files_and_folders(folder, name):
    files = [{"path": name, "condition": "before", "domain": "day1"}]
    assert f"{name}: this file does not exist" in error(folder, files=files)
    (folder / name).touch()
    assert f"{name}: this file is empty (0 bytes)" in error(folder, files=files)
    (folder / name).write_bytes(b"\x01\x02 nonsense \xff" * 9)
    assert str(folder / name) in error(folder, files=files)
    (folder / name).unlink()
    (folder / name).mkdir()
    assert "folder" in error(folder, files=files)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"files": []}, "at least one file"),
        ({"files": ["a.csv", "b.h5ad"], **COLUMNS}, "all be of one kind"),
        ({"files": ["a.fcs"]}, "'a.fcs' needs a condition: {path: a.fcs, condition: before"),
        ({"files": ["a.csv"], "condition_column": "day"}, "name the column that holds it in 'domain_column'"),
        ({"files": [{"path": "a.fcs", "conditon": "x"}]}, "did you mean 'condition'"),
        ({"files": [{"condition": "x"}]}, "needs a 'path'"),
        ({"files": ["../a.csv"], **COLUMNS}, "within the dataset's folder"),
        ({"files": ["/a.csv"], **COLUMNS}, "within the dataset's folder"),
        ({"files": ["a/../../b.csv"], **COLUMNS}, "within the dataset's folder"),
        ({"files": ["extrapolated.csv/a.csv"], **COLUMNS}, "the results have a file of this name"),
        ({"files": ["sub/extrapolated.csv"], **COLUMNS}, "the results have a file of this name"),
        ({"files": ["a.csv"], "scale": "log", **COLUMNS}, "scale must be arcsinh, log1p_counts or none, not 'log'"),
        ({"files": ["a.csv"], "cofactor": 0, **COLUMNS}, "cofactor must be above 0"),
    ],
)
def test_wrong_settings_are_told_before_any_job(settings, words):
    study = {
        "study": "mine",
        "datasets": {"mine": {"uses": "own", **settings}},
        "tasks": {"t": {"dataset": "mine", "queries": [vars(QUERY)]}},
        "methods": {"no_change": {}},
    }
    with pytest.raises(UserError) as caught:
        load_study(study, ROOT)
    assert words in str(caught.value)


def test_one_name_for_two_files(folder):
    assert "'a.fcs' is named twice" in error(folder, files=[{"path": "a.fcs", "condition": c} for c in "xy"])
    files = [{"path": path, "condition": path} for path in ("a.fcs", "sub/a.fcs")]
    assert "have the same name" in error(folder, files=files)


def test_a_full_disk_leaves_no_half_file(folder, tmp_path, monkeypatch):
    write_fcs_files(folder)
    opened = Path.open

    class Full(io.FileIO):
        def write(self, data):
            super().write(bytes(data)[:100])
            raise OSError(errno.ENOSPC, "No space left on device")

    def limited(self, mode="r", *rest):
        return Full(self, "w") if mode == "wb" else opened(self, mode, *rest)

    data = dataset(folder, files=FCS_FILES)
    files = predict(data, data.load(paths(data, folder)), tmp_path)
    monkeypatch.setattr(Path, "open", limited)
    with pytest.raises(UserError, match=r"patient_before\.fcs: there is no space left on the device; free some"):
        write_back(*files, data, paths(data, folder), tmp_path / "out")
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("kind", [OSError, RuntimeError])
def test_hdf5_tells_of_a_full_disk_in_its_text_and_other_errors_pass(tmp_path, kind):
    with pytest.raises(UserError, match="no space left"), replacing(tmp_path / "a"):
        raise kind("Can't write data (file write failed: errno = 28, error message = 'No space left on device')")
    with pytest.raises(PermissionError), replacing(tmp_path / "a"):
        raise PermissionError("no")
    with pytest.raises(RuntimeError, match="errno = 5"), replacing(tmp_path / "a"):
        raise RuntimeError("Can't write data (file write failed: errno = 5)")


def on_full_device(path):
    """Let what is written to the temporary file of a path go to a device without space."""
    path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}").symlink_to("/dev/full")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.txt", lambda path: path.write_text("text")),
        ("a.csv", lambda path: table().to_csv(path)),
        pytest.param("a.parquet", lambda path: table().to_parquet(path), marks=needs_parquet),
        ("a.png", lambda path: Image.new("RGB", (60, 60)).save(path, "PNG")),
        ("a.fcs", lambda path: path.write_bytes(b"FCS3.0")),
    ],
)
def test_every_writer_says_that_the_device_is_full(tmp_path, name, write):
    on_full_device(tmp_path / name)
    with (
        pytest.raises(UserError, match=rf"{name}: there is no space left on the device"),
        replacing(tmp_path / name) as temporary,
    ):
        write(temporary)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("free", [0, 1 << 30])
def test_torch_gives_no_reason_so_the_device_is_asked(tmp_path, monkeypatch, free):
    import torch

    monkeypatch.setattr("outofsample.files.writing.shutil.disk_usage", lambda folder: SimpleNamespace(free=free))
    on_full_device(tmp_path / "a.pt")
    wanted = (UserError, "no space left") if free == 0 else (RuntimeError, "inline_container")
    with pytest.raises(wanted[0], match=wanted[1]), replacing(tmp_path / "a.pt") as temporary:
        torch.save({"a": torch.zeros(100_000)}, temporary)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("there", [True, False])
def test_a_full_device_is_no_reason_to_try_a_download_again(tmp_path, there, capsys):
    (tmp_path / "local").write_bytes(b"x" * 100)
    on_full_device(tmp_path / "target")
    local, url = (tmp_path / "local", None) if there else (tmp_path / "none", (tmp_path / "local").as_uri())
    with pytest.raises(UserError, match=r"target: there is no space left on the device"):
        fetch("file", tmp_path / "target", local, url=url, pause=0)
    assert "trying again" not in capsys.readouterr().out


def test_data_that_are_not_own_and_methods_that_did_not_run(folder, tmp_path, capsys):
    write_fcs_files(folder)
    data = dataset(folder, files=FCS_FILES)
    adata = data.load(paths(data, folder))
    prediction, train = predict(data, adata, tmp_path)
    PredictionWriter(read_training(train), "mine_method").write(prediction, not_run="R missing")
    assert write_back(prediction, train, data, paths(data, folder), tmp_path / "none") == []
    assert "did not run (R missing)" in capsys.readouterr().out and (tmp_path / "none").is_dir()
    with pytest.raises(UserError, match="is not among those given"):
        write_back(*predict(data, adata, tmp_path), data, {"other.fcs": folder}, tmp_path / "out")
    del adata.obs["file"]
    with pytest.raises(UserError, match="not data of your own"):
        write_back(*predict(data, adata, tmp_path), data, {}, tmp_path / "out")


# ---- the command line and the templates


def test_the_command_line_writes_and_says_where(folder, tmp_path):
    write_fcs_files(folder)
    data = dataset(folder, files=FCS_FILES)
    prediction, train = predict(data, data.load(paths(data, folder)), tmp_path)
    options = ["--prediction", prediction, "--train", train, "--folder", tmp_path / "out", "--files"]
    spec, files = WriteBackSpec({"files": FCS_FILES}), paths(data, folder).values()
    run = run_script("write_back.py", spec, *options, *files)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == str(tmp_path / "out" / "after" / "patient_before.fcs")
    run = run_script("write_back.py", spec, *options, *files, folder / "patient_before.fcs")
    assert run.returncode == 1 and run.stderr.startswith("error: --files: 3 files are needed")


@pytest.mark.parametrize("name", ["my_fcs", "my_h5ad", "my_table"])
def test_the_templates_are_valid_studies(name):
    study = read_study(ROOT / "studies" / f"{name}.yaml")
    (task,) = study.selected("tasks")
    assert study.datasets[study.tasks[task].dataset].uses == "own"
    assert "neuron_editing" in study.task_methods(task)


# ---- several batches to one reference

#: What each batch adds to CD19 and to CD4, in units of arcsinh(x / 5); batch 2 is the reference.
BATCH_SHIFTS = {"batch1": (0.8, -0.6), "batch2": (0.0, 0.0), "batch3": (-0.7, 0.9), "batch4": (0.4, 0.5)}


def study_of_the_docs():
    """Return the example of several batches in docs/own_data.md, checked."""
    text = (ROOT / "docs" / "own_data.md").read_text().split("## Several batches")[1]
    return load_study(yaml.safe_load(text.split("```yaml")[1].split("```")[0]), ROOT)


def write_batches(folder, files, cells=400):
    """Write the example's FCS files, two in each folder; return, by path, what batch 2 would have measured."""
    unchanged = {}
    for entry in files:
        name = Path(entry["path"])
        for path in [name] if name.suffix else [name / "a.fcs", name / "b.fcs"]:
            rng = np.random.default_rng(len(unchanged))
            # Controls and patients are other mixtures of the same two kinds of cells.
            kind = rng.random(cells) < (0.5 if entry["domain"] == "control" else 0.25)
            true = rng.normal(np.where(kind[:, None], (1.5, 3.5), (3.0, 2.5)), 0.4)
            measured = np.sinh(true + BATCH_SHIFTS[entry["condition"]]) * 5
            (folder / path).parent.mkdir(exist_ok=True)
            whole = np.column_stack([np.arange(cells), measured, rng.random(cells)])
            fcs.write_fcs(folder / path, whole.astype(np.float32), CHANNELS, LABELS)
            unchanged[path.as_posix()] = true
    return unchanged


@pytest.mark.parametrize("method", ["mean_shift", "quantile_mapping", "neuron_editing"])
def test_several_batches_come_back_each_with_its_own_shift_undone(tmp_path, method):
    study = study_of_the_docs()
    settings = study.datasets["mine"].settings
    folder = tmp_path / "data" / settings["folder"]
    folder.mkdir(parents=True)
    unchanged = write_batches(folder, settings["files"])
    data = dataset(folder, **{key: value for key, value in settings.items() if key != "folder"})
    adata = data.load(paths(data, folder))
    adata.uns |= {"dataset": "mine", "stand_in": False}
    task = study.tasks["batches"]
    train, truth = split_dataset(adata, SplitSpec("batches", task.as_queries(), (), source_domains=("control",)))
    assert truth.n_obs == 0
    train.write_h5ad(tmp_path / "train.h5ad")
    training = read_training(tmp_path / "train.h5ad")
    network = {"hidden": (32,), "latent": 8, "epochs": 60} if method == "neuron_editing" else {}
    editor = registry.create("methods", method, {})
    if network:
        editor = type(editor)(editor.settings, registry.create("models", "autoencoder", network))
    writer = PredictionWriter(training, method)
    writer.add_all(editor.fit(training).transform, 0)
    writer.write(tmp_path / "prediction.h5ad")
    found = write_back(
        tmp_path / "prediction.h5ad", tmp_path / "train.h5ad", data, paths(data, folder), tmp_path / "out"
    )
    assert len(found) == 6
    for path in found:
        _, file = path.relative_to(tmp_path / "out").as_posix().split("/", 1)
        truth, before, after = (
            np.median(values, axis=0)
            for values in (
                unchanged[file],
                *(np.arcsinh(fcs.read_fcs(p).values[:, 1:3] / 5) for p in (folder / file, path)),
            )
        )
        assert np.abs(before - truth).max() > 0.35
        assert np.abs(after - truth).max() < 0.2, file


def test_queries_from_several_batches_share_a_truth(folder):
    frames = [
        pd.DataFrame(values(30, 2, seed), columns=["CD4", "CD19"]).assign(day=day, person=person)
        for seed, (person, day) in enumerate([(p, d) for p in ("control", "patient") for d in ("one", "two", "three")])
    ]
    pd.concat(frames).to_csv(folder / "a.csv", index=False)
    adata = load(folder, files=["a.csv"], **COLUMNS)
    adata.uns |= {"dataset": "mine", "stand_in": False}
    queries = (Query("from_one", "patient", "one", "two"), Query("from_three", "patient", "three", "two"))
    _, truth = split_dataset(adata, SplitSpec("task", queries, ()))
    measured = adata[((adata.obs["domain"] == "patient") & (adata.obs["condition"] == "two")).to_numpy()].X
    for query in queries:
        assert np.array_equal(truth[(truth.obs["query"] == query.name).to_numpy()].X, measured)
    assert truth.obs_names.is_unique
