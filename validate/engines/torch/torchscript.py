"""TorchScript: files by ``torch.jit.save`` and live ``ScriptModule`` objects, scripted or traced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ParityGateError
from ...signature import Hint, Signature
from ..base import Facts, LoadOptions
from .axes import wanted_axes
from .call import Call, Leaf, inference, named_outputs, output_array
from .common import file_size, producer, to_tensor
from .guess import examples
from .hints import script_hints
from .model import TorchModel, fails, mode_notes, module_facts
from .probe import probed_signature
from .state import NEXT, Slot, find_slots, forward_graph, with_state

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
        """Call forward with the feed's inputs, from the feed's state."""
        state = {slot.name: to_tensor(feed[slot.name]) for slot in self.slots}
        args, kwargs = self.call.fill(feed)
        found = _run(self.native, self.slots, state, args, kwargs)
        return {spec.name: output_array(spec.name, found[spec.name]) for spec in self.signature.outputs}


def load(source: Path | Any, options: LoadOptions) -> ScriptModel:
    """Open a TorchScript file or take a live module; shapes come from ``options.inputs`` or ``options.example``.

    Raises ParityGateError PG402 for a file that PyTorch can't read, PG206 when the inputs aren't known, PG404 for
    arguments that are neither tensors nor numbers, PG406 when the module doesn't take its inputs.
    """
    module, subject = (_read(source), str(source)) if isinstance(source, Path) else (source, type(source).__name__)
    slots = find_slots(subject, module)
    constants = compared_numbers(module)
    call = _find_call(subject, module, slots, options, constants)
    hints = script_hints(module) + _number_hints(module, slots, call, constants)
    return _describe(subject, module, slots, call, options, hints, source)


def _read(path: Path) -> Any:
    import torch

    try:
        return torch.jit.load(str(path), map_location="cpu")
    except RuntimeError as error:
        raise fails(str(path), "PG402", error) from error


def _describe(
    subject: str,
    module: Any,
    slots: tuple[Slot, ...],
    call: Call,
    options: LoadOptions,
    hints: tuple[Hint, ...],
    source: Any,
) -> ScriptModel:
    """Probe the module at its example and around it."""

    def run(given: Call) -> dict[str, Any]:
        return _run(module, slots, {}, *given.example())

    values = run(call)
    axes = wanted_axes(subject, call, options.inputs, options.axes)
    probed = probed_signature(subject, call, values, axes, run)
    outputs = {spec.name: spec for spec in probed.outputs}
    state = tuple(replace(outputs[slot.name + NEXT], name=slot.name) for slot in slots)
    notes = mode_notes(module)
    if slots:
        names = ", ".join(slot.name for slot in slots)
        notes += (f"the module keeps state between calls; it is made inputs and outputs: {names} and ..{NEXT}",)
    if axes and not any(isinstance(dim, str) for spec in probed.inputs for dim in spec.shape or ()):
        notes += ("the batch size is fixed: the module doesn't take a longer leading axis in all inputs",)
    return ScriptModel(
        module, call, slots, Signature(probed.inputs + state, probed.outputs),
        module_facts("TorchScript", producer(), module, file_size(source)),
        hints=hints + tuple(_state_hints(module, slots, values)), notes=notes,
    )  # fmt: skip


def _run(
    module: Any, slots: tuple[Slot, ...], state: Mapping[str, Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Outputs and next states by name. A state that isn't given is the module's own."""
    with inference(module), with_state(module, slots, state):
        found = named_outputs(module(*args, **kwargs))
        return found | {slot.name + NEXT: slot.read(module) for slot in slots}


def _find_call(
    subject: str, module: Any, slots: tuple[Slot, ...], options: LoadOptions, constants: Sequence[int]
) -> Call:
    """The user's example, or the first guess for the declared inputs that the module takes."""
    own = {slot.name for slot in slots}
    specs = tuple(spec for spec in options.inputs if spec.name not in own)
    feeds = (
        [options.example] if options.example is not None else list(examples(specs, (0, 1, *constants)) if specs else ())
    )
    if not feeds:
        raise _not_known(subject, module, "TorchScript doesn't state the shapes of its inputs")
    failure: Exception | None = None
    for feed in feeds:
        call = _bind(subject, module, {name: array for name, array in feed.items() if name not in own})
        try:
            _run(module, slots, {}, *call.example())
        except ParityGateError:
            raise
        except Exception as error:  # noqa: BLE001  # TorchScript's errors are as manifold as the module's own code
            failure = failure or error
            continue
        return call
    raise fails(subject, "PG406", failure or RuntimeError(), "Declare shapes and values that it takes.") from failure


