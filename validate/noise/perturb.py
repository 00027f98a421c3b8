"""Monte Carlo arithmetic on an ONNX graph: floating results get random relative errors of the size of rounding.

D. S. Parker, Monte Carlo Arithmetic: exploiting randomness in floating-point arithmetic (1997); Verificarlo
(arXiv 1509.01347) does so to compiled programs. Here nodes are added to the graph, so that any runtime that can run the
model can run it perturbed. This module decides which tensors get which errors; :mod:`.error_nodes` builds the nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper

from ..errors import ParityGateError
from ..onnx_graphs import all_graphs, inline_functions, subgraphs
from .accumulation import accumulated_terms, operand_units, result_units
from .discontinuities import discontinuous_outputs, read_by_discontinuities
from .error_nodes import WIDE, ErrorNodes, Rewrite
from .error_pools import ErrorPool
from .operators import ABSOLUTE, EXACT, RECURRENT, SUMS, TREES, UNITS
from .precision import AS_TYPED, ROUNDOFF, Precision
from .tensors import Tensors, input_dependent, tensors_of
from .transforms import Spectrum, integers_of, spectrum_of

OLDEST_OPSET = 7
"""Operators didn't broadcast before, and ONNX Runtime runs nothing older."""

NOTHING_ROUNDS = "the graph only moves, chooses or counts values"
"""Why there is nothing to measure in a graph whose results are exact."""

_FIRST_WITH_FREE_CONSTANTS = 4
"""The IR version since which initializers needn't be inputs."""

_WEIGHTS = 3  # operands of a recurrent layer that get errors: the sequence and two weights


@dataclass(frozen=True, slots=True)
class PerturbedModel:
    """A model with errors.

    ``roundoff`` is the unit roundoff of the coarsest type that was perturbed, ``discontinuous`` are the outputs after a
    discontinuous operator, ``pools`` are the further inputs that hold errors.
    """

    model: onnx.ModelProto
    roundoff: float
    discontinuous: frozenset[str]
    pools: Mapping[str, ErrorPool]


def perturb(model: onnx.ModelProto, pool_size: int, precision: Precision = AS_TYPED, seed: int = 0) -> PerturbedModel:
    """The model with errors, which are taken from pools of ``pool_size`` numbers.

    A tensor of more than half as many elements repeats them. Raises ParityGateError PG316 where nothing can be
    perturbed.
    """
    model = inline_functions(model)
    opset = _opset(model)
    if opset < OLDEST_OPSET:
        raise unmeasured(f"the graph's opset, {opset}, is older than {OLDEST_OPSET}")
    random = np.random.default_rng(seed)
    rewrite = Rewrite(tensors_of(model), pool_size, random, precision, opset, integers_of(model))
    dependent = input_dependent(model.graph)
    discontinuous = discontinuous_outputs(model.graph, dependent)
    _perturb_graph(model.graph, rewrite, dependent)
    if not rewrite.roundoffs:
        moved = all(node.op_type in EXACT | {"Cast"} for inner in all_graphs(model.graph) for node in inner.node)
        raise unmeasured(NOTHING_ROUNDS if moved else "no operator is known to give rounded floating-point values")
    if precision.narrowed.inputs:
        _perturb_inputs(model.graph, rewrite)
    model.graph.input.extend(
        helper.make_tensor_value_info(name, pool.onnx_type, [pool_size]) for name, pool in rewrite.pools.items()
    )
    model.graph.initializer.extend(rewrite.constants)
    model.ir_version = max(model.ir_version, _FIRST_WITH_FREE_CONSTANTS)
    return PerturbedModel(model, max(rewrite.roundoffs), frozenset(discontinuous), rewrite.pools)


def unmeasured(reason: str) -> ParityGateError:
    """Why rounding noise could not be measured."""
    return ParityGateError("PG316", "rounding noise", reason)


def _perturb_graph(graph: onnx.GraphProto, rewrite: Rewrite, dependent: set[str], counter: str = "") -> None:
    """Perturb the graph's nodes and those of nested graphs, in place."""
    errors = ErrorNodes(rewrite, frozenset(read_by_discontinuities(graph)), counter)
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        for body in subgraphs(node):
            inner_counter = body.input[0].name if node.op_type == "Loop" else counter
            _perturb_graph(body, rewrite, input_dependent(body, dependent), inner_counter)
        nodes += _with_errors(node, errors, dependent)
    del graph.node[:]
    graph.node.extend(nodes)


def _perturb_inputs(graph: onnx.GraphProto, rewrite: Rewrite) -> None:
    """Let all nodes read each input with one error."""
    names = {
        value.name: rewrite.name("input")
        for value in graph.input
        if rewrite.tensors.dtypes.get(value.name) in WIDE and value.name not in rewrite.tensors.fixed
    }
    for node in (node for inner in all_graphs(graph) for node in inner.node):
        node.input[:] = [names.get(name, name) for name in node.input]
    nodes, errors = list(graph.node), ErrorNodes(rewrite)
    del graph.node[:]
    for given, name in names.items():
        onnx_type = rewrite.tensors.dtypes[given]
        graph.node.extend(errors.relative(given, name, onnx_type, rewrite.bound(onnx_type, 1.0), whole=True))
    graph.node.extend(nodes)


