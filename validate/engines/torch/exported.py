"""Programs of torch.export: ``.pt2`` files and live ``ExportedProgram`` objects."""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ParityGateError
from ...signature import Signature
from ..base import Facts, LoadOptions
from ..names import unique
from . import graph_operators
from .axes import program_signature
from .call import Call, Leaf
from .capture import Capture
from .files.container import Container
from .files.devices import moved_note, on_cpu
from .files.pickles import guarded_torch_load
from .files.program import check_program
from .hints import program_hints
from .model import TorchModel, as_error, file_size, producer
from .outputs import output_name
from .tensors import argument_name

if TYPE_CHECKING:
    from collections.abc import Iterator


def load(source: Path | Any, options: LoadOptions) -> TorchModel:
    """Open a ``.pt2`` written by ``torch.export.save``, or take a live program.

    Raises ParityGateError PG501 for a file that would run code (unless ``options.trust``), PG402 for one that this
    version of PyTorch can't read, PG201 for an axis in ``options.axes`` that was fixed when it was exported.
    """
    subject = str(source) if isinstance(source, Path) else "ExportedProgram"
    program, moved = _read(source, options.trust) if isinstance(source, Path) else (source, ())
    call = _call(program)
    names = [name for name, _ in call.inputs]
    inputs, outputs, symbols = program_signature(program, _output_names(program), names, {})
    dynamic = {(spec.name, axis) for spec in inputs for axis, dim in enumerate(spec.shape) if isinstance(dim, str)}
    for name, axis in options.axes:
        if (name, axis) not in dynamic:
            raise ParityGateError(
                "PG201", f"--dynamic {name}:{axis}", f"{subject} was exported with this axis fixed",
                "Pass dynamic_shapes to torch.export.export.",
            )  # fmt: skip
    return TorchModel(
        program,
        call,
        Signature(inputs, outputs, bounds=_bounds(program, symbols)),
        _facts(program, source),
        hints=program_hints(program, call),
        notes=(*moved, *_range_notes(program, symbols)),
        captured=Capture(program),
        function=_as_function(program.module()),
    )


def _as_function(module: Any) -> Any:
    """A program's mode can't be changed, so its module is wrapped in a plain function, which has no mode."""
    return lambda *args, **kwargs: module(*args, **kwargs)


def _read(path: Path, trust: bool) -> tuple[Any, tuple[str, ...]]:
    """The program, and notes. It runs on the CPU, wherever it was saved."""
    import torch

    with path.open("rb") as file:
        container = Container(path, file) if not trust else None
        if container is None:
            _register_containers(path.read_bytes())
        moved, devices = (on_cpu(container) if container else None) or (file, ())
        with _guard(path, container):
            moved.seek(0)
            try:
                program = torch.export.load(moved)
            except ParityGateError:
                raise
            except Exception as error:  # PyTorch raises many kinds for a program of another version
                raise as_error(
                    str(path),
                    "PG402",
                    error,
                    f"It may have been written by another version than {producer()}: export it again with this one.",
                ) from error
    if not trust:
        graph_operators.check_program(path, program)
    return program, moved_note(devices)


def _guard(path: Path, container: Container | None) -> AbstractContextManager[None]:
    """What has to be done before the program is loaded, and while it is; nothing for a trusted one."""
    if container is None:
        return nullcontext()
    check_program(container)
    models = [name for name in container.members if name.endswith(".json") and "model" in name]
    _register_containers(b"".join(container.read(name) for name in models))
    return guarded_torch_load(path)


def _register_containers(documents: bytes) -> None:
    """Programs that take or return classes of transformers can be read only after these are registered.

    The names of its modules stand in every program of such a model, and the import takes seconds.
    """
    if any(name in documents for name in (b"transformers.modeling_outputs", b"transformers.cache_utils")):
        import transformers.modeling_outputs  # noqa: F401  # importing it registers its classes
        from transformers.integrations.executorch import register_dynamic_cache_export_support

        register_dynamic_cache_export_support()


def _call(program: Any) -> Call:
    """The program's arguments: tensors and symbolic numbers are inputs, everything else was fixed at export."""
    specs = [each for each in program.graph_signature.input_specs if each.kind.name == "USER_INPUT"]
    values = _traced(program, specs)
    paths = _paths(values, program.call_spec.in_spec)
    arguments = program.module_call_graph[0].signature.forward_arg_names or []
    labels = unique(
        (argument_name(path, arguments) or each.arg.name for path, each in zip(paths, specs, strict=True)), first=2
    )
    leaves = (
        Leaf(None, value) if _is_constant(each) else Leaf(label, value, number=not hasattr(value, "shape"))
        for label, value, each in zip(labels, values, specs, strict=True)
    )
    return Call(tuple(leaves), program.call_spec.in_spec)


def _traced(program: Any, specs: list[Any]) -> list[Any]:
    """The traced value of each argument or result: a tensor without data, a symbolic number, or the constant itself."""
    nodes = {node.name: node for node in program.graph.nodes}
    return [each.arg.value if _is_constant(each) else nodes[each.arg.name].meta["val"] for each in specs]


def _is_constant(spec: Any) -> bool:
    return hasattr(spec.arg, "value")


def _paths(values: list[Any], spec: Any) -> list[tuple[Any, ...]]:
    from torch.utils import _pytree

    return [path for path, _ in _pytree.tree_flatten_with_path(_pytree.tree_unflatten(values, spec))[0]]


def _output_names(program: Any) -> list[str]:
    """Names of the tensor outputs, in order; constants among the outputs are left out."""
    specs = [each for each in program.graph_signature.output_specs if each.kind.name == "USER_OUTPUT"]
    paths = _paths(_traced(program, specs), program.call_spec.out_spec)
    named = [(path, each) for path, each in zip(paths, specs, strict=True) if not _is_none(each)]
    names = unique((output_name(path) for path, _ in named), first=2)
    return [name for name, (_, each) in zip(names, named, strict=True) if not _is_constant(each)]


def _is_none(spec: Any) -> bool:
    return _is_constant(spec) and spec.arg.value is None


def _range_notes(program: Any, symbols: dict[str, str]) -> Iterator[str]:
    """Sentences about the limits of the program's dynamic axes."""
    for name, (low, high) in _bounds(program, symbols).items():
        yield f"the program accepts {name} from {low}" + (f" to {high}" if high is not None else "")


def _bounds(program: Any, symbols: dict[str, str]) -> dict[str, tuple[int, int | None]]:
    """Axis -> its lowest and highest length, for axes whose limits differ from the usual "two or more"."""
    bounds: dict[str, tuple[int, int | None]] = {}
    for symbol, limits in program.range_constraints.items():
        name, low, high = symbols.get(str(symbol)), int(limits.lower), str(limits.upper)
        if name and (high.isdigit() or low > 2):
            bounds[name] = (low, int(high) if high.isdigit() else None)
    return bounds


def _facts(program: Any, source: Any) -> Facts:
    operators = Counter(
        node.target.__name__.split(".")[0]
        for module in program.graph_module.modules()
        if hasattr(module, "graph")
        for node in module.graph.nodes
        if node.op == "call_function"
    )
    return Facts(
        format="torch.export program",
        producer=producer(),
        operators=dict(operators),
        parameters=sum(each.numel() for each in program.parameters()),
        size=file_size(source),
    )
