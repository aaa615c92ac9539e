"""FCS comes back with the predicted channels changed alone."""

import fcsparser
import flowio
import numpy as np
import pytest

from outofsample.errors import UserError
from outofsample.files import fcs, fcs_data
from outofsample.files.fcs_text import read_text
from outofsample.own.write_back import write_back
from tests.unit.files.fcs_bytes import fcs_bytes as made
from tests.unit.own.small_study import (
    CHANNELS,
    FCS_FILES,
    LABELS,
    dataset,
    paths,
    predict,
    values,
    write_fcs_files,
    written,
)


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
    # Doubles stay doubles: as floats, channels that are not predicted would lose digits.
    assert changed == ({f"$P{number}B" for number in range(1, 5)} if kind == "I" else set())
    assert meta["My_Key"] == "spaces  and CASE" and meta["$DATATYPE"] == {"I": "F", "D": "D"}[kind]
    np.testing.assert_allclose(as_flowio_reads(path), after.values)


#: How a file stores numbers that 32-bit floats would round, and those of its first channel, which is not predicted.
FINE = {
    "doubles": ({"kind": "D", "bits": 64}, np.arange(20) + 1 / 3),
    "large integers": ({"kind": "I", "bits": 32, "changes": {"$P1R": str(2**32)}}, 2.0**31 + np.arange(20)),
}


@pytest.mark.parametrize("kind", FINE)
def test_channels_that_are_not_predicted_keep_all_their_digits(folder, tmp_path, kind):
    write_fcs_files(folder)
    how, first = FINE[kind]
    stored = np.column_stack([first, np.round(values(20, 3, 1))])
    (folder / "patient_before.fcs").write_bytes(made(stored, **how))
    (path,) = written(dataset(folder, files=FCS_FILES), folder, tmp_path)
    text = read_text(path)
    after = fcs_data.decode(text, fcs_data.channels_of(text))
    assert np.array_equal(after["0"], first) and len(np.unique(after["0"])) == 20
    assert np.array_equal(after["3"], stored[:, 3])
    np.testing.assert_allclose(after["1"], np.sinh(np.arcsinh(stored[:, 1] / 5) + 1) * 5, rtol=1e-4)


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
    old, new = keywords(controls / path.name), keywords(path)
    raised = {key for key in old if old[key] != new[key]}
    assert old.keys() == new.keys() and raised <= {f"$P{column + 1}R" for column in columns}
    assert all(int(new[key]) > int(old[key]) for key in raised)
    np.testing.assert_allclose(as_flowio_reads(path), after.values)


FORMS = {
    "blank header": {"header": lambda begin, end: (" " * 8, " " * 8)},
    "lower case": {"text": lambda pairs: [(key.lower(), value) for key, value in pairs]},
    "no $MODE, no $NEXTDATA": {"changes": {"$MODE": None, "$NEXTDATA": None}},
    "empty value": {"text": lambda pairs: [*pairs, ("$P1S", ""), ("Operator", "")]},
    "supplement in TEXT": {"changes": {"$BEGINSTEXT": "60", "$ENDSTEXT": "300"}},
    "further data": {"changes": {"$NEXTDATA": "4000"}, "behind": b"\0" * 5000},
    "one type": {"changes": {"$P4DATATYPE": "F"}, "version": "FCS3.2"},
    "integers": {"kind": "I", "bits": 16},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_that_is_read_comes_back_for_other_readers(folder, tmp_path, form):
    write_fcs_files(folder)
    whole = np.round(values(20, 4, 1))
    (folder / "patient_before.fcs").write_bytes(made(whole, **FORMS[form]))
    (path,) = written(dataset(folder, files=FCS_FILES), folder, tmp_path)
    after = fcs.read_fcs(path)
    assert (after.channels, after.labels) == (CHANNELS, LABELS)
    assert np.array_equal(after.values[:, [0, 3]], whole[:, [0, 3]])
    np.testing.assert_allclose(after.values[:, 1:3], np.sinh(np.arcsinh(whole[:, 1:3] / 5) + 1) * 5, rtol=1e-4)
    assert np.array_equal(as_flowio_reads(path), after.values)
    if form != "lower case":
        _, table = fcsparser.parse(str(path), channel_naming="$PnN")
        assert np.array_equal(table.to_numpy(), after.values) and tuple(table) == CHANNELS


def test_the_range_is_raised_where_a_prediction_passes_it(folder, tmp_path):
    write_fcs_files(folder)
    before = values(20, 4, 1)
    ranges = {"$P1R": "1", "$P2R": str(int(before[:, 1].max()) + 2), "$P3R": "262144"}
    (folder / "patient_before.fcs").write_bytes(made(before, changes=ranges))
    (path,) = written(dataset(folder, files=FCS_FILES), folder, tmp_path)
    meta, after = keywords(path), fcs.read_fcs(path).values
    assert [int(meta[f"$P{n}R"]) for n in (1, 3)] == [1, 262144]
    assert after[:, 1].max() <= int(meta["$P2R"]) - 1 < after[:, 1].max() + 2


def test_logarithmic_channels_come_back_linear(folder, tmp_path):
    write_fcs_files(folder)
    stored = np.round(values(20, 4, 1))
    content = made(stored, "I", 16, changes={"$P1E": "4,1", "$P1R": "1024", "$P2E": "2,1", "$P2R": "1024"})
    (folder / "patient_before.fcs").write_bytes(content)
    (path,) = written(dataset(folder, files=FCS_FILES), folder, tmp_path, change=0.0)
    expected = stored.copy()
    expected[:, 0] = 10 ** (4 * stored[:, 0] / 1024)
    expected[:, 1] = 10 ** (2 * stored[:, 1] / 1024)
    np.testing.assert_allclose(as_flowio_reads(path), expected, rtol=1e-4)
    assert keywords(path)["$P1E"] == keywords(path)["$P2E"] == "0,0"


def test_a_channel_that_is_called_otherwise_in_one_file_comes_back_as_it_was(folder, tmp_path, capsys):
    write_fcs_files(folder)
    labels = ("", "", "", "")
    for number, file in enumerate(FCS_FILES):
        channels = ("Time", "PE-CY7-A" if number == 1 else "PE-Cy7-A", "FITC-A", "HDR-T")
        fcs.write_fcs(folder / file["path"], values(20, 4, number), channels, labels)
    data = dataset(folder, files=FCS_FILES, rename={"PE-CY7-A": "PE-Cy7-A"})
    assert data.load(paths(data, folder)).var_names.tolist() == ["PE-Cy7-A", "FITC-A"]
    said = capsys.readouterr().out
    assert "channels: 2 used, 2 left out" in said and "left out: the event and its pulse" in said
    (path,) = written(data, folder, tmp_path)
    assert fcs.read_fcs(path).channels == ("Time", "PE-Cy7-A", "FITC-A", "HDR-T")
    data = dataset(folder, files=FCS_FILES, rename={"PE-CY8-A": "PE-Cy7-A"})
    with pytest.raises(UserError, match="rename: there is no 'PE-CY8-A'"):
        data.load(paths(data, folder))
