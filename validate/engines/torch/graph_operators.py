"""Operators of TorchScript and exported programs that touch files, processes or the network.

The code in a TorchScript file is text, and PyTorch already runs parts of it (``__setstate__``) while it loads the file.
So the text is checked first. Names are judged wherever they occur: a method call on any value reaches every operator
(``"path".from_file(True, 8)``), and a module can be bound to another name.
"""

from __future__ import annotations

import io
import re
import tokenize
from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import ParityGateError

TOUCHING = {
    "save": "writes files",
    "from_file": "reads and writes files",
    "load_tensor": "reads files",
    "rpc_async": "calls other processes",
    "rpc_remote": "calls other processes",
    "rpc_sync": "calls other processes",
    "PythonOp": "runs Python code",
    "IgnoredPythonOp": "runs Python code",
    "_alloc_from_pool": "reads memory that isn't its own",
    "_reinterpret_tensor": "reads memory that isn't its own",
    "resize_storage_bytes_": "reads memory that isn't its own",
}
"""Operators, by their names without namespace, and what they do beyond computing."""

NAMESPACES = {
    "c10d": "communicates with other processes",
    "_c10d_functional": "communicates with other processes",
    "_c10d_functional_autograd": "communicates with other processes",
    "_dtensor": "communicates with other processes",
    "symm_mem": "communicates with other processes",
    "debugprims": "reads files",
    "inductor": "reads memory that isn't its own",
    "static_runtime": "reads memory that isn't its own",
}
"""Namespaces of operators that a model doesn't need."""

CLASSES = frozenset({"metal", "mkldnn", "mkldnn_prepacked", "quantized", "rnn", "sparse", "vulkan", "xnnpack"})
"""Namespaces of ``torch.classes`` whose objects hold packed weights. Any other one is refused."""

_ODD = re.compile(r"[^\x20-\x7e\n\t]")
_CLASS = re.compile(rb"__torch__\.torch\.classes\.(\w+)")
_ZIP = b"PK\x03\x04"
_SHOWN = 6


def check_script_file(path: Path) -> None:
    """Refuse a TorchScript file whose code touches more than tensors, without loading it.

    Reads the archive with PyTorch's own reader. Raises ParityGateError PG402 if that fails, PG501.
    """
    import torch

    with path.open("rb") as file:
        if file.read(len(_ZIP)) != _ZIP:
            raise ParityGateError("PG402", str(path), "it doesn't start as a zip archive, as TorchScript files do")
    try:
        reader = torch._C.PyTorchFileReader(str(path))
        names = [name for name in reader.get_all_records() if name.lower().endswith((".py", ".pkl"))]
        found = [reason for name in names for reason in _reasons(name, reader.get_record(name))]
    except RuntimeError as error:  # every error of the reader
        cause = f"PyTorch can't read the archive: {str(error).strip().splitlines()[0]}"
        raise ParityGateError("PG402", str(path), cause) from error
    _refuse(path, found)


def check_program(path: Path, program: Any) -> None:
    """Refuse an exported program with operators that touch more than tensors. Raises ParityGateError PG501."""
    found = []
    for module in program.graph_module.modules():
        for node in module.graph.nodes if hasattr(module, "graph") else ():
            namespace, _, name = str(getattr(node.target, "_schema", node.target)).partition("(")[0].partition("::")
            if effect := NAMESPACES.get(namespace) or TOUCHING.get(name.partition(".")[0]):
                found.append(f"{namespace}::{name} ({effect})")
    _refuse(path, found)


def _refuse(path: Path, found: list[str]) -> None:
    listed = list(dict.fromkeys(found))
    if listed:
        raise ParityGateError(
            "PG501",
            str(path),
            f"its code does more than compute: {', '.join(listed[:_SHOWN])}",
            "Pass --trust if you trust the file's author; otherwise ask for a model without these operators.",
        )


def _reasons(name: str, content: bytes) -> Iterator[str]:
    if name.lower().endswith(".py"):
        yield from _code_reasons(name, content.decode("utf-8", "replace"))
        return
    for match in _CLASS.finditer(content.replace(b"\n", b".").replace(b"\r", b".")):  # "module\nname\n" of a GLOBAL
        if match[1].decode() not in CLASSES:
            yield f"an object of torch.classes.{match[1].decode()} (not a model's weights)"


def _code_reasons(name: str, text: str) -> Iterator[str]:
    """Names in TorchScript's text. What Python's tokenizer might split in another way is refused: nothing writes it."""
    if _ODD.search(text):
        yield f"{name} (has characters that PyTorch doesn't write)"
        return
    try:
        tokens = [t for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type in _KINDS]
    except (tokenize.TokenError, SyntaxError):
        yield f"{name} (isn't code that PyTorch writes)"
        return
    if any(token.type == tokenize.ERRORTOKEN for token in tokens):
        yield f"{name} (isn't code that PyTorch writes)"
        return
    words = [token.string for token in tokens]
    for position, token in enumerate(tokens):
        following = words[position + 1 : position + 3]
        if token.type == tokenize.NAME and following[:1] != [":"]:  # "save : int" declares an attribute
            yield from _judged(token.string)
        if token.string == "classes" and words[max(position - 2, 0) : position] == ["torch", "."]:
            yield from _class_reasons(following)
    if "getattr" in words:
        yield from (reason for literal in _literals(tokens) for reason in _judged(literal))


_KINDS = {tokenize.NAME, tokenize.OP, tokenize.STRING, tokenize.NUMBER, tokenize.ERRORTOKEN}


def _judged(word: str) -> Iterator[str]:
    if effect := TOUCHING.get(word) or NAMESPACES.get(word):
        yield f"{word} ({effect})"


def _class_reasons(following: list[str]) -> Iterator[str]:
    if following[:1] != ["."] or following[1:] == [] or following[1] not in CLASSES:
        yield f"torch.classes{''.join(following)} (not a model's weights)"


def _literals(tokens: list[tokenize.TokenInfo]) -> Iterator[str]:
    """String literals with their escapes resolved, adjacent ones joined."""
    joined: list[str] = []
    for token in tokens:
        if token.type == tokenize.STRING:
            joined.append(str(literal_eval(token.string)))
        elif joined:
            yield "".join(joined)
            joined = []
    if joined:
        yield "".join(joined)
