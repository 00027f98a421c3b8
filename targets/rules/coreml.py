"""Core ML on Apple's systems: the specification version that a system loads, and what the file needs of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..facts import cite, read
from ..model import ModelFacts
from ..values import Effect, Reason
from ..versions import parse
from .onnxruntime import names

SYSTEMS = {system: system.lower() for system in ("iOS", "macOS", "tvOS", "watchOS")}
_MOST_AXES = 5


def versions(system: str) -> tuple[str, ...]:
    """The versions of a system that brought a new specification version, from the oldest on."""
    return tuple(row[SYSTEMS[system]] for row in read("coreml")["versions"])


def on_system(model: ModelFacts, system: str, version: str) -> Iterator[Reason]:
    """What a system's Core ML refuses, and where the Neural Engine isn't used."""
    rows = read("coreml")["versions"]
    row = [each for each in rows if parse(each[SYSTEMS[system]]) <= parse(version)][-1]
    source = cite("coreml", read("coreml")["versions_src"])
    if model.specification > row["spec"]:
        oldest = next((each for each in rows if each["spec"] == model.specification), None)
        needs = f"{system} {oldest[SYSTEMS[system]]}" if oldest else "a newer system"
        fix = ("--deployment-target", _target(row, system))
        yield Reason(
            "specification", Effect.REFUSES,
            f"specification version {model.specification} needs {needs}; {system} {version} loads up to {row['spec']}",
            source=source, remedy="Convert for an older deployment target.", fix=fix if fix[1] else (),
        )  # fmt: skip
    yield from _operators(model, row)
    yield from _ranks(model)
    yield from _neural_engine(model)


def _target(row: Mapping[str, Any], system: str) -> str:
    ios = row.get("coremltools_target", "")
    return str(ios).replace("iOS", system) if system == "iOS" or not ios else f"{system}{row[SYSTEMS[system]]}"


def _operators(model: ModelFacts, row: Mapping[str, Any]) -> Iterator[Reason]:
    """Operators of an ML Program that are newer than the system, or that aren't known at all."""
    if model.program != "mlProgram":
        custom = [node for node in model.nodes if node.custom]
        if custom:
            text = "custom layers, which need code in the application"
            yield Reason("custom-operators", Effect.OPEN, text, names(custom), cite("coreml", ["spec_utils"]))
        return
    table, order = (
        read("coreml-mil-ops")["ops"],
        [each.get("coremltools_target") for each in read("coreml")["versions"]],
    )
    known = order.index(row.get("coremltools_target")) if row.get("coremltools_target") in order else len(order)
    new = [
        node
        for node in model.nodes
        if node.operator in table and all(order.index(each[0]) > known for each in table[node.operator])
    ]
    if new:
        text = f"operators that are newer than specification version {row['spec']}"
        yield Reason("operator", Effect.REFUSES, text, names(new), cite("coreml-mil-ops"))
    foreign = [node for node in model.nodes if node.operator not in table and node.operator not in _WRITTEN]
    if foreign:
        yield Reason(
            "operator", Effect.OPEN, "operators that aren't in the list", names(foreign), cite("coreml-mil-ops")
        )


_WRITTEN = frozenset({"const", "write_state", "read_state", "classify", "coreml_update_state"})
"""What the converter itself writes into a program."""


def _ranks(model: ModelFacts) -> Iterator[Reason]:
    deep = [
        node for node in model.nodes
        if any((model.tensor(name).rank or 0) > _MOST_AXES for name in node.outputs if name not in model.constants)
    ]  # fmt: skip
    if deep:
        text = f"tensors of more than {_MOST_AXES} axes"
        yield Reason("rank", Effect.REFUSES, text, names(deep), cite("coreml", ["pkg_rank"]))


def _neural_engine(model: ModelFacts) -> Iterator[Reason]:
    if model.program == "mlProgram" and "float16" not in {tensor.dtype for tensor in model.tensors.values()}:
        text = "a float32 program: it runs on CPU and GPU, never on the Neural Engine"
        yield Reason(
            "neural-engine", Effect.INFORMS, text, source=cite("coreml", ["guide_typed"], "documented"),
            remedy="Convert it in float16, with parity proved again.", fix=("--precision", "fp16"),
        )  # fmt: skip
