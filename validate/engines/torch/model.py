"""The loaded model of every PyTorch source: a call, what runs it, and what is known about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ParityGateError
from ...signature import Hint, Signature
from ..base import Facts, Layer, LoadOptions, Profile, grouped
from .axes import program_signature, requested_axes
from .call import Call, inference
from .capture import Capture, capture
from .hints import program_hints
from .outputs import named_outputs, output_array, with_tensors_only
from .probe import probe_signature
from .tensors import state_arrays

if TYPE_CHECKING:
    from ...signature import Array, Feed


@dataclass(frozen=True, slots=True)
class Trial:
    """A call that the module accepts, and its outputs."""

    call: Call
    outputs: dict[str, Any]


def try_call(module: Any, call: Call) -> Trial:
    """Run the call's example. Raises whatever the module raises."""
    args, kwargs = call.example()
    with inference(module):
        return Trial(call, named_outputs(module(*args, **kwargs)))


class TorchModel:
    """A PyTorch model behind :class:`.base.Model`.

    ``native`` is the user's untouched module or program; ``call`` holds example arguments for the routes,
    ``captured`` the program exported from it. Runs are in evaluation mode without gradients.
    """

    def __init__(
        self,
        native: Any,
        call: Call,
        signature: Signature,
        facts: Facts,
        *,
        hints: tuple[Hint, ...] = (),
        notes: tuple[str, ...] = (),
        captured: Capture | None = None,
        function: Callable[..., Any] | None = None,
    ) -> None:
        self.native = native
        self.call = call
        self.signature = signature
        self.notes = notes
        self.captured = captured or Capture()
        self._facts = facts
        self._hints = hints
        self._function = function or native

    def run(self, feed: Feed) -> dict[str, Array]:
        """Call forward with one feed."""
        args, kwargs = self.call.fill(feed)
        with inference(self._function):
            result = named_outputs(self._function(*args, **kwargs))
        return {spec.name: output_array(spec.name, result[spec.name]) for spec in self.signature.outputs}

    def weights(self) -> dict[str, Array]:
        """Floating parameters and buffers by their names in the state dict; bfloat16 as float32."""
        return state_arrays(self.native)

    def hints(self) -> tuple[Hint, ...]:
        """Bounds of inputs that index an embedding."""
        return self._hints

    def facts(self) -> Facts:
        """Layers by class, or operators by name; parameters."""
        return self._facts

    def profile(self) -> Profile:
        """Parameters and buffers by dtype, and the modules that hold no others."""
        state = self.native.state_dict  # a method of modules, a property of exported programs
        tensors = (state() if callable(state) else state).values()
        weights = ((str(each.dtype).removeprefix("torch."), each.numel()) for each in tensors if hasattr(each, "numel"))
        return Profile(grouped(weights), layers=tuple(_layers(self.native)))


def _layers(module: Any) -> Iterator[Layer]:
    for name, each in module.named_modules() if hasattr(module, "named_modules") else ():
        if name and not list(each.children()):
            kind = getattr(each, "original_name", type(each).__name__)
            yield Layer(name, kind, sum(parameter.numel() for parameter in each.parameters()))


def open_module(
    subject: str, module: Any, trial: Trial, options: LoadOptions, facts: Facts, notes: tuple[str, ...] = ()
) -> TorchModel:
    """The model of a module and a call that it accepts; its signature is that of the program exported from it."""
    call, outputs = trial.call, trial.outputs
    axes = requested_axes(subject, call, options.inputs, options.axes)
    numbers = any(not hasattr(value, "dtype") for value in outputs.values())
    captured = capture(with_tensors_only(module) if numbers else module, call, axes)
    names = [name for name, _ in call.inputs]
    if captured.program is not None:
        inputs, results, _ = program_signature(captured.program, outputs, names, axes)
        signature, hints = Signature(inputs, results), program_hints(captured.program, call)
    else:
        hints = ()
        signature = probe_signature(subject, call, outputs, axes, lambda longer: try_call(module, longer).outputs)
    return TorchModel(module, call, signature, facts, hints=hints, notes=notes + captured.notes, captured=captured)


def producer() -> str:
    """PyTorch and its version."""
    import torch

    return f"PyTorch {torch.__version__}"


def file_size(source: Any) -> int | None:
    """Bytes on disk, None for a live object."""
    return source.stat().st_size if isinstance(source, Path) else None


def module_facts(title: str, module: Any, size: int | None) -> Facts:
    """Leaf modules by class, and the number of parameters. ``size`` is in bytes."""
    from collections import Counter

    layers = Counter(
        getattr(each, "original_name", type(each).__name__) for each in module.modules() if not list(each.children())
    )
    return Facts(
        format=title,
        producer=producer(),
        operators=dict(layers),
        parameters=sum(each.numel() for each in module.parameters()),
        size=size,
    )


def mode_notes(module: Any) -> tuple[str, ...]:
    """A note for a module that the user left in training mode."""
    if not any(each.training for each in module.modules()):
        return ()
    return ("the module was in training mode; it is run and converted in evaluation mode, as by module.eval()",)


def as_error(subject: str, code: str, error: Exception, remedy: str = "") -> ParityGateError:
    """PyTorch's exception as the error ``code``."""
    return ParityGateError(code, subject, f"{type(error).__name__}: {str(error).strip()}", remedy)
