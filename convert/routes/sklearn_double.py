"""Let skl2onnx's own converters compute in double, as scikit-learn does with float32 samples and double parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

ALIASES = (
    "SklearnBayesianRidge",
    "SklearnGammaRegressor",
    "SklearnGaussianRandomProjection",
    "SklearnIncrementalPCA",
    "SklearnKernelCenterer",
    "SklearnLinearRegressor",
    "SklearnLinearSVR",
    "SklearnNeighborhoodComponentsAnalysis",
    "SklearnPCA",
    "SklearnPoissonRegressor",
    "SklearnQuadraticDiscriminantAnalysis",
    "SklearnRANSACRegressor",
    "SklearnSGDOneClassSVM",
    "SklearnTruncatedSVD",
    "SklearnTweedieRegressor",
)
"""skl2onnx's names for estimators, each a converter."""


def register_in_double() -> None:
    """Wrap the converters of :data:`ALIASES`."""
    from skl2onnx.common._registration import get_converter, register_converter

    for alias in ALIASES:
        original = get_converter(alias)
        register_converter(alias, _in_double(original), overwrite=True, options=original.get_allowed_options())


def _in_double(original: Callable[[Any, Any, Any], None]) -> Callable[[Any, Any, Any], None]:
    """The same converter between a cast of narrow inputs to double and casts of its outputs to their own types."""
    from skl2onnx.common.data_types import BooleanTensorType, DoubleTensorType, FloatTensorType, Int64TensorType

    narrow = (FloatTensorType, Int64TensorType, BooleanTensorType)

    def convert(scope: Any, operator: Any, container: Any) -> None:
        if not any(isinstance(variable.type, narrow) for variable in operator.inputs):
            original(scope, operator, container)
            return
        inner = scope.declare_local_operator(operator.type, operator.raw_operator)
        for variable in operator.inputs:
            if isinstance(variable.type, narrow):
                wide = scope.declare_local_variable("wide", DoubleTensorType(variable.type.shape))
                _cast(scope, container, variable, wide)
                inner.inputs.append(wide)
            else:
                inner.inputs.append(variable)
        for variable in operator.outputs:
            is_float = isinstance(variable.type, FloatTensorType)
            kind = DoubleTensorType if is_float else type(variable.type)
            result = scope.declare_local_variable("in_double", kind(variable.type.shape))
            inner.outputs.append(result)
            _cast(scope, container, result, variable)

    return convert


def _cast(scope: Any, container: Any, source: Any, target: Any) -> None:
    if type(source.type) is type(target.type):
        container.add_node(
            "Identity", [source.full_name], [target.full_name], name=scope.get_unique_operator_name("Identity")
        )
        return
    to = target.type.to_onnx_type().tensor_type.elem_type
    container.add_node(
        "Cast", [source.full_name], [target.full_name], name=scope.get_unique_operator_name("Cast"), to=to
    )
