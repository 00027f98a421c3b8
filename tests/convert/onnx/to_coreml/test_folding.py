"""Constant folding: ONNX' own operator tests with every input a constant, and graphs that are constant in parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import parser
from onnx_models import assert_agreement, convert_model

from fixtures.onnx_node_tests import Case, cases_of
from paritygate.convert.routes.coreml.target import coremltools

coremltools()

from paritygate.convert.routes.onnx.to_coreml import families  # noqa: E402, F401  fills the registry
from paritygate.convert.routes.onnx.to_coreml.folding import fits, fold  # noqa: E402
from paritygate.convert.routes.onnx.to_coreml.functions import schema_of  # noqa: E402
from paritygate.convert.routes.onnx.to_coreml.values import Operand  # noqa: E402

MODULES = [
    "argmax", "averagepool", "bitshift", "bitwiseand", "clip", "col2im", "compress", "concat", "constantofshape",
    "conv", "cumsum", "depthtospace", "expand", "eyelike", "flatten", "gather", "gatherelements", "gathernd",
    "gemm", "hammingwindow", "isinf", "layernormalization", "matmul", "mod", "onehot", "pad", "pow",
    "quantizelinear", "rangeop", "reducesum", "reshape", "reversesequence", "scatterelements", "scatternd", "slice",
    "softmax", "squeeze", "string_concat", "tile", "topk", "transpose", "trilu", "unique", "unsqueeze", "where",
]  # fmt: skip
OTHER_IN_ONNX_RUNTIME = {"Attention", "DFT", "MaxUnpool", "Resize", "STFT"}
"""Operators whose tests ONNX Runtime fails: the source computes as it does."""
RANDOM = {"Bernoulli", "Dropout"}


def _single(case: Case) -> bool:
    """Whether it is one node with tensors as inputs; other modules may have registered further cases."""
    nodes = case.model.graph.node
    is_known = nodes[0].domain == "" and nodes[0].op_type not in OTHER_IN_ONNX_RUNTIME | RANDOM
    return is_known and len(nodes) == 1 and all(isinstance(v, np.ndarray | np.generic) for v in case.inputs)


def _operand(value: object) -> Operand:
    array = np.asarray(value)
    return Operand(array, array.dtype)


def test_the_operators_of_onnx_fold_to_its_own_results():
    """With the tolerances of ONNX' tests; dtypes and shapes are exact."""
    checked = 0
    for case in filter(_single, cases_of(*MODULES)):
        graph = case.model.graph
        given = dict(zip((value.name for value in graph.input), map(_operand, case.inputs), strict=True))
        opsets = {entry.domain: entry.version for entry in case.model.opset_import}
        found = fold(graph.node[0], [given.get(name) for name in graph.node[0].input], opsets, {})
        results = [value for value, name in zip(found, graph.node[0].output, strict=True) if name]
        for result, wanted in zip(results, case.outputs, strict=True):
            if not isinstance(wanted, np.ndarray | np.generic):
                continue
            checked += 1
            assert result.content.shape == wanted.shape, case.name
            if wanted.dtype.kind in "OUS":
                assert result.content.astype(str).tolist() == wanted.astype(str).tolist(), case.name
                continue
            assert result.dtype == wanted.dtype, case.name
            if wanted.dtype.kind in "biuf":
                np.testing.assert_allclose(result.content, wanted, case.rtol, case.atol, err_msg=case.name)
    assert checked > 400


HEAD = "<ir_version: 8, opset_import: ['' : 18]>".replace("'", '"')

GRAPHS = {
    "elements of a constant": """g (int64[n, 4] ids) => (float[n, 4, 2] y)
        <float[3, 2] table = {0, 1, 2, 3, 4, 5}, int64[1, 6] types = {2, 0, 1, 0, 2, 1}, int64[1, 4] at = {3, 2, 0, 5}>
        {
            chosen = GatherElements <axis = 1> (types, at)
            rows = Gather (table, chosen)
            scale = CastLike (ids, table)
            axis = Constant <value_ints = [-1]> ()
            wide = Unsqueeze (scale, axis)
            y = Add (wide, rows)
        }""",
    "a loop over constants": """g (float[n, 4] x) => (float[n, 4] y)
        <float[4] start = {1, 1, 1, 1}, float[4] step = {0.5, 1, 2, 0}, int64 count = {300}>
        {
            sums = Loop (count, , start) <body = turn (int64 i, bool on, float[4] before) => (bool go, float[4] after) {
                go = Identity (on)
                after = Add (before, step)
            }>
            y = Mul (x, sums)
        }""",
    "a scan over a constant": """g (float[n, 4] x) => (float[n, 4] y)
        <float[4] start = {0, 0, 0, 0}, float[2, 4] rows = {1, 2, 3, 4, 5, 6, 7, 8}>
        {
            sums, each = Scan <num_scan_inputs = 1,
                               body = turn (float[4] before, float[4] row) => (float[4] after, float[4] out) {
                after = Add (before, row)
                out = Identity (after)
            }> (start, rows)
            low = ReduceMin <keepdims = 0> (each)
            shifted = Add (x, sums)
            y = Sub (shifted, low)
        }""",
}  # fmt: skip


@pytest.mark.parametrize("text", GRAPHS.values(), ids=GRAPHS)
def test_constant_parts_become_constants(text: str, tmp_path: Path):
    """Against ONNX Runtime. The candidate has no operators for them: no loop and no lookup among elements."""
    model = parser.parse_model(f"{HEAD} {text}")
    candidate = convert_model(model, tmp_path)
    name = model.graph.input[0].name
    dtype = np.int64 if name == "ids" else np.float32
    assert_agreement(model, candidate, {name: np.arange(12).reshape(3, 4)[:1].astype(dtype)})
    kinds = {
        operation.type
        for function in coremltools().utils.load_spec(str(candidate.path)).mlProgram.functions.values()
        for block in function.block_specializations.values()
        for operation in block.operations
    }
    assert not kinds & {"while_loop", "gather_along_axis"}


def test_a_shape_of_a_few_numbers_is_no_constant_of_any_size():
    """64 MiB are the limit, unless the operands are as large."""
    (node,) = parser.parse_graph("g (int64[2] s) => (float[n, m] y) { y = ConstantOfShape (s) }").node
    schema = schema_of(node, 18)
    small, large = (_operand(np.array([1024, width])) for width in (1024, 1 << 20))
    assert fits(node, schema, [small], {"": 18})
    assert not fits(node, schema, [large], {"": 18})


def test_random_numbers_are_drawn_by_the_candidate(tmp_path: Path):
    """The loop repeats an operator whose result isn't a function of its inputs."""
    text = """g (float[n, 4] x) => (float[n, 4] y)
        <float[4] start = {1, 1, 1, 1}, int64 count = {300}>
        {
            sums = Loop (count, , start) <body = turn (int64 i, bool on, float[4] before) => (bool go, float[4] after) {
                go = Identity (on)
                drawn = RandomUniformLike (before)
                after = Add (before, drawn)
            }>
            y = Mul (x, sums)
        }"""
    candidate = convert_model(parser.parse_model(f"{HEAD} {text}"), tmp_path)
    program = coremltools().utils.load_spec(str(candidate.path)).mlProgram
    assert "while_loop" in str(program)


def test_an_operator_that_neither_can_compute_is_an_error():
    node = onnx.helper.make_node("Reshape", ["x", "s"], ["y"])
    with pytest.raises(ValueError, match="reshape"):
        fold(node, [_operand(np.arange(6)), _operand(np.array([4]))], {"": 18}, {})
