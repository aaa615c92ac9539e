"""Figure 2 of trVAE: the layer after the bottleneck, and what is said where there is none."""

import anndata
import pytest

from outofsample.errors import UserError
from outofsample.figures import matched_layer
from outofsample.metrics.mixing import mixing
from tests.unit.figures.drawn import texts
from tests.unit.figures.kang import load


def test_the_matched_layer_says_how_conditions_mix(kang_files, quick):
    methods = ("trvae", "cvae", "no_change", "scvi")
    data = load(kang_files, methods)
    layers = matched_layer.read_layers(
        data, kang_files / "train.h5ad", [kang_files / f"{name}.h5ad" for name in methods]
    )
    trvae, cvae, unmatched, absent = layers
    assert len(trvae.units) == 120 and list(trvae.domain) == list(cvae.domain)
    assert set(trvae.condition) == {"control", "day3", "day10"}
    shown = texts(matched_layer.matched_layers(data, layers))
    mixed = [mixing(layer.units, layer.condition, layer.domain) for layer in (trvae, cvae)]
    assert mixed[0] > mixed[1] + 0.3
    assert f"conditions mixed: {mixed[0]:.2f}" in shown and f"conditions mixed: {mixed[1]:.2f}" in shown
    assert "NK (query)" in shown and "no layer after its bottleneck" in unmatched.why
    assert "not run: needs counts" in shown and absent.units is None


def test_a_file_without_own_conditions_says_so(kang_files, tmp_path, quick):
    part = anndata.read_h5ad(kang_files / "trvae.h5ad")
    part[part.obs["role"] != "self"].copy().write_h5ad(tmp_path / "trvae.h5ad")
    data = load(kang_files, ("trvae",))
    layers = matched_layer.read_layers(data, kang_files / "train.h5ad", [str(tmp_path / "trvae.h5ad")])
    assert "too few training cells" in layers[0].why
    assert "too few training cells" in texts(matched_layer.matched_layers(data, layers))


def test_cells_that_training_does_not_have_are_an_error(kang_files, tmp_path):
    part = anndata.read_h5ad(kang_files / "trvae.h5ad")
    part.obs["cell"] = part.obs["cell"].astype(str).where(part.obs["role"] != "self", "nobody")
    part.write_h5ad(tmp_path / "trvae.h5ad")
    with pytest.raises(UserError, match="no cell 'nobody'"):
        matched_layer.read_layers(
            load(kang_files, ("trvae",)), kang_files / "train.h5ad", [str(tmp_path / "trvae.h5ad")]
        )
