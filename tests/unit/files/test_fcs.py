"""FCS files: round trips, the real files, markers by rule, and one clear sentence for each bad file."""

import warnings
from pathlib import Path

import fcsparser
import flowio
import numpy as np
import pytest

from outofsample.datasets.cytonorm import MARKERS
from outofsample.errors import UserError
from outofsample.files import fcs
from outofsample.files.panels import reconcile

CONTROLS = Path(__file__).parents[4] / "shared" / "data" / "cytonorm_controls"
needs_controls = pytest.mark.skipif(not CONTROLS.is_dir(), reason=f"the real control files are not at {CONTROLS}")

CHANNELS = ("Time", "Nd142Di", "Nd143Di", "Ir191Di")
LABELS = ("", "142Nd_CD19", "143Nd_CD4", "191Ir_DNA1")


def write(path, channels=CHANNELS, labels=LABELS, cells=5, values=None):
    if values is None:
        values = np.random.default_rng(0).gamma(1, 20, (cells, len(channels)))
    fcs.write_fcs(path, values, channels, labels)
    return path


def panel(name, channels, labels):
    values = np.arange(2.0 * len(channels), dtype=np.float32).reshape(2, -1)
    return fcs.FcsFile(name, values, tuple(channels), tuple(labels))


@pytest.mark.parametrize("cells", [2, 3, 1000])
def test_values_names_and_labels_survive_a_round_trip(tmp_path, cells):
    values = np.random.default_rng(1).normal(0, 1e4, (cells, 4)).astype(np.float32)
    labels = ("", "CD8/CD4", "TNFα", "a label, with, commas")
    read = fcs.read_fcs(write(tmp_path / "a.fcs", labels=labels, values=values))
    assert read.values.dtype == np.float32 and np.array_equal(read.values, values)
    assert read.channels == CHANNELS
    assert read.labels == labels


def test_labels_that_are_not_unique_do_not_change_the_channel_names(tmp_path):
    read = fcs.read_fcs(write(tmp_path / "a.fcs", labels=("", "CD45", "CD45", "")))
    assert read.channels == CHANNELS
    assert fcs.select_markers(read)[1] == ("Nd142Di", "Nd143Di")


def test_files_of_a_cytometer_are_read_with_the_highest_byte_first():
    """As BD's machines write them; fcsparser brings such a file, and numpy 2 lacks what it turns the bytes with."""
    path = fcsparser.test_sample_path
    assert fcsparser.parse(path, meta_data_only=True)["$BYTEORD"] == "4,3,2,1"
    read = fcs.read_fcs(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = np.reshape(flowio.FlowData(path).events, read.values.shape)
    assert len(read.values) == 14945 and type(read.values) is np.ndarray
    np.testing.assert_array_equal(read.values, np.asarray(other, np.float32))


@pytest.mark.parametrize("first", ["1,2,3,4", "4,3,2,1"])
def test_whole_numbers_of_several_widths_are_read_in_either_order_of_bytes(tmp_path, first):
    """The other branch of the reader: channels of 2 and 4 bytes, with more bits than their range has."""
    values = np.array([[1, 2], [513, 70_000], [1023, 16_777_215]])
    order = ">" if first.startswith("4") else "<"
    data = np.array([*map(tuple, values)], [("a", f"{order}u2"), ("b", f"{order}u4")]).tobytes()
    words = {"$BYTEORD": first, "$DATATYPE": "I", "$MODE": "L", "$PAR": 2, "$TOT": 3, "$NEXTDATA": 0}
    words |= {"$P1B": 16, "$P1E": "0,0", "$P1N": "A", "$P1R": 1024, "$P2B": 32, "$P2E": "0,0", "$P2N": "B"}
    words |= {"$P2R": 16_777_216, "$BEGINDATA": 512, "$ENDDATA": 512 + len(data) - 1}
    text = "/" + "".join(f"{name}/{value}/" for name, value in words.items())
    places = (58, 58 + len(text) - 1, 512, 512 + len(data) - 1, 0, 0)
    header = "FCS3.0    " + "".join(f"{place:>8}" for place in places)
    (tmp_path / "a.fcs").write_bytes((header + text).ljust(512).encode() + data)
    np.testing.assert_array_equal(fcs.read_fcs(tmp_path / "a.fcs").values, values)


@needs_controls
def test_real_files_come_out_with_one_panel_and_the_markers_of_the_package():
    panels = [fcs.read_fcs(path) for path in sorted(CONTROLS.glob("*.fcs"))]
    assert [file.values.shape for file in panels] == [(1000, 55)] * 6
    assert len({file.channels for file in panels}) == 1
    reconciled = reconcile(panels)
    assert len({(file.channels, file.labels) for file in reconciled}) == 1
    for file in panels:
        assert fcs.select_markers(file)[1] == MARKERS


@needs_controls
def test_a_real_file_survives_a_round_trip(tmp_path):
    real = fcs.read_fcs(min(CONTROLS.glob("*.fcs")))
    fcs.write_fcs(tmp_path / "copy.fcs", real.values, real.channels, real.labels)
    copy = fcs.read_fcs(tmp_path / "copy.fcs")
    assert np.array_equal(copy.values, real.values)
    assert (copy.channels, copy.labels) == (real.channels, real.labels)


def test_transform():
    out = fcs.transform(np.array([[0.0, 5.0, 50.0]]), fcs.COFACTORS["mass"])
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, np.arcsinh([[0.0, 1.0, 10.0]]), rtol=1e-6)


