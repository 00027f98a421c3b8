"""Moves between opsets: the moved model gives what ONNX Runtime gives for the original, or the move is refused.

The expected values are ONNX Runtime's own for the source file, and ONNX's for its operator tests.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper, parser

from fixtures.onnx_node_tests import Case, cases_of, difference
from paritygate.convert import convert
from paritygate.convert.routes.onnx.opset import OLDEST, at_opset, check_opset, opset_of
from paritygate.convert.routes.onnx.opsets import operators as _operators  # noqa: F401  fills the tables of rules
from paritygate.convert.routes.onnx.opsets.rules import DOWN, UP, up
from paritygate.convert.routes.onnx.opsets.schemas import schema_at, since
from paritygate.convert.routes.onnx.save import save_onnx
from paritygate.convert.targets import DEFAULT_OPSET
from paritygate.validate.engines.onnxruntime import newest_opset
from paritygate.validate.errors import ParityGateError

Constants = dict[str, Any]

ROUNDING = {"rtol": 1e-5, "atol": 1e-6}
"""Some ten float32 roundings: a definition in other operators sums in another order."""


def graph(text: str, opset: int, constants: Constants | None = None, inputs: str = "float[N,6,4] x") -> onnx.ModelProto:
    """A model from ONNX's text form: ``text`` are its nodes, which give y."""
    head = f'<ir_version: 8, opset_import: ["" : {opset}]> m ({inputs}) => (float[] y) {{ {text} }}'
    model = parser.parse_model(head)
    model.graph.output[0].type.tensor_type.ClearField("shape")
    for name, value in (constants or {}).items():
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    return model


