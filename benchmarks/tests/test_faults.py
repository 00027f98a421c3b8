"""The catalogue of faults: every mutation makes exactly the change that its name says, shown on small graphs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from benchmarks.faults.floor import Floor, perturbed
from benchmarks.faults.graphs import Mutant, attribute, slots
from benchmarks.faults.judges import OTHER_TOOLS
from benchmarks.faults.mutations import MUTATIONS, decoys, hidden

Array = np.ndarray[Any, Any]
Feed = dict[str, Array]


def graph(text: str, **weights: Array) -> onnx.ModelProto:
    """A model of opset 20 from ONNX's text form, with weights by name."""
    opsets = '"" : 20, "ai.onnx.ml" : 5'
    model = onnx.parser.parse_model(f"<ir_version: 9, opset_import: [{opsets}]> g {text}")
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in weights.items())
    return model


def outputs(model: onnx.ModelProto, feed: Feed) -> dict[str, Array]:
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(names, feed), strict=True))


def random(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def first(name: str, model: onnx.ModelProto) -> Mutant:
    return next(iter(MUTATIONS[name](model, np.random.default_rng(0))))


def weight(model: onnx.ModelProto, name: str = "w") -> Array:
    return next(slot.read() for slot in slots(model) if slot.name == name)


def node(model: onnx.ModelProto, operator: str) -> onnx.NodeProto:
    return next(node for node in model.graph.node if node.op_type == operator)


LABELS = graph(
    "(float[N,3] x) => (int64[N] y, float[N,3] z) { y, z = ai.onnx.ml.LinearClassifier <classlabels_ints = [0, 1, 2],"
    " intercepts = [0.0, 0.0, 0.0], coefficients = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]> (x) }"
)
DENSE = graph(
    "(float[N,4] x) => (float[N,4] y) { z = MatMul(x, w) y = Add(z, b) }", w=random(4, 4), b=random(4, seed=1)
)
HEADS = graph(
    "(float[N,4] x) => (float[N,4] y, float[N,3] z) { y = MatMul(x, w) z = MatMul(x, v) }",
    w=random(4, 4),
    v=random(4, 3),
)
PICTURE = (
    "(float[N,1,6,6] x) => (float[N,a,b,c] y) {{ p = {pool} <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (x)"
    " y = Conv <pads = [1, 1, 1, 1]> (p, w) }}"
)
POOLED = graph(PICTURE.format(pool="AveragePool"), w=random(2, 1, 3, 3))
LINE = np.arange(4, dtype=np.float32)


def layers(body: str, shape: str = "N,4", **weights: Array) -> onnx.ModelProto:
    return graph(f"(float[{shape}] x) => (float[{shape}] y) {{ {body} }}", **weights)


def recurrent(operator: str, gates: int) -> onnx.ModelProto:
    return graph(
        f"(float[5,N,3] x) => (float[5,1,N,2] y) {{ y = {operator} <hidden_size = 2> (x, w, r, b) }}",
        w=random(1, gates * 2, 3),
        r=random(1, gates * 2, 2, seed=1),
        b=random(1, gates * 4, seed=2),
    )


def forest() -> onnx.ModelProto:
    """x0 <= 0.5 ? (x1 <= 2 ? 1 : 2) : 3, in the older operator."""
    tree = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", n_targets=1,
        nodes_treeids=[0] * 5, nodes_nodeids=list(range(5)), nodes_featureids=[0, 1, 0, 0, 0],
        nodes_modes=["BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF"], nodes_values=[0.5, 2.0, 0.0, 0.0, 0.0],
        nodes_truenodeids=[1, 3, 0, 0, 0], nodes_falsenodeids=[2, 4, 0, 0, 0],
        nodes_missing_value_tracks_true=[0] * 5, target_treeids=[0] * 3, target_nodeids=[3, 4, 2],
        target_ids=[0] * 3, target_weights=[1.0, 2.0, 3.0],
    )  # fmt: skip
    x, y = (helper.make_tensor_value_info(*each) for each in (("x", 1, ["N", 2]), ("y", 1, ["N", 1])))
    return helper.make_model(
        helper.make_graph([tree], "forest", [x], [y]),
        opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 3)],
        ir_version=9,
    )