def bad_files(folder):
    """Return what is wrong -> (path, words that its sentence must hold)."""
    good = write(folder / "good.fcs", cells=100).read_bytes()
    begin = len(good) - 100 * 4 * 4
    contents = {
        "empty": (b"", ("empty", "0 bytes")),
        "text": (b"cell,CD4\n1,2\n" * 20, ("not an FCS file",)),
        "magic_only": (b"FCS3.1", ("truncated",)),
        "cut_in_text": (good[: begin - 40], ("truncated",)),
        "cut_in_data": (good[: begin + 50 * 16 + 3], ("truncated", "100 cells", "holds 50")),
        "damaged": (good[:58] + b" " * (len(good) - 58), ("damaged",)),
    }
    cases = {"missing": (folder / "missing.fcs", ("does not exist",)), "folder": (folder, ("folder",))}
    for name, (content, words) in contents.items():
        path = folder / f"{name}.fcs"
        path.write_bytes(content)
        cases[name] = (path, words)
    cases["one"] = (write(folder / "one.fcs", cells=1), ("1 cell;", "at least 2"))
    cases["none"] = (write(folder / "none.fcs", cells=0), ("0 cells",))
    cases["twice"] = (write(folder / "twice.fcs", channels=("A", "B", "B", "C")), ("'B' occurs twice",))
    return cases


def test_each_bad_file_gives_one_sentence_that_names_it(tmp_path):
    for name, (path, words) in bad_files(tmp_path).items():
        with pytest.raises(UserError) as caught:
            fcs.read_fcs(path)
        message = str(caught.value)
        assert message.startswith(f"{path}: "), name
        assert message.endswith(".") and "\n" not in message, name
        for word in words:
            assert word in message, name


@pytest.mark.parametrize(
    ("channel", "label", "marker"),
    [
        ("Nd142Di", "142Nd_CD19", True),
        ("Nd142Di", "CD235ab_CD61", True),
        ("Gd156Di", "DNAM1", True),
        ("Y89Di", "89Y_CD45", True),
        ("FITC-A", "CD3", True),
        ("Time", "Time", False),
        ("Event_length", "", False),
        ("Cell_length", "Cell_length", False),
        ("Center", "Center", False),
        ("Residual", "", False),
        ("Ir191Di", "191Ir_DNA1", False),
        ("Ir193Di", "CD45", False),
        ("Pd102Di", "BC1", False),
        ("Pd105Di", "CD45", False),
        ("Ce140Di", "140Ce_EQ_Beads", False),
        ("beadDist", "beadDist", False),
        ("Pt195Di", "195Pt_Viability", False),
        ("Pt198Di", "Cisplatin", False),
        ("Dy161Di", "", False),
        ("Dy161Di", "161Dy", False),
        ("Dy161Di", "Dy161Di", False),
        ("BCKG190Di", "190BCKG", False),
        ("FSC-A", "FSC-A", False),
        ("SSC-W", "SSC-W", False),
        ("SS Log", "", False),
        ("TIME2", "Time MSW", False),
        ("HDR-T", "HDR-T", False),
        ("SORT", "Sort Classifier", False),
        ("Event #", "Event #", False),
        ("Width", "", False),
        ("Ce140Di", "140Ce_EQ4", False),
    ],
)
def test_the_rule_for_markers(channel, label, marker):
    file = panel("a.fcs", ["Er170Di", channel], ["CD3x", label])
    assert fcs.is_marker(file).tolist() == [True, marker]


def test_without_any_label_all_channels_that_are_not_technical_are_markers():
    file = panel("a.fcs", ["Time", "FSC-A", "FITC-A", "PE-A"], ["", "", "", ""])
    assert fcs.select_markers(file)[1] == ("FITC-A", "PE-A")


def test_include_chooses_and_exclude_takes_away():
    file = panel("a.fcs", CHANNELS, LABELS)
    assert fcs.select_markers(file) == ([1, 2], ("CD19", "CD4"))
    assert fcs.select_markers(file, include=["CD4", "Time", "142Nd_CD19"]) == ([2, 0, 1], ("CD4", "Time", "CD19"))
    assert fcs.select_markers(file, exclude=["Nd142Di"]) == ([2], ("CD4",))


def test_unknown_markers_are_all_named_with_the_nearest_one():
    file = panel("a.fcs", CHANNELS, LABELS)
    with pytest.raises(UserError, match=r"include: .*'CD91' \(did you mean 'CD19'\?\).*exclude: .*'xyzzy' in a\.fcs"):
        fcs.select_markers(file, include=["CD91"], exclude=["xyzzy"])


def test_no_marker_left():
    with pytest.raises(UserError, match=r"a\.fcs: no marker is left"):
        fcs.select_markers(panel("a.fcs", CHANNELS, LABELS), exclude=["CD4", "CD19"])
