"""Rows of which an attention mask leaves nothing: PyTorch gives 0. The expected values are the module's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import load as load_onnx
from torch import nn
from torch_conversion import Converted

from fixtures.coreml_conversion import check_conversion
from paritygate.convert.routes.torch import to_coreml
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.torch import module

pytestmark = pytest.mark.xdist_group("torch")

CLOSE = {"rtol": 1e-5, "atol": 2e-6}
"""Float32 sums of a dozen terms in a different order."""

RANDOM = np.random.default_rng(0)
FEED = {
    "x": RANDOM.normal(size=(2, 3, 5, 4)).astype(np.float32),
    "mask": np.array([[1, 1, 0, 1, 0], [0, 0, 0, 0, 0]], np.int64),  # one row of each kind
}
ROWS = [{name: array[i : i + 1] for name, array in FEED.items()} for i in range(2)]


class Masked(nn.Module):
    def forward(self, x, mask):
        allowed = mask.bool()[:, None, None, :].expand(-1, 1, x.shape[2], -1)
        return nn.functional.scaled_dot_product_attention(x, x, x, attn_mask=allowed)


class Plain(nn.Module):
    def forward(self, x, mask):
        return nn.functional.scaled_dot_product_attention(x, x, x, attn_mask=mask[:, None, None, :].float())


@pytest.mark.parametrize("opset", [18, 23])
def test_a_row_without_anything_to_attend_to_is_0_in_onnx(opset: int, tmp_path: Path):
    model = module.load(Masked().eval(), LoadOptions(example=FEED))
    converted = Converted(model, tmp_path / "model.onnx", opset)
    (result,) = converted.agrees_on(FEED).values()
    assert np.isfinite(result).all()
    assert not result[1].any()
    operators = {node.op_type for node in load_onnx(tmp_path / "model.onnx").graph.node}
    assert ("Softmax" in operators) == (opset < 23)


@pytest.mark.parametrize("network", [Masked, Plain])
@pytest.mark.parametrize("suffix", [".mlpackage", ".mlmodel"])
def test_a_row_without_anything_to_attend_to_is_0_in_core_ml(network: type[nn.Module], suffix: str, tmp_path: Path):
    model = module.load(network().eval(), LoadOptions(example=FEED))
    check_conversion(to_coreml.convert, model, tmp_path / f"made{suffix}", *ROWS, tolerance=CLOSE)


def test_the_module_itself_gives_0():
    x, mask = (torch.from_numpy(FEED[name]) for name in ("x", "mask"))
    assert not Masked()(x, mask)[1].any()
