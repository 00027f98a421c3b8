"""Private profiles: a board or a fleet of the user's own, as a target with limits (YAML)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..validate.errors import ParityGateError
from ..validate.limits import bytes_of
from .model import ModelFacts, Node
from .values import Effect, Reason

_KEYS = {"name", "target", "flash", "ram", "dtypes", "operators", "without", "macs"}


@dataclass(frozen=True, slots=True)
class Board:
    """A base target and what the board allows in addition.

    ``flash`` and ``ram`` are bytes, ``macs`` the most multiplications of one run; ``dtypes`` are the only ones allowed
    (in ONNX's words), ``operators`` the only ones, ``without`` some that aren't. None and empty allow everything.
    """

    name: str
    target: str
    flash: int | None = None
    ram: int | None = None
    macs: int | None = None
    dtypes: frozenset[str] = frozenset()
    operators: frozenset[str] = frozenset()
    without: frozenset[str] = field(default=frozenset())

    def check(self, model: ModelFacts) -> Iterator[Reason]:
        """What the board doesn't allow."""
        footprint = model.footprint
        yield from _room("flash", "bytes of weights", footprint.flash, self.flash)
        yield from _room("ram", "bytes of live activations", footprint.activations, self.ram)
        yield from _room("macs", "multiplications", footprint.macs, self.macs)
        used = {tensor.dtype for tensor in model.tensors.values() if tensor.dtype}
        if self.dtypes and (odd := sorted(used - self.dtypes)):
            yield Reason("dtypes", Effect.REFUSES, f"dtypes that {self.name} doesn't allow: {', '.join(odd)}")
        odd_nodes = [node for node in model.nodes if not self._allows(node)]
        if odd_nodes:
            text = f"operators that {self.name} doesn't allow"
            yield Reason("operators", Effect.REFUSES, text, tuple(map(str, odd_nodes)))

    def _allows(self, node: Node) -> bool:
        listed = not self.operators or node.operator in self.operators or node.operator == "Constant"
        return listed and node.operator not in self.without


def _room(rule: str, what: str, needed: int | None, most: int | None) -> Iterator[Reason]:
    if most is None:
        return
    if needed is None:
        text = f"{what} aren't known: a length is open, of which they depend"
        yield Reason(rule, Effect.OPEN, text, remedy="Fix the lengths when converting.")
    elif needed > most:
        yield Reason(rule, Effect.REFUSES, f"{needed:,} {what}; at most {most:,}", remedy=_REMEDIES.get(rule, ""))


_REMEDIES = {
    "flash": "Quantise the weights (--quantize weights), or choose a smaller model.",
    "ram": "Choose smaller inputs or fewer channels; --quantize static makes activations a quarter as large.",
}


def read_boards(path: Path) -> tuple[Board, ...]:
    """The boards of a YAML file: one mapping, or a list of them. Raises ParityGateError PG201, PG202."""
    import yaml

    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParityGateError("PG202", str(path), f"it can't be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParityGateError("PG201", str(path), f"not a YAML file: {error}") from error
    return tuple(_board(path, each) for each in (given if isinstance(given, list) else [given]))


def _board(path: Path, given: Any) -> Board:
    if not isinstance(given, Mapping) or not {"name", "target"} <= given.keys():
        raise ParityGateError("PG201", str(path), "a profile needs name and target", _EXAMPLE)
    if unknown := sorted(set(map(str, given)) - _KEYS):
        cause = f"unknown keys: {', '.join(unknown)}"
        raise ParityGateError("PG201", str(path), cause, f"Keys: {', '.join(sorted(_KEYS))}.")
    flash, ram = (_bytes(path, key, given.get(key)) for key in ("flash", "ram"))
    sets = (_words(path, key, given.get(key, [])) for key in ("dtypes", "operators", "without"))
    return Board(str(given["name"]), str(given["target"]), flash, ram, given.get("macs"), *sets)


def _bytes(path: Path, key: str, value: Any) -> int | None:
    found = None if value is None else bytes_of(value)
    if found is None and value is not None:
        raise ParityGateError(
            "PG201", str(path), f"{key}: {value!r} isn't a size", "Write 512K, 8M or a number of bytes."
        )
    return found


def _words(path: Path, key: str, value: Any) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ParityGateError("PG201", str(path), f"{key} isn't a list of names", _EXAMPLE)
    return frozenset(value)


_EXAMPLE = "Example: {name: sensor-v2, target: tflite-micro, flash: 512K, ram: 256K, dtypes: [int8, int32]}"
