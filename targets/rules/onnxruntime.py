"""ONNX Runtime on a CPU, and with accelerators that leave to the CPU what they don't take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from ..facts import Citation, cite, read
from ..model import ModelFacts, Node
from ..values import Effect, Fallback, Reason
from ..versions import parse
from .kernels import CPU, OWN, missing_types, runs, versions_with_kernel

RELEASES = tuple(row["ort"] for row in read("onnxruntime")["releases"])
"""From the oldest to the newest."""

OLDEST_KERNELS = "1.8"


def on_cpu(model: ModelFacts, release: str) -> Iterator[Reason]:
    """Everything that stops a model from being loaded and run by the CPU provider."""
    yield from gates(model, _row(release), cite("onnxruntime", ["wheels"]))
    yield from custom_operators(model)
    if release not in _with_kernels():
        text = f"the kernels of release {release} aren't known (only from {OLDEST_KERNELS} on)"
        yield Reason("kernels", Effect.OPEN, text, source=cite(CPU))
        return
    yield from without_kernel(model, release)
    yield from _refused_attributes(model, release)


def _refused_attributes(model: ModelFacts, release: str) -> Iterator[Reason]:
    """Values of attributes that a kernel or the shape inference of a release refuses, as its node tests show."""
    source = cite("onnxruntime", ["node_tests"])
    rows = [node for node in model.nodes if node.operator in _RECURRENT and node.attributes.get("layout")]
    if rows:
        text = "layout=1 isn't implemented: batches come second"
        yield Reason("attribute", Effect.REFUSES, text, names(rows), source, "Transpose the input and use layout=0.")
    both = [node for node in model.nodes if node.operator == "DFT" and _real_inverse(node)]
    if both and parse(release) < _REAL_INVERSE_RUNS:
        effect = Effect.REFUSES if parse(release) <= _REAL_INVERSE_REFUSED else Effect.OPEN
        text = "inverse=1 together with onesided=1, which older definitions forbid"
        yield Reason("attribute", effect, text, names(both), source, "Compute the full inverse and keep its real part.")


_RECURRENT = frozenset({"LSTM", "GRU", "RNN"})
_REAL_INVERSE_REFUSED, _REAL_INVERSE_RUNS = (1, 20), (1, 31)
"""Measured: 1.20 refuses it, 1.31 runs it."""


def _real_inverse(node: Node) -> bool:
    return bool(node.attributes.get("inverse") and node.attributes.get("onesided"))


def _row(release: str) -> Mapping[str, int]:
    row: Mapping[str, int] = next(row for row in read("onnxruntime")["releases"] if row["ort"] == release)
    return row


def _with_kernels() -> Iterable[str]:
    releases: Mapping[str, object] = read(CPU)["releases"]
    return releases


def gates(model: ModelFacts, row: Mapping[str, int], source: Citation) -> Iterator[Reason]:
    """IR version and opsets, which a release checks before it looks at any node."""
    if "ir" in row and model.specification > row["ir"]:
        text = f"IR version {model.specification}; at most {row['ir']} is loaded"
        remedy = f"Write it with an older IR version: an opset of {row['opset']} or less brings one along."
        yield Reason("ir-version", Effect.REFUSES, text, source=source, remedy=remedy, fix=_lower(row["opset"]))
    for domain, key in (("ai.onnx", "opset"), ("ai.onnx.ml", "ml_opset")):
        asked = model.opsets.get(domain, 0)
        if key in row and asked > row[key]:
            fix = _lower(row[key]) if key == "opset" else ()
            remedy = f"Lower the opset to {row[key]} or less."
            text = f"opset {asked} of {domain}; at most {row[key]} is loaded"
            yield Reason("opset", Effect.REFUSES, text, source=source, remedy=remedy, fix=fix)
    if 0 < model.opsets.get("ai.onnx", 0) < _OLDEST_OPSET:
        text = f"opset {model.opsets['ai.onnx']}; opsets below {_OLDEST_OPSET} aren't guaranteed to load"
        yield Reason("opset-floor", Effect.OPEN, text, source=cite("onnxruntime", ["versioning"]), fix=_lower(13))


_OLDEST_OPSET = 7


def _lower(opset: int) -> tuple[str, ...]:
    return ("--opset", str(opset))


def custom_operators(model: ModelFacts) -> Iterator[Reason]:
    """Operators of libraries that the runtime doesn't bring along."""
    foreign = [node for node in model.nodes if node.domain not in OWN]
    if foreign:
        domains = ", ".join(sorted({node.domain for node in foreign}))
        text = f"custom operators of {domains}, which need a library of their own on the device"
        remedy = "Replace them by ONNX's own operators, or ship the library that has them."
        yield Reason("custom-operators", Effect.REFUSES, text, names(foreign), cite(CPU), remedy)


