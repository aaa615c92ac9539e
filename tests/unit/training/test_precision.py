"""Training in bfloat16: float32 weights, the same bits each time, scores within the spread of seeds; who does it."""

import re

import numpy as np
import pytest
import torch

from outofsample import registry
from outofsample.training import losses, precision
from outofsample.training.precision import choose_precision, instructions_in
from outofsample.training.run import Run
from tests.conftest import QUERY, ROOT, planted
from tests.unit.methods.test_method_contract import SMALL

#: Everything that trains in our own loop.
NETWORKS = sorted(set(SMALL) - {"scvi"})


def fitted(model: str, precision: str, seed: int = 0, **settings):
    data, _ = planted()
    return registry.create("models", model, {**SMALL[model], **settings, "precision": precision}).fit(data, seed)


def tensors(state) -> list[torch.Tensor]:
    """Return all floating-point tensors of a nested state."""
    if isinstance(state, torch.Tensor):
        return [state] if state.is_floating_point() else []
    parts = state.values() if isinstance(state, dict) else state if isinstance(state, list | tuple) else []
    return [tensor for part in parts for tensor in tensors(part)]


def weights(model) -> np.ndarray:
    return np.concatenate([tensor.numpy().ravel() for tensor in tensors(model.as_tensors())])


@pytest.mark.parametrize("model", NETWORKS)
def test_weights_and_losses_stay_float32_and_bits_repeat(model):
    one, same, full = (fitted(model, precision, epochs=3) for precision in ("bfloat16", "bfloat16", "float32"))
    assert {tensor.dtype for tensor in tensors(one.as_tensors())} == {torch.float32}
    assert np.isfinite(weights(one)).all()
    np.testing.assert_array_equal(weights(one), weights(same))
    # It does something: other bits than in float32.
    assert not np.array_equal(weights(one), weights(full))


@pytest.mark.parametrize(("method", "model"), [("neuron_editing", "autoencoder"), ("trvae", "trvae")])
def test_scores_change_no_more_than_between_seeds(method, model):
    data, truth = planted()
    cells = data.X[data.is_query(QUERY)]

    def errors(precision):
        found = []
        for seed in range(3):
            entry = registry.find("methods", method)
            predictor = entry(entry.Settings(), fitted(model, precision, seed)).attach(data, seed)
            found.append(np.abs(predictor.transform(cells, QUERY).X.mean(axis=0) - truth.mean(axis=0)).mean())
        return np.array(found)

    full, half = errors("float32"), errors("bfloat16")
    assert abs(half.mean() - full.mean()) <= np.ptp(full)


