"""FCS files as AnnData: what is read, what is written back, bit for bit, and what is never written to."""

import sys

import anndata
import numpy as np
import pandas as pd
import pytest

import outofsample
from outofsample import NeuronEditor, read_fcs, write_fcs
from outofsample.errors import InputError, NotAvailable, UserError
from outofsample.files import fcs, fcs_data, fcs_text
from tests.unit.files.fcs_bytes import CHANNELS, LABELS, fcs_bytes

VALUES = np.random.default_rng(0).gamma(2, 300, size=(50, 4))
#: Ways to store values: what `fcs_bytes` is told.
KINDS = {
    "floats": {},
    "floats, highest byte first": {"order": ">"},
    "doubles": {"kind": "D", "bits": 64},
    "integers of 16 bits": {"kind": "I", "bits": 16, "values": VALUES.astype(int)},
    "integers of 32 bits of which 18 count": {"kind": "I", "bits": 32, "values": VALUES.astype(int)},
    "large integers": {
        "kind": "I", "bits": 32, "values": (VALUES * 1e6).astype(np.int64),
        "changes": {f"$P{number}R": str(2**32) for number in (1, 2, 3, 4)},
    },
    "logarithms": {
        "kind": "I", "bits": 16, "values": VALUES.astype(int) % 1024,
        "changes": {f"$P{n}{key}": value for n in (2, 3) for key, value in (("E", "4,1"), ("R", "1024"))},
    },
}  # fmt: skip


def written(folder, name="a.fcs", values=VALUES, **how):
    path = folder / name
    path.write_bytes(fcs_bytes(how.pop("values", values), **how))
    return path


def data_of(path):
    """Return the bytes of DATA."""
    text = fcs_text.read_text(path)
    return fcs_data.decode(text, fcs_data.channels_of(text)).tobytes()


def test_what_is_read(tmp_path):
    cells = read_fcs(written(tmp_path, changes={"$DATE": "24-DEC-2025", "SPILL/OVER": "a||b"}))
    assert np.array_equal(cells.X, VALUES.astype(np.float32)) and cells.X.dtype == np.float32
    assert cells.var_names.tolist() == ["Time", "CD19", "CD4", "DNA1"]
    assert cells.var["channel"].tolist() == list(CHANNELS) and cells.var["label"].tolist() == list(LABELS)
    assert cells.var["marker"].tolist() == [False, True, True, False]
    keywords = cells.uns["fcs"]["keywords"]["value"]
    assert keywords["$DATE"] == "24-DEC-2025" and keywords["SPILL/OVER"] == "a|b" and keywords["$PAR"] == "4"


