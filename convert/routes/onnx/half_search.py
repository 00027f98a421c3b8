"""Mixed precision in ONNX: which operators must stay in float32. ``coreml/mixed.py`` is the twin for Core ML."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ....validate.engines.choice import handle_for
from ....validate.engines.onnxruntime import OnnxModel, load
from ....validate.engines.registry import ONNX
from ....validate.events import ignore
from ....validate.noise.headroom import peaks_of, showing_peaks
from ....validate.options import LoadOptions
from ....validate.samples import SampleKind, load_outputs, load_samples
from ....validate.tasks.calls import RunCandidate
from ....validate.tasks.candidate import AdaptedSamples, adapt_samples
from ....validate.tasks.half import round_results
from ....validate.workers.job_folder import JobFolder
from ..half_precision import Operator, excess_in_half, greatest, kept_in_float32
from .half_graph import HALF, halved, write_half

if TYPE_CHECKING:
    from ....validate.signature import Array, Signature
    from ....validate.tasks.types import Bindings
    from ..base import Candidate


def operators_in_float32(candidate: Candidate, signature: Signature, evidence: JobFolder) -> dict[str, Operator]:
    """The operators of a float32 candidate that must stay so, by their first results, so that all outputs pass.

    ``signature`` is the source's, ``evidence`` the job with the samples and the source's outputs.
    """
    with tempfile.TemporaryDirectory() as folder:
        trials = _Trials(candidate.path, candidate.bindings, signature, JobFolder(Path(folder)))
        for file in (evidence.samples, evidence.expected):
            shutil.copy(file, folder)
        return kept_in_float32(trials.operators(), trials.peaks(), trials.excess_with, trials.errors)


@dataclass(frozen=True, slots=True)
class _Trials:
    """Writes, runs and measures; ``job`` holds the samples, the expected outputs, and the latest model in float16."""

    exact: Path
    bindings: Bindings
    signature: Signature
    job: JobFolder

    @property
    def half(self) -> Path:
        """The latest model with operators in float16."""
        return self.job.path / "half.onnx"

    def operators(self) -> dict[str, Operator]:
        """Those that can compute in float16, in the order in which they run."""
        model, names = halved(onnx.load(str(self.exact)))
        weights = {tensor.name: tensor for tensor in onnx.load(str(self.exact)).graph.initializer}
        chosen = set(names)
        nodes = (node for node in model.graph.node if node.output[0].removesuffix(HALF) in chosen)
        return {node.output[0].removesuffix(HALF): _operator(node, weights) for node in nodes if node.op_type != "Cast"}

    def peaks(self) -> dict[str, float]:
        """The greatest magnitude of every value of the float32 model, inputs included."""
        model = load(self.exact, LoadOptions())
        adapted = self._adapted(model)
        inputs: dict[str, float] = {}
        for feed in adapted.feeds:
            for name, array in feed.items():
                if array.dtype.kind == "f":
                    inputs[name] = max(inputs.get(name, 0.0), greatest(array))
        return inputs | peaks_of(adapted.watched(model.variant(showing_peaks, optimise=False)))

    def excess_with(self, kept: Collection[str]) -> float:
        """How many times what float16's tolerance allows the outputs are off with ``kept`` in float32."""
        write_half(self.exact, self.half, kept)
        handle = replace(handle_for(self.half, LoadOptions()), rounds_half=True)
        RunCandidate(self.job, handle, self.bindings).run(ignore)
        expected, actual = load_outputs(self.job.expected), load_outputs(self.job.actual)
        return excess_in_half(self.signature.outputs, expected, actual, self.bindings.outputs)

    def errors(self) -> dict[str, float]:
        """The greatest error of each value that the latest model holds in float16, as a fraction of its peak."""
        half, full = load(self.half, LoadOptions()).rebuilt(round_results), load(self.exact, LoadOptions())
        computed = {name for node in onnx.load(str(self.half)).graph.node for name in node.output}
        names = [name.removesuffix(HALF) for name in computed if name.endswith(HALF)]
        known = {spec.name for spec in full.signature.inputs}
        shown = [name for name in names if name not in known]
        return _relative_errors(self._adapted(full), _showing(half, [n + HALF for n in shown]), _showing(full, shown))

    def _adapted(self, model: OnnxModel) -> AdaptedSamples:
        """All samples but those with NaN and infinity, which are outside of any type's range."""
        samples, expected = load_samples(self.job.samples).items, load_outputs(self.job.expected)
        adapted = adapt_samples(model, ONNX, self.bindings, [sample.feed for sample in samples], expected)
        return adapted.only([n for n, sample in enumerate(samples) if sample.kind is not SampleKind.SPECIAL])


def _operator(node: onnx.NodeProto, weights: dict[str, onnx.TensorProto]) -> Operator:
    names = [name.removesuffix(HALF) for name in node.input if name]
    arrays = [numpy_helper.to_array(weights[name]) for name in names if name in weights]
    constants = tuple(greatest(array) for array in arrays if array.dtype.kind == "f")
    operands = tuple(name for name in names if name not in weights)
    return Operator(node.output[0].removesuffix(HALF), node.op_type, operands, constants)


def _showing(model: OnnxModel, names: Collection[str]) -> OnnxModel:
    """The model with these values as further outputs."""
    dtype = TensorProto.FLOAT16 if any(name.endswith(HALF) for name in names) else TensorProto.FLOAT

    def rewrite(graph: onnx.ModelProto) -> onnx.ModelProto:
        there = {output.name for output in graph.graph.output}
        graph.graph.output.extend(
            helper.make_tensor_value_info(name, dtype, None) for name in names if name not in there
        )
        return graph

    return model.variant(rewrite, optimise=False)


def _relative_errors(adapted: AdaptedSamples, half: OnnxModel, full: OnnxModel) -> dict[str, float]:
    worst: dict[str, float] = {}
    for got, want in zip(adapted.watched(half), adapted.watched(full), strict=True):
        for name, array in got.items():
            exact = want.get(name.removesuffix(HALF))
            if name.endswith(HALF) and exact is not None:
                error = _relative_error(array, exact)
                worst[name.removesuffix(HALF)] = max(worst.get(name.removesuffix(HALF), 0.0), error)
    return worst


def _relative_error(actual: Array, expected: Array) -> float:
    finite = np.isfinite(expected)
    off = np.abs(actual.astype(np.float64) - expected)[finite]
    if not np.isfinite(off).all():
        return float("inf")
    return float(off.max(initial=0)) / (greatest(expected) or 1.0)
