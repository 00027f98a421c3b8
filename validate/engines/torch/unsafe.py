"""Find the code that loading a PyTorch file would run, from its bytes, before PyTorch reads them."""

from __future__ import annotations

import ast
import json
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import ParityGateError
from ...unsafe import NUMPY, PYTHON, AllowList, refuse, scan_pickle

LEGACY_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The pickled number at the start of files that ``torch.save`` wrote before PyTorch 1.6."""

_STORAGES = "Byte Char Short Int Long Half Float Double Bool BFloat16 ComplexFloat ComplexDouble Untyped"
_DTYPES = (
    "float16 float32 float64 bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool complex64 complex128 "
    "strided sparse_coo preserve_format contiguous_format channels_last"
)
_REBUILDERS = (
    "_rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter _rebuild_parameter_with_state "
    "_rebuild_sparse_tensor _rebuild_sparse_csr_tensor _rebuild_qtensor _rebuild_meta_tensor_no_storage"
)


def _names(module: str, names: str) -> frozenset[str]:
    return frozenset(f"{module}.{name}" for name in names.split())


TENSORS = PYTHON | AllowList(
    _names("torch", f"{_DTYPES} Size Tensor device")
    | frozenset(f"torch.{kind}Storage" for kind in _STORAGES.split())
    | _names("torch._utils", _REBUILDERS)
    | _names("torch._tensor", "_rebuild_from_type_v2")
    | _names("torch.storage", "TypedStorage UntypedStorage")
    | _names("torch.serialization", "_get_layout")
    | _names("torch.nn.parameter", "Parameter Buffer")
)
"""Names that a file of tensors needs."""

MODULES = TENSORS | NUMPY | AllowList(
    frozenset(),
    classes=("torch.nn.modules", "torch.nn.parameter", "torch.nn.utils"),
    functions=("torch.nn.functional", "torch._C._nn"),
)  # fmt: skip
"""Names that a pickled module of PyTorch's own layers needs."""

_TARGET = re.compile(
    r"torch\.ops\.(?!load_library|loaded_libraries|import_module)\w+\.\w+\.\w+"
    r"|torch\.ops\.higher_order\.\w+|torch\.sym_\w+|_operator\.\w+|math\.\w+|#.*"
)
_EXPRESSIONS = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.Name, ast.Constant, ast.keyword,
    ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context,
)  # fmt: skip
_SYMBOL = re.compile(r"[a-z]{1,3}\d+")
_IMPORTING = ("default_factory_module", "__enum__")  # these make PyTorch's tree specs import a module by name


def legacy_pickles(file: BinaryIO) -> Iterator[int]:
    """Seek the start of a file from before PyTorch 1.6, and count its five pickles; the caller reads each."""
    file.seek(0)
    yield from range(5)


def check_module_file(path: Path) -> None:
    """Refuse a pickled module that imports anything but PyTorch's own layers. Raises ParityGateError PG501."""
    names = _archive_names(path) if zipfile.is_zipfile(path) else _legacy_names(path)
    if names:
        raise _unsafe(path, names)


def _archive_names(path: Path) -> tuple[str, ...]:
    with zipfile.ZipFile(path) as archive:
        pickles = [name for name in archive.namelist() if name.endswith(".pkl")]
        return tuple(name for member in pickles for name in _scan(archive.read(member), MODULES))


def _legacy_names(path: Path) -> tuple[str, ...]:
    with path.open("rb") as file:
        return tuple(name for _ in legacy_pickles(file) for name in scan_pickle(file, MODULES))


def _scan(content: bytes, allowed: AllowList) -> tuple[str, ...]:
    return scan_pickle(BytesIO(content), allowed)


def _unsafe(path: Path, names: tuple[str, ...]) -> ParityGateError:
    error = refuse(str(path), tuple(dict.fromkeys(names)))
    return ParityGateError(
        error.code, error.subject, error.cause,
        "Pass --trust if you trust the file's author; otherwise save the program with torch.export.save, or its "
        "state dict for use with module:factory and --weights.",
    )  # fmt: skip


def check_program_file(path: Path) -> None:
    """Refuse a ``.pt2`` that would run code of its own when loaded. Raises ParityGateError PG501.

    ``torch.export.load`` unpickles sample inputs and some weights without restriction, evaluates symbolic
    expressions as Python, and looks operators up by dotted name.
    """
    with zipfile.ZipFile(path) as archive:
        names = [
            name
            for member in archive.infolist()
            for name in _program_member(archive, member.filename, member.file_size)
        ]
    if names:
        raise _unsafe(path, tuple(names))


def _program_member(archive: zipfile.ZipFile, name: str, size: int) -> Iterator[str]:
    if re.search(r"/(opaque|custom)_obj\w*$", name):
        yield f"the object in {name}"
    elif name.endswith(".json"):
        content = archive.read(name)
        if content[:2] != b"PK":  # in old archives nested PyTorch files are called .json, too
            document = json.loads(content)
            yield from _suspicious(document)
            yield from _pickled_payloads(archive, name, document)
            return
        yield from _nested(content)
    elif size and (name.endswith(".pt") or archive.open(name).read(2) == b"PK"):
        yield from _nested(archive.read(name))


def _pickled_payloads(archive: zipfile.ZipFile, config: str, document: Any) -> Iterator[str]:
    """Weights and constants marked as pickled: PyTorch unpickles them whatever their bytes look like."""
    entries = document.get("config") if isinstance(document, dict) else None
    for entry in entries.values() if isinstance(entries, dict) else ():
        if entry.get("use_pickle"):
            content = archive.read(f"{config.rpartition('/')[0]}/{entry['path_name']}")
            if content[:2] != b"PK":
                yield from _scan(content, TENSORS)


def _nested(content: bytes) -> Iterator[str]:
    """A file written by ``torch.save`` inside the archive."""
    stream = BytesIO(content)
    if not zipfile.is_zipfile(stream):
        yield from (name for _ in legacy_pickles(stream) for name in scan_pickle(stream, TENSORS))
        return
    with zipfile.ZipFile(stream) as archive:
        for member in archive.namelist():
            if member.endswith(".pkl"):
                yield from _scan(archive.read(member), TENSORS)


def _suspicious(node: Any) -> Iterator[str]:
    """Expressions that are more than arithmetic, and operators that aren't PyTorch's, anywhere in the document."""
    if isinstance(node, list):
        for child in node:
            yield from _suspicious(child)
    elif isinstance(node, dict):
        expression, target = node.get("expr_str"), node.get("target")
        if isinstance(expression, str) and not _is_arithmetic(expression):
            yield f"the expression {expression!r}"
        if isinstance(target, str) and "inputs" in node and not _TARGET.fullmatch(target):
            yield target
        for child in node.values():
            yield from _suspicious(child)
    elif isinstance(node, str) and any(word in node for word in _IMPORTING):
        yield f"the container {node!r}"


def _is_arithmetic(expression: str) -> bool:
    """Names, numbers, operators, and calls of SymPy's classes, whose names are CamelCase."""
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except SyntaxError:
        return False
    return all(isinstance(node, _EXPRESSIONS) and _is_plain(node) for node in ast.walk(tree))


def _is_plain(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        symbol = isinstance(node.value, str) and _SYMBOL.fullmatch(node.value)
        return isinstance(node.value, int | float) or bool(symbol)
    if isinstance(node, ast.Name):
        return not node.id.startswith("_")
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id[:1].isupper()
    return True
