"""FCS: files in all the forms that programs write, and damaged ones."""

import warnings

import fcsparser
import flowio
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from outofsample.files import fcs
from outofsample.own.predicted import Predicted
from outofsample.own.writers.fcs import write
from tests.fuzz.bed import bounded, examples
from tests.unit.files.fcs_bytes import fcs_bytes

#: Letters of names: what means something to a shell, to HTML, to a path or to the format among them.
LETTERS = st.sampled_from([*"abcXYZ019 -_.+#$()<>&;'\"`{}[]%*?~é", "\u00b5"])
NAME = st.text(LETTERS, min_size=1, max_size=12).map(str.strip).filter(bool)
KINDS = [("F", 32), ("D", 64), ("I", 8), ("I", 16), ("I", 32), ("I", 64)]


@st.composite
def forms(draw):
    """Return how a file is written (arguments of `fcs_bytes`) and its values (cells, channels)."""
    (kind, bits), cells, channels = draw(st.sampled_from(KINDS)), draw(st.integers(2, 9)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = rng.integers(0, 2 ** min(bits, 18), (cells, channels))
    if kind != "I":
        values = rng.normal(0, 10.0 ** rng.integers(-3, 6), (cells, channels)).astype("f4")
    names = draw(st.lists(NAME, min_size=channels, max_size=channels, unique=True))
    labels = draw(st.lists(st.one_of(st.just(""), NAME), min_size=channels, max_size=channels))
    delimiter = draw(st.sampled_from("|/\\\f!\x1e"))
    names, labels = ([text.replace(delimiter, delimiter * 2) for text in texts] for texts in (names, labels))
    changes = {key: None for key in ("$MODE", "$NEXTDATA", "$BEGINSTEXT", "$ENDSTEXT") if draw(st.booleans())}
    changes |= {"COMMENT": draw(NAME).replace(delimiter, delimiter * 2)} if draw(st.booleans()) else {}
    if kind == "I" and draw(st.booleans()):
        largest = 2 ** draw(st.integers(1, min(bits, 18)))
        changes |= {f"$P{number}R": str(largest) for number in range(1, channels + 1)}
        values = values & (largest - 1)
    order, lower, seed = draw(st.sampled_from("<>")), draw(st.booleans()), draw(st.integers(0, 99))

    def text(pairs):
        mixed = [pairs[place] for place in np.random.default_rng(seed).permutation(len(pairs))]
        return [(key.lower() if lower else key, value) for key, value in mixed]

    header = draw(st.sampled_from([None, lambda *_: (0, 0), lambda *_: (" " * 8, " " * 8)]))
    form = {"kind": kind, "bits": bits, "order": order, "channels": names, "labels": labels, "delimiter": delimiter}
    return {**form, "changes": changes, "text": text, "header": header, "behind": draw(st.binary(max_size=20))}, values


def second_reader(path):
    """Return the stored values that FlowIO, or else fcsparser, reads; None where neither reads the file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with path.open("rb") as file:
                read = flowio.FlowData(file, nextdata_offset=0)
            return np.reshape(read.events, (-1, read.channel_count))
        except Exception:
            pass
        try:
            return fcsparser.parse(str(path), channel_naming="$PnN")[1].to_numpy()
        except Exception:
            return None


def read_and_written(path, out):
    """Return what is read, and what FlowIO and we then read of what came back, with one more in the first channel."""
    read = fcs.read_fcs(path)
    fcs.check_finite(path, read, range(len(read.channels)))
    rows = np.arange(len(read.values))
    write(path, out / path.name, Predicted(rows, read.values[:, :1] + 1, read.channels[:1], {}), None)
    with (out / path.name).open("rb") as file:
        back = flowio.FlowData(file)
    return read, np.reshape(back.events, (-1, back.channel_count)), fcs.read_fcs(out / path.name)


def check_back(read, back, again):
    np.testing.assert_allclose(back[:, 0], read.values[:, 0] + np.float32(1), rtol=1e-6)
    # What is not predicted keeps all digits of a file of doubles.
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(back[:, 1:].astype("f4"), read.values[:, 1:])
    assert (again.channels, again.labels) == (read.channels, read.labels)


def test_forms_of_files(tmp_path, record_property):
    with bounded("fcs", tmp_path, record_property) as bed:

        @examples("fcs")
        @given(forms(), st.integers(0, 9))
        def check(made, harm):
            form, values = made
            content = fcs_bytes(values, **form)
            # One in five: TEXT ends too early, the header names another place, or the data are cut off.
            if harm == 0:
                content = content[: -1 - len(form["behind"])]
            elif harm == 1:
                content = content[:26] + b"%8d" % (int(content[18:26]) + 5) + content[34:]
            path = bed.fresh() / "a.fcs"
            path.write_bytes(content)
            found = bed.outcome(lambda: read_and_written(path, bed.out), str(path))
            if found is not None:
                read, back, again = found
                np.testing.assert_array_equal(read.values, values.astype("f4"))
                unescaped = [name.replace(form["delimiter"] * 2, form["delimiter"]) for name in form["channels"]]
                assert list(read.channels) == unescaped
                check_back(read, back, again)

        check()


WHOLE = [
    fcs_bytes(np.random.default_rng(0).gamma(1, 20, (30, 4)), "F", 32),
    fcs_bytes(np.random.default_rng(1).integers(0, 900, (30, 4)), "I", 16, order=">"),
    fcs_bytes(np.random.default_rng(2).gamma(1, 20, (30, 4)), "D", 64, delimiter="/", supplement="/A/b/"),
]
PLACE = st.integers(0, 700)
HARMS = st.one_of(
    st.tuples(st.just("byte"), PLACE, st.integers(0, 255)),
    st.tuples(st.just("cut"), st.integers(0, 2000), st.just(0)),
    st.tuples(st.just("out"), PLACE, st.integers(1, 40)),
    st.tuples(st.just("in"), PLACE, st.integers(1, 40)),
    st.tuples(st.just("digits"), PLACE, st.integers(0, 10**9)),
)


def harmed(content, harm):
    """Return the bytes of a file after one more harm."""
    kind, place, number = harm
    if kind == "byte":
        return content[:place] + bytes([number]) + content[place + 1 :]
    if kind == "cut":
        return content[:place]
    if kind == "out":
        return content[:place] + content[place + number :]
    if kind == "in":
        return content[:place] + content[place : place + number] + content[place:]
    digits = str(number).encode()
    return content[:place] + digits + content[place + len(digits) :]


def test_damaged_files(tmp_path, record_property):
    with bounded("fcs_damaged", tmp_path, record_property) as bed:

        @examples("fcs_damaged")
        @given(st.sampled_from(WHOLE), st.lists(HARMS, min_size=1, max_size=3))
        def check(content, harms):
            for harm in harms:
                content = harmed(content, harm)
            path = bed.fresh() / "a.fcs"
            path.write_bytes(content)
            found = bed.outcome(lambda: read_and_written(path, bed.out), str(path))
            if found is None:
                return
            read, back, again = found
            other = second_reader(path)
            if other is None or "without a second opinion" in bed.said:
                assert "without a second opinion" in bed.said
            elif "made linear" not in bed.said:
                with np.errstate(over="ignore"):
                    np.testing.assert_array_equal(read.values, other.astype("f4"))
            check_back(read, back, again)

        check()
