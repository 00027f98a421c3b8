"""Converters and compilers that publish a list of the ONNX operators that they take, and little else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..facts import cite, read
from ..model import ModelFacts, Node
from ..values import Effect, Reason
from .limits import holds
from .onnxruntime import names

Row = Mapping[str, Any]
Takes = Callable[[Row, Node, str], bool]
"""Whether a row of the list takes a node, for a version of the tool."""


@dataclass(frozen=True, slots=True)
class OperatorList:
    """One tool: its facts, how a row of its list is read, and what it wants of the whole model.

    ``static`` says that all lengths must be known. ``opsets`` are the lowest and the highest opset it takes, None where
    its facts tell neither. ``doubt`` says what speaks against an operator that the list has.
    """

    family: str
    takes: Takes
    opsets: tuple[int | None, int | None] = (None, None)
    static: bool = False
    section: tuple[str, ...] = ("ops",)
    also: Callable[[ModelFacts], Iterator[Reason]] = field(default=lambda model: iter(()))
    doubt: Callable[[Row, str], str] = field(default=lambda row, version: "")

    def rows(self) -> Mapping[str, Row]:
        """Operator -> its row; a list with domains keeps those of ONNX under their own names."""
        found: Any = read(self.family)
        for key in self.section:
            found = found[key]
        if "ai.onnx" not in found:
            return dict(found)
        return {
            **{f"{domain}.{name}": row for domain in found for name, row in found[domain].items()},
            **found["ai.onnx"],
        }

    def check(self, model: ModelFacts, version: str) -> Iterator[Reason]:
        """All that stops the tool from taking the model, or may."""
        yield from self._opset(model)
        if self.static and model.open_inputs:
            text = f"open lengths of {', '.join(model.open_inputs)}; all lengths must be fixed"
            yield Reason(
                "static-shapes", Effect.REFUSES, text, source=self._source,
                remedy="Fix them: --input NAME:DTYPE:1,3,224,224.",
            )  # fmt: skip
        yield from self._operators(model, version)
        yield from self.also(model)

    @property
    def _source(self) -> Any:
        facts = read(self.family)
        return cite(self.family, facts.get("src", ()))

    def _opset(self, model: ModelFacts) -> Iterator[Reason]:
        (low, high), opset = self.opsets, model.opsets.get("ai.onnx", 0)
        if high is not None and opset > high:
            yield Reason(
                "opset", Effect.REFUSES, f"opset {opset}; at most {high} is taken", source=self._source,
                remedy=f"Lower the opset to {high} or less.", fix=("--opset", str(high)),
            )  # fmt: skip
        if low is not None and 0 < opset < low:
            yield Reason(
                "opset", Effect.REFUSES, f"opset {opset}; at least {low} is needed", source=self._source,
                remedy=f"Raise the opset to {low} or more.", fix=("--opset", str(low)),
            )  # fmt: skip

    def _operators(self, model: ModelFacts, version: str) -> Iterator[Reason]:
        rows = self.rows()
        missing: dict[str, list[Node]] = {}
        broken: dict[tuple[str, str], list[Node]] = {}
        open_: dict[tuple[str, str], list[Node]] = {}
        for node in model.nodes:
            name = node.operator if node.domain == "ai.onnx" else f"{node.domain}.{node.operator}"
            row = rows.get(name)
            if node.operator == "Constant" and row is None:
                continue
            if row is None or not self.takes(row, node, version):
                missing.setdefault(name, []).append(node)
                continue
            if doubt := self.doubt(row, version):
                open_.setdefault((name, doubt), []).append(node)
            for limit in row.get("limits", ()):
                found = holds(limit, node, model)
                if not found:
                    (broken if found is False else open_).setdefault((name, limit), []).append(node)
        for name, nodes in missing.items():
            text = f"{name} {nodes[0].version} isn't in the list of operators"
            yield Reason(
                "operator", Effect.REFUSES, text, names(nodes), self._source, "Replace the operator by others.",
            )  # fmt: skip
        for (name, limit), nodes in broken.items():
            yield Reason("condition", Effect.REFUSES, f"{name} is taken only with: {limit}", names(nodes), self._source)
        for (name, limit), nodes in open_.items():
            text = limit if limit.startswith(_DOUBT) else f"is taken only with: {limit}; the file doesn't tell"
            text = f"{name} {text}"
            yield Reason("condition", Effect.OPEN, text, names(nodes), self._source)


def flag(*keys: str) -> Takes:
    """A row that says it with one of these keys."""
    return lambda row, node, version: any(row.get(key) in (True, "yes") for key in keys)


def _listed_versions(key: str) -> Takes:
    """The definitions that the tool has code for: it takes the newest one that isn't newer than the node's."""
    return lambda row, node, version: any(int(each) <= node.version for each in row.get(key) or ())


def _schema_versions(row: Row, node: Node, version: str) -> bool:
    versions: Sequence[int] = row.get("schema_versions") or ()
    return bool(row.get("supported")) and (not versions or node.version in versions)


def _opset_range(row: Row, node: Node, version: str) -> bool:
    if row.get("supported") is False or "opset" not in row:
        return False
    low, high = row["opset"]
    return (low is None or node.version >= low) and (high is None or node.version <= high)


def _in_release(row: Row, node: Node, version: str) -> bool:
    dtypes = row.get("types_2.2")
    fits = not dtypes or all(_st(dtype) in dtypes for name, dtype in node.types.items() if name == "T")
    return version in row.get("in", ()) and (version != "2.2" or fits)


def _st(dtype: str) -> str:
    return {"float": "float32", "double": "float64"}.get(dtype, dtype)


def _openvino(row: Row, node: Node, version: str) -> bool:
    since, only = row.get("rule_since"), row.get("rule_in")
    if since in (None, "null"):
        return False
    return version in only if only else str(since) <= version


_DOUBT = "has a rule"


def _tests_failed(row: Row, version: str) -> str:
    """A rule doesn't mean that every attribute works: some of ONNX' own tests of the operator weren't compiled."""
    passed, _, rest = str(row.get("tests", {}).get(version, "")).partition("/")
    tried = rest.split(" ")[0]
    return f"{_DOUBT}, and {passed} of {tried} tests of ONNX compile with it" if tried and passed != tried else ""