def moved(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return at_opset(copy, opset)


def run(model: onnx.ModelProto, feed: dict[str, Any]) -> list[Any]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return list(session.run(None, feed))


def feed_of(model: onnx.ModelProto) -> dict[str, Any]:
    constant = {tensor.name for tensor in model.graph.initializer}
    draw = np.random.default_rng(3)
    shapes = {
        value.name: [d.dim_value or 2 for d in value.type.tensor_type.shape.dim]
        for value in model.graph.input
        if value.name not in constant
    }
    return {name: draw.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


IMAGE = "float[N,1,4,5] x"
SCALES = np.array([1, 1, 2, 2], np.float32)
NOT_WHOLE = np.array([1, 1, 1.5, 0.6], np.float32)
GROUPS = {"s": np.array([1, 2, 3], np.float32), "b": np.array([0.5, 0, -1], np.float32)}
BOUNDS = {"low": np.float32(-0.5), "high": np.float32(0.7)}

MODELS: dict[str, tuple[onnx.ModelProto, tuple[int, ...]]] = {
    "Upsample 7": (graph('y = Upsample<mode="linear", scales=[1.0, 1.0, 2.0, 2.0]>(x)', 7, inputs=IMAGE), (9, 10, 21)),
    "Upsample 9": (graph('y = Upsample<mode="nearest">(x, s)', 9, {"s": SCALES}, IMAGE), (7, 10, 11, 13, 18, 23)),
    "Resize 10, both ways": (graph("y = Resize(x, s)", 10, {"s": NOT_WHOLE}, IMAGE), (9, 11, 18, 23)),
    "Resize 11": (
        graph(
            'y = Resize<coordinate_transformation_mode="asymmetric", nearest_mode="floor">(x, roi, s)',
            11,
            {"s": SCALES, "roi": np.zeros(0, np.float32)},
            IMAGE,
        ),
        (9, 10, 13, 21),
    ),
    "Resize 19, cubic": (
        graph('y = Resize<mode="cubic">(x, , , n)', 19, {"n": np.array([2, 1, 7, 3])}, "float[2,1,4,5] x"),
        (18, 13, 11, 9),
    ),
    "GridSample 20": (
        graph('y = GridSample<padding_mode="border">(x, g)', 20, inputs="float[1,2,5,6] x, float[1,3,4,2] g"),
        (16, 13, 11, 23),
    ),
    "Hardmax 11": (graph("y = Hardmax<axis=1>(x)", 11), (9, 13, 21)),
    "Softmax 11": (graph("y = Softmax<axis=1>(x)", 11), (9, 13, 21)),
    "Softmax 13": (graph("y = Softmax<axis=1>(x)", 13), (12, 11, 9, 21)),
    "GroupNormalization 18": (graph("y = GroupNormalization<num_groups=3>(x, s, b)", 18, GROUPS), (21, 23, 17, 13)),
    "GroupNormalization 21": (
        graph("y = GroupNormalization<num_groups=3>(x, s, b)", 21, {k: np.repeat(v, 2) for k, v in GROUPS.items()}),
        (20, 18, 17, 13),
    ),
    "LayerNormalization": (graph("y = LayerNormalization(x, s)", 17, {"s": SCALES}), (16, 13, 11, 9, 23)),
    "Clip, Slice, TopK, Dropout": (
        graph(
            "c = Clip(x, low, high)  l = Slice(c, a, e, ax, st)  t, i = TopK<axis=1, largest=0>(l, k)  y = Dropout(t)",
            13,
            {**BOUNDS, "a": np.array([5]), "e": np.array([0]), "ax": np.array([1]), "st": np.array([-2]),
             "k": np.array([2])},
        ),
        (12, 11, 10, 9, 21),
    ),
    "computed axes": (
        graph("n = Shape(x)  r = Size(n)  a = Sub(r, one)  u = Unsqueeze(a, zero)  y = ReduceSum(x, u)", 13,
              {"one": np.array(1), "zero": np.array([0])}),
        (11, 9, 18),
    ),
    "a branch and a loop": (
        graph(
            """t = Constant<value = bool {1}>()  k = Constant<value = int64 {3}>()
            h = If (t) <then_branch = a () => (float[] p) { p = HardSwish(x) },
                        else_branch = b () => (float[] q) { q = Mish(x) }>
            y = Loop (k, t, h) <body = c (int64 i, bool ci, float[] v) => (bool co, float[] vo)
                        { co = Identity(ci)  w = Softmax<axis=1>(v)  vo = Clip(w, low, high) }>""",
            18,
            BOUNDS,
        ),
        (17, 13, 11, 9, 23),
    ),
}  # fmt: skip
"""Name -> the model, the opsets that it is moved to."""


@pytest.mark.parametrize(("name", "opset"), [(name, opset) for name, (_, opsets) in MODELS.items() for opset in opsets])
def test_a_moved_model_gives_the_same(name: str, opset: int) -> None:
    model = MODELS[name][0]
    feed = feed_of(model)
    there = moved(model, opset)
    assert opset_of(there) == opset
    (want,), (got,) = run(model, feed), run(there, feed)
    np.testing.assert_allclose(got, want, **ROUNDING)
    for length in got.shape:  # the checker wants a rank
        there.graph.output[0].type.tensor_type.shape.dim.add(dim_value=length)
    onnx.checker.check_model(there, full_check=True)


def test_a_model_s_own_functions_move_with_their_attributes() -> None:
    model = parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 11, "my" : 1]> m (float[N,4] x) => (float[N,4] y)
            { y = my.F<slope=0.25>(x) }
        <opset_import: ["" : 11, "my" : 1], domain: "my"> F <slope> (a) => (b)
            { c = my.G(a)  b = LeakyRelu<alpha: float = @slope>(c) }
        <opset_import: ["" : 11], domain: "my"> G (a) => (b)
            { s = ReduceSum<axes=[1], keepdims=1>(a)  d = Mul(s, a)  b = LogSoftmax<axis=1>(d) }
    """)
    feed = feed_of(model)
    for opset in (9, 13, 21):
        there = moved(model, opset)
        assert not there.functions
        np.testing.assert_allclose(run(there, feed)[0], run(model, feed)[0], **ROUNDING)


REFUSALS = {
    "no such operator": (graph("y = GatherND(x, i)", 17, {"i": np.array([[0]])}), 10, "GatherND", "11 to"),
    "a computed length": (
        graph("n = Shape(x)  y = Expand(v, n)  k = ReduceSum(n)  u = Reshape(k, one)  t, i = TopK(y, u)", 13,
              {"v": np.float32(1), "one": np.array([1])}),
        9, "TopK", "10 to",
    ),
    "an unknown length": (
        graph("y = Resize<mode=\"linear\">(x, , s)", 13, {"s": SCALES}, "float[N,1,H,W] x"), 10, "Resize", "11 to",
    ),
    "a mode that is new": (graph('y = ScatterElements<reduction="max">(x, i, x)', 18, {"i": np.zeros((2, 6, 4), int)},
                                 "float[2,6,4] x"), 17, "ScatterElements", "18 to"),
}  # fmt: skip


@pytest.mark.parametrize(("model", "opset", "operator", "possible"), REFUSALS.values(), ids=REFUSALS.keys())
def test_what_an_opset_cannot_express_is_refused(
    model: onnx.ModelProto, opset: int, operator: str, possible: str
) -> None:
    with pytest.raises(ParityGateError) as caught:
        moved(model, opset)
    assert caught.value.code == "PG408"
    assert caught.value.cause.startswith(operator)
    assert f"{possible} {newest_opset()}" in caught.value.remedy


OFFICIAL = ("gridsample", "hardmax", "groupnormalization", "resize")
"""Modules of ``onnx.backend.test.case.node``; ``make opsets`` measures all of them."""


@pytest.mark.parametrize("opset", [9, 23])
def test_onnx_s_own_operator_tests_survive(opset: int) -> None:
    """A refusal is right where the test feeds what is a constant in models; a wrong value never is."""
    passed, wrong = 0, []
    for case in cases_of(*OFFICIAL)[::3]:
        source = opset_of(case.model)
        if source > newest_opset() or _wrong(case, case.model):
            continue
        try:
            there = moved(case.model, opset)
        except ParityGateError:
            continue
        text = _wrong(case, there)
        passed += not text
        wrong += [f"{case.name}: {text}"] * bool(text)
    assert wrong == []
    assert passed > 5


def _wrong(case: Case, model: onnx.ModelProto) -> str:
    feed = {v.name: np.asarray(a) for v, a in zip(case.model.graph.input, case.inputs, strict=True)}
    try:
        found = run(model, feed)
    except Exception as error:  # noqa: BLE001  ONNX Runtime's exceptions share no base class of their own
        return str(error)
    pairs = zip(case.outputs, found, strict=True)
    return next((text for want, got in pairs if (text := difference(want, got, case.rtol, case.atol))), "")


def test_small_constants_are_read_from_external_data(tmp_path: Path) -> None:
    model = graph("y = ReduceSum(x, a)", 13, {"a": np.array([1])})
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["N", 1, 4]))
    save_onnx(model, tmp_path / "source.onnx", inline_limit=0)
    conversion = convert(tmp_path / "source.onnx", tmp_path / "out.onnx", opset=11)
    assert conversion.report.passed
    assert not (tmp_path / "out.onnx.data").exists()


def test_a_source_that_only_the_checker_rejects_is_converted(tmp_path: Path) -> None:
    model = MODELS["GroupNormalization 18"][0]
    onnx.save(model, tmp_path / "source.onnx")
    conversion = convert(tmp_path / "source.onnx", tmp_path / "same.onnx")
    assert conversion.report.passed
    assert any("breaks a rule" in finding.message for finding in conversion.report.findings)


@pytest.mark.parametrize("opset", [1, OLDEST - 1, newest_opset() + 1, 99])
def test_an_impossible_opset_is_a_usage_error_that_names_the_range(opset: int) -> None:
    with pytest.raises(ParityGateError, match=f"PG201.*{OLDEST} to {newest_opset()}"):
        check_opset(opset)


def test_the_default_is_within_reach() -> None:
    """Of ONNX Runtime 1.20: opset 21, the oldest release of the last two years (docs/opsets.md)."""
    assert OLDEST <= DEFAULT_OPSET <= 21
    check_opset(DEFAULT_OPSET)


@pytest.mark.parametrize(("operator", "opset"), [*UP, *DOWN])
def test_each_rule_is_for_a_schema_that_changes(operator: str, opset: int) -> None:
    """A rule under a wrong number would never be asked for."""
    assert schema_at(operator, opset) is not None or schema_at(operator, opset - 1) is not None
    assert since(operator, opset) == opset


def test_no_rule_replaces_another() -> None:
    with pytest.raises(ValueError, match="a second rule for Softmax at 13"):
        up(13, "Softmax")(lambda w: None)
