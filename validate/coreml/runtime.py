"""Runs a lowered model in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engines.base import More, Rewrite, nothing, unchanged
from ..engines.onnx_weights import constants_of
from ..engines.telemetry import silent_onnxruntime
from ..errors import ParityGateError
from . import features
from .fitting import Fitting
from .lower import NEXT_STATE, Lowered
from .rules import located_failure

if TYPE_CHECKING:
    import onnx
    import onnxruntime

    from ..signature import Array
    from .files.weights import Blobs
    from .values import Shape


_MAX_OTHERS = 4


class Session:
    """One ONNX Runtime session of a lowered model, for any number of predictions.

    ``fitting`` lowers the model for other input shapes. Raises PG405 when ONNX Runtime rejects the graph.
    """

    def __init__(
        self,
        lowered: Lowered,
        fitting: Fitting | None = None,
        rewrite: Rewrite = unchanged,
        *,
        optimise: bool = True,
        more: More = nothing,
    ) -> None:
        self.inputs = lowered.inputs
        self.outputs = lowered.outputs
        self.states = lowered.states
        self._lowered = lowered
        self._rewrite, self._optimise, self._more = rewrite, optimise, more
        self._session, self._weights = _open(lowered, rewrite, optimise=optimise)
        self._fitting = fitting
        self._others: dict[tuple[tuple[str, Shape], ...], Session] = {}

    def variant(self, rewrite: Rewrite, *, optimise: bool, more: More = nothing) -> Session:
        """The same model with its graph rewritten. Raises PG405 when ONNX Runtime rejects the result."""
        return Session(self._lowered, self._fitting, rewrite, optimise=optimise, more=more)

    def weights(self) -> dict[str, Array]:
        """The constants of the lowered graph."""
        model, weights = self._lowered.graph.build()
        small = [tensor for tensor in model.graph.initializer if tensor.name not in weights]
        del model.graph.initializer[:]
        model.graph.initializer.extend(small)
        return {**constants_of(model), **weights}

    def predict(self, inputs: Mapping[str, Any], state: MutableMapping[str, Array] | None = None) -> dict[str, Any]:
        """As in Core ML: inputs and results are arrays, PIL images, numbers, strings or dictionaries.

        ``state`` holds the state tensors by name and is changed in place; without one they start as zeros.
        Raises PG204 for inputs of the wrong shape or type, PG406 when ONNX Runtime fails.
        """
        session = self._suited(inputs)
        results = session.run(inputs, state)
        return {f.name: features.decode(f, results) for f in session.outputs}

    def run(self, inputs: Mapping[str, Any], state: MutableMapping[str, Array] | None = None) -> dict[str, Array]:
        """The same with plain tensors as results; a dictionary is ``name/keys`` and ``name/values``."""
        session = self._suited(inputs)
        if session is not self:
            return session.run(inputs, state)
        feeds: dict[str, Array] = {}
        for f in self.inputs:
            feeds |= features.encode(f, inputs[f.name]) if f.name in inputs else features.absent(f)
        states = state if state is not None else self.fresh_state()
        feeds |= {f.name: np.asarray(states[f.name], f.dtype) for f in self.states}
        results = self._call({**feeds, **self._more()})
        for f in self.states:
            states[f.name][...] = results.pop(f.name + NEXT_STATE)
        return results

    def _suited(self, inputs: Mapping[str, Any]) -> Session:
        """This session, or another one for the shapes of ``inputs``."""
        if self._fitting is None:
            return self
        shapes = self._fitting.wanted(self.inputs, inputs)
        if self._fitting.serves(shapes):
            return self
        key = tuple(sorted(shapes.items()))
        if key not in self._others:
            lowered = self._fitting.lower(shapes)
            self._others.pop(next(iter(self._others)) if len(self._others) == _MAX_OTHERS else key, None)
            self._others[key] = Session(lowered, None, self._rewrite, optimise=self._optimise, more=self._more)
        return self._others[key]

    def fresh_state(self) -> dict[str, Array]:
        """The initial state tensors: zeros."""
        return {f.name: np.zeros([d or 1 for d in f.shape or ()], f.dtype) for f in self.states}

    def _call(self, feeds: dict[str, Array]) -> dict[str, Array]:
        names = [o.name for o in self._session.get_outputs()]
        known = {i.name for i in self._session.get_inputs()}
        try:
            results = self._session.run(names, {k: v for k, v in feeds.items() if k in known})
        except Exception as e:  # ONNX Runtime's exceptions share no base class
            raise _failed(str(e)) from e
        return dict(zip(names, results, strict=True))


def _failed(message: str) -> ParityGateError:
    """The error of a run, which names the layer or operator at fault if ONNX Runtime's message does."""
    subject, cause = located_failure(message) or ("the Core ML model", f"ONNX Runtime failed: {message}")
    return ParityGateError("PG406", subject, cause)


_LARGE = 256 << 20  # bytes of weights above which memory is saved at the cost of some speed
_SMALL = 1 << 20  # bytes of one weight below which a second copy is acceptable


def _open(lowered: Lowered, rewrite: Rewrite, *, optimise: bool) -> tuple[onnxruntime.InferenceSession, list[Any]]:
    """The session, and the weights that it reads without owning them.

    Weights in the model's own weight file are mapped from there by ONNX Runtime, so they are in memory at most once,
    and only when they are used.
    """
    ort = silent_onnxruntime()
    model, weights = lowered.graph.build()
    options = ort.SessionOptions()
    options.log_severity_level = 4  # every error is raised as an exception anyway
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(lowered.blobs.folder))
    if sum(w.nbytes for w in weights.values()) > _LARGE:
        _save_memory(options)
        if any(w.dtype != np.float32 for w in weights.values() if w.nbytes > _SMALL):
            _widen_late(options)
    if not optimise:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    rest = _refer_to_files(model, weights, lowered.blobs)
    held = {name: ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(w)) for name, w in rest.items()}
    options.add_external_initializers(list(held), list(held.values()))
    rewritten = rewrite(model)  # may raise findings of its own
    try:
        session = ort.InferenceSession(rewritten.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as e:  # ONNX Runtime's exceptions share no base class
        raise ParityGateError("PG405", "the lowered Core ML model", f"ONNX Runtime rejects it: {e}") from e
    return session, [held, rest]


def _refer_to_files(model: onnx.ModelProto, weights: Mapping[str, Array], blobs: Blobs) -> dict[str, Array]:
    """Point initializers to the weight file if they are parts of it; returns the others."""
    rest = dict(weights)
    for tensor in model.graph.initializer:
        position = blobs.locate(weights[tensor.name]) if tensor.name in weights else None
        if position:
            size = rest.pop(tensor.name).nbytes
            tensor.ClearField("external_data")
            for key, value in {"location": position[0], "offset": position[1], "length": size}.items():
                tensor.external_data.add(key=key, value=str(value))
    return rest


def _save_memory(options: onnxruntime.SessionOptions) -> None:
    """No second copies of weights: neither prepacked for the kernels, nor cast ahead of time."""
    options.add_session_config_entry("session.disable_prepacking", "1")
    options.add_session_config_entry("optimization.constant_folding_max_output_size_in_bytes", str(_SMALL))
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False


def _widen_late(options: onnxruntime.SessionOptions) -> None:
    """Weights are cast or unpacked just before they are used, one after the other in the same memory.

    Nodes run in the order of their creation; a fused node would run late, after all casts. The arena reuses the memory
    of one cast for the next: fresh pages cost more than the cast.
    """
    ort = silent_onnxruntime()
    options.execution_order = ort.ExecutionOrder.PRIORITY_BASED
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.enable_cpu_mem_arena = True
