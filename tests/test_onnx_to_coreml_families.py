"""ONNX to Core ML, operator families: recurrent networks, control flow, quantised graphs, classic models, classifiers.

Expected values are ONNX' own, or ONNX Runtime's on the source. The tolerance of 1e-5 is some hundred float32 roundings:
recurrences repeat them step by step.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper, parser

from benchmarks.onnx_coreml import Case, cases_of, measure, ours
from paritygate.convert.routes.base import Candidate, ConvertOptions
from paritygate.convert.routes.onnx.to_coreml import route as onnx_to_coreml
from paritygate.validate.engines import onnxruntime
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.coreml import lowered as coreml
from paritygate.validate.errors import ParityGateError

TOLERANCE = 1e-5
Feed = dict[str, Any]
ML = "ai.onnx.ml"

MODULES = [
    "lstm",
    "gru",
    "rnn",
    "if_",
    "loop",
    "scan",
    "quantizelinear",
    "dequantizelinear",
    "dynamicquantizelinear",
    "qlinearconv",
    "qlinearmatmul",
    "convinteger",
    "matmulinteger",
    "ai_onnx_ml.array_feature_extractor",
    "ai_onnx_ml.binarizer",
    "ai_onnx_ml.tree_ensemble",
]
PASS = [
    "lstm_batchwise",
    "lstm_bidirectional",
    "gru_seq_length",
    "rnn_seq_length",
    "if",
    "loop11",
    "quantizelinear_axis",
    "quantizelinear_blocked_asymmetric",
    "dynamicquantizelinear_min_adjusted_expanded",
    "qlinearconv",
    "qlinearmatmul_3D_int8_float16",
    "convinteger_with_padding",
    "ai_onnx_ml_array_feature_extractor",
    "ai_onnx_ml_tree_ensemble_single_tree",
    "ai_onnx_ml_tree_ensemble_set_membership",
]


@pytest.fixture(scope="module")
def collected() -> dict[str, Case]:
    return {case.name.removeprefix("test_"): case for case in cases_of(*MODULES)}


@pytest.mark.parametrize("name", PASS)
def test_operator(collected: dict[str, Case], name: str) -> None:
    result = measure(collected[name], ours, ".mlpackage")
    assert result.outcome == "passes", result.detail


def _convert(
    model: onnx.ModelProto, folder: Path, options: ConvertOptions | None = None, suffix: str = ".mlpackage"
) -> Candidate:
    path = folder / "source.onnx"
    onnx.save(model, str(path))
    source = onnxruntime.load(path, LoadOptions())
    return onnx_to_coreml.convert(source, folder / f"made{suffix}", options or ConvertOptions())


def _reference(model: onnx.ModelProto, feed: Feed) -> Feed:
    """ONNX Runtime without its optimisations: it fuses quantised operators into inexact ones."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options)
    return dict(zip([value.name for value in session.get_outputs()], session.run(None, feed), strict=True))


def _run(candidate: Candidate, feed: Feed) -> Feed:
    model = coreml.load(candidate.path, LoadOptions())
    given = {
        spec.name: np.atleast_1d(feed[candidate.inputs[spec.name]]).astype(spec.dtype)
        for spec in model.signature.inputs
    }
    found = model.run(given)
    return {candidate.outputs.get(name, name): value for name, value in found.items()}


def _agree(model: onnx.ModelProto, candidate: Candidate, feed: Feed, tolerance: float = TOLERANCE) -> None:
    found = _run(candidate, feed)
    for name, wanted in _reference(model, feed).items():
        assert found[name].shape == (wanted.shape or found[name].shape)
        np.testing.assert_allclose(found[name].reshape(wanted.shape), wanted, tolerance, tolerance, err_msg=name)


def _recurrent(operator: str, *, constant: bool = True, **asked: Any) -> tuple[onnx.ModelProto, Feed]:
    """A recurrent node over 6 steps of 3 sequences with 4 features, with dynamic axes, and inputs for it."""
    rng = np.random.default_rng(3)
    time, extras = asked.pop("time", 6), asked.pop("extras", ("B",))
    gates, hidden = {"RNN": 1, "GRU": 3, "LSTM": 4}[operator], 5
    ways = 2 if asked.get("direction") == "bidirectional" else 1
    shapes = {
        "X": (time, 3, 4), "W": (ways, gates * hidden, 4), "R": (ways, gates * hidden, hidden),
        "B": (ways, 2 * gates * hidden), "h": (ways, 3, hidden), "c": (ways, 3, hidden), "P": (ways, 3 * hidden),
    }  # fmt: skip
    arrays = {name: rng.normal(size=shape).astype(np.float32) * 0.6 for name, shape in shapes.items()}
    arrays["L"] = np.array([6, 2, 4], np.int32)
    names = [name if name in ("X", "W", "R", *extras) else "" for name in ("X", "W", "R", "B", "L", "h", "c", "P")]
    used = [name for name in names if name]
    fixed = {"W", "R", "B", "P"} if constant else set()
    outputs = ["Y", "Y_h", *(["Y_c"] if operator == "LSTM" else [])]
    graph = helper.make_graph(
        [helper.make_node(operator, names[: names.index(used[-1]) + 1], outputs, hidden_size=hidden, **asked)],
        "g",
        [
            helper.make_tensor_value_info(
                name, 6 if name == "L" else 1, ["T", "N", 4] if name == "X" else ["N"] if name == "L" else shapes[name]
            )
            for name in used
            if name not in fixed
        ],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(arrays[name], name) for name in used if name in fixed],
    )
    return _model(graph), {name: arrays[name] for name in used if name not in fixed}


