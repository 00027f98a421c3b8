"""A PyTorch source and its ONNX candidate, compared on the same feeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fixtures.torch_modules import F32
from paritygate.convert.routes.base import Candidate, RouteOptions
from paritygate.convert.routes.torch import to_onnx, torchscript_to_onnx
from paritygate.validate.engines import onnxruntime
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.torch import torchscript
from paritygate.validate.samples import generate_samples


class Converted:
    """A source and its candidate, loaded from the file that the route wrote."""

    def __init__(self, model, path: Path, opset: int | None = None):
        self.model = model
        route = torchscript_to_onnx if isinstance(model, torchscript.ScriptModel) else to_onnx
        self.candidate: Candidate = route.convert(model, path, RouteOptions(opset))
        self.engine = onnxruntime.load(path, LoadOptions())

    def agrees_on(self, feed, **tolerance) -> dict[str, np.ndarray]:
        expected = self.model.run(feed)
        inputs = {name: feed[source] for name, source in self.candidate.inputs.items()}
        actual = self.engine.run(inputs)
        assert set(self.candidate.outputs) == set(actual)
        for name, source in self.candidate.outputs.items():
            assert actual[name].dtype == expected[source].dtype
            np.testing.assert_allclose(actual[name], expected[source], **(tolerance or F32))
        return expected

    def agrees_on_generated(self) -> None:
        for feed in generate_samples(self.model.signature, self.model.hints()).feeds:
            largest = max((np.abs(each).max() for each in feed.values() if each.dtype.kind == "f"), default=1)
            self.agrees_on(feed, rtol=1e-4, atol=1e-5 * max(1, largest))

    def dims(self) -> dict[str, tuple]:
        return {spec.name: spec.shape for spec in self.engine.signature.inputs}
