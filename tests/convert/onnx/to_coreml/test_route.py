"""ONNX to Core ML: dynamic shapes against ONNX Runtime, targets, precision, and what is rejected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from fixtures.onnx_node_tests import Source, signature_of
from paritygate.convert.routes.base import Candidate, RouteOptions
from paritygate.convert.routes.onnx.to_coreml import route as onnx_to_coreml
from paritygate.validate.engines import onnxruntime
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.coreml import lowered as coreml
from paritygate.validate.errors import ParityGateError

DYNAMIC: dict[str, tuple[str, tuple[dict[str, tuple[int, ...]], ...]]] = {
    "a reshape by computed shape": (
        """g (float[N,3,4,5] x) => (float[N,M] y) {
            s = Shape(x)  i = Constant<value_int=0>()  b = Gather(s, i)  a = Constant<value_ints=[0]>()
            n = Unsqueeze(b, a)  m = Constant<value_ints=[-1]>()  t = Concat<axis=0>(n, m)  y = Reshape(x, t) }""",
        ({"x": (2, 3, 4, 5)}, {"x": (4, 3, 4, 5)}),
    ),
    "attention with heads": (
        """g (float[N,S,8] x) => (float[N,S,8] y) {
            s = Shape<start=0,end=2>(x)  h = Constant<value_ints=[2,4]>()  t = Concat<axis=0>(s, h)
            q = Reshape(x, t)  a = Transpose<perm=[0,2,1,3]>(q)  k = Transpose<perm=[0,2,3,1]>(q)  w = MatMul(a, k)
            p = Softmax<axis=-1>(w)  o = MatMul(p, a)  r = Transpose<perm=[0,2,1,3]>(o)
            z = Constant<value_ints=[0,0,-1]>()  y = Reshape(r, z) }""",
        ({"x": (2, 3, 8)}, {"x": (1, 6, 8)}),
    ),
    "a causal mask": (
        """g (float[S,S] x) => (float[S,S] y) {
            s = Shape(x)  f = ConstantOfShape(s)  one = Constant<value_float=1.0>()  g = Add(f, one)
            t = Trilu<upper=0>(g)  b = Cast<to=9>(t)  m = Constant<value_float=-1e9>()  y = Where(b, x, m) }""",
        ({"x": (3, 3)}, {"x": (5, 5)}),
    ),
    "positions": (
        """g (int64[N,S] x) => (int64[N,S] y) {
            s = Shape(x)  one = Constant<value_int=1>()  n = Gather(s, one)  z = Constant<value_int=0>()
            r = Range(z, n, one)  e = Expand(r, s)  y = Add(x, e) }""",
        ({"x": (2, 3)}, {"x": (4, 5)}),
    ),
    "a slice with computed bounds": (
        """g (float[N,S] x) => (float[N,T] y) {
            s = Shape(x)  one = Constant<value_ints=[1]>()  n = Gather(s, one)  h = Sub(n, one)
            z = Constant<value_ints=[0]>()  y = Slice(x, z, h, one) }""",
        ({"x": (2, 3)}, {"x": (4, 5)}),
    ),
    "a slice from a computed place to the end": (
        """g (float[N,S] x) => (float[N,T] y) {
            s = Shape(x)  one = Constant<value_ints=[1]>()  n = Gather(s, one)  h = Sub(n, one)
            e = Constant<value_ints=[9223372036854775807]>()  y = Slice(x, h, e, one) }""",
        ({"x": (2, 3)}, {"x": (4, 5)}),
    ),
    "a reversed axis": (
        """g (float[N,S] x) => (float[N,T] y) {
            a = Constant<value_ints=[-1]>()  b = Constant<value_ints=[-9223372036854775807]>()
            c = Constant<value_ints=[1]>()  y = Slice(x, a, b, c, a) }""",
        ({"x": (2, 3)}, {"x": (4, 5)}),
    ),
    "pools": (
        """g (float[N,2,A,B] x) => (float[N,2,C,D] y) {
            p = MaxPool<kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]>(x)  q = AveragePool<kernel_shape=[2,2]>(p)
            r = GlobalAveragePool(x)  y = Add(q, r) }""",
        ({"x": (1, 2, 9, 8)}, {"x": (2, 2, 12, 7)}),
    ),
    "windows padded to the same lengths": (
        """g (float[N,2,A,B] x) => (float[N,2,C,D] y) {
            p = MaxPool<auto_pad="SAME_LOWER", kernel_shape=[2,2], strides=[2,2]>(x)
            y = AveragePool<auto_pad="SAME_UPPER", kernel_shape=[3,3], strides=[2,2]>(p) }""",
        ({"x": (1, 2, 9, 8)}, {"x": (2, 2, 12, 7)}),
    ),
    "two inputs of one length": (
        """g (float[N,S] x, float[N,S] w) => (float[N,S] y) { a = Mul(x, w)  h = Hardmax<axis=1>(a)  y = Add(h, x) }""",
        ({"x": (2, 3), "w": (2, 3)}, {"x": (4, 5), "w": (4, 5)}),
    ),
}


def model_of(text: str, folder: Path, opset: int = 17) -> onnxruntime.OnnxModel:
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}]> {text}')
    path = folder / "model.onnx"
    onnx.save(model, path)
    return onnxruntime.load(path, LoadOptions())


def convert(text: str, folder: Path, suffix: str = ".mlpackage", **options: Any) -> Candidate:
    return onnx_to_coreml.convert(model_of(text, folder), folder / f"made{suffix}", RouteOptions(**options))


@pytest.mark.parametrize("suffix", [".mlpackage", ".mlmodel"])
@pytest.mark.parametrize("title", DYNAMIC)
def test_dynamic_shapes(title: str, suffix: str, tmp_path: Path) -> None:
    text, shapes = DYNAMIC[title]
    source = model_of(text, tmp_path)
    axes = [(spec.name, i, d) for spec in source.signature.inputs for i, d in enumerate(spec.shape or ())]
    ranges = {(name, i): (1, 16) for name, i, d in axes if isinstance(d, str)}
    made = onnx_to_coreml.convert(source, tmp_path / f"made{suffix}", RouteOptions(ranges=ranges))
    model, rng = coreml.load(made.path, LoadOptions()), np.random.default_rng(0)
    for shape in shapes:
        feed = {spec.name: _sample(rng, spec.dtype, shape[spec.name]) for spec in source.signature.inputs}
        found = model.run({f: feed[s].astype(_dtype(model, f)) for f, s in made.inputs.items()})
        for feature, name in made.outputs.items():
            # Both sides compute in ONNX Runtime's float32 kernels; only fused products may round differently.
            np.testing.assert_allclose(found[feature], source.run(feed)[name], rtol=1e-5, atol=1e-6)


def _sample(rng: np.random.Generator, dtype: str, shape: tuple[int, ...]) -> Any:
    return rng.integers(0, 4, shape) if dtype == "int64" else rng.normal(size=shape).astype(dtype)


def _dtype(model: coreml.CoreMLModel, feature: str) -> str:
    return next(spec.dtype for spec in model.signature.inputs if spec.name == feature)


REFUSED = {
    "every operator without a translation is named": (
        "g (float[2] x) => (float[2] y) { a = my.domain.Strange(x)  b = my.domain.Odd(a)  y = Relu(b) }",
        ("Strange", "Odd"),
    ),
    "a constant beyond int32, with its node": (
        "g (int64[2] x) => (int64[2] y) { c = Constant<value_int=3000000000>()  [big] y = Add(x, c) }",
        ("Add", "3000000000", "int32"),
    ),
    "a result without elements": (
        """g (float[2] x) => (float[0] y) {
            a = Constant<value_ints=[5]>()  b = Constant<value_ints=[9]>()  y = Slice(x, a, b) }""",
        ("empty",),
    ),
    "a parameter that must be constant": (
        "g (float[2,3] x, int64[1] a) => (float[M] y) { y = ReduceSum<keepdims=0>(x, a) }",
        ("ReduceSum", "'axes' must be a constant"),
    ),
    "text": ("g (string[2] x) => (string[2] y) { y = Identity(x) }", ("x", "no arrays of str")),
    "a float type that Core ML hasn't": (
        "g (float[2] x) => (float[2] y) { a = Cast<to=16>(x)  y = Cast<to=1>(a) }",
        ("Cast", "bfloat16"),
    ),
}


@pytest.mark.parametrize("title", REFUSED)
def test_rejected_by_name_and_nothing_written(title: str, tmp_path: Path) -> None:
    text, words = REFUSED[title]
    model = _unchecked(text, tmp_path)
    with pytest.raises(ParityGateError) as refused:
        onnx_to_coreml.convert(model, tmp_path / "made.mlpackage", RouteOptions())
    assert refused.value.code == "PG404"
    assert all(word in str(refused.value) for word in words), str(refused.value)
    assert not (tmp_path / "made.mlpackage").exists()


def _unchecked(text: str, folder: Path) -> Any:
    """A model that ONNX Runtime doesn't have to support."""
    imports = '"" : 17, "my.domain" : 1'
    model = parser.parse_model(f"<ir_version: 8, opset_import: [{imports}]> {text}")
    onnx.save(model, folder / "model.onnx")
    return Source(folder / "model.onnx", signature_of(model))


