"""From a module to an exported program; which axes stay dynamic is known only after the export."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .axes import Axes, input_shapes, is_fixed
from .call import Call, inference
from .quiet import quiet


@dataclass(frozen=True, slots=True)
class Capture:
    """An exported program, or the exception that prevented it; ``notes`` name axes that could not stay dynamic."""

    program: Any = None
    failure: Exception | None = None
    notes: tuple[str, ...] = ()


def capture(module: Any, call: Call, axes: Axes) -> Capture:
    """Export with dynamic axes; if that fails, with fixed ones, unless the user requested an axis."""
    wide = _with_longer_axes(module, call, axes)
    try:
        program = _export(module, wide, axes)
        fixed = _fixed_axes(program, call, axes)
        if fixed and wide is not call:
            program = _export(module, call, {place: axis for place, axis in axes.items() if place not in fixed})
        return Capture(program, notes=tuple(_fixed_axis_notes(program, call, fixed)))
    except Exception as error:  # noqa: BLE001  # torch.export raises whatever the module's code raises under tracing
        if not axes or any(axis.requested for axis in axes.values()) or _depends_on_data(error):
            return Capture(failure=error)
        return _capture_fixed(module, call, error)


def _capture_fixed(module: Any, call: Call, error: Exception) -> Capture:
    try:
        program = _export(module, call, {})
    except Exception:  # noqa: BLE001  # the first failure is the one about the user's module
        return Capture(failure=error)
    return Capture(program, notes=(f"the batch size is fixed: torch.export fails with a dynamic one: {reason(error)}",))


def _fixed_axes(program: Any, call: Call, axes: Axes) -> list[tuple[str, int]]:
    """The axes that the module's code fixed, for example by ``int(x.shape[0])``; torch.export doesn't report them."""
    shapes = dict(zip((name for name, _ in call.inputs), input_shapes(program), strict=True))
    return [(name, axis) for name, axis in axes if is_fixed(shapes[name][axis])]


def _fixed_axis_notes(program: Any, call: Call, fixed: list[tuple[str, int]]) -> Iterator[str]:
    shapes = dict(zip((name for name, _ in call.inputs), input_shapes(program), strict=True))
    for name, axis in fixed:
        yield f"axis {axis} of '{name}' can't be dynamic: the module's code fixes it at {shapes[name][axis]}"


def _export(module: Any, call: Call, axes: Axes) -> Any:
    import torch

    shapes = torch.export.ShapesCollection()
    for name, value in call.inputs:
        hints = {axis: _hint(each.requested) for (owner, axis), each in axes.items() if owner == name}
        if hints:
            shapes[value] = hints
    args, kwargs = call.example()
    with inference(module), quiet(), without_validation():
        return torch.export.export(
            module, args, kwargs, dynamic_shapes=shapes.dynamic_shapes(module, args, kwargs), strict=False
        )


@contextmanager
def without_validation() -> Iterator[None]:
    """Distributions don't check their arguments: these checks depend on data, and can do nothing but raise."""
    import torch

    kind = torch.distributions.Distribution
    before = kind._validate_args
    kind.set_default_validate_args(False)
    try:
        yield
    finally:
        kind.set_default_validate_args(before)


def _hint(requested: bool) -> Any:
    """AUTO lets the module fix an axis silently, DYNAMIC makes that an error."""
    from torch.export import Dim

    return Dim.DYNAMIC if requested else Dim.AUTO


def _with_longer_axes(module: Any, call: Call, axes: Axes) -> Call:
    """The call with dynamic axes of length 1 doubled: torch.export treats lengths 0 and 1 as constants.

    The call itself if the module doesn't accept the longer axes.
    """

    def widen(name: str, value: Any) -> Any:
        for (owner, axis), _ in axes.items():
            if owner == name and value.shape[axis] == 1:
                value = value.repeat_interleave(2, dim=axis)
        return value

    wide = call.with_values(widen)
    if all(old is new for (_, old), (_, new) in zip(call.inputs, wide.inputs, strict=True)):
        return call
    return wide if runs(module, wide) else call


def runs(module: Any, call: Call) -> bool:
    """Whether the module accepts the call's example values."""
    args, kwargs = call.example()
    try:
        with inference(module):
            module(*args, **kwargs)
    except Exception:  # noqa: BLE001  # the module's own code may raise anything
        return False
    return True


def _depends_on_data(error: Exception) -> bool:
    return type(error).__name__ == "GuardOnDataDependentSymNode"


def reason(error: BaseException, limit: int = 300) -> str:
    """The useful part of a message of PyTorch's compilers, on one line: no advice on their options, no listings."""
    fixed = _FIXED.findall(str(error))
    if fixed:
        axes = (f"axis {axis} of '{name}' at {size}" for name, axis, size in dict.fromkeys(fixed))
        return f"the module's code fixes {', '.join(axes)}"
    lines = [line.strip() for line in str(error).splitlines()]
    useful = [line for line in lines if line and not line.startswith(_NOISE)]
    text = " ".join(useful) or type(error).__name__
    return text if len(text) <= limit else f"{text[:limit]}..."


def unchecked_module(program: Any) -> Any:
    """The program as a module that doesn't check the shapes of its inputs."""
    module = program.module(check_guards=False)
    module._forward_pre_hooks.clear()  # they check shapes, which the tracer can't follow
    return module


_FIXED = re.compile(
    r"marked L\['(\w+)'\].*?\.size\(\)\[(\d+)\] as dynamic but your code specialized it to be a constant \((\d+)\)"
)
_NOISE = (
    "For more information", "For extended logs", "If you suspect the guard", "For more debugging help",
    "For C++ stack trace", "The error above occurred", "consider using data-dependent", "Caused by:",
)  # fmt: skip