def _with_errors(node: onnx.NodeProto, errors: ErrorNodes, dependent: set[str]) -> list[onnx.NodeProto]:
    """The node with errors on the operands that it adds up and on its floating results."""
    if node.op_type == "Cast":
        return _narrowing_cast(node, errors, dependent)
    if node.op_type in EXACT or not dependent.intersection(node.output):
        return [node]
    units, terms = UNITS.get(node.op_type, 1.0), None
    spectrum = spectrum_of(node, errors.rewrite.tensors, errors.rewrite.integers, errors.rewrite.opset)
    before = _on_constants(node, errors) if errors.rewrite.precision.narrowed.constants else []
    if node.op_type in SUMS:
        terms = accumulated_terms(node, errors.rewrite.tensors)
        for position in _summed(node, errors.rewrite.tensors, dependent):
            before += _on_operand(node, position, errors, units * operand_units(terms))
    if spectrum is not None:
        return [*before, node, *_on_spectrum(node, errors, spectrum)]
    absolute = ABSOLUTE.get(node.op_type, 0.0)
    after = _on_results(node, errors, absolute, units * (result_units(terms) if terms else 1.0))
    return [*before, node, *after]


def _on_spectrum(node: onnx.NodeProto, errors: ErrorNodes, spectrum: Spectrum) -> list[onnx.NodeProto]:
    """Errors on a transform's result that are a share of its root mean square; none on types without a kernel."""
    result, rewrite = node.output[0], errors.rewrite
    onnx_type = rewrite.tensors.dtypes.get(result, 0)
    if onnx_type not in WIDE:
        return []
    node.output[0] = f"{result}/exact"
    bound = rewrite.bound(onnx_type, spectrum.units)
    return errors.of_spectrum(node.output[0], result, onnx_type, bound, spectrum.axes)


def _narrowing_cast(node: onnx.NodeProto, errors: ErrorNodes, dependent: set[str]) -> list[onnx.NodeProto]:
    """A cast to a coarser type rounds: errors of that type's size come before it, so that results are its numbers."""
    dtypes, precision = errors.rewrite.tensors.dtypes, errors.rewrite.precision
    target = dtypes.get(node.output[0], 0)
    source = ROUNDOFF.get(dtypes.get(node.input[0], 0), 1.0)
    if ROUNDOFF.get(target, 0.0) <= source or node.input[0] not in dependent:
        return [node]
    units = precision.roundoff(target) / precision.roundoff(dtypes[node.input[0]])
    return [*_on_operand(node, 0, errors, units), node]


def _summed(node: onnx.NodeProto, tensors: Tensors, dependent: set[str]) -> list[int]:
    """The operands that get errors: the first that depends on the input; of recurrent layers the weights, too."""
    floating = [i for i, name in enumerate(node.input) if tensors.dtypes.get(name) in ROUNDOFF]
    if node.op_type in TREES:
        return []
    if node.op_type in RECURRENT:
        return [position for position in floating if position < _WEIGHTS]
    return [position for position in floating if node.input[position] in dependent][:1]


def _on_operand(node: onnx.NodeProto, position: int, errors: ErrorNodes, units: float) -> list[onnx.NodeProto]:
    given, name = node.input[position], errors.rewrite.name("operand")
    onnx_type = errors.rewrite.tensors.dtypes[given]
    node.input[position] = name
    return errors.relative(given, name, onnx_type, errors.rewrite.bound(onnx_type, units), whole=False)


def _on_constants(node: onnx.NodeProto, errors: ErrorNodes) -> list[onnx.NodeProto]:
    """Constants were rounded once, except for whole numbers."""
    nodes, tensors = [], errors.rewrite.tensors
    for position, given in enumerate(node.input):
        onnx_type = tensors.dtypes.get(given, 0)
        if onnx_type in WIDE and given in tensors.fixed:
            node.input[position] = name = errors.rewrite.name("constant")
            nodes += errors.relative(given, name, onnx_type, errors.rewrite.bound(onnx_type, 1.0), whole=True)
    return nodes


def _on_results(node: onnx.NodeProto, errors: ErrorNodes, absolute: float, units: float) -> list[onnx.NodeProto]:
    """Relative errors of ``units`` on each floating result, and absolute ones of ``absolute`` units."""
    nodes, rewrite = [], errors.rewrite
    for position, result in enumerate(node.output):
        onnx_type = rewrite.tensors.dtypes.get(result, 0)
        if onnx_type in ROUNDOFF:
            node.output[position] = name = f"{result}/exact"
            if absolute and onnx_type in WIDE:
                name = f"{result}/shifted"
                nodes += errors.absolute(node.output[position], name, onnx_type, rewrite.bound(onnx_type, absolute))
            bound = rewrite.bound(onnx_type, units)
            nodes += errors.relative(name, result, onnx_type, bound, whole=result in errors.whole)
    return nodes


def _opset(model: onnx.ModelProto) -> int:
    return next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