def test_losses_do_not_lose_digits_where_the_layers_do():
    torch.manual_seed(0)
    x, condition = torch.randn(64, 8), torch.arange(64) % 2
    expected = losses.pairwise_mmd(x, condition, 2, (1.0, 10.0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = losses.pairwise_mmd(x, condition, 2, (1.0, 10.0))
        assert (x @ x.T).dtype == torch.bfloat16
    assert torch.equal(found, expected)


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="precision must be 'auto', 'float32' or 'bfloat16', not 'float16'"):
        registry.find("models", "autoencoder").Settings(precision="float16")


# ---- auto

CPU = torch.device("cpu")
#: What Linux says of two cores: a laptop's with AVX2 alone, and servers' with the one, the other or both instructions.
AVX2 = (
    "processor\t: {}\nmodel name\t: An avx512_bf16 maker\nflags\t\t: fpu sse2 fma avx avx2 avx_vnni\nbugs\t: amx_bf16\n"
)
KINDS = {
    "AVX512-BF16": AVX2.replace("avx2", "avx2 avx512f avx512_bf16"),
    "AVX512-BF16 and AMX-BF16": AVX2.replace("avx2", "avx2 avx512f avx512_bf16").replace(
        "avx_vnni", "amx_bf16 amx_tile"
    ),
}
#: Without the names that some of these flags begin with.
LOOKALIKES = AVX2.replace("avx2", "avx2 avx512f avx512_vbmi amx_int8 avx512_bf16x")


@pytest.fixture
def processor(tmp_path, monkeypatch):
    """Put a text in the place of /proc/cpuinfo."""

    def plant(text):
        monkeypatch.setattr(precision, "CPUINFO", tmp_path / "cpuinfo")
        (tmp_path / "cpuinfo").write_text(text.format(0) + "\n" + text.format(1))

    return plant


@pytest.mark.parametrize("by", KINDS)
def test_auto_is_bfloat16_where_the_flags_name_its_instructions(by, processor, capsys):
    processor(KINDS[by])
    assert choose_precision("auto", CPU) == "bfloat16"
    assert capsys.readouterr().out == f"precision: auto is bfloat16 (by {by}).\n"
    assert choose_precision("bfloat16", CPU) == "bfloat16"
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("text", [AVX2, LOOKALIKES, "processor\t: {}\nFeatures\t: fp asimd\n", ""])
def test_auto_is_float32_elsewhere(text, processor, capsys):
    processor(text)
    assert choose_precision("auto", CPU) == "float32"
    assert capsys.readouterr().out == "precision: auto is float32 (nothing here multiplies bfloat16).\n"


def test_all_cores_must_have_the_instructions():
    assert instructions_in(AVX2.format(0) + KINDS["AVX512-BF16"].format(1)) == []


def test_bfloat16_that_is_emulated_is_warned_of_with_its_price(processor, capsys):
    processor(AVX2)
    assert choose_precision("bfloat16", CPU) == "bfloat16"
    warning = capsys.readouterr().err
    assert "44 times as long" in warning and "6.5 times" in warning and "set 'precision: auto'" in warning
    assert choose_precision("float32", CPU) == "float32"
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("capability", "chosen"), [((7, 5), "float32"), ((8, 0), "bfloat16"), ((9, 0), "bfloat16")])
def test_of_gpus_the_generation_decides(capability, chosen, monkeypatch):
    """From Ampere on; torch says that older ones have it too, and emulates it."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.version, "hip", None)
    assert choose_precision("auto", torch.device("cuda")) == chosen


@pytest.mark.parametrize(("text", "chosen"), [(AVX2, "float32"), (KINDS["AVX512-BF16"], "bfloat16")])
def test_auto_trains_the_bits_of_what_it_chose_and_the_history_says_so(text, chosen, processor):
    processor(text)
    auto, asked = fitted("autoencoder", "auto", epochs=2), fitted("autoencoder", chosen, epochs=2)
    np.testing.assert_array_equal(weights(auto), weights(asked))
    assert [row["precision"] for row in auto.history] == [chosen, chosen]


def test_a_checkpoint_in_another_precision_is_not_gone_on_with(tmp_path, processor, capsys):
    """On a cluster the next attempt can come to another processor."""
    data, _ = planted()
    run = Run(checkpoint=tmp_path / "checkpoint.pt", fingerprint="same", checkpoint_seconds=0)
    settings = {**SMALL["autoencoder"], "precision": "auto", "patience": None}

    def fit(epochs, run=run):
        return registry.create("models", "autoencoder", {**settings, "epochs": epochs}).fit(data, 0, run)

    processor(KINDS["AVX512-BF16"])
    fit(1)
    processor(AVX2)
    resumed, undisturbed = fit(2), fit(2, Run())
    assert resumed.history == undisturbed.history
    np.testing.assert_array_equal(weights(resumed), weights(undisturbed))
    assert "Resumed" not in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted(ROOT.glob("studies/*.yaml")), ids=lambda path: path.stem)
def test_studies_leave_the_choice_to_the_processor(path):
    """Where bfloat16 is emulated a training takes 6.5 times as long."""
    assert not re.search(r"precision: *[\"']?bfloat16", path.read_text())
