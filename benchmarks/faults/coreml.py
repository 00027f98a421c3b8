"""Some of the catalogue's faults in Core ML files, applied to Apple's messages."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from paritygate.validate.coreml.files.package import open_package

from .graphs import Array, Mutant, shuffled
from .mutations.trees import stepped
from .mutations.weights import spread

Message = Any
Changed = tuple[Array, str] | None

_WEIGHTS = {"floatValue", "weights.value", "offset", "shiftValue", "scaleValue", "alpha", "rho", "values"}
"""Repeated fields that hold weights; the field of a DoubleArray is prefixed by the field that contains it."""

_METADATA = struct.Struct("<IIQQQ")  # sentinel, type, bytes, start, padding: MIL's blob storage, version 2
_STORED = {1: np.float16, 2: np.float32}


@dataclass
class Opened:
    """A specification, the bytes of its weight file if there is one, and the path that both are from."""

    path: Path
    spec: Message
    weights: bytearray = field(default_factory=bytearray)

    def copy(self) -> Opened:
        """A copy to change."""
        spec = type(self.spec)()
        spec.CopyFrom(self.spec)
        return Opened(self.path, spec, bytearray(self.weights))


@dataclass(frozen=True)
class Numbers:
    """One array of weights: its name, and functions to read and write it."""

    name: str
    read: Callable[[], Array]
    write: Callable[[Array], None]


def opened(path: Path) -> Opened:
    """Read a file or a package."""
    package = open_package(path)
    file = _weight_file(path)
    return Opened(path, package.spec, bytearray(file.read_bytes() if file else b""))


def _weight_file(path: Path) -> Path | None:
    return next(path.rglob("weight.bin"), None) if path.is_dir() else None


def write(model: Opened, path: Path) -> None:
    """Write a file, or a package if the model is from one."""
    if not model.path.is_dir():
        path.write_bytes(model.spec.SerializeToString())
        return
    if path != model.path:
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(model.path, path)
    next(path.rglob("*.mlmodel")).write_bytes(model.spec.SerializeToString())
    if file := _weight_file(path):
        file.write_bytes(model.weights)


def arrays(model: Opened) -> list[Numbers]:
    """Every array of weights, in the same order in every copy of the model."""
    return [*_repeated(model.spec, "", ""), *_blobs(model)]


def _repeated(message: Message, path: str, called: str) -> Iterator[Numbers]:
    for entry, value in message.ListFields():
        name = f"{path}.{entry.name}".lstrip(".")
        if entry.message_type is not None:
            for number, child in enumerate(_children(value)):
                yield from _repeated(child, f"{name}{number or ''}", entry.name)
        elif not hasattr(value, "extend") or entry.cpp_type not in (entry.CPPTYPE_FLOAT, entry.CPPTYPE_DOUBLE):
            continue
        elif entry.name in _WEIGHTS or f"{called}.{entry.name}" in _WEIGHTS:
            kind = np.float32 if entry.cpp_type == entry.CPPTYPE_FLOAT else np.float64
            yield Numbers(name, partial(np.array, value, kind), partial(_put, value))


def _children(value: Any) -> list[Message]:
    """The messages in a field: one, a list or a map; a map's values may be text."""
    if hasattr(value, "ListFields"):
        return [value]
    found = value.values() if hasattr(value, "values") else value
    return [child for child in found if hasattr(child, "ListFields")]


def _put(field_of_numbers: Any, array: Array) -> None:
    field_of_numbers[:] = array.tolist()