def forest_of_5() -> onnx.ModelProto:
    """The same tree in TreeEnsemble, opset 5 of ai.onnx.ml."""
    tree = helper.make_node(
        "TreeEnsemble", ["x"], ["y"], domain="ai.onnx.ml", n_targets=1, aggregate_function=1, post_transform=0,
        tree_roots=[0], nodes_featureids=[0, 1], nodes_modes=numpy_helper.from_array(np.zeros(2, np.uint8)),
        nodes_splits=numpy_helper.from_array(np.array([0.5, 2.0], np.float32)),
        nodes_truenodeids=[1, 0], nodes_trueleafs=[0, 1], nodes_falsenodeids=[2, 1], nodes_falseleafs=[1, 1],
        leaf_targetids=[0, 0, 0], leaf_weights=numpy_helper.from_array(np.array([1.0, 2.0, 3.0], np.float32)),
    )  # fmt: skip
    x, y = (helper.make_tensor_value_info(*each) for each in (("x", 1, ["N", 2]), ("y", 1, ["N", 1])))
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 5)]
    return helper.make_model(helper.make_graph([tree], "forest", [x], [y]), opset_imports=opsets, ir_version=10)


@dataclass(frozen=True)
class Case:
    """A mutation of a model; ``holds(before, after)`` must be true of the two models."""

    mutation: str
    model: onnx.ModelProto
    holds: Callable[[onnx.ModelProto, onnx.ModelProto], bool]


def changed_weight(expect: Callable[[Array], Array], name: str = "w") -> Callable[..., bool]:
    """The named weight becomes ``expect(weight)`` (exactly: both are the same float32 expression)."""
    return lambda before, after: np.array_equal(expect(weight(before, name)), weight(after, name))


def nudge(share: float) -> Callable[..., bool]:
    def holds(before: onnx.ModelProto, after: onnx.ModelProto) -> bool:
        shift = weight(after) - weight(before)
        # one element; float32 keeps 7 digits of the sum, of the shift 1e-3 relative at the smallest share
        return np.count_nonzero(shift) == 1 and np.isclose(shift.sum(), share * weight(before).std(), rtol=1e-2)

    return holds


def setting(operator: str, name: str, value: Any) -> Callable[..., bool]:
    return lambda _, after: attribute(node(after, operator), name) == value


def differs(feed: Feed, expect: Callable[[dict[str, Array]], dict[str, Array]]) -> Callable[..., bool]:
    """The mutant's outputs are ``expect(outputs)`` of the correct model (1e-5: sums of a few terms around 1)."""

    def holds(before: onnx.ModelProto, after: onnx.ModelProto) -> bool:
        wanted, got = expect(outputs(before, feed)), outputs(after, feed)
        return list(wanted) == list(got) and all(
            wanted[name].dtype == got[name].dtype and np.allclose(wanted[name], got[name], 1e-5, 1e-6, equal_nan=True)
            for name in wanted
        )

    return holds


def gives(feed: Feed, expected: Callable[[Array], Array]) -> Callable[..., bool]:
    """The mutant computes this function of x, the correct model doesn't (1e-6: float32 functions of values near 1)."""

    def holds(before: onnx.ModelProto, after: onnx.ModelProto) -> bool:
        wanted = expected(feed["x"])
        old, new = outputs(before, feed)["y"], outputs(after, feed)["y"]
        return np.allclose(new, wanted, 1e-6, 1e-6, equal_nan=True) and not np.allclose(
            old, wanted, 1e-6, 1e-6, equal_nan=True
        )

    return holds


