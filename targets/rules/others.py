"""Windows ML, and inference servers: what runs the model inside of them decides, and their own conditions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..facts import cite, read
from ..model import ModelFacts
from ..values import Effect, Reason
from ..versions import parse
from .lists import LISTS
from .onnxruntime import RELEASES, on_cpu

WINDOWS = ("1809", "1903", "2004", "11", "app-sdk-1.8", "app-sdk-2.0")
"""Builds of Windows with the API in the system, and the packages that bring a newer one."""

_INBOX = {"1809": "1809", "1903": "1903", "2004": "2004", "11": "first release"}
TRITON = tuple(row["container"] for row in read("inference-servers")["triton"]["releases"])

_WIRE = {
    "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "float", "double",
    "string",
}  # fmt: skip
"""Dtypes that the Open Inference Protocol names."""


def on_windows(model: ModelFacts, version: str) -> Iterator[Reason]:
    """Windows ML: the opsets of the build, or the ONNX Runtime of the package."""
    facts = read("windows-ml")
    if version.startswith("app-sdk-"):
        wanted = version.removeprefix("app-sdk-")
        release = next(r["ort"] for r in facts["windows_app_sdk_ml"]["rows"] if r["package"].startswith(wanted))
        yield from on_cpu(model, _minor(release))
        return
    row = next(row for row in facts["inbox"]["rows"] if _INBOX[version] in row["windows"])
    low, high = row["opset"]
    opset, source = model.opsets.get("ai.onnx", 0), cite("windows-ml", facts["inbox"]["src"])
    if not low <= opset <= high:
        text = f"opset {opset}; {row['windows']} takes {low} to {high}"
        fix = ("--opset", str(high))
        yield Reason("opset", Effect.REFUSES, text, source=source, remedy="Convert to such an opset.", fix=fix)
    text = "the operators of the API in the system aren't in the facts: try it there (WinMLRunner)"
    yield Reason("operators", Effect.OPEN, text, source=source)


def _minor(release: str) -> str:
    """The row of ONNX Runtime's releases for ``1.24.5`` or ``~1.23.2``."""
    wanted = parse(release.lstrip("~"))[:2]
    found: str = next(each for each in RELEASES if parse(each) == wanted)
    return found


def on_triton(model: ModelFacts, container: str) -> Iterator[Reason]:
    """Triton's ONNX Runtime, and dtypes that its requests can carry."""
    facts = read("inference-servers")["triton"]
    row = next(row for row in facts["releases"] if row["container"] == container)
    yield from on_cpu(model, _minor(row["onnxruntime"]))
    yield from _wire(model, facts["src"])
    if model.external_data:
        text = "external data: put the file and its data into a folder called model.onnx"
        yield Reason("layout", Effect.INFORMS, text, source=cite("inference-servers", facts["src"]))


def _wire(model: ModelFacts, sources: Any) -> Iterator[Reason]:
    odd = {n: t.dtype for n, t in {**model.inputs, **model.outputs}.items() if t.dtype and t.dtype not in _WIRE}
    if odd:
        text = f"no dtype of the protocol for {', '.join(f'{name} ({dtype})' for name, dtype in odd.items())}"
        remedy = "Convert with inputs and outputs of another dtype."
        yield Reason("protocol", Effect.REFUSES, text, source=cite("inference-servers", sources), remedy=remedy)


def on_openvino_server(model: ModelFacts, version: str) -> Iterator[Reason]:
    """OpenVINO Model Server: OpenVINO's operators."""
    yield from LISTS["openvino"].check(model, version)
    yield from _wire(model, read("inference-servers")["openvino_model_server"]["src"])


def on_torchserve(model: ModelFacts, version: str) -> Iterator[Reason]:
    """TorchServe: whatever ONNX Runtime its image has."""
    yield from on_cpu(model, RELEASES[-1])
    text = f"the image's own ONNX Runtime decides; checked against {RELEASES[-1]}"
    yield Reason(
        "release", Effect.OPEN, text, source=cite("inference-servers", read("inference-servers")["torchserve"]["src"])
    )


def on_neo(model: ModelFacts, version: str) -> Iterator[Reason]:
    """SageMaker Neo: ONNX 1.7; its operators aren't published."""
    means = read("inference-servers")["sagemaker_neo"]["onnx_1_7_means"]
    source = cite("inference-servers", ["neo"], means["confidence"])
    opset = model.opsets.get("ai.onnx", 0)
    if opset > means["opset_max"] or model.specification > means["ir_max"]:
        text = f"opset {opset}, IR version {model.specification}; at most {means['opset_max']} and {means['ir_max']}"
        fix = ("--opset", str(means["opset_max"]))
        yield Reason("opset", Effect.REFUSES, text, source=source, remedy="Lower the opset.", fix=fix)
    yield Reason("operators", Effect.OPEN, "its list of operators isn't published", source=source)


def unknown_operators(family: str, text: str) -> Any:
    """A target of which nothing is known that could decide."""

    def check(model: ModelFacts, version: str) -> Iterator[Reason]:
        yield Reason("operators", Effect.OPEN, text, source=cite(family))

    return check
