"""Refuse a TensorFlow graph that would touch files, the network or libraries, before TensorFlow sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...errors import ParityGateError
from ...paths import inside, regular_file
from .operators import effect_of
from .origins import MAIN, UNKNOWN, Graph

_SAVES = {"MergeV2Checkpoints", "Save", "SaveSlices", "SaveV2"}
_RESTORES = {"Restore", "RestoreSlice", "RestoreV2"}
_FILLS_TABLE = {"InitializeTableFromTextFile": 1, "InitializeTableFromTextFileV2": 1}
"""Operators that fill a table from a file -> the input that names the file."""

_SAVER, _ASSET = "saver", "asset"
_INIT_SIGNATURE = "__saved_model_init_op"
_INIT_COLLECTIONS = ("saved_model_main_op", "legacy_init_op")
_SHOWN = 6


def check_graph_def(path: Path, graph_def: Any) -> None:
    """Refuse a frozen graph with operators that do more than compute. Raises ParityGateError PG402, PG501."""
    graph = _indexed(path, graph_def)
    _refuse(path, {(owner, node.name): (node.op, e) for owner, node in graph.all_nodes() if (e := _effect(node))})


def check_meta_graph(folder: Path, meta: Any) -> None:
    """Refuse a SavedModel's graph with operators that do more than compute.

    The saver's own operators are allowed: writing ones where nothing runs them, reading ones where the file name is
    the one that the loader gives them. Tables may be filled from the model's assets. Raises ParityGateError PG402,
    PG501.
    """
    graph = _indexed(folder, meta.graph_def, _sources(meta), _captured(meta))
    signatures = [info.name for key, each in meta.signature_def.items() if key != _INIT_SIGNATURE
                  for info in each.outputs.values()]  # fmt: skip
    running = graph.running([*signatures, *_run_at_load(meta)])
    by_signature = graph.running(signatures, captured=False)
    found = {}
    for owner, node in graph.all_nodes():
        place = (owner, node.name)
        if (
            (node.op in _SAVES and place not in running)
            or (node.op in _RESTORES and _comes_from(graph, owner, node, 0, _SAVER))
            or (node.op in _FILLS_TABLE and place not in by_signature and _comes_from(graph, owner, node, 1, _ASSET))
        ):
            continue
        if effect := _effect(node):
            found[place] = (node.op, effect)
    _refuse(folder, found)


def check_assets(folder: Path, meta: Any) -> None:
    """Check that each asset is a regular file in the folder's ``assets``. Raises ParityGateError PG402, PG502."""
    for asset in _assets(meta):
        regular_file(inside(folder, "assets"), asset.filename)


def _indexed(path: Path, graph_def: Any, *known: Any) -> Graph:
    """The graph's index. Raises PG402 where two functions or nodes share a name: one would hide the other."""
    scopes = [graph_def.node, *(function.node_def for function in graph_def.library.function)]
    names = [Counter(node.name for node in nodes) for nodes in scopes]
    names.append(Counter(function.signature.name for function in graph_def.library.function))
    double = next((name for counts in names for name, count in counts.items() if count > 1), None)
    if double is not None:
        raise ParityGateError("PG402", str(path), f"the name {double!r} occurs twice in its graph")
    return Graph(graph_def, *known)


def _effect(node: Any) -> str | None:
    if node.op in _FILLS_TABLE:
        return "reads files"
    return effect_of(node)


def _comes_from(graph: Graph, owner: str, node: Any, index: int, wanted: str) -> bool:
    """Whether an input has this origin and no other one. A value that nothing gives never arrives: that is none."""
    try:
        return len(node.input) > index and graph.origins(owner, node.input[index]) <= {wanted}
    except RecursionError:  # a chain that long isn't a model's
        return False


def _sources(meta: Any) -> dict[str, str]:
    """The tensors that the loader feeds: the saver's file name and the paths of assets."""
    known = {asset.tensor_info.name.partition(":")[0]: _ASSET for asset in _assets(meta)}
    saver = meta.saver_def.filename_tensor_name.partition(":")[0]
    return known | ({saver: _SAVER} if saver else {})


def _assets(meta: Any) -> list[Any]:
    from tensorflow.core.protobuf import meta_graph_pb2

    found = list(meta.asset_file_def)
    packed_assets = "saved_model_assets" in meta.collection_def
    for packed in meta.collection_def["saved_model_assets"].any_list.value if packed_assets else ():
        asset = meta_graph_pb2.AssetFileDef()
        packed.Unpack(asset)
        found.append(asset)
    return found


def _captured(meta: Any) -> dict[str, tuple[str, ...]]:
    """For each function that the loader restores: the origins of the objects that it captured."""
    nodes = meta.object_graph_def.nodes

    def origin(number: int) -> str:
        known = 0 <= number < len(nodes) and nodes[number].WhichOneof("kind") == "asset"
        return _ASSET if known else UNKNOWN

    functions = meta.object_graph_def.concrete_functions
    return {name: tuple(map(origin, each.bound_inputs)) for name, each in functions.items()}


def _run_at_load(meta: Any) -> list[str]:
    """The nodes that a loader runs: initialisation, and restoring the variables."""
    names = []
    if _INIT_SIGNATURE in meta.signature_def:
        names += [info.name for info in meta.signature_def[_INIT_SIGNATURE].outputs.values()]
    for key in _INIT_COLLECTIONS:
        if key in meta.collection_def:
            names += meta.collection_def[key].node_list.value
    return [*names, meta.saver_def.restore_op_name]


def _refuse(path: Path, found: dict[tuple[str, str], tuple[str, str]]) -> None:
    if not found:
        return
    places = {f"{op} ({effect}{_where(place)})": None for place, (op, effect) in found.items()}
    raise ParityGateError(
        "PG501",
        str(path),
        f"its graph has operators that do more than compute: {_listed(places)}",
        "Pass --trust if you trust the file's author; otherwise ask for a model without these operators.",
    )


def _where(place: tuple[str, str]) -> str:
    return f"; node {place[1]!r}" if place[0] == MAIN else f"; node {place[1]!r} of function {place[0]!r}"


def _listed(texts: Iterable[str]) -> str:
    listed = list(texts)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more
