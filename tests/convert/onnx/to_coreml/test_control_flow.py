"""ONNX to Core ML: branches, loops and scans."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import parser
from onnx_models import (
    Feed,
    assert_agreement,
    convert_model,
    parsed,
    run_candidate,
)

from paritygate.convert.routes.base import RouteOptions

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
    candidate = convert_model(model, tmp_path)
    rng = np.random.default_rng(1)
    for given in feeds:
        feed = {
            value.name: np.array(given[value.name], np.int64)
            if value.name in given
            else rng.normal(1.5, 1, [d.dim_value for d in value.type.tensor_type.shape.dim]).astype(np.float32)
            for value in model.graph.input
        }
        assert_agreement(model, candidate, feed)


def test_silero_vad(tmp_path: Path) -> None:
    """Speech detection: branches, an LSTM, and a state that the caller passes from chunk to chunk."""
    import silero_vad

    path = Path(silero_vad.__file__).parent / "data" / "silero_vad_16k_op15.onnx"
    model = onnx.load(str(path))
    shapes = {"input": ((1, 576),), "state": ((2, 1, 128),)}
    candidate = convert_model(model, tmp_path, RouteOptions(shapes=shapes))
    state, rng = np.zeros((2, 1, 128), np.float32), np.random.default_rng(0)
    for loudness in (0.01, 0.3, 0.05):
        chunk = (rng.normal(size=(1, 576)) * loudness).astype(np.float32)
        feed = {"input": chunk, "state": state, "sr": np.array(16000, np.int64)}
        assert_agreement(model, candidate, feed)
        state = run_candidate(candidate, feed)["stateN"]


def test_only_the_branch_that_the_shapes_allow_is_kept(tmp_path: Path) -> None:
    """silero-vad for two rates in one file: a chunk of 16 kHz is too long for the branch of the other rate."""
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
def test_nodes_after_branches_of_different_ranks_are_moved_into_both(tmp_path: Path, fresh: bool) -> None:
    """Scripted modules reset their state with an empty tensor, which Core ML doesn't have."""
    model = parsed(RESET)
    feed = {"fresh": np.array([fresh]), "state": np.full((1, 2), 5, np.float32), "x": np.ones((1, 2), np.float32)}
    assert_agreement(model, convert_model(model, tmp_path), feed)
