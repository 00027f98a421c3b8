"""TensorFlow Lite files, by the schema that the package ``tflite`` holds. TensorFlow isn't imported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ...validate.errors import ParityGateError
from ..facts import read as read_facts
from ..footprint import measure
from ..model import Kind, ModelFacts, Node, Tensor

IDENTIFIER = b"TFL3"

_DTYPES = {"FLOAT32": "float", "FLOAT64": "double"}
"""TensorFlow Lite's words for dtypes that ONNX calls otherwise."""

_CUSTOM = 32


def read(path: Path) -> ModelFacts:
    """The facts of a ``.tflite`` file: its first subgraph, and the operators of all.

    Raises ParityGateError PG402 for what isn't such a file or is damaged, PG403 without the package ``tflite``.
    """
    try:
        import tflite
    except ImportError as error:
        install = "pip install 'paritygate[targets]'"
        raise ParityGateError("PG403", str(path), "reading .tflite files needs the package tflite", install) from error
    content = path.read_bytes()
    if content[4:8] != IDENTIFIER:
        raise ParityGateError("PG402", str(path), "not a TensorFlow Lite model: it lacks the mark TFL3")
    try:
        return _facts(path, tflite.Model.GetRootAs(content, 0), len(content))
    except Exception as error:  # the generated code follows offsets of the file, wherever they lead
        raise ParityGateError("PG402", str(path), f"it is damaged: {error or type(error).__name__}") from error


def _facts(path: Path, model: Any, size: int) -> ModelFacts:
    codes = [_code(code) for code in _each(model.OperatorCodes, model.OperatorCodesLength(), size)]
    graphs = list(_each(model.Subgraphs, model.SubgraphsLength(), size))
    names = [_tensor_names(graph, size) for graph in graphs]
    tensors = {
        n: _tensor(t)
        for g, all_ in zip(graphs, names, strict=True)
        for n, t in zip(all_, _tensors(g, size), strict=True)
    }
    stored = {
        name: buffer
        for graph, all_ in zip(graphs, names, strict=True)
        for name, tensor in zip(all_, _tensors(graph, size), strict=True)
        if (buffer := model.Buffers(tensor.Buffer()).DataLength())
    }
    inputs = {names[0][i]: _declared(graphs[0].Tensors(i)) for i in _numbers(graphs[0].InputsAsNumpy())}
    outputs = {names[0][i]: _declared(graphs[0].Tensors(i)) for i in _numbers(graphs[0].OutputsAsNumpy())}
    nodes = tuple(n for depth, g in enumerate(graphs) for n in _nodes(g, names[depth], codes, min(depth, 1), size))
    weights: Counter[str] = Counter()
    for name, length in stored.items():
        weights[tensors[name].dtype] += length
    return ModelFacts(
        kind=Kind.TFLITE,
        path=str(path),
        specification=model.Version(),
        footprint=measure(path.stat().st_size, dict(weights), nodes, tensors, inputs, outputs),
        inputs=inputs,
        outputs=outputs,
        tensors=tensors,
        constants=frozenset(stored),
        nodes=nodes,
    )


def _each(get: Callable[[int], Any], count: int, size: int) -> Iterator[Any]:
    if count * 4 > size:
        raise ValueError(f"a list of {count} entries doesn't fit into the file")
    return (get(number) for number in range(count))


def _numbers(array: Any) -> list[int]:
    return [] if isinstance(array, int) else [int(number) for number in array]


def _code(code: Any) -> tuple[str, int, bool]:
    """An operator's name, its version, and whether it is a custom one."""
    builtin = max(code.DeprecatedBuiltinCode(), code.BuiltinCode())
    if builtin == _CUSTOM:
        return (code.CustomCode() or b"?").decode(errors="replace"), code.Version(), True
    return _builtins().get(builtin, f"operator {builtin}"), code.Version(), False


def _builtins() -> Mapping[int, str]:
    return {row["code"]: name for name, row in read_facts("tflite")["ops"].items()}


def _tensors(graph: Any, size: int) -> Iterator[Any]:
    return _each(graph.Tensors, graph.TensorsLength(), size)


def _tensor_names(graph: Any, size: int) -> list[str]:
    """Names of the file where they are unique in it; tensors of TensorFlow Lite are known by number."""
    found: Counter[str] = Counter()
    names = []
    for number, tensor in enumerate(_tensors(graph, size)):
        name = (tensor.Name() or b"").decode(errors="replace") or f"tensor {number}"
        names.append(f"{name}#{number}" if found[name] else name)
        found[name] += 1
    return names


def _dtype(tensor: Any) -> str:
    name = next((n for n, number in read_facts("tflite")["tensor_types"].items() if number == tensor.Type()), "")
    return _DTYPES.get(name, name.lower())


def _tensor(tensor: Any) -> Tensor:
    """With an open first axis as one row."""
    quantisation = tensor.Quantization()
    scaled = quantisation is not None and quantisation.ScaleLength() > 0
    return Tensor(_dtype(tensor), tuple(abs(length) for length in _numbers(tensor.ShapeAsNumpy())), scaled)


def _declared(tensor: Any) -> Tensor:
    """With the lengths that the file leaves open."""
    signature = _numbers(tensor.ShapeSignatureAsNumpy()) or _numbers(tensor.ShapeAsNumpy())
    return Tensor(_dtype(tensor), tuple(None if length < 0 else length for length in signature))


def _nodes(graph: Any, names: list[str], codes: list[tuple[str, int, bool]], depth: int, size: int) -> Iterator[Node]:
    for number, operator in enumerate(_each(graph.Operators, graph.OperatorsLength(), size)):
        name, version, custom = codes[operator.OpcodeIndex()]
        inputs = tuple(names[i] if i >= 0 else "" for i in _numbers(operator.InputsAsNumpy()))
        outputs = tuple(names[i] for i in _numbers(operator.OutputsAsNumpy()))
        label = outputs[0] if outputs else f"{name} {number}"
        yield Node(label, name, "tflite", version, inputs, outputs, depth=depth, custom=custom)
