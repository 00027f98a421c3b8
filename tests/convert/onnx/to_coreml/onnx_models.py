"""ONNX models for the tests of this folder, and how they are converted, run and compared.

Expected values are ONNX Runtime's on the source. The tolerance of 1e-5 is some hundred float32 roundings: recurrences
repeat them at every step.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper, parser

from paritygate.convert.routes.base import Candidate, RouteOptions
from paritygate.convert.routes.onnx.to_coreml import route as onnx_to_coreml
from paritygate.validate.engines import onnxruntime
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.coreml import lowered as coreml

TOLERANCE = 1e-5

Feed = dict[str, Any]

ML = "ai.onnx.ml"


def convert_model(
    model: onnx.ModelProto, folder: Path, options: RouteOptions | None = None, suffix: str = ".mlpackage"
) -> Candidate:
    path = folder / "source.onnx"
    onnx.save(model, str(path))
    source = onnxruntime.load(path, LoadOptions())
    return onnx_to_coreml.convert(source, folder / f"made{suffix}", options or RouteOptions())


def reference_outputs(model: onnx.ModelProto, feed: Feed) -> Feed:
    """ONNX Runtime without its optimisations: it fuses quantised operators into inexact ones."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options)
    return dict(zip([value.name for value in session.get_outputs()], session.run(None, feed), strict=True))


def run_candidate(candidate: Candidate, feed: Feed) -> Feed:
    model = coreml.load(candidate.path, LoadOptions())
    given = {
        spec.name: np.atleast_1d(feed[candidate.inputs[spec.name]]).astype(spec.dtype)
        for spec in model.signature.inputs
    }
    found = model.run(given)
    return {candidate.outputs.get(name, name): value for name, value in found.items()}


def assert_agreement(model: onnx.ModelProto, candidate: Candidate, feed: Feed, tolerance: float = TOLERANCE) -> None:
    found = run_candidate(candidate, feed)
    for name, wanted in reference_outputs(model, feed).items():
        assert found[name].shape == (wanted.shape or found[name].shape)
        np.testing.assert_allclose(found[name].reshape(wanted.shape), wanted, tolerance, tolerance, err_msg=name)


def recurrent_model(operator: str, *, constant: bool = True, **asked: Any) -> tuple[onnx.ModelProto, Feed]:
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
    return model_of(graph), {name: arrays[name] for name in used if name not in fixed}


def model_of(graph: onnx.GraphProto, opset: int = 17) -> onnx.ModelProto:
    imports = [helper.make_opsetid("", opset), helper.make_opsetid(ML, 3)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


def classic_model(operator: str, rows: list[dict[str, Any]]) -> tuple[onnx.ModelProto, Feed]:
    """A model with one node per set of attributes, all with the same input."""
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
    return model_of(graph), {"X": x.astype(np.float32)}


def two_trees(prefix: str, weights: list[float], ids: list[int], **more: Any) -> dict[str, Any]:
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


def parsed(text: str, opset: int = 17) -> onnx.ModelProto:
    return parser.parse_model(f'<ir_version: 10, opset_import: ["":{opset}, "{ML}": 3]> {text}')
