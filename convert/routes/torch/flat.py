"""TorchScript whose forward takes and returns only tensors, which the TorchScript exporter can bind by name."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from ....validate.engines.torch.call import Call, inference
from ....validate.engines.torch.capture import reason, unchecked_module, without_validation
from ....validate.engines.torch.outputs import named_outputs, number_as_tensor, output_paths
from ....validate.engines.torch.quiet import quiet
from ....validate.engines.torch.state import Slot, with_state
from ....validate.errors import ParityGateError

if TYPE_CHECKING:
    import warnings

    from ....validate.engines.torch.model import TorchModel

_SIZES = ("Python integer", "Python index", "Iterating over a tensor")
_BRANCHES = ("Python boolean", "Python float", "Python number")
"""Words that identify the tracer's warnings about sizes and about branches."""

_NUMBERS = {"int": "int", "float": "float", "bool": "bool", "number": "float"}


@dataclass(frozen=True, slots=True)
class Flat:
    """A TorchScript module with one tensor per input of the model, in order, and example values for the tensors."""

    module: Any
    examples: tuple[Any, ...]


def from_script(call: Call, module: Any, slots: Sequence[Slot] = ()) -> Flat:
    """Wrap a scripted or scriptable module: numbers become tensors, outputs leave their containers, state becomes
    inputs and outputs.
    """
    args, kwargs = call.example()
    with inference(module), with_state(module, tuple(slots), {}):
        result = module(*args, **kwargs)
        state = [torch.as_tensor(slot.read(module)) for slot in slots]
        holder = type("Holder", (torch.nn.Module,), {})()  # modules of one class share one forward in TorchScript
        holder.inner = module
        wrapped = torch.jit.script(holder)
    try:
        wrapped.define(_forward(_kinds(module), call, slots, result))
    except RuntimeError as error:  # types that the language can't take apart, such as a dictionary of several kinds
        raise ParityGateError("PG405", "torch.jit.script", reason(error)) from error
    return Flat(wrapped.eval(), (*(value for _, value in call.inputs), *state))


def _kinds(module: Any) -> dict[str, str]:
    """Argument -> TorchScript type; empty for a module that isn't scripted yet."""
    if not isinstance(module, torch.jit.ScriptModule):
        return {}
    return {each.name: str(each.type) for each in module.forward.schema.arguments}


def _forward(kinds: Mapping[str, str], call: Call, slots: Sequence[Slot], result: Any) -> str:
    """The wrapper's forward as TorchScript code: ``a0`` ... are the inputs, ``s0`` ... the state."""
    state = [(f"self.inner.{slot.name}", slot.kind, f"s{index}") for index, slot in enumerate(slots)]
    inputs = [f"a{index}" for index, _ in enumerate(call.inputs)]
    parameters = [f"{variable}: Tensor" for variable in (*inputs, *(variable for _, _, variable in state))]
    results = [_as_tensor(f"out{_code(path)}", value) for path, value in output_paths(result)]
    results += [place if kind == "Tensor" else f"torch.tensor({place})" for place, kind, _ in state]
    lines = [
        *(f"{place} = {_converted(kind, variable)}" for place, kind, variable in state),
        f"out = self.inner({_arguments(kinds, call)})",
        f"return {', '.join(results)}",
    ]
    return "\n    ".join([f"def forward(self, {', '.join(parameters)}):", *lines]) + "\n"


def _arguments(kinds: Mapping[str, str], call: Call) -> str:
    """The call's arguments as TorchScript code: containers of inputs and of constants."""
    variables = iter(range(len(call.leaves)))
    codes = [
        _literal(leaf.value) if leaf.name is None else _converted(kinds.get(leaf.name, "Tensor"), f"a{next(variables)}")
        for leaf in call.leaves
    ]
    args, kwargs = call.unflatten(codes)
    return ", ".join([*map(_rendered, args), *(f"{name}={_rendered(value)}" for name, value in kwargs.items())])


def _rendered(value: Any) -> str:
    """A container whose leaves are code, as code."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_rendered(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_rendered, value))}]"
    if isinstance(value, tuple):
        return f"({''.join(f'{_rendered(part)}, ' for part in value)})"
    return str(value)


def _literal(value: Any) -> str:
    return f"float('{value}')" if isinstance(value, float) else repr(value)


def _converted(kind: str, variable: str) -> str:
    return f"{_NUMBERS[kind]}({variable})" if kind in _NUMBERS else variable


def _as_tensor(code: str, value: Any) -> str:
    """A result as a tensor; a Python float has twice the digits of a tensor of PyTorch's default."""
    if hasattr(value, "dtype"):
        return code
    return f"torch.tensor({code}, dtype=torch.float64)" if type(value) is float else f"torch.tensor({code})"


def _code(path: Sequence[Any]) -> str:
    """A pytree path in TorchScript: ``.name`` of a named tuple, ``['key']`` of a dict, ``[0]`` of a tuple."""
    return "".join(
        f".{key.name}" if hasattr(key, "name") else f"[{getattr(key, 'key', getattr(key, 'idx', None))!r}]"
        for key in path
    )


