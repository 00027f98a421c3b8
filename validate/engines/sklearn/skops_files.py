"""Read skops files: every node of the schema is checked against the one list of names before skops builds anything."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...errors import ParityGateError
from ...guard.names import Name
from ...guard.reader import refuse
from .names import SKLEARN
from .pickles import MOST_BYTES, MOST_TIMES

_SCHEMA = "schema.json"
_NODE = ("__loader__", "__class__", "__module__")

_FIXED: Mapping[str, frozenset[str]] = {
    loader: frozenset(names.split())
    for loader, names in {
        "BytearrayNode": "builtins.bytearray",
        "BytesNode": "builtins.bytes",
        "CachedNode": "None.None",
        "DTypeNode": "numpy.dtype",
        "DefaultDictNode": "collections.defaultdict",
        "DictNode": "builtins.dict collections.OrderedDict collections.Counter sklearn.utils._bunch.Bunch",
        "JsonNode": "builtins.str",
        "ListNode": "builtins.list",
        "MaskedArrayNode": "numpy.ma.MaskedArray numpy.ma.core.MaskedArray",
        "PartialNode": "functools.partial",
        "RandomGeneratorNode": "numpy.random._generator.Generator",
        "RandomStateNode": "numpy.random.mtrand.RandomState",
        "SetNode": "builtins.set builtins.frozenset",
        "SliceNode": "builtins.slice",
        "TreeNode": "sklearn.tree._tree.Tree",
        "TupleNode": "builtins.tuple sklearn.impute._iterative._ImputerTriplet",
    }.items()
}
"""Kind of node -> what it may be. skops calls the class of some of these with content of the file."""

_LISTED: Mapping[str, frozenset[Name]] = {
    "ConstructorFromReduceNode": SKLEARN.calls,
    "FunctionNode": SKLEARN.values | SKLEARN.calls,
    "LossNode": SKLEARN.calls,
    "NdArrayNode": SKLEARN.values | {("numpy", "ndarray"), ("numpy", "matrix")},
    "ObjectNode": SKLEARN.classes | SKLEARN.calls,
    "SparseMatrixNode": SKLEARN.classes,
    "TypeNode": SKLEARN.values | SKLEARN.classes,
}
"""Kind of node -> the list that its name must be in. A kind that is in neither table is refused: bound methods and
``operator``'s getters look attributes up by name."""

_OUTDATED = frozenset({"FunctionNode", "RandomGeneratorNode"})
"""Kinds of node that name what they import elsewhere in the skops protocol 0."""


def read_skops(path: Path, content: bytes, trust: bool) -> Any:
    """The object in a skops file. Raises ParityGateError PG402, PG501 and whatever skops raises."""
    import skops.io

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        _check_size(path, archive, len(content))
        schema = json.loads(archive.read(_SCHEMA))
    if trust:
        return skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))
    protocol = schema.get("protocol")
    names = {_checked(path, node, protocol) for node in _nodes(schema)}
    return skops.io.loads(content, trusted=sorted(names))


def _check_size(path: Path, archive: zipfile.ZipFile, size: int) -> None:
    most = max(MOST_BYTES, MOST_TIMES * size)
    if sum(member.file_size for member in archive.infolist()) > most:
        raise ParityGateError(
            "PG402", str(path), f"its {size:,} bytes unpack to more than {most:,}",
            "If that is really its size, save it without compression.",
        )  # fmt: skip


def _nodes(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every object of the schema that names something, wherever it stands."""
    if isinstance(value, dict):
        if any(key in value for key in _NODE):
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for child in value:
            yield from _nodes(child)


def _checked(path: Path, node: Mapping[str, Any], protocol: Any) -> str:
    """The node's dotted name. Raises PG501 for a kind of node or a name that isn't listed for it."""
    loader, module, name = (node.get(key) for key in ("__loader__", "__module__", "__class__"))
    dotted = f"{module}.{name}"
    outdated = protocol == 0 and loader in _OUTDATED
    listed = dotted in _FIXED.get(str(loader), ()) or _is_listed(str(loader), module, name)
    if outdated or not listed:
        raise refuse(str(path), f"make a {loader} of {dotted}")
    return dotted


def _is_listed(loader: str, module: Any, name: Any) -> bool:
    if not (isinstance(module, str) and isinstance(name, str)):
        return False
    return SKLEARN.current(module, name) in _LISTED.get(loader, frozenset())
