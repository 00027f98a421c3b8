"""The outputs of a PyTorch model's modules, by forward hooks, or of a program's operators, by interpreting it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .layers import LayerValue, Recorder

if TYPE_CHECKING:
    from ...engines.torch.model import TorchModel
    from ...signature import Array, Feed


def trace(model: TorchModel, feed: Feed) -> tuple[dict[str, Array], list[LayerValue]]:
    """The outputs of the model and of its modules or operators. TorchScript runs without Python and isn't traced."""
    import torch

    recorder = Recorder()
    if isinstance(model.native, torch.export.ExportedProgram):
        _interpret(model, feed, recorder)
        return model.run(feed), recorder.layers
    if isinstance(model.native, torch.jit.ScriptModule) or not isinstance(model.native, torch.nn.Module):
        return model.run(feed), []
    with _hooked(model.native, recorder):
        return model.run(feed), recorder.layers


@contextmanager
def _hooked(module: Any, recorder: Recorder) -> Iterator[None]:
    handles = [inner.register_forward_hook(_hook(path, recorder)) for path, inner in module.named_modules() if path]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _hook(path: str, recorder: Recorder) -> Any:
    def record(module: Any, _arguments: Any, result: Any) -> None:
        recorder.add(path, type(module).__name__, (path,), _arrays(result))

    return record


def _interpret(model: TorchModel, feed: Feed, recorder: Recorder) -> None:
    """Run the program operator by operator; its placeholders are the flattened arguments."""
    import torch
    from torch.utils import _pytree

    class RecordingInterpreter(torch.fx.Interpreter):  # type: ignore[misc]  # PyTorch ships no types for it here
        def run_node(self, node: Any) -> Any:
            result = super().run_node(node)
            if node.op == "call_function":
                path, kind = _module_of(node), str(node.target)
                name = f"{path}/{node.name}" if path else node.name
                recorder.add(name, kind.removesuffix(".default"), (node.name, path), _arrays(result))
            return result

    arguments = _pytree.tree_leaves(model.call.fill(feed))
    with torch.no_grad():
        RecordingInterpreter(model.native.module()).run(*arguments, enable_io_processing=False)


def _module_of(node: Any) -> str:
    """The path of the innermost module that contains an operator; PyTorch may prefix it with ``L['self']``."""
    stack = list(node.meta.get("nn_module_stack", {}).values())
    return str(stack[-1][0]).removeprefix("L['self']").removeprefix(".") if stack else ""


def _arrays(result: Any) -> list[Array]:
    import torch
    from torch.utils import _pytree

    tensors = [each for each in _pytree.tree_leaves(result) if isinstance(each, torch.Tensor)]
    known = (torch.float16, torch.float32, torch.float64)
    return [each.detach().numpy() for each in tensors if each.dtype in known and not each.is_sparse]
