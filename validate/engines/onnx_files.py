"""The files of an ONNX model: its protobuf message, and the external data beside it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ParityGateError
from ..onnx_graphs import all_graphs
from ..paths import inside

if TYPE_CHECKING:
    import onnx


def graph_only(path: Path) -> onnx.ModelProto:
    """The message without external data, parsed once. Raises ParityGateError PG402 for a file that isn't ONNX."""
    status = path.stat()
    return _parse(path, (status.st_mtime_ns, status.st_size))


@lru_cache(maxsize=8)  # a gate opens hundreds of models in one process
def _parse(path: Path, stamp: tuple[int, int]) -> onnx.ModelProto:
    import onnx
    from google.protobuf.message import DecodeError

    model = onnx.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())  # onnx.load would pick a parser by the suffix; ONNX Runtime does not
    except (DecodeError, RecursionError) as error:
        raise ParityGateError("PG402", str(path), "not an ONNX model: protobuf can't decode it") from error
    if not model.ByteSize() or not model.HasField("graph"):
        raise ParityGateError("PG402", str(path), "not an ONNX model: it holds no graph")
    return model


def external_files(path: Path) -> list[Path]:
    """The external data files that an ONNX file refers to. Raises PG502 if one lies outside of its folder."""
    folder = path.parent.resolve()
    locations = {
        entry.value
        for tensor in all_tensors(graph_only(path))
        for entry in tensor.external_data
        if entry.key == "location"
    }
    return [inside(folder, location) for location in sorted(locations)]


def check_external_files(path: Path, *, trust: bool) -> None:
    """Check that all external data are there, as files of the model's own.

    Raises ParityGateError PG402 for what is missing or not a regular file, PG502 for a path out of the folder, and
    unless ``trust`` for a file with a second name: a hard link may lead to any file of the disk.
    """
    for file in external_files(path):
        if not file.is_file():
            state = "is not a regular file" if file.exists() else "is missing"
            raise ParityGateError("PG402", str(path), f"its external data file {file.name} {state}")
        if file.stat().st_nlink > 1 and not trust:
            raise ParityGateError(
                "PG502", str(path), f"its external data file {file.name} is a hard link to a file that has other names",
                "Replace it by a copy, or pass --trust if you made the link.",
            )  # fmt: skip


def all_tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every tensor of a model: of nested graphs, functions, training graphs, sparse ones and lists, too."""
    graphs = [model.graph, *(g for t in model.training_info for g in (t.initialization, t.algorithm))]
    for graph in (inner for outer in graphs for inner in all_graphs(outer)):
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
        yield from (tensor for node in graph.node for tensor in _constants(node))
    for function in model.functions:
        for node in function.node:
            yield from _constants(node)
            for graph in (inner for a in node.attribute for outer in (a.g, *a.graphs) for inner in all_graphs(outer)):
                yield from graph.initializer
                yield from (tensor for each in graph.node for tensor in _constants(each))


def _constants(node: onnx.NodeProto) -> Iterator[onnx.TensorProto]:
    for attribute in node.attribute:
        yield from (attribute.t, *attribute.tensors)
        for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
            yield from (sparse.values, sparse.indices)
