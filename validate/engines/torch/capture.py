"""From a module to an exported program: which axes stay dynamic is known only after that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .axes import Axes, input_shapes, is_fixed
from .call import Call, inference
from .quiet import quiet


@dataclass(frozen=True, slots=True)
class Capture:
    """An exported program, or the exception that kept PyTorch from making one; ``notes`` say what was given up."""

    program: Any = None
    failure: Exception | None = None
    notes: tuple[str, ...] = ()


def capture(module: Any, call: Call, axes: Axes) -> Capture:
    """Export with dynamic axes; where the module can't have those, with fixed ones unless the user asked for them."""
    wide = _widened(module, call, axes)
    try:
        program = _export(module, wide, axes)
        fixed = _fixed_axes(program, call, axes)
        if fixed and wide is not call:
            program = _export(module, call, {place: axis for place, axis in axes.items() if place not in fixed})
        return Capture(program, notes=tuple(_say_fixed(program, call, fixed)))
    except Exception as error:  # noqa: BLE001  # torch.export raises whatever the module's code raises under tracing
        if not axes or any(axis.asked for axis in axes.values()) or _depends_on_data(error):
            return Capture(failure=error)
        return _capture_fixed(module, call, error)


def _capture_fixed(module: Any, call: Call, error: Exception) -> Capture:
    try:
        program = _export(module, call, {})
    except Exception:  # noqa: BLE001  # the first failure is the one that speaks of the module
        return Capture(failure=error)
    return Capture(program, notes=(f"the batch size is fixed: with a dynamic one torch.export says: {reason(error)}",))


def _fixed_axes(program: Any, call: Call, axes: Axes) -> list[tuple[str, int]]:
    """The axes that the module's code has fixed, such as by ``int(x.shape[0])``; torch.export doesn't say."""
    shapes = dict(zip((name for name, _ in call.inputs), input_shapes(program), strict=True))
    return [(name, axis) for name, axis in axes if is_fixed(shapes[name][axis])]


def _say_fixed(program: Any, call: Call, fixed: list[tuple[str, int]]) -> Iterator[str]:
    shapes = dict(zip((name for name, _ in call.inputs), input_shapes(program), strict=True))
    for name, axis in fixed:
        yield f"axis {axis} of '{name}' can't be dynamic: the module's code fixes it at {shapes[name][axis]}"


def _export(module: Any, call: Call, axes: Axes) -> Any:
    import torch

    shapes = torch.export.ShapesCollection()
    for name, value in call.inputs:
        hints = {axis: _hint(each.asked) for (owner, axis), each in axes.items() if owner == name}
        if hints:
            shapes[value] = hints
    args, kwargs = call.example()
    with inference(module), quiet():
        return torch.export.export(
            module, args, kwargs, dynamic_shapes=shapes.dynamic_shapes(module, args, kwargs), strict=False
        )


def _hint(asked: bool) -> Any:
    """AUTO lets the module fix an axis silently, DYNAMIC makes that an error."""
    from torch.export import Dim

    return Dim.DYNAMIC if asked else Dim.AUTO


def _widened(module: Any, call: Call, axes: Axes) -> Call:
    """The call with dynamic axes of length 1 doubled: torch.export takes a 1 (or 0) for a constant.

    The call itself where the module refuses that.
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
    """Whether the module takes the call's example values."""
    args, kwargs = call.example()
    try:
        with inference(module):
            module(*args, **kwargs)
    except Exception:  # noqa: BLE001  # whatever the module raises means no
        return False
    return True


def _depends_on_data(error: Exception) -> bool:
    return type(error).__name__ == "GuardOnDataDependentSymNode"


def reason(error: BaseException, limit: int = 300) -> str:
    """The useful part of what PyTorch's compilers say: no advice on their own options, no listings, one line."""
    fixed = _FIXED.findall(str(error))
    if fixed:
        axes = (f"axis {axis} of '{name}' at {size}" for name, axis, size in dict.fromkeys(fixed))
        return f"the module's code fixes {', '.join(axes)}"
    lines = [line.strip() for line in str(error).splitlines()]
    useful = [line for line in lines if line and not line.startswith(_NOISE)]
    text = " ".join(useful) or type(error).__name__
    return text if len(text) <= limit else f"{text[:limit]}..."


_FIXED = re.compile(
    r"marked L\['(\w+)'\].*?\.size\(\)\[(\d+)\] as dynamic but your code specialized it to be a constant \((\d+)\)"
)
_NOISE = (
    "For more information", "For extended logs", "If you suspect the guard", "For more debugging help",
    "For C++ stack trace", "The error above occurred", "consider using data-dependent", "Caused by:",
)  # fmt: skip