def without_kernel(model: ModelFacts, release: str, family: str = CPU) -> Iterator[Reason]:
    """The nodes that nothing in the release computes, by operator."""
    missing = [node for node in _known(model) if not runs(node, family, release)]
    for (domain, operator, types, span), nodes in _grouped(missing, family, release):
        name = operator if domain == "ai.onnx" else f"{domain}.{operator}"
        if types:
            text, remedy = (
                f"no kernel of {name} for {types}",
                "Cast its inputs to float, or convert with another --dtype.",
            )
            yield Reason("dtype", Effect.REFUSES, text, names(nodes), cite(family), remedy)
        else:
            yield Reason(
                "operator", Effect.REFUSES, f"no kernel of {name} {nodes[0].version}", names(nodes), cite(family),
                _other_version(span), _lower(span[1]) if span and span[1] < nodes[0].version else (),
            )  # fmt: skip


def _other_version(span: tuple[int, int] | None) -> str:
    if span is None:
        return "Replace the operator by others, or choose a newer release."
    return f"There are kernels for its definitions of opset {span[0]} to {span[1]}: convert to such an opset."


def _known(model: ModelFacts) -> Iterator[Node]:
    return (node for node in model.nodes if node.domain in OWN)


def _grouped(
    nodes: Sequence[Node], family: str, release: str
) -> Iterator[tuple[tuple[str, str, str, tuple[int, int] | None], list[Node]]]:
    """Nodes of one operator that miss the same, in the order of the file."""
    found: dict[tuple[str, str, str, tuple[int, int] | None], list[Node]] = {}
    for node in nodes:
        types, span = missing_types(node, family, release), versions_with_kernel(node, family, release)
        found.setdefault((node.domain, node.operator, types, span), []).append(node)
    yield from found.items()


def names(nodes: Iterable[Node]) -> tuple[str, ...]:
    """The nodes as the user knows them."""
    return tuple(map(str, nodes))


def with_accelerator(
    model: ModelFacts,
    release: str,
    takes: Callable[[Node], str | None],
    provider: str,
    source: Citation,
) -> tuple[tuple[Reason, ...], Fallback]:
    """The CPU's reasons, and what an accelerator leaves to the CPU.

    ``takes`` gives "" for a node that the accelerator takes, a condition that the file doesn't tell, or None.
    """
    reasons = [*on_cpu(model, release)]
    found = [(node, takes(node)) for node in model.nodes if node.operator != "Constant"]
    left = [node for node, answer in found if answer is None]
    if left:
        operators = ", ".join(sorted({node.operator for node in left}))
        text = f"{provider} doesn't take {len(left)} of {len(found)} nodes ({operators}); they run on the CPU"
        remedy = "Replace these operators, or accept the CPU's speed for them."
        reasons.append(Reason("fallback", Effect.SLOWS, text, names(left), source, remedy))
    for condition, nodes in _conditions(found).items():
        text = f"{provider} takes {nodes[0].operator} only with: {condition}; the file doesn't tell"
        reasons.append(Reason("condition", Effect.SLOWS, text, names(nodes), source))
    taken = [answer == "" for _, answer in found]
    partitions = sum(key for key, _ in groupby(taken))
    return tuple(reasons), Fallback(sum(taken), len(taken), partitions)


def _conditions(found: Sequence[tuple[Node, str | None]]) -> dict[str, list[Node]]:
    conditions: dict[str, list[Node]] = {}
    for node, answer in found:
        if answer:
            conditions.setdefault(answer, []).append(node)
    return conditions
