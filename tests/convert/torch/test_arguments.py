"""A forward that takes and returns tuples, lists, dictionaries, None and plain numbers, declared part by part.

The right outputs are those of the module itself, called as Python calls it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn
from torch_conversion import Converted

from fixtures.torch_modules import F32
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.torch import module, torchscript
from paritygate.validate.errors import ParityGateError
from paritygate.validate.keywords import with_keywords

pytestmark = pytest.mark.xdist_group("torch")


class Pair(nn.Module):
    """Says nothing about its arguments."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(3, 3)

    def forward(self, a, mask=None, cfg=1, flag=False, mode="sum"):
        x, y = a
        z = self.linear(x) * cfg + (y if mode == "sum" else -y)
        z = z if mask is None else z * mask
        return {"z": -z if flag else z, "parts": (z.sum(1), [z.mean(1)]), "nothing": None}


class OnlyLists(nn.Module):
    def forward(self, a):
        if not isinstance(a, list):
            raise TypeError("a list is needed")
        return torch.cat(a, 1), a[0]


class Dictionary(nn.Module):
    def forward(self, batch, *, extra=None):
        y = batch["image"].mean((2, 3)) + batch["more"]["v"]
        return y if extra is None else y + extra["e"][1]


@dataclass
class Batch:
    x: torch.Tensor
    count: int = 2


class Fields(NamedTuple):
    left: torch.Tensor
    right: torch.Tensor | None


class Classes(nn.Module):
    def forward(self, batch: Batch, fields: Fields | None = None):
        return Batch(batch.x * batch.count if fields is None else batch.x + fields.left, 5)


class Keywords(nn.Module):
    def forward(self, x, **options):
        return x * options["scale"] + options["shift"]["by"]


class Numbers(nn.Module):
    """Plain numbers among the outputs: fixed ones, and those that the shape of the input decides."""

    def forward(self, x):
        return x.sum(1), x.shape[0], (2.5, True, 7)


class Scripted(nn.Module):
    def forward(
        self,
        xs: list[torch.Tensor],
        d: dict[str, torch.Tensor],
        t: tuple[torch.Tensor, int],
        m: torch.Tensor | None = None,
        k: int = 1,
        r: float = 0.5,
    ):
        z = torch.cat(xs, 1) * k + d["a"] * r + t[0] * t[1]
        if m is not None:
            z = z * m
        return z, 0.1, [z.size(0)]


class Branches(nn.Module):
    """What torch.export refuses: the TorchScript exporter keeps both branches."""

    def forward(self, xs: list[torch.Tensor], d: dict[str, torch.Tensor], k: int = 1):
        z = torch.cat(xs, 1) * k + d["a"]
        if bool(z.sum() > 0):
            z = z * 2
        return z, [z.mean(1), z.sum(1)]


@dataclass(frozen=True)
class Case:
    """``inputs`` as on the command line; ``call`` gives the module the feed by hand."""

    module: Callable[[], nn.Module]
    inputs: tuple[str, ...]
    call: Callable[[nn.Module, Any], Any]
    outputs: tuple[str, ...]


PARTS = ("a.0:float32:N,3", "a.1:float32:N,3")
SCRIPT = ("xs.0:float32:N,2", "xs.1:float32:N,1", "d.a:float32:N,3")
ONE = ("output",)
CASES = {
    "tuple": Case(Pair, PARTS, lambda m, f: m((f["a.0"], f["a.1"])), ("z", "parts.0", "parts.1.0")),
    "values": Case(
        Pair,
        (*PARTS, "cfg=3", "flag=True", "mask=None", "mode=minus"),
        lambda m, f: m((f["a.0"], f["a.1"]), None, 3, True, "minus"),
        ("z", "parts.0", "parts.1.0"),
    ),
    "mask": Case(
        Pair,
        (*PARTS, "mask:float32:N,1"),
        lambda m, f: m((f["a.0"], f["a.1"]), f["mask"]),
        ("z", "parts.0", "parts.1.0"),
    ),
    "list": Case(OnlyLists, PARTS, lambda m, f: m([f["a.0"], f["a.1"]]), ("output_0", "output_1")),
    "dictionaries": Case(
        Dictionary,
        ("batch.image:float32:N,2,4,4", "batch.more.v:float32:N,2", "extra.e.0=None", "extra.e.1:float32:1,2"),
        lambda m, f: m(
            {"image": f["batch.image"], "more": {"v": f["batch.more.v"]}}, extra={"e": (None, f["extra.e.1"])}
        ),
        ONE,
    ),
    "dataclass": Case(
        Classes, ("batch.x:float32:N,3", "batch.count=4"), lambda m, f: m(Batch(f["batch.x"], 4)), ("x", "count")
    ),
    "named tuple": Case(
        Classes,
        ("batch.x:float32:N,3", "fields.left:float32:N,3", "fields.right=None"),
        lambda m, f: m(Batch(f["batch.x"]), Fields(f["fields.left"], None)),
        ("x", "count"),
    ),
    "keywords": Case(
        Keywords,
        ("x:float32:N,3", "scale=0.5", "shift.by:float32:3"),
        lambda m, f: m(f["x"], scale=0.5, shift={"by": f["shift.by"]}),
        ONE,
    ),
    "numbers": Case(
        Numbers,
        ("x:float32:N,3",),
        lambda m, f: m(f["x"]),
        ("output_0", "output_1", "output_2.0", "output_2.1", "output_2.2"),
    ),
    "script": Case(
        lambda: torch.jit.script(Scripted()),
        (*SCRIPT, "t.0:float32:N,3", "t.1=2", "m=None", "k=3"),
        lambda m, f: m([f["xs.0"], f["xs.1"]], {"a": f["d.a"]}, (f["t.0"], 2), None, 3),
        ("output_0", "output_1", "output_2.0"),
    ),
    "script with a mask": Case(
        lambda: torch.jit.script(Scripted()),
        (*SCRIPT, "t.0:float32:N,3", "t.1=2", "m:float32:N,3", "k:int64:", "r=0.25"),
        lambda m, f: m([f["xs.0"], f["xs.1"]], {"a": f["d.a"]}, (f["t.0"], 2), f["m"], int(f["k"]), 0.25),
        ("output_0", "output_1", "output_2.0"),
    ),
    "branches": Case(
        Branches,
        (*SCRIPT, "k=-2"),
        lambda m, f: m([f["xs.0"], f["xs.1"]], {"a": f["d.a"]}, -2),
        ("output_0", "output_1.0", "output_1.1"),
    ),
}


