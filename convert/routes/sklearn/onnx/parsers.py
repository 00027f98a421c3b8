"""How skl2onnx parses estimators that hold others: pipelines, unions, tables of columns.

skl2onnx's own parsers convert columns of different types to the type of the first, confuse the order of columns that
a part takes from several inputs, look up columns by the names of inputs, and don't support passthrough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

from .....validate.engines.sklearn.catboost_categories import has_categories
from .....validate.engines.sklearn.category_values import category_texts
from .....validate.engines.sklearn.walk import PASSTHROUGH, steps_of, unwrap

Variables = list[Any]
Parser = Callable[..., Variables]

JOIN = "ParitygateJoin"


def register_parsers() -> None:
    """Put these parsers in the place of skl2onnx's."""
    from skl2onnx import update_registered_parser
    from skl2onnx.common._registration import register_converter, register_shape_calculator
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import FeatureUnion, Pipeline

    register_shape_calculator(JOIN, _join_type, overwrite=True)
    register_converter(JOIN, _join, overwrite=True, options=None)
    update_registered_parser(Pipeline, _pipeline)
    update_registered_parser(FeatureUnion, _union)
    update_registered_parser(ColumnTransformer, _columns)


def _parse(scope: Any, model: Any, inputs: Variables) -> Variables:
    from skl2onnx._parse import _parse_sklearn

    outputs: Variables = _parse_sklearn(scope, unwrap(model), inputs)
    return outputs


def _pipeline(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Variables:
    """Each step takes the outputs of the one before; an empty Pipeline gives its inputs, joined."""
    steps, variables = list(steps_of(model)), list(inputs)
    for step in steps:
        variables = _parse(scope, step, variables)
    return variables if steps else [_joined(scope, variables)]


def _union(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Variables:
    weights = model.transformer_weights or {}
    parts = [
        _weighted(scope, _part(scope, part, list(inputs)), weights.get(name))
        for name, part in model.transformer_list
        if part != "drop"
    ]
    return [_joined(scope, parts)]


def _columns(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Variables:
    """Every part takes its columns by position, whatever the names of the inputs."""
    weights = model.transformer_weights or {}
    parts = []
    for name, part, _ in model.transformers_:
        positions = [int(position) for position in model._transformer_to_input_indices[name]]
        if part != "drop" and positions:
            taken = list(_take(scope, list(inputs), positions))
            parts.append(_weighted(scope, _part(scope, part, taken), weights.get(name)))
    return [_joined(scope, parts)]


def _part(scope: Any, part: Any, inputs: Variables) -> Any:
    """The one output of a transformer or a passthrough."""
    if part in PASSTHROUGH:
        return _joined(scope, inputs)
    return _parse(scope, part, inputs if takes_columns(part) else [_joined(scope, inputs)])[0]


def takes_columns(part: Any) -> bool:
    """Whether an estimator's converter reads columns of different types; others take one table."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import FeatureUnion, Pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

    if isinstance(part, Pipeline):
        steps = steps_of(part)
        return bool(steps) and takes_columns(steps[0])
    return (
        has_categories(part)
        or bool(category_texts(part))
        or isinstance(
            part, ColumnTransformer | FeatureUnion | OneHotEncoder | OrdinalEncoder | TargetEncoder | SimpleImputer
        )
    )


def _take(scope: Any, inputs: Variables, positions: Sequence[int]) -> Iterator[Any]:
    """Columns by position over all inputs, in this order; neighbours within one input are taken together."""
    if len(inputs) == 1:
        yield _extract(scope, inputs[0], list(positions))
        return
    owners = [(variable, column) for variable in inputs for column in range(variable.type.shape[1])]
    chosen = [owners[position] for position in positions]
    for _, group in groupby(chosen, key=lambda pair: id(pair[0])):
        pairs = list(group)
        yield _extract(scope, pairs[0][0], [column for _, column in pairs])


def _extract(scope: Any, variable: Any, columns: list[int]) -> Any:
    if columns == list(range(variable.type.shape[1] or -1)):
        return variable
    operator = scope.declare_local_operator("SklearnArrayFeatureExtractor")
    operator.inputs.append(variable)
    operator.column_indices = columns
    taken = scope.declare_local_variable("columns", type(variable.type)([None, len(columns)]))
    operator.outputs.append(taken)
    return taken


def _weighted(scope: Any, variable: Any, weight: float | None) -> Any:
    if weight is None:
        return variable
    operator = scope.declare_local_operator("SklearnMultiply")
    operator.inputs.append(variable)
    operator.operand = weight
    product = scope.declare_local_variable("weighted", type(variable.type)([None, None]))
    operator.outputs.append(product)
    return product


def _joined(scope: Any, variables: Variables) -> Any:
    """All columns in one table. Its type follows from the parts' once these are known (see :func:`_join_type`)."""
    if len(variables) == 1:
        return variables[0]
    operator = scope.declare_local_operator(JOIN)
    operator.inputs.extend(variables)
    table = scope.declare_local_variable("table", type(variables[0].type)([None, None]))
    operator.outputs.append(table)
    return table


def _join_type(operator: Any) -> None:
    """As numpy promotes: float32 and integers give double."""
    from skl2onnx.common.data_types import (
        BooleanTensorType,
        DoubleTensorType,
        FloatTensorType,
        Int64TensorType,
        StringTensorType,
    )

    kinds = {type(variable.type) for variable in operator.inputs}
    if StringTensorType in kinds and len(kinds) > 1:
        raise RuntimeError("a table of text and numbers can't be one tensor; encode the text columns")
    widths = [variable.type.shape[1] for variable in operator.inputs]
    width = None if None in widths else sum(widths)
    if {FloatTensorType, Int64TensorType} <= kinds:
        kinds = {DoubleTensorType}
    order = (StringTensorType, DoubleTensorType, FloatTensorType, Int64TensorType, BooleanTensorType)
    kind = next((kind for kind in order if kind in kinds), None)
    if kind is None:
        raise RuntimeError(f"columns of the types {', '.join(sorted(kind.__name__ for kind in kinds))} can't be joined")
    operator.outputs[0].set_type(kind([operator.inputs[0].get_first_dimension(), width]))


def _join(scope: Any, operator: Any, container: Any) -> None:
    from skl2onnx.common._apply_operation import apply_cast, apply_concat

    target = operator.outputs[0].type
    names = []
    for variable in operator.inputs:
        name = variable.full_name
        if type(variable.type) is not type(target):
            name = scope.get_unique_variable_name("cast")
            apply_cast(scope, variable.full_name, name, container, to=target.to_onnx_type().tensor_type.elem_type)
        names.append(name)
    apply_concat(scope, names, operator.outputs[0].full_name, container, axis=1)