def test_an_antibody_that_occurs_twice_names_no_channel(tmp_path):
    cells = read_fcs(written(tmp_path, labels=("", "CD4", "CD4", "Nd142Di")))
    assert cells.var_names.tolist() == ["Time", "Nd142Di", "Nd143Di", "Ir191Di"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_changed_has_the_same_bits(tmp_path, kind):
    """By way of an h5ad, as between two sessions."""
    path = written(tmp_path, **dict(KINDS[kind]))
    read_fcs(path).write_h5ad(tmp_path / "cells.h5ad")
    cells = anndata.read_h5ad(tmp_path / "cells.h5ad")
    write_fcs(tmp_path / "b.fcs", cells)
    assert data_of(tmp_path / "b.fcs") == data_of(path)
    again = read_fcs(tmp_path / "b.fcs")
    assert again.X.tobytes() == cells.X.tobytes() and again.X.dtype == cells.X.dtype
    before, after = (part.uns["fcs"]["keywords"]["value"].drop(["$BEGINDATA", "$ENDDATA"]) for part in (cells, again))
    assert before.to_dict() == after.reindex(before.index, fill_value="0").to_dict()


@pytest.mark.parametrize("kind", KINDS)
def test_a_prediction_leaves_the_other_channels_as_they_are(tmp_path, kind):
    cells = read_fcs(written(tmp_path, **dict(KINDS[kind])))
    predicted = cells.copy()
    predicted.X[:, 1] = cells.X[:, 1] * 0.7 - 3.25
    write_fcs(tmp_path / "b.fcs", predicted)
    again = read_fcs(tmp_path / "b.fcs")
    others = [0, 2, 3]
    assert again.X[:, others].tobytes() == cells.X[:, others].tobytes()
    np.testing.assert_allclose(again.X[:, 1], predicted.X[:, 1], rtol=1e-6)
    # A reader that cuts at $PnR cuts nothing off.
    largest = float(again.uns["fcs"]["keywords"]["value"]["$P2R"])
    assert again.X[:, 1].max() < largest


def test_a_range_that_values_pass_already_stays_with_them(tmp_path):
    """Programs write floats above $PnR; a keyword changes where a value does."""
    cells = read_fcs(written(tmp_path, changes={"$P2R": "100", "$P3R": "100"}))
    assert cells.X.max(axis=0)[1:3].min() > 100
    cells.X[7, 2] = 5000.5
    write_fcs(tmp_path / "b.fcs", cells)
    keywords = read_fcs(tmp_path / "b.fcs").uns["fcs"]["keywords"]["value"]
    assert (keywords["$P2R"], keywords["$P3R"]) == ("100", "5002")


def test_values_that_are_not_finite_stay(tmp_path):
    values = VALUES.copy()
    values[3, 0], values[4, 0] = np.nan, np.inf
    cells = read_fcs(written(tmp_path, values=values))
    write_fcs(tmp_path / "b.fcs", cells)
    assert read_fcs(tmp_path / "b.fcs").X.tobytes() == cells.X.tobytes()


def test_fewer_cells_and_channels_in_another_order(tmp_path):
    cells = read_fcs(written(tmp_path))
    write_fcs(tmp_path / "b.fcs", cells[10:30, ["CD4", "Time", "DNA1", "CD19"]])
    assert np.array_equal(read_fcs(tmp_path / "b.fcs").X, cells.X[10:30])


def test_the_way_through_an_estimator(tmp_path):
    """Read, transform the markers on the scale of arcsinh, put them back, write."""
    S, T, X = (
        read_fcs(written(tmp_path, f"{name}.fcs", VALUES * factor)) for name, factor in (("S", 1), ("T", 2), ("X", 3))
    )
    markers = X.var["marker"].to_numpy()

    def scaled(cells):
        return np.arcsinh(cells.to_df().loc[:, markers] / 5)

    editor = NeuronEditor(hidden=(8,), latent=2, epochs=1, output="residual", device="cpu")
    X.X[:, markers] = np.sinh(editor.fit_transform(scaled(S), scaled(T), scaled(X))) * 5
    write_fcs(tmp_path / "predicted.fcs", X)
    again = read_fcs(tmp_path / "predicted.fcs")
    assert np.array_equal(again.X[:, ~markers], (VALUES * 3).astype(np.float32)[:, ~markers])
    assert not np.array_equal(again.X[:, markers], (VALUES * 3).astype(np.float32)[:, markers])


# ---- keywords


def test_changed_keywords_are_written(tmp_path):
    cells = read_fcs(written(tmp_path, changes={"$DATE": "24-DEC-2025", "$CYT": "Helios"}))
    keywords = cells.uns["fcs"]["keywords"]
    keywords.loc["$CYT", "value"] = "a|b"
    keywords.loc["corrected by", "value"] = "stacked_map"
    cells.uns["fcs"]["keywords"] = keywords.drop("$DATE")
    write_fcs(tmp_path / "b.fcs", cells)
    after = read_fcs(tmp_path / "b.fcs").uns["fcs"]["keywords"]["value"]
    assert (after["$CYT"], after["CORRECTED BY"]) == ("a|b", "stacked_map") and "$DATE" not in after


@pytest.mark.parametrize(
    ("keyword", "value", "words"),
    [
        ("$TOT", "3", r"the keyword \$TOT says how values are stored"),
        ("$P2B", "16", r"the keyword \$P2B says how values are stored"),
        ("a|b", "c", "holds the file's delimiter"),
        ("$CYT", "|c", "holds the file's delimiter"),
    ],
)
def test_keywords_that_cannot_be_are_refused(tmp_path, keyword, value, words):
    cells = read_fcs(written(tmp_path))
    cells.uns["fcs"]["keywords"].loc[keyword, "value"] = value
    with pytest.raises(InputError, match=words):
        write_fcs(tmp_path / "b.fcs", cells)
    assert not (tmp_path / "b.fcs").exists()


# ---- cells from elsewhere


def test_cells_from_elsewhere_become_a_new_file(tmp_path):
    frame = pd.DataFrame(VALUES, columns=["Time", "CD19", "CD4", "DNA1"])
    write_fcs(tmp_path / "a.fcs", anndata.AnnData(frame.rename(index=str)))
    read = fcs.read_fcs(tmp_path / "a.fcs")
    assert read.channels == ("Time", "CD19", "CD4", "DNA1") and np.array_equal(read.values, VALUES.astype(np.float32))
    cells = read_fcs(written(tmp_path, "b.fcs"))[:, ["CD4", "CD19"]].copy()
    del cells.uns["fcs"]
    write_fcs(tmp_path / "c.fcs", cells)
    assert read_fcs(tmp_path / "c.fcs").var["label"].tolist() == [LABELS[2], LABELS[1]]


# ---- what is refused


def test_a_file_is_never_written_over_its_own_input(tmp_path):
    path = written(tmp_path)
    before = path.read_bytes()
    cells = read_fcs(path)
    (tmp_path / "link.fcs").symlink_to(path)
    (tmp_path / "hard.fcs").hardlink_to(path)
    for place in (path, tmp_path / "link.fcs", tmp_path / "hard.fcs", tmp_path / "." / "a.fcs"):
        with pytest.raises(InputError, match="the cells were read from this file, which stays as it is"):
            write_fcs(place, cells, overwrite=True)
    assert path.read_bytes() == before


def test_another_file_is_replaced_where_one_says_so(tmp_path):
    cells = read_fcs(written(tmp_path))
    (tmp_path / "b.fcs").write_text("mine")
    with pytest.raises(InputError, match="there is a file already; overwrite=True replaces it"):
        write_fcs(tmp_path / "b.fcs", cells)
    with pytest.raises(InputError, match="there is a folder"):
        write_fcs(tmp_path, cells, overwrite=True)
    assert (tmp_path / "b.fcs").read_text() == "mine"
    write_fcs(tmp_path / "b.fcs", cells, overwrite=True)
    assert np.array_equal(read_fcs(tmp_path / "b.fcs").X, cells.X)


def test_channels_must_be_those_of_the_file(tmp_path):
    cells = read_fcs(written(tmp_path))
    with pytest.raises(InputError, match=r"\(missing: Ir191Di, Time; more: none\); write all of them, or delete uns"):
        write_fcs(tmp_path / "b.fcs", cells[:, ["CD4", "CD19"]])
    with pytest.raises(InputError, match="there are no cells"):
        write_fcs(tmp_path / "b.fcs", cells[:0])
    twice = anndata.AnnData(VALUES[:, :2], var=pd.DataFrame({"channel": ["A", "A"]}, index=["x", "y"]))
    with pytest.raises(InputError, match="the channel 'A' occurs twice"):
        write_fcs(tmp_path / "b.fcs", twice)


def test_bad_files_are_one_sentence(tmp_path):
    (tmp_path / "a.fcs").write_text("no such thing")
    with pytest.raises(UserError, match=r"a\.fcs: this is not an FCS file"):
        read_fcs(tmp_path / "a.fcs")


@pytest.mark.parametrize("module", ["anndata", "flowio"])
def test_without_a_package_one_sentence_says_so(tmp_path, monkeypatch, module):
    path = written(tmp_path)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(NotAvailable, match=f"read_fcs needs the package '{module}': pip install 'outofsample.data.'"):
        outofsample.read_fcs(path)