CONVERTED = ("values", "dictionaries", "numbers", "script", "script with a mask", "branches")
"""Where a route has to do something of its own; an export takes seconds."""


def options(*inputs: str, **more: Any) -> LoadOptions:
    return with_keywords(LoadOptions(), {"inputs": inputs, **more})


def load(native: nn.Module, given: LoadOptions) -> Any:
    return (torchscript if isinstance(native, torch.jit.ScriptModule) else module).load(native, given)


def feed_of(model: Any, rows: int) -> dict[str, np.ndarray[Any, Any]]:
    random = np.random.default_rng(rows)
    return {
        spec.name: np.asarray(random.normal(size=[rows if dim == "N" else dim for dim in spec.shape]) * 3, spec.dtype)
        for spec in model.signature.inputs
    }


@pytest.mark.parametrize("name", CASES)
def test_parts_keep_their_names_and_values(name: str, tmp_path) -> None:
    case = CASES[name]
    native = case.module().eval()
    model = load(native, options(*case.inputs))
    declared = [text.partition(":")[0] for text in case.inputs if "=" not in text]
    assert sorted(spec.name for spec in model.signature.inputs) == sorted(declared)
    assert tuple(spec.name for spec in model.signature.outputs) == case.outputs
    converted = Converted(model, tmp_path / "m.onnx") if name in CONVERTED else None
    assert converted is None or sorted(converted.dims()) == sorted(declared)
    for rows in (2, 3, 5):
        feed = feed_of(model, rows)
        actual = converted.agrees_on(feed) if converted else model.run(feed)
        expected = case.call(native, {key: torch.tensor(value) for key, value in feed.items()})
        leaves = [each for each in torch.utils._pytree.tree_leaves(expected) if each is not None]
        for value, output in zip(leaves, case.outputs, strict=True):
            np.testing.assert_allclose(actual[output], np.asarray(torch.as_tensor(value).detach()), **F32)


def test_branches_depend_on_the_data(tmp_path) -> None:
    """Otherwise the case above would prove nothing about branches."""
    converted = Converted(load(Branches(), options(*CASES["branches"].inputs)), tmp_path / "m.onnx")
    assert converted.candidate.route == "torch.onnx (scripted)"
    positive = {"xs.0": -np.ones((2, 2)), "xs.1": -np.ones((2, 1)), "d.a": np.ones((2, 3))}
    feeds = [{key: np.float32(sign * value) for key, value in positive.items()} for sign in (1, -1)]
    sums = [converted.agrees_on(feed)["output_1.1"].sum() for feed in feeds]
    assert sums == [36, -18]


def test_an_example_may_be_nested() -> None:
    x = np.ones((2, 3), np.float32)
    model = module.load(Pair().eval(), LoadOptions(example={"a": (x, x), "cfg": 3}))
    assert [spec.name for spec in model.signature.inputs] == ["a.0", "a.1"]
    flat = module.load(Pair().eval(), LoadOptions(example={"a.0": x, "a.1": x}, constants={"cfg": 3}))
    feed = {"a.0": x, "a.1": 2 * x}
    np.testing.assert_array_equal(model.run(feed)["z"], flat.run(feed)["z"])


def test_samples_of_many_rows_are_cut_to_the_declared_ones() -> None:
    given = options("input:float32:2,3", example={"input_0": np.ones((10, 3), np.float32)})
    model = module.load(nn.Linear(3, 2), given)
    assert model.signature.inputs[0].shape == (2, 3)


WRONG = {
    "a gap": (("a.0:float32:N,3", "a.2:float32:N,3"), "PG201", "place 1"),
    "twice": (("a.0:float32:N,3", "a:float32:N,3"), "PG201", "a"),
    "no such argument": (("b.0:float32:N,3",), "PG206", "no argument b"),
    "a part missing": (("cfg=3",), "PG206", "a"),
}


@pytest.mark.parametrize("name", WRONG)
def test_parts_that_do_not_fit(name: str) -> None:
    inputs, code, said = WRONG[name]
    with pytest.raises(ParityGateError) as caught:
        load(Pair(), options(*inputs))
    assert caught.value.code == code
    assert said in str(caught.value)