def _model(graph: onnx.GraphProto, opset: int = 17) -> onnx.ModelProto:
    imports = [helper.make_opsetid("", opset), helper.make_opsetid(ML, 3)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


RECURRENT: list[tuple[str, dict[str, Any]]] = [
    ("LSTM", {"direction": "bidirectional", "extras": ("B", "h", "c", "P")}),
    ("LSTM", {"direction": "reverse", "extras": ("B", "L", "h", "c")}),
    ("LSTM", {"clip": 0.4, "extras": ("B", "P")}),
    ("LSTM", {"input_forget": 1}),
    ("LSTM", {"constant": False, "time": 1}),
    (
        "LSTM",
        {
            "activations": ["HardSigmoid", "ScaledTanh", "Affine"],
            "activation_alpha": [0.3, 0.7, 0.9],
            "activation_beta": [0.4, 0.8, 0.1],
        },
    ),
    ("GRU", {"direction": "bidirectional", "extras": ()}),
    ("GRU", {"direction": "bidirectional", "linear_before_reset": 1, "extras": ("B", "h")}),
    ("GRU", {"direction": "reverse", "constant": False, "clip": 0.5}),
    ("GRU", {"activations": ["HardSigmoid", "Softsign"], "activation_alpha": [0.3], "activation_beta": [0.4]}),
    ("RNN", {"direction": "bidirectional", "activations": ["LeakyRelu", "Relu"], "extras": ("B", "L")}),
    ("RNN", {"direction": "reverse"}),
]


@pytest.mark.parametrize(("operator", "asked"), RECURRENT)
def test_recurrent_options(tmp_path: Path, operator: str, asked: dict[str, Any]) -> None:
    model, feed = _recurrent(operator, **asked)
    _agree(model, _convert(model, tmp_path), feed)


FLOW: dict[str, tuple[str, list[Feed]]] = {
    "a computed number of passes": (
        """g (int64[1] n, float[2,3] x) => (float[2,3] y, float[k,2,3] s) {
            m = Squeeze(n)  c = Constant<value: tensor = bool {1}>()
            y, s = Loop(m, c, x) <body = b (int64 i, bool ci, float[2,3] a) => (bool co, float[2,3] o, float[2,3] r) {
                co = Identity(ci)  f = Cast<to=1>(i)  t = Add(a, x)  o = Add(t, f)  r = Mul(o, x) }> }""",
        [{"n": [1]}, {"n": [5]}],
    ),
    "as long as a condition holds": (
        """g (float[2,3] x) => (float[2,3] y, float[k] s) {
            c = Constant<value: tensor = bool {1}>()  m = Constant<value_int=9223372036854775807>()
            y, s = Loop(m, c, x) <body = b (int64 i, bool ci, float[2,3] a) => (bool co, float[2,3] o, float r) {
                h = Constant<value_float=30.0>()  o = Add(a, x)  r = ReduceSum<keepdims=0>(o)  co = Less(r, h) }> }""",
        [{}],
    ),
    "values that grow, one through the other": (
        """g (int64[1] n, float[1,3] x) => (float[p,3] y, float[q,3] z) {
            m = Squeeze(n)  c = Constant<value: tensor = bool {1}>()
            y, z = Loop(m, c, x, x) <body = b (int64 i, bool ci, float[p,3] a, float[q,3] d)
                => (bool co, float[r,3] o, float[s,3] e) {
                co = Identity(ci)  o = Identity(d)  e = Concat<axis=0>(a, d) }> }""",
        [{"n": [4]}, {"n": [1]}],
    ),
    "a loop in a loop, around values from outside": (
        """g (int64[1] n, float[3] x) => (float[3] y, float[k,3] s) {
            m = Squeeze(n)  c = Constant<value: tensor = bool {1}>()
            y, s = Loop(m, c, x) <body = b (int64 i, bool ci, float[3] a) => (bool co, float[3] o, float[3] r) {
                co = Identity(ci)  one = Constant<value_int=1>()  k = Add(i, one)
                o, q = Loop(k, ci, a) <body = d (int64 j, bool cj, float[3] e) => (bool dj, float[3] p, float[3] w) {
                    dj = Identity(cj)  f = Cast<to=1>(i)  g = Cast<to=1>(j)  u = Add(f, g)  v = Add(e, x)
                    p = Add(u, v)  w = Identity(p) }>
                t = Constant<value_ints=[0]>()  r = ReduceSum<keepdims=0>(q, t) }> }""",
        [{"n": [3]}],
    ),
    "truth values, and a state that becomes a constant": (
        """g (int64[1] n, float[3] x) => (bool[3] y, float z, bool[q,3] s) {
            m = Squeeze(n)  c = Constant<value: tensor = bool {1}>()  t = Constant<value_float=1.0>()
            h = Greater(x, t)
            y, z, s = Loop(m, c, h, t) <body = b (int64 i, bool ci, bool[3] a, float e)
                => (bool co, bool[3] o, float f, bool[3] r) {
                co = Identity(ci)  o = Not(a)  f = Constant<value_float=2.5>()  r = Identity(a) }> }""",
        [{"n": [4]}],
    ),
    "branches of different lengths": (
        """g (int64[1] n, float[2,3] x) => (float[a,3] y) {
            z = Constant<value_ints=[2]>()  t = Greater(n, z)  s = Squeeze(t)
            w = If(s) <then_branch = t () => (float[4,3] o) { o = Concat<axis=0>(x, x) },
                else_branch = e () => (float[2,3] p) { p = Add(x, x) }>  y = Neg(w) }""",
        [{"n": [4]}, {"n": [1]}],
    ),
    "scans along other axes, from both ends": (
        """g (float[2,3] s0, float[4,7,3] a, float[7,2] b) => (float[2,3] s1, float[2,7,3] u, float[7,2] w) {
            s1, u, w = Scan<num_scan_inputs=2, scan_input_axes=[1,0], scan_input_directions=[1,0],
                scan_output_axes=[1,-2], scan_output_directions=[0,1],
                body = d (float[2,3] si, float[4,3] ai, float[2] bi) => (float[2,3] so, float[2,3] ui, float[2] wi) {
                    k = ReduceMean<axes=[0], keepdims=0>(ai)  so = Add(si, k)  ui = Mul(so, so)  wi = Neg(bi) }
                >(s0, a, b) }""",
        [{}],
    ),
    "a sequence in a loop of known length": (
        """g (float[3] x) => (float[12] y, float[4] s) {
            m = Constant<value_int=4>()  c = Constant<value: tensor = bool {1}>()  e = SequenceEmpty()
            q, s = Loop(m, c, e) <body = b (int64 i, bool ci, seq(float[3]) a) => (bool co, seq(float[3]) o, float r) {
                co = Identity(ci)  f = Cast<to=1>(i)  z = Add(x, f)  o = SequenceInsert(a, z)
                r = ReduceSum<keepdims=0>(z) }>  y = ConcatFromSequence<axis=0>(q) }""",
        [{}],
    ),
}


@pytest.mark.parametrize("name", FLOW)
def test_control_flow(tmp_path: Path, name: str) -> None:
    text, feeds = FLOW[name]
    model = parser.parse_model(f'<ir_version: 9, opset_import: ["":17]> {text}')
    candidate = _convert(model, tmp_path)
    rng = np.random.default_rng(1)
    for given in feeds:
        feed = {
            value.name: np.array(given[value.name], np.int64)
            if value.name in given
            else rng.normal(1.5, 1, [d.dim_value for d in value.type.tensor_type.shape.dim]).astype(np.float32)
            for value in model.graph.input
        }
        _agree(model, candidate, feed)


def _classic(operator: str, rows: list[dict[str, Any]]) -> tuple[onnx.ModelProto, Feed]:
    """A model with a node for each row of attributes, all for the same input."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(1, 3)).repeat(7, 0) + np.linspace(-1.5, 1.5, 7)[:, None]
    kinds = ("label", "scores") if operator.endswith("Classifier") else ("y",)
    names = [[f"{kind}{i}" for kind in kinds] for i in range(len(rows))]
    graph = helper.make_graph(
        [helper.make_node(operator, ["X"], own, domain=ML, **row) for own, row in zip(names, rows, strict=True)],
        "g",
        [helper.make_tensor_value_info("X", 1, [7, 3])],
        [helper.make_empty_tensor_value_info(name) for own in names for name in own],
    )
    return _model(graph), {"X": x.astype(np.float32)}


def _tree(prefix: str, weights: list[float], ids: list[int], **more: Any) -> dict[str, Any]:
    """Two trees: a stump, and one of depth 2 with another comparison. ``weights`` are those of the five leaves."""
    leaves = [(0, 1), (0, 2), (1, 1), (1, 3), (1, 4)]
    return {
        "nodes_treeids": [0, 0, 0, 1, 1, 1, 1, 1],
        "nodes_nodeids": [0, 1, 2, 0, 1, 2, 3, 4],
        "nodes_featureids": [0, 0, 0, 1, 0, 2, 0, 0],
        "nodes_values": [0.25, 0, 0, -0.5, 0, 0.1, 0, 0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF", "BRANCH_GT", "LEAF", "BRANCH_LT", "LEAF", "LEAF"],
        "nodes_truenodeids": [1, 0, 0, 1, 0, 3, 0, 0],
        "nodes_falsenodeids": [2, 0, 0, 2, 0, 4, 0, 0],
        "nodes_missing_value_tracks_true": [0, 0, 0, 1, 0, 0, 0, 0],
        f"{prefix}_treeids": [tree for tree, _ in leaves],
        f"{prefix}_nodeids": [leaf for _, leaf in leaves],
        f"{prefix}_ids": ids,
        f"{prefix}_weights": weights,
        **more,
    }


MIXED, POSITIVE = [-0.3, 0.6, 0.2, -0.9, 0.8], [0.1, 0.3, 0.15, 0.2, 0.4]
TWO, THREE = {"classlabels_int64s": [5, 7]}, {"classlabels_int64s": [4, 6, 9]}
LINES = {"coefficients": [1.0, -0.4, 0.2, 0.3, 0.8, -1.0, 0.5, 0.5, 0.5], "intercepts": [0.1, 0.0, -0.2]}
LINE = {"coefficients": [1.0, -0.4, 0.2], "intercepts": [0.1]}
KERNEL = {"kernel_params": [0.5, 0.1, 3.0], "n_supports": 2, "support_vectors": [0.1, 0.2, 0.3, -1.0, 0.5, 0.0]}

CLASSIC: dict[str, list[dict[str, Any]]] = {
    "Scaler": [{"offset": [0.1, 0.2, 0.3], "scale": [2.0, 0.5, 1.0]}],
    "Normalizer": [{"norm": norm} for norm in ("L1", "L2", "MAX")],
    "Imputer": [{"imputed_value_floats": [1.0, 2.0, 3.0], "replaced_value_float": value} for value in (np.nan, 0.5)],
    "LabelEncoder": [{"keys_floats": [9.0, 0.5], "values_int64s": [3, 4], "default_int64": -7}],
    "OneHotEncoder": [{"cats_int64s": [1, 2, 0], "zeros": 1}],
    "LinearRegressor": [{**LINES, "targets": 3}],
    "LinearClassifier": [
        *({**LINES, "classlabels_ints": [1, 2, 3], "post_transform": kind}
          for kind in ("SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO")),
        *({**LINE, "classlabels_ints": [5, 7], "post_transform": kind} for kind in ("NONE", "LOGISTIC")),
    ],
    "SVMRegressor": [
        {**KERNEL, "coefficients": [0.7, -0.4], "rho": [0.2], "kernel_type": kind}
        for kind in ("RBF", "POLY", "SIGMOID", "LINEAR")
    ],
    "TreeEnsembleRegressor": [
        _tree("target", MIXED, [0, 0, 1, 1, 1], n_targets=2, base_values=[0.5, -0.5]),
        *(_tree("target", MIXED, [0] * 5, n_targets=1, aggregate_function=kind) for kind in ("AVERAGE", "MIN", "MAX")),
    ],
    "TreeEnsembleClassifier": [
        *(_tree("class", weights, [0] * 5, **TWO, post_transform=kind, base_values=[0.05])
          for weights in (MIXED, POSITIVE) for kind in ("NONE", "LOGISTIC")),
        _tree("class", POSITIVE, [1] * 5, **TWO),
        _tree("class", POSITIVE, [0, 1, 2, 0, 2], **THREE, post_transform="SOFTMAX"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("operator", CLASSIC)
def test_classic_models(tmp_path: Path, operator: str) -> None:
    model, feed = _classic(operator, CLASSIC[operator])
    feed["X"][2] = [2.0, 0.5, 9.0]
    if operator in ("Imputer", "TreeEnsembleRegressor"):
        feed["X"][1, 1] = np.nan
    _agree(model, _convert(model, tmp_path), feed)


def test_a_double_from_single_precision_falls_on_its_own_side_of_a_threshold(tmp_path: Path) -> None:
    """1 + 2^-23 is above a threshold whose nearest float32 is 1 + 2^-23 as well."""
    above = np.float32(1 + 2**-23)
    stump = helper.make_node(
        "TreeEnsembleRegressor", ["D"], ["y"], domain=ML, n_targets=1,
        nodes_treeids=[0, 0, 0], nodes_nodeids=[0, 1, 2], nodes_featureids=[0, 0, 0],
        nodes_values_as_tensor=numpy_helper.from_array(np.array([1 + 2**-24 + 2**-30, 0, 0])),
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"], nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0],
        target_treeids=[0, 0], target_nodeids=[1, 2], target_ids=[0, 0],
        target_weights_as_tensor=numpy_helper.from_array(np.array([-1.0, 1.0])),
    )  # fmt: skip
    graph = helper.make_graph(
        [helper.make_node("Cast", ["X"], ["D"], to=onnx.TensorProto.DOUBLE), stump],
        "g",
        [helper.make_tensor_value_info("X", 1, [3, 1])],
        [helper.make_tensor_value_info("y", 1, [3, 1])],
    )
    model, feed = _model(graph), {"X": np.array([[1.0], [above], [2.0]], np.float32)}
    assert _reference(model, feed)["y"].ravel().tolist() == [-1.0, 1.0, 1.0]
    _agree(model, _convert(model, tmp_path), feed)


NETWORKS = {
    "a scalar index": """g (float[2,3] x) => (float[2] y) {
        i = Constant<value: tensor = int64 {1}>()  y = Gather<axis=1>(x, i) }""",
    "several exponents": """g (float[2,3] x) => (float[2,3] y) {
        e = Constant<value_floats=[2.0, 0.5, -1.0]>()  y = Pow(x, e) }""",
}
"""What a neural network has no layer for: coremltools would write another shape, or fail."""


@pytest.mark.parametrize("name", NETWORKS)
def test_what_a_neural_network_says_otherwise(tmp_path: Path, name: str) -> None:
    model = _parsed(NETWORKS[name])
    candidate = _convert(model, tmp_path, suffix=".mlmodel")
    for x in (np.arange(6), [[-1.5, np.inf, 0.0], [np.nan, 9.0, np.inf]]):
        _agree(model, candidate, {"x": np.array(x, np.float32).reshape(2, 3)})


def _quantised(kind: str, axis: int, block: int = 0) -> tuple[onnx.ModelProto, Feed]:
    """x, quantised and back, times weights that are kept in ``kind``."""
    rng = np.random.default_rng(0)
    rows, columns = 64, 32
    weights = rng.integers(0, 7, size=(rows, columns))
    shape = (rows // block, columns) if block else ((rows, columns)[axis],)
    scales = (rng.random(size=shape) * 0.1 + 0.01).astype(np.float32)
    element = getattr(onnx.TensorProto, kind)
    more = {"block_size": block} if block else {}
    graph = helper.make_graph(
        [
            helper.make_node("QuantizeLinear", ["x", "sx", "zx"], ["q"]),
            helper.make_node("DequantizeLinear", ["q", "sx", "zx"], ["d"]),
            helper.make_node("DequantizeLinear", ["w", "sw"], ["f"], axis=axis, **more),
            helper.make_node("MatMul", ["d", "f"], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", 1, [3, rows])],
        [helper.make_tensor_value_info("y", 1, [3, columns])],
        [
            helper.make_tensor("w", element, (rows, columns), weights.ravel().tolist()),
            numpy_helper.from_array(scales, "sw"),
            numpy_helper.from_array(np.array(0.02, np.float32), "sx"),
            numpy_helper.from_array(np.array(100, np.uint8), "zx"),
        ],
    )
    return _model(graph, 21), {"x": rng.normal(size=(3, rows)).astype(np.float32)}


AFFINE, BLOCKWISE = "constexpr_affine_dequantize", "constexpr_blockwise_shift_scale"
QUANTISED: list[tuple[str, int, int, str | None, set[str]]] = [
    ("INT8", 1, 0, None, {AFFINE}),
    ("UINT8", 0, 0, "iOS17", {AFFINE, "quantize", "dequantize"}),
    ("INT8", 1, 0, "iOS15", set()),
    ("INT4", 1, 0, None, {BLOCKWISE, "quantize", "dequantize"}),
    ("UINT4", 0, 32, "iOS18", {BLOCKWISE, "quantize", "dequantize"}),
    ("INT8", 0, 32, "iOS16", set()),
]
"""(weights, axis, block, deployment target, the operators for quantised tensors that must be there)."""


@pytest.mark.parametrize(("kind", "axis", "block", "target", "operators"), QUANTISED)
def test_quantised_tensors_keep_their_width(
    tmp_path: Path, kind: str, axis: int, block: int, target: str | None, operators: set[str]
) -> None:
    model, feed = _quantised(kind, axis, block)
    candidate = _convert(model, tmp_path, ConvertOptions(deployment_target=target))
    _agree(model, candidate, feed)
    found = set(coreml.load(candidate.path, LoadOptions()).facts().operators)
    assert {name for name in found if "quantize" in name or name.startswith("constexpr")} == operators


def test_large_sums_of_integers_stay_exact(tmp_path: Path) -> None:
    """700 products of up to 254 * 254 pass 2^24, where float32 loses ones."""
    rng = np.random.default_rng(2)
    w = rng.integers(200, 255, size=(2, 700, 1)).astype(np.uint8)
    graph = helper.make_graph(
        [helper.make_node("ConvInteger", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", 2, [1, 700, 8])],
        [helper.make_tensor_value_info("y", 6, [1, 2, 8])],
        [numpy_helper.from_array(w, "w")],
    )
    model = _model(graph)
    x = rng.integers(200, 255, size=(1, 700, 8)).astype(np.uint8)
    found = _run(_convert(model, tmp_path), {"x": x})["y"]
    expected = np.einsum("oc,ncs->nos", w[:, :, 0].astype(np.int64), x.astype(np.int64))
    assert expected.min() > 1 << 24
    np.testing.assert_array_equal(found, expected)


def _classes_of(estimator: Any, x: Any, folder: Path) -> tuple[onnx.ModelProto, Candidate]:
    from paritygate.convert.routes.sklearn.onnx import route as sklearn_to_onnx
    from paritygate.validate.engines.sklearn import estimator as sklearn

    path = folder / "estimator.onnx"
    sklearn_to_onnx.convert(sklearn.load(estimator, LoadOptions()), path, ConvertOptions())
    model = onnx.load(str(path))
    return model, _convert(model, folder)


def test_classifiers_give_label_and_dictionary(tmp_path: Path) -> None:
    from sklearn.datasets import load_iris
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    for number, estimator in enumerate(
        [
            RandomForestClassifier(5, random_state=0).fit(x, names),
            make_pipeline(StandardScaler(), LogisticRegression()).fit(x, names),
            KNeighborsClassifier().fit(x, y),
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        _, candidate = _classes_of(estimator, x, folder)
        assert candidate.classes == {"probabilities": tuple(estimator.classes_.tolist())}
        assert candidate.outputs["classLabel"] == "label"
        model = coreml.load(candidate.path, LoadOptions())
        for row in x[::30]:
            found = model.run({next(iter(candidate.inputs)): row[None].astype(np.float32)})
            by_class = dict(zip(found["probabilities/keys"].tolist(), found["probabilities/values"], strict=True))
            expected = dict(zip(estimator.classes_.tolist(), estimator.predict_proba(row[None])[0], strict=True))
            assert by_class == pytest.approx(expected, abs=TOLERANCE)
            assert found["classLabel"].item() == estimator.predict(row[None])[0]


def test_a_label_that_is_not_the_greatest_score_makes_no_classifier(tmp_path: Path) -> None:
    """A support vector machine votes; the winner need not have the greatest score."""
    from sklearn.datasets import load_iris
    from sklearn.svm import SVC

    x, y = load_iris(return_X_y=True)
    model, candidate = _classes_of(SVC().fit(x, y), x, tmp_path)
    assert not candidate.classes
    feed = {"X": x[:1].astype(np.float32)}
    assert _run(candidate, feed)["label"].tolist() == _reference(model, feed)["label"].tolist()
    model, candidate = _classes_of(SVC().fit(x, np.array(["c", "a", "b"])[y]), x, tmp_path)
    assert not candidate.classes
    for row in x[::30]:
        feed = {"X": row[None].astype(np.float32)}
        assert _run(candidate, feed)["label"].tolist() == _reference(model, feed)["label"].tolist()


TEXTS = {
    "looked up at the least": """g (float[N,3] x) => (string[N] label) {
        i = ArgMin<axis=1, keepdims=0>(x)  c = Constant<value_strings=["z", "a", "m"]>()  label = Gather(c, i) }""",
    "the same for all": """g (float[N,3] x) => (string[N] label) {
        s = Shape(x)  z = Constant<value_ints=[0]>()  n = Gather(s, z)
        c = Constant<value_string="only">()  label = Expand(c, n) }""",
    "compared, encoded and chosen": """g (float[N,3] x) => (string[N] label, int64[N] code) {
        i = ArgMax<axis=1, keepdims=0>(x)  c = Constant<value_strings=["z", "a", "m"]>()  t = Gather(c, i)
        a = Constant<value_string="a">()  o = Constant<value_string="other">()
        code = ai.onnx.ml.LabelEncoder<keys_strings=["m", "z"], values_int64s=[5, 7], default_int64=-2>(t)
        e = Equal(t, a)  label = Where(e, o, t) }""",
    "two of them": """g (float[N,3] x) => (string[N] first, float[N,3] y, string[N] last) {
        i = ArgMax<axis=1, keepdims=0>(x)  j = ArgMin<axis=1, keepdims=0>(x)  y = Neg(x)
        c = Constant<value_strings=["z", "a", "m"]>()  first = Gather(c, i)  last = Gather(c, j) }""",
}  # fmt: skip


@pytest.mark.parametrize("suffix", [".mlmodel", ".mlpackage"])
@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_looked_up_behind_the_model(tmp_path: Path, name: str, suffix: str) -> None:
    model = _parsed(TEXTS[name], opset=19)
    candidate = _convert(model, tmp_path, suffix=suffix)
    for row in np.random.default_rng(0).normal(size=(6, 1, 3)).astype(np.float32):
        found, wanted = _run(candidate, {"x": row}), _reference(model, {"x": row})
        assert {key: value.tolist() for key, value in found.items()} == {
            key: value.tolist() for key, value in wanted.items()
        }


@pytest.mark.parametrize("precision", ["fp16", "fp32"])
def test_a_program_before_texts_says_how_wide_it_computes(tmp_path: Path, precision: str) -> None:
    model = _parsed(TEXTS["two of them"], opset=19)
    candidate = _convert(model, tmp_path, ConvertOptions(precision=precision))
    facts = coreml.load(candidate.path, LoadOptions()).facts()
    assert (facts.precision, facts.format) == (f"float{precision[2:]}", "Core ML pipeline, specification 6")


def test_several_texts_of_one_sample_are_refused(tmp_path: Path) -> None:
    text = """g (float[N,3] x) => (string[N,3] labels) {
        c = Constant<value_strings=["z", "a"]>()  z = Constant<value_float=0.0>()  g = Greater(x, z)
        i = Cast<to=7>(g)  labels = Gather(c, i) }"""
    with pytest.raises(ParityGateError) as refused:
        _convert(_parsed(text), tmp_path)
    assert (refused.value.code, refused.value.subject) == ("PG404", "labels")


def test_a_decision_elsewhere_than_in_the_middle_makes_no_classifier(tmp_path: Path) -> None:
    text = """g (float[1,1] x) => (int64[1] label, float[1,2] scores) {{
        p = Sigmoid(x)  one = Constant<value_float=1.0>()  q = Sub(one, p)  scores = Concat<axis=1>(q, p)
        t = Constant<value: tensor = float {{{threshold}}}>()  g = Greater(p, t)  i = Cast<to=7>(g)
        s = Constant<value_ints=[-1]>()  f = Reshape(i, s)
        c = Constant<value: tensor = int64[2] {{5, 7}}>()  label = Gather(c, f) }}"""
    for threshold, classes in (("0.5", {"scores": (5, 7)}), ("0.3", {})):
        model = parser.parse_model(f'<ir_version: 9, opset_import: ["":17]> {text.format(threshold=threshold)}')
        assert _convert(model, tmp_path).classes == classes


def test_silero_vad(tmp_path: Path) -> None:
    """Speech detection: branches, an LSTM, and a state that the caller hands on from chunk to chunk."""
    import silero_vad

    path = Path(silero_vad.__file__).parent / "data" / "silero_vad_16k_op15.onnx"
    model = onnx.load(str(path))
    shapes = {"input": ((1, 576),), "state": ((2, 1, 128),)}
    candidate = _convert(model, tmp_path, ConvertOptions(shapes=shapes))
    state, rng = np.zeros((2, 1, 128), np.float32), np.random.default_rng(0)
    for loudness in (0.01, 0.3, 0.05):
        chunk = (rng.normal(size=(1, 576)) * loudness).astype(np.float32)
        feed = {"input": chunk, "state": state, "sr": np.array(16000, np.int64)}
        _agree(model, candidate, feed)
        state = _run(candidate, feed)["stateN"]


def test_only_the_branch_that_the_shapes_allow_is_kept(tmp_path: Path) -> None:
    """silero-vad for two rates in one file: a chunk of 16 kHz is too long for the other's branch."""
    import silero_vad

    from paritygate.convert import convert

    output = tmp_path / "silero.mlpackage"
    done = convert(
        Path(silero_vad.__file__).parent / "data" / "silero_vad.onnx",
        output,
        shapes={"input": [(1, 576)], "state": [(2, 1, 128)]},
        ranges={"sr": (16000, 16000)},
    )
    assert done.report.passed, str(done)
    assert output.exists()
    assert "only the then branch of If 'If_0_outputs_0' can run" in str(done)


RESET = """g (bool[1] fresh, float[1,2] state, float[1,2] x) => (float[1,2] y, float[1,2] next) {
    c = Squeeze(fresh)  one = Constant<value_ints=[1]>()
    kept = If(c) <then_branch = t () => (float[N] none) { none = Constant<value: tensor = float[0] {}>() },
                  else_branch = e () => (float[1,2] old) { old = Identity(state) }>
    n = Size(kept)  zero = Constant<value_int=0>()  empty = Equal(n, zero)
    s = If(empty) <then_branch = a () => (float[1,2] start) { start = Neg(x) },
                   else_branch = b () => (float[1,2] same) { same = Identity(kept) }>
    y = Add(s, x)  next = Mul(s, x) }"""


@pytest.mark.parametrize("fresh", [True, False])
def test_what_follows_branches_of_different_ranks_goes_into_both(tmp_path: Path, fresh: bool) -> None:
    """As scripted modules drop their state: by an empty tensor, which Core ML doesn't have."""
    model = _parsed(RESET)
    feed = {"fresh": np.array([fresh]), "state": np.full((1, 2), 5, np.float32), "x": np.ones((1, 2), np.float32)}
    _agree(model, _convert(model, tmp_path), feed)


@pytest.mark.parametrize(("bounds", "step"), [((0, 7), 2), ((-1, -8), -3), ((5, -100), -2), ((-4, 100), 3)])
def test_steps_may_be_computed(tmp_path: Path, bounds: tuple[int, int], step: int) -> None:
    model = _parsed(
        """g (float[2,7] x, int64[1] start, int64[1] stop, int64[1] step) => (float[2,N] y) {
            axes = Constant<value_ints=[1]>()  y = Slice(x, start, stop, axes, step) }"""
    )
    feed = {"x": np.arange(14, dtype=np.float32).reshape(2, 7), "step": np.array([step])}
    feed |= {name: np.array([number]) for name, number in zip(("start", "stop"), bounds, strict=True)}
    _agree(model, _convert(model, tmp_path), feed)


def _parsed(text: str, opset: int = 17) -> onnx.ModelProto:
    return parser.parse_model(f'<ir_version: 10, opset_import: ["":{opset}, "{ML}": 3]> {text}')


REFUSED: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "branches of different ranks": (
        lambda: _parsed(
            """g (int64[1] n, float[2,3] x) => (float[N,M] y) {
                z = Constant<value_ints=[2]>()  t = Greater(n, z)  s = Squeeze(t)
                a = Constant<value_ints=[0]>()
                y = If(s) <then_branch = t () => (float[1,2,3] o) { o = Unsqueeze(x, a) },
                    else_branch = e () => (float[2,3] p) { p = Neg(x) }> }"""
        ),
        "axes",
    ),
    "a sequence in a loop of computed length": (
        lambda: _parsed(
            """g (int64[1] n, float[3] x) => (float[N] y) {
                m = Squeeze(n)  c = Constant<value: tensor = bool {1}>()  e = SequenceEmpty()
                q = Loop(m, c, e) <body = b (int64 i, bool ci, seq(float[3]) a) => (bool co, seq(float[3]) o) {
                    co = Identity(ci)  o = SequenceInsert(a, x) }>  y = ConcatFromSequence<axis=0>(q) }"""
        ),
        "sequences",
    ),
    "an activation without its constants": (lambda: _recurrent("RNN", activations=["Affine"])[0], "activation_alpha"),
    "floats of 8 bits": (
        lambda: _parsed(
            """g (float[4] x, float s) => (float[4] y) {
                z = Constant<value: tensor = float8e4m3fn {0}>()  q = QuantizeLinear(x, s, z)
                y = DequantizeLinear(q, s, z) }""",
            21,
        ),
        "float8",
    ),
    "unknown categories that are errors": (
        lambda: _classic("OneHotEncoder", [{"cats_int64s": [1], "zeros": 0}])[0],
        "zeros=0",
    ),
    "trees that may say nothing of a target": (
        lambda: _classic(
            "TreeEnsembleRegressor", [_tree("target", MIXED, [0, 1, 1, 0, 1], n_targets=2, base_values=[1.0, 2.0])]
        )[0],
        "no value",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_core_ml_cannot_say_is_refused_by_name(tmp_path: Path, name: str) -> None:
    make, reason = REFUSED[name]
    with pytest.raises(ParityGateError) as refused:
        _convert(make(), tmp_path)
    assert refused.value.code == "PG404"
    assert reason in refused.value.cause
    assert "operator" in refused.value.subject