def half(array: Array) -> Array:
    return array.astype(np.float16).astype(array.dtype)


def gelu_by_tanh(x: Array) -> Array:
    return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def regates(order: tuple[int, ...]) -> Callable[..., bool]:
    def reordered(array: Array) -> Array:
        parts = array.reshape(1, len(order), 2, -1)
        return parts[:, list(order)].reshape(array.shape)

    return changed_weight(reordered)


ROWS = {"x": random(3, 4)}
THREE = {"x": np.eye(3, dtype=np.float32)}
RAMP = {"x": np.stack([LINE, LINE[::-1]])}
TABLE_ROW = {"x": np.array([[0.5, 2.0], [0.5, np.nan], [np.nan, 0.0], [0.7, 0.0]], np.float32)}
SQUARE = {"x": random(2, 1, 6, 6)}
ERF = layers(
    "u = Div(x, s) e = Erf(u) f = Add(e, o) g = Mul(x, f) y = Mul(g, h)",
    **{name: np.float32(value) for name, value in (("s", 2**0.5), ("o", 1), ("h", 0.5))},
)

CASES = (
    *(Case(f"weight nudged by {share:g} std", layers("y = MatMul(x, w)", w=random(4, 4)), nudge(share))
      for share in (1e-1, 1e-2, 1e-3)),
    *(Case(f"tensor scaled by 1 + {share:g}", layers("y = MatMul(x, w)", w=random(4, 4)),
           changed_weight(lambda w, share=share: w * np.float32(1 + share))) for share in (1e-2, 1e-3, 1e-4)),
    Case("layer in int8", DENSE,
         changed_weight(lambda w: np.round(w / (abs(w).max() / 127)) * (abs(w).max() / 127))),
    Case("layer in float16", DENSE, changed_weight(half)),
    Case("square weight transposed", DENSE, changed_weight(np.transpose)),
    Case("rows of a weight swapped", DENSE,
         lambda old, new: bool((np.sort(weight(old), 0) == np.sort(weight(new), 0)).all())
         and (weight(old) != weight(new)).any(1).sum() == 2),
    Case("bias dropped", DENSE, changed_weight(np.zeros_like, "b")),
    Case("batch norm statistics swapped",
         layers("y = BatchNormalization(x, g, g, w, v)", g=LINE, w=LINE + 1, v=LINE + 2),
         lambda old, new: sorted(node(old, "BatchNormalization").input) == sorted(node(new, "BatchNormalization").input)
         and list(node(old, "BatchNormalization").input) != list(node(new, "BatchNormalization").input)),
    Case("epsilon x 10", layers("y = LayerNormalization <epsilon = 0.001> (x, g)", g=LINE),
         lambda _, new: bool(np.isclose(attribute(node(new, "LayerNormalization"), "epsilon"), 0.01))),
    Case("epsilon x 10", layers("v = Add(x, e) y = Sqrt(v)", e=np.float32(1e-3)),
         lambda _, new: bool(np.isclose(weight(new, "e"), 1e-2))),
    Case("padding moved by one", layers("y = MaxPool <kernel_shape = [2], pads = [0, 1]> (x)", "N,1,4"),
         setting("MaxPool", "pads", [1, 0])),
    Case("padding moved by one",
         layers('y = MaxPool <kernel_shape = [2], auto_pad = "SAME_UPPER"> (x)', "N,1,4"),
         setting("MaxPool", "auto_pad", b"SAME_LOWER")),
    Case("Pad moved by one", graph("(float[4] x) => (float[6] y) { y = Pad(x, w) }", w=np.array([0, 2])),
         changed_weight(lambda _: np.array([1, 1]))),
    Case("count_include_pad", POOLED, setting("AveragePool", "count_include_pad", 1)),
    Case("resize coordinates",
         graph('(float[1,1,4] x) => (float[1,1,8] y) { y = Resize <mode = "linear"> (x, , w) }',
               w=np.array([1, 1, 2], np.float32)),
         setting("Resize", "coordinate_transformation_mode", b"align_corners")),
    Case("resize mode",
         graph('(float[1,1,4] x) => (float[1,1,8] y) { y = Resize <mode = "linear"> (x, , w) }',
               w=np.array([1, 1, 2], np.float32)), setting("Resize", "mode", b"nearest")),
    Case("softmax axis", layers("y = Softmax(x)"),
         gives(ROWS, lambda x: np.exp(x) / np.exp(x).sum(0, keepdims=True))),
    Case("GELU tanh for erf", layers("y = Gelu(x)"), gives(ROWS, gelu_by_tanh)),
    Case("GELU tanh for erf", ERF, gives(ROWS, gelu_by_tanh)),
    Case("activation's slope", layers("y = LeakyRelu <alpha = 0.2> (x)"),
         gives(ROWS, lambda x: np.where(x < 0, np.float32(0.22) * x, x))),
    Case("clip bound", layers("y = Clip(x, , w)", w=np.float32(1)), gives(RAMP, lambda x: np.minimum(x, 1.1))),
    Case("reduced axis",
         graph("(float[2,3,3] x) => (float[2,3] y) { y = ReduceSum <keepdims = 0> (x, w) }", w=np.array([2])),
         changed_weight(lambda _: np.array([1]))),
    Case("concat order", graph("(float[N,4] x) => (float[N,8] y) { z = Neg(x) y = Concat <axis = 1> (x, z) }"),
         gives(ROWS, lambda x: np.concatenate([-x, x], 1))),
    Case("transpose permutation", layers("y = Transpose <perm = [0, 2, 1]> (x)", "2,3,3"),
         setting("Transpose", "perm", [0, 1, 2])),
    Case("operands swapped", layers("y = Sub(x, w)", w=LINE), gives(ROWS, lambda x: LINE - x)),
    Case("gather index off by one", graph("(float[N,4] x) => (float[N,1] y) { y = Gather <axis = 1> (x, w) }",
                                          w=np.array([2])), gives(ROWS, lambda x: x[:, 1:2])),
    Case("dilation", POOLED, lambda old, new: attribute(node(new, "Conv"), "dilations") == [2, 2]
         and outputs(old, SQUARE)["y"].shape == outputs(new, SQUARE)["y"].shape),
    Case("operator taken for another", layers("y = Relu(x)"), gives(ROWS, lambda x: np.log1p(np.exp(x)))),
    Case("gates swapped", recurrent("LSTM", 4), regates((0, 2, 3, 1))),
    Case("gates swapped", recurrent("GRU", 3), regates((1, 0, 2))),
    Case("reset gate's place", recurrent("GRU", 3), setting("GRU", "linear_before_reset", 1)),
    Case("direction", recurrent("LSTM", 4), setting("LSTM", "direction", b"reverse")),
    Case("recurrent activation", recurrent("LSTM", 4),
         setting("LSTM", "activations", [b"HardSigmoid", b"Tanh", b"Tanh"])),
    *(Case("threshold one float step off", make(), lambda old, new: _apart(old, new) == [1])
      for make in (forest, forest_of_5)),
    *(Case("all <= as <", make(), gives(TABLE_ROW, lambda _: np.array([[3], [3], [3], [3]])))
      for make in (forest, forest_of_5)),
    *(Case("one <= as <", make(), lambda old, new: (outputs(new, TABLE_ROW)["y"] != outputs(old, TABLE_ROW)["y"]).any())
      for make in (forest, forest_of_5)),
    *(Case("NaN the other way", make(), gives(TABLE_ROW, lambda _: np.array([[1], [1], [1], [3]])))
      for make in (forest, forest_of_5)),
    *(Case("leaf off by 1 %", make(), lambda old, new: _one_leaf(old, new)) for make in (forest, forest_of_5)),
    Case("branches swapped", forest(),
         lambda old, new: attribute(node(old, "TreeEnsembleRegressor"), "nodes_truenodeids")
         != attribute(node(new, "TreeEnsembleRegressor"), "nodes_truenodeids")),
    *(Case("feature off by one", make(), lambda old, new: _features(old) != _features(new))
      for make in (forest, forest_of_5)),
    Case("outputs swapped", HEADS, lambda old, new: np.array_equal(outputs(old, ROWS)["y"], outputs(new, ROWS)["z"])
         and np.array_equal(outputs(old, ROWS)["z"], outputs(new, ROWS)["y"])),
    Case("output missing", HEADS, lambda _, new: len(new.graph.output) == 1),
    Case("classes permuted", DENSE, differs(ROWS, lambda old: {"y": old["y"][:, ::-1]})),
    Case("labels permuted", LABELS,
         lambda old, new: np.array_equal((outputs(old, THREE)["y"] + 1) % 3, outputs(new, THREE)["y"])),
    Case("output of another dtype", DENSE, differs(ROWS, lambda old: {"y": old["y"].astype(np.float64)})),
    Case("output through float16", DENSE, differs(ROWS, lambda old: {"y": half(old["y"])})),
    Case("batch frozen (input)", DENSE,
         lambda _, new: new.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1),
    Case("batch frozen (Reshape)",
         graph("(float[N,4] x) => (float[a,b,c] y) { y = Reshape(x, w) }", w=np.array([-1, 2, 2])),
         changed_weight(lambda _: np.array([1, -1, 2]))),
    Case("first row for the whole batch", DENSE, differs(ROWS, lambda old: {"y": old["y"][[0, 0, 0]]})),
    Case("NaN for an output", DENSE, differs(ROWS, lambda old: {"y": np.full_like(old["y"], np.nan)})),
    Case("result through float16", layers("y = Mul(x, w)", w=LINE), differs(ROWS, lambda old: {"y": half(old["y"])})),
    Case("float16 overflow", layers("y = MatMul(x, w)", w=np.eye(4, dtype=np.float32)),
         gives(RAMP, lambda x: np.where(x > 0, np.inf, 0))),
    Case("integers through int32", graph("(int64[N] x) => (int64[N] y) { y = Neg(x) }"),
         lambda _, new: outputs(new, {"x": np.array([1 << 40])})["y"] == 0),
    Case("integer constant cut", graph("(int64[N] x) => (int64[N] y) { y = Add(x, w) }", w=np.array([300])),
         changed_weight(lambda _: np.array([44]))),
    Case("weights rounded to 4 decimals", layers("y = MatMul(x, w)", w=random(4, 4)),
         changed_weight(lambda w: np.round(w, 4))),
)  # fmt: skip


