"""TorchScript: files written by ``torch.jit.save`` and live ``ScriptModule`` objects, scripted or traced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ParityGateError
from ...signature import Hint, Signature
from ..base import Facts, LoadOptions
from .arguments import nested, plain_form
from .axes import requested_axes
from .binding import as_values, bind_unnamed, declared_only
from .call import Call, inference, make_call
from .files.container import Container
from .files.devices import moved_note, on_cpu
from .graph_operators import check_script_file
from .guess import examples
from .hints import script_hints
from .model import TorchModel, as_error, file_size, mode_notes, module_facts
from .outputs import named_outputs, output_array
from .probe import probe_signature
from .script_types import script_form
from .state import NEXT, Slot, find_slots, forward_graph, with_state
from .tensors import to_tensor

if TYPE_CHECKING:
    from ...signature import Array, Feed

_TENSORS = ("Tensor", "Optional[Tensor]")
_NUMBERS = ("int", "float", "bool", "number")


class ScriptModel(TorchModel):
    """A TorchScript module as a function of its inputs and of the state in its attributes (``slots``)."""

    def __init__(
        self, module: Any, call: Call, slots: tuple[Slot, ...], signature: Signature, facts: Facts,
        *, hints: tuple[Hint, ...], notes: tuple[str, ...],
    ) -> None:  # fmt: skip
        super().__init__(module, call, signature, facts, hints=hints, notes=notes)
        self.slots = slots

    def run(self, feed: Feed) -> dict[str, Array]:
        """Call forward with the inputs and the state in the feed."""
        state = {slot.name: to_tensor(feed[slot.name]) for slot in self.slots}
        args, kwargs = self.call.fill(feed)
        outputs = _run(self.native, self.slots, state, args, kwargs)
        return {spec.name: output_array(spec.name, outputs[spec.name]) for spec in self.signature.outputs}


def load(source: Path | Any, options: LoadOptions) -> ScriptModel:
    """Open a TorchScript file or take a live module; shapes come from ``options.inputs`` or ``options.example``.

    Raises ParityGateError PG402 for a file that PyTorch can't read, PG206 when the inputs aren't known, PG404 for
    arguments that are neither tensors nor numbers, PG406 when the module doesn't accept its inputs, PG501 for code
    that touches files or processes.
    """
    module, subject, notes = (
        _read(source, options.trust) if isinstance(source, Path) else (source, type(source).__name__, ())
    )
    slots = find_slots(subject, module)
    constants = compared_numbers(module)
    call = _find_call(subject, module, slots, options, constants)
    hints = script_hints(module) + _number_hints(module, slots, call, constants)
    return _describe(subject, module, slots, call, options, hints, source, notes)


def _read(path: Path, trust: bool) -> tuple[Any, str, tuple[str, ...]]:
    """The module, what to call it, and notes. It runs on the CPU, wherever it was saved."""
    import torch

    with path.open("rb") as file:
        container = Container(path, file)  # refuses files in which PyTorch may find other members than are listed
        if not trust:
            check_script_file(path)
        moved, devices = on_cpu(container) or (file, ())
        moved.seek(0)
        try:
            return torch.jit.load(moved, map_location="cpu"), str(path), moved_note(devices)
        except Exception as error:  # a damaged file gives errors of the reader, the parser and the interpreter
            raise as_error(str(path), "PG402", error, "Save it again with torch.jit.save.") from error


def _describe(
    subject: str,
    module: Any,
    slots: tuple[Slot, ...],
    call: Call,
    options: LoadOptions,
    hints: tuple[Hint, ...],
    source: Any,
    more: tuple[str, ...],
) -> ScriptModel:
    """Probe the module with its example and with longer ones."""

    def run(given: Call) -> dict[str, Any]:
        return _run(module, slots, {}, *given.example())

    values = run(call)
    axes = requested_axes(subject, call, options.inputs, options.axes)
    probed = probe_signature(subject, call, values, axes, run)
    outputs = {spec.name: spec for spec in probed.outputs}
    state = tuple(replace(outputs[slot.name + NEXT], name=slot.name) for slot in slots)
    notes = (*more, *mode_notes(module))
    if slots:
        names = ", ".join(slot.name for slot in slots)
        notes += (f"the module keeps state between calls; it becomes inputs ({names}) and outputs (...{NEXT})",)
    if axes and not any(isinstance(dim, str) for spec in probed.inputs for dim in spec.shape or ()):
        notes += ("the batch size is fixed: the module doesn't accept a longer leading axis in all inputs",)
    return ScriptModel(
        module, call, slots, Signature(probed.inputs + state, probed.outputs),
        module_facts("TorchScript", module, file_size(source)),
        hints=hints + tuple(_state_hints(module, slots, values)), notes=notes,
    )  # fmt: skip


def _run(
    module: Any, slots: tuple[Slot, ...], state: Mapping[str, Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Outputs and next states by name. The module's own state is used for every slot missing from ``state``."""
    with inference(module), with_state(module, slots, state):
        outputs = named_outputs(module(*args, **kwargs))
        return outputs | {slot.name + NEXT: slot.read(module) for slot in slots}