def _blobs(model: Opened) -> Iterator[Numbers]:
    """The arrays of the weight file, which follow one another after its header of 64 bytes."""
    at = 64
    while at + _METADATA.size <= len(model.weights):
        sentinel, stored, size, start, _ = _METADATA.unpack_from(model.weights, at)
        if sentinel != 0xDEADBEEF:
            return
        if stored in _STORED:
            kind = _STORED[stored]
            count = size // np.dtype(kind).itemsize
            read = partial(_from_bytes, model.weights, kind, count, start)
            yield Numbers(f"weight.bin at {at}", read, partial(_to_bytes, model.weights, kind, start))
        at = -(-(start + size) // 64) * 64


def _from_bytes(data: bytearray, kind: Any, count: int, start: int) -> Array:
    return np.frombuffer(data, kind, count, start).copy()


def _to_bytes(data: bytearray, kind: Any, start: int, array: Array) -> None:
    raw = array.astype(kind).tobytes()
    data[start : start + len(raw)] = raw


def perturbed(model: Opened, rng: np.random.Generator) -> Opened:
    """The model, each weight off by up to one unit in its last float32 place."""
    copy = model.copy()
    for numbers in arrays(copy):
        array = numbers.read()
        ulp = max(float(np.finfo(array.dtype).eps), float(np.finfo(np.float32).eps))
        numbers.write((array * (1 + ulp * rng.uniform(-1, 1, array.shape))).astype(array.dtype))
    return copy


def _on_arrays(model: Opened, rng: np.random.Generator, edit: Callable[[str, Array], Changed]) -> Iterator[Mutant]:
    for number in shuffled(range(len(arrays(model))), rng):
        numbers = arrays(model)[number]
        if (changed := edit(numbers.name, numbers.read())) is not None:
            copy = model.copy()
            arrays(copy)[number].write(changed[0])
            yield Mutant(copy, numbers.name, changed[1])


def nudged(share: float, model: Opened, rng: np.random.Generator) -> Iterator[Mutant]:
    """Change one weight by ``share`` of its array's standard deviation."""

    def edit(_: str, array: Array) -> Changed:
        if array.size < 2:
            return None
        at = int(rng.integers(array.size))
        array[at] += array.dtype.type(share * spread(array))
        return array, f"element {at} of {array.size} off by {share:g} of the standard deviation"

    return _on_arrays(model, rng, edit)


def scaled(share: float, model: Opened, rng: np.random.Generator) -> Iterator[Mutant]:
    """Multiply a whole array by 1 + ``share``."""

    def edit(_: str, array: Array) -> Changed:
        return array * array.dtype.type(1 + share), f"scaled by 1 + {share:g}"

    return _on_arrays(model, rng, edit)


def no_bias(model: Opened, rng: np.random.Generator) -> Iterator[Mutant]:
    """Set a bias of a layer, or an offset of a linear model, to zero."""

    def edit(name: str, array: Array) -> Changed:
        if not ("bias" in name or name.endswith(".offset")) or not array.any():
            return None
        return np.zeros_like(array), f"bias of {array.size} set to zero"

    return _on_arrays(model, rng, edit)


def _ensembles(message: Message) -> Iterator[Message]:
    """Every TreeEnsembleParameters inside a message."""
    if message.DESCRIPTOR.name == "TreeEnsembleParameters":
        yield message
        return
    for entry, value in message.ListFields():
        if entry.message_type is not None:
            for child in _children(value):
                yield from _ensembles(child)


def _at_branches(
    model: Opened, rng: np.random.Generator, edit: Callable[[Message], str], turns: int = 3
) -> Iterator[Mutant]:
    leaf = 6
    for _ in range(turns if any(True for _ in _ensembles(model.spec)) else 0):
        copy = model.copy()
        nodes = [n for trees in _ensembles(copy.spec) for n in trees.nodes if n.nodeBehavior != leaf]
        node = nodes[int(rng.integers(len(nodes)))]
        yield Mutant(copy, f"tree {node.treeId}, node {node.nodeId}", edit(node))


def threshold(model: Opened, rng: np.random.Generator) -> Iterator[Mutant]:
    """Change one threshold by a float32 step."""

    def edit(node: Message) -> str:
        old = node.branchFeatureValue
        node.branchFeatureValue = float(stepped(old, up=bool(rng.integers(2))))
        return f"{old!r} -> {node.branchFeatureValue!r}"

    return _at_branches(model, rng, edit)


def one_strict(model: Opened, rng: np.random.Generator) -> Iterator[Mutant]:
    """Replace one ``<=`` by ``<``, or vice versa."""

    def edit(node: Message) -> str:
        old = node.nodeBehavior
        node.nodeBehavior = {0: 1, 1: 0, 2: 3, 3: 2}.get(old, old)
        return f"behaviour {old} -> {node.nodeBehavior}"

    return _at_branches(model, rng, edit)


def labels_permuted(model: Opened, rng: np.random.Generator) -> Iterator[Mutant]:
    """Shift a classifier's class names by one position."""
    copy = model.copy()
    for labels in _label_lists(copy.spec):
        labels.vector[:] = [*labels.vector[1:], labels.vector[0]]
        yield Mutant(copy, "class labels", "rolled by one")
        return


def _label_lists(message: Message) -> Iterator[Message]:
    for entry, value in message.ListFields():
        if entry.name in {"stringClassLabels", "int64ClassLabels"}:
            yield value
        elif entry.message_type is not None:
            for child in _children(value):
                yield from _label_lists(child)


MUTATIONS: dict[str, Callable[[Opened, np.random.Generator], Iterator[Mutant]]] = {
    **{f"weight nudged by {share:g} std": partial(nudged, share) for share in (1e-1, 1e-2, 1e-3)},
    **{f"tensor scaled by 1 + {share:g}": partial(scaled, share) for share in (1e-2, 1e-3, 1e-4)},
    "bias dropped": no_bias,
    "threshold one float step off": threshold,
    "one <= as <": one_strict,
    "labels permuted": labels_permuted,
}
"""Mutations by the catalogue's names, so that they count in the same families."""