def _bind(subject: str, module: Any, feed: Mapping[str, Array]) -> Call:
    """A call by keyword, in forward's order. Raises PG206 for names that don't fit, PG404 for types that can't."""
    from torch.utils import _pytree

    arguments = {each.name: each for each in module.forward.schema.arguments[1:]}
    feed = _renamed(feed, list(arguments))
    strangers = [name for name in feed if name not in arguments]
    missing = [name for name, each in arguments.items() if name not in feed and not each.has_default_value()]
    if strangers or missing:
        cause = f"no argument {', '.join(strangers)}" if strangers else f"nothing is said about {', '.join(missing)}"
        raise _not_known(subject, module, cause)
    leaves = []
    for name, each in arguments.items():
        kind = str(each.type)
        if name in feed and kind not in (*_TENSORS, *_NUMBERS):
            raise ParityGateError("PG404", f"{subject}, argument {name}", f"a {kind} can't be an ONNX input")
        if name in feed:
            leaves.append(Leaf(name, to_tensor(feed[name]), number=kind in _NUMBERS))
    _, spec = _pytree.tree_flatten(((), {leaf.name: leaf.value for leaf in leaves}))
    return Call(tuple(leaves), spec)


def _renamed(feed: Mapping[str, Array], names: list[str]) -> Mapping[str, Array]:
    """Samples from a file without names (``input_0``) are bound in order."""
    nameless = all(name.startswith("input_") and name not in names for name in feed)
    return dict(zip(names, feed.values(), strict=False)) if nameless and len(feed) <= len(names) else feed


def _not_known(subject: str, module: Any, cause: str) -> ParityGateError:
    arguments = module.forward.schema.arguments[1:]
    listed = ", ".join(f"{each.name}: {each.type}" for each in arguments)
    options = " ".join(_option(each) for each in arguments if not each.has_default_value())
    return ParityGateError(
        "PG206", subject, f"{cause}; it takes forward({listed})",
        f"Declare each input, such as {options} with its lengths for the dots, or give --samples with named arrays.",
    )  # fmt: skip


def _option(argument: Any) -> str:
    kind = str(argument.type)
    return f"--input {argument.name}:{_DTYPES.get(kind, 'float32')}:{'' if kind in _NUMBERS else 'batch,...'}"


_DTYPES = {"int": "int64", "float": "float64", "bool": "bool"}


def compared_numbers(module: Any) -> tuple[int, ...]:
    """Integers that forward compares with something: the values by which it chooses its way."""
    graph = forward_graph(module)
    nodes = [node for kind in ("aten::eq", "aten::ne") for node in graph.findAllNodes(kind)]
    values = [each.toIValue() for node in nodes for each in node.inputs()]
    return tuple(dict.fromkeys(value for value in values if type(value) is int))[:16]


def _number_hints(module: Any, slots: tuple[Slot, ...], call: Call, constants: Sequence[int]) -> tuple[Hint, ...]:
    """For each whole number among the inputs: the example's value, and those it is compared with that run too."""
    import torch

    hints = []
    for leaf in call.leaves:
        if leaf.name is None or not leaf.number or leaf.value.is_floating_point() or leaf.value.dtype == torch.bool:
            continue
        others = [value for value in constants if _takes(module, slots, call, leaf.name, value)]
        hints.append(Hint(leaf.name, vocabulary=tuple(dict.fromkeys([int(leaf.value), *others]))))
    return tuple(hints)


def _takes(module: Any, slots: tuple[Slot, ...], call: Call, name: str, number: int) -> bool:
    import torch

    changed = call.with_values(lambda other, value: torch.tensor(number) if other == name else value)
    try:
        _run(module, slots, {}, *changed.example())
    except Exception:  # noqa: BLE001  # whatever the module raises means no
        return False
    return True


def _state_hints(module: Any, slots: tuple[Slot, ...], after: Mapping[str, Any]) -> Iterator[Hint]:
    """Numbers in the state: what they are before the first call and after it."""
    for slot in slots:
        if slot.kind == "int":
            yield Hint(slot.name, vocabulary=tuple(dict.fromkeys([slot.read(module), after[slot.name + NEXT]])))