def script(model: TorchModel) -> Flat:
    """Script the user's module. Raises ParityGateError PG405 with the compiler's reason."""
    with quiet(), inference(model.native):
        try:
            return from_script(model.call, model.native)
        except Exception as error:  # TorchScript's compiler raises many kinds
            raise ParityGateError("PG405", "torch.jit.script", reason(error)) from error


class Tensors(torch.nn.Module):  # type: ignore[misc]  # PyTorch is not seen by the type checker
    """A module as a function from tensors to a tuple of tensors."""

    def __init__(self, inner: Any, call: Call) -> None:
        super().__init__()
        self.inner = inner
        self.call = call

    def forward(self, *tensors: Any) -> tuple[Any, ...]:
        """Fill the call with the tensors, and flatten the result."""
        values = dict(zip((name for name, _ in self.call.inputs), tensors, strict=True))
        args, kwargs = self.call.with_values(lambda name, _: values[name]).example()
        return tuple(map(number_as_tensor, named_outputs(self.inner(*args, **kwargs)).values()))


def trace(model: TorchModel) -> Flat:
    """Trace the user's module. Raises ParityGateError PG405 if the trace would fix a branch or a size.

    If a program was captured, no branch depends on data, and sizes matter only if they may vary.
    """
    varies = any(isinstance(dim, str) for spec in model.signature.inputs for dim in spec.shape or ())
    return trace_call(model, model.call, varies)


def trace_call(model: TorchModel, call: Call, varies: bool) -> Flat:
    """Trace the user's module with the given call; ``varies`` says that inputs of other sizes must work, too."""
    program, module = model.captured.program, model.native
    if not isinstance(module, torch.nn.Module):
        if varies:
            raise ParityGateError("PG405", "torch.jit.trace", "a program with dynamic axes can't be traced")
        module = unchecked_module(program)
    words = (_SIZES if varies else ()) if program is not None else (*_SIZES, *_BRANCHES)
    with inference(model.native):
        flat, seen = _trace(module, call)
        refused = _refused(seen, words)
        if refused:
            with _scripted_where(module, {(each.filename, each.lineno) for each in refused}) as some:
                flat, seen = _trace(module, call) if some else (flat, seen)
            refused = _refused(seen, words)
    if refused:
        raise _depends_on_inputs(refused[0], model)
    return flat


def _refused(seen: Sequence[warnings.WarningMessage], words: Sequence[str]) -> list[warnings.WarningMessage]:
    """The tracer's warnings about what it fixed."""
    tracer = [each for each in seen if issubclass(each.category, torch.jit.TracerWarning)]
    return [each for each in tracer if any(word in str(each.message) for word in words)]


@contextmanager
def _scripted_where(module: Any, lines: set[tuple[str, int]]) -> Iterator[bool]:
    """While it lasts, the submodules whose forward holds one of these lines are scripted, where that can be done.

    A trace keeps the branches of a scripted submodule. Yields whether there is any.
    """
    swapped: list[tuple[Any, str, Any]] = []
    try:
        for parent, name, child in [(each, *child) for each in module.modules() for child in each.named_children()]:
            scripted = _scripted(child) if _holds(child, lines) else None
            if scripted is not None:
                swapped.append((parent, name, child))
                parent._modules[name] = scripted
        yield bool(swapped)
    finally:
        for parent, name, child in swapped:
            parent._modules[name] = child


def _holds(module: Any, lines: set[tuple[str, int]]) -> bool:
    try:
        source, first = inspect.getsourcelines(type(module).forward)
        file = inspect.getsourcefile(type(module).forward)
    except (OSError, TypeError):  # code without a source
        return False
    return any(name == file and first <= line < first + len(source) for name, line in lines)


def _scripted(module: Any) -> Any:
    with quiet():
        try:
            return torch.jit.script(module)
        except Exception:  # noqa: BLE001  # TorchScript's compiler raises many kinds; the trace's own error is better
            return None


def _depends_on_inputs(warning: warnings.WarningMessage, model: TorchModel) -> ParityGateError:
    failure = model.captured.failure
    return ParityGateError(
        "PG405", f"{warning.filename}:{warning.lineno}",
        f"this line depends on the inputs, and a trace would fix its result "
        f"({str(warning.message).partition('.')[0].partition(' might')[0]})"
        + (f"; torch.export fails, too: {reason(failure)}" if failure else ""),
        "Use torch.where or torch.cond, keep sizes symbolic, or make the module scriptable (torch.jit.script).",
    )  # fmt: skip


def _trace(module: Any, call: Call) -> tuple[Flat, list[warnings.WarningMessage]]:
    examples = tuple(value for _, value in call.inputs)
    with quiet() as seen, torch.no_grad(), without_validation():
        try:
            traced = torch.jit.trace(Tensors(module, call), examples, check_trace=False)
        except Exception as error:  # tracing runs the module's own code
            raise ParityGateError("PG405", "torch.jit.trace", reason(error)) from error
    return Flat(traced, examples), seen