def _floats_are_quantised(model: ModelFacts) -> Iterator[Reason]:
    if not any(tensor.quantised or tensor.dtype in ("int8", "uint8", "int16") for tensor in model.tensors.values()):
        text = "esp-ppq quantises a float model to 8 or 16 bits on the way; its outputs will differ from this file's"
        yield Reason("quantisation", Effect.INFORMS, text, source=cite("esp-dl"))


LISTS: Mapping[str, OperatorList] = {
    "rknn": OperatorList("rknn", flag("supported"), (None, 19)),
    "esp-dl": OperatorList("esp-dl", flag("int8", "int16", "float32"), static=True, also=_floats_are_quantised),
    "mnn": OperatorList("mnn", flag("converter", "expanded")),
    "ncnn": OperatorList("ncnn", flag("ncnn")),
    "nncase": OperatorList("nncase", _schema_versions),
    "nxp-eiq": OperatorList("nxp-eiq", flag("tflite"), (7, None)),
    "onnx-mlir": OperatorList("onnx-mlir", _opset_range, (None, 22)),
    "onnx-to-tflite": OperatorList("onnx-to-tflite", flag("tf_converter", "flatbuffer_direct")),
    "iree": OperatorList("iree-torch-mlir", _listed_versions("since")),
    "tvm": OperatorList("tvm", _listed_versions("impl_versions")),
    "st-edge-ai": OperatorList("st-edge-ai", _in_release, (7, 20)),
    "openvino": OperatorList("openvino", _openvino, doubt=_tests_failed),
}
"""Target -> its list."""
