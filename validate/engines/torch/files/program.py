"""Refuse what ``torch.export.load`` would run: members of a ``.pt2`` file and what its program says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from .container import Container, damaged, refused
from .expressions import is_arithmetic, is_guard

_CODE = {
    r"data/aotinductor/.*": "compiled code",
    r"data/constants/(custom|opaque)_obj_.*": "a pickled object",
    r"data/(executorch|mtia)/.*": "compiled code",
}
_MEMBERS = re.compile(
    r"archive_format|archive_version|byteorder|version|\.format_version|\.storage_alignment"
    r"|\.data/(serialization_id|version)"
    r"|models/[\w.-]+\.json"
    r"|data/weights/([\w.-]+_weights_config\.json|weight_\d+|[\w.-]+\.pt)"
    r"|data/constants/([\w.-]+_constants_config\.json|tensor_\d+|[\w.-]+\.pt)"
    r"|data/sample_inputs/[\w.-]+\.pt"
    r"|extra/.+"
)
_OLD_MEMBERS = re.compile(
    r"version|serialized_exported_program\.json|serialized_(state_dict|constants)\.(json|pt)"
    r"|serialized_example_inputs\.pt|extra_files/.+"
)
"""Members of files by PyTorch before 2.8, which have no folder."""

_ARITHMETIC = (
    "abs add and_ eq floordiv ge getitem gt invert le lshift lt mod mul ne neg not_ or_ pos pow rshift sub truediv xor"
)
_HIGHER_ORDER = (
    "associative_scan auto_functionalized auto_functionalized_v2 autograd_function_apply cond flex_attention "
    "hints_wrapper invoke_subgraph map_impl out_dtype scan strict_mode tag_activation_checkpoint while_loop "
    "while_loop_stack_output wrap wrap_activation_checkpoint wrap_with_autocast wrap_with_set_grad_enabled"
)
_TARGET = re.compile(
    r"torch\.ops\.aten\.(?!from_file\b|save\b|_print\b|_test_)\w+\.\w+"
    r"|torch\.ops\.(prims|quantized|quantized_decomposed|torchvision)\.(?!load_|read_|write_)\w+\.\w+"
    rf"|torch\.ops\.higher_order\.({_HIGHER_ORDER.replace(' ', '|')})"
    r"|torch\._?sym_(\w+)|torch\.fx\.experimental\.symbolic_shapes\.\w*sym_\w+"
    rf"|_operator\.({_ARITHMETIC.replace(' ', '|')})|math\.(ceil|floor|trunc|sqrt|isnan)"
)
"""Operators that a program may call. ``_operator`` also has getters and callers by name, aten a file reader."""

_IMPORTING = frozenset({"default_factory_module", "__enum__"})
"""Keys of PyTorch's tree specs whose values it imports."""
_DEEPEST = 100


def check_program(container: Container) -> None:
    """Refuse a ``.pt2`` that would run code of its own when it is loaded or called.

    Raises ParityGateError PG501 for it, PG402 for a damaged one. The pickles in it aren't looked at: they are read by
    the guarded reader.
    """
    inner = container.inner()
    allowed = _MEMBERS if container.root() else _OLD_MEMBERS
    for name in inner:
        code = next((what for pattern, what in _CODE.items() if re.fullmatch(pattern, name, re.IGNORECASE)), None)
        if code:
            raise refused(container.path, f"it holds {code}, {name!r}, which loading it would run")
        if not allowed.fullmatch(name):
            raise refused(container.path, f"it holds {name!r}, which torch.export.save doesn't write")
    for name, member in inner.items():
        if name.endswith(".json") and container.first_bytes(member, 2) != b"PK":
            _check_document(container, name, member)  # in old archives nested PyTorch files are called .json, too


def _check_document(container: Container, name: str, member: str) -> None:
    try:
        document = json.loads(container.read(member))
        found = next(_suspicious(document, 0), None)
    except (ValueError, RecursionError) as error:
        raise damaged(container.path, f"{name}: {error}") from error
    if found:
        raise refused(container.path, f"loading it would run {found}, which paritygate doesn't know")


def _suspicious(node: Any, depth: int) -> Iterator[str]:
    """What is more than arithmetic, and operators that aren't PyTorch's, anywhere in the document."""
    if depth > _DEEPEST:
        raise ValueError("it is nested too deeply")
    if isinstance(node, dict):
        yield from _suspicious_entry(node)
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _suspicious(child, depth + 1)
    elif isinstance(node, str) and node[:1] in ("{", "["):  # tree specs are documents in strings
        yield from _suspicious(_parsed(node), depth + 1)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _suspicious_entry(node: dict[str, Any]) -> Iterator[str]:
    expression, target = node.get("expr_str"), node.get("target")
    operator, guards, payload = node.get("as_operator"), node.get("guards_code"), node.get("use_pickle")
    if expression is not None and not (isinstance(expression, str) and is_arithmetic(expression)):
        yield f"the expression {expression!r}"
    if target is not None and "inputs" in node and not _is_operator(target):
        yield f"{target}"
    if operator is not None and not _is_operator(operator):
        yield f"{operator}"
    for guard in guards if isinstance(guards, list) else [] if guards is None else [guards]:
        if not (isinstance(guard, str) and is_guard(guard)):
            yield f"the check {guard!r}"
    if payload:
        yield f"the pickled weights {node.get('path_name')!r}"
    if not _IMPORTING.isdisjoint(node):
        yield f"the container {node!r}"


def _is_operator(target: Any) -> bool:
    return isinstance(target, str) and bool(_TARGET.fullmatch(target))