def _splits(model: onnx.ModelProto) -> Array:
    tree = model.graph.node[0]
    values = attribute(tree, "nodes_splits") or attribute(tree, "nodes_values")
    return numpy_helper.to_array(values) if isinstance(values, TensorProto) else np.array(values, np.float32)


def _apart(old: onnx.ModelProto, new: onnx.ModelProto) -> list[int]:
    """Float32 steps between the thresholds that differ."""
    steps = abs(_splits(old).view(np.int32).astype(int) - _splits(new).view(np.int32))
    return [int(step) for step in steps if step]


def _one_leaf(old: onnx.ModelProto, new: onnx.ModelProto) -> bool:
    rows = {"x": np.array([[0, 0], [0, 3], [1, 0]], np.float32)}
    ratio = outputs(new, rows)["y"] / outputs(old, rows)["y"]
    return np.allclose(np.sort(ratio.ravel()), [1, 1, 1.01], 1e-6)


def _features(model: onnx.ModelProto) -> Any:
    return attribute(model.graph.node[0], "nodes_featureids")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.mutation)
def test_mutation(case: Case) -> None:
    before = case.model.SerializeToString()
    mutant = first(case.mutation, case.model)
    assert case.model.SerializeToString() == before
    assert mutant.place
    assert mutant.change
    assert case.holds(case.model, mutant.model)


