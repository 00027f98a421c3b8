"""The targets by name: which files they take, which versions are known, and the rules that decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from .facts import cite, read
from .model import Kind, ModelFacts, Node
from .rules import coreml, kernels, onnxruntime, others, tensorrt, tflite
from .rules.limits import holds
from .rules.lists import LISTS
from .values import Fallback, Reason

Given = Iterable[Reason] | tuple[tuple[Reason, ...], Fallback]
Rules = Callable[[ModelFacts, str], Given]


@dataclass(frozen=True, slots=True)
class Target:
    """Something that runs or compiles models.

    ``versions`` are those that the facts tell apart, from the oldest to the newest; ``usual`` is the default ("": the
    newest). ``evidence`` says how its facts are known.
    """

    name: str
    title: str
    family: str
    kinds: tuple[Kind, ...]
    rules: Rules
    versions: tuple[str, ...] = ()
    evidence: str = "documented"
    usual: str = ""

    @property
    def default(self) -> str:
        """The version that is meant where none is asked for; "" where the facts tell none apart."""
        return self.usual or (self.versions[-1] if self.versions else "")


ORT = onnxruntime.RELEASES
_KERNELS_SINCE = ORT.index(onnxruntime.OLDEST_KERNELS)
_CUDA = tuple(v for v in ORT[_KERNELS_SINCE:] if v != ORT[-1])


def _kernels_of(family: str, provider: str) -> Rules:
    """An accelerator whose kernels are known row by row."""

    def check(model: ModelFacts, release: str) -> Given:
        takes = lambda node: "" if kernels.runs(node, family, release) else None  # noqa: E731
        return onnxruntime.with_accelerator(model, release, takes, provider, cite(family))

    return check


def _listed(family: str, section: str, provider: str) -> Rules:
    """An accelerator with a list of operators and conditions."""

    def check(model: ModelFacts, release: str) -> Given:
        facts = read(family)[section]
        table = facts.get("ops") or facts.get("ops_documented")
        takes = partial(_takes, model, table)
        source = cite(family, facts.get("src", ()))
        return onnxruntime.with_accelerator(model, release, takes, provider, source)

    return check


def _takes(model: ModelFacts, table: Mapping[str, Any], node: Node) -> str | None:
    """ "" where a list takes a node, a condition that the file doesn't tell, None where it doesn't take it."""
    row = table.get(node.domain, {}).get(node.operator)
    if row is None or not _in_range(row.get("opset"), node.version):
        return None
    open_ = ""
    for limit in row.get("limits", ()):
        held = holds(limit, node, model)
        if held is False:
            return None
        open_ = open_ or ("" if held else limit)
    return open_


def _in_range(ranges: Any, version: int) -> bool:
    return not ranges or any(low <= version and (high is None or version <= high) for low, high in ranges)


def _list(name: str, title: str, versions: tuple[str, ...] = (), evidence: str = "documented") -> Target:
    return Target(name, title, LISTS[name].family, (Kind.ONNX,), LISTS[name].check, versions, evidence)


def _system(system: str) -> Target:
    def check(model: ModelFacts, version: str) -> Given:
        return coreml.on_system(model, system, version)

    title = f"Core ML on {system}"
    return Target(
        system.lower(), title, "coreml", (Kind.COREML,), check, coreml.versions(system), "documented, measured"
    )


def _web(model: ModelFacts, release: str) -> Given:
    return onnxruntime.on_cpu(model, ".".join(release.split(".")[:2]))


_ONNX = (Kind.ONNX,)
WEB = tuple(row["ort_web"] for row in read("onnxruntime-web")["releases"])

_MOBILE, _ORT_WEB = "onnxruntime-mobile", "onnxruntime-web"
_LATEST = ORT[-8:]
"""Releases that are asked for with accelerators whose lists carry no dates: those of about the last two years."""

_OPENVINO = ("2023.3", "2024.6", "2025.4", "2026.4")

_ON_MOBILE = (
    ("nnapi", "Android NNAPI", _MOBILE, "nnapi", "NNAPI"),
    ("coreml", "Core ML", _MOBILE, "coreml_mlprogram", "Core ML"),
    ("qnn", "Qualcomm QNN", _MOBILE, "qnn", "QNN"),
    ("xnnpack", "XNNPACK", _MOBILE, "xnnpack", "XNNPACK"),
    ("web-webgpu", "WebGPU in a browser", _ORT_WEB, "webgpu_native", "WebGPU"),
    ("web-webnn", "WebNN in a browser", _ORT_WEB, "webnn", "WebNN"),
)
"""Name after onnxruntime-, title, facts, section of the facts, and what the accelerator is called in sentences."""

_ONNX_RUNTIME = (
    Target("onnxruntime-cpu", "ONNX Runtime, CPU", "onnxruntime", _ONNX, onnxruntime.on_cpu, ORT, "measured"),
    Target(
        "onnxruntime-cuda", "ONNX Runtime, NVIDIA GPU", kernels.CUDA, _ONNX, _kernels_of(kernels.CUDA, "CUDA"), _CUDA
    ),
    Target(
        "onnxruntime-directml", "ONNX Runtime, DirectML", kernels.DIRECTML, _ONNX,
        _kernels_of(kernels.DIRECTML, "DirectML"), _CUDA[5:],
    ),
    *(
        Target(f"onnxruntime-{name}", f"ONNX Runtime, {title}", family, _ONNX, _listed(family, section, says), _LATEST)
        for name, title, family, section, says in _ON_MOBILE
    ),
    Target("onnxruntime-web-wasm", "ONNX Runtime, WebAssembly", _ORT_WEB, _ONNX, _web, WEB, "measured"),
)  # fmt: skip

_LITE = (Kind.TFLITE,)
_EMBEDDED = (
    Target("tflite", "TensorFlow Lite (LiteRT)", "tflite", _LITE, tflite.on_tflite, tflite.RELEASES),
    Target("tflite-micro", "TensorFlow Lite Micro", "tflite", _LITE, tflite.on_micro),
    Target("ethos-u", "Arm Ethos-U by Vela", "ethos-u", _LITE, tflite.on_ethos, tflite.ETHOS, "measured"),
    _list("onnx-to-tflite", "onnx2tf (ONNX to TensorFlow Lite)"),
    _list("nxp-eiq", "NXP eIQ onnx2tflite"),
    _list("st-edge-ai", "ST Edge AI (STM32)", ("2.2", "4.0"), "documented, reported"),
    _list("rknn", "Rockchip RKNN-Toolkit2"),
    _list("nncase", "Kendryte nncase"),
    _list("esp-dl", "Espressif ESP-DL"),
    _list("ncnn", "ncnn by pnnx"),
    _list("mnn", "MNN", (), "source code"),
    _list("tvm", "Apache TVM", (), "source code"),
    _list("iree", "IREE by torch-mlir", (), "source code"),
    _list("onnx-mlir", "onnx-mlir"),
    Target(
        "hailo", "Hailo", "hailo", _ONNX,
        others.unknown_operators("hailo", "its list of operators needs a login"), (), "reported",
    ),
)  # fmt: skip

_SERVERS = "inference-servers"
_ON_SERVERS = (
    Target("triton", "NVIDIA Triton with ONNX Runtime", _SERVERS, _ONNX, others.on_triton, others.TRITON),
    Target("openvino-model-server", "OpenVINO Model Server", _SERVERS, _ONNX, others.on_openvino_server, _OPENVINO),
    Target("torchserve", "TorchServe", _SERVERS, _ONNX, others.on_torchserve),
    Target("sagemaker-neo", "Amazon SageMaker Neo", _SERVERS, _ONNX, others.on_neo, (), "documented (2023)"),
)

_JETSON = "NVIDIA Jetson, by JetPack"
TARGETS: tuple[Target, ...] = (
    *_ONNX_RUNTIME,
    *(_system(system) for system in coreml.SYSTEMS),
    Target("windows-ml", "Windows ML", "windows-ml", _ONNX, others.on_windows, others.WINDOWS),
    Target("tensorrt", "NVIDIA TensorRT", "tensorrt", _ONNX, tensorrt.on_tensorrt, tensorrt.RELEASES),
    Target("jetson", _JETSON, "tensorrt", _ONNX, tensorrt.on_jetson, tensorrt.JETPACKS, "documented, reported", "6.2"),
    _list("openvino", "OpenVINO, CPU", _OPENVINO, "measured"),
    *_EMBEDDED,
    *_ON_SERVERS,
)

ALIASES = {
    "onnxruntime": "onnxruntime-cpu",
    "ort": "onnxruntime-cpu",
    "wasm": "onnxruntime-web-wasm",
    "webgpu": "onnxruntime-web-webgpu",
    "coreml": "ios",
    "iphone": "ios",
    "litert": "tflite",
    "tflm": "tflite-micro",
    "stm32": "st-edge-ai",
    "esp32": "esp-dl",
    "rk3588": "rknn",
    "rk3566": "rknn",
    "k230": "nncase",
}
"""Names of devices and short names -> target."""

_BY_NAME = {target.name: target for target in TARGETS}


def find(name: str) -> Target | None:
    """The target of that name or alias."""
    return _BY_NAME.get(ALIASES.get(name.lower(), name.lower()))


def names() -> tuple[str, ...]:
    """All names, in the order of the list."""
    return tuple(_BY_NAME)