def _find_call(
    subject: str, module: Any, slots: tuple[Slot, ...], options: LoadOptions, constants: Sequence[int]
) -> Call:
    """The user's example, or the first guess for the declared inputs that the module accepts."""
    states = {slot.name for slot in slots}
    specs = tuple(spec for spec in options.inputs if spec.name not in states)
    feeds = (
        [declared_only(options.example, options)]
        if options.example is not None
        else [{**feed, **options.constants} for feed in (examples(specs, (0, 1, *constants)) if specs else ())]
    )
    if not feeds:
        raise _inputs_not_known(subject, module, "TorchScript doesn't state the shapes of its inputs")
    failure: Exception | None = None
    for feed in feeds:
        call = _bind(subject, module, {name: value for name, value in feed.items() if name not in states})
        try:
            _run(module, slots, {}, *call.example())
        except ParityGateError:
            raise
        except Exception as error:  # noqa: BLE001  # the module's own code may raise anything
            failure = failure or error
            continue
        return call
    remedy = "Declare shapes and values that it accepts."
    raise as_error(subject, "PG406", failure or RuntimeError(), remedy) from failure


def _bind(subject: str, module: Any, feed: Mapping[str, Any]) -> Call:
    """A call by keyword, in forward's order. Raises PG206 for wrong names, PG404 for unsupported types."""
    arguments = {each.name: each for each in module.forward.schema.arguments[1:]}
    forms = {name: script_form(each.type) for name, each in arguments.items()}
    flat = bind_unnamed(feed, list(arguments))
    given = nested(subject, flat, arguments, lambda name: forms.get(name) or plain_form())
    unknown = [name for name in given if name not in arguments]
    missing = [name for name, each in arguments.items() if name not in given and not each.has_default_value()]
    if unknown or missing:
        cause = f"no argument {', '.join(unknown)}" if unknown else f"not declared: {', '.join(missing)}"
        raise _inputs_not_known(subject, module, cause)
    kinds = {name: str(each.type) for name, each in arguments.items()}
    for name in given:
        if hasattr(given[name], "dtype") and kinds[name] not in (*_TENSORS, *_NUMBERS):
            raise ParityGateError(
                "PG404", f"{subject}, argument {name}", f"a {kinds[name]} can't be a model input",
                f"Declare its parts, as {name}.0 or {name}.key, or a value that stays the same: --input {name}=None.",
            )  # fmt: skip
    call = make_call((), {name: as_values(given[name]) for name in arguments if name in given}, ())
    leaves = (replace(leaf, number=kinds.get(leaf.name or "") in _NUMBERS) for leaf in call.leaves)
    return replace(call, leaves=tuple(leaves))


def _inputs_not_known(subject: str, module: Any, cause: str) -> ParityGateError:
    arguments = module.forward.schema.arguments[1:]
    listed = ", ".join(f"{each.name}: {each.type}" for each in arguments)
    options = " ".join(_option(each) for each in arguments if not each.has_default_value())
    return ParityGateError(
        "PG206", subject, f"{cause}; its signature is forward({listed})",
        f"Declare each input, such as {options} with lengths for the dots, or give --samples with named arrays.",
    )  # fmt: skip


def _option(argument: Any) -> str:
    kind = str(argument.type)
    return f"--input {argument.name}:{_DTYPES.get(kind, 'float32')}:{'' if kind in _NUMBERS else 'batch,...'}"


_DTYPES = {"int": "int64", "float": "float64", "bool": "bool"}


def compared_numbers(module: Any) -> tuple[int, ...]:
    """Integers that forward compares something with: the values that its branches depend on."""
    graph = forward_graph(module)
    nodes = [node for kind in ("aten::eq", "aten::ne") for node in graph.findAllNodes(kind)]
    values = [each.toIValue() for node in nodes for each in node.inputs()]
    return tuple(dict.fromkeys(value for value in values if type(value) is int))[:16]


def _number_hints(module: Any, slots: tuple[Slot, ...], call: Call, constants: Sequence[int]) -> tuple[Hint, ...]:
    """For each integer among the inputs: the example's value, and those that it is compared with, if they run."""
    import torch

    hints = []
    for leaf in call.leaves:
        if leaf.name is None or not leaf.number or leaf.value.is_floating_point() or leaf.value.dtype == torch.bool:
            continue
        others = [value for value in constants if _accepts(module, slots, call, leaf.name, value)]
        hints.append(Hint(leaf.name, vocabulary=tuple(dict.fromkeys([int(leaf.value), *others]))))
    return tuple(hints)


def _accepts(module: Any, slots: tuple[Slot, ...], call: Call, name: str, number: int) -> bool:
    import torch

    changed = call.with_values(lambda other, value: torch.tensor(number) if other == name else value)
    try:
        _run(module, slots, {}, *changed.example())
    except Exception:  # noqa: BLE001  # the module's own code may raise anything
        return False
    return True


def _state_hints(module: Any, slots: tuple[Slot, ...], after: Mapping[str, Any]) -> Iterator[Hint]:
    """Integers in the state: their values before the first call and after it."""
    for slot in slots:
        if slot.kind == "int":
            yield Hint(slot.name, vocabulary=tuple(dict.fromkeys([slot.read(module), after[slot.name + NEXT]])))
