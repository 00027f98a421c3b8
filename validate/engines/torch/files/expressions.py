"""Texts of exported programs that PyTorch evaluates as Python: symbolic sizes and checks of inputs."""

from __future__ import annotations

import ast
import re

_OPERATORS = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
    ast.expr_context,
)  # fmt: skip
_SYMBOL = re.compile(r"[a-z]{1,3}\d+")
_KEY = re.compile(r"[\w .-]*")
_NOT_IN_GUARDS = re.compile(r"[\"\\#\n\r]")
_SIZES = frozenset({"size", "stride", "storage_offset"})
_MATH = frozenset({"ceil", "floor", "inf", "isinf", "isnan", "nan", "sqrt", "trunc"})
_FUNCTIONS = frozenset(
    [
        "CeilToInt",
        "CleanDiv",
        "Eq",
        "FloatPow",
        "FloatTrueDiv",
        "FloorDiv",
        "FloorToInt",
        "Ge",
        "Gt",
        "IntTrueDiv",
        "Le",
        "Lt",
        "Max",
        "Min",
        "Mod",
        "ModularIndexing",
        "Ne",
        "PowByNatural",
        "PythonMod",
        "RoundToInt",
        "ToFloat",
        "TruncToInt",
        "Where",
        "abs",
        "len",
        "max",
        "min",
    ]
)


def is_arithmetic(text: str) -> bool:
    """Whether a symbolic size has only names, numbers, operators and calls of SymPy's classes, which are CamelCase."""
    tree = _tree(text)
    return tree is not None and all(_is_plain(node) for node in ast.walk(tree))


def _tree(text: str) -> ast.AST | None:
    try:
        return ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _is_plain(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        symbol = isinstance(node.value, str) and _SYMBOL.fullmatch(node.value)
        return isinstance(node.value, int | float) or bool(symbol)
    if isinstance(node, ast.Name):
        return not node.id.startswith("_")
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id[:1].isupper()
    return isinstance(node, (ast.keyword, *_OPERATORS))


def is_guard(text: str) -> bool:
    """Whether a check of a program compares only sizes of inputs with numbers: PyTorch puts its text into a function.

    Quotation marks, comments and line breaks are refused, since the text also ends up inside of a string there.
    """
    tree = None if _NOT_IN_GUARDS.search(text) else _tree(text)
    return tree is not None and all(_is_part_of_guard(node) for node in ast.walk(tree))


def _is_part_of_guard(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return node.value is None or isinstance(node.value, int | float) or _is_key(node.value)
    if isinstance(node, ast.Name):
        return node.id in {"L", "math", "inf", "True", "False"} | _FUNCTIONS
    if isinstance(node, ast.Attribute):
        in_math = isinstance(node.value, ast.Name) and node.value.id == "math"
        return node.attr in (_MATH if in_math else _SIZES)
    if isinstance(node, ast.Call):
        named = isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS
        return (named or isinstance(node.func, ast.Attribute)) and not node.keywords
    return isinstance(node, (ast.Subscript, *_OPERATORS))


def _is_key(value: object) -> bool:
    return isinstance(value, str) and bool(_KEY.fullmatch(value))
