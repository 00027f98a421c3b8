"""Which operands and results of an ONNX node may be float16: what the operator's own schema allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import onnx
from onnx import TensorProto

from ....validate.onnx_graphs import subgraphs

_HALF = "tensor(float16)"


@dataclass(frozen=True, slots=True)
class Ports:
    """Positions of a node's operands and results that are float32 and become float16."""

    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.outputs)


def ports_of(node: onnx.NodeProto, dtypes: Mapping[str, int], opsets: Mapping[str, int]) -> Ports:
    """The ports that change together; none for a node that must stay as it is.

    ``dtypes`` are ONNX's types by tensor, ``opsets`` the versions by domain. A type variable of the schema becomes
    float16 if all its operands are float32. A node stays if it has branches or a body, if its schema isn't known (a
    runtime's own operator), or if none of its results follows its operands (``Cast``, ``Shape``, comparisons): the type
    of these stands in an attribute or is fixed.
    """
    schema = None if subgraphs(node) else _schema(node, opsets)
    if schema is None:
        return Ports()
    allowed = {each.type_param_str for each in schema.type_constraints if _HALF in each.allowed_type_strs}
    given = [(n, _variable(schema.inputs, n), dtypes.get(name)) for n, name in enumerate(node.input) if name]
    other = {variable for _, variable, dtype in given if dtype != TensorProto.FLOAT}
    inputs = {n: variable for n, variable, _ in given if variable in allowed - other}
    changed = set(inputs.values())
    results = ((n, _variable(schema.outputs, n)) for n, name in enumerate(node.output) if name)
    return Ports(tuple(inputs), tuple(n for n, variable in results if variable in changed))


def _schema(node: onnx.NodeProto, opsets: Mapping[str, int]) -> Any:
    domain = "" if node.domain == "ai.onnx" else node.domain
    try:
        return onnx.defs.get_schema(node.op_type, opsets.get(domain, 1), domain)
    except onnx.defs.SchemaError:
        return None


def _variable(formal: Any, number: int) -> str:
    """The type of a port as the schema calls it; the last one may stand for many."""
    return str(formal[min(number, len(formal) - 1)].type_str)
