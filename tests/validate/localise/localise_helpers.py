"""What several tests of the localiser share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from fixtures.onnx_classifier import classifier, nudge, weight
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.onnxruntime import load
from paritygate.validate.localise.instrumented import InstrumentedRun
from paritygate.validate.localise.layers import Layer
from paritygate.validate.localise.locate import Located, locate
from paritygate.validate.localise.trace.layers import trace

Change = Callable[[onnx.ModelProto], None]
SECONDS = 60.0
FEEDS = [{"image": np.random.default_rng(seed).normal(size=(2, 3, 8, 6)).astype(np.float32)} for seed in range(2)]


def changed(*changes: Change) -> onnx.ModelProto:
    model = classifier()
    for change in changes:
        change(model)
    return model


def nudged(name: str) -> Change:
    return lambda model: weight(model, name, nudge)


def opened(model: onnx.ModelProto, path: Path) -> Any:
    onnx.save(model, path)
    return load(path, LoadOptions())


def find(reference: Any, candidate: Any, feeds: list[dict[str, Any]]) -> Located | None:
    """Locate the divergence without workers: the tensors of an ONNX reference are its layers."""
    ran = [trace("onnx", reference, feed) for feed in feeds]
    columns = zip(*(layers for _, layers in ran), strict=True)
    layers = [Layer(c[0].name, c[0].kind, c[0].scopes, tuple(each.value for each in c)) for c in columns]
    outputs = [Layer(name, "output", (name,), tuple(run[name] for run, _ in ran)) for name in ran[0][0]]
    return locate([InstrumentedRun(candidate, feed) for feed in feeds], layers, outputs, SECONDS)


def run_repro(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(folder / "repro.py")], capture_output=True, text=True, check=False)
