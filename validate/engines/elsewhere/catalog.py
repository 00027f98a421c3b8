"""The runtimes that can be had, with the exact packages of each release. Light: options and `doctor` read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import ParityGateError


@dataclass(frozen=True, slots=True)
class Release:
    """One release of a runtime. ``pins`` are lines of a requirements file with hashes.

    ``script`` is what runs there, ``formats`` are the names of the formats that it takes.
    """

    name: str
    version: str
    formats: tuple[str, ...]
    script: str
    pins: tuple[str, ...]

    @property
    def full_name(self) -> str:
        """As it is typed: ``onnxruntime@1.16``."""
        return f"{self.name}@{self.version}"


_PINS: Mapping[str, tuple[str, ...]] = {
    "ai-edge-litert-2.3.0": (
        "ai-edge-litert==2.3.0 --hash=sha256:1f15078a6725d2357d9de9221664c29afa0545d807559c5f7199ce5e40b96b23",
        "numpy==2.2.6 --hash=sha256:ba10f8411898fc418a521833e014a77d3ca01c15b0c6cdcce6a0d2897e6dbbdf",
    ),
    "onnxruntime-1.16.3": (
        "numpy==1.26.4 --hash=sha256:666dbfb6ec68962c033a450943ded891bed2d54e6755e35e5835d63f4f6931d5",
        "onnxruntime==1.16.3 --hash=sha256:3e253e572021563226a86f1c024f8f70cdae28f2fb1cc8c3a9221e8b1ce37db5",
    ),
    "onnxruntime-1.20.1": (
        "numpy==1.26.4 --hash=sha256:666dbfb6ec68962c033a450943ded891bed2d54e6755e35e5835d63f4f6931d5",
        "onnxruntime==1.20.1 --hash=sha256:5eec64c0269dcdb8d9a9a53dc4d64f87b9e0c19801d9321246a53b7eb5a7d1bc",
    ),
    "onnxruntime-1.31.1": (
        "numpy==2.2.6 --hash=sha256:ba10f8411898fc418a521833e014a77d3ca01c15b0c6cdcce6a0d2897e6dbbdf",
        "onnxruntime==1.31.1 --hash=sha256:5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f",
    ),
    "openvino-2026.4.1": (
        "numpy==2.2.6 --hash=sha256:ba10f8411898fc418a521833e014a77d3ca01c15b0c6cdcce6a0d2897e6dbbdf",
        "openvino==2026.4.1 --hash=sha256:2d22b1da03f7caf74df30e9f6417d0ab2f637e4a38e08e1dcd294d2c37407aaf",
        "openvino-telemetry==2025.2.0 --hash=sha256:bcb667e83a44f202ecf4cfa49281715c6d7e21499daec04ff853b7f964833599",
    ),
}
"""Wheels for Python 3.11 on Linux, x86_64. Only what computing needs: the other requirements are the tools'."""

RELEASES: tuple[Release, ...] = (
    Release("onnxruntime", "1.16", ("onnx",), "onnx_runtime.py", _PINS["onnxruntime-1.16.3"]),
    Release("onnxruntime", "1.20", ("onnx",), "onnx_runtime.py", _PINS["onnxruntime-1.20.1"]),
    Release("onnxruntime", "1.31", ("onnx",), "onnx_runtime.py", _PINS["onnxruntime-1.31.1"]),
    Release("openvino", "2026.4", ("onnx",), "open_vino.py", _PINS["openvino-2026.4.1"]),
    Release("litert", "2.3", ("tflite",), "lite_rt.py", _PINS["ai-edge-litert-2.3.0"]),
)
"""From the oldest to the newest of each name."""


def release_named(name: str) -> Release:
    """The release that ``NAME[@VERSION]`` means; without a version the newest. Raises ParityGateError PG201."""
    word, _, version = name.partition("@")
    known = [release for release in RELEASES if release.name == word.lower()]
    found = [each for each in known if not version or each.version == version or version.startswith(f"{each.version}.")]
    if not found:
        names = ", ".join(release.full_name for release in RELEASES)
        raise ParityGateError("PG201", name, "there is no such runtime", f"Runtimes: {names}.")
    return found[-1]