BATCHED = "g (float[3,4,5] x, int64[3,1] i) => (float[3,5] y) { y = GatherND<batch_dims=1>(x, i) }"


def test_an_operator_raises_the_default_target(tmp_path: Path) -> None:
    made = convert(BATCHED, tmp_path)
    assert coreml.load(made.path, LoadOptions()).native.spec.specificationVersion == 7  # iOS16


@pytest.mark.parametrize(("suffix", "code"), [(".mlpackage", "PG408"), (".mlmodel", "PG404")])
def test_a_requested_target_is_kept(suffix: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(ParityGateError, match="GatherND") as refused:
        convert(BATCHED, tmp_path, suffix, deployment_target="iOS15")
    assert refused.value.code == code


def test_float16_rounds_weights_and_computes(tmp_path: Path) -> None:
    text = "g (float[1,4] x) => (float[1,4] y) { y = Mul(x, w) }"
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {text}')
    model.graph.initializer.append(numpy_helper.from_array(np.full(4, 1.0003, np.float32), "w"))
    onnx.save(model, tmp_path / "model.onnx")
    source = onnxruntime.load(tmp_path / "model.onnx", LoadOptions())
    made = onnx_to_coreml.convert(source, tmp_path / "half.mlpackage", RouteOptions(precision="fp16"))
    found = coreml.load(made.path, LoadOptions()).run({"x": np.ones((1, 4), np.float32)})
    np.testing.assert_array_equal(found["y"], np.full((1, 4), np.float32(np.float16(1.0003))))


def test_slice_bounds_beyond_int32_mean_the_end(tmp_path: Path) -> None:
    made = convert(
        """g (float[4] x) => (float[3] y) {
            a = Constant<value_ints=[1]>()  b = Constant<value_ints=[9223372036854775807]>()  y = Slice(x, a, b) }""",
        tmp_path,
    )
    found = coreml.load(made.path, LoadOptions()).run({"x": np.arange(4, dtype=np.float32)})
    np.testing.assert_array_equal(found["y"], [1, 2, 3])


def test_two_translations_of_one_operator_are_an_error() -> None:
    from paritygate.convert.routes.onnx.to_coreml.registry import Registry

    registry = Registry()
    registry.add("Relu", lambda node: None, since=6)
    with pytest.raises(ValueError, match="two translations"):
        registry.add("Relu", lambda node: None, since=6)


def test_the_oldest_forms_of_sum_and_max(tmp_path: Path) -> None:
    """Opset 7 has the forms of opset 6, which don't broadcast."""
    text = "g (float[3] x, float[3] w) => (float[3] y) { a = Sum(x, w)  b = Max(a, w)  c = Min(b, x)  y = Mean(c, a) }"
    source = model_of(text, tmp_path, opset=7)
    made = onnx_to_coreml.convert(source, tmp_path / "made.mlpackage", RouteOptions())
    feed = {"x": np.array([1, -2, 3], np.float32), "w": np.array([0.5, 4, -1], np.float32)}
    np.testing.assert_array_equal(coreml.load(made.path, LoadOptions()).run(feed)["y"], source.run(feed)["y"])
