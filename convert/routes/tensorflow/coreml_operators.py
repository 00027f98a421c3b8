"""TensorFlow operators that coremltools' frontend lacks, composed of Core ML's."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from ..coreml.extend import Translation, extended


def _erfc(context: Any, node: Any) -> None:
    from coremltools.converters.mil.mil import Builder

    x = context[node.inputs[0]]
    context.add(node.name, Builder.sub(x=1.0, y=Builder.erf(x=x), name=node.name))


OPERATORS: dict[str, Translation] = {"Erfc": _erfc}


def known_operators() -> AbstractContextManager[None]:
    """Register these operators with coremltools' frontend for the length of the block."""
    from coremltools.converters.mil.frontend.tensorflow.tf_op_registry import _TF_OPS_REGISTRY

    return extended(_TF_OPS_REGISTRY, OPERATORS)
