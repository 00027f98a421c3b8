"""TensorFlow operators that coremltools' frontend lacks, written with Core ML's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Translation = Callable[[Any, Any], None]


def _erfc(context: Any, node: Any) -> None:
    from coremltools.converters.mil.mil import Builder

    x = context[node.inputs[0]]
    context.add(node.name, Builder.sub(x=1.0, y=Builder.erf(x=x), name=node.name))


OPERATORS: dict[str, Translation] = {"Erfc": _erfc}


@contextmanager
def known_operators() -> Iterator[None]:
    """Let coremltools' frontend know these operators for a while."""
    from coremltools.converters.mil.frontend.tensorflow.tf_op_registry import _TF_OPS_REGISTRY

    before = dict(_TF_OPS_REGISTRY)
    _TF_OPS_REGISTRY.update(OPERATORS)
    try:
        yield
    finally:
        _TF_OPS_REGISTRY.clear()
        _TF_OPS_REGISTRY.update(before)
