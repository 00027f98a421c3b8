"""Modules built by ``package.module:callable`` or ``file.py:callable``, with weights from a file."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fixtures.pickles import Bomb
from fixtures.torch_modules import F32, example
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.torch import module
from paritygate.validate.errors import ParityGateError

pytestmark = pytest.mark.xdist_group("torch")

FACTORY = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 5), nn.Linear(5, 2)

    def forward(self, x):
        return self.second(self.first(x).relu())

def make():
    return Net()

def broken():
    raise RuntimeError("no such checkpoint")
"""


@pytest.fixture
def factory(tmp_path) -> str:
    (tmp_path / "my_net.py").write_text(FACTORY)
    return f"{tmp_path / 'my_net.py'}"


X = example(x=np.ones((2, 4), np.float32))


def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    first, second = nn.Linear(4, 5).state_dict(), nn.Linear(5, 2).state_dict()
    return {f"first.{key}": value for key, value in first.items()} | {f"second.{k}": v for k, v in second.items()}


def test_factory_with_weights(factory, tmp_path):
    weights = state()
    torch.save(weights, tmp_path / "w.pt")
    model = module.load(f"{factory}:make", LoadOptions(example=X.example, weights=tmp_path / "w.pt"))
    x = np.ones((3, 4), np.float32)
    hidden = np.maximum(x @ weights["first.weight"].numpy().T + weights["first.bias"].numpy(), 0)
    expected = hidden @ weights["second.weight"].numpy().T + weights["second.bias"].numpy()
    np.testing.assert_allclose(model.run({"x": x})["output"], expected, **F32)


WRONG_WEIGHTS = {
    "missing": ({"first.weight": None}, "missing: first.weight"),
    "unexpected": ({"third.bias": torch.ones(1)}, "unexpected: third.bias"),
    "shape": ({"first.bias": torch.ones(7)}, "different shape: first.bias"),
}


@pytest.mark.parametrize("name", WRONG_WEIGHTS)
def test_weights_that_do_not_fit_are_listed(name, factory, tmp_path):
    change, expected = WRONG_WEIGHTS[name]
    weights = {key: value for key, value in (state() | change).items() if value is not None}
    torch.save(weights, tmp_path / "w.pt")
    with pytest.raises(ParityGateError) as caught:
        module.load(f"{factory}:make", LoadOptions(example=X.example, weights=tmp_path / "w.pt"))
    assert caught.value.code == "PG402"
    assert expected in caught.value.cause


def test_weights_with_code_are_refused(factory, tmp_path):
    torch.save({"first.weight": Bomb(tmp_path / "mark")}, tmp_path / "w.pt")
    with pytest.raises(ParityGateError, match="PG501"):
        module.load(f"{factory}:make", LoadOptions(example=X.example, weights=tmp_path / "w.pt"))
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    ("name", "expected"), [("nothing", "make"), ("broken", "no such checkpoint"), ("nn.Linear", "Linear")]
)
def test_factory_that_fails(name, expected, factory):
    with pytest.raises(ParityGateError) as caught:
        module.load(f"{factory}:{name}", X)
    assert caught.value.code == "PG402"
    assert expected in str(caught.value)