def test_every_mutation_is_tested() -> None:
    assert {case.mutation for case in CASES} == set(MUTATIONS) - set(hidden.TABLE) - set(decoys.TABLE)


def test_mutations_leave_out_what_they_cannot_change() -> None:
    bare = layers("y = Abs(x)")
    found = {name for name in MUTATIONS if list(MUTATIONS[name](bare, np.random.default_rng(0)))}
    everywhere = {"output of another dtype", "output through float16", "classes permuted", "NaN for an output"}
    assert found == everywhere | {"batch frozen (input)", "first row for the whole batch", "rows beyond 200 scaled"}


def needs(tool: str) -> None:
    """Polygraphy is installed only by ``make faults``."""
    if tool.startswith("Polygraphy"):
        pytest.importorskip("polygraphy")


GOOD = [{"y": np.array([[0.25, 0.75]], np.float32), "z": np.array([3])}]


@pytest.mark.parametrize("name", OTHER_TOOLS)
def test_other_tools_accept_equal_outputs_and_reject_distant_ones(name: str) -> None:
    needs(name)
    far = [{**GOOD[0], "y": GOOD[0]["y"] + 1}]
    assert OTHER_TOOLS[name](GOOD, GOOD)
    assert not OTHER_TOOLS[name](GOOD, far)
    assert not OTHER_TOOLS[name](far, GOOD)


