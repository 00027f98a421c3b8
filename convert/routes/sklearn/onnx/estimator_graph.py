"""The graph of a model in which an estimator is being converted, and the conversion of estimators inside of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from onnx import NodeProto, TensorProto, numpy_helper
from onnx.helper import get_attribute_value, tensor_dtype_to_np_dtype
from skl2onnx._parse import _parse_sklearn, sklearn_parsers_map
from skl2onnx._supported_operators import sklearn_operator_name_map
from skl2onnx.common._registration import get_converter
from skl2onnx.common.data_types import (
    BooleanTensorType,
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
    guess_tensor_type,
)

from .....validate.engines.sklearn.walk import steps_of
from .....validate.errors import ParityGateError
from .tensors import STRING, Graph, Tensor

ALIAS = "Gap"
"""How the names under which skl2onnx knows these converters begin; all of them take features in double."""

TYPES = {
    np.dtype(np.float32): FloatTensorType,
    np.dtype(np.float64): DoubleTensorType,
    np.dtype(np.int64): Int64TensorType,
    np.dtype(bool): BooleanTensorType,
    STRING: StringTensorType,
}
"""dtype -> skl2onnx's type."""

Function = Callable[["EstimatorGraph", Any], Tensor | Sequence[Tensor]]
"""What converts an estimator: (graph, fitted estimator) -> its outputs."""

Decision = Callable[["EstimatorGraph", Any], Tensor]
"""What computes a classifier's decision values: (n,) or (n, 1) of two classes, else (n, classes)."""

FUNCTIONS: dict[type, Function] = {}
"""Class of an estimator -> what converts it."""

DECISIONS: dict[type, Decision] = {}
"""Class of a classifier -> what computes its decision values."""

INNER: dict[type, Callable[[Any], Any]] = {}
"""Class of an estimator that only forwards -> how to get the one inside."""


class EstimatorGraph(Graph):
    """The graph of the model in which one estimator is being converted, and that estimator's inputs.

    Converters compute in double; what they return is cast to the types that the outputs were declared with.
    """

    def __init__(self, scope: Any, container: Any, variables: Sequence[Any]) -> None:
        self.opset = container.target_opset_any_domain("")
        self._scope, self._container, self._variables = scope, container, list(variables)

    @property
    def space(self) -> object:
        """The same for all conversions of one model: they write into one graph."""
        return self._container

    @cached_property
    def inputs(self) -> tuple[Tensor, ...]:
        """The estimator's inputs as given: one tensor, or one per column of a table."""
        return tuple(Tensor(self, v.full_name, dtype_of(v.type)) for v in self._variables)

    @cached_property
    def x(self) -> Tensor:
        """The features in double, (n, features)."""
        return self.concat([value.cast(np.float64) for value in self.inputs])

    @cached_property
    def raw(self) -> Tensor:
        """The features in the dtype in which they are given, (n, features); in double if there are several dtypes."""
        same = len({value.dtype for value in self.inputs}) == 1
        return self.concat(self.inputs) if same else self.x

    @property
    def ml_opset(self) -> int:
        """The version of the domain ai.onnx.ml."""
        return int(self._container.target_opset_any_domain("ai.onnx.ml"))

    def full(self, value: ArrayLike, dtype: DTypeLike | None = None) -> Tensor:
        """``value`` once for each row of the input: (n, len(value)), or (n,) for a scalar."""
        content = self.constant(value, dtype)
        batch = self.inputs[0].shape().take([0])
        shape = batch if np.ndim(value) == 0 else self.concat([batch, self.constant([np.size(value)])], axis=0)
        return self.op("Expand", content, shape)

    def zeros(self, width: int) -> Tensor:
        """Zeros in double, (n, width), that take no space in the file."""
        shape = self.concat([self.inputs[0].shape().take([0]), self.constant([width])], axis=0)
        return self.op("ConstantOfShape", shape, dtype=np.float64, value=numpy_helper.from_array(np.zeros(1)))

    def columns(self, count: int) -> list[Tensor]:
        """The ``count`` features one by one, (n, 1) each, in the dtypes in which they are given."""
        if len(self.inputs) == 1:
            return [self.inputs[0].columns([j]) for j in range(count)]
        widths = [variable.type.shape[1] or 1 for variable in self._variables]
        parts = zip(self.inputs, widths, strict=True)
        return [value.columns([j]) if width > 1 else value for value, width in parts for j in range(width)]

    @property
    def floating(self) -> np.dtype[Any]:
        """The floating type of the model: float64 if its input is, else float32."""
        return dtype_of(floating_type(self._variables))

    def unique(self, hint: str) -> str:
        """A name that nothing in the model has yet."""
        name: str = self._scope.get_unique_variable_name(hint)
        return name

    def add_node(self, node: NodeProto) -> None:
        """Append a finished node."""
        attributes = {attribute.name: get_attribute_value(attribute) for attribute in node.attribute}
        version = self._container.target_opset_any_domain(node.domain)
        self._container.add_node(
            node.op_type,
            list(node.input),
            list(node.output),
            op_domain=node.domain,
            op_version=version,
            name=node.name,
            **attributes,
        )

    def add_constant(self, tensor: TensorProto) -> None:
        """Append a named constant."""
        content: Any = list(tensor.string_data) if tensor.string_data else tensor
        self._container.add_initializer(tensor.name, tensor.data_type, list(tensor.dims), content)

    def over(self, *features: Tensor, wide: bool = True) -> EstimatorGraph:
        """The same graph with other inputs; without any given, this one.

        Computed features stay double if ``wide``, else they are narrowed to the model's floating type.
        """
        if not features:
            return self
        return EstimatorGraph(self._scope, self._container, [self._variable(value, wide) for value in features])

    def call(self, estimator: Any, *features: Tensor) -> list[Tensor]:
        """The outputs of another fitted estimator, floating ones in double.

        ``features`` default to this estimator's own inputs. A classifier gives its label, then its scores. Predictions
        are not rounded to the model's floating type in between, as scikit-learn doesn't round them.
        """
        from sklearn.pipeline import Pipeline

        kind = type(estimator)
        if kind in INNER:
            return self.call(INNER[kind](estimator), *features)
        if isinstance(estimator, Pipeline):
            *before, last = steps_of(estimator)
            return self.call(last, *self.through(before, *features))
        if kind in FUNCTIONS and hasattr(estimator, "predict"):
            with part(estimator):
                results = FUNCTIONS[kind](self.over(*features), estimator)
            values = [results] if isinstance(results, Tensor) else results
            return [value.cast(np.float64) if value.dtype.kind == "f" else value for value in values]
        if kind not in sklearn_operator_name_map and kind not in sklearn_parsers_map:
            raise no_converter([kind.__name__])
        wide = sklearn_operator_name_map.get(kind, "").startswith(ALIAS)
        variables = self.over(*features, wide=wide)._variables
        without_zipmap(estimator, self._scope, self._container)
        return [self._result(variable, estimator) for variable in _parse_sklearn(self._scope, estimator, variables)]

    def through(self, steps: Sequence[Any], *features: Tensor) -> tuple[Tensor, ...]:
        """The features after a pipeline's transformers, in the width that the features are given in."""
        width = np.dtype(np.float64) if features else self.floating
        for step in steps:
            result = self.call(step, *features)[0]
            features = (result.cast(width) if result.dtype.kind == "f" else result,)
        return features

    def _result(self, variable: Any, estimator: Any) -> Tensor:
        """An output of another estimator. Its type is only certain once that estimator is converted: cast always."""
        declared = dtype_of(variable.type)
        if declared.kind == "f":
            return self.op("Cast", Tensor(self, variable.full_name, declared), dtype=np.float64, to=TensorProto.DOUBLE)
        is_label = hasattr(estimator, "classes_") and declared != np.bool_
        return Tensor(self, variable.full_name, label_dtype(estimator.classes_) if is_label else declared)

    def _variable(self, value: Tensor, wide: bool) -> Any:
        """A skl2onnx variable for a computed value."""
        chosen = value.cast(self.floating) if value.dtype.kind == "f" and not wide else value
        variable = self._scope.declare_local_variable("features", TYPES[chosen.dtype]([None, None]))
        self._rename(chosen, variable)
        return variable

    def finish(self, values: Sequence[Tensor], variables: Sequence[Any]) -> None:
        """Give the results the names and the types that the outputs were declared with."""
        for variable, value in zip(variables, values, strict=True):
            self._rename(value.cast(dtype_of(variable.type)), variable)

    def _rename(self, value: Tensor, variable: Any) -> None:
        self._container.add_node("Identity", [value.name], [variable.full_name], name=self.unique("Identity"))


