"""TensorFlow Lite (LiteRT) on systems and microcontrollers, and Arm's Ethos-U behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..facts import Citation, cite, read
from ..model import ModelFacts, Node
from ..values import Effect, Fallback, Reason
from ..versions import parse
from .onnxruntime import names

RELEASES = ("2.5", "2.6", "2.7", "2.8", "2.9", "2.10", "2.11", "2.12", "2.13", "2.14", "2.15", "2.16", "2.17", "2.18",
            "2.19", "2.20", "2.21", "2.22", "2.23")  # fmt: skip
"""Runtimes of the last years; older ones can be asked for as well."""

ETHOS = ("u55", "u65", "u85")


def on_tflite(model: ModelFacts, release: str) -> Iterator[Reason]:
    """Operator versions that a runtime doesn't know yet, and operators that it doesn't have."""
    table, source = read("tflite")["ops"], cite("tflite", ["versions"])
    yield from _custom(model, micro=False)
    newer: dict[str, list[Node]] = {}
    for node in (node for node in model.nodes if not node.custom):
        row = table.get(node.operator)
        since = (row.get("min_runtime") or {}).get(node.version) if row else None
        if since is None:
            newer.setdefault(f"{node.operator} version {node.version}: no release is known that has it", []).append(
                node
            )
        elif parse(since) > (*parse(release), 999):
            newer.setdefault(f"{node.operator} version {node.version} needs TensorFlow Lite {since}", []).append(node)
    for text, nodes in newer.items():
        effect = Effect.OPEN if "no release" in text else Effect.REFUSES
        yield Reason(
            "operator", effect, text, names(nodes), source, "Ship a newer runtime, or convert with an older one."
        )
    text = "dtypes of kernels aren't in the facts: run it (--runtime litert) to be sure"
    yield Reason("dtypes", Effect.INFORMS, text, source=source)


def on_micro(model: ModelFacts, version: str) -> Iterator[Reason]:
    """TensorFlow Lite Micro: only what its resolver can register, no open lengths, no strings."""
    table, source = read("tflite")["ops"], cite("tflite", ["micro"])
    yield from _custom(model, micro=True)
    missing: dict[str, list[Node]] = {}
    for node in (node for node in model.nodes if not node.custom):
        if not (table.get(node.operator) or {}).get("micro"):
            missing.setdefault(node.operator, []).append(node)
    for operator, nodes in missing.items():
        text = f"TensorFlow Lite Micro has no {operator}"
        yield Reason("operator", Effect.REFUSES, text, names(nodes), source, "Replace the operator by others.")
    yield from _lengths(model, source)


def _lengths(model: ModelFacts, source: Citation) -> Iterator[Reason]:
    """The arena is laid out once, for the lengths that the file holds beside the open ones: one row, as a rule."""
    rows = [name for name in model.open_inputs if None not in (model.inputs[name].shape or (None, None))[1:]]
    others = [name for name in model.open_inputs if name not in rows]
    if rows:
        text = f"open first axis of {', '.join(rows)}: the device runs it with one row"
        yield Reason("rows", Effect.INFORMS, text, source=source)
    if others:
        text = f"open lengths of {', '.join(others)}: the device runs it with the lengths that the file holds"
        yield Reason("static-shapes", Effect.OPEN, text, source=source, remedy="Fix the lengths when converting.")


def _custom(model: ModelFacts, *, micro: bool) -> Iterator[Reason]:
    known = set(read("tflite")["micro_custom_operators"]) if micro else {"TFLite_Detection_PostProcess"}
    foreign = [node for node in model.nodes if node.custom and node.operator not in known]
    flex = [node for node in foreign if node.operator.startswith("Flex")]
    if flex:
        text = "TensorFlow operators (Flex), which need the extra library on the device"
        effect = Effect.REFUSES if micro else Effect.OPEN
        yield Reason("flex", effect, text, names(flex), cite("tflite", ["schema"], "reported"))
    others = [node for node in foreign if node not in flex]
    if others:
        text = "custom operators, which the application has to register"
        yield Reason("custom-operators", Effect.REFUSES, text, names(others), cite("tflite", ["schema"]))


def on_ethos(model: ModelFacts, version: str) -> tuple[tuple[Reason, ...], Fallback]:
    """What Vela gives to an Ethos-U and what stays on the Cortex-M, where TensorFlow Lite Micro must have it."""
    facts = read("ethos-u")
    column = "u85_tflite" if version == "u85" else "u55_u65_tflite"
    reasons = list(on_micro(model, ""))
    left: dict[str, list[Node]] = {}
    taken: list[bool] = []
    for node in model.nodes:
        why = _refusal(node, model, facts["ops"].get(node.operator, {}), column)
        taken.append(not why)
        if why:
            left.setdefault(why, []).append(node)
    source = cite("ethos-u", facts.get("src", ()))
    for why, nodes in left.items():
        text = f"{len(nodes)} of {len(taken)} operators stay on the Cortex-M: {why}"
        remedy = "Quantise the model to int8." if "float" in why else ""
        reasons.append(Reason("fallback", Effect.SLOWS, text, names(nodes), source, remedy))
    partitions = sum(a and not b for a, b in zip(taken, [*taken[1:], False], strict=True))
    return tuple(reasons), Fallback(sum(taken), len(taken), partitions)


def _refusal(node: Node, model: ModelFacts, row: Mapping[str, Any], column: str) -> str:
    if column not in row:
        return f"{node.operator} isn't taken"
    dtypes = {model.tensor(name).dtype for name in (*node.inputs, *node.outputs) if name not in model.constants}
    if dtypes & {"float", "float16", "double"}:
        return "float feature maps"
    allowed = {"int8", "uint8", "int16", "int32", *(("bool",) if column == "u85_tflite" else ())}
    odd = sorted(dtypes - allowed - {""})
    return f"{', '.join(odd)} feature maps" if odd and node.operator != "ARG_MAX" else ""