MISSING = {"numpy.allclose 1e-3, 1e-5", "numpy.allclose 1e-5, 1e-5", "Polygraphy simple", "Optimum"}
"""Tools that compare only the outputs that both models have, and so accept a missing one (docs/verdict-theory.md)."""


@pytest.mark.parametrize("name", OTHER_TOOLS)
def test_other_tools_on_a_missing_output(name: str) -> None:
    needs(name)
    assert OTHER_TOOLS[name](GOOD, [{"y": GOOD[0]["y"]}]) == (name in MISSING)


def test_floor_counts_what_the_noise_does_not_explain() -> None:
    correct = [{"y": np.array([1.0, 2.0], np.float32), "c": np.array([0, 1])}]
    noisy = [{"y": np.array([1.0, 2.001], np.float32), "c": np.array([0, 2])}]
    floor = Floor(correct, correct, [noisy])
    assert floor.excess(correct)[0] == 0
    assert floor.excess([{"y": np.array([1.003, 2.0], np.float32), "c": np.array([0, 2])}])[0] == pytest.approx(
        3, rel=1e-3
    )
    assert floor.excess([{**correct[0], "c": np.array([1, 1])}])[:2] == (np.inf, "c")
    assert floor.excess([{"y": correct[0]["y"]}])[0] == np.inf
    assert floor.excess([{**correct[0], "y": correct[0]["y"].astype(np.float64)}])[0] == np.inf
    assert floor.excess([{**correct[0], "y": np.array([np.nan, 2], np.float32)}])[0] == np.inf
    open_width = Floor(correct, correct, [noisy], {"y": ("float64",)})
    assert open_width.excess([{**correct[0], "y": correct[0]["y"].astype(np.float64)}])[0] == 0


def test_perturbing_changes_weights_by_an_ulp_and_thresholds_not_at_all() -> None:
    moved = weight(perturbed(DENSE, np.random.default_rng(0))) / weight(DENSE) - 1
    assert 0 < abs(moved).max() <= 1.5 * np.finfo(np.float32).eps  # one ulp, and the rounding of the product
    trees = perturbed(forest(), np.random.default_rng(0))
    assert np.array_equal(_splits(trees), _splits(forest()))
    assert attribute(trees.graph.node[0], "target_weights") != attribute(forest().graph.node[0], "target_weights")
