"""Hand converters to skl2onnx: an estimator's outputs, their types, and the function that computes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from skl2onnx import update_registered_converter
from skl2onnx._parse import _parse_sklearn

from .estimator_graph import (
    ALIAS,
    DECISIONS,
    FUNCTIONS,
    INNER,
    TYPES,
    Decision,
    Function,
    floating_type,
    part,
    without_zipmap,
)
from .estimator_graph import EstimatorGraph as EstimatorGraph
from .estimator_graph import label_dtype as label_dtype
from .estimator_graph import labels as labels
from .tensors import Tensor

AS_INPUT = np.dtype(np.void)
"""The dtype of an output that keeps its input's, be it text, integers or floating numbers."""


@dataclass(frozen=True, slots=True)
class Output:
    """An output: its name, its extents after the batch, its dtype (None: the floating type of the model)."""

    name: str
    shape: tuple[int | None, ...] = ()
    dtype: np.dtype[Any] | None = None


Outputs = Callable[[Any], Sequence[Output]]
"""Which outputs a fitted estimator has."""


def declare(kind: type, function: Function, outputs: Outputs, options: dict[str, Any] | None = None) -> None:
    """Register ``function`` as the converter of estimators of class ``kind``, in place of skl2onnx's own, if any."""
    alias = _alias(kind)

    def parse(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:
        operator = scope.declare_local_operator(alias, model)
        operator.inputs = inputs
        for output in outputs(model):
            operator.outputs.append(scope.declare_local_variable(output.name, _type(output, operator)))
        return operator.outputs

    def infer_shapes(operator: Any) -> None:
        for variable, output in zip(operator.outputs, outputs(operator.raw_operator), strict=True):
            variable.set_type(_type(output, operator))

    def convert(scope: Any, operator: Any, container: Any) -> None:
        graph = EstimatorGraph(scope, container, operator.inputs)
        with part(operator.raw_operator):
            results = function(graph, operator.raw_operator)
        graph.finish([results] if isinstance(results, Tensor) else results, operator.outputs)

    FUNCTIONS[kind] = function
    allowed = {"zipmap": None, **(options or {})}
    update_registered_converter(kind, alias, infer_shapes, convert, overwrite=True, parser=parse, options=allowed)


def forward(kind: type, inner: Callable[[Any], Any]) -> None:
    """Register an estimator with the outputs of the one inside of it: ``inner(model)`` is converted in its place."""

    def parse(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:
        estimator = inner(model)
        without_zipmap(estimator, scope)
        return _parse_sklearn(scope, estimator, inputs)

    def convert(scope: Any, operator: Any, container: Any) -> None:
        graph = EstimatorGraph(scope, container, operator.inputs)
        graph.finish(graph.call(inner(operator.raw_operator)), operator.outputs)

    INNER[kind] = inner
    alias = _alias(kind)
    allowed = {"zipmap": None}
    update_registered_converter(
        kind, alias, lambda operator: None, convert, overwrite=True, parser=parse, options=allowed
    )


def transformer(kind: type, function: Function, width: Callable[[Any], int | None] | None = None) -> None:
    """Register a transformer: one floating output, ``width(model)`` columns (default: its names for them)."""
    columns = width or (lambda model: len(model.get_feature_names_out()))
    declare(kind, function, lambda model: [Output("variable", (columns(model),))])


def regressor(kind: type, function: Function, targets: Callable[[Any], int] = lambda model: 1) -> None:
    """Register a regressor: one floating output (n, targets); as everywhere in skl2onnx, one target is (n, 1)."""
    declare(kind, function, lambda model: [Output("variable", (targets(model),))])


def classifier(kind: type, function: Function, decision: Decision | None = None) -> None:
    """Register a classifier: the label, then probabilities or else decision values, if the model has either.

    ``decision`` computes ``decision_function`` for meta-estimators that prefer it to probabilities.
    """
    declare(kind, function, classifier_outputs)
    if decision is not None:
        DECISIONS[kind] = decision


def clusterer(kind: type, function: Function) -> None:
    """Register a clusterer: the cluster's number, then what ``transform`` gives, if the model has it."""
    declare(kind, function, lambda model: [LABEL, SCORES] if hasattr(model, "transform") else [LABEL])


def outlier_detector(kind: type, function: Function) -> None:
    """Register an outlier detector: 1 or -1, and the decision value (n, 1)."""
    declare(kind, function, lambda model: [LABEL, Output("scores", (1,))])


LABEL = Output("label", (), np.dtype(np.int64))
SCORES = Output("scores", (None,))


def classifier_outputs(model: Any) -> list[Output]:
    """The label, then probabilities or decision values; of several targets, the probabilities of each."""
    dtype = label_dtype(model.classes_)
    if isinstance(model.classes_, list):
        if not hasattr(model, "predict_proba"):
            return [Output("label", (len(model.classes_),), dtype)]
        scores = [Output(f"probabilities_{i}", (len(own),)) for i, own in enumerate(model.classes_)]
        return [Output("label", (len(model.classes_),), dtype), *scores]
    count = len(model.classes_)
    if getattr(model, "multilabel_", False):
        return [Output("label", (count,), dtype), Output("probabilities", (count,))]
    label = Output("label", (), dtype)
    if hasattr(model, "predict_proba"):
        return [label, Output("probabilities", (count,))]
    if hasattr(model, "decision_function"):
        return [label, Output("probabilities", () if count == 2 else (count,))]
    return [label]


def _type(output: Output, operator: Any) -> Any:
    first = operator.inputs[0]
    if output.dtype == AS_INPUT:
        kind = type(first.type)
    else:
        kind = type(floating_type(operator.inputs)) if output.dtype is None else TYPES[output.dtype]
    return kind([first.get_first_dimension(), *output.shape])


def _alias(kind: type) -> str:
    """A name of its own for every class: XGBoost and LightGBM both have a Booster."""
    return f"{ALIAS}{kind.__module__.partition('.')[0].title()}{kind.__name__}"