@contextmanager
def part(estimator: Any) -> Iterator[None]:
    """The conversion of one estimator: what goes wrong is PG405 and names the innermost."""
    try:
        yield
    except ParityGateError:
        raise
    except Exception as e:  # attributes of fitted estimators change from release to release
        raise ParityGateError("PG405", type(estimator).__name__, f"{type(e).__name__}: {e}") from e


def no_converter(names: Sequence[str]) -> ParityGateError:
    """PG404: estimators of these classes can't be written as ONNX."""
    return ParityGateError(
        "PG404",
        ", ".join(names),
        f"{'has' if len(names) == 1 else 'have'} no converter to ONNX",
        "Replace it by an estimator that docs/coverage.md lists, or convert the rest of the pipeline.",
    )


def floating_type(variables: Sequence[Any]) -> Any:
    """skl2onnx's type of the numbers that a model computes: double if its first column of numbers is, else float32."""
    numbers = [variable.type for variable in variables if not isinstance(variable.type, StringTensorType)]
    return guess_tensor_type((numbers or [variables[0].type])[0])


def without_zipmap(estimator: Any, *holders: Any) -> None:
    """Request plain tensors from an estimator that skl2onnx would otherwise wrap in a ZipMap."""
    alias = sklearn_operator_name_map.get(type(estimator))
    if alias is not None and "zipmap" in (get_converter(alias).get_allowed_options() or ()):
        for holder in holders:
            holder.add_options(id(estimator), {"zipmap": False})


def label_dtype(classes: NDArray[Any] | list[NDArray[Any]]) -> np.dtype[Any]:
    """The dtype in which labels leave the graph: strings, or int64 for integers, booleans and integral floats."""
    values = np.concatenate([np.ravel(part) for part in classes]) if isinstance(classes, list) else np.asarray(classes)
    if values.dtype.kind in "USO":
        return STRING
    if values.dtype.kind == "f" and not np.array_equal(values, np.floor(values)):
        return np.dtype(np.float64)
    return np.dtype(np.int64)


def labels(indices: Tensor, classes: NDArray[Any]) -> Tensor:
    """The class label of each index."""
    return indices.graph.constant(np.asarray(classes).astype(label_dtype(classes))).take(indices)


def dtype_of(kind: Any) -> np.dtype[Any]:
    """The dtype of one of skl2onnx's types."""
    return np.dtype(tensor_dtype_to_np_dtype(kind.to_onnx_type().tensor_type.elem_type))
