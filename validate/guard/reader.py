"""Python's own unpickler with one list of names, checked where an object is found and again where it is used."""

from __future__ import annotations

import importlib
import io
import pickle
from collections import deque
from collections.abc import Callable
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, BinaryIO, ClassVar

import numpy as np

from ..errors import ParityGateError
from .names import Name, Names
from .states import encode, new_dtype, reconstruct, set_dtype

_STEPS: dict[int, Callable[[Any], None]] = dict(pickle._Unpickler.dispatch)
_NOT_INSTANCES = (type, FunctionType, BuiltinFunctionType, MethodType, ModuleType, np.ufunc)


def refuse(subject: str, what: str) -> ParityGateError:
    """The error (PG501) that says why ``subject`` is not loaded."""
    return ParityGateError(
        "PG501",
        subject,
        f"loading it would {what}, which a model doesn't need or paritygate doesn't know",
        "Pass --trust if you trust the file's author; otherwise ask the author for a skops or ONNX file.",
    )


class Reader(pickle._Unpickler):
    """Reads a pickle that imports ``names`` only, and does with each only what the list allows.

    The check and the load are one pass: ``find_class`` refuses a name before it is imported, and a call, a new object
    or a state is refused if what it is done to didn't come from there. Raises ParityGateError PG501 for a refusal;
    for a damaged pickle whatever the unpickler or the classes raise.
    """

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(_STEPS)
    names: ClassVar[Names] = Names()
    subject: ClassVar[str] = "pickle"
    stack: list[Any]

    def __init__(self, stream: BinaryIO, **options: Any) -> None:
        super().__init__(stream, **options)
        self.stream = stream
        self._found: dict[int, tuple[Any, Name]] = {}

    def find_class(self, module: str, name: str) -> Any:
        """The object of a listed name. Raises PG501 for any other name, and what an import raises."""
        known = self.names.current(module, name)
        if known not in self.names:
            raise self.refused(f"import {module}.{name}")
        found = self._stand_in(known) or self._imported(*known)
        self._found[id(found)] = (found, known)
        return found

    def refused(self, what: str) -> ParityGateError:
        """The error (PG501) for what the pickle wants to do."""
        return refuse(self.subject, what)

    def _stand_in(self, name: Name) -> Callable[..., Any] | None:
        stand_ins: dict[Name, Callable[..., Any]] = {
            ("builtins", "getattr"): self._bound_method,
            ("copyreg", "_reconstructor"): self._reconstruct,
            ("_codecs", "encode"): encode,
        }
        return stand_ins.get(name)

    def _imported(self, module: str, name: str) -> Any:
        """The listed object; what stands there must say itself that it is a listed one."""
        found = getattr(importlib.import_module(module), name)
        if not self._is_named(found, module, name):
            raise self.refused(f"import {module}.{name}, which is another object here,")
        return found

    def _is_named(self, found: Any, module: str, name: str) -> bool:
        if isinstance(found, np.ufunc):  # some have no module of their own
            return (module, found.__name__) in self.names
        own = getattr(found, "__module__", None), getattr(found, "__qualname__", None)
        if None in own:  # a constant, such as torch.float32
            return repr(found) in (f"{module}.{name}", name)
        return self.names.current(*own) in self.names  # type: ignore[arg-type]  # neither is None

    def _name_of(self, value: Any) -> Name | None:
        found, name = self._found.get(id(value), (None, None))
        return name if found is value else None

    def _may_call(self, function: Any) -> bool:
        return self._name_of(function) in self.names.calls

    def _may_build(self, kind: Any) -> bool:
        name = self._name_of(kind)
        return isinstance(kind, type) and (name in self.names.classes or name in self.names.calls)

    def _bound_method(self, owner: Any, name: str) -> Any:
        kind = owner if isinstance(owner, type) else type(owner)
        if type(name) is not str or (kind.__module__, kind.__qualname__, name) not in self.names.methods:
            raise self.refused(f"look up {name!r} in {kind.__module__}.{kind.__qualname__}")
        return getattr(owner, name)

    def _reconstruct(self, kind: Any, base: Any, state: Any) -> Any:
        if not self._may_build(kind):
            raise self.refused(f"build a {kind!r}")
        return reconstruct(kind, base, state)

    def call(self, function: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Call what the pickle may call. Raises ParityGateError PG501 for anything else."""
        if not self._may_call(function):
            raise self.refused(f"call {_shown(function)}")
        if function is np.dtype:
            return new_dtype(*arguments, **keywords)
        if function is partial:
            self._check_function(arguments[0])
        return function(*arguments, **keywords)

    def _check_function(self, function: Any) -> None:
        if self._name_of(function) is None:
            raise self.refused(f"keep {_shown(function)} to be called later")

    def load_reduce(self) -> None:
        """Call a listed function or class with the pickle's arguments."""
        arguments = self.stack.pop()
        self.stack[-1] = self.call(self.stack[-1], tuple(arguments), {})

    def load_newobj(self) -> None:
        """Make an object of a listed class without its ``__init__``."""
        arguments = self.stack.pop()
        self.stack.append(self._new(self.stack.pop(), tuple(arguments), {}))

    def load_newobj_ex(self) -> None:
        """The same with keywords."""
        keywords, arguments = self.stack.pop(), self.stack.pop()
        self.stack.append(self._new(self.stack.pop(), tuple(arguments), keywords))

    def _new(self, kind: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if not self._may_build(kind):
            raise self.refused(f"build a {_shown(kind)}")
        if kind in (partial, np.dtype):
            return self.call(kind, arguments, keywords)
        return kind.__new__(kind, *arguments, **keywords)

    def _instantiate(self, kind: Any, arguments: Any) -> None:
        """What the opcodes of protocol 0 do: a call, or a new object where there are no arguments."""
        made = self.call(kind, tuple(arguments), {}) if arguments else self._new(kind, (), {})
        self.stack.append(made)

    def get_extension(self, code: int) -> None:
        """Extension codes are agreed on by programs, not by files. Raises UnpicklingError."""
        raise pickle.UnpicklingError(f"extension code {code}")

    def load_build(self) -> None:
        """Give an object its state, by its class's own method and never by one that the pickle has put there."""
        state = self.stack.pop()
        self.build(self.stack[-1], state)

    def build(self, made: Any, state: Any) -> None:
        """Set the state of an object of a listed class. Raises ParityGateError PG501 for any other object."""
        kind = type(made)
        name = self.names.current(kind.__module__, kind.__qualname__)
        if isinstance(made, np.dtype):
            set_dtype(made, state)
        elif isinstance(made, _NOT_INSTANCES) or not (name in self.names.classes or name in self.names.calls):
            raise self.refused(f"change {_shown(made)}")
        else:
            self._set_state(made, self._checked(name, made, state))

    def _checked(self, name: Name, made: Any, state: Any) -> Any:
        if isinstance(made, partial):
            self._check_function(state[0])
        check = self.names.states.get(name)
        try:
            return state if check is None else check(made, state)
        except ValueError as error:
            raise self.refused(f"give {'.'.join(name)} {error}") from error

    def _set_state(self, made: Any, state: Any) -> None:
        setter = getattr(type(made), "__setstate__", None)
        if setter is not None:
            setter(made, state)
            return
        attributes, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
        if attributes:
            vars(made).update(attributes)
        for key, value in (slots or {}).items():
            setattr(made, key, value)

    def load_append(self) -> None:
        """Append to a list."""
        value = self.stack.pop()
        self._extend(self.stack[-1], [value])

    def load_appends(self) -> None:
        """Append several items to a list."""
        values = self.pop_mark()  # type: ignore[attr-defined]  # not in the stub
        self._extend(self.stack[-1], values)

    def _extend(self, target: Any, values: list[Any]) -> None:
        if isinstance(target, list):
            list.extend(target, values)
        elif isinstance(target, deque):
            deque.extend(target, values)
        else:
            raise pickle.UnpicklingError(f"items for a {type(target).__name__}")

    def load_additems(self) -> None:
        """Add items to a set."""
        values = self.pop_mark()  # type: ignore[attr-defined]  # not in the stub
        self._add(self.stack[-1], values)

    def _add(self, target: Any, values: list[Any]) -> None:
        if not isinstance(target, set):
            raise pickle.UnpicklingError(f"items for a {type(target).__name__}")
        set.update(target, values)

    def load_setitem(self) -> None:
        """Set an item of a dictionary."""
        value, key = self.stack.pop(), self.stack.pop()
        self._fill(self.stack[-1], [key, value])

    def load_setitems(self) -> None:
        """Set several items of a dictionary."""
        items = self.pop_mark()  # type: ignore[attr-defined]  # not in the stub
        self._fill(self.stack[-1], items)

    def _fill(self, target: Any, items: list[Any]) -> None:
        if not isinstance(target, dict):
            raise pickle.UnpicklingError(f"keys for a {type(target).__name__}")
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[key] = value

    def load_bytearray8(self) -> None:
        """Bytes that can change; their length is believed only as far as the file goes."""
        length = int.from_bytes(self.read(8), "little")  # type: ignore[attr-defined]  # not in the stub
        content = self.read(length)  # type: ignore[attr-defined]  # not in the stub
        self.stack.append(bytearray(content))

    for _code, _step in (
        (pickle.REDUCE, load_reduce), (pickle.NEWOBJ, load_newobj), (pickle.NEWOBJ_EX, load_newobj_ex),
        (pickle.BUILD, load_build), (pickle.APPEND, load_append), (pickle.APPENDS, load_appends),
        (pickle.ADDITEMS, load_additems), (pickle.SETITEM, load_setitem), (pickle.SETITEMS, load_setitems),
        (pickle.BYTEARRAY8, load_bytearray8),
    ):  # fmt: skip
        dispatch[_code[0]] = _step


def _shown(value: Any) -> str:
    kind = value if isinstance(value, type) else type(value)
    name = getattr(value, "__qualname__", None) if callable(value) else None
    return f"{getattr(value, '__module__', '')}.{name}" if isinstance(name, str) else f"a {kind.__qualname__}"


def reader_of(names: Names, subject: str, base: type[Reader] = Reader) -> type[Reader]:
    """The class of readers with that list of names, whose refusals speak of ``subject``."""
    return type("Reader", (base,), {"names": names, "subject": subject})


def read_bytes(content: bytes, names: Names, subject: str) -> Any:
    """The object in a pickle. Raises ParityGateError PG501 for a refusal, PG402 for a damaged pickle."""
    try:
        return reader_of(names, subject)(io.BytesIO(content)).load()
    except ParityGateError:
        raise
    except Exception as error:  # the stream drives the unpickler and the classes, so they can raise anything
        cause = f"not a complete pickle ({type(error).__name__}: {error})"
        raise ParityGateError("PG402", subject, cause) from error
