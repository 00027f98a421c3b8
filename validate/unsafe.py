"""Find the code that loading a pickle would run, without running any of it.

A pickle is a program that may import and call anything. :func:`scan_pickle` lets Python's own unpickler interpret
that program, but replaces every name that it imports by an inert object, so that calls, attribute writes and
subclasses do nothing; the result is the exact list of names that a real load would import. :class:`AllowList` says
which of them are needed to rebuild a model. It judges names only: it protects against code that comes with a model,
but is not a sandbox.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, BinaryIO, ClassVar

import numpy as np

from .errors import ParityGateError

_ARRAY_WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
_STEPS: dict[int, Callable[[Any], None]] = dict(pickle._Unpickler.dispatch)


@dataclass(frozen=True, slots=True)
class AllowList:
    """Names that a pickle may import.

    ``names`` are exact (``module.name``). ``classes`` are packages of which every class is allowed, that is every
    CamelCase name; ``functions`` are modules of which plain functions are allowed, too. In a module with a component
    in ``denied``, only ``names`` are allowed. Dotted names (``Path.unlink``) are never allowed, because they can reach
    other modules through attributes.
    """

    names: frozenset[str]
    classes: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    denied: frozenset[str] = frozenset()

    def permits(self, module: str, name: str) -> bool:
        """Whether a pickle may import ``name`` from ``module``."""
        if f"{module}.{name}" in self.names:
            return True
        if "." in name or not self.denied.isdisjoint(module.split(".")):
            return False
        if name.startswith("__pyx_unpickle_") or name.lstrip("_")[:1].isupper():
            return _within(module, self.classes)
        return module in self.functions

    def owns(self, module: str, name: str, found: object) -> bool:
        """Whether ``found``, imported as ``module.name``, is defined in that package, not merely imported by it."""
        home = getattr(found, "__module__", None) or module
        return f"{module}.{name}" in self.names or home.partition(".")[0] == module.partition(".")[0]

    def __or__(self, other: AllowList) -> AllowList:
        return AllowList(
            self.names | other.names,
            self.classes + other.classes,
            self.functions + other.functions,
            self.denied | other.denied,
        )


def _within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _names(module: str, names: str) -> frozenset[str]:
    return frozenset(f"{module}.{name}" for name in names.split())


_BUILTINS = "bool bytearray bytes complex dict float frozenset int list range set slice str tuple object Ellipsis"
_SCALARS = (
    "bool bool_ int8 int16 int32 int64 intc uint8 uint16 uint32 uint64 float16 float32 float64 longdouble complex64 "
    "complex128 str_ bytes_ object_ datetime64 timedelta64"
)
_FUNCTIONS = (
    "abs absolute cbrt ceil cos exp exp2 expm1 floor log log10 log1p log2 max mean median min negative reciprocal "
    "rint sign sin sqrt square std sum tan tanh var"
)

PYTHON = AllowList(
    _names("builtins", _BUILTINS)
    | _names("__builtin__", f"{_BUILTINS} unicode long xrange")
    | _names("collections", "Counter OrderedDict defaultdict deque")
    | _names("datetime", "date datetime time timedelta timezone")
    | _names("copyreg", "_reconstructor __newobj__ __newobj_ex__")
    | _names("copy_reg", "_reconstructor __newobj__ __newobj_ex__")
    | _names("functools", "partial")
    | _names("operator", "itemgetter")
    | _names("decimal", "Decimal")
    | _names("fractions", "Fraction")
    | _names("uuid", "UUID")
    | _names("_codecs", "encode")
)
"""Harmless names of the standard library; ``getattr``, ``type``, ``eval`` and the like are not among them."""

NUMPY = AllowList(
    _names("numpy", f"{_SCALARS} {_FUNCTIONS} dtype ndarray matrix")
    | _names("numpy.ma", "MaskedArray")
    | _names("numpy.ma.core", "MaskedArray MaskedConstant _mareconstruct")
    | _names("numpy.matrixlib.defmatrix", "matrix")
    | _names("numpy.random", "RandomState Generator")
    | _names("numpy.random.mtrand", "RandomState")
    | _names("numpy.random._pickle", "__bit_generator_ctor __generator_ctor __randomstate_ctor")
    | _names("numpy.random.bit_generator", "SeedSequence __pyx_unpickle_SeedSequence")
    | frozenset().union(*(_names(f"numpy.{core}.multiarray", "_reconstruct scalar") for core in ("core", "_core")))
    | frozenset().union(*(_names(f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core"))),
    classes=("numpy.dtypes", "numpy.random._mt19937", "numpy.random._pcg64", "numpy.random._philox",
             "numpy.random._sfc64"),
)  # fmt: skip
"""Arrays, scalars, random states and mathematical functions."""


def scan_pickle(stream: BinaryIO, allowed: AllowList) -> tuple[str, ...]:
    """Names that unpickling ``stream`` would import and that ``allowed`` doesn't permit, in order, each once.

    Reads one pickle from the stream's position; it may be interleaved with raw arrays by joblib. Raises
    ParityGateError PG402 if the stream is not a complete pickle, and PG501 if it imports a name that it computes.
    """
    scanner = _Scanner(stream, allowed)
    try:
        scanner.load()
    except ParityGateError:
        raise
    except Exception as error:  # the stream drives the unpickler, so a damaged one can raise anything
        cause = f"not a complete pickle ({type(error).__name__}: {error})"
        raise ParityGateError("PG402", "pickle", cause) from error
    return tuple(dict.fromkeys(scanner.refused))


def refuse(subject: str, names: tuple[str, ...]) -> ParityGateError:
    """The error (PG501) that lists the names because of which ``subject`` is not loaded."""
    return ParityGateError(
        "PG501",
        subject,
        f"loading it would import {', '.join(names)}, which a model doesn't need or paritygate doesn't know",
        "Pass --trust if you trust the file's author; otherwise ask the author for a skops or ONNX file.",
    )


class _Inert:
    """Replaces everything that a pickle imports, and the results of calling it."""

    def __new__(cls, *_: object, **__: object) -> _Inert:
        return object.__new__(_Inert)

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __call__(self, *_: object, **__: object) -> _Inert:
        return self

    def __getattr__(self, name: str) -> _Inert:
        return self

    def __setitem__(self, key: object, value: object) -> None:
        pass


class _ArrayHeader(_Inert):
    """joblib's array wrapper: after its state, the array's raw bytes follow in the stream."""

    state: Mapping[str, Any]

    def __new__(cls, *_: object, **__: object) -> _ArrayHeader:
        return object.__new__(_ArrayHeader)

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        object.__setattr__(self, "state", state)


class _Scanner(pickle._Unpickler):
    """Python's unpickler, importing nothing; it collects the names that aren't allowed."""

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(_STEPS)
    stack: list[Any]

    def __init__(self, stream: BinaryIO, allowed: AllowList) -> None:
        super().__init__(stream)
        self.stream = stream
        self.allowed = allowed
        self.refused: list[str] = []

    def find_class(self, module: str, name: str) -> Any:
        """An inert object for the name. ``numpy.dtype`` is real, since the size of raw arrays depends on it."""
        qualified = f"{module}.{name}"
        if qualified == _ARRAY_WRAPPER:
            return _ArrayHeader
        if not self.allowed.permits(module, name):
            self.refused.append(qualified)
        return np.dtype if qualified == "numpy.dtype" else _Inert

    def persistent_load(self, pid: object) -> Any:
        """An inert object for what the container keeps outside the pickle, such as torch's storages."""
        return _Inert()

    def load_stack_global(self) -> None:
        """Refuse a name that the pickle computes instead of spelling it out."""
        if not all(type(part) is str for part in self.stack[-2:]):
            raise refuse("pickle", ("a name that it computes while loading",))
        _STEPS[pickle.STACK_GLOBAL[0]](self)

    def load_build(self) -> None:
        """After an array header, skip the array as joblib does."""
        _STEPS[pickle.BUILD[0]](self)
        if isinstance(self.stack[-1], _ArrayHeader):
            self._skip_array(self.stack.pop().state)
            self.stack.append(_Inert())

    dispatch[pickle.STACK_GLOBAL[0]] = load_stack_global
    dispatch[pickle.BUILD[0]] = load_build

    def _skip_array(self, header: Mapping[str, Any]) -> None:
        dtype = np.dtype(header["dtype"])
        if dtype.hasobject:  # joblib stores these as a nested pickle
            inner = _Scanner(self.stream, self.allowed)
            inner.load()
            self.refused += inner.refused
            return
        if header.get("numpy_array_alignment_bytes") is not None:
            self.stream.read(self.stream.read(1)[0])
        size = prod(int(n) for n in header["shape"]) * dtype.itemsize
        if len(self.stream.read(size)) < size:
            raise EOFError("the data of an array is truncated")
