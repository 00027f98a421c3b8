"""ONNX to Core ML: the classic models of ai.onnx.ml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx_models import (
    MIXED,
    ML,
    POSITIVE,
    assert_agreement,
    classic_model,
    convert_model,
    model_of,
    reference_outputs,
    two_trees,
)

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
        two_trees("target", MIXED, [0, 0, 1, 1, 1], n_targets=2, base_values=[0.5, -0.5]),
        *(two_trees("target", MIXED, [0] * 5, n_targets=1, aggregate_function=kind)
          for kind in ("AVERAGE", "MIN", "MAX")),
    ],
    "TreeEnsembleClassifier": [
        *(two_trees("class", weights, [0] * 5, **TWO, post_transform=kind, base_values=[0.05])
          for weights in (MIXED, POSITIVE) for kind in ("NONE", "LOGISTIC")),
        two_trees("class", POSITIVE, [1] * 5, **TWO),
        two_trees("class", POSITIVE, [0, 1, 2, 0, 2], **THREE, post_transform="SOFTMAX"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("operator", CLASSIC)
def test_classic_models(tmp_path: Path, operator: str) -> None:
    model, feed = classic_model(operator, CLASSIC[operator])
    feed["X"][2] = [2.0, 0.5, 9.0]
    if operator in ("Imputer", "TreeEnsembleRegressor"):
        feed["X"][1, 1] = np.nan
    assert_agreement(model, convert_model(model, tmp_path), feed)


def test_a_double_cast_from_float32_stays_on_its_side_of_a_threshold(tmp_path: Path) -> None:
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
    model, feed = model_of(graph), {"X": np.array([[1.0], [above], [2.0]], np.float32)}
    assert reference_outputs(model, feed)["y"].ravel().tolist() == [-1.0, 1.0, 1.0]
    assert_agreement(model, convert_model(model, tmp_path), feed)
